"""Families of autoencoders. Each model is a `keras.Model` with a built `encoder` and a built `decoder`."""

from kerasae.models.adversarial import AdversarialAutoencoder
from kerasae.models.base import Autoencoder
from kerasae.models.conditional import ConditionalVariationalAutoencoder
from kerasae.models.conv import ConvAutoencoder, TransposedConvAutoencoder
from kerasae.models.dense import DenseAutoencoder, LinearAutoencoder, SparseAutoencoder
from kerasae.models.ensemble import EnsembleAutoencoder
from kerasae.models.loss_weights import LossWeight
from kerasae.models.pca_residual import PCAResidualAutoencoder
from kerasae.models.prior import Posterior
from kerasae.models.residual import ResidualAutoencoder, ResidualVariationalAutoencoder
from kerasae.models.topk import TopKAutoencoder
from kerasae.models.vaegan import VAEGAN
from kerasae.models.variational import (
    ConvVariationalAutoencoder,
    VariationalAutoencoder,
)
from kerasae.models.vector_quantized import VectorQuantizedAutoencoder
from kerasae.models.vqvae import VQVAE

__all__ = [
    "VAEGAN",
    "VQVAE",
    "AdversarialAutoencoder",
    "Autoencoder",
    "ConditionalVariationalAutoencoder",
    "ConvAutoencoder",
    "ConvVariationalAutoencoder",
    "DenseAutoencoder",
    "EnsembleAutoencoder",
    "LinearAutoencoder",
    "LossWeight",
    "PCAResidualAutoencoder",
    "Posterior",
    "ResidualAutoencoder",
    "ResidualVariationalAutoencoder",
    "SparseAutoencoder",
    "TopKAutoencoder",
    "TransposedConvAutoencoder",
    "VariationalAutoencoder",
    "VectorQuantizedAutoencoder",
]
