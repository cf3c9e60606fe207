"""How each zoo entry is made: one row an entry, and `train` to follow it."""

import contextlib
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from kerasae import _checks, backends, data, layers, models
from kerasae.losses import PerImage
from kerasae.training.checkpoints import Backup

IMAGE = (28, 28, 1)
BCE = keras.losses.BinaryCrossentropy(from_logits=True)
# Uniform in ±1/√(inputs), PyTorch's start: on the held-out images it serves the narrow one better than Glorot's.
SMALL = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
SSE = PerImage("mean_squared_error", pixel_reduction="sum")

HINTON = "Reducing the dimensionality of data with neural networks (Hinton & Salakhutdinov, 2006)"
KRAMER = "Nonlinear principal component analysis using autoassociative neural networks (Kramer, 1991)"
KINGMA = "Auto-Encoding Variational Bayes (Kingma & Welling, 2013)"
SRIVASTAVA = "Dropout: a simple way to prevent neural networks from overfitting (Srivastava et al., 2014)"
VALDARRAMA = "Convolutional autoencoder for image denoising, keras.io code example (S. L. Valdarrama, 2021)"
VINCENT = "Extracting and composing robust features with denoising autoencoders (Vincent et al., 2008)"

# Where `references` come from.
NATIVE = "the written recipe in a loop written by hand in PyTorch, one run"
HABR = "Autoencoders in Keras, part 1 (Habr, 2017), validation on the test set, 64 epochs"
PYTORCH = "pytorch/examples, vae, after 10 epochs"
CHOLLET = "Variational AutoEncoder, keras.io code example (F. Chollet, 2020), on the images it was trained on"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """How long and how fast to train with Adam.

    Attributes:
        epochs, batch_size: As for `fit`.
        learning_rate: At the start.
        decay: `"constant"`, or `"cosine"` down to 0 at the end.
        beta_1: Adam's decay of the mean of past gradients.
        epsilon: Adam's; 1e-7 is Keras's default, 1e-8 PyTorch's.
        precision: Keras's dtype policy while training. Weights are float32 under all of them.
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
        key: Of the figure, as in `evaluation.figures`.
        value: What was measured.
        source: Where and how.
    """

    key: str
    value: float
    source: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One zoo entry.

    Attributes:
        name: Of the entry: `<model>_<data>`.
        description: One line.
        source: Title, authors, year.
        data: One of `kerasae.data.NAMES`.
        model: Makes the untrained model.
        loss: As `compile` takes it; the class's own if None.
        written: The schedule as its source writes it.
        shipped: The one that made the shipped weights, if another does better.
        headline: The figure that the entry is known by, a key of `evaluation.figures`.
        references: The same experiment elsewhere.
        seed: Of the initial weights and the order of the batches.
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
        """The schedule called `"written"` or `"shipped"` (the written one where no other is needed)."""
        if which not in ("written", "shipped"):
            raise ValueError(f"schedule must be 'written' or 'shipped'. Received: {which!r}")
        return self.shipped if which == "shipped" and self.shipped else self.written


def _deep_sine() -> models.Autoencoder:
    return models.DenseAutoencoder((2,), (64, 64), 1, activation="elu", output_activation="linear", value_range=None)


