"""Train networks of the zoo for many epochs on one CPU core, in plain JAX, with checkpoints.

    python tools/long_training.py --list
    python tools/long_training.py --train dense49 deep49 --minutes 60
    python tools/long_training.py --train dense49 --override learning_rate=0.002,epochs=20
    python tools/long_training.py --evaluate vae50_bmnist --samples 5000

Each row of `JOBS` is one training, most of them on the first 55,000 training images: the last 5,000
are held out and serve to choose between candidates. `--override` trains a candidate: it keeps only its
held-out figures, in a folder of its own, and is never measured on the test set. `--evaluate` measures a finished
job on the test set, once.

A job writes to `runs/<job>/`: `state.npz` while it trains (weights, the optimizer's averages, step, history), and at
the end `weights.npz` and `result.json`. Run the same command again to resume an interrupted job from `state.npz`.

`weights.npz` has the arrays in the order of the kerasae model's `trainable_variables`, each named
`<position> <layer>/<kernel or bias>`. Counters of random layers are not part of it.
"""

import argparse
import dataclasses
import json
import math
import os
import platform
import re
import signal
import time
from functools import partial
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optimizers

RUNS = Path(__file__).resolve().parent.parent / "runs"
PIXELS = 784
HELD_OUT = 5_000
HELD_OUT_SEED, TEST_SEED = (
    1_000_001,
    1_000_002,
)  # of the fixed binarization, and of the draws of held-out and test codes
SAVE_EVERY = 120.0  # seconds
REPORT_EVERY = 20.0  # seconds


@dataclasses.dataclass(frozen=True)
class Job:
    """One training: the network, the data, the objective and the schedule.

    Attributes:
        name: Folder below `runs/`.
        hidden_units: Sizes of the encoder's hidden layers; the decoder has them in reverse.
        latent_dim: Size of the code.
        objective: `"bce"` or `"mse"` (means per pixel), or `"elbo"` (nats per image).
        goal: Figure to reach on the test set, as text.
        activation, code_activation: Activation functions of the hidden layers and of the code.
        output: `"sigmoid"` or `"linear"`.
        initializer: `"glorot_uniform"`, `"he_normal"` or `"lecun_uniform"` (uniform in ±1/√fan_in).
        classes: Number of classes that the encoder and the decoder are conditioned on; 0 for none.
        importance_samples: Samples per image of the importance-weighted bound; 1 is the ELBO.
        doubly_reparameterized: Whether the encoder of an importance-weighted bound gets the doubly reparameterized
            gradient (Tucker, Lawson, Gu & Maddison, 2019).
        start: Job whose finished weights the training starts from; None draws new ones.
        kl_weight: Weight of the KL divergence, with one importance sample.
        initial_kl_weight: The same at the start, where the weight is to fall linearly to `kl_weight` over the first
            half of the training. A conditional model then learns to take the class from the label, not the code.
        binarize: None (gray pixels), `"dynamic"` (drawn anew for each epoch) or `"fixed"` (drawn once).
        shift: Largest random shift in each direction, in whole pixels.
        shift_probability: Share of the images that are shifted.
        shift_target: Whether the target is the shifted image or the one before the shift.
        input_dropout, dropout, code_dropout: Dropout rates of the input pixels, of the encoder's hidden layers,
            and of the code.
        weight_penalty: Weight of the mean squared kernel, summed over layers, in the loss.
        weight_decay: Decoupled weight decay of the kernels per step, times the learning rate.
        bce_epochs: How many epochs at the start minimize the binary cross-entropy instead of the objective.
        epochs, batch_size: As for Keras's `fit`, but for the last incomplete batch of an epoch, which is dropped.
        learning_rate: The optimizer's at the start; it follows a cosine to 0.
        optimizer: `"adam"` or `"soap"` (`optimizers.py`).
        epsilon: The optimizer's.
        precision: `"float32"`, or `"bfloat16"` for products of operands rounded to it while training; figures are
            measured in float32.
        seed: Seed of the initial weights, the order of the batches and all noise.
        hold_out: How many of the last training images are held out: 5,000, or 0 for a training on all of them.
    """

    name: str
    hidden_units: tuple[int, ...]
    latent_dim: int
    objective: str
    goal: str
    epochs: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    activation: str = "relu"
    code_activation: str = "linear"
    output: str = "sigmoid"
    initializer: str = "glorot_uniform"
    classes: int = 0
    importance_samples: int = 1
    doubly_reparameterized: bool = False
    start: str | None = None
    kl_weight: float = 1.0
    initial_kl_weight: float | None = None
    binarize: str | None = None
    shift: int = 0
    shift_probability: float = 1.0
    shift_target: bool = True
    input_dropout: float = 0.0
    dropout: float = 0.0
    code_dropout: float = 0.0
    weight_penalty: float = 0.0
    weight_decay: float = 0.0
    bce_epochs: int = 0
    optimizer: str = "adam"
    epsilon: float = 1e-7
    precision: str = "float32"
    seed: int = 0
    hold_out: int = HELD_OUT

    @property
    def variational(self) -> bool:
        """Whether the encoder gives a distribution of codes."""
        return self.objective == "elbo"


