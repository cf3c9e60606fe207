"""Adversarial autoencoders: a discriminator, trained against them, says what is still wrong."""

import keras
from keras import layers, ops

from kerasae._checks import positive_sizes
from kerasae.layers import Sampling
from kerasae.losses import weighted_mean
from kerasae.models.base import Autoencoder
from kerasae.models.dense import DenseAutoencoder
from kerasae.models.variational import (
    ConvVariationalAutoencoder,
    StandardNormalPrior,
    kl_to_standard_normal,
    strided_levels,
)


class Adversarial(Autoencoder):
    """An autoencoder with a discriminator, which has a loss and, if asked for, an optimiser of its own.

    All are trained in one step, by gradients of one forward pass.
    """

    discriminator: keras.Model

    def compile(self, optimizer="adam", loss=None, *args, discriminator_optimizer=None, **kwargs):
        """As for `Autoencoder`.

        Args:
            optimizer: Of the encoder and the decoder, and of the discriminator unless it has its own.
            discriminator_optimizer: Of the discriminator.
            loss, **kwargs: As for `Autoencoder`.
        """
        if discriminator_optimizer is not None:
            # By Keras's class for it, whose state is saved and handed through as one optimiser's is.
            default, own = keras.optimizers.get(optimizer), keras.optimizers.get(discriminator_optimizer)
            optimizer = keras.optimizers.MultiOptimizer(
                keras.optimizers.OptimizerMap(default, {".*discriminator.*": own})
            )
        super().compile(optimizer, loss, *args, **kwargs)

    def loss_per_variable(self) -> list[str]:
        of = {id(variable): name for part, name in self._opponents() for variable in part.trainable_variables}
        return [of.get(id(variable), "loss") for variable in self.trainable_variables]

    def _opponents(self) -> list[tuple[keras.Model, str]]:
        """The parts that have a loss of their own, and its name."""
        return [(self.discriminator, "discriminator_loss")]


def _is_real(logits, sample_weight=None):
    """Cross-entropy of "real", `ln(1 + exp(−logit))`: what one pays who wants to be taken for real. A mean."""
    return weighted_mean(ops.softplus(-ops.cast(logits[:, 0], "float32")), sample_weight)


def _is_made(logits, sample_weight=None):
    """Cross-entropy of "made", `ln(1 + exp(logit))`, a mean."""
    return _is_real(-logits, sample_weight)


@keras.saving.register_keras_serializable(package="kerasae")
class AdversarialAutoencoder(StandardNormalPrior, Adversarial, DenseAutoencoder):
    """A dense autoencoder whose codes a discriminator can't tell from samples of N(0, I), so that it generates.

    With the discriminator's logit D, codes z of the data and samples p of the prior, in one step:

    - encoder and decoder: `loss = reconstruction_loss + adversarial_weight · mean ln(1 + exp(−D(z)))`;
    - discriminator: `discriminator_loss = ½ mean ln(1 + exp(−D(p))) + ½ mean ln(1 + exp(D(z)))`,
      which is ln 2 = 0.693 where it can tell nothing.

    Args:
        input_shape: Shape of one input.
        hidden_units, latent_dim, **kwargs: As for `DenseAutoencoder`.
        discriminator_units: Sizes of the discriminator's hidden layers.
        adversarial_weight: Of what the encoder pays for codes that are told from the prior.
        seed: Of the samples of the prior.

    Raises:
        ValueError: A size is not a positive integer, or `adversarial_weight` is negative.

    References:
        Adversarial autoencoders (Makhzani, Shlens, Jaitly, Goodfellow & Frey, 2015)

    >>> AdversarialAutoencoder((28, 28, 1), (32,), 8, discriminator_units=(16,)).generate(5).shape
    (5, 28, 28, 1)
    """

    reported = ("reconstruction_loss", "adversarial_loss", "discriminator_loss")

    def __init__(
        self,
        input_shape,
        hidden_units=(1000, 1000),
        latent_dim=8,
        discriminator_units=(1000, 1000),
        adversarial_weight=0.01,
        seed=0,
        **kwargs,
    ):
        super().__init__(input_shape, hidden_units, latent_dim, **kwargs)
        if adversarial_weight < 0:
            raise ValueError(f"adversarial_weight must not be negative. Received: {adversarial_weight}")
        self.discriminator_units = positive_sizes("discriminator_units", discriminator_units, or_none=True)
        self.adversarial_weight = float(adversarial_weight)
        self.seed = seed
        self.prior = Sampling(seed, name="prior", dtype="float32")
        self.prior.build([(None, self.latent_dim)] * 2)
        hidden = [
            layers.Dense(size, activation=self.activation, dtype=self.dtype_policy) for size in self.discriminator_units
        ]
        self.discriminator = keras.Sequential(
            [keras.Input((self.latent_dim,)), *hidden, layers.Dense(1, name="real", dtype=self.dtype_policy)],
            name="discriminator",
        )

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        z = self.encoder(self.corrupted(x, training), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training)
        standard = ops.zeros_like(ops.cast(z, "float32"))  # mean 0 and log-variance 0
        prior = self.prior((standard, standard), training=training)
        told, n = self.discriminator(ops.concatenate([ops.cast(z, "float32"), prior])), ops.shape(z)[0]
        adversarial = _is_real(told[:n], sample_weight)
        terms = {
            "loss": reconstruction + self.adversarial_weight * adversarial + self._penalties(),
            "reconstruction_loss": reconstruction,
            "adversarial_loss": adversarial,
            "discriminator_loss": 0.5 * (_is_real(told[n:]) + _is_made(told[:n], sample_weight)),
        }
        return terms, x_hat

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator_units": self.discriminator_units,
            "adversarial_weight": self.adversarial_weight,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="kerasae")