_ROWS = (
    Recipe(
        name="linear_sine",
        description="Linear autoencoder of a noisy sine: PCA, found by gradient descent",
        source="Neural networks and principal component analysis (Baldi & Hornik, 1989)",
        data="sine",
        model=lambda: models.LinearAutoencoder((2,)),
        loss="mean_squared_error",
        headline="mse",
        written=Schedule(epochs=15, batch_size=30, learning_rate=0.01),
        shipped=Schedule(epochs=150, batch_size=30, learning_rate=0.01, decay="cosine"),
        seed=3,  # after 15 epochs the error still depends on the start: 0.0171 to 0.0316 over seeds 0 to 7
        references=(Reference("mse", 0.01738, NATIVE),),
    ),
    Recipe(
        name="deep_sine",
        description="Deep autoencoder of a noisy sine: a curved line through the points",
        source=KRAMER,
        data="sine",
        model=_deep_sine,
        loss="mean_squared_error",
        headline="rms_distance",
        written=Schedule(epochs=200, batch_size=30, learning_rate=0.003),
        references=(
            Reference("mse", 0.00237, NATIVE),
            Reference("rms_distance", 0.02185, NATIVE),
        ),
    ),
    Recipe(
        name="overfit_sine",
        description="The deep one, trained on 25 points only: it goes through every one and leaves the sine",
        source=KRAMER,
        data="sine_excerpt",
        model=_deep_sine,
        loss="mean_squared_error",
        headline="rms_distance",
        written=Schedule(epochs=200, batch_size=15, learning_rate=3e-4),
    ),
    Recipe(
        name="dense_mnist",
        description="Deep dense autoencoder, 16 numbers a digit",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (64, 48, 32), 16),
        loss=BCE,
        headline="bce",
        written=Schedule(epochs=100, batch_size=64, learning_rate=3e-4),
        shipped=Schedule(epochs=400, batch_size=64, decay="cosine"),
        references=(
            Reference("bce", 0.10453, NATIVE),
            Reference("mse", 0.0141, NATIVE),
        ),
    ),
    Recipe(
        name="sparse_mnist",
        description="The dense one with an L1 penalty on the code, averaged over the batch as Keras does",
        source="Sparse autoencoder, CS294A lecture notes (A. Ng, 2011)",
        data="mnist",
        model=lambda: models.SparseAutoencoder(IMAGE, 1e-5, hidden_units=(64, 48, 32), latent_dim=16),
        loss=BCE,
        headline="bce",
        written=Schedule(epochs=200, batch_size=256, learning_rate=3e-4),
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        references=(
            Reference("bce", 0.10593, NATIVE),
            Reference("mean_absolute_code", 2.71, NATIVE),
        ),
    ),
    Recipe(
        name="conv_mnist",
        description="Convolutional autoencoder, a 7 × 7 image as the code",
        source="Stacked convolutional auto-encoders for hierarchical feature extraction (Masci et al., 2011)",
        data="mnist",
        model=lambda: models.ConvAutoencoder(IMAGE, (128, 32), (7, 2, 7), 1),
        loss=BCE,
        headline="bce",
        written=Schedule(epochs=50, batch_size=256),
        shipped=Schedule(epochs=40, batch_size=128, learning_rate=2e-3, decay="cosine", precision="mixed_bfloat16"),
        references=(Reference("bce", 0.0693, HABR),),
    ),
    Recipe(
        name="dense8_mnist",
        description="Deep dense autoencoder, 8 numbers a digit",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (128, 64, 32), 8),
        loss=SSE,
        written=Schedule(epochs=5, batch_size=64),
        headline="mse",
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        references=(
            Reference("mse", 0.02437, NATIVE),
            Reference("forest_accuracy", 0.809, NATIVE),
        ),
    ),
    Recipe(
        name="dense2_mnist",
        description="Deep dense autoencoder, 2 numbers a digit: a map of the digits",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (128, 64, 32), 2),
        loss=SSE,
        written=Schedule(epochs=5, batch_size=64),
        headline="mse",
        shipped=Schedule(epochs=200, batch_size=64, decay="cosine"),
        references=(
            Reference("mse", 0.03995, NATIVE),
            Reference("forest_accuracy", 0.703, NATIVE),
        ),
    ),
    Recipe(
        name="shallow256_mnist",
        description="Wide and shallow, 256 numbers a digit",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (512,), 256, kernel_initializer="he_normal"),
        loss="mean_squared_error",
        written=Schedule(epochs=20, batch_size=128, epsilon=1e-8),
        headline="mse",
        shipped=Schedule(epochs=70, batch_size=128, decay="cosine", epsilon=1e-8),
        references=(Reference("mse", 0.00208, NATIVE),),
    ),
    Recipe(
        name="shallow2_mnist",
        description="Wide and shallow, 2 numbers a digit",
        source=HINTON,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (512,), 2, kernel_initializer="he_normal"),
        loss="mean_squared_error",
        written=Schedule(epochs=80, batch_size=128),
        headline="mse",
        shipped=Schedule(epochs=160, batch_size=128, decay="cosine"),
        references=(
            Reference("mse", 0.03949, NATIVE),
            Reference("forest_accuracy", 0.735, NATIVE),
        ),
    ),
    Recipe(
        name="dropout64_mnist",
        description="Four fifths of the code dropped in training: every number must do for many",
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
        headline="mse",
        shipped=Schedule(epochs=150, batch_size=256, decay="cosine"),
        references=(Reference("mse", 0.02987, NATIVE),),
    ),
    Recipe(
        name="dropout128_mnist",
        description="The same with a wider network and a weaker penalty",
        source=SRIVASTAVA,
        data="mnist",
        model=lambda: models.DenseAutoencoder(
            IMAGE, (256,), 128, output_activation="linear", code_dropout=0.8, weight_penalty=1e-4
        ),
        loss="mean_squared_error",
        written=Schedule(epochs=50, batch_size=256, epsilon=1e-8),
        headline="mse",
        shipped=Schedule(epochs=50, batch_size=256, decay="cosine", epsilon=1e-8),
        references=(Reference("mse", 0.02194, NATIVE),),
    ),
    Recipe(
        name="denoise_flip_mnist",
        description="Cleans digits, a tenth of whose pixels are inverted",
        source=VINCENT,
        data="mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (128, 64, 32), 8, noise=layers.FlipPixels(0.1)),
        loss=SSE,
        written=Schedule(epochs=5, batch_size=64),
        headline="denoised_mse",
        shipped=Schedule(epochs=300, batch_size=64, decay="cosine"),
        references=(Reference("denoised_mse", 0.02611, NATIVE),),
    ),
    Recipe(
        name="denoise_mask_mnist",
        description="Cleans digits, half of whose pixels are missing",
        source=VINCENT,
        data="mnist",
        model=lambda: models.DenseAutoencoder(
            IMAGE, (256,), 32, output_activation="linear", weight_penalty=1e-4, noise=layers.MaskPixels(0.5)
        ),
        loss="mean_squared_error",
        written=Schedule(epochs=50, batch_size=256),
        headline="denoised_mse",
        shipped=Schedule(epochs=200, batch_size=256, decay="cosine"),
        references=(
            Reference("denoised_mse", 0.01317, NATIVE),
            Reference("mse", 0.03427, NATIVE),
        ),
    ),
    Recipe(
        name="conv32_mnist",
        description="Convolutions down and transposed ones back; the code is twice as large as the image",
        source=VALDARRAMA,
        data="mnist",
        model=lambda: models.TransposedConvAutoencoder(IMAGE, (32, 32)),
        loss=BCE,
        headline="bce",
        written=Schedule(epochs=50, batch_size=128),
        shipped=Schedule(epochs=25, batch_size=128, learning_rate=2e-3, decay="cosine", precision="mixed_bfloat16"),
        references=(Reference("bce", 0.0622, VALDARRAMA),),
    ),
    Recipe(
        name="denoise_gauss_mnist",
        description="Cleans digits under Gaussian noise of deviation 0.4",
        source=VALDARRAMA,
        data="mnist",
        model=lambda: models.TransposedConvAutoencoder(IMAGE, (32, 32), noise=layers.AddGaussian(0.4)),
        loss=BCE,
        headline="denoised_bce",
        written=Schedule(epochs=100, batch_size=128),
        shipped=Schedule(epochs=36, batch_size=64, learning_rate=2e-3, decay="cosine", precision="mixed_bfloat16"),
        references=(Reference("denoised_bce", 0.0839, VALDARRAMA),),
    ),
    Recipe(
        name="dense_fashion",
        description="Deep dense autoencoder of clothes, 20 numbers a picture",
        source=HINTON,
        data="fashion_mnist",
        model=lambda: models.DenseAutoencoder(IMAGE, (256, 128), 20),
        loss=BCE,
        written=Schedule(epochs=100, batch_size=512),
        headline="bce",
        shipped=Schedule(epochs=200, batch_size=128, decay="cosine"),
        references=(
            Reference("bce", 0.27379, NATIVE),
            Reference("mse", 0.01021, NATIVE),
        ),
    ),
    Recipe(
        name="vae_mnist",
        description="Variational autoencoder of digits",
        source=KINGMA,
        data="mnist",
        model=lambda: models.VariationalAutoencoder(IMAGE, (400,), 20),
        headline="negative_elbo",
        written=Schedule(epochs=10, batch_size=128),
        shipped=Schedule(epochs=240, batch_size=128, decay="cosine"),
        references=(Reference("negative_elbo", 105.56, PYTORCH),),
    ),
    Recipe(
        name="vae_fashion",
        description="Variational autoencoder of clothes",
        source=KINGMA,
        data="fashion_mnist",
        model=lambda: models.VariationalAutoencoder(IMAGE, (128,), 10),
        headline="negative_elbo",
        written=Schedule(epochs=100, batch_size=512),
        shipped=Schedule(epochs=300, batch_size=128, decay="cosine"),
        references=(Reference("negative_elbo", 243.88, NATIVE),),
    ),
    Recipe(
        name="vae2_mnist",
        description="Convolutional variational autoencoder, 2 numbers a digit: a plane of digits",
        source=KINGMA,
        data="mnist",
        model=lambda: models.ConvVariationalAutoencoder(IMAGE, (32, 64), 3, (16,), 2),
        headline="negative_elbo",
        written=Schedule(epochs=30, batch_size=128),
        shipped=Schedule(epochs=20, batch_size=128, decay="cosine", precision="mixed_bfloat16"),
        references=(Reference("negative_elbo", 146.95, CHOLLET),),
        seed=2,  # of 0 to 3 the one whose narrow layer keeps most of its ReLUs alive in the first 300 steps
    ),
    Recipe(
        name="cvae_mnist",
        description="Variational autoencoder that is told the class: the code is the style",
        source="Semi-supervised learning with deep generative models (Kingma, Rezende, Mohamed & Welling, 2014)",
        data="mnist",
        model=lambda: models.ConditionalVariationalAutoencoder(IMAGE, 10, hidden_units=(400,), latent_dim=20),
        headline="negative_elbo",
        written=Schedule(epochs=30, batch_size=128),
        shipped=Schedule(epochs=150, batch_size=128, decay="cosine"),
    ),
    Recipe(
        name="aae_mnist",
        description="Adversarial autoencoder: codes that a discriminator can't tell from the prior",
        source="Adversarial autoencoders (Makhzani, Shlens, Jaitly, Goodfellow & Frey, 2015)",
        data="mnist",
        model=lambda: models.AdversarialAutoencoder(IMAGE, (1000, 1000), 8, discriminator_units=(1000, 1000)),
        loss=BCE,
        headline="mse",
        written=Schedule(epochs=50, batch_size=100),
        shipped=Schedule(epochs=18, batch_size=100, decay="cosine"),
    ),
    Recipe(
        name="vaegan_mnist",
        description="Variational autoencoder and generator of a GAN, whose discriminator measures the reconstruction",
        source="Autoencoding beyond pixels using a learned similarity metric (Larsen et al., 2016)",
        data="mnist",
        model=lambda: models.VAEGAN(IMAGE, (16, 32), 3, (128,), 20, discriminator_filters=(16, 32)),
        headline="sample_distance",
        written=Schedule(epochs=12, batch_size=128, decay="cosine", beta_1=0.5, precision="mixed_bfloat16"),
    ),
)
RECIPES = {recipe.name: recipe for recipe in _ROWS}


