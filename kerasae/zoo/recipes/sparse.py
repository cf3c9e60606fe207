"""Recipes of autoencoders with sparse codes."""

from kerasae import models
from kerasae.zoo.recipes.recipe import BCE, IMAGE, NATIVE, Recipe, Reference, Schedule

ROWS = (
    Recipe(
        name="sparse_mnist",
        description="Dense autoencoder with an L1 penalty on the code, averaged over the batch as Keras does",
        source="Sparse autoencoder, CS294A lecture notes (A. Ng, 2011)",
        data="mnist",
        model=lambda: models.SparseAutoencoder(IMAGE, 1e-5, hidden_units=(64, 48, 32), latent_dim=16),
        loss=BCE,
        shown="joint",
        headline="bce",
        written=Schedule(epochs=200, batch_size=256, learning_rate=3e-4),
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        references=(
            Reference("bce", 0.10593, NATIVE),
            Reference("mean_absolute_code", 2.71, NATIVE),
        ),
    ),
    Recipe(
        name="topk_mnist",
        description="Sparse autoencoder with a dictionary of 1,024 atoms, of which each image uses 32",
        source="k-Sparse autoencoders (Makhzani & Frey, 2014); Scaling and evaluating sparse autoencoders (Gao et al., "
        "2024): the loss against dead units",
        data="mnist",
        model=lambda: models.TopKAutoencoder(IMAGE, 1024, 32),
        loss="mean_squared_error",
        written=Schedule(epochs=30, batch_size=128, decay="cosine"),
        headline="mse",
    ),
)
