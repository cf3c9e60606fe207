"""Results and resets of a model's metrics. Running means, which most metrics are, skip Keras's dispatch.

In an epoch of a few dozen steps, that dispatch would take as long as a third of the training.
"""

from functools import cache

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
    if not has_keras_results(model):
        return model.get_metrics_result()
    found: dict = {}
    for metric in model.metrics:
        result = _mean(metric) if type(metric).result is keras.metrics.Mean.result else metric.result()
        found |= result if isinstance(result, dict) else {metric.name: result}
    return found


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


def _mean(metric):
    total, count = backends.value_of(metric.total)[()], backends.value_of(metric.count)[()]
    return total / count if count else np.zeros_like(total)


@cache
def _zero(dtype: str):
    return backends.adopt(aligned_zeros((), dtype))


def _is_plain(model, name: str) -> bool:
    return not overridden(model, name) and backends.processes(model) == 1
