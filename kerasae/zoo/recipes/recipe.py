"""The types of a recipe, and the settings and sources that several rows share."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import keras

from kerasae import models
from kerasae.losses import PerImage

IMAGE = (28, 28, 1)
BCE = keras.losses.BinaryCrossentropy(from_logits=True)
# Uniform in ±1/√(inputs), as in PyTorch: lower loss than Glorot's on held-out images for the narrow network.
SMALL = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
SSE = PerImage("mean_squared_error", pixel_reduction="sum")

HINTON = "Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)"
KRAMER = "Nonlinear principal component analysis using autoassociative neural networks (Kramer, 1991)"
KINGMA = "Auto-Encoding Variational Bayes (Kingma & Welling, 2013)"
SRIVASTAVA = "Dropout: a simple way to prevent neural networks from overfitting (Srivastava et al., 2014)"
VALDARRAMA = "Convolutional autoencoder for image denoising, keras.io code example (S. L. Valdarrama, 2021)"
VINCENT = "Extracting and composing robust features with denoising autoencoders (Vincent et al., 2008)"

# Sources of `references`.
NATIVE = "the written recipe in a loop written by hand in PyTorch, one run"
HABR = "Autoencoders in Keras, part 1 (Habr, 2017), validation on the test set, 64 epochs"
PYTORCH = "pytorch/examples, vae, after 10 epochs"
CHOLLET = "Variational AutoEncoder, keras.io code example (F. Chollet, 2020), on the images it was trained on"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A training schedule for Adam.

    Attributes:
        epochs, batch_size: As for `fit`.
        learning_rate: Initial learning rate.
        decay: Decay of the learning rate: `"constant"`, or `"cosine"` (to 0 at the end).
        beta_1: Adam's decay rate of the first moment.
        epsilon: Adam's epsilon; 1e-7 is Keras's default, 1e-8 PyTorch's.
        precision: Keras's dtype policy during training. The weights are float32 under each of them.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    decay: str = "constant"
    beta_1: float = 0.9
    epsilon: float = 1e-7
    precision: str = "float32"


class Reference(NamedTuple):
    """A figure of the same experiment, measured elsewhere.

    Attributes:
        key: Key of the figure in `metrics.METRICS`.
        value: Measured value.
        source: Where and how it was measured.
    """

    key: str
    value: float
    source: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The recipe of a zoo entry.

    Attributes:
        name: Name of the entry: `<model>_<data>`.
        description: One line.
        source: Title, authors and year of the publication.
        data: Name of the data set, one of `kerasae.data.NAMES`.
        model: Function that builds the untrained model.
        loss: Loss for `compile`; the default of the class if None.
        written: The published schedule.
        shipped: The schedule that trained the weights in the package, if another one gives better figures.
        headline: Key of the figure that the entry is known by.
        references: Figures of the same experiment, measured elsewhere.
        seed: Seed of the initial weights and the order of the batches.
    """

    name: str
    description: str
    source: str
    data: str
    model: Callable[[], models.Autoencoder]
    written: Schedule
    headline: str
    loss: object = None
    shipped: Schedule | None = None
    references: tuple[Reference, ...] = ()
    seed: int = 0

    def schedule(self, which: str) -> Schedule:
        """The schedule called `"written"` or `"shipped"` (the written one if the recipe has no other)."""
        if which not in ("written", "shipped"):
            raise ValueError(f"schedule must be 'written' or 'shipped'. Received: {which!r}.")
        return self.shipped if which == "shipped" and self.shipped else self.written
