"""The size of a model, known before any memory is allocated for it."""

import contextlib
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MAX_NUMBERS = 2**31  # in the weights of a model built from a config: 8 GiB of float32, far beyond what is needed here


class _State(threading.local):
    is_checked = False


_state = _State()


@contextlib.contextmanager
def _checked() -> Iterator[None]:
    """While the model is built: its size is known, or it is an outline without memory, so `check_size` does nothing."""
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

    # In a thread of its own: Keras keeps one list per thread of the variables that have no value yet, and gives
    # them one when the next such scope ends.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(outline).result()


def check_size(build: Callable[[], Any]) -> None:
    """Raise ValueError if the model that `build` returns would have more than `MAX_NUMBERS` numbers in its weights."""
    if _state.is_checked:
        return
    try:
        shapes = shapes_of(build)
    except Exception:  # whatever is wrong with the config shows when the model is built
        return
    numbers = sum(math.prod(shape) * n for shape, n in shapes.items())
    if numbers > MAX_NUMBERS:
        raise ValueError(
            f"A config must describe a model of at most {MAX_NUMBERS:,} weights. This one describes a model of "
            f"{numbers:,} weights. If that is intended, call the constructor instead."
        )


def of_zeros(build: Callable[[], Any]):
    """The model that `build` returns, of known size, with all weights zero: they are about to be loaded."""
    import keras

    from kerasae import keras_private

    with _checked(), keras.StatelessScope():  # at the end of this scope the variables get their first values
        model = build()
        keras_private.initialize_with_zeros(model.weights)
    return model