_VAE50 = Job(
    "vae50_bmnist",
    (200, 200),
    50,
    "elbo",
    "dynamic NLL <= 86.35, k = 5000",
    activation="tanh",
    binarize="dynamic",
    optimizer="soap",
    epochs=600,
    batch_size=200,
    learning_rate=3e-3,
    hold_out=0,
)
_ROWS = (
    Job("dense49", (), 49, "bce", "BCE <= 0.0772", code_activation="relu", epochs=400),
    Job("deep49", (147, 98), 49, "bce", "BCE <= 0.0700", epochs=350),
    Job("shallow256", (512,), 256, "mse", "MSE <= 0.00067", bce_epochs=50, epsilon=1e-10, epochs=80),
    Job(
        "dropout128",
        (256,),
        128,
        "mse",
        "MSE < 0.02194",
        output="linear",
        code_dropout=0.8,
        weight_penalty=1e-4,
        batch_size=64,
        epochs=30,
    ),
    Job(
        "shallow2_mnist",
        (512,),
        2,
        "mse",
        "MSE <= 0.0370",
        shift=1,
        shift_probability=0.5,
        shift_target=False,
        dropout=0.2,
        bce_epochs=480,
        epsilon=1e-10,
        batch_size=64,
        epochs=960,
    ),
    Job(
        "deep30_mnist",
        (560, 300),
        30,
        "mse",
        "SSE <= 3.00",
        shift=1,
        shift_probability=0.5,
        activation="silu",
        learning_rate=4e-3,
        epsilon=1e-10,
        epochs=250,
    ),
    Job(
        "cvae",
        (400,),
        20,
        "elbo",
        "samples recognized >= 0.97",
        classes=10,
        initial_kl_weight=5.0,
        kl_weight=1.2,
        epochs=80,
    ),
    _VAE50,
    dataclasses.replace(
        _VAE50,
        name="iwae5_bmnist",
        goal="dynamic NLL <= 85.18, k = 5000",
        importance_samples=5,
        doubly_reparameterized=True,
        epochs=540,
    ),
    dataclasses.replace(
        _VAE50,
        name="iwae50_bmnist",
        goal="dynamic NLL <= 84.59, k = 5000",
        importance_samples=50,
        doubly_reparameterized=True,
        start="iwae5_bmnist",
        optimizer="adam",
        epochs=8,
        learning_rate=1e-4,
    ),
)
JOBS = {job.name: job for job in _ROWS}
ACTIVATIONS = {"relu": jax.nn.relu, "silu": jax.nn.silu, "gelu": jax.nn.gelu, "tanh": jnp.tanh, "linear": lambda x: x}


# Network


def layer_shapes(job: Job) -> list[tuple[str, int, int]]:
    """Name, inputs and outputs of each dense layer, in the order of the kerasae model."""
    heads = ("mean", "log_variance") if job.variational else ("code",)
    sizes = (PIXELS + job.classes, *job.hidden_units)
    back = (job.latent_dim + job.classes, *job.hidden_units[::-1])
    return [
        *((f"encoder_{i + 1}", *pair) for i, pair in enumerate(itertools.pairwise(sizes))),
        *((head, sizes[-1], job.latent_dim) for head in heads),
        *((f"decoder_{i + 1}", *pair) for i, pair in enumerate(itertools.pairwise(back))),
        ("logits", back[-1], PIXELS),
    ]


def initial_weights(job: Job) -> list[np.ndarray]:
    """Kernels `(inputs, outputs)` and zero biases `(outputs,)`, drawn by NumPy."""
    rng = np.random.default_rng(job.seed)
    weights = []
    for _, inputs, outputs in layer_shapes(job):
        weights += [draw_kernel(job.initializer, inputs, outputs, rng), np.zeros(outputs, "float32")]
    return weights


def draw_kernel(initializer: str, inputs: int, outputs: int, rng: np.random.Generator) -> np.ndarray:
    """One kernel `(inputs, outputs)` from Keras's distribution of that name."""
    if initializer == "he_normal":
        from scipy.stats import truncnorm

        unit = truncnorm(-2, 2)
        kernel = unit.rvs((inputs, outputs), random_state=rng) * math.sqrt(2 / inputs) / unit.std()
    else:
        limit = {"glorot_uniform": math.sqrt(6 / (inputs + outputs)), "lecun_uniform": 1 / math.sqrt(inputs)}
        kernel = rng.uniform(-1, 1, (inputs, outputs)) * limit[initializer]
    return kernel.astype("float32")


