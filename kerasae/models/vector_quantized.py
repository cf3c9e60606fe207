"""Vector-quantized autoencoders, whose codes are grids of integers."""

import math

import keras
import numpy as np
from keras import ops

from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import VectorQuantizer
from kerasae.layers.quantizer import straight_through
from kerasae.losses import weighted_mean
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.loss_weights import LossWeight


@keras.saving.register_keras_serializable(package="kerasae")
class VectorQuantizedAutoencoder(Autoencoder):
    """A convolutional autoencoder whose code is a grid of vectors from a learned codebook (VQ-VAE).

    `x (n, h, w, c) → [conv of stride 2] per level → conv → nearest vectors of the codebook
    z (n, ⌈h/2ᴸ⌉, ⌈w/2ᴸ⌉, latent_channels) → conv → [transposed conv of stride 2] per level → conv → crop → x_hat`

    `encode` returns the vectors; `encode_indices` returns their indices in the codebook, which take `bits_per_image`
    bits per image. v are the encoder's vectors and q the nearest vectors of the codebook. Training minimizes
    `loss = reconstruction_loss + commitment_weight · commitment_loss`, with
    `commitment_loss = mean (v − stop_gradient(q))²` over all values. The decoder's gradient is passed from q to v
    unchanged (straight-through). The codebook follows v by moving averages, or by gradients of
    `mean (stop_gradient(v) − q)²`, which is then part of the loss. Logs also have, per batch, the `perplexity`
    `exp(−Σ p ln p)` of the fractions p with which the codebook's vectors are used, and `codebook_use`, the fraction of
    vectors that are used.

    Args:
        input_shape: Shape of a signal, an image or a volume, as for `ConvAutoencoder`. The grid has as many axes.
        filters: Numbers of channels of the encoder's L levels, from the input to the code; reversed in the decoder.
        kernel_size: Kernel size of all convolutions except those next to the code.
        latent_channels: Length of each vector.
        codebook_size: Number of vectors in the codebook.
        activation: Activation function of the hidden layers. The code is linear.
        output_activation, value_range, **kwargs: As for `DenseAutoencoder`.
        commitment_weight: Weight of the commitment loss. Can be set at any time.
        codebook_update: `"moving_average"` or `"gradient"`.
        decay, restart_below, seed: As for `kerasae.layers.VectorQuantizer`.

    Raises:
        ValueError: If the shape is not that of a signal, image or volume or is too small for the number of levels, or
            an argument is out of range.

    Attributes:
        bits_per_image: Size of a code in bits, the number of its vectors times `⌈log₂ codebook_size⌉`.

    References:
        Neural discrete representation learning (van den Oord, Vinyals & Kavukcuoglu, 2017)
        Generating diverse high-fidelity images with VQ-VAE-2 (Razavi, van den Oord & Vinyals, 2019)

    >>> model = VectorQuantizedAutoencoder((28, 28, 1), filters=(16, 8), latent_channels=4, codebook_size=32)
    >>> model.encode(np.zeros((5, 28, 28, 1))).shape, model.encode_indices(np.zeros((5, 28, 28, 1))).shape
    ((5, 7, 7, 4), (5, 7, 7))
    >>> model.bits_per_image
    245
    """

    any_size = True
    reported: tuple[str, ...] = ("reconstruction_loss", "commitment_loss", "perplexity", "codebook_use")
    commitment_weight = LossWeight()

    def __init__(
        self,
        input_shape,
        filters=(32, 64),
        kernel_size=3,
        latent_channels=16,
        codebook_size=128,
        activation="relu",
        output_activation="sigmoid",
        value_range=(0.0, 1.0),
        commitment_weight=0.25,
        codebook_update="moving_average",
        decay=0.99,
        restart_below=0.1,
        seed=0,
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.filters = positive_sizes("filters", filters)
        blocks.require_grid(self.data_shape, len(self.filters))
        self.kernel_size = positive_size("kernel_size", kernel_size)
        self.latent_channels = positive_size("latent_channels", latent_channels)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.commitment_weight = commitment_weight
        self.codebook_update, self.seed = codebook_update, seed
        quantizer = VectorQuantizer(codebook_size, codebook_update, decay, restart_below, seed, dtype="float32")
        self.codebook_size, self.decay, self.restart_below = codebook_size, quantizer.decay, quantizer.restart_below
        encoder = self._build_encoder(quantizer)
        self.set_parts(encoder, self._build_decoder(tuple(encoder.output_shape[1:])))
        self.code_size = self.active_size = math.prod(self.code_shape[:-1])
        self.bits_per_image = self.code_size * self._bits_per_index

    def _build_encoder(self, quantizer) -> keras.Model:
        levels = blocks.strided_convs(self, self.filters, self.kernel_size)
        vectors = blocks.conv(self, self.latent_channels, 1, name="vectors")
        return keras.Sequential([keras.Input(self.data_shape), *levels, vectors, quantizer], name="encoder")

    def _build_decoder(self, code_shape) -> keras.Model:
        stack = [
            keras.Input(code_shape),
            blocks.conv(self, self.filters[-1], 3, activation=self.activation),
            *blocks.transposed_convs(self, self.filters[::-1], self.kernel_size),
            *blocks.cropped_output(self, [side * 2 ** len(self.filters) for side in code_shape[:-1]]),
        ]
        return keras.Sequential(stack, name="decoder")

    # Codes as integers and as bits

    @property
    def codebook(self) -> np.ndarray:
        """Vectors of the codebook, `(codebook_size, latent_channels)`."""
        return ops.convert_to_numpy(self.encoder.layers[-1].vectors())

    def encode_indices(self, x, batch_size: int | None = None):
        """Encode inputs `(n, *input_shape)` as indices of the codebook, int32 `(n, height, width)` for images.

        `codebook[encode_indices(x)]` equals `encode(x)`. Arguments and errors as for `encode`.
        """
        indices = self._apply(self._indices, x, self.data_shape, self.value_range, "x", batch_size)
        return indices.astype("int32") if isinstance(indices, np.ndarray) else indices

    def decode_indices(self, indices, batch_size: int | None = None) -> np.ndarray:
        """Decode indices of the codebook: `(n, height, width)` for images → `x_hat (n, *input_shape)`.

        Raises:
            ValueError: If the indices have a wrong shape, or are not integers from 0 to `codebook_size − 1`.
        """
        return self.decode(self.codebook[self._checked_indices(indices)], batch_size)

    def codes_to_bits(self, indices) -> np.ndarray:
        """Convert indices `(n, height, width)` to bits, uint8 `(n, bits_per_image)` of 0 and 1, highest bit first.

        `numpy.packbits` packs eight of them into a byte. Errors as for `decode_indices`.

        >>> model = VectorQuantizedAutoencoder((4, 4, 1), filters=(2, 2), latent_channels=2, codebook_size=8)
        >>> model.codes_to_bits([[[6]]])
        array([[1, 1, 0]], dtype=uint8)
        """
        indices = self._checked_indices(indices)
        bits = indices[..., None] >> np.arange(self._bits_per_index)[::-1] & 1
        return bits.reshape(len(indices), -1).astype("uint8")

    def bits_to_codes(self, bits) -> np.ndarray:
        """Convert bits `(n, bits_per_image)` back to indices, int32 `(n, height, width)`: inverse of `codes_to_bits`.

        Raises:
            ValueError: If the bits have a wrong shape, are not 0 or 1, or give an index beyond the codebook.
        """
        bits = np.asarray(bits)
        if bits.shape[1:] != (self.bits_per_image,) or not np.isin(bits, (0, 1)).all():
            raise ValueError(
                f"bits must be 0 or 1, of shape (n, {self.bits_per_image}). Received: {bits.dtype} of shape "
                f"{bits.shape}. Pass the result of codes_to_bits."
            )
        groups = bits.reshape(len(bits), *self.code_shape[:-1], self._bits_per_index).astype("int32")
        return self._checked_indices(groups @ (1 << np.arange(self._bits_per_index, dtype="int32")[::-1]))

    @property
    def _bits_per_index(self) -> int:
        return (self.codebook_size - 1).bit_length()

    def _checked_indices(self, indices) -> np.ndarray:
        indices, grid = np.asarray(indices), self.code_shape[:-1]
        known = indices.dtype.kind in "iu" and indices.shape[1:] == grid
        if not known or (indices.size and not 0 <= indices.min() <= indices.max() < self.codebook_size):
            found = f" from {indices.min()} to {indices.max()}" if known else ""
            sides = ", ".join(map(str, grid))
            raise ValueError(
                f"indices must be integers from 0 to {self.codebook_size - 1}, of shape (n, {sides}). "
                f"Received: {indices.dtype} of shape {indices.shape}{found}. Pass the result of encode_indices."
            )
        return indices.astype("int32")

    def _indices(self, x):
        return self.encoder.layers[-1].indices(self._vectors(x, training=False))

    def _vectors(self, x, training: bool):
        """Vectors of the encoder before quantization."""
        view = self.compiled_functions.get(self, "vectors", lambda: _without_quantizer(self.encoder))
        return view(x, training=training)

    # Training

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        quantized = self.encoder.layers[-1].look_up(self._vectors(self.corrupted(x, training), training), training)
        vectors, codes, shares = quantized
        z = straight_through(quantized)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training, y_pred)
        commitment = weighted_mean(_mean_square(vectors - ops.stop_gradient(codes)), sample_weight)
        loss = reconstruction + self.commitment_weight * commitment + self._penalties()
        if self.codebook_update == "gradient":
            loss = loss + weighted_mean(_mean_square(ops.stop_gradient(vectors) - codes), sample_weight)
        further = self._further_terms(vectors, sample_weight)
        terms = {
            "loss": sum(further.values(), loss),
            "reconstruction_loss": reconstruction,
            "commitment_loss": commitment,
            "perplexity": ops.exp(-ops.sum(shares * ops.log(ops.maximum(shares, 1e-12)))),
            "codebook_use": ops.mean(ops.cast(shares > 0.0, "float32")),
            **further,
        }
        return terms, x_hat

    def _further_terms(self, vectors, sample_weight) -> dict:
        """Terms that a subclass adds to the loss, by name, computed from the vectors before quantization."""
        return {}

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "latent_channels": self.latent_channels,
            "codebook_size": self.codebook_size,
            "activation": keras.activations.serialize(self.activation),
            "output_activation": keras.activations.serialize(self.output_activation),
            "codebook_update": self.codebook_update,
            "decay": self.decay,
            "restart_below": self.restart_below,
            "seed": self.seed,
        }


def _mean_square(differences):
    """`(n, ...)` → mean square per image `(n,)`."""
    return ops.mean(ops.square(differences), axis=tuple(range(1, len(differences.shape))))


def _without_quantizer(encoder: keras.Model) -> keras.Model:
    """A model of the encoder's layers without the last one, the quantizer."""
    return keras.Model(encoder.inputs[0], encoder.layers[-1].input, name="vectors")