class VAEGAN(Adversarial, ConvVariationalAutoencoder):
    """A variational autoencoder of images that is also the generator of a GAN.

    What a discriminator sees in an image, the features f of its last convolution, measures the
    reconstruction, and not the pixels: it forgives a stroke that is moved, and not one that is blurred.
    With its logit D, images x, their reconstructions x̂ and decoded samples p of the prior, in one step:

    - encoder: `loss = feature_loss + kl_weight · kl_loss`, with `feature_loss = ½ feature_precision ·
      Σ (f(x) − f(x̂))²`, a log-likelihood in nats an image up to a constant, and the KL divergence of
      `VariationalAutoencoder`;
    - decoder: `generator_loss = feature_weight · feature_loss + mean S(−D(x̂)) + mean S(−D(p))`, with
      `S(a) = ln(1 + exp(a))`;
    - discriminator: `discriminator_loss = mean S(−D(x)) + ½ mean S(D(x̂)) + ½ mean S(D(p))`, which is
      2 ln 2 = 1.386 where it can tell nothing.

    `reconstruction_loss`, of the pixels, is reported and not trained.

    Args:
        input_shape: `(height, width, channels)`.
        discriminator_filters: Channels of the discriminator's convolutions of stride 2.
        discriminator_units: Size of its dense layer, after the features.
        feature_precision: Of the features given the code, one over their variance.
        feature_weight: Of the features in the decoder's loss.
        filters, kernel_size, hidden_units, latent_dim, **kwargs: As for `ConvVariationalAutoencoder`.

    Raises:
        ValueError: A size is not a positive integer, or a weight is negative.

    References:
        Autoencoding beyond pixels using a learned similarity metric (Larsen, Sønderby, Larochelle & Winther, 2016)

    >>> VAEGAN((28, 28, 1), filters=(4, 8), discriminator_filters=(4, 8)).generate(5).shape
    (5, 28, 28, 1)
    """

    reported = ("reconstruction_loss", "kl_loss", "feature_loss", "generator_loss", "discriminator_loss")

    def __init__(
        self,
        input_shape,
        filters=(32, 64),
        kernel_size=3,
        hidden_units=(256,),
        latent_dim=20,
        discriminator_filters=(32, 64),
        discriminator_units=128,
        feature_precision=50.0,
        feature_weight=0.02,
        **kwargs,
    ):
        super().__init__(input_shape, filters, kernel_size, hidden_units, latent_dim, **kwargs)
        if feature_weight < 0 or feature_precision < 0:
            raise ValueError(
                "feature_precision and feature_weight must not be negative. "
                f"Received: feature_precision={feature_precision}, feature_weight={feature_weight}"
            )
        self.discriminator_filters = positive_sizes("discriminator_filters", discriminator_filters)
        (self.discriminator_units,) = positive_sizes("discriminator_units", discriminator_units)
        self.feature_precision, self.feature_weight = float(feature_precision), float(feature_weight)
        self.prior = Sampling(self.seed + 1, name="prior", dtype="float32")
        self.prior.build([(None, self.latent_dim)] * 2)
        self.discriminator = self._discriminator()

    def _discriminator(self) -> keras.Model:
        """An image → its features, and the logit of its being real."""
        see = [
            *strided_levels(self, self.discriminator_filters, self.kernel_size),
            layers.Flatten(dtype=self.dtype_policy),
        ]
        judge = [
            layers.Dense(self.discriminator_units, activation=self.activation, dtype=self.dtype_policy),
            layers.Dense(1, name="real", dtype=self.dtype_policy),
        ]
        # A Sequential puts its name into its variables' paths, by which optimisers know what is theirs.
        whole = keras.Sequential([keras.Input(self.data_shape), *see, *judge], name="discriminator")
        return keras.Model(whole.inputs[0], [see[-1].output, whole.outputs[0]], name="discriminator")

    def _opponents(self):
        return [(self.decoder, "generator_loss"), *super()._opponents()]

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        y = self.target(x, y)
        mean, log_variance = self.encoder(self.corrupted(x, training), training=training)
        z = self.sampling((mean, log_variance), training=training)
        standard = ops.zeros_like(z)  # mean 0 and log-variance 0
        prior, n = self.prior((standard, standard), training=training), ops.shape(z)[0]
        logits = self._to_logits(ops.concatenate([z, prior]), training)
        made = self.decoder.layers[-1](logits)
        x_hat = made[:n]
        features, told = self.discriminator(ops.concatenate([ops.cast(y, made.dtype), made]))
        features = ops.cast(features, "float32")
        squares = ops.square(features[:n] - features[n : 2 * n])
        feature = weighted_mean(0.5 * self.feature_precision * ops.sum(squares, axis=-1), sample_weight)
        kl = weighted_mean(kl_to_standard_normal(mean, log_variance), sample_weight)
        real, reconstructed, generated = told[:n], told[n : 2 * n], told[2 * n :]
        found_out = _is_made(reconstructed, sample_weight) + _is_made(generated)
        unnoticed = _is_real(reconstructed, sample_weight) + _is_real(generated)
        terms = {
            "loss": feature + self.kl_weight * kl + self._penalties(),
            "reconstruction_loss": self.loss(y, logits[:n] if self.loss.from_logits else x_hat, sample_weight),
            "kl_loss": kl,
            "feature_loss": feature,
            "generator_loss": self.feature_weight * feature + unnoticed,
            "discriminator_loss": _is_real(real, sample_weight) + 0.5 * found_out,
        }
        return terms, x_hat

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator_filters": self.discriminator_filters,
            "discriminator_units": self.discriminator_units,
            "feature_precision": self.feature_precision,
            "feature_weight": self.feature_weight,
        }
