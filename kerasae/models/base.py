"""The base class of all autoencoders: input contract, encode and decode, loss, and `fit(x)`."""

import contextlib
import inspect
import math
from types import SimpleNamespace

import keras
import numpy as np

from kerasae import backends, files
from kerasae._checks import positive_size, positive_sizes
from kerasae.layers import CounterBasedRandom, KerasNoise, Noise
from kerasae.losses import PerImage
from kerasae.models import quantization
from kerasae.models.labels import Labels
from kerasae.models.loss_weights import WithLossWeights
from kerasae.training import inference, validation


class Autoencoder(backends.Steps, Labels, WithLossWeights, keras.Model):
    """A Keras model that is trained to reconstruct its input from a code.

    `x (n, *input_shape) → encoder → z (n, *code_shape) → decoder → x_hat (n, *input_shape)`

    A subclass builds an encoder and a decoder and hands them to `set_parts` at the end of its
    constructor; `loss_terms` gives the loss that training minimizes. `fit(x)` means `fit(x, x)`: if targets
    are missing, the input is the target. All of Keras's data sources, callbacks and file formats work.

    Args:
        input_shape: Shape of one input, without the batch axis: `(28, 28, 1)`, `(2,)`.
        value_range: Lowest and highest value an input may have, or None for any finite value.
        noise: Layer that adds noise to the inputs in training, while the targets stay clean, so that
            `fit(x)` learns to denoise: a `kerasae.layers.Noise` or one of Keras's layers that only act in
            training (`GaussianNoise`, `Dropout`, ...). It acts within `value_range`. `evaluate` and
            `val_loss` use a fixed draw of the noise; `predict`, `encode` and `reconstruct` add none.
        **kwargs: `name`, `dtype`, `trainable`, as for `keras.Model`.

    Raises:
        ValueError: A shape or size is not a positive integer, the range is empty, or `noise` is no layer.

    Attributes:
        encoder, decoder: Built Keras models, usable in a Functional graph.
        code_shape: Shape of one code.
        classes: Number of classes that a conditional model takes labels of, else None.
        loss_weight_names: Names of the weights of loss terms. Each can be set at any time
            (`model.kl_weight = 0.5`) and takes effect at the next step.
    """

    encoder: keras.Model
    decoder: keras.Model
    code_shape: tuple[int, ...]
    # Reduction of the reconstruction loss over the pixels of an image, and the terms reported beside `loss`.
    pixel_reduction = "mean"
    reported: tuple[str, ...] = ("reconstruction_loss",)
    _jit_asked_for: bool | str = "auto"
    _steps_asked_for = 1
    steps_per_execution: int

    def __init__(self, input_shape, value_range=(0.0, 1.0), noise=None, **kwargs):
        super().__init__(**kwargs)
        self.data_shape = positive_sizes("input_shape", input_shape)
        self.value_range = _checked_range(value_range)
        self.noise = _as_noise(noise)
        if self.noise is not None:
            self.noise.set_model_range(self.value_range)
            self.noise.stream = self.noise.stream or "noise"
            self.noise.build((None, *self.data_shape))
        # In namespaces, which Keras doesn't track: metrics and the second view of the decoder must not go
        # into weights files.
        self._untracked = SimpleNamespace(rows=None, validation=None, functions={}, ready=False, compiled={}, share=1)
        self._trackers = SimpleNamespace(**{name: keras.metrics.Mean(name=name) for name in self.reported})

    def set_parts(self, encoder: keras.Model, decoder: keras.Model) -> None:
        """Set the encoder and the decoder, at the end of a subclass's constructor.

        Args:
            encoder: Built model from inputs to codes.
            decoder: Built model whose first input is the code and whose last layer is the output activation
                alone (`keras.layers.Activation`), so that a loss can be computed from the logits before it.
        """
        self.encoder, self.decoder = encoder, decoder
        self.code_shape = tuple(decoder.inputs[0].shape[1:])
        for part in (encoder, decoder):
            randoms = [layer for layer in part.layers if isinstance(layer, CounterBasedRandom)]
            for i, layer in enumerate(randoms):
                layer.stream = layer.stream or f"{part.name}/{i}"
        small = math.prod(self.data_shape) <= 1024 and not backends.runs.convolves(self)
        self._untracked.batch_size = 4096 if small else 256
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
        """The model that `get_config` describes; ValueError if it would have over `files.MOST_NUMBERS` weights."""
        config = dict(config)
        quantized = config.pop(quantization.KEY, None)
        files.check_size(lambda: cls(**config))
        return quantization.apply(cls(**config), quantized)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """As for `keras.Model`, but if loading fails, the model keeps the weights it had.

        This holds for `.weights.h5` and `.keras` files without `skip_mismatch`.

        Raises:
            FileNotFoundError: No such file.
            ValueError: Not a weights file, a damaged one, or the weights of another model.
        """
        if not skip_mismatch and "://" not in str(filepath) and str(filepath).endswith((".weights.h5", ".keras")):
            files.load_weights(self, filepath, **kwargs)
        else:
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)

    def quantize(self, mode=None, config=None, filters=None, **kwargs):
        """As for `keras.Model`: quantize the dense layers, such as `model.quantize("int8")`.

        The quantized model predicts, saves and loads as before.

        Raises:
            ValueError: The model has no layer that Keras can quantize.

        Warns:
            UserWarning: Some layers with weights stay as they are.
        """
        quantization.check(self)
        super().quantize(mode, config=config, filters=filters, **kwargs)
        self._structure_version += 1
        self._untracked.compiled.clear()

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
        """`x (n, *input_shape)` → codes `(n, *code_shape)`.

        Args:
            x: An array, which is checked against the input contract and gives an array; or a tensor, which
                gives a tensor that can be differentiated.
            batch_size: Number of images per batch, which bounds the memory. Unless given, 4096 for small
                images without convolutions, else 256.
            label: For a conditional model: the class of each image `(n,)`, or one for all.

        Raises:
            ValueError: Wrong shape, values outside the range, NaN, an empty array; a missing label, or a
                label for a model that takes none.
            TypeError: Not numbers.
        """
        labels = self.checked_labels(label, x)
        return self._apply(self._code, x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def decode(self, z, batch_size: int | None = None, *, label=None):
        """Codes `(n, *code_shape)` → `x_hat (n, *input_shape)`. Arguments and errors as for `encode`."""
        labels = self.checked_labels(label, z)
        return self._apply(self._decode, z, self.code_shape, None, "z", batch_size, *labels)

    def reconstruct(self, x, batch_size: int | None = None, *, label=None):
        """`x (n, *input_shape)` → `x_hat`, same shape: `decode(encode(x))`. Arguments and errors as for `encode`."""
        labels = self.checked_labels(label, x)
        return self._apply(self._reconstruct, x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def interpolate(self, a, b, steps: int = 11, space: str = "code", *, label=None):
        """Decode the straight line between two images, from `reconstruct(a)` to `reconstruct(b)`.

        Args:
            a, b: Arrays `input_shape`.
            steps: Number of images, both ends included.
            space: `"code"`: `decode((1 − t) encode(a) + t encode(b))`; `"pixel"`: the mixture
                `(1 − t) a + t b` itself, from `a` to `b`.
            label: For a conditional model: the class of all images.

        Returns:
            An array `(steps, *input_shape)`.

        Raises:
            ValueError: As for `encode`; fewer than two steps; another space.

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
        """The decoder's values before its output activation."""
        # The view is made anew if a user has replaced the decoder.
        made_of, view = getattr(self._untracked, "logits", (None, None))
        if made_of is not self.decoder:
            codes = self.decoder.inputs if len(self.decoder.inputs) > 1 else self.decoder.inputs[0]
            view = keras.Model(codes, self.decoder.layers[-1].input, name="logits")
            self._untracked.logits = (self.decoder, view)
        return view(z, training=training)

    def _apply(self, function, x, shape, value_range, name: str, batch_size: int | None, *others):
        """Apply a function of tensors to a tensor, or to an array batch by batch; `others` go along."""
        if validation.is_tensor(x):
            validation.check_shape(x.shape, shape, name)
            return function(x, *others)
        x = validation.checked_array(x, shape, value_range, name).astype(keras.config.floatx(), copy=False)
        batch_size = self._untracked.batch_size if batch_size is None else positive_size("batch_size", batch_size)
        if function.__name__ not in self._untracked.compiled:
            variables = [*self.encoder.variables, *self.decoder.variables]
            self._untracked.compiled[function.__name__] = backends.compiled(function, variables)
        function = self._untracked.compiled[function.__name__]
        return inference.apply(function, batch_size, x, *others)

    # Training

    def compile(
        self, optimizer="adam", loss=None, loss_weights=None, metrics=None, jit_compile: bool | str = "auto", **kwargs
    ):
        """As for `keras.Model`, with defaults that fit an autoencoder.

        Args:
            optimizer: As Keras takes it; Adam unless given.
            loss: As Keras takes it. Binary cross-entropy for a sigmoid output, else mean squared
                error, unless given. A loss with `from_logits=True` is given the logits.
            metrics, jit_compile, **kwargs: As Keras takes them.

        Raises:
            ValueError: `from_logits=True` for a decoder that has no sigmoid to take off;
                `loss_weights`, which are for several outputs.
        """
        if loss_weights is not None:
            raise ValueError(
                "loss_weights weigh several outputs against one another; an autoencoder has one. "
                f"Received: loss_weights={loss_weights!r}. For a penalty's weight see the model's own arguments."
            )
        sigmoid = self.decoder.layers[-1].activation is keras.activations.sigmoid
        if loss is None:
            loss = keras.losses.BinaryCrossentropy(from_logits=True) if sigmoid else "mean_squared_error"
        if not isinstance(loss, PerImage):
            loss = PerImage(loss, self.pixel_reduction)
        if loss.from_logits and not sigmoid:
            raise ValueError(
                "A loss with from_logits=True needs output_activation='sigmoid'. "
                f"Received a model whose output activation is {self.decoder.layers[-1].activation.__name__!r}."
            )
        self._jit_asked_for = jit_compile
        self._untracked.functions, self._untracked.ready = {}, False
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            jit_compile=jit_compile,
            **kwargs,
        )
        self._steps_asked_for = self.steps_per_execution

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:  # empty for a model that isn't compiled
            # Keras would save what "auto" meant on this backend, and so force it on the one that loads.
            config["jit_compile"] = self._jit_asked_for
            config["optimizer"] = _portable(config["optimizer"])
        return config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        """The loss that a step minimizes, and the terms that it reports.

        Args:
            x: Inputs `(n, *input_shape)`, a tensor; `{"x": x, "label": label}` for a conditional model.
            y: Targets, same shape; the inputs if None.
            sample_weight: One weight per image `(n,)`, or None.
            training: Whether noise, dropout and sampling are active.
            y_pred: Reconstructions to score instead of the decoder's (outputs, not logits), or None.

        Returns:
            A dict of scalars (`loss`, which includes all penalties, and the terms named in `reported`), and the
            reconstructions.
        """
        images, label = self.split_label(x)
        z = self.encoder(_joined(self._corrupted(images, training), label), training=training)
        reconstruction, x_hat = self._reconstruction_loss(z, self.target(x, y), sample_weight, training, y_pred, label)
        return {"loss": reconstruction + self._penalties(), "reconstruction_loss": reconstruction}, x_hat

    def trained_by(self) -> list[str]:
        """For each of `trainable_variables`, the name of the loss in `loss_terms` that it minimizes."""
        return ["loss"] * len(self.trainable_variables)

    def target(self, x, y):
        """The target of the reconstruction: `y`, or the input images if `y` is None."""
        return self.split_label(x)[0] if y is None else y

    def _corrupted(self, x, training: bool):
        """The input with noise: a new draw in training, else the fixed one of evaluation."""
        if self.noise is None:
            return x
        return self.noise(x, training=True) if training else self.noise.corrupt(x)

    def _reconstruction_loss(self, z, y, sample_weight, training, y_pred=None, label=None):
        """The compiled loss of the decoded codes, or of `y_pred` if given; and these reconstructions."""
        if y_pred is not None:
            return self.loss.of_outputs()(y, y_pred, sample_weight), y_pred
        logits = self._to_logits(_joined(z, label), training)
        x_hat = self.decoder.layers[-1](logits)
        return self.loss(y, logits if self.loss.from_logits else x_hat, sample_weight), x_hat

    def _penalties(self):
        """The sum of all regularization losses."""
        return sum((keras.ops.sum(loss) for loss in self.losses), start=0.0)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss as Keras's own steps ask for it (kerasae's need no second forward pass)."""
        terms, _ = self.loss_terms(x, y, sample_weight, training)
        for name in self.reported:
            getattr(self._trackers, name).update_state(terms[name], sample_weight=_batch_size(x))
        return terms["loss"]

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self.target(x, y), y_pred, sample_weight)

    def _track(self, terms, x, y, x_hat, sample_weight):
        """Update every metric with one step's terms and give the logs."""
        for metric in self.metrics:
            if metric.name in terms:
                metric.update_state(terms[metric.name], sample_weight=_batch_size(x) * self._untracked.share)
        return self.compute_metrics(x, y, x_hat, sample_weight)

    @property
    def metrics(self):
        return [*super().metrics, *vars(self._trackers).values()]

    # Keras's entrances, with the input contract at the door

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_split=0.0,
        validation_data=None,
        shuffle=True,
        class_weight=None,
        sample_weight=None,
        *,
        seed=None,
        **kwargs,
    ):
        """As for `keras.Model`; `fit(x)` means `fit(x, x)`. Compiles with the defaults if need be.

        Args:
            x, y, ..., **kwargs: As for `keras.Model`. Arrays are put on the device, and many steps made in
                one compiled call, unless a callback looks at single batches.
            seed: Makes the order of the batches a function of `(seed, epoch)`, the same on every backend
                and in a run that is resumed. For arrays.

        Raises:
            ValueError: Inputs of a wrong shape or outside the model's range, NaN, or none.
            TypeError: Inputs that are not numbers.
        """
        if not self.compiled:
            self.compile()
        with validation.Door(self) as door:
            x, y = door.admit(x, y, sample_weight)
            options = {"epochs": epochs, "verbose": verbose, "callbacks": callbacks, **kwargs}
            options["validation_data"] = door.admit_validation(validation_data)
            if validation.is_array(x) and class_weight is None and kwargs.get("steps_per_epoch") is None:
                data = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
                return self._fit_rows(data, batch_size or 32, validation_split, shuffle, seed, options)
            if seed is not None:
                raise ValueError(
                    "seed orders the batches of arrays. Received a source that orders its own, steps_per_epoch or "
                    "class_weight: leave seed out, or pass arrays."
                )
            options |= {"batch_size": batch_size, "validation_split": validation_split, "shuffle": shuffle}
            return super().fit(x, y, class_weight=class_weight, sample_weight=sample_weight, **options)

    def _fit_rows(self, data, batch_size: int, validation_split: float, shuffle, seed: int | None, options):
        """`fit` on arrays. Keras is given steps to count; their data is for `steps` to take."""
        if validation_split and options["validation_data"] is None:
            data, options["validation_data"] = backends.runs.split(data, validation_split)
        size = options["validation_batch_size"] = options.get("validation_batch_size") or batch_size
        validation, epochs = options["validation_data"], options["epochs"]
        if validation is not None and validation.is_array(validation) and options.get("validation_steps") is None:
            self._untracked.validation = backends.runs.Rows(validation, size, backends.on_device, epochs=epochs)
            options |= {"validation_data": backends.nothing(), "validation_steps": self._untracked.validation.steps}
        rows = backends.runs.Rows(data, batch_size, backends.on_device, bool(shuffle), seed, epochs)
        try:
            with self._in_runs(rows, options["callbacks"]), rows.among(options["callbacks"]) as callbacks:
                options |= {"callbacks": callbacks, "steps_per_epoch": rows.steps}
                return super().fit(backends.nothing(), shuffle=False, **options)
        finally:
            self._untracked.validation = None

    def _symbolic_build(self, *args, **kwargs):
        """Keras builds metrics and the optimiser from a first batch: here once, whoever has that batch."""
        if not self._untracked.ready:
            if self._rows is not None:
                args, kwargs = (), {"data_batch": self._rows.first}
            super()._symbolic_build(*args, **kwargs)
            self._untracked.ready = True

    @property
    def _rows(self):
        """What the training function of a `fit` on arrays takes its batches from."""
        return self._untracked.rows

    @contextlib.contextmanager
    def _in_runs(self, rows, callbacks=None):
        """Have many steps over these rows made in one call, unless something looks between them; none if None."""
        before, asked_for = (self._rows, self.steps_per_execution), self._steps_asked_for
        alone = rows is not None and asked_for == 1 and not self.run_eagerly
        self._switch(rows, backends.runs.steps_a_call(rows.steps, callbacks) if alone else asked_for)
        try:
            yield
        finally:
            self._switch(*before)

    def _switch(self, rows, steps_a_call: int) -> None:
        """Take the compiled functions for rows, or none, and so many steps a call; those used so far are kept."""
        names = ("train_function", "test_function", "predict_function")
        kept = self._untracked.functions
        kept[self._rows is None] = {name: getattr(self, name) for name in names}
        self._untracked.rows, self.steps_per_execution = rows, steps_a_call
        for name, function in kept.get(rows is None, dict.fromkeys(names)).items():
            setattr(self, name, function)

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", sample_weight=None, **kwargs):
        """As for `keras.Model`; `evaluate(x)` means `evaluate(x, x)`. Errors as for `fit`."""
        if not self.compiled:
            self.compile()
        options = {"verbose": verbose, **kwargs}
        in_fit = options.get("_use_cached_eval_dataset", False)
        if in_fit and self._untracked.validation is not None:
            return self._evaluate_rows(self._untracked.validation, options)
        with validation.Door(self) as door, self._in_runs(None):
            x, y = door.admit(x, y, sample_weight)
            if self.takes_rows and validation.is_array(x) and options.get("steps") is None and not in_fit:
                data = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
                return self._evaluate_rows(backends.runs.Rows(data, batch_size or 32, backends.on_device), options)
            self._agree_on_steps()
            return super().evaluate(x, y, batch_size=batch_size, sample_weight=sample_weight, **options)

    def _evaluate_rows(self, rows, options):
        rows.on_epoch_begin(0)
        with self._in_runs(rows, options.get("callbacks")):
            self._agree_on_steps()
            # Within `fit` Keras goes on with the source that it was given there.
            source = None if options.get("_use_cached_eval_dataset") else backends.nothing()
            return super().evaluate(source, **options | {"steps": rows.steps})

    def _agree_on_steps(self):
        """Have the iterator that `fit` made for validation count as many steps a call as validation makes."""
        if getattr(self, "_eval_epoch_iterator", None) is not None:
            self._eval_epoch_iterator.steps_per_execution = self.steps_per_execution

    def predict(self, x, *args, **kwargs):
        """As for `keras.Model`: the reconstructions of `x`. Errors as for `fit`."""
        with validation.Door(self) as door, self._in_runs(None):
            x, _ = door.admit(x)
            return super().predict(x, *args, **kwargs)

    def checked(self, x, y):
        """`x` and `y` (may be None) as float arrays, checked against the input contract; errors as for `fit`."""
        images, label = self.split_label(self.checked_structure(x))
        images = validation.checked_array(images, self.data_shape, self.value_range, "x")
        if y is not None:
            y = validation.checked_array(y, self.data_shape, self.value_range, "y")
        return self.labelled(images, *self.checked_labels(label, images)), y


