"""Recipes of dense autoencoders of images."""

from kerasae import models
from kerasae.zoo.recipes.recipe import (
    BCE,
    HABR_50,
    HABR_100,
    HABR_SOURCE,
    HINTON,
    HINTON_30,
    IMAGE,
    NATIVE,
    SMALL,
    SRIVASTAVA,
    SSE,
    Recipe,
    Reference,
    Schedule,
)

ROWS = (
    Recipe(
        name="dense_mnist",
        description="Deep dense autoencoder, code size 16",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (64, 48, 32), 16),
        loss=BCE,
        shown="joint",
        headline="bce",
        written=Schedule(epochs=100, batch_size=64, learning_rate=3e-4),
        shipped=Schedule(epochs=400, batch_size=64, decay="cosine"),
        selection="Number of epochs confirmed on the last 5,000 training images: BCE 0.0953 ± 0.0004 over three seeds, "
        "0.0965 with half as many epochs. The weights were trained by the same schedule on all 60,000 images; "
        "test BCE of the three seeds: 0.0940 ± 0.0005.",
        references=(
            Reference("bce", 0.10453, NATIVE),
            Reference("mse", 0.0141, NATIVE),
        ),
    ),
    Recipe(
        name="dense8_mnist",
        description="Deep dense autoencoder, code size 8",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (128, 64, 32), 8),
        loss=SSE,
        written=Schedule(epochs=5, batch_size=64),
        shown="interpolation",
        headline="mse",
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        selection="Number of epochs confirmed on the last 5,000 training images: MSE 0.01571 ± 0.00004 over three "
        "seeds, 0.01595 with half as many epochs. The weights were trained by the same schedule on all 60,000 images; "
        "test MSE of the three seeds: 0.01575 ± 0.00005.",
        references=(
            Reference("mse", 0.02437, NATIVE),
            Reference("forest_accuracy", 0.809, NATIVE),
        ),
    ),
    Recipe(
        name="dense2_mnist",
        description="Deep dense autoencoder, code size 2: a map of digits",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (128, 64, 32), 2),
        loss=SSE,
        written=Schedule(epochs=5, batch_size=64),
        headline="mse",
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        selection="Number of epochs confirmed on the last 5,000 training images: MSE 0.0323 ± 0.0001 over three seeds, "
        "0.03291 with half as many epochs. The weights were trained by the same schedule on all 60,000 "
        "images; test MSE of the three seeds: 0.03312 ± 0.00009.",
        references=(
            Reference("mse", 0.03995, NATIVE),
            Reference("forest_accuracy", 0.703, NATIVE),
        ),
    ),
    Recipe(
        name="dense49_mnist",
        description="Dense autoencoder with one layer on each side, code size 49",
        source=HABR_SOURCE,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (), 49, code_activation="relu"),
        loss=BCE,
        shown="beside_pca",
        headline="bce",
        written=Schedule(epochs=50, batch_size=256),
        shipped=Schedule(epochs=400, batch_size=128, decay="cosine"),
        selection="Learning rate, initializer and weight decay by the BCE on the last 5,000 training images after 60 "
        "epochs.",
        references=(Reference("bce", 0.0777, HABR_50),),
    ),
    Recipe(
        name="deep49_mnist",
        description="Deep dense autoencoder, code size 49",
        source=HABR_SOURCE,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (147, 98), 49),
        loss=BCE,
        shown="beside_pca",
        headline="bce",
        written=Schedule(epochs=100, batch_size=256),
        shipped=Schedule(epochs=350, batch_size=128, decay="cosine"),
        selection="Learning rate as for dense49_mnist. The number of epochs was set beforehand.",
        references=(Reference("bce", 0.0720, HABR_100),),
    ),
    Recipe(
        name="deep30_mnist",
        description="Deep dense autoencoder with SiLU, code size 30",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (560, 300), 30, activation="silu"),
        loss="mean_squared_error",
        shown="beside_pca",
        headline="mse",
        # The publication trains restricted Boltzmann machines, then all layers by conjugate gradients. This is ours.
        written=Schedule(epochs=60, batch_size=128),
        shipped=Schedule(epochs=250, batch_size=128, learning_rate=4e-3, decay="cosine", epsilon=1e-10),
        selection="Trained on the first 55,000 images by `tools/long_training.py`, not by `kerasae train`: it moves "
        "half of the images by up to one pixel. Layers, activation function and learning rate by the MSE on the last "
        "5,000 training images after 24 epochs: 0.0036 with these, 0.0039 with a learning rate of 0.002, 0.0042 with "
        "0.001; with 0.001 also 0.0044 with GELU, 0.0047 with ReLU; 0.0046 with layers of 520, 300 and 150 units. It "
        "is 0.0028 after 250 epochs. The layers have about half as many weights as the published ones, which keeps the "
        "package small.",
        references=(Reference("mse", 0.00383, HINTON_30),),
    ),
    Recipe(
        name="shallow256_mnist",
        description="Wide and shallow dense autoencoder, code size 256",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (512,), 256, kernel_initializer="he_normal"),
        loss="mean_squared_error",
        written=Schedule(epochs=20, batch_size=128, epsilon=1e-8),
        shown="errors",
        headline="mse",
        shipped=Schedule(
            epochs=80,
            batch_size=128,
            decay="cosine",
            epsilon=1e-10,
            first_epochs=50,
            first_loss="bce",
        ),
        selection="Loss of the first epochs and learning rate by the MSE on the last 5,000 training images.",
        references=(Reference("mse", 0.00208, NATIVE),),
    ),
    Recipe(
        name="shallow2_mnist",
        description="Wide and shallow dense autoencoder, code size 2",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (512,), 2, kernel_initializer="he_normal"),
        loss="mean_squared_error",
        written=Schedule(epochs=80, batch_size=128),
        headline="mse",
        shipped=Schedule(epochs=960, batch_size=64, decay="cosine", epsilon=1e-10, first_epochs=480, first_loss="bce"),
        selection="Trained on the first 55,000 images by `tools/long_training.py`, not by `kerasae train`: it "
        "moves half of the inputs by up to one pixel and drops 20 % of the encoder's hidden units, since this "
        "network overfits. Moves, dropout, learning rate and number of epochs by the MSE on the last 5,000 training "
        "images: 0.0381 after 60, 0.0365 after 240, 0.0361 after 480, 0.0360 after 960 epochs; 0.0373 after 240 with a "
        "learning rate of 0.004. A training of 480 epochs on all 60,000 images was not taken, since it spread the "
        "codes over 300 units and crowded most classes into a corner; its test MSE was 0.0372.",
        references=(
            Reference("mse", 0.03949, NATIVE),
            Reference("forest_accuracy", 0.735, NATIVE),
        ),
    ),
    Recipe(
        name="dropout64_mnist",
        description="Dense autoencoder 784-64-64-64-784 with 80 % dropout on the code of 64 numbers",
        source=SRIVASTAVA,
        data="mnist",
        model=lambda: models.DenseAutoencoder(
            IMAGE,
            (64,),
            64,
            output_activation="linear",
            code_dropout=0.8,
            weight_penalty=1e-2,
            kernel_initializer=SMALL,
        ),
        loss="mean_squared_error",
        written=Schedule(epochs=50, batch_size=256),
        shown="filters",
        headline="mse",
        shipped=Schedule(epochs=150, batch_size=256, decay="cosine"),
        selection="Number of epochs confirmed on the last 5,000 training images: MSE 0.0289 ± 0.0001 over three seeds, "
        "0.02971 with half as many epochs. The weights were trained by the same schedule on all 60,000 images; "
        "test MSE of the three seeds: 0.0288 ± 0.0001.",
        references=(Reference("mse", 0.02987, NATIVE),),
    ),
    Recipe(
        name="dropout128_mnist",
        description="Dense autoencoder 784-256-128-256-784 with 80 % dropout on the code of 128 numbers",
        source=SRIVASTAVA,
        data="mnist",
        model=lambda: models.DenseAutoencoder(
            IMAGE, (256,), 128, output_activation="linear", code_dropout=0.8, weight_penalty=1e-4
        ),
        loss="mean_squared_error",
        written=Schedule(epochs=50, batch_size=256, epsilon=1e-8),
        shown="projections",
        headline="mse",
        shipped=Schedule(epochs=50, batch_size=256, decay="cosine", epsilon=1e-8),
        selection="Trained on the first 55,000 images. Of seeds 0, 1 and 2 the best by the MSE on the last 5,000 "
        "(0.0227, 0.0218, 0.0223); half as many epochs had 0.0227.",
        references=(Reference("mse", 0.02194, NATIVE),),
        seed=1,
    ),
    Recipe(
        name="dense_fashion",
        description="Deep dense autoencoder of clothes, code size 20",
        source=HINTON,
        data="fashion_mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (256, 128), 20),
        loss=BCE,
        written=Schedule(epochs=100, batch_size=512),
        headline="bce",
        shipped=Schedule(epochs=200, batch_size=128, decay="cosine"),
        selection="Number of epochs confirmed on the last 5,000 training images: BCE 0.2693 ± 0.0002 over three seeds, "
        "0.2703 with half as many epochs. The weights were trained by the same schedule on all 60,000 images; "
        "test BCE of the three seeds: 0.2698 ± 0.0002.",
        references=(
            Reference("bce", 0.27379, NATIVE),
            Reference("mse", 0.01021, NATIVE),
        ),
    ),
)
