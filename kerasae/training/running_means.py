"""Results and resets of a model's metrics. Running means, which most metrics are, skip Keras's dispatch.

In an epoch of a few dozen steps, that dispatch would take as long as a third of the training.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import keras
import numpy as np

from kerasae import backends
from kerasae.backends.aligned import aligned_zeros
from kerasae.training.overrides import overridden


def has_keras_results(model) -> bool:
    """Whether the results are those of the model's own metrics, so that reading them less often changes nothing.

    A user's `get_metrics_result` may have effects, and several processes must read at the same times, although the
    progress bar is often shown by one alone.
    """
    return _is_plain(model, "get_metrics_result")


def results(model) -> dict:
    """The results that `model.get_metrics_result()` gives; those of running means as NumPy scalars."""
    return started_results(model)()


def started_results(model) -> Callable[[], dict]:
    """Function that returns the present `results`, also after the metrics have changed.

    On JAX, which computes asynchronously, only a call of this function waits for them.
    """
    if not has_keras_results(model):
        found = model.get_metrics_result()
        return lambda: found
    started = [(metric.name, _started(metric)) for metric in model.metrics]

    def finished() -> dict:
        found: dict = {}
        for name, result in started:
            value = _mean(*result) if isinstance(result, _Values) else result
            found |= value if isinstance(value, dict) else {name: value}
        return found

    return finished


def reset(model) -> None:
    """Reset the metrics, as `model.reset_metrics()` does."""
    if not _is_plain(model, "reset_metrics"):
        model.reset_metrics()
        return
    for metric in model.metrics:
        if type(metric).reset_state is keras.metrics.Mean.reset_state:
            for variable in (metric.total, metric.count):
                backends.assign(variable, _zero(variable.dtype))
        else:
            metric.reset_state()


class _Values(NamedTuple):
    """Values of the variables of a `keras.metrics.Mean`."""

    total: Any
    count: Any


def _started(metric):
    if type(metric).result is keras.metrics.Mean.result:
        return _Values(backends.value_of(metric.total), backends.value_of(metric.count))
    # Metrics may return variables, as the example in Keras's documentation does, and validation would change them.
    return keras.tree.map_structure(_constant, metric.result())


def _constant(result):
    return np.array(keras.ops.convert_to_numpy(result)) if isinstance(result, keras.Variable) else result


def _mean(total, count):
    total, count = np.asarray(total)[()], np.asarray(count)[()]
    return total / count if count else np.zeros_like(total)


@cache
def _zero(dtype: str):
    return backends.adopt(aligned_zeros((), dtype))


def _is_plain(model, name: str) -> bool:
    return not overridden(model, name) and backends.processes(model) == 1
