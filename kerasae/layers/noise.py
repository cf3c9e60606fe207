"""Noise layers for denoising autoencoders. They use the value range of the model they belong to."""

import inspect

import keras
from keras import ops

from kerasae import random
from kerasae.layers.sampling import CounterBasedRandom

# Keras layers that only act in training, so they can be a model's `noise`.
KERAS_NOISE = tuple(
    getattr(keras.layers, name)
    for name in (
        *("AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"),
        *("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    )
)


class Noise(CounterBasedRandom):
    """Base class of noise layers: active in training, the identity otherwise.

    A subclass defines `corrupt(x, step)`, which applies the noise of one step.

    Args:
        seed, stream: As for `CounterBasedRandom`.
        value_range: `(low, high)` of the values, None for unbounded values, or `"auto"` for the range of the model
            whose `noise` this is (unbounded outside a model).

    Raises:
        ValueError: If `value_range` is not a range.

    References:
        Extracting and composing robust features with denoising autoencoders (Vincent, Larochelle,
        Bengio & Manzagol, 2008)
    """

    _of_model: tuple[float, float] | None = None

    def __init__(self, seed: int = 0, value_range="auto", **kwargs):
        super().__init__(seed, **kwargs)
        if not isinstance(value_range, str) and value_range is not None:
            value_range = _checked_pair("value_range", value_range)
        elif value_range not in ("auto", None):
            raise ValueError(f"value_range must be (low, high), None or 'auto'. Received: {value_range!r}.")
        self.value_range = value_range

    def set_model_range(self, value_range: tuple[float, float] | None) -> None:
        """Set the range that `value_range="auto"` stands for. The model calls this."""
        self._of_model = value_range

    @property
    def limits(self) -> tuple[float, float] | None:
        """The value range in use, `(low, high)` or None."""
        return self._of_model if self.value_range == "auto" else self.value_range

    def call(self, inputs, training=False):
        return self.corrupt(inputs, self._next_step(inputs)) if training else inputs

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        """Apply the noise of one step to `x (n, ...)`. The default step is the fixed one of evaluation."""
        raise NotImplementedError(f"{type(self).__name__} must define corrupt(x, step).")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "value_range": self.value_range}


class _PixelNoise(Noise):
    """Noise that changes each value with probability `rate`."""

    def __init__(self, rate: float, seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be a probability, at least 0 and below 1. Received: {rate}")
        self.rate = float(rate)

    def _changed(self, x, step):
        return random.uniform(self.key, step, ops.shape(x)) < self.rate

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


class _RangeNoise(_PixelNoise):
    """Noise that needs a value range; (0, 1) outside a model."""

    _of_model = (0.0, 1.0)

    def set_model_range(self, value_range):
        super().set_model_range(value_range)
        if self.limits is None:
            raise ValueError(
                f"{type(self).__name__} needs a value range (low, high). Received: value_range={value_range} of the "
                f"model and value_range={self.value_range!r} of the layer. Give the layer a value_range=(low, high), "
                "or the model one and the layer 'auto'."
            )


@keras.saving.register_keras_serializable(package="kerasae")
class FlipPixels(_RangeNoise):
    """Replace each value x by `low + high − x` with probability `rate`, in training.

    Args:
        rate: Probability, at least 0 and below 1.
        seed, stream, value_range: As for `Noise`. The default range outside a model is (0, 1).

    Raises:
        ValueError: If `rate` is not a probability, or the layer belongs to a model without a value range.

    >>> tuple(FlipPixels(0.1)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        low, high = self.limits or (0.0, 1.0)
        return ops.where(self._changed(x, step), (low + high) - x, x)


@keras.saving.register_keras_serializable(package="kerasae")
class MaskPixels(_PixelNoise):
    """Replace each value by the lowest value of the range (0 if unbounded) with probability `rate`, in training.

    The lowest value is the background of an image, so images in [0, 1] and the same images rescaled to [−1, 1] are
    corrupted alike.

    Args:
        rate: Probability, at least 0 and below 1.
        rescale: Whether to divide the other values' distance from the lowest one by `1 − rate`, which keeps the
            expectation, as dropout does. Results may then lie outside the range.
        seed, stream, value_range: As for `Noise`.

    Raises:
        ValueError: If `rate` is not a probability.

    References:
        Dropout: a simple way to prevent neural networks from overfitting (Srivastava et al., 2014)

    >>> tuple(MaskPixels(0.5)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def __init__(self, rate: float, rescale: bool = False, seed: int = 0, **kwargs):
        super().__init__(rate, seed, **kwargs)
        self.rescale = rescale

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        low = self.limits[0] if self.limits else 0.0
        kept = x
        if self.rescale:
            kept = low + (x - low) / (1.0 - self.rate) if low else x / (1.0 - self.rate)
        masked = ops.full_like(x, low) if low else ops.zeros_like(x)
        return ops.where(self._changed(x, step), masked, kept)

    def get_config(self):
        return {**super().get_config(), "rescale": self.rescale}


@keras.saving.register_keras_serializable(package="kerasae")
class SaltAndPepper(_RangeNoise):
    """Replace each value by the lowest or the highest of the range, with probability `rate / 2` each, in training.

    Args:
        rate: Probability, at least 0 and below 1.
        seed, stream, value_range: As for `Noise`. The default range outside a model is (0, 1).

    Raises:
        ValueError: If `rate` is not a probability, or the layer belongs to a model without a value range.

    References:
        Stacked denoising autoencoders: learning useful representations in a deep network with a local denoising
        criterion (Vincent, Larochelle, Lajoie, Bengio & Manzagol, 2010)

    >>> tuple(SaltAndPepper(0.1)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        low, high = self.limits or (0.0, 1.0)
        x = ops.convert_to_tensor(x)
        draw = random.uniform(self.key, step, ops.shape(x))
        extreme = ops.where(draw < 0.5 * self.rate, ops.full_like(x, low), ops.full_like(x, high))
        return ops.where(draw < self.rate, extreme, x)


@keras.saving.register_keras_serializable(package="kerasae")
class AddGaussian(Noise):
    """Add normal noise of standard deviation `stddev` to each value and clip to the value range, in training.

    Args:
        stddev: Standard deviation in units of the values, not negative.
        clip: `(low, high)` to clip the result to, None for no clipping, or `"auto"` for the value range.
        seed, stream, value_range: As for `Noise`.

    Raises:
        ValueError: If `stddev` is negative, or `clip` is not a range.

    >>> tuple(AddGaussian(0.4)(np.zeros((3, 28, 28, 1)), training=True).shape)
    (3, 28, 28, 1)
    """

    def __init__(self, stddev: float, clip="auto", seed: int = 0, **kwargs):
        super().__init__(seed, **kwargs)
        if not stddev >= 0:
            raise ValueError(f"stddev must not be negative. Received: {stddev}")
        self.stddev = float(stddev)
        self.clip = clip if clip in ("auto", None) else _checked_pair("clip", clip)

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        x = ops.convert_to_tensor(x)
        noisy = x + self.stddev * ops.cast(random.normal(self.key, step, ops.shape(x)), x.dtype)
        limits = self.limits if self.clip == "auto" else self.clip
        return noisy if limits is None else ops.clip(noisy, *limits)

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev, "clip": self.clip}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        if "deviation" in config:  # the argument's name before kerasae 0.2
            config["stddev"] = config.pop("deviation")
        return cls(**config)


class KerasNoise(Noise):
    """Adapter that makes a Keras noise layer a model's noise. The result is clipped to the value range.

    Keras does not save the state of the layer's seed generator. This adapter sets the state at each step from the saved
    step counter, so evaluation uses one fixed draw, and resumed training continues with the draws of an uninterrupted
    run. Keras's draws differ between backends.

    Args:
        layer: A Keras layer whose call takes `training` and that only acts in training, such as
            `keras.layers.GaussianNoise(0.1, seed=0)`. Without a seed, a loaded model draws other numbers.
    """

    def __init__(self, layer: keras.layers.Layer):
        super().__init__(name=layer.name, dtype=layer.dtype_policy)
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)

    def corrupt(self, x, step=CounterBasedRandom.EVALUATION_STEP):
        # `variables` has the states of seed generators besides the weights.
        weights = {id(weight) for weight in self.layer.weights}
        states = [variable for variable in self.layer.variables if id(variable) not in weights]
        before = [ops.convert_to_tensor(state) + 0 for state in states]
        for state, value in zip(states, before, strict=True):
            # A state is (seed, counter).
            seed, counter = (ops.convert_to_tensor(pair, value.dtype) for pair in ([1, 0], [0, 1]))
            state.assign(value * seed + counter * ops.cast(step % 2**30, value.dtype))
        noisy = self.layer(x, training=True)
        for state, value in zip(states, before, strict=True):
            state.assign(value)
        return noisy if self.limits is None else ops.clip(noisy, *self.limits)


def _checked_pair(name: str, value) -> tuple[float, float]:
    if len(value) != 2 or not value[0] < value[1]:
        raise ValueError(f"{name} must be (low, high) with low < high. Received: {value!r}.")
    return float(value[0]), float(value[1])


def as_noise(noise) -> Noise | None:
    """Convert a layer or its config to the noise of an autoencoder. ValueError for anything else."""
    noise = keras.saving.deserialize_keras_object(noise) if isinstance(noise, dict) else noise
    if noise is None or isinstance(noise, Noise):
        return noise
    if isinstance(noise, keras.layers.Layer) and "training" in inspect.signature(noise.call).parameters:
        return KerasNoise(noise)
    raise ValueError(
        f"noise must be a kerasae.layers.Noise, a Keras layer whose call takes `training`, or None. Received: {noise!r}"
    )
