"""The types `Recipe` and `Schedule`, and settings and sources that several recipes share."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import keras

from kerasae import models
from kerasae.losses import PerImage

IMAGE = (28, 28, 1)
BCE = keras.losses.BinaryCrossentropy(from_logits=True)
# Uniform in ±1/√fan_in, as in PyTorch. On held-out images the narrow network has a lower loss than with Glorot's.
SMALL = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
LOSSES = {"bce": BCE}  # names for `Schedule.first_loss`, besides Keras's
SSE = PerImage("mean_squared_error", pixel_reduction="sum")

HINTON = "Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)"
KRAMER = "Nonlinear principal component analysis using autoassociative neural networks (Kramer, 1991)"
KINGMA = "Auto-Encoding Variational Bayes (Kingma & Welling, 2013)"
SRIVASTAVA = "Dropout: a simple way to prevent neural networks from overfitting (Srivastava et al., 2014)"
VALDARRAMA = "Convolutional autoencoder for image denoising, keras.io code example (S. L. Valdarrama, 2021)"
VINCENT = "Extracting and composing robust features with denoising autoencoders (Vincent et al., 2008)"

# Sources of `references`.
NATIVE = "the published recipe in a hand-written PyTorch loop, one run"
HABR_SOURCE = "Autoencoders in Keras, part 1 (Habr, 2017)"
HABR_50, HABR, HABR_100 = (f"{HABR_SOURCE}, validation on the test set, {n} epochs" for n in (50, 64, 100))
HINTON_30 = f"{HINTON}: 3.00 summed over the pixels, with layers of 1000, 500 and 250 units"
PYTORCH = "pytorch/examples, vae, after 10 epochs"
CHOLLET = "Variational AutoEncoder, keras.io code example (F. Chollet, 2020), measured on its training images"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A training schedule for Adam.

    Attributes:
        epochs: Number of epochs.
        batch_size: Number of images per batch.
        learning_rate: Initial learning rate.
        decay: Decay of the learning rate: `"constant"`, or `"cosine"` (to 0 at the end).
        beta_1: Adam's decay rate of the first moment.
        epsilon: Adam's epsilon. Keras's default is 1e-7, PyTorch's 1e-8.
        precision: Keras dtype policy during training, such as `"mixed_bfloat16"`. Weights are float32 in any case.
        first_epochs, first_loss: Number of epochs at the start that are trained with another loss, a name in
            `LOSSES` or one of Keras's. The learning rate and Adam's moments start anew after them.
        initial_kl_weight, kl_weight: Weights of the KL divergence of a variational autoencoder: it changes linearly
            from the first to the second over the warm-up, and then stays. None: the model's own.
        initial_feature_weight, feature_weight: The same for the feature loss of a `VAEGAN`.
        mmd_weight: Weight of the discrepancy of a `VAEGAN` after the warm-up; during it the weight is 0.
        warm_up_epochs: Number of epochs of the warm-up, at least 1. None: half of the epochs.
        ema_momentum: Momentum of the exponential moving average of the weights, which replaces them at the end. None:
            no average.
        start: Name of the pretrained entry whose weights the training starts from. None: new weights.
        starts_at_prior: Whether the kernels that give the mean and the log-variance of a posterior start at zero, so
            that the first codes are draws from the prior. Otherwise larger random codes disturb the decoder, the
            encoder learns to make its hidden units small, and ReLUs of a narrow layer die.
    """

    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    decay: str = "constant"
    beta_1: float = 0.9
    epsilon: float = 1e-7
    precision: str = "float32"
    first_epochs: int = 0
    first_loss: str | None = None
    initial_kl_weight: float | None = None
    kl_weight: float | None = None
    initial_feature_weight: float | None = None
    feature_weight: float | None = None
    mmd_weight: float | None = None
    warm_up_epochs: int | None = None
    ema_momentum: float | None = None
    start: str | None = None
    starts_at_prior: bool = False


class Reference(NamedTuple):
    """A published or separately measured figure of the same experiment.

    Attributes:
        key: Key of the figure in `metrics.METRICS`.
        value: Measured value.
        source: Publication, or how it was measured.
    """

    key: str
    value: float
    source: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The recipe of a zoo entry.

    Attributes:
        name: Name of the entry: `<model>_<data>`.
        description: Description in one line.
        source: Title, authors and year of the publication.
        data: Name of the data set, one of `kerasae.data.NAMES`.
        model: Function that builds the untrained model.
        loss: Loss for `compile`, or None for the default of the class.
        written: Schedule of the published recipe.
        shipped: Schedule that trained the weights in the package, or None if that was the published one.
        selection: How the shipped schedule was chosen, a sentence; empty for the published schedule.
        headline: Key of the main figure.
        references: Published or separately measured figures of the same experiment.
        shown: Content of the preview picture, a key of `zoo.previews.SHOWN`, or None to derive it from the model.
        seed: Seed of the initial weights and the batch order.
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
    selection: str = ""
    references: tuple[Reference, ...] = ()
    shown: str | None = None
    seed: int = 0

    def schedule(self, which: str) -> Schedule:
        """The schedule `"written"` or `"shipped"`; a recipe without a shipped schedule gives the written one."""
        if which not in ("written", "shipped"):
            raise ValueError(f"schedule must be 'written' or 'shipped'. Received: {which!r}.")
        return self.shipped if which == "shipped" and self.shipped else self.written