def encoder_arrays(job: Job) -> int:
    """How many of the weight arrays belong to the encoder."""
    return 2 * (len(job.hidden_units) + (2 if job.variational else 1))


def bfloat16_product(a, b):
    """`a (..., m) @ b (m, n)`, both rounded to bfloat16; the sums are float32."""
    return jnp.matmul(a.astype("bfloat16"), b.astype("bfloat16"), preferred_element_type="float32")


@jax.custom_vjp
def rounded_product(x, kernel):
    """`x (..., inputs) @ kernel` of float32 arrays with the operands of each product rounded to bfloat16.

    So are those of its gradient. Processors with units for such products take half the time for a training step.
    """
    return bfloat16_product(x, kernel)


def _rounded_product_forward(x, kernel):
    return bfloat16_product(x, kernel), (x, kernel)


def _rounded_product_backward(operands, gradient):
    x, kernel = operands
    rows, gradients = x.reshape(-1, x.shape[-1]).astype("bfloat16"), gradient.reshape(-1, gradient.shape[-1])
    # A product with a transposed view takes XLA three times as long; through one axis, the transpose is stored first.
    transposed = jax.lax.optimization_barrier(rows.T.reshape(-1)).reshape(rows.shape[::-1])
    return bfloat16_product(gradient, kernel.T), bfloat16_product(transposed, gradients)


rounded_product.defvjp(_rounded_product_forward, _rounded_product_backward)
PRODUCTS = {"float32": jnp.matmul, "bfloat16": rounded_product}


def dense(x, kernel, bias, precision: str = "float32"):
    """Dense layer without activation: `x (..., inputs)` → `(..., outputs)`."""
    return PRODUCTS[precision](x, kernel) + bias


def joined(job: Job, x, label):
    """`x (..., n, d)` with the one-hot classes of `label (n,)` appended, for a conditional model."""
    if not job.classes:
        return x
    one_hot = jnp.broadcast_to(jax.nn.one_hot(label, job.classes), (*x.shape[:-1], job.classes))
    return jnp.concatenate([x, one_hot], axis=-1)


def dropped(x, rate: float, key):
    """`x` after dropout; unchanged without a key or with rate 0."""
    if key is None or rate == 0:
        return x
    keep = jax.random.bits(key, x.shape, "uint16") >= jnp.uint16(round(rate * 65536))
    return jnp.where(keep, x / (1 - rate), 0)


def next_key(key):
    """Two keys from one; None stays None."""
    return (None, None) if key is None else jax.random.split(key)


def hidden_layers(job: Job, x, weights, key=None):
    """The hidden layers of `weights` (kernel, bias, kernel, ...) applied to `x (..., d)`. A key adds dropout."""
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        key, own = next_key(key)
        x = dropped(ACTIVATIONS[job.activation](dense(x, kernel, bias, job.precision)), job.dropout, own)
    return x


def encode(job: Job, weights, x, label, key=None):
    """`x (n, 784)` → the code `(n, latent_dim)`, or the mean and log-variance of the code. A key adds dropout."""
    key, own = next_key(key)
    arrays = weights[: encoder_arrays(job)]
    heads = 4 if job.variational else 2
    hidden = hidden_layers(job, joined(job, dropped(x, job.input_dropout, own), label), arrays[:-heads], key)
    if job.variational:
        return dense(hidden, *arrays[-4:-2], job.precision), dense(hidden, *arrays[-2:], job.precision)
    return ACTIVATIONS[job.code_activation](dense(hidden, *arrays[-2:], job.precision))


def decode(job: Job, weights, z, label, key=None):
    """Codes `z (..., n, latent_dim)` → logits `(..., n, 784)` (pixels, for a linear output). A key adds dropout."""
    z = dropped(z, job.code_dropout, key)
    arrays = weights[encoder_arrays(job) :]
    return dense(hidden_layers(job, joined(job, z, label), arrays[:-2]), *arrays[-2:], job.precision)


# Objectives


@jax.custom_jvp
def crossentropy(x, logits):
    """Binary cross-entropy in nats of each pixel, from logits."""
    return jnp.maximum(logits, 0) - x * logits + jnp.log1p(jnp.exp(-jnp.abs(logits)))


@crossentropy.defjvp
def _crossentropy_jvp(primals, tangents):
    (x, logits), (_, d_logits) = primals, tangents
    return crossentropy(x, logits), (jax.nn.sigmoid(logits) - x) * d_logits


