"""The autoencoders. Each is a `keras.Model` with a built `encoder` and `decoder`."""

from kerasae.models.autoencoder import Autoencoder
from kerasae.models.conv import ConvAutoencoder
from kerasae.models.dense import DenseAutoencoder, LinearAutoencoder, SparseAutoencoder
from kerasae.models.variational import Posterior, VariationalAutoencoder

__all__ = [
    "Autoencoder",
    "ConvAutoencoder",
    "DenseAutoencoder",
    "LinearAutoencoder",
    "Posterior",
    "SparseAutoencoder",
    "VariationalAutoencoder",
]