def plan(name: str, schedule: str = "written", epochs: int | None = None) -> Schedule:
    """The schedule that `train` will follow: an entry's written or shipped one, its epochs replaced if given."""
    chosen = find(name).schedule(schedule)
    return chosen if epochs is None else dataclasses.replace(chosen, epochs=_checks.positive_size("epochs", epochs))


def train(
    name: str,
    schedule: Schedule | None = None,
    seed: int | None = None,
    hold_out: int = 0,
    checkpoints: str | Path | None = None,
    callbacks=(),
    verbose="auto",
    devices: int = 1,
):
    """Follow an entry's recipe.

    Initial weights and the order of the batches come from NumPy, so that they are the same on every
    backend.

    Args:
        name: Of the entry.
        schedule: Instead of the written one; see `plan`.
        seed: Instead of the recipe's.
        hold_out: Train without the last so many training examples and validate on those. With 0,
            all are trained on and the validation figures are the test set's: to watch, not to choose by.
        checkpoints: A directory. The state is kept there after every epoch, and training that was
            broken off goes on from it. Processes that train together have one.
        callbacks, verbose: As for `fit`.
        devices: How many share each batch; on PyTorch, of as many processes under torchrun.

    Returns:
        The trained model, in float32, and Keras's `History`.

    Raises:
        ValueError: There is no such recipe, or `hold_out` leaves nothing to train on,
            or there are not so many devices.
    """
    recipe = find(name)
    schedule = schedule or recipe.written
    seed = recipe.seed if seed is None else seed
    dataset = data.named(recipe.data)
    x, y, x_val, y_val = dataset
    if not 0 <= hold_out < len(x):
        raise ValueError(f"hold_out must be from 0 to {len(x) - 1}. Received: {hold_out}")
    if hold_out:
        x, y, x_val, y_val = x[:-hold_out], y[:-hold_out], x[-hold_out:], y[-hold_out:]
    callbacks = list(callbacks)
    if checkpoints is not None:
        callbacks.append(Backup(Path(checkpoints), writes=process(devices) == 0))
    with backends.devices(devices) if devices > 1 else contextlib.nullcontext():
        model = compiled_model(recipe, schedule, len(x), seed)
        x, x_val = model.labelled(x, y), model.labelled(x_val, y_val)
        history = model.fit(
            x,
            batch_size=schedule.batch_size,
            epochs=schedule.epochs,
            validation_data=(x_val, model.target(x_val, None)),
            validation_batch_size=1000,
            callbacks=callbacks,
            seed=seed,
            verbose=verbose,
        )
    return in_float32(recipe, model), history