def pixel_losses(job: Job, x, outputs):
    """Loss of each pixel `(n, 784)` of a plain autoencoder."""
    if job.objective == "bce":
        return crossentropy(x, outputs)
    return jnp.square(x - (jax.nn.sigmoid(outputs) if job.output == "sigmoid" else outputs))


def kl_divergence(mean, log_variance):
    """KL divergence of N(mean, exp(log_variance)) from N(0, I), `(n,)` in nats."""
    return 0.5 * jnp.sum(jnp.exp(log_variance) + jnp.square(mean) - 1 - log_variance, axis=-1)


def log_weights(job: Job, weights, x, label, mean, log_variance, noise):
    """Log importance weights `ln p(x, z) − ln q(z | x)`, `(k, n)` in nats, of codes made from `noise (k, n, d)`."""
    z = mean + jnp.exp(0.5 * log_variance) * noise
    log_p_x = -jnp.sum(crossentropy(x, decode(job, weights, z, label)), axis=-1)
    log_p_z_over_q = 0.5 * jnp.sum(jnp.square(noise) - jnp.square(z) + log_variance, axis=-1)
    return log_p_x + log_p_z_over_q


def doubly_reparameterized_loss(job: Job, weights, x, label, mean, log_variance, noise):
    """The mean negative importance-weighted bound, whose gradient in the encoder is doubly reparameterized.

    With normalized importance weights v, the decoder's gradient is that of `Σ v ln p(x, z)`, and that of the codes z
    is the gradient of `Σ v² (ln p(x, z) − ln q(z | x))`, where the parameters of q are constants.
    """
    z = mean + jnp.exp(0.5 * log_variance) * noise
    mean, log_variance = jax.lax.stop_gradient((mean, log_variance))

    def log_ratio(z, weights):
        log_p_x = -jnp.sum(crossentropy(x, decode(job, weights, z, label)), axis=-1)
        squares = jnp.square(z - mean) * jnp.exp(-log_variance) + log_variance - jnp.square(z)
        return log_p_x + 0.5 * jnp.sum(squares, axis=-1)

    ratios, gradient = jax.vjp(log_ratio, *jax.lax.stop_gradient((z, weights)))
    normalized = jax.nn.softmax(ratios, axis=0)
    by_code, by_weight = gradient(normalized)
    # Linear in z and the weights, with the gradient above; its value is replaced by that of the bound.
    linear = jnp.sum(normalized[..., None] * by_code * z)
    linear += sum(jnp.sum(g * w) for g, w in zip(by_weight, weights, strict=True))
    bound = jnp.mean(jax.nn.logsumexp(ratios, axis=0)) - math.log(job.importance_samples)
    return -bound - (linear - jax.lax.stop_gradient(linear)) / len(x)


def kl_weight(job: Job, progress):
    """Weight of the KL divergence after a share `progress` of all steps."""
    start = job.kl_weight if job.initial_kl_weight is None else job.initial_kl_weight
    return start + jnp.minimum(2 * progress, 1) * (job.kl_weight - start)


def variational_loss(job: Job, weights, x, label, key, progress):
    """−ELBO or the negative importance-weighted bound, mean over images, in nats per image."""
    mean, log_variance = encode(job, weights, x, label)
    noise = jax.random.normal(key, (job.importance_samples, *mean.shape))
    if job.doubly_reparameterized:
        return doubly_reparameterized_loss(job, weights, x, label, mean, log_variance, noise)
    if job.importance_samples > 1:
        weighted = log_weights(job, weights, x, label, mean, log_variance, noise)
        return jnp.mean(math.log(job.importance_samples) - jax.nn.logsumexp(weighted, axis=0))
    logits = decode(job, weights, mean + jnp.exp(0.5 * log_variance) * noise[0], label)
    reconstruction = jnp.sum(crossentropy(x, logits), axis=-1)
    return jnp.mean(reconstruction + kl_weight(job, progress) * kl_divergence(mean, log_variance))


def loss(job: Job, weights, x, target, label, key, progress):
    """What a training step minimizes after a share `progress` of all steps.

    Inputs `x` and `target` are `(n, 784)`; they are the same for a variational model.
    """
    if job.variational:
        return variational_loss(job, weights, x, label, key, progress)
    key, own = next_key(key)
    outputs = decode(job, weights, encode(job, weights, x, label, key), label, own)
    value = jnp.mean(pixel_losses(job, target, outputs))
    if job.weight_penalty:
        value += job.weight_penalty * sum(jnp.mean(jnp.square(kernel)) for kernel in weights[::2])
    return value


# Data


