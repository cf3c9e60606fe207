"""Vector-quantized autoencoders with an autoregressive prior over their codes, which generate."""

import keras
import numpy as np
from keras import layers, ops

from kerasae import backends
from kerasae._checks import positive_size
from kerasae.losses import weighted_mean
from kerasae.models.vector_quantized import VectorQuantizedAutoencoder
from kerasae.training import inference

_BATCH = 500  # samples that are drawn at once


@keras.saving.register_keras_serializable(package="kerasae")
class VQVAE(VectorQuantizedAutoencoder):
    """A vector-quantized autoencoder with a prior over its codes.

    The prior gives each grid of L indices k a probability, index by index in the order of rows:
    `p(k) = Πᵢ p(kᵢ | k₁, …, kᵢ₋₁)`. It is a network of causal convolutions over that order, whose dilations alternate
    between 1 and the length of a row, so that it sees the neighbors to the left and above. It is trained with the
    autoencoder and does not change it: the codes are its data. `prior_loss` is its loss, `−ln p(k) / L` in nats per
    code, and is added to the loss.

    Args:
        input_shape, filters: As for `VectorQuantizedAutoencoder`.
        prior_channels: Number of channels of the prior's convolutions.
        prior_layers: Number of convolutions of the prior.
        **kwargs: Further arguments of `VectorQuantizedAutoencoder`.

    Raises:
        ValueError: As for `VectorQuantizedAutoencoder`, or if a size is not a positive integer.

    References:
        Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        WaveNet: a generative model for raw audio (van den Oord et al., 2016): dilated causal convolutions

    >>> model = VQVAE((28, 28, 1), (8, 4), codebook_size=16, prior_channels=8, prior_layers=2)
    >>> model.generate(3, seed=0).shape
    (3, 28, 28, 1)
    """

    any_size = False  # the prior knows its positions
    reported = (*VectorQuantizedAutoencoder.reported, "prior_loss")

    def __init__(self, input_shape, filters=(32, 64), *, prior_channels=64, prior_layers=8, **kwargs):
        super().__init__(input_shape, filters, **kwargs)
        self.prior_channels = positive_size("prior_channels", prior_channels)
        self.prior_layers = positive_size("prior_layers", prior_layers)
        self.code_prior = self._build_prior()

    def _build_prior(self) -> keras.Model:
        """Indices before each position and the positions, both `(n, L)` → logits of the index there `(n, L, K)`."""
        before, positions = (keras.Input((self.code_size,), dtype="int32") for _ in range(2))
        width = self.prior_channels
        hidden = _embedding(self.codebook_size + 1, width)(before) + _embedding(self.code_size, width)(positions)
        for layer in range(self.prior_layers):
            dilation = self.code_shape[-2] if layer % 2 else 1
            conv = layers.Conv1D(width, 3, dilation_rate=dilation, padding="causal", data_format="channels_last")
            hidden = hidden + conv(ops.relu(hidden))
        logits = layers.Dense(self.codebook_size, dtype="float32")(ops.relu(hidden))
        return keras.Model([before, positions], logits, name="code_prior")

    def _further_terms(self, vectors, sample_weight):
        indices = ops.reshape(self.encoder.layers[-1].indices(vectors), (-1, self.code_size))
        indices = ops.stop_gradient(ops.cast(indices, "int32"))
        logits = self._prior_logits(self._before(indices))
        nats = keras.losses.sparse_categorical_crossentropy(indices, logits, from_logits=True)
        return {"prior_loss": weighted_mean(ops.mean(nats, axis=-1), sample_weight)}

    def _before(self, indices):
        """Indices `(n, L)` moved by one position, with a start symbol first."""
        return ops.pad(indices[:, :-1], ((0, 0), (1, 0)), constant_values=self.codebook_size)

    def _prior_logits(self, before):
        positions = ops.broadcast_to(ops.arange(self.code_size, dtype="int32"), ops.shape(before))
        return self.code_prior([before, positions])

    def _next_logits(self, before, position):
        """Logits `(n, K)` of the index at one position of each image, `position (n,)`."""
        return ops.take_along_axis(self._prior_logits(before), position[:, None, None], axis=1)[:, 0]

    def generate(self, n: int, seed: int | None = None) -> np.ndarray:
        """Decode `n` grids of indices drawn from the prior, index by index.

        Args:
            n: Number of samples.
            seed: The same seed gives the same samples; None gives new ones in each call. Backends agree but for
                draws within rounding of two indices.

        Returns:
            An array `(n, *input_shape)`.

        Raises:
            ValueError: If `n` is not a positive integer.
        """
        return self.decode_indices(self.generate_indices(n, seed))

    def generate_indices(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draw `n` grids of indices from the prior, int32 `(n, height, width)` for images. Arguments as `generate`."""
        uniform = np.random.default_rng(seed).random((positive_size("n", n), self.code_size, 1))
        next_logits = self.compiled_functions.get(
            self, "next_logits", lambda: backends.compile_function(self._next_logits, self)
        )
        before = np.full((n, self.code_size + 1), self.codebook_size, "int32")
        for position in range(self.code_size):
            here = np.full(n, position, "int32")
            logits = inference.apply(next_logits, min(_BATCH, n), before[:, :-1], here)
            before[:, position + 1] = _drawn(logits.astype("float64"), uniform[:, position])
        return before[:, 1:].reshape(n, *self.code_shape[:-1])

    def get_config(self):
        own = {"prior_channels": self.prior_channels, "prior_layers": self.prior_layers}
        return {**super().get_config(), **own}


def _embedding(size: int, width: int) -> layers.Embedding:
    # Of a kind that NumPy draws for recipes, so that it is the same on every backend.
    return layers.Embedding(size, width, embeddings_initializer=keras.initializers.VarianceScaling(1.0, "fan_out"))


def _drawn(logits: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draw an index of each row of logits `(n, K)`, by inversion of uniform draws `(n, 1)`."""
    cumulative = np.cumsum(np.exp(logits - logits.max(axis=1, keepdims=True)), axis=1)
    return (cumulative < uniform * cumulative[:, -1:]).sum(axis=1)
