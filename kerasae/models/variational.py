"""Variational autoencoders: dense and convolutional."""

import math

import keras
import numpy as np
from keras import layers, ops

from kerasae import likelihoods
from kerasae._checks import one_of, positive_size, positive_sizes
from kerasae.layers import Sampling
from kerasae.losses import MEAN_REDUCTIONS, PerImage, weighted_mean
from kerasae.models import blocks, importance
from kerasae.models.base import _joined
from kerasae.models.loss_weights import LossWeight
from kerasae.models.prior import Posterior, StandardNormalPrior, kl_to_standard_normal


@keras.saving.register_keras_serializable(package="kerasae")
class VariationalAutoencoder(StandardNormalPrior):
    """A dense variational autoencoder with a normal posterior and a standard normal prior.

    `x → flatten → hidden → (μ, ln σ²) (n, latent_dim); z ~ N(μ, σ²) → reversed hidden → x_hat`

    Training minimizes the negative evidence lower bound (ELBO), in nats per image:
    `loss = reconstruction_loss + kl_weight · kl_loss`, with the reconstruction loss `−ln p(x | z)`, summed over
    pixels (unless compiled otherwise), and the KL divergence `½ Σⱼ (σⱼ² + μⱼ² − 1 − ln σⱼ²)`. Training draws a new
    z in every step; evaluation uses one fixed draw per image. `encode` returns μ; `call` and `reconstruct` decode μ.

    With k > 1 importance samples, `loss` is the tighter bound
    `ln k − ln Σⱼ p(x | zⱼ) (p(zⱼ) / q(zⱼ | x))^kl_weight`, and `reconstruction_loss` is that of the first sample.

    Args:
        input_shape: Shape of one input.
        hidden_units: Sizes of the encoder's hidden layers; reversed in the decoder.
        latent_dim: Latent dimension, the size of the code.
        activation: Activation function of the hidden layers.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.
        kl_weight: Weight of the KL divergence, the β of a β-VAE; not negative. Can be set at any time.
        seed: Seed of the samples drawn in training and evaluation.
        likelihood: Distribution p(x | z): `"bernoulli"` (binary values; for gray values its loss, the binary
            cross-entropy, is not a likelihood), `"continuous_bernoulli"` (values in [0, 1]) or `"gaussian"`
            (any values). Default: `"bernoulli"` if the output is a sigmoid, else `"gaussian"`.
            Reconstructions are the means of the distribution.
        variance: Variance of a Gaussian likelihood: a positive number, or `"learned"` for one trained variance that
            all values share.
        importance_samples: Number k of samples per image; 1 is the ELBO.
        gradient: Gradient estimator for k > 1, `"standard"` or `"doubly_reparameterized"`; see `models.importance`.

    Raises:
        ValueError: If a size is not a positive integer, `kl_weight` is negative, the variance is not positive, or the
            likelihood is unknown or does not fit the output activation.

    References:
        Auto-Encoding Variational Bayes (Kingma & Welling, 2013)
        Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2016)
        beta-VAE: learning basic visual concepts with a constrained variational framework (Higgins et al., 2017)

    >>> VariationalAutoencoder((28, 28, 1), latent_dim=10).posterior(np.zeros((5, 28, 28, 1))).log_variance.shape
    (5, 10)
    """

    pixel_reduction = "sum"
    reported: tuple[str, ...] = ("reconstruction_loss", "kl_loss")
    kl_weight = LossWeight()

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
        likelihood=None,
        variance=1.0,
        importance_samples=1,
        gradient="standard",
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.hidden_units = positive_sizes("hidden_units", hidden_units, or_none=True)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.likelihood = likelihoods.checked(likelihood, self.output_activation)
        if self.likelihood == "continuous_bernoulli":
            self.mean_activation = likelihoods.continuous_bernoulli_mean
        self.variance = likelihoods.checked_variance(variance)
        self.importance_samples = positive_size("importance_samples", importance_samples)
        self.gradient = one_of("gradient", gradient, importance.GRADIENTS)
        self.kl_weight = kl_weight
        self.seed = seed
        self.log_variance = self._build_log_variance()
        self.sampling = Sampling(seed, self.importance_samples, stream="sampling", name="sampling", dtype="float32")
        self.sampling.build([(None, self.latent_dim)] * 2)
        self.set_parts(self._build_encoder(), self._build_decoder())

    def _build_encoder(self) -> keras.Model:
        x = keras.Input(self.data_shape)
        hidden = blocks.chain([*self._encoder_body(), *blocks.mlp(self, self.hidden_units)], x)
        return keras.Model(x, blocks.posterior_heads(self, hidden), name="encoder")

    def _encoder_body(self) -> list:
        """Layers of the encoder from images to vectors."""
        return [blocks.flat(self)]

    def _build_decoder(self) -> keras.Model:
        return keras.Sequential([keras.Input((self.latent_dim,)), *self._decoder_body()], name="decoder")

    def _decoder_body(self) -> list:
        hidden = blocks.mlp(self, self.hidden_units[::-1])
        return [*hidden, blocks.logits(self), *blocks.dense_output(self)]

    def compile(self, optimizer="adam", loss=None, *args, **kwargs):
        """Configure training, as `Autoencoder.compile` does.

        Raises:
            ValueError: If the loss is not averaged over images, as the KL divergence is.
        """
        reduction = getattr(loss, "reduction", "sum_over_batch_size")
        if reduction not in MEAN_REDUCTIONS:
            raise ValueError(
                "The loss of a variational autoencoder must be averaged over images, as the KL divergence is. "
                f"Received: a loss with reduction={reduction!r}. Leave reduction out: pixels are summed all the same."
            )
        super().compile(optimizer, loss, *args, **kwargs)

    def get_compile_config(self):
        config = super().get_compile_config()
        if config and self._has_default_loss and self.likelihood != "bernoulli":
            config["loss"] = None  # a loaded model creates it from its own arguments and variables
        return config

    def default_loss(self):
        """`−ln p(x | z)` in nats per value."""
        if self.likelihood == "gaussian":
            return likelihoods.GaussianLoss(self.log_variance)
        if self.likelihood == "continuous_bernoulli":
            return likelihoods.ContinuousBernoulliLoss()
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def _build_log_variance(self):
        """`ln σ²` of a Gaussian likelihood: a number or a trained variable."""
        if self.variance != "learned":
            return math.log(self.variance)
        return self.add_weight(shape=(), dtype="float32", initializer="zeros", autocast=False, name="log_variance")

    def _code_of(self, encoded):
        """The mean of the posterior."""
        return encoded[0]

    def _posterior(self, x, label=None):
        return Posterior(*self.encoder(_joined(x, label), training=False))

    def posterior(self, x, batch_size: int | None = None, *, label=None) -> Posterior:
        """Mean and log-variance `(n, latent_dim)` of q(z | x) for `x (n, *input_shape)`. Arguments as for `encode`."""
        labels = self.checked_labels(label, x)
        return self._apply(self._posterior, x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def sample(self, x, seed: int | None = None, batch_size: int | None = None, *, label=None) -> np.ndarray:
        """Draw one code per input from the posterior: array `x (n, *input_shape)` → `(n, latent_dim)`.

        Args:
            x, batch_size, label: As for `encode`.
            seed: Seed of the draws, which are the same on every backend. None gives new draws in each call.
        """
        mean, log_variance = self.posterior(x, batch_size, label=label)
        noise = np.random.default_rng(seed).standard_normal(mean.shape, dtype="float32")
        return mean + np.exp(0.5 * log_variance) * noise

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        images, label = self.split_label(x)
        y = self.target(x, y)
        mean, log_variance = self.encoder(_joined(self.corrupted(images, training), label), training=training)
        z = self.sampling((mean, log_variance), training=training)
        first = z if self.importance_samples == 1 else z[:, 0]
        reconstruction, x_hat = self._reconstruction_loss(first, y, sample_weight, training, y_pred, label)
        kl = weighted_mean(kl_to_standard_normal(mean, log_variance), sample_weight)
        if self.importance_samples == 1 or y_pred is not None:
            bound = reconstruction + self.kl_weight * kl
        else:

            def log_weights(z, mean, log_variance):
                fit = self._log_likelihood(self.loss, y, z, label, training)
                return fit + self.kl_weight * importance.log_ratio(z, mean, log_variance)

            values = importance.negative_bound(log_weights, z, mean, log_variance, self.gradient)
            bound = weighted_mean(values, sample_weight)
        return {"loss": bound + self._penalties(), "reconstruction_loss": reconstruction, "kl_loss": kl}, x_hat

    def importance_terms(self, x, mean, log_variance, noise, label=None):
        """Compute the two parts of the log importance weight `ln p(x | z) + ln p(z) − ln q(z | x)`, in nats.

        The likelihood is that of the argument `likelihood`, not the compiled loss.

        Args:
            x: Inputs `(n, *input_shape)`, a tensor.
            mean, log_variance: Parameters of the posterior `(n, latent_dim)`.
            noise: Standard normal draws `(n, k, latent_dim)` for `z = mean + exp(½ log_variance) · noise`.
            label: For a conditional model: classes `(n,)`.

        Returns:
            `ln p(x | z)` and `ln p(z) − ln q(z | x)`, tensors `(n, k)`.
        """
        posterior = ops.expand_dims(mean, 1), ops.expand_dims(log_variance, 1)
        z = posterior[0] + ops.exp(0.5 * posterior[1]) * noise
        log_likelihood = self._log_likelihood(PerImage(self.default_loss(), "sum"), x, z, label, False)
        return log_likelihood, importance.log_ratio(z, *posterior)

    def _log_likelihood(self, loss, x, z, label, training):
        """`ln p(x | z)` `(n, k)` of inputs `(n, *input_shape)` and codes `(n, k, latent_dim)`, by a `PerImage` loss."""
        k = z.shape[1]
        codes = ops.reshape(z, (-1, self.latent_dim))
        logits = self._to_logits(_joined(codes, label if label is None else ops.repeat(label, k)), training)
        values = logits if loss.from_logits else self.decoder.layers[-1](logits)
        return -ops.reshape(loss.call(ops.repeat(x, k, axis=0), values), (-1, k))

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "seed": self.seed,
            "likelihood": self.likelihood,
            "variance": self.variance,
            "importance_samples": self.importance_samples,
            "gradient": self.gradient,
        }


