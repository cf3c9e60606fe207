"""How many steps `fit` makes in one compiled call, where a backend can make more than one."""

import math

import keras

_UPDATES = 20  # of the progress bar in an epoch, at least
_SHORT = 50  # an epoch of no more steps is one call: the bar would only flicker
_HOOKS = [f"on_{kind}batch_{end}" for kind in ("", "train_", "test_") for end in ("begin", "end")]


def steps_a_call(steps: int | None, callbacks) -> int:
    """The number of steps between which nobody looks at the model.

    Args:
        steps: Of an epoch; None if unknown.
        callbacks: As `fit` takes them. One that is called at every batch gets single steps.
    """
    if steps is None or any(map(_looks_at_batches, keras.tree.flatten(callbacks or []))):
        return 1
    return max(1, steps // _UPDATES, min(steps, _SHORT))


def _looks_at_batches(callback) -> bool:
    if isinstance(callback, keras.callbacks.CallbackList):
        return any(map(_looks_at_batches, callback.callbacks))
    if isinstance(callback, (keras.callbacks.ProgbarLogger, keras.callbacks.History)):
        return False
    if getattr(callback, "save_freq", None) == "epoch":  # Keras's checkpoints, which hook batches in any case
        return False
    return any(_own(callback, hook) for hook in _HOOKS)


def _own(callback, hook: str) -> bool:
    """Whether a callback does something at this hook (LambdaCallback sets it on the instance)."""
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(keras.callbacks.Callback, hook)


def steps_of(x, batch_size: int | None, steps_per_epoch: int | None, validation_split: float) -> int | None:
    """The steps of an epoch that `fit` will make of this source, None if it can't be known."""
    if steps_per_epoch is not None:
        return steps_per_epoch
    if isinstance(x, keras.utils.PyDataset):
        return x.num_batches
    arrays = keras.tree.flatten(x)
    if not all(hasattr(array, "shape") for array in arrays):
        return None
    images = math.ceil(len(arrays[0]) * (1 - validation_split))
    return math.ceil(images / (batch_size or 32))
