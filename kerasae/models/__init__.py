"""The autoencoders. Each is a `keras.Model` with a built `encoder` and `decoder`."""

from kerasae.models.adversarial import VAEGAN, AdversarialAutoencoder
from kerasae.models.base import Autoencoder
from kerasae.models.conv import ConvAutoencoder, TransposedConvAutoencoder
from kerasae.models.dense import DenseAutoencoder, LinearAutoencoder, SparseAutoencoder
from kerasae.models.variational import (
    ConditionalVariationalAutoencoder,
    ConvVariationalAutoencoder,
    Posterior,
    VariationalAutoencoder,
)

__all__ = [
    "VAEGAN",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalVariationalAutoencoder",
    "ConvAutoencoder",
    "ConvVariationalAutoencoder",
    "DenseAutoencoder",
    "LinearAutoencoder",
    "Posterior",
    "SparseAutoencoder",
    "TransposedConvAutoencoder",
    "VariationalAutoencoder",
]