def load_images() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """MNIST as uint8 `(n, 784)` with labels `(n,)`: `"train"` and `"test"`."""
    from kerasae import data

    x, y, x_test, y_test = data.mnist()
    x, x_test = (np.rint(images.reshape(-1, PIXELS) * 255).astype("uint8") for images in (x, x_test))
    y, y_test = y.astype("int32"), y_test.astype("int32")
    return {"train": (x, y), "test": (x_test, y_test)}


def split(job: Job, images: dict) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]:
    """Images and labels that the job trains on, and those it holds out, None if it trains on all."""
    x, y = images["train"]
    if not job.hold_out:
        return (x, y), None
    return (x[: -job.hold_out], y[: -job.hold_out]), (x[-job.hold_out :], y[-job.hold_out :])


def fixed_binarization(images: np.ndarray, seed: int) -> np.ndarray:
    """One draw of uint8 images `(n, 784)`: 255 with probability gray / 255, else 0. A function of the seed."""
    uniform = np.random.default_rng(seed).random(images.shape, dtype="float32")
    return np.where(uniform * 255 < images, 255, 0).astype("uint8")


class DynamicBinarization:
    """Binary images drawn anew for each epoch, by NumPy: a function of the seed and the epoch.

    Args:
        images: uint8 `(n, 784)`.
        seed: Seed of all epochs.
    """

    def __init__(self, images: np.ndarray, seed: int):
        # A pixel becomes 255 if 16 random bits are below this; white pixels always do.
        self.thresholds = np.minimum(np.rint(images * np.float32(65536 / 255)), 65535).astype("uint16")
        self.white = images == 255
        self.seed = seed

    def epoch(self, epoch: int) -> np.ndarray:
        """The uint8 images `(n, 784)`, 0 or 255, of this epoch (counted from 0)."""
        words = np.random.Generator(np.random.SFC64([self.seed, epoch])).bytes(2 * self.white.size)
        drawn = np.frombuffer(words, "<u2").reshape(self.white.shape) < self.thresholds
        drawn |= self.white
        return drawn.view("uint8") * np.uint8(255)


def shifted(images, most: int, probability: float, key):
    """Each of the images `(n, 784)`, or a share of them, moved by up to `most` pixels up or down and left or right."""
    size, (choice, key) = math.isqrt(PIXELS), jax.random.split(key)
    padded = jnp.pad(images.reshape(-1, size, size), ((0, 0), (most, most), (most, most)))
    offsets = jax.random.randint(key, (len(images), 2), 0, 2 * most + 1)
    offsets = jnp.where(jax.random.uniform(choice, (len(images), 1)) < probability, offsets, most)
    moved = jax.vmap(lambda image, offset: jax.lax.dynamic_slice(image, offset, (size, size)))(padded, offsets)
    return moved.reshape(-1, PIXELS)


# Training


def steps_per_epoch(job: Job, images: int) -> int:
    """Number of whole batches."""
    return images // job.batch_size


def initial_state(job: Job, runs: Path) -> dict:
    """The optimizer's state before the first step. `runs` has the folder of the job that it starts from."""
    start = initial_weights(job) if job.start is None else load_weights(JOBS[job.start], runs / job.start)
    return optimizers.initial_state(job.optimizer, [jnp.asarray(array) for array in start])


def updated(job: Job, state: dict, gradients, steps: int) -> dict:
    """The state after one of `steps` steps of the job's optimizer."""
    rate = optimizers.cosine(job.learning_rate, state["step"], steps)
    step = {"adam": optimizers.adam, "soap": optimizers.soap}[job.optimizer]
    return step(state, gradients, rate, epsilon=job.epsilon, weight_decay=job.weight_decay)


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def run_epoch(job: Job, state: dict, images, labels, epoch):
    """One epoch over uint8 `images (n, 784)` → the new state and the mean training loss."""
    steps = steps_per_epoch(job, len(images))
    order_key, noise_key = jax.random.split(jax.random.fold_in(jax.random.key(job.seed), epoch))
    order = jax.random.permutation(order_key, len(images))[: steps * job.batch_size].reshape(steps, -1)

    def step(state, inputs):
        rows, key = inputs
        shift_key, key = jax.random.split(key)
        x = target = images[rows].astype("float32") / 255
        if job.shift:
            x = shifted(x, job.shift, job.shift_probability, shift_key)
            target = x if job.shift_target else target
        progress = state["step"] / (job.epochs * steps)
        value, gradients = jax.value_and_grad(partial(loss, job))(
            state["weights"], x, target, labels[rows], key, progress
        )
        return updated(job, state, gradients, job.epochs * steps), value

    state, values = jax.lax.scan(step, state, (order, jax.random.split(noise_key, steps)))
    return state, jnp.mean(values)


