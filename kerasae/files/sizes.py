"""Compute the size of a model before any memory is allocated for it."""

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_NUMBERS = 2**31  # most weights of a model that is built from a config: 8 GiB of float32


class _State(threading.local):
    is_checked = False


_state = _State()


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """Disable `check_size` while a model is built whose size is known, or that takes no memory."""
    _state.is_checked = True
    try:
        yield
    finally:
        _state.is_checked = False


def shapes_of(build: Callable[[], Any]) -> Counter[tuple[int, ...]]:
    """Count the shapes of the weights of the model that `build` returns, without allocating memory for them."""
    import keras

    def outline():
        with _checked(), keras.StatelessScope(initialize_variables=False):
            return Counter(tuple(weight.shape) for weight in build().weights)

    # In a separate thread: Keras has a list per thread of variables without values, and allocates all of them when the
    # next such scope ends.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(outline).result()


def check_size(build: Callable[[], Any]) -> None:
    """Raise ValueError if the model that `build` returns would have more than `MAX_NUMBERS` weights."""
    if _state.is_checked:
        return
    try:
        shapes = shapes_of(build)
    except Exception:  # building the model reports what is wrong with the config
        return
    numbers = sum(math.prod(shape) * n for shape, n in shapes.items())
    if numbers > MAX_NUMBERS:
        raise ValueError(
            f"A config must describe a model of at most {MAX_NUMBERS:,} weights. This one describes a model of "
            f"{numbers:,} weights. If that is intended, call the constructor instead."
        )


def of_zeros(build: Callable[[], Any]):
    """Build a model of known size with all weights zero, for loading weights into it."""
    import keras

    from kerasae import keras_private

    with _checked(), keras.StatelessScope():  # variables get their first values at the end of this scope
        model = build()
        keras_private.initialize_with_zeros(model.weights)
    return model
