"""Variational autoencoders: a distribution over codes, and so a model that generates."""

import math
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import OneHot, Sampling
from kerasae.losses import weighted_mean
from kerasae.models.base import Autoencoder
from kerasae.models.conv import image_output, require_image_shape, transposed_levels
from kerasae.models.dense import output_layers
from kerasae.training import validation


class Posterior(NamedTuple):
    """The normal distribution over codes that an encoder gives for each input; arrays or tensors `(n, latent_dim)`."""

    mean: Any
    log_variance: Any


def kl_to_standard_normal(mean, log_variance):
    """KL divergence of N(μ, σ²) from N(0, I), in nats an image: `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`.

    `mean, log_variance (n, d)` → `(n,)`, in float32.
    """
    mean, log_variance = ops.cast(mean, "float32"), ops.cast(log_variance, "float32")
    return 0.5 * ops.sum(ops.exp(log_variance) + ops.square(mean) - 1.0 - log_variance, axis=-1)


class StandardNormalPrior(Autoencoder):
    """An autoencoder whose codes are distributed as N(0, I), so that it can generate."""

    def generate(self, n: int, seed: int | None = None):
        """Decode `n` samples of the prior N(0, I).

        Args:
            n: How many.
            seed: The same seed gives the same samples on every backend; None gives others each time.

        Returns:
            An array `(n, *input_shape)`.

        Raises:
            ValueError: `n` is not a positive integer.
        """
        return self.decode(self._prior_codes(n, np.random.default_rng(seed)))

    def _prior_codes(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((positive_size("n", n), *self.code_shape), dtype=np.float32)


@keras.saving.register_keras_serializable(package="kerasae")
class VariationalAutoencoder(StandardNormalPrior):
    """A dense variational autoencoder with a normal posterior and a standard normal prior.

    `x → flatten → hidden → (μ, ln σ²) (n, latent_dim); z ~ N(μ, σ²) → reversed hidden → x_hat`

    Training minimises the negative evidence lower bound (ELBO), in nats an image:
    `loss = reconstruction_loss + kl_weight · kl_loss`, with the reconstruction loss summed over
    pixels (binary cross-entropy from logits, unless compiled otherwise) and the KL divergence
    `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`. Training samples z anew at every step; evaluation draws one
    sample an image with a fixed seed; `encode` gives μ, and `call` and `reconstruct` decode it.

    Args:
        input_shape: Shape of one input.
        hidden_units: Sizes of the encoder's hidden layers; the decoder has them in reverse.
        latent_dim: Size of the code.
        activation: Of the hidden layers.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.
        kl_weight: The β of a β-VAE.
        seed: Of the samples drawn while training and evaluating.

    Raises:
        ValueError: A size is not a positive integer, or `kl_weight` is negative.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        beta-VAE: learning basic visual concepts with a constrained variational framework (Higgins et al., 2017)

    >>> VariationalAutoencoder((28, 28, 1), latent_dim=10).posterior(np.zeros((5, 28, 28, 1))).log_variance.shape
    (5, 10)
    """

    pixel_reduction = "sum"
    reported: tuple[str, ...] = ("reconstruction_loss", "kl_loss")

    def __init__(
        self,
        input_shape,
        hidden_units=(400,),
        latent_dim=20,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        kl_weight=1.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        if kl_weight < 0:
            raise ValueError(f"kl_weight must not be negative. Received: {kl_weight}")
        self.hidden_units = positive_sizes("hidden_units", hidden_units, or_none=True)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.kl_weight = float(kl_weight)
        self.seed = seed
        self.sampling = Sampling(seed, name="sampling", dtype="float32")
        self.sampling.build([(None, self.latent_dim)] * 2)
        self._assemble(self._encoder(), self._decoder())

    def _encoder(self) -> keras.Model:
        x = keras.Input(self.data_shape)
        hidden = x
        for layer in self._encoder_body():
            hidden = layer(hidden)
        return keras.Model(x, self._heads(hidden), name="encoder")

    def _encoder_body(self) -> list:
        return [layers.Flatten(dtype=self.dtype_policy), *self._hidden(self.hidden_units)]

    def _heads(self, hidden) -> list:
        """The mean and the log-variance of the code, from the last hidden layer's values."""
        return [layers.Dense(self.latent_dim, name=name, dtype=self.dtype_policy)(hidden) for name in Posterior._fields]

    def _decoder(self) -> keras.Model:
        return keras.Sequential([keras.Input((self.latent_dim,)), *self._decoder_body()], name="decoder")

    def _decoder_body(self) -> list:
        return [
            *self._hidden(self.hidden_units[::-1]),
            layers.Dense(math.prod(self.data_shape), name="logits", dtype=self.dtype_policy),
            *output_layers(self),
        ]

    def _hidden(self, sizes):
        return [layers.Dense(size, activation=self.activation, dtype=self.dtype_policy) for size in sizes]

    def call(self, x, training=None):
        """Reconstruct `x` from the mean of its posterior."""
        return self.decoder(self.encoder(x, training=training)[0], training=training)

    def _code(self, x):
        return self.encoder(x, training=False)[0]

    def _posterior(self, x):
        return Posterior(*self.encoder(x, training=False))

    def posterior(self, x, batch_size: int | None = None) -> Posterior:
        """`x (n, *input_shape)` → mean and log-variance, each `(n, latent_dim)`. The rest as for `encode`."""
        return self._apply(self._posterior, x, self.data_shape, self.value_range, "x", batch_size)

    def sample(self, x, seed: int | None = None, batch_size: int | None = None, **condition) -> np.ndarray:
        """Codes `(n, latent_dim)` drawn from the posterior of an array `x (n, *input_shape)`.

        Args:
            x, batch_size, **condition: As for `encode`.
            seed: The same seed gives the same draws on every backend; None gives others each time.
        """
        mean, log_variance = self.posterior(x, batch_size, **condition)
        noise = np.random.default_rng(seed).standard_normal(mean.shape, dtype="float32")
        return mean + np.exp(0.5 * log_variance) * noise

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        mean, log_variance = self.encoder(self.corrupted(x, training), training=training)
        z = self.sampling((mean, log_variance), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training)
        return self._negative_elbo(mean, log_variance, reconstruction, sample_weight), x_hat

    def _negative_elbo(self, mean, log_variance, reconstruction, sample_weight) -> dict:
        kl = weighted_mean(kl_to_standard_normal(mean, log_variance), sample_weight)
        loss = reconstruction + self.kl_weight * kl + self._penalties()
        return {"loss": loss, "reconstruction_loss": reconstruction, "kl_loss": kl}

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "kl_weight": self.kl_weight,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="kerasae")
class ConvVariationalAutoencoder(VariationalAutoencoder):
    """A variational autoencoder of images: convolutions of stride 2 down, transposed ones back.

    `x (n, h, w, c) → [conv of stride 2] per level → flatten → hidden → (μ, ln σ²) (n, latent_dim);
    z ~ N(μ, σ²) → dense → small image → [transposed conv of stride 2] per level → conv → crop → x_hat`

    Args:
        input_shape: `(height, width, channels)`.
        filters: Channels of the encoder's levels, from the image inwards; the decoder has them in reverse.
        kernel_size: Of all convolutions.
        hidden_units: Sizes of the encoder's dense layers.
        latent_dim, **kwargs: As for `VariationalAutoencoder`.

    Raises:
        ValueError: As for `VariationalAutoencoder`, and if the shape is not that of an image.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        Variational AutoEncoder, keras.io code example (F. Chollet, 2020): this network

    >>> ConvVariationalAutoencoder((30, 45, 3), filters=(16, 8)).generate(5).shape
    (5, 30, 45, 3)
    """

    def __init__(self, input_shape, filters=(32, 64), kernel_size=3, hidden_units=(16,), latent_dim=2, **kwargs):
        self.filters = positive_sizes("filters", filters)
        self.kernel_size = positive_size("kernel_size", kernel_size)
        super().__init__(input_shape, hidden_units, latent_dim, **kwargs)

    def _encoder_body(self) -> list:
        require_image_shape(self.data_shape, len(self.filters))
        return [*strided_levels(self, self.filters, self.kernel_size), *super()._encoder_body()]

    def _decoder_body(self) -> list:
        doublings = 2 ** len(self.filters)
        height, width = (-(-size // doublings) for size in self.data_shape[:2])
        small = (height, width, self.filters[-1])
        return [
            *self._hidden((math.prod(small),)),
            layers.Reshape(small, dtype=self.dtype_policy),
            *transposed_levels(self, self.filters[::-1], self.kernel_size),
            *image_output(self, height * doublings, width * doublings),
        ]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size}


def strided_levels(model, filters, kernel_size: int) -> list:
    """Convolutions that halve the image, one for each of `filters`."""
    image = {"strides": 2, "padding": "same", "data_format": "channels_last", "dtype": model.dtype_policy}
    return [layers.Conv2D(channels, kernel_size, activation=model.activation, **image) for channels in filters]


@keras.saving.register_keras_serializable(package="kerasae")
class ConditionalVariationalAutoencoder(VariationalAutoencoder):
    """A dense variational autoencoder that is told the class: what is left for the code is the style.

    `[x, label] → flatten, one-hot, join → hidden → (μ, ln σ²); [z ~ N(μ, σ²), label] → join → reversed
    hidden → x_hat`

    Training and evaluation take `{"x": x, "label": label}`: `fit({"x": x, "label": y})`. All methods
    that take inputs or codes have `label=`: one class `(n,)` for each, or one for all. The loss is that
    of `VariationalAutoencoder`, both of whose terms are now given the class.

    Args:
        input_shape: Shape of one input.
        classes: How many; labels are integers from 0 to `classes − 1`.
        **kwargs: As for `VariationalAutoencoder`.

    Raises:
        ValueError: As for `VariationalAutoencoder`.

    References:
        Semi-supervised learning with deep generative models (Kingma, Rezende, Mohamed & Welling, 2014)
        Learning structured output representation using deep conditional generative models (Sohn, Yan & Lee, 2015)

    >>> ConditionalVariationalAutoencoder((28, 28, 1), classes=10).generate(5, label=7).shape
    (5, 28, 28, 1)
    """

    def __init__(self, input_shape, classes=10, **kwargs):
        self.classes = positive_size("classes", classes)
        super().__init__(input_shape, **kwargs)

    def _encoder(self) -> keras.Model:
        x, label = keras.Input(self.data_shape), self._label_input()
        flat = layers.Flatten(dtype=self.dtype_policy)(x)
        hidden = layers.Concatenate(dtype=self.dtype_policy)([flat, self._one_hot(label)])
        for layer in self._hidden(self.hidden_units):
            hidden = layer(hidden)
        return keras.Model([x, label], self._heads(hidden), name="encoder")

    def _decoder(self) -> keras.Model:
        z, label = keras.Input((self.latent_dim,)), self._label_input()
        hidden = layers.Concatenate(dtype=self.dtype_policy)([z, self._one_hot(label)])
        for layer in self._decoder_body():
            hidden = layer(hidden)
        return keras.Model([z, label], hidden, name="decoder")

    def _label_input(self):
        return keras.Input((), dtype="int32", name="label")

    def _one_hot(self, label):
        return OneHot(self.classes, dtype=self.dtype_policy)(label)

    def call(self, x, training=None):
        """Reconstruct `x["x"]` of the classes `x["label"]` from the mean of its posterior."""
        mean, _ = self.encoder([x["x"], x["label"]], training=training)
        return self.decoder([mean, x["label"]], training=training)

    def _code(self, x, label):  # type: ignore[override]
        return self.encoder([x, label], training=False)[0]

    def _posterior(self, x, label):  # type: ignore[override]
        return Posterior(*self.encoder([x, label], training=False))

    def _decode(self, z, label):  # type: ignore[override]
        return self.decoder([z, label], training=False)

    def encode(self, x, batch_size: int | None = None, *, label=None):
        """`x (n, *input_shape)` of classes `label` → means `(n, latent_dim)`. The rest as for `Autoencoder`."""
        return self._apply(self._code, x, self.data_shape, self.value_range, "x", batch_size, self._labels(label, x))

    def decode(self, z, batch_size: int | None = None, *, label=None):
        """Codes `(n, latent_dim)` and classes `label` → `x_hat (n, *input_shape)`."""
        return self._apply(self._decode, z, self.code_shape, None, "z", batch_size, self._labels(label, z))

    def reconstruct(self, x, batch_size: int | None = None, *, label=None):
        """`x (n, *input_shape)` of classes `label` → `x_hat`, the same shape."""
        return self._apply(
            self._reconstruct, x, self.data_shape, self.value_range, "x", batch_size, self._labels(label, x)
        )

    def posterior(self, x, batch_size: int | None = None, *, label=None) -> Posterior:
        """`x (n, *input_shape)` of classes `label` → mean and log-variance, each `(n, latent_dim)`."""
        return self._apply(
            self._posterior, x, self.data_shape, self.value_range, "x", batch_size, self._labels(label, x)
        )

    def generate(self, n: int, seed: int | None = None, *, label=None):
        """Decode `n` samples of the prior N(0, I).

        Args:
            n, seed: As for `VariationalAutoencoder`.
            label: The class of all, or one for each `(n,)`; drawn at random if None.
        """
        rng = np.random.default_rng(seed)
        z = self._prior_codes(n, rng)
        return self.decode(z, label=rng.integers(self.classes, size=n) if label is None else label)

    def interpolate(self, a, b, steps: int = 11, space: str = "code", *, label=None):
        """Images on the line between two, as for `Autoencoder`, all decoded as of the class `label`."""
        return self._interpolate(
            a, b, steps, space, lambda x: self.encode(x, label=label), lambda z: self.decode(z, label=label)
        )

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        images, label = x["x"], x["label"]
        mean, log_variance = self.encoder([self.corrupted(images, training), label], training=training)
        z = self.sampling((mean, log_variance), training=training)
        logits = self._to_logits([z, label], training)
        x_hat = self.decoder.layers[-1](logits)
        reconstruction = self.loss(self.target(x, y), logits if self.loss.from_logits else x_hat, sample_weight)
        return self._negative_elbo(mean, log_variance, reconstruction, sample_weight), x_hat

    def target(self, x, y):
        return x["x"] if y is None else y

    def labelled(self, x, label):
        return {"x": x, "label": label}

    def checked(self, x, y):
        if not isinstance(x, dict) or set(x) != {"x", "label"}:
            found = f"a dict of {', '.join(map(repr, x))}" if isinstance(x, dict) else type(x).__name__
            raise ValueError(f'Expected {{"x": inputs, "label": classes}}. Received: {found}.')
        images, y = super().checked(x["x"], y)
        return {"x": images, "label": self._labels(x["label"], images)}, y

    def _labels(self, label, x):
        """One class for each of `x`, as integers; a tensor as it is."""
        if validation.is_tensor(label):
            return label
        if label is None:
            raise ValueError("label is missing: give one class for each, shape (n,), or one for all.")
        label = np.asarray(label)
        if label.dtype.kind not in "iu" or label.shape not in ((), (len(x),)):
            raise ValueError(
                f"label must be integers, one for each of {len(x)} or one for all. "
                f"Received: {label.dtype} of shape {label.shape}."
            )
        if label.size and not 0 <= label.min() <= label.max() < self.classes:
            raise ValueError(
                f"label must be from 0 to {self.classes - 1}. Received: from {label.min()} to {label.max()}."
            )
        return np.broadcast_to(label, (len(x),)).astype("int32")

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
