"""Entries of the training benchmark: model, data, schedule and target loss of each. Needs no framework."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the benchmark.

    Attributes:
        name: Name of the recipe whose model, loss and data are used.
        network: Name of the network in the hand-written loops.
        images: Number of training images, the first ones; None for all.
        batch_size: Number of images per batch.
        epochs: Number of epochs per call, all timed.
        reach: Validation loss for the figure "seconds to loss".
        learning_rate: Learning rate of Adam.
        validated: Whether the validation loss is computed after every epoch, as part of the time.
        rounds: Largest number of calls.
        sizes: Hidden units and code size of a `VariationalAutoencoder` without a recipe, or None.
        backend: The only backend that it is measured on, or None for all.
        long: Whether it is measured only if named on the command line.
        tolerance: Allowed relative difference between the mean losses per call of kerasae and the hand-written loop.
    """

    name: str
    network: str
    images: int | None
    batch_size: int
    epochs: int
    reach: float
    learning_rate: float = 1e-3
    validated: bool = False
    rounds: int = 9
    sizes: tuple[int, int] | None = None
    backend: str | None = None
    long: bool = False
    tolerance: float = 0.02


HELD_OUT = 2000  # number of test images for the validation loss

# Convolutions and wide layers are slow on a CPU; a thousand images are enough for a ratio.
ENTRIES = (
    Entry("dense8_mnist", "dense", None, batch_size=64, epochs=2, reach=26.0, tolerance=0.06),
    Entry("vae_mnist", "variational", None, batch_size=128, epochs=2, reach=120.0),
    Entry("aae_mnist", "adversarial", 3_000, batch_size=100, epochs=17, reach=0.25, rounds=4, tolerance=0.25),
    Entry("conv_mnist", "convolutional", 768, batch_size=256, epochs=1, reach=0.3, rounds=4),
    Entry("conv32_mnist", "transposed", 2_560, batch_size=128, epochs=1, reach=0.3, rounds=4),
    Entry("vae2_mnist", "convolutional variational", 2_560, batch_size=128, epochs=1, reach=250.0, rounds=4),
    Entry("deep_sine", "sine", None, 30, 200, 0.01, 3e-3, validated=True, rounds=3, tolerance=0.2),
    Entry("vae8_mnist", "variational", 20_000, 128, epochs=2, reach=150.0, sizes=(512, 8), backend="torch", rounds=4),
    Entry("overfit_sine", "sine", None, 15, 200, 0.01, 3e-4, True, 1, backend="jax", long=True, tolerance=0.2),
)
