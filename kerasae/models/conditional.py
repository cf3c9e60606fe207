"""The conditional variational autoencoder."""

import keras
from keras import layers

from kerasae._checks import positive_size
from kerasae.layers import OneHot
from kerasae.models import blocks
from kerasae.models.variational import VariationalAutoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class ConditionalVariationalAutoencoder(VariationalAutoencoder):
    """A dense variational autoencoder that is given the class of each image, so the code can describe the style.

    `[x, label] → flatten, one-hot, concatenate → hidden → (μ, ln σ²); [z ~ N(μ, σ²), label] → concatenate
    → reversed hidden → x_hat`

    `fit`, `evaluate` and `predict` take `{"x": x, "label": label}`. Methods that take inputs or codes have an
    argument `label`: one class per image `(n,)`, or one for all. The objective is that of `VariationalAutoencoder`
    with `p(x | z, label)` and `q(z | x, label)`; the prior N(0, I) does not depend on the class.

    Args:
        input_shape: Shape of one input.
        classes: Number of classes; labels are integers from 0 to `classes − 1`.
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

    def _build_encoder(self) -> keras.Model:
        x, label = keras.Input(self.data_shape), self._label_input()
        flat = blocks.chain(self._encoder_body(), x)
        hidden = blocks.chain(blocks.mlp(self, self.hidden_units), self._with_label(flat, label))
        return keras.Model([x, label], blocks.posterior_heads(self, hidden), name="encoder")

    def _build_decoder(self) -> keras.Model:
        z, label = keras.Input((self.latent_dim,)), self._label_input()
        return keras.Model([z, label], blocks.chain(self._decoder_body(), self._with_label(z, label)), name="decoder")

    def _label_input(self):
        return keras.Input((), dtype="int32", name="label")

    def _with_label(self, vectors, label):
        one_hot = OneHot(self.classes or 0, dtype=self.dtype_policy)(label)
        return layers.Concatenate(dtype=self.dtype_policy)([vectors, one_hot])

    def get_config(self):
        return {**super().get_config(), "classes": self.classes}
