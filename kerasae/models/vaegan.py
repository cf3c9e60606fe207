"""VAE-GAN: a variational autoencoder that compares images by features of a discriminator."""

import keras
from keras import ops

from kerasae._checks import positive_sizes
from kerasae.layers import Sampling
from kerasae.losses import weighted_mean
from kerasae.models import blocks
from kerasae.models.adversarial import Adversarial, generator_loss, loss_of_generated, standard_normal
from kerasae.models.loss_weights import LossWeight
from kerasae.models.prior import kl_to_standard_normal
from kerasae.models.variational import ConvVariationalAutoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class VAEGAN(Adversarial, ConvVariationalAutoencoder):
    """A variational autoencoder of images whose decoder is also the generator of a GAN.

    Reconstructions are compared by features f, the discriminator's last convolution, instead of by pixels, so a
    shifted stroke costs less than a blurred one. D is the discriminator's logit, x are images, x̂ their
    reconstructions, p decoded samples of the prior, and `S(a) = ln(1 + exp(a))`. Each step minimizes

    - over the encoder: `loss = feature_loss + kl_weight · kl_loss`, with `feature_loss = ½ feature_precision ·
      Σ (f(x) − f(x̂))²`, a negative log-likelihood in nats per image up to a constant, and the KL divergence of
      `VariationalAutoencoder`;
    - over the decoder: `generator_loss = feature_weight · feature_loss + mmd_weight · mmd_loss + mean S(−D(x̂)) +
      mean S(−D(p))`. The discriminator sees one image at a time, so it notices less if some kinds of images are
      generated too often. The `mmd_loss` compares whole batches: it is the unbiased estimate of the squared maximum
      mean discrepancy between x and p, with the kernel `(1 + a·b / d)³` of two images' outputs a and b of the
      discriminator's dense layer, which has d units;
    - over the discriminator: `discriminator_loss = mean S(−D(x)) + ½ mean S(D(x̂)) + ½ mean S(D(p))`. It is
      2 ln 2 = 1.386 if the discriminator cannot tell real images from generated ones.

    The `reconstruction_loss` of the pixels is reported but not minimized.

    Args:
        input_shape: Shape of one image, `(height, width, channels)`.
        discriminator_filters: Numbers of channels of the discriminator's convolutions of stride 2.
        discriminator_units: Size of the discriminator's dense layer after the features.
        feature_precision: Precision (1 / variance) of the features given the code, not negative.
        feature_weight: Weight of the feature loss in the decoder's loss, not negative.
        mmd_weight: Weight of the discrepancy between images and samples in the decoder's loss, not negative.
            Sample weights do not change the discrepancy.
        decoder_units: Sizes of dense layers between the code and the small image that the decoder's convolutions
            enlarge. With them the decoder can turn codes between two digits into one or the other, not into a mixture.
        filters, kernel_size, hidden_units, latent_dim, **kwargs: As for `ConvVariationalAutoencoder`.

    Raises:
        ValueError: If a size is not a positive integer, a weight is negative, or `importance_samples` is not 1.

    References:
        Autoencoding beyond pixels using a learned similarity metric (Larsen, Sønderby, Larochelle & Winther, 2016)
        A kernel two-sample test (Gretton, Borgwardt, Rasch, Schölkopf & Smola, 2012): the discrepancy
        Demystifying MMD GANs (Bińkowski, Sutherland, Arbel & Gretton, 2018): the cubic kernel

    >>> VAEGAN((28, 28, 1), filters=(4, 8), discriminator_filters=(4, 8)).generate(5).shape
    (5, 28, 28, 1)
    """

    reported = ("reconstruction_loss", "kl_loss", "feature_loss", "mmd_loss", "generator_loss", "discriminator_loss")
    feature_precision, feature_weight, mmd_weight = LossWeight(), LossWeight(), LossWeight()

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
        decoder_units=(),
        mmd_weight=0.0,
        **kwargs,
    ):
        self.decoder_units = positive_sizes("decoder_units", decoder_units, or_none=True)
        super().__init__(input_shape, filters, kernel_size, hidden_units, latent_dim, **kwargs)
        if self.importance_samples > 1:
            raise ValueError(
                "importance_samples must be 1: a VAE-GAN does not minimize a bound of the likelihood. "
                f"Received: {self.importance_samples}."
            )
        self.discriminator_filters = positive_sizes("discriminator_filters", discriminator_filters)
        (self.discriminator_units,) = positive_sizes("discriminator_units", discriminator_units)
        self.feature_precision, self.feature_weight, self.mmd_weight = feature_precision, feature_weight, mmd_weight
        self.prior = Sampling(self.seed, stream="prior", name="prior", dtype="float32")
        self.prior.build([(None, self.latent_dim)] * 2)
        self.discriminator = self._discriminator()

    def _discriminator(self) -> keras.Model:
        """Images → flattened features, outputs of the dense layer, and logits."""
        flat = blocks.flat(self)
        body = [*blocks.strided_convs(self, self.discriminator_filters, self.kernel_size), flat]
        whole = blocks.discriminator(self, self.data_shape, body, (self.discriminator_units,))
        dense, logits = whole.layers[-1].input, whole.outputs[0]
        return keras.Model(whole.inputs[0], [flat.output, dense, logits], name="discriminator")

    def _decoder_body(self):
        return [*blocks.mlp(self, self.decoder_units), *super()._decoder_body()]

    def _opponents(self):
        return [(self.decoder, "generator_loss"), *super()._opponents()]

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        y = self.target(x, y)
        mean, log_variance = self.encoder(self.corrupted(x, training), training=training)
        z = self.sampling((mean, log_variance), training=training)
        prior, n = standard_normal(self.prior, z, training), ops.shape(z)[0]
        decoded = self._to_logits(ops.concatenate([z, prior]), training)
        generated = self.decoder.layers[-1](decoded)
        features, dense, logits = self.discriminator(ops.concatenate([ops.cast(y, generated.dtype), generated]))
        features = ops.cast(features, "float32")
        squares = ops.square(features[:n] - features[n : 2 * n])
        feature = weighted_mean(0.5 * self.feature_precision * ops.sum(squares, axis=-1), sample_weight)
        kl = weighted_mean(kl_to_standard_normal(mean, log_variance), sample_weight)
        real, reconstructed, sampled = logits[:n], logits[n : 2 * n], logits[2 * n :]
        if y_pred is not None:
            reconstruction, x_hat = self.loss.of_outputs()(y, y_pred, sample_weight), y_pred
        else:
            x_hat = generated[:n]
            reconstruction = self.loss(y, decoded[:n] if self.loss.from_logits else x_hat, sample_weight)
        mmd = squared_mmd(dense[:n], dense[2 * n :])
        adversarial = generator_loss(reconstructed, sample_weight) + generator_loss(sampled)
        generated_loss = loss_of_generated(reconstructed, sample_weight) + loss_of_generated(sampled)
        terms = {
            "loss": feature + self.kl_weight * kl + self._penalties(),
            "reconstruction_loss": reconstruction,
            "kl_loss": kl,
            "feature_loss": feature,
            "mmd_loss": mmd,
            "generator_loss": self.feature_weight * feature + self.mmd_weight * mmd + adversarial,
            "discriminator_loss": generator_loss(real, sample_weight) + 0.5 * generated_loss,
        }
        return terms, x_hat

    def get_config(self):
        return {
            **super().get_config(),
            "discriminator_filters": self.discriminator_filters,
            "discriminator_units": self.discriminator_units,
            "decoder_units": self.decoder_units,
        }


def squared_mmd(a, b):
    """Estimate the squared maximum mean discrepancy between the distributions of two sets of vectors.

    `1 / (n (n − 1)) Σ k(aᵢ, aⱼ) + k(bᵢ, bⱼ) − k(aᵢ, bⱼ) − k(bᵢ, aⱼ)` over i ≠ j, with the kernel
    `k(a, b) = (1 + a·b / d)³`. The estimate is unbiased, so it may be negative.

    Args:
        a, b: Vectors, both `(n, d)`. The result is 0 for n = 1.
    """
    vectors = ops.cast(ops.concatenate([a, b]), "float32")
    kernel = ops.power(1.0 + ops.matmul(vectors, ops.transpose(vectors)) / vectors.shape[-1], 3)
    n = ops.shape(a)[0]
    pairs = kernel[:n, :n] + kernel[n:, n:] - kernel[:n, n:] - kernel[n:, :n]
    number = ops.maximum(ops.cast(n * (n - 1), "float32"), 1.0)
    return (ops.sum(pairs) - ops.sum(ops.diagonal(pairs))) / number
