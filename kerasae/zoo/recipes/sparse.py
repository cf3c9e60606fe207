"""Recipes of autoencoders with sparse codes."""

from kerasae import models
from kerasae.zoo.recipes.recipe import BCE, IMAGE, NATIVE, Recipe, Reference, Schedule

ROWS = (
    Recipe(
        name="sparse_mnist",
        description="Deep dense autoencoder, code size 16, with an L1 penalty that makes codes small, not sparse",
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
)
