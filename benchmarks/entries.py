"""What the benchmark trains: how much of it at a time, and the figures it is judged by. Needs no framework."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of the benchmark.

    Attributes:
        name: Of the recipe whose model, loss and data are used.
        network: What the loops written by hand call it.
        images: Trained on, the first of the data set's; all if None.
        batch_size: As the recipe has it.
        epochs: In one call, all timed.
        reach: The validation loss to which the seconds are counted.
        learning_rate: Of Adam.
        validated: Whether the validation loss is computed after every epoch, within the time.
        rounds: Of calls, at most.
        sizes: For a `VariationalAutoencoder` that no recipe has: hidden units and the code's.
        backend: The only one it is for.
        long: Only when asked for.
        tolerance: Between the losses of kerasae and of the loop by hand, the mean of a call's epochs, relative.
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


HELD_OUT = 2000  # of the test set's images

# Convolutions are slow on a CPU, and wide layers too: some thousand images say as much.
ENTRIES = (
    Entry("dense8_mnist", "dense", None, batch_size=64, epochs=2, reach=26.0, tolerance=0.06),
    Entry("vae_mnist", "variational", None, batch_size=128, epochs=2, reach=120.0),
    Entry("aae_mnist", "adversarial", 3_000, batch_size=100, epochs=1, reach=0.25, rounds=4, tolerance=0.25),
    Entry("conv_mnist", "convolutional", 768, batch_size=256, epochs=1, reach=0.3, rounds=4),
    Entry("deep_sine", "sine", None, 30, 200, 0.01, 3e-3, validated=True, rounds=3, tolerance=0.2),
    Entry("vae8_mnist", "variational", 20_000, 128, epochs=2, reach=150.0, sizes=(512, 8), backend="torch", rounds=4),
    Entry("overfit_sine", "sine", None, 15, 200, 0.01, 3e-4, True, 1, backend="jax", long=True, tolerance=0.2),
)
