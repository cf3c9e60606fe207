"""Adversarial training with a discriminator, and the adversarial autoencoder."""

import keras
from keras import ops

from kerasae._checks import positive_sizes
from kerasae.layers import Sampling
from kerasae.losses import weighted_mean
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.dense import DenseAutoencoder
from kerasae.models.loss_weights import LossWeight
from kerasae.models.prior import StandardNormalPrior


class Adversarial(Autoencoder):
    """Base class of autoencoders with a discriminator, which has its own loss and optionally its own optimizer.

    Each training step updates all parts, with gradients from one forward pass.
    """

    discriminator: keras.Model

    def compile(self, optimizer="adam", loss=None, *args, discriminator_optimizer=None, **kwargs):
        """Configure training, as `Autoencoder.compile` does.

        Args:
            optimizer: Optimizer of the encoder and the decoder, and by default of the discriminator too.
            discriminator_optimizer: Optimizer of the discriminator, or None to use `optimizer`.
            loss, **kwargs: As for `Autoencoder`.
        """
        if discriminator_optimizer is not None:
            # Keras saves and handles the state of a MultiOptimizer like that of a single optimizer.
            default, own = keras.optimizers.get(optimizer), keras.optimizers.get(discriminator_optimizer)
            optimizer = keras.optimizers.MultiOptimizer(
                keras.optimizers.OptimizerMap(default, {".*discriminator.*": own})
            )
        super().compile(optimizer, loss, *args, **kwargs)

    def loss_per_variable(self) -> list[str]:
        names = {id(variable): name for part, name in self._opponents() for variable in part.trainable_variables}
        return [names.get(id(variable), "loss") for variable in self.trainable_variables]

    def _opponents(self) -> list[tuple[keras.Model, str]]:
        """Pairs of a network that does not minimize `loss` and the name of the loss that it minimizes."""
        return [(self.discriminator, "discriminator_loss")]


def generator_loss(logits, sample_weight=None):
    """Non-saturating generator loss `mean ln(1 + exp(−logit))`, given the logits `(n, 1)` of generated inputs.

    Given the logits of real inputs, it is the discriminator's cross-entropy.
    """
    return weighted_mean(ops.softplus(-ops.cast(logits[:, 0], "float32")), sample_weight)


def loss_of_generated(logits, sample_weight=None):
    """Cross-entropy of the discriminator for generated inputs, `mean ln(1 + exp(logit))`; logits `(n, 1)`."""
    return generator_loss(-logits, sample_weight)


def standard_normal(prior, like, training: bool):
    """Samples of N(0, I) with the shape of `like`, drawn by the `Sampling` layer `prior`."""
    zeros = ops.zeros_like(ops.cast(like, "float32"))  # mean 0 and log-variance 0
    return prior((zeros, zeros), training=training)


@keras.saving.register_keras_serializable(package="kerasae")
class AdversarialAutoencoder(StandardNormalPrior, Adversarial, DenseAutoencoder):
    """A dense autoencoder whose encoder learns to fool a discriminator between codes and samples of N(0, I).

    The discriminator pushes the aggregate posterior, the distribution of the codes of all data, toward the prior. D is
    the discriminator's logit, positive for samples p of the prior; z are the codes of the data. Each step minimizes

    - over the encoder and the decoder: `loss = reconstruction_loss + adversarial_weight · adversarial_loss`, with the
      non-saturating generator loss `adversarial_loss = mean ln(1 + exp(−D(z)))`;
    - over the discriminator: `discriminator_loss = ½ mean ln(1 + exp(−D(p))) + ½ mean ln(1 + exp(D(z)))`. It is
      ln 2 = 0.693 if the discriminator cannot tell p from z.

    Args:
        input_shape: Shape of one input.
        hidden_units, latent_dim, **kwargs: As for `DenseAutoencoder`.
        discriminator_units: Sizes of the discriminator's hidden layers.
        adversarial_weight: Weight of the adversarial loss, not negative. Can be set at any time.
        seed: Seed of the prior samples.

    Raises:
        ValueError: If a size is not a positive integer, or `adversarial_weight` is negative.

    References:
        Adversarial autoencoders (Makhzani, Shlens, Jaitly, Goodfellow & Frey, 2015)

    >>> AdversarialAutoencoder((28, 28, 1), (32,), 8, discriminator_units=(16,)).generate(5).shape
    (5, 28, 28, 1)
    """

    reported = ("reconstruction_loss", "adversarial_loss", "discriminator_loss")
    adversarial_weight = LossWeight()

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
        self.discriminator_units = positive_sizes("discriminator_units", discriminator_units, or_none=True)
        self.adversarial_weight = adversarial_weight
        self.seed = seed
        self.prior = Sampling(seed, stream="prior", name="prior", dtype="float32")
        self.prior.build([(None, self.latent_dim)] * 2)
        self.discriminator = blocks.discriminator(self, (self.latent_dim,), [], self.discriminator_units)

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        z = self.encoder(self.corrupted(x, training), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training, y_pred)
        prior, n = standard_normal(self.prior, z, training), ops.shape(z)[0]
        logits = self.discriminator(ops.concatenate([ops.cast(z, "float32"), prior]))
        code_logits, prior_logits = logits[:n], logits[n:]
        adversarial = generator_loss(code_logits, sample_weight)
        terms = {
            "loss": reconstruction + self.adversarial_weight * adversarial + self._penalties(),
            "reconstruction_loss": reconstruction,
            "adversarial_loss": adversarial,
            "discriminator_loss": 0.5 * (generator_loss(prior_logits) + loss_of_generated(code_logits, sample_weight)),
        }
        return terms, x_hat

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator_units": self.discriminator_units,
            "seed": self.seed,
        }
