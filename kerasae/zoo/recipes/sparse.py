"""Recipes of autoencoders with sparse codes."""

from kerasae import models
from kerasae.zoo.recipes.recipe import BCE, IMAGE, NATIVE, Recipe, Reference, Schedule

MAKHZANI = "k-Sparse autoencoders (Makhzani & Frey, 2014)"

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
        selection="Number of epochs confirmed on the last 5,000 training images: BCE 0.0963 ± 0.0006 over three seeds, "
        "0.0983 with half as many epochs. The weights were trained by the same schedule on all 60,000 images; "
        "test BCE of the three seeds: 0.0949 ± 0.0006.",
        references=(
            Reference("bce", 0.10593, NATIVE),
            Reference("mean_absolute_code", 2.71, NATIVE),
        ),
    ),
    Recipe(
        name="topk_mnist",
        description="Sparse autoencoder with a dictionary of 1024 atoms: each image is a sum of 32 of them",
        source=MAKHZANI,
        data="mnist",
        model=lambda: models.TopKAutoencoder(IMAGE, 1024, 32, auxiliary_weight=1.0, auxiliary_units=64, dead_after=100),
        loss="mse",
        headline="mse",
        written=Schedule(epochs=10, batch_size=128),
        shipped=Schedule(epochs=30, batch_size=128, decay="cosine"),
        selection="Learning rate and the settings of the loss against dead units by the MSE and the dead units on the "
        "last 5,000 training images after 4 epochs.",
    ),
)
