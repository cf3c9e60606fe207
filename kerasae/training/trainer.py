"""`compile`, `fit`, `evaluate` and `predict` of every kerasae model, with Keras's interface on `training.loop`."""

import math
import warnings

import keras
import numpy as np

from kerasae import backends, keras_private
from kerasae._checks import positive_size
from kerasae.training import inference, loop, processes, validation
from kerasae.training.batches import ArrayBatches, EpochBatches, StreamBatches, ordered
from kerasae.training.compiled import CompiledFunctions
from kerasae.training.objective import Objective


class Trainer(Objective, backends.Steps):
    """Training methods of `Autoencoder`; a base class before `keras.Model`.

    A model defines `loss_terms`, `checked(x, y)`, `target(x, y)` and `corrupted(x, training)`. If a subclass overrides
    `train_step`, `test_step`, `compute_loss`, `loss_terms`, `call` or `compute_metrics`, the override is what runs.

    Attributes:
        compiled_functions: Cache of the model's compiled functions.
        requested_jit_compile: Argument `jit_compile` of `compile`.
    """

    requested_jit_compile: bool | str = "auto"
    _metrics_are_built = False

    def prepare_training(self) -> None:
        """Create the attributes that training needs. The model's constructor calls this once."""
        self.compiled_functions = CompiledFunctions()
        self.prepare_objective()

    def forget_compiled(self) -> None:
        """Drop all functions compiled for the model by kerasae and by Keras."""
        self.compiled_functions.clear()
        self.train_function = self.test_function = self.predict_function = None

    # Keras's methods

    def compile(
        self,
        optimizer="adam",
        loss=None,
        loss_weights=None,
        metrics=None,
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Configure training, as `keras.Model.compile` does, with defaults for autoencoders.

        Args:
            optimizer: Optimizer, as in Keras. Default: Adam.
            loss: Loss, as in Keras. Default: binary cross-entropy for a sigmoid output, else mean squared
                error. A loss with `from_logits=True` receives the logits.
            metrics, weighted_metrics, run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: As in
                `keras.Model.compile`.

        Raises:
            ValueError: If the loss has `from_logits=True` and the output is not a sigmoid, or `loss_weights` are given,
                which are for models with several outputs.
        """
        if loss_weights is not None:
            raise ValueError(
                "`loss_weights` must be None, since an autoencoder has one output. "
                f"Received: loss_weights={loss_weights!r}. Set the weight of a penalty by the model's own arguments."
            )
        self.forget_compiled()
        self.requested_jit_compile, self._metrics_are_built = jit_compile, False
        self.forget_reported_terms()
        super().compile(
            optimizer=optimizer,
            loss=self.per_image(loss),
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=auto_scale_loss,
        )

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:  # empty for a model that isn't compiled
            # Keras saves what "auto" meant on this backend, which may be wrong for the backend that loads the model.
            config["jit_compile"] = self.requested_jit_compile
            config["optimizer"] = _portable(config["optimizer"])
        return config

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

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
        initial_epoch=0,
        steps_per_epoch=None,
        validation_steps=None,
        validation_batch_size=None,
        validation_freq=1,
        *,
        seed=None,
    ):
        """Train as `keras.Model.fit` does; `fit(x)` means `fit(x, x)`. A model that is not compiled gets the defaults.

        One compiled call runs many steps, unless a callback uses single batches.

        Args:
            x, y, ..., validation_freq: As in `keras.Model.fit`.
            seed: Seed of the batch order, which is a function of `(seed, epoch)`: the same on every backend and in a
                resumed run. Only for arrays and for picture streams of `kerasae.data`.

        Raises:
            ValueError: If inputs are empty, have a wrong shape, NaN or values outside the model's range, or the
                optimizer was built without some of the weights to train.
            TypeError: If inputs are not numbers.
        """
        backends.check_training()
        if not self.compiled:
            self.compile()
        epochs = _limited(epochs)
        size = 32 if batch_size is None else positive_size("batch_size", batch_size)
        special = {"steps_per_epoch": steps_per_epoch, "class_weight": class_weight}
        if hasattr(x, "at_epoch"):
            source = EpochBatches(
                lambda epoch: validation.checked_arrays(self, x.at_epoch(epoch), y, sample_weight),
                *(size, shuffle, processes.common_seed(self, seed), epochs),
            )
        elif not validation.is_array(x):
            x, shuffle = ordered(x, batch_size, shuffle, seed)
            source = self._stream(x, y, sample_weight, batch_size, shuffle, **special)
        else:
            arrays = validation.checked_arrays(self, x, y, sample_weight)
            if validation_split and validation_data is None:
                arrays, validation_data = validation.split(arrays, validation_split)
            seed = processes.common_seed(self, seed)
            source = self._array_source(arrays, size, shuffle, seed, epochs, **special)
        val_size = validation_batch_size or batch_size
        held_out = None
        if validation_data is not None:
            held_out = self._source(_unpacked(validation_data), val_size, validation_steps, epochs)
        self._check_optimizer()
        with processes.connected(self):
            return loop.fit(self, source, callbacks, epochs, initial_epoch, verbose, held_out, validation_freq)

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        sample_weight=None,
        steps=None,
        callbacks=None,
        return_dict=False,
    ):
        """Evaluate as `keras.Model.evaluate` does; `evaluate(x)` means `evaluate(x, x)`. Errors as for `fit`."""
        if not self.compiled:
            self.compile()
        # `fit` passes a source that it uses in all epochs.
        prepared = isinstance(x, (ArrayBatches, StreamBatches))
        source = x if prepared else self._source((x, y, sample_weight), batch_size, steps)
        with processes.connected(self):
            logs = loop.evaluate(self, source, callbacks, verbose)
        return logs if return_dict else keras_private.metrics_in_order(self, logs)

    def predict(self, x, batch_size=None, verbose="auto", steps=None, callbacks=None):
        """Compute reconstructions of `x` as arrays, as `keras.Model.predict` does. Errors as for `fit`."""
        if validation.is_array(x):
            x, _ = self.checked(x, None)
            size = 32 if batch_size is None else positive_size("batch_size", batch_size)
            pieces: inference.Pieces = inference.Slices(x, size, steps)
        else:
            x, _ = ordered(x, batch_size)
            pieces = inference.Streamed(
                keras_private.Stream(x=x, batch_size=batch_size, steps_per_epoch=steps),
                lambda batch: validation.checked_batch(self, batch)[0],
            )
        return loop.predict(self, pieces, pieces.num_batches, callbacks, verbose)

    # Sources

    def _source(self, data, batch_size, steps, epochs: int = 1):
        """Source of batches for `evaluate`: arrays or a stream, without shuffling."""
        x, y, sample_weight = data
        if not validation.is_array(x):
            x, _ = ordered(x, batch_size)
            return self._stream(x, y, sample_weight, batch_size, False, steps_per_epoch=steps)
        size = 32 if batch_size is None else positive_size("batch_size", batch_size)
        arrays = validation.checked_arrays(self, x, y, sample_weight)
        return self._array_source(arrays, size, False, None, epochs, steps_per_epoch=steps, class_weight=None)

    def _array_source(self, arrays, size: int, shuffle, seed, epochs: int, steps_per_epoch, class_weight):
        """Batches of arrays, made by kerasae, or by Keras if options are used that only Keras implements."""
        limited = steps_per_epoch is not None or keras.config.max_steps_per_epoch()
        if not limited and class_weight is None and shuffle in (True, False):
            return ArrayBatches(arrays, size, shuffle, seed, epochs)
        if seed is not None or backends.processes(self) > 1:
            raise ValueError(
                "`seed` and several processes need whole epochs, without class weights and with shuffle True or False. "
                f"Received steps_per_epoch={steps_per_epoch!r}, class_weight={class_weight!r}, "
                f"shuffle={shuffle!r}. Leave out seed, or these. Several processes can use streams."
            )
        x, y, sample_weight = _unpacked(keras.tree.map_structure(np.asarray, arrays))
        if class_weight is not None:
            y = self.target(x, y)
        return self._stream(x, y, sample_weight, size, shuffle, steps_per_epoch, class_weight)

    def _stream(self, x, y, sample_weight, batch_size, shuffle, steps_per_epoch=None, class_weight=None):
        if x is None:
            raise ValueError("`x` is missing. Pass an array, or a data set that yields batches.")
        stream = keras_private.Stream(
            x=x,
            y=y,
            sample_weight=sample_weight,
            batch_size=batch_size,
            shuffle=shuffle,
            steps_per_epoch=steps_per_epoch,
            class_weight=class_weight,
        )
        waits = {"patience": math.inf} if backends.processes(self) > 1 else {}
        return StreamBatches(stream, lambda batch: validation.checked_batch(self, batch), **waits)

    # Before the first step

    def build_metrics(self, block) -> None:
        """Build the metrics from a batch, once after each `compile`."""
        if not self._metrics_are_built:
            keras_private.build_metrics(self, block.layout.example())
            self._metrics_are_built = True

    def _check_optimizer(self) -> None:
        """Build the optimizer if it is not built. ValueError if it was built without some trainable variables."""
        if not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
            return
        if not self.trainable_variables:
            warnings.warn("The model does not have any trainable weights: fit evaluates it.", stacklevel=3)
        known = set(map(id, keras_private.trained_variables(self.optimizer)))
        unknown = [variable.path for variable in self.trainable_variables if id(variable) not in known]
        if unknown:
            raise ValueError(
                "The optimizer must have been built for all trainable variables. "
                f"Received variables that were frozen or did not exist when it was built: {', '.join(unknown[:3])}"
                f"{' and more' if len(unknown) > 3 else ''}. Call compile() again before fit()."
            )


def _unpacked(data) -> tuple:
    """Split validation data, a source or a tuple of arrays, into `x, y, sample_weight`."""
    if isinstance(data, (tuple, list)):
        return keras.utils.unpack_x_y_sample_weight(tuple(data))
    return data, None, None


def _limited(epochs: int) -> int:
    """Number of epochs, at most `KERAS_MAX_EPOCHS`."""
    most = keras.config.max_epochs()
    return min(epochs, most) if most else epochs


def _portable(config):
    """Make an optimizer's config portable. On PyTorch, some optimizers have classes that other backends lack."""
    if not isinstance(config, dict):
        return config
    config = {key: _portable(value) for key, value in config.items()}
    if str(config.get("module")).startswith("keras.src.backend."):
        config |= {"module": "keras.optimizers", "registered_name": None}
    return config
