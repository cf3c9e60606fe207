"""The loops of `fit`, `evaluate` and `predict`: they run blocks of steps, update metrics and call callbacks.

Logs and the order of callback calls are those of Keras's own loops. After each block, the model's variables have their
current values, so callbacks, checkpoints and exception handlers see the current model.
"""

from collections.abc import Callable

import keras
import numpy as np

from kerasae import backends, keras_private
from kerasae.training import batches, processes, running_means
from kerasae.training.overrides import overridden

_HOOKS = {
    kind: [f"on_{part}batch_{end}" for part in parts for end in ("begin", "end")]
    for kind, parts in {"train": ("", "train_"), "test": ("test_",), "predict": ("predict_",)}.items()
}
_STOPS = {"train": "stop_training", "test": "stop_evaluating"}


def fit(model, source, callbacks, epochs: int, initial_epoch: int, verbose, validation=None, validation_freq=1):
    """Train a model.

    Args:
        model: A compiled model with `Trainer`'s methods.
        source: Training batches, `ArrayBatches` or `StreamBatches`.
        callbacks, epochs, initial_epoch, verbose, validation_freq: As for `keras.Model.fit`.
        validation: Batches to evaluate after each epoch, or None.

    Returns:
        Keras's `History`.
    """
    source.restart()
    callbacks = callback_list(model, callbacks, verbose, epochs, source.num_batches, add_history=True)
    model.stop_training = False
    training_logs: dict = {}
    steps = model.compiled_functions.train_steps + source.total  # short fits add up to a long run
    callbacks.on_train_begin()
    first_epoch = keras_private.resumed_epoch(model) or initial_epoch
    processes.check_start(model, first_epoch, source.num_batches)
    for epoch in range(first_epoch, epochs):
        running_means.reset(model)
        callbacks.on_epoch_begin(epoch)
        backends.set_mode(model, training=True)
        model.compiled_functions.require(_optimizer_settings(model))
        training_results = _run_blocks(model, "train", source, epoch, callbacks, steps)
        validated: dict = {}
        if validation is not None and _is_due(epoch, validation_freq):
            validated = model.evaluate(validation, callbacks=callbacks, return_dict=True)
        # Where the last steps are still computed, validation was prepared in the meantime.
        epoch_logs = training_results() | {f"val_{name}": value for name, value in validated.items()}
        callbacks.on_epoch_end(epoch, epoch_logs)
        training_logs = epoch_logs
        if model.stop_training:
            break
    if isinstance(model.optimizer, keras.optimizers.Optimizer) and epochs > 0:
        keras_private.finalize(model.optimizer, model.trainable_variables)
    callbacks.on_train_end(logs=training_logs)
    return model.history


def evaluate(model, source, callbacks, verbose) -> dict[str, float]:
    """Evaluate a model on the batches of a source with `test_step`, and return its metrics."""
    source.restart()
    callbacks = callback_list(model, callbacks, verbose, 1, source.num_batches)
    backends.set_mode(model, training=False)
    model.stop_evaluating = False
    callbacks.on_test_begin()
    running_means.reset(model)
    logs = keras_private.pythonify_logs(_run_blocks(model, "test", source, 0, callbacks, source.total)())
    callbacks.on_test_end(logs)
    return logs


def predict(model, inputs, num_batches: int | None, callbacks, verbose):
    """Compute the outputs of `predict_step` for all inputs, as arrays `(n, ...)`.

    Args:
        model: A model with `Trainer`'s methods.
        inputs: Function of the number of steps per call that yields `(number of batches, inputs)`.
        num_batches: Total number of batches, or None if it is unknown.
        callbacks, verbose: As for `keras.Model.predict`.
    """
    callbacks = callback_list(model, callbacks, verbose, 1, num_batches)
    backends.set_mode(model, training=False)
    model.stop_predicting = False
    callbacks.on_predict_begin()
    function = model.compiled_functions.get(model, "predict", lambda: backends.predict_function(model))
    step, found = 0, []
    for count, x in inputs(_predict_steps(model, callbacks, num_batches)):
        callbacks.on_predict_batch_begin(step)
        outputs = function(x)
        found.append(keras.tree.map_structure(keras.ops.convert_to_numpy, outputs))
        step += count
        callbacks.on_predict_batch_end(step - 1, {"outputs": outputs})
        if model.stop_predicting:
            break
    callbacks.on_predict_end()
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *found)


