"""The base class of all autoencoders: input contract, encode and decode, loss, and `fit(x)`."""

import functools
import math

import keras
import numpy as np

from kerasae import backends, files
from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import CounterBasedRandom, KerasNoise
from kerasae.layers.noise import as_noise
from kerasae.models import blocks, quantization
from kerasae.models.errors import ReconstructionErrors
from kerasae.models.input_size import InputSize
from kerasae.models.labels import Labels
from kerasae.models.loss_weights import WithLossWeights
from kerasae.models.presets import Presets
from kerasae.training import inference, validation
from kerasae.training.trainer import Trainer


class Autoencoder(Trainer, Labels, ReconstructionErrors, InputSize, WithLossWeights, Presets, keras.Model):
    """Base class of autoencoders: Keras models that learn to reconstruct their input from a code.

    `x (n, *input_shape) → encoder → z (n, *code_shape) → decoder → x_hat (n, *input_shape)`

    A subclass calls `set_parts(encoder, decoder)` at the end of its constructor. `loss_terms` computes the loss.
    `fit(x)` means `fit(x, x)`: the input is the target.

    Args:
        input_shape: Shape of one input, without the batch axis: `(28, 28, 1)`, `(2,)`.
        value_range: Lowest and highest valid input value, or None for any finite value.
        noise: Layer that corrupts the inputs in training, while the targets stay clean: `fit(x)` learns to denoise.
            A `kerasae.layers.Noise` or a Keras layer that only acts in training (`GaussianNoise`, `Dropout`, ...).
            `evaluate` and `val_loss` use one fixed draw of the noise; `predict`, `encode` and `reconstruct` use none.
        **kwargs: `name`, `dtype`, `trainable`, as for `keras.Model`.

    Raises:
        ValueError: If a size is not a positive integer, the range is empty, or `noise` is not a layer.

    Attributes:
        encoder, decoder: Built Keras models, usable in a Functional graph.
        code_shape: Shape of one code.
        code_size: Number of values in one code (of a vector-quantized model: number of integers).
        active_size: How many of these can differ from 0: all, except in a `TopKAutoencoder`. PCA of as many components
            is the baseline of the model.
        classes: Number of classes of a conditional model, else None.
        loss_weight_names: Names of the weights of loss terms, which can be set at any time: `model.kl_weight = 0.5`.
    """

    encoder: keras.Model
    decoder: keras.Model
    code_shape: tuple[int, ...]
    code_size: int
    active_size: int
    value_range: tuple[float, float] | None

    def __init__(self, input_shape, value_range=(0.0, 1.0), noise=None, **kwargs):
        super().__init__(**kwargs)
        self.data_shape = positive_sizes("input_shape", input_shape)
        self.value_range = validation.checked_range(value_range)
        self.noise = as_noise(noise)
        if self.noise is not None:
            self.noise.set_model_range(self.value_range)
            self.noise.stream = self.noise.stream or "noise"
            self.noise.build((None, *self.data_shape))
        self.prepare_training()

    def set_parts(self, encoder: keras.Model, decoder: keras.Model) -> None:
        """Set the encoder and the decoder. A subclass calls this at the end of its constructor.

        Args:
            encoder: Built model from inputs to codes.
            decoder: Built model whose first input is the code and whose last layer is the output activation
                alone (`keras.layers.Activation`), so that a loss can be computed from the logits before it.
        """
        self.encoder, self.decoder = encoder, decoder
        self.code_shape = tuple(decoder.inputs[0].shape[1:])
        self.code_size = self.active_size = math.prod(self.code_shape)
        for part in (encoder, decoder):
            randoms = [layer for layer in part.layers if isinstance(layer, CounterBasedRandom)]
            for i, layer in enumerate(randoms):
                layer.stream = layer.stream or f"{part.name}/{i}"
        self.built = True

    def get_config(self):
        noise = self.noise.layer if isinstance(self.noise, KerasNoise) else self.noise
        config = {
            "input_shape": self.data_shape,
            "value_range": self.value_range,
            "noise": noise and keras.saving.serialize_keras_object(noise),
            "name": self.name,
            **self._loss_weight_config(),
            **quantization.config(self),
        }
        if self.dtype_policy != keras.config.dtype_policy():
            config["dtype"] = keras.dtype_policies.serialize(self.dtype_policy)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build the model that `get_config` describes; ValueError for more than `files.MAX_NUMBERS` weights."""
        config = dict(config)
        quantized = config.pop(quantization.KEY, None)
        files.check_size(lambda: cls(**config))
        return quantization.apply(cls(**config), quantized)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Load weights as `keras.Model` does. If loading fails, the model keeps its weights.

        That guarantee holds for `.weights.h5` and `.keras` files without `skip_mismatch`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is damaged, not a weights file, or has the weights of another model.
        """
        if not skip_mismatch and "://" not in str(filepath) and str(filepath).endswith((".weights.h5", ".keras")):
            files.load_weights(self, filepath, **kwargs)
        else:
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """Quantize the dense layers, as `keras.Model.quantize` does: `model.quantize("int8")`.

        The quantized model predicts, saves and loads as before.

        Raises:
            ValueError: If Keras can quantize no layer of the model.

        Warns:
            UserWarning: If Keras cannot quantize some layers with weights.
        """
        quantization.check(self)
        super().quantize(mode, config=config, filters=filters, **kwargs)
        self.forget_compiled()

    # Forward

    def call(self, x, training=None):
        """Reconstruct `x (n, *input_shape)`: same shape, values in the input's range.

        A conditional model takes `{"x": x, "label": label}`.
        """
        x, label = self.split_label(x)
        z = self._code_of(self.encoder(_joined(x, label), training=training))
        return self.decoder(_joined(z, label), training=training)

    def _code_of(self, encoded):
        """The code among the encoder's outputs."""
        return encoded

    def encode(self, x, batch_size: int | None = None, *, label=None):
        """Encode inputs: `x (n, *input_shape)` → codes `(n, *code_shape)`.

        Args:
            x: An array, which is validated and gives an array; or a tensor, which gives a differentiable tensor.
            batch_size: Number of images per batch, which bounds the memory. Default: 4096 or more for small
                images without convolutions, else 256; for convolutions on JAX and PyTorch 64, or 32 for large images.
            label: For a conditional model: the class of each image `(n,)`, or one class for all.

        Raises:
            ValueError: If `x` is empty, has a wrong shape, NaN or values outside the range; if a label is missing, or
                given to a model that takes none.
            TypeError: If `x` does not consist of numbers.
        """
        labels = self.checked_labels(label, x)
        return self._apply(self._code, x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def decode(self, z, batch_size: int | None = None, *, label=None):
        """Decode codes: `z (n, *code_shape)` → `x_hat (n, *input_shape)`. Arguments and errors as for `encode`."""
        labels = self.checked_labels(label, z)
        return self._apply(self._decode, z, self.code_shape, None, "z", batch_size, *labels)

    def reconstruct(self, x, batch_size: int | None = None, *, label=None):
        """Compute `decode(encode(x))`, of the shape of `x (n, *input_shape)`. Arguments and errors as for `encode`."""
        labels = self.checked_labels(label, x)
        return self._apply(self._reconstruct, x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def interpolate(self, a, b, steps: int = 11, space: str = "code", *, label=None):
        """Interpolate between two images along a straight line, in code space or in pixel space.

        Args:
            a, b: Arrays of shape `input_shape`.
            steps: Number of images, both ends included. `t` goes from 0 to 1 in equal steps.
            space: `"code"` for `decode((1 − t) encode(a) + t encode(b))`, from `reconstruct(a)` to
                `reconstruct(b)`; `"pixel"` for `(1 − t) a + t b`.
            label: For a conditional model: the class of all images.

        Returns:
            An array `(steps, *input_shape)`.

        Raises:
            ValueError: If `steps` is below 2 or `space` is unknown; otherwise as for `encode`.

        >>> model = kerasae.models.DenseAutoencoder((28, 28, 1))
        >>> model.interpolate(np.zeros((28, 28, 1)), np.ones((28, 28, 1)), steps=5).shape
        (5, 28, 28, 1)
        """
        if positive_size("steps", steps) < 2:
            raise ValueError("steps must be at least 2: both ends are included. Received: 1")
        if space not in ("code", "pixel"):
            raise ValueError(f"space must be 'code' or 'pixel'. Received: {space!r}")
        ends = [validation.as_float_array(end, name) for end, name in ((a, "a"), (b, "b"))]
        for end, name in zip(ends, "ab", strict=True):
            if end.shape != self.data_shape:
                raise ValueError(f"{name} must have shape {self.data_shape}. Received shape: {end.shape}.")
        pair = validation.checked_array(np.stack(ends), self.data_shape, self.value_range, "a and b")
        if space == "pixel":
            return np.linspace(pair[0], pair[1], steps, dtype="float32")
        z = self.encode(pair, label=label)
        return self.decode(np.linspace(z[0], z[1], steps, dtype="float32"), label=label)

    def _code(self, x, label=None):
        return self._code_of(self.encoder(_joined(x, label), training=False))

    def _decode(self, z, label=None):
        return self.decoder(_joined(z, label), training=False)

    def _reconstruct(self, x, label=None):
        return self._decode(self._code(x, label), label)

    def _to_logits(self, z, training: bool):
        """Output of the decoder before its output activation."""
        view = self.compiled_functions.get(self, "logits", lambda: blocks.without_activation(self.decoder))
        return view(z, training=training)

    def _apply(self, function, x, shape, value_range, name: str, batch_size: int | None, *others):
        """Apply a function to a tensor, or to an array in batches. `others`: further inputs, batched like `x`."""
        if validation.is_tensor(x):
            validation.check_shape(x.shape, shape, name)
            return function(x, *others)
        given = getattr(x, "dtype", None)
        x = inference.in_floats(validation.checked_shape(x, shape, value_range, name))
        check = functools.partial(validation.check_part, x=x, value_range=value_range, name=name, dtype=given)
        function, default = self.compiled_functions.get(
            self,
            function.__name__,
            lambda: (backends.compile_function(function, self), inference.default_batch_size(self)),
        )
        batch_size = default if batch_size is None else positive_size("batch_size", batch_size)
        return inference.apply(function, batch_size, x, *others, check=check)

    # Training

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        """Compute the loss that a step minimizes and the terms that it reports.

        Args:
            x: Inputs `(n, *input_shape)`, a tensor; `{"x": x, "label": label}` for a conditional model.
            y: Targets of the same shape, or None for the inputs.
            sample_weight: One weight per image `(n,)`, or None.
            training: Whether noise, dropout and new random samples are active.
            y_pred: Reconstructions (outputs, not logits) to score instead of the decoder's, or None.

        Returns:
            A dict of scalars (`loss`, including all penalties, and the terms in `reported`); and the reconstructions.
        """
        images, label = self.split_label(x)
        z = self.encoder(_joined(self.corrupted(images, training), label), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training, y_pred, label)
        return {"loss": reconstruction + self._penalties(), "reconstruction_loss": reconstruction}, x_hat

    def target(self, x, y):
        """Target of the reconstruction: `y`, or the input images if `y` is None."""
        return self.split_label(x)[0] if y is None else y

    def corrupted(self, x, training: bool):
        """Corrupt the input with a new draw of the noise in training, otherwise with the fixed draw of evaluation."""
        if self.noise is None:
            return x
        return self.noise(x, training=True) if training else self.noise.corrupt(x)

    def _reconstruction_loss(self, z, y, sample_weight, training, y_pred=None, label=None):
        """Loss and reconstructions: the compiled loss of the decoded codes, or of `y_pred` if given."""
        if y_pred is not None:
            return self.loss.of_outputs()(y, y_pred, sample_weight), y_pred
        logits = self._to_logits(_joined(z, label), training)
        x_hat = self.decoder.layers[-1](logits)
        return self.loss(y, logits if self.loss.from_logits else x_hat, sample_weight), x_hat

    def _penalties(self):
        """The sum of all regularization losses."""
        return sum((keras.ops.sum(loss) for loss in self.losses), start=0.0)

    def checked(self, x, y):
        """Validate `x` and `y` (may be None) and return them as float arrays. Errors as for `fit`."""
        given, label = self.split_label(self.checked_structure(x))
        images = validation.checked_array(given, self.data_shape, self.value_range, "x")
        if y is not None:
            y = images if y is given else validation.checked_array(y, self.data_shape, self.value_range, "y")
        return self.labeled(images, *self.checked_labels(label, images)), y


def _joined(x, label):
    """Input of an encoder or decoder: the label is a second input if there is one."""
    return x if label is None else [x, label]