def process(devices: int) -> int:
    """Which this is of the processes that train together, from 0, as torchrun numbers them."""
    return int(os.environ.get("RANK", 0)) if devices > 1 else 0


def compiled_model(recipe: Recipe, schedule: Schedule, images: int, seed: int) -> models.Autoencoder:
    """The recipe's untrained model, with weights from the seed and the schedule's optimiser and precision."""
    keras.utils.set_random_seed(seed)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(schedule.precision)
    try:
        model = recipe.model()
    finally:
        keras.config.set_dtype_policy(policy)
    initialise(model, seed)
    rate: object = schedule.learning_rate
    if schedule.decay == "cosine":
        steps = schedule.epochs * -(-images // schedule.batch_size)
        rate = keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps)
    adam = keras.optimizers.Adam(
        rate,
        beta_1=schedule.beta_1,
        epsilon=schedule.epsilon,
    )
    model.compile(optimizer=adam, loss=recipe.loss)
    return model


def in_float32(recipe: Recipe, model: models.Autoencoder) -> models.Autoencoder:
    """The model as users get it: computing in float32, ready to train on with a plain Adam."""
    keras.utils.clear_session(free_memory=False)  # so that names in its files don't count earlier models
    plain = recipe.model()
    plain.set_weights(model.get_weights())
    plain.compile(optimizer="adam", loss=recipe.loss)
    return plain


