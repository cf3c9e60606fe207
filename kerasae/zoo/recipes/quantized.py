"""Recipes of autoencoders whose codes are integers."""

from kerasae import models
from kerasae.zoo.recipes.recipe import BCE, IMAGE, Recipe, Schedule

ROWS = (
    Recipe(
        name="vq_mnist",
        description="Vector-quantized autoencoder: codes are 7 × 7 indices of 256 vectors, and a prior draws new ones",
        source="Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)",
        data="mnist",
        model=lambda: models.VQVAE(IMAGE, (32, 64), latent_channels=16, codebook_size=256, commitment_weight=1.0),
        loss=BCE,
        headline="mse",
        written=Schedule(epochs=2, batch_size=128),
        shipped=Schedule(epochs=15, batch_size=128, decay="cosine"),
        selection="Loss and commitment weight by MSE and codebook use on 2,000 of the last 5,000 training "
        "images, after 2 epochs of 25,600 images; the length by the time at hand.",
    ),
)
