"""What all autoencoders share: the input contract, encode and decode, and `fit(x)`."""

import keras
import numpy as np

from kerasae import backends, files
from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import Noise
from kerasae.training import inference, validation
from kerasae.training.trainer import Trainer


class Autoencoder(Trainer, keras.Model):
    """A Keras model that is trained to give back its input through a code.

    `x (n, *input_shape) → encoder → z (n, *code_shape) → decoder → x_hat (n, *input_shape)`

    A subclass makes `encoder` and `decoder` (see `_assemble`); `loss_terms` is what training
    minimises. `fit(x)` means `fit(x, x)`: whenever targets are missing, the input is the target. All
    of Keras's data sources, callbacks and file formats work.

    Args:
        input_shape: Shape of one input, without the batch axis: `(28, 28, 1)`, `(2,)`.
        value_range: Lowest and highest value an input may have, or None for any finite value.
        noise: A `kerasae.layers.Noise` that training puts on the inputs, while the targets stay clean:
            `fit(x)` learns to clean. `evaluate` and `val_loss` are of inputs with a fixed draw of the
            noise; `predict`, `encode` and `reconstruct` add none.
        **kwargs: `name`, `dtype`, `trainable`, as for `keras.Model`.

    Raises:
        ValueError: A shape or size is not a positive integer, or the range is empty.

    Attributes:
        encoder, decoder: Built Keras models, usable in a Functional graph.
        code_shape: Shape of one code.
    """

    encoder: keras.Model
    decoder: keras.Model
    code_shape: tuple[int, ...]

    def __init__(self, input_shape, value_range=(0.0, 1.0), noise=None, **kwargs):
        super().__init__(**kwargs)
        self.data_shape = positive_sizes("input_shape", input_shape)
        self.value_range = _checked_range(value_range)
        self.noise = keras.saving.deserialize_keras_object(noise) if isinstance(noise, dict) else noise
        if self.noise is not None and not isinstance(self.noise, Noise):
            raise ValueError(f"noise must be a kerasae.layers.Noise, or None. Received: {noise!r}")
        if self.noise is not None:
            self.noise.build((None, *self.data_shape))
        self.prepare_training()

    def _assemble(self, encoder: keras.Model, decoder: keras.Model) -> None:
        """Take the two halves, the last act of a subclass's constructor.

        The decoder's first input is the code. Its last layer is the output activation alone, so that a
        loss can be taken from the logits before it.
        """
        self.encoder, self.decoder = encoder, decoder
        self.code_shape = tuple(decoder.inputs[0].shape[1:])
        self.built = True

    def get_config(self):
        config = {
            "input_shape": self.data_shape,
            "value_range": self.value_range,
            "noise": self.noise and keras.saving.serialize_keras_object(self.noise),
            "name": self.name,
        }
        if self.dtype_policy != keras.config.dtype_policy():
            config["dtype"] = keras.dtype_policies.serialize(self.dtype_policy)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` describes; ValueError for one beyond `files.MOST_NUMBERS` weights."""
        files.check_size(lambda: cls(**config))
        return cls(**config)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """As for `keras.Model`, but the weights of another model, or a damaged file, leave this one as it was.

        So it is for `.weights.h5` and `.keras` files that are to fit (`skip_mismatch=False`).

        Raises:
            FileNotFoundError: No such file.
            ValueError: Not a weights file, a damaged one, or the weights of another model.
        """
        if not skip_mismatch and "://" not in str(filepath) and str(filepath).endswith((".weights.h5", ".keras")):
            files.load_weights(self, filepath, **kwargs)
        else:
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)

    # Forward

    def call(self, x, training=None):
        """Reconstruct `x (n, *input_shape)`: values in the input's range, same shape."""
        return self.decoder(self.encoder(x, training=training), training=training)

    def encode(self, x, batch_size: int | None = None):
        """`x (n, *input_shape)` → codes `(n, *code_shape)`.

        Args:
            x: An array, checked against the input contract, gives an array. A tensor gives a tensor
                that can be differentiated.
            batch_size: How many at a time; bounds the memory an array needs. Unless given, 4096 for a
                model of small images without convolutions, else 256.

        Raises:
            ValueError: Wrong shape, values outside the range, NaN, or nothing at all.
            TypeError: Not numbers.
        """
        return self._apply(self._code, x, self.data_shape, self.value_range, "x", batch_size)

    def decode(self, z, batch_size: int | None = None):
        """Codes `(n, *code_shape)` → `x_hat (n, *input_shape)`. The rest as for `encode`."""
        return self._apply(self._decode, z, self.code_shape, None, "z", batch_size)

    def reconstruct(self, x, batch_size: int | None = None):
        """`x (n, *input_shape)` → `x_hat`, the same shape: `decode(encode(x))`. The rest as for `encode`."""
        return self._apply(self._reconstruct, x, self.data_shape, self.value_range, "x", batch_size)

    def interpolate(self, a, b, steps: int = 11, space: str = "code"):
        """Images on the straight line between two, decoded: from `reconstruct(a)` to `reconstruct(b)`.

        Args:
            a, b: Arrays `input_shape`.
            steps: How many, both ends included.
            space: `"code"`: `decode((1 − t) encode(a) + t encode(b))`; `"pixel"`: the mixture
                `(1 − t) a + t b` as it is, from `a` to `b`.

        Returns:
            An array `(steps, *input_shape)`.

        Raises:
            ValueError: As `encode`; fewer than two steps; another space.

        >>> model = kerasae.models.DenseAutoencoder((28, 28, 1))
        >>> model.interpolate(np.zeros((28, 28, 1)), np.ones((28, 28, 1)), steps=5).shape
        (5, 28, 28, 1)
        """
        return self._interpolate(a, b, steps, space, self.encode, self.decode)

    def _interpolate(self, a, b, steps: int, space: str, encode, decode):
        if positive_size("steps", steps) < 2:
            raise ValueError("steps must be at least 2: both ends are among them. Received: 1")
        if space not in ("code", "pixel"):
            raise ValueError(f"space must be 'code' or 'pixel'. Received: {space!r}")
        ends = [validation.as_float_array(end, name) for end, name in ((a, "a"), (b, "b"))]
        for end, name in zip(ends, "ab", strict=True):
            if end.shape != self.data_shape:
                raise ValueError(f"{name} must have shape {self.data_shape}. Received shape: {end.shape}.")
        pair = validation.checked_array(np.stack(ends), self.data_shape, self.value_range, "a and b")
        if space == "code":
            pair = encode(pair)
        line = np.linspace(pair[0], pair[1], steps, dtype="float32")
        return decode(line) if space == "code" else line

    def _code(self, x):
        return self.encoder(x, training=False)

    def _decode(self, z):
        return self.decoder(z, training=False)

    def _reconstruct(self, x, *label):
        return self._decode(self._code(x, *label), *label)

    def _to_logits(self, z, training: bool):
        """What the decoder has before its output activation."""
        view = self.compiled_functions.get(self, "logits", lambda: _without_activation(self.decoder))
        return view(z, training=training)

    def _apply(self, function, x, shape, value_range, name: str, batch_size: int | None, *others):
        """Apply a function of tensors to a tensor, or to an array batch by batch; `others` go along."""
        if validation.is_tensor(x):
            validation.check_shape(x.shape, shape, name)
            return function(x, *others)
        x = validation.checked_array(x, shape, value_range, name).astype(keras.config.floatx(), copy=False)
        functions = self.compiled_functions
        if batch_size is None:
            batch_size = functions.get(self, "batch_size", lambda: inference.default_batch_size(self))
        function = functions.get(self, function.__name__, lambda: backends.compile_function(function, self))
        return inference.apply(function, positive_size("batch_size", batch_size), x, *others)

    def loss_terms(self, x, y=None, sample_weight=None, training=True):
        """What a step minimises and reports.

        Args:
            x: Inputs `(n, *input_shape)`, a tensor.
            y: What they should be turned into; `x` if None.
            sample_weight: One weight an image `(n,)`, or None.
            training: Whether noise, dropout and sampling act.

        Returns:
            A dict of scalars (`loss`, which includes all penalties, and those named in `reported`),
            and the reconstructions.
        """
        z = self.encoder(self.corrupted(x, training), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training)
        return {"loss": reconstruction + self._penalties(), "reconstruction_loss": reconstruction}, x_hat

    def target(self, x, y):
        """What the input should be turned into: the input, unless something else is given."""
        return x if y is None else y

    def labelled(self, x, label):
        """What `fit` takes for inputs and their classes: the inputs alone, unless the model is a conditional one."""
        return x

    def corrupted(self, x, training: bool):
        """The input as the loss sees it: with a new draw of the noise in training, else with a fixed one."""
        if self.noise is None:
            return x
        return self.noise(x, training=True) if training else self.noise.corrupt(x)

    def _reconstruction_loss(self, z, y, sample_weight, training):
        logits = self._to_logits(z, training)
        x_hat = self.decoder.layers[-1](logits)
        return self.loss(y, logits if self.loss.from_logits else x_hat, sample_weight), x_hat

    def _penalties(self):
        """The sum of all regularisers' losses."""
        return sum((keras.ops.sum(loss) for loss in self.losses), start=0.0)

    def checked(self, x, y):
        """`x` and `y` (which may be None) as float arrays, checked against the input contract; errors as for `fit`."""
        x = validation.checked_array(x, self.data_shape, self.value_range, "x")
        return x, None if y is None else validation.checked_array(y, self.data_shape, self.value_range, "y")


def _checked_range(value_range) -> tuple[float, float] | None:
    if value_range is None:
        return None
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise ValueError(f"value_range must be (low, high) with low < high, or None. Received: {value_range}")
    return float(value_range[0]), float(value_range[1])


def _without_activation(decoder: keras.Model) -> keras.Model:
    """A view of a decoder that ends before its last layer, the output activation."""
    codes = decoder.inputs if len(decoder.inputs) > 1 else decoder.inputs[0]
    return keras.Model(codes, decoder.layers[-1].input, name="logits")