def callback_list(model, callbacks, verbose, epochs: int, steps: int | None, add_history: bool = False):
    """Make a `CallbackList`, which adds Keras's own callbacks. A `CallbackList` is returned unchanged."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    return keras.callbacks.CallbackList(
        callbacks,
        add_history=add_history,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )


def _run_blocks(model, kind: str, source, epoch: int, callbacks, total: float) -> Callable[[], dict]:
    """Run the training or test steps of an epoch, of `total` steps of this kind.

    Returns:
        A function that gives the logs of this epoch. It waits for steps that are still computed.
    """
    begin, end = (getattr(callbacks, f"on_{kind}_batch_{part}") for part in ("begin", "end"))
    is_watched = not running_means.has_keras_results(model) or _watches(callbacks, kind)
    logs: dict | None = {}
    step, most_steps = 0, _steps_per_call(model, callbacks, kind, source)
    for block in processes.in_step(model, source, epoch, most_steps):
        if is_watched:
            begin(step)
        logs = _take(model, kind, block, total)
        step += block.total
        if is_watched:
            end(step - 1, running_means.results(model) if logs is None else logs)
        if getattr(model, _STOPS[kind]):
            break
    if kind == "train":
        model.compiled_functions.train_steps += step
    results_of_metrics = running_means.started_results(model)

    def epoch_logs() -> dict:
        results = results_of_metrics()
        # A step's own logs are those of the last step, unless they have the names of the metrics.
        return results if logs is None or set(logs) == set(results) else dict(logs)

    return epoch_logs


def _take(model, kind: str, block, total: float) -> dict | None:
    """Run the steps of a block. Returns the last step's own logs, or None if they are the results of the metrics."""
    model.build_metrics(block)
    is_long = total >= backends.LONG_RUN[kind]
    make = {"train": backends.train_run, "test": backends.test_run}[kind]
    run = model.compiled_functions.get(model, (kind, block.kind, is_long), lambda: make(model, block, is_long))
    return run(block)


def _optimizer_settings(model) -> list[dict]:
    """Optimizer settings that are constants in compiled code. Learning rates are variables, so not among them."""
    parts = getattr(model.optimizer, "optimizers", [model.optimizer])
    plain = (int, float, str, type(None))
    return [{k: v for k, v in vars(part).items() if k[0] != "_" and isinstance(v, plain)} for part in parts]


def _is_due(epoch: int, validation_freq) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    if isinstance(validation_freq, (list, tuple)):
        return epoch + 1 in validation_freq
    raise ValueError(f"`validation_freq` must be an integer or a list of epochs. Received: {validation_freq!r}")


def _steps_per_call(model, callbacks, kind: str, source) -> int:
    """Number of steps per compiled call: 1 if a callback uses single batches."""
    if model.steps_per_execution != 1:
        return model.steps_per_execution
    if model.run_eagerly or any(_looks_at_batches(callback, kind) for callback in callbacks.callbacks):
        return 1
    return batches.steps_per_call(source.num_batches)


def _predict_steps(model, callbacks, num_batches: int | None) -> int:
    """Number of batches per call of `predict_step`: 1 if the user's own step may depend on the batch."""
    if model.steps_per_execution == 1 and (overridden(model, "predict_step") or overridden(model, "call")):
        return 1
    looked_at = any(_looks_at_batches(callback, "predict") for callback in callbacks.callbacks)
    return model.steps_per_execution if looked_at else max(model.steps_per_execution, 8)


def _watches(callbacks, kind: str) -> bool:
    """Whether a callback has a hook for batches; if none has, they are not called."""
    if type(callbacks) is not keras.callbacks.CallbackList:
        return True
    return any(_overrides(callback, hook) for callback in callbacks.callbacks for hook in _HOOKS[kind])


def _looks_at_batches(callback, kind: str) -> bool:
    if isinstance(callback, (keras.callbacks.ProgbarLogger, keras.callbacks.History)):
        return False
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's checkpoints override batch hooks but do nothing there
        return False
    return any(_overrides(callback, hook) for hook in _HOOKS[kind])


def _overrides(callback, hook: str) -> bool:
    """Whether a callback overrides this hook, in its class or (LambdaCallback) on the instance."""
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)