@keras.saving.register_keras_serializable(package="kerasae")
class ConvVariationalAutoencoder(VariationalAutoencoder):
    """A variational autoencoder with convolutions of stride 2 and transposed convolutions.

    `x (n, h, w, c) → [conv of stride 2] per level → flatten → hidden → (μ, ln σ²) (n, latent_dim);
    z ~ N(μ, σ²) → dense → small image → [transposed conv of stride 2] per level → conv → crop → x_hat`

    Args:
        input_shape: Shape of a signal, an image or a volume, as for `ConvAutoencoder`.
        filters: Numbers of channels of the encoder's L levels, from the input to the code; reversed in the decoder.
        kernel_size: Kernel size of all convolutions.
        hidden_units: Sizes of the encoder's dense layers.
        latent_dim, **kwargs: As for `VariationalAutoencoder`.

    Raises:
        ValueError: As for `VariationalAutoencoder`, and as for `ConvAutoencoder`.

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
        blocks.require_grid(self.data_shape, len(self.filters))
        return [*blocks.strided_convs(self, self.filters, self.kernel_size), blocks.flat(self)]

    def _decoder_body(self) -> list:
        doublings = 2 ** len(self.filters)
        sides = [-(-side // doublings) for side in self.data_shape[:-1]]
        small = (*sides, self.filters[-1])
        return [
            *blocks.mlp(self, (math.prod(small),)),
            layers.Reshape(small, dtype=self.dtype_policy),
            *blocks.transposed_convs(self, self.filters[::-1], self.kernel_size),
            *blocks.cropped_output(self, [side * doublings for side in sides]),
        ]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "kernel_size": self.kernel_size}