def find(name: str) -> Recipe:
    """The recipe of this name, or a ValueError that lists those there are."""
    if name not in RECIPES:
        raise _checks.unknown("recipe", name, RECIPES)
    return RECIPES[name]


def initialise(model: models.Autoencoder, seed: int) -> None:
    """Draw the initial weights with NumPy, from the distributions the layers declare.

    Keras's own initialisers give other numbers on each backend for the same seed.
    """
    rng = np.random.default_rng(seed)
    for part in (part for part in model.layers if isinstance(part, keras.Model)):
        for layer in part.layers:
            if hasattr(layer, "kernel"):
                layer.kernel.assign(_draw(layer.kernel_initializer, layer.kernel.shape, rng))


def _draw(initializer, shape, rng) -> np.ndarray:
    """A sample of a Keras variance-scaling initialiser (Glorot, He, LeCun), by NumPy."""
    if not isinstance(initializer, keras.initializers.VarianceScaling):
        return keras.ops.convert_to_numpy(initializer(shape))
    receptive = int(np.prod(shape[:-2]))
    fan_in, fan_out = shape[-2] * receptive, shape[-1] * receptive
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[initializer.mode]
    deviation = np.sqrt(initializer.scale / fan)
    if initializer.distribution == "uniform":
        return rng.uniform(-1, 1, shape) * np.sqrt(3) * deviation
    if initializer.distribution == "untruncated_normal":
        return rng.normal(0, deviation, shape)
    from scipy.stats import truncnorm

    unit = truncnorm(-2, 2)
    return unit.rvs(shape, random_state=rng) * deviation / unit.std()