class Interruption:
    """Set by SIGTERM, SIGINT or a time limit: training stops after the current epoch and keeps its state."""

    def __init__(self, minutes: float | None):
        self.deadline = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self.signaled = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signal)

    def _signal(self, number, frame):
        self.signaled = True

    def due(self, margin: float = 0.0) -> bool:
        """Whether to stop now, given that the next epoch takes `margin` seconds."""
        return self.signaled or time.monotonic() + margin > self.deadline


def train(job: Job, folder: Path, images: dict, interruption: Interruption) -> bool:
    """Train a job from its last checkpoint to its end or an interruption → whether it is finished."""
    if (folder / "result.json").exists():
        print(f"{folder.name}: finished before", flush=True)
        return True
    folder.mkdir(parents=True, exist_ok=True)
    state, epoch, seconds, history = load_state(job, folder)
    (x, y), held_out = split(job, images)
    x = fixed_binarization(x, job.seed) if job.binarize == "fixed" else x
    dynamic = DynamicBinarization(x, job.seed) if job.binarize == "dynamic" else None
    x, y = jnp.asarray(x), jnp.asarray(y)
    saved = reported = time.monotonic()
    took = 0.0
    while epoch < job.epochs and not interruption.due(took):
        began = time.monotonic()
        x = x if dynamic is None else jnp.asarray(dynamic.epoch(epoch))
        now_minimized = dataclasses.replace(job, objective="bce") if epoch < job.bce_epochs else job
        state, value = run_epoch(now_minimized, state, x, y, epoch)
        value = float(value)
        if not math.isfinite(value):
            raise FloatingPointError(f"{job.name}: the training loss is {value} in epoch {epoch + 1}")
        epoch, now = epoch + 1, time.monotonic()
        if now - reported > REPORT_EVERY or epoch == job.epochs:
            figures = {} if held_out is None else measure(job, state["weights"], *held_out, HELD_OUT_SEED)
            history.append({"epoch": epoch, "loss": value, **figures})
            print(f"{folder.name} {epoch}/{job.epochs} {text(history[-1])} {now - began:.2f} s/epoch", flush=True)
            reported = now
        took = time.monotonic() - began
        seconds += took
        if now - saved > SAVE_EVERY:
            save_state(folder, state, epoch, seconds, history)
            saved = now
    if epoch < job.epochs:
        save_state(folder, state, epoch, seconds, history)
        print(f"{folder.name}: interrupted after {epoch} of {job.epochs} epochs; state saved", flush=True)
        return False
    finish(job, folder, state["weights"], held_out, seconds, history)
    return True


def text(figures: dict) -> str:
    """Figures on one line."""
    return " ".join(f"{key}={value:.6g}" for key, value in figures.items() if key != "epoch")


def is_candidate(folder: Path) -> bool:
    """Whether the folder belongs to a candidate, which keeps no weights."""
    return "@" in folder.name


def finish(job: Job, folder: Path, weights, held_out, seconds: float, history: list) -> None:
    """Write `weights.npz` (not for candidates) and `result.json`, and delete the checkpoint."""
    figures = {} if held_out is None else measure(job, weights, *held_out, HELD_OUT_SEED)
    if held_out is not None and job.variational:
        figures |= generative_figures(job, weights, *held_out, HELD_OUT_SEED, samples=200)
    if not is_candidate(folder):
        write_arrays(folder / "weights.npz", named_weights(job, weights))
    result = {
        "job": dataclasses.asdict(job),
        "trained_on": f"first {60_000 - job.hold_out:,} training images",
        "held_out_on": f"last {job.hold_out:,} training images" if job.hold_out else None,
        "epochs": job.epochs,
        "seconds": round(seconds, 1),
        "held_out": figures,
        "test": None,
        "history": thinned(history),
        "versions": {"python": platform.python_version(), "jax": jax.__version__, "numpy": np.__version__},
    }
    write_json(folder / "result.json", result)
    (folder / "state.npz").unlink(missing_ok=True)
    print(f"{folder.name}: finished in {seconds / 60:.1f} min, held out: {text(figures)}", flush=True)