def _joined(x, label):
    """The input of an encoder or decoder."""
    return x if label is None else [x, label]


def _as_noise(noise) -> Noise | None:
    noise = keras.saving.deserialize_keras_object(noise) if isinstance(noise, dict) else noise
    if noise is None or isinstance(noise, Noise):
        return noise
    if isinstance(noise, keras.layers.Layer) and "training" in inspect.signature(noise.call).parameters:
        return KerasNoise(noise)
    raise ValueError(
        f"noise must be a kerasae.layers.Noise, a Keras layer whose call takes `training`, or None. Received: {noise!r}"
    )


def _checked_range(value_range) -> tuple[float, float] | None:
    if value_range is None:
        return None
    if len(value_range) != 2 or not value_range[0] < value_range[1]:
        raise ValueError(f"value_range must be (low, high) with low < high, or None. Received: {value_range}")
    return float(value_range[0]), float(value_range[1])


def _portable(config):
    """An optimiser's config for all backends: on PyTorch they are classes of that backend, which others can't use."""
    if not isinstance(config, dict):
        return config
    config = {key: _portable(value) for key, value in config.items()}
    if str(config.get("module")).startswith("keras.src.backend."):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config


def _batch_size(x):
    return keras.ops.shape(keras.tree.flatten(x)[0])[0]