def thinned(history: list, most: int = 60) -> list:
    """At most about `most` evenly spaced entries of the history, the last one among them."""
    return history[:: -(-len(history) // most)][:-1] + history[-1:] if len(history) > most else history


def named_weights(job: Job, weights) -> dict[str, np.ndarray]:
    """The arrays by name, `"00 encoder_1/kernel"` and so on."""
    names = [f"{name}/{part}" for name, *_ in layer_shapes(job) for part in ("kernel", "bias")]
    return {f"{i:02d} {name}": np.asarray(array) for i, (name, array) in enumerate(zip(names, weights, strict=True))}


# Files


def write_arrays(path: Path, arrays: dict) -> None:
    """Write an npz file under another name, then rename it, so that the file is always whole."""
    partial_path = path.with_suffix(".partial")
    with partial_path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    partial_path.replace(path)


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file under another name, then rename it."""
    partial_path = path.with_suffix(".partial")
    partial_path.write_text(json.dumps(content, indent=1) + "\n")
    partial_path.replace(path)


def save_state(folder: Path, state: dict, epoch: int, seconds: float, history: list) -> None:
    """Write the checkpoint `state.npz`: the arrays of the state by their position in the tree."""
    arrays = {f"{i:03d}": np.asarray(array) for i, array in enumerate(jax.tree.leaves(state))}
    write_arrays(folder / "state.npz", arrays | {"epoch": epoch, "seconds": seconds, "history": json.dumps(history)})


def load_state(job: Job, folder: Path) -> tuple[dict, int, float, list]:
    """State, epochs done, seconds spent and history, from the checkpoint if there is one."""
    path, state = folder / "state.npz", initial_state(job, folder.parent)
    if not path.exists():
        return state, 0, 0.0, []
    leaves, tree = jax.tree.flatten(state)
    with np.load(path, allow_pickle=False) as file:
        state = jax.tree.unflatten(tree, [jnp.asarray(file[f"{i:03d}"]) for i in range(len(leaves))])
        epoch, seconds, history = int(file["epoch"]), float(file["seconds"]), json.loads(str(file["history"]))
    print(f"{folder.name}: resumes after epoch {epoch}", flush=True)
    return state, epoch, seconds, history


def load_weights(job: Job, folder: Path) -> list:
    """The arrays of `weights.npz`, in order."""
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        return [jnp.asarray(file[name]) for name in named_weights(job, initial_weights(job))]


# Figures


def measure(job: Job, weights, images: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, float]:
    """Figures of uint8 images `(n, 784)` without dropout: errors per pixel and image, or −ELBO in nats per image.

    Args:
        job, weights: The network.
        images, labels: The set measured on. Binarized once where the job's data is binary.
        seed: Seed of the binarization and of the one code drawn for each image.
    """
    if job.binarize:
        images = fixed_binarization(images, seed)
    batches = range(0, len(images), 1000)
    key = jax.random.key(seed)
    parts = [
        batch_figures(job, weights, images[i : i + 1000], labels[i : i + 1000], jax.random.fold_in(key, i))
        for i in batches
    ]
    return {name: float(np.concatenate([part[name] for part in parts]).astype("float64").mean()) for name in parts[0]}


@partial(jax.jit, static_argnums=0)
def batch_figures(job: Job, weights, images, labels, key) -> dict:
    """Figures of each image of a batch, `(n,)`."""
    job = dataclasses.replace(job, precision="float32")
    x = images.astype("float32") / 255
    if job.variational:
        mean, log_variance = encode(job, weights, x, labels)
        z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape)
        reconstruction = jnp.sum(crossentropy(x, decode(job, weights, z, labels)), axis=-1)
        kl = kl_divergence(mean, log_variance)
        return {"negative_elbo": reconstruction + kl, "reconstruction_loss": reconstruction, "kl_loss": kl}
    outputs = decode(job, weights, encode(job, weights, x, labels), labels)
    x_hat = jax.nn.sigmoid(outputs) if job.output == "sigmoid" else outputs
    squares = jnp.square(x - x_hat)
    figures = {"mse": jnp.mean(squares, axis=-1), "sse": jnp.sum(squares, axis=-1)}
    if job.output == "sigmoid":
        figures["bce"] = jnp.mean(crossentropy(x, outputs), axis=-1)
    return figures


def generative_figures(job: Job, weights, images, labels, seed: int, samples: int) -> dict[str, float]:
    """Importance-sampled NLL of binary data; for a conditional model the share of its samples that are recognized."""
    figures: dict[str, float] = {}
    if job.binarize:
        nll = negative_log_likelihood(job, weights, fixed_binarization(images, seed), labels, seed, samples)
        figures |= {
            "nll": float(nll.mean()),
            "nll_standard_error": float(nll.std() / math.sqrt(len(nll))),
            "nll_samples": samples,
        }
    if job.classes:
        figures["class_accuracy"] = recognized(job, weights, labels)
    return figures


def negative_log_likelihood(job: Job, weights, images, labels, seed: int, samples: int) -> np.ndarray:
    """NLL `(n,)` in nats of binarized images by importance sampling from the posterior.

    `−ln (1/k) Σⱼ p(x, zⱼ) / q(zⱼ | x)`, in blocks of images and samples, so that memory does not grow with k.
    """
    rows, block = 20, min(samples, 100)
    blocks = -(-samples // block)
    key = jax.random.key(seed)
    result = [
        nll_of_rows(job, weights, images[i : i + rows], labels[i : i + rows], jax.random.fold_in(key, i), block, blocks)
        for i in range(0, len(images), rows)
    ]
    return np.concatenate([np.asarray(part, "float64") for part in result])


@partial(jax.jit, static_argnums=(0, 5, 6))
def nll_of_rows(job: Job, weights, images, labels, key, block: int, blocks: int):
    """NLL `(n,)` of a few images, with `block · blocks` samples."""
    job = dataclasses.replace(job, precision="float32")
    x = images.astype("float32") / 255
    mean, log_variance = encode(job, weights, x, labels)

    def add(total, key):
        noise = jax.random.normal(key, (block, *mean.shape))
        more = jax.nn.logsumexp(log_weights(job, weights, x, labels, mean, log_variance, noise), axis=0)
        return jnp.logaddexp(total, more), None

    total, _ = jax.lax.scan(add, jnp.full(len(x), -jnp.inf), jax.random.split(key, blocks))
    return math.log(block * blocks) - total


def recognized(job: Job, weights, labels: np.ndarray) -> float:
    """Share of one sample for each of `labels (n,)` that the package's feature classifier gives that class."""
    from kerasae import classifier

    z = np.random.default_rng(0).standard_normal((len(labels), job.latent_dim), dtype="float32")
    samples = np.asarray(jax.nn.sigmoid(decode(job, weights, z, labels)))
    return classifier.load("mnist").accuracy(samples.reshape(-1, 28, 28, 1), labels)


def evaluate(job: Job, folder: Path, images: dict, samples: int) -> None:
    """Measure a finished job on the test set, once, and add the figures to its `result.json`."""
    path = folder / "result.json"
    result = json.loads(path.read_text())
    if result["test"] is not None:
        raise SystemExit(f"{folder.name} has been measured on the test set before: {result['test']}")
    weights = load_weights(job, folder)
    result["test"] = measure(job, weights, *images["test"], TEST_SEED)
    if job.variational:
        result["test"] |= generative_figures(job, weights, *images["test"], TEST_SEED, samples)
    write_json(path, result)
    print(f"{folder.name}: test: {text(result['test'])} (goal: {job.goal})", flush=True)


# Command line


def overridden(job: Job, overrides: str) -> Job:
    """The job with fields replaced as in `"epochs=20,hidden_units=[520,300]"`."""
    values = {}
    for pair in filter(None, re.split(r",(?=\w+=)", overrides)):
        key, _, value = pair.partition("=")
        if key not in {field.name for field in dataclasses.fields(Job)}:
            raise SystemExit(f"--override must name fields of Job. Received: {key!r}.")
        try:
            parsed = json.loads(value)
            values[key] = tuple(parsed) if isinstance(parsed, list) else parsed
        except json.JSONDecodeError:
            values[key] = value
    return dataclasses.replace(job, **values)


def stored_job(job: Job, folder: Path) -> Job:
    """The job as it was trained, which the table may have changed since."""
    stored = json.loads((folder / "result.json").read_text())["job"]
    return dataclasses.replace(job, **stored | {"hidden_units": tuple(stored["hidden_units"])})


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Train networks of the zoo for many epochs on one CPU core.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--list", action="store_true", help="list the jobs")
    action.add_argument("--train", nargs="+", metavar="JOB", help="train these jobs, one after the other")
    action.add_argument("--evaluate", nargs="+", metavar="JOB", help="measure finished jobs on the test set, once")
    parser.add_argument("--override", default="", help="train a candidate: field=value,field=value")
    parser.add_argument("--minutes", type=float, help="save the state and stop after this time")
    parser.add_argument("--samples", type=int, default=5000, help="importance samples per image for the test NLL")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of all runs")
    arguments = parser.parse_args()
    if arguments.list:
        for job in JOBS.values():
            print(f"{job.name:14} {job.goal:32} {job.epochs} epochs, batch size {job.batch_size}")
        return
    images = load_images()
    for name in arguments.evaluate or ():
        folder = arguments.runs / name
        evaluate(stored_job(JOBS[name], folder), folder, images, arguments.samples)
    interruption = Interruption(arguments.minutes)
    for name in arguments.train or ():
        job = overridden(JOBS[name], arguments.override)
        folder = arguments.runs / (f"{name}@{arguments.override}" if arguments.override else name)
        if not train(job, folder, images, interruption):
            break


if __name__ == "__main__":
    main()
