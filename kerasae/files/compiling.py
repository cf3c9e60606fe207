"""Validate the compile config in an untrusted file.

Allowed are the optimizers, learning-rate schedules, losses and metrics of Keras, kerasae's `PerImage`, and plain
arguments within bounds. Refused are classes that take any function (`MeanMetricWrapper`), abstract base classes
(`Loss`, `Metric`, `Optimizer`, `LearningRateSchedule`), classes registered by users, and regular expressions
(`exclude_layers` of Muon, patterns of an `OptimizerMap`) except the one for discriminators. A file that you trust can
contain all of these: load it with `keras.saving.load_model`.
"""

from collections.abc import Callable
from typing import Any

from kerasae.files import objects
from kerasae.files.bounds import COMPILE, LOSS, METRIC, OPTIMIZER, SCHEDULE, state_size

# Pattern by which adversarial models assign an optimizer to the discriminator.
DISCRIMINATOR = ".*discriminator.*"
MAX_METRICS = 100
MAX_METRIC_STATE = 2**20  # most values in the state of all metrics together

_SCHEDULES = (
    *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
    *("PiecewiseConstantDecay", "PolynomialDecay"),
)
_OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam"),
    *("RMSprop", "SGD", "ScheduleFreeAdamW"),
)
_ABSTRACT = ("Loss", "Metric", "MeanMetricWrapper")


def clean_compile_config(config: dict) -> dict[str, Any]:
    """Copy a compile config, if it contains only allowed objects and arguments.

    Args:
        config: Result of a model's `get_compile_config`.

    Raises:
        ValueError: If anything else is in it, or an argument is out of bounds.
    """
    if not isinstance(config, dict):
        raise ValueError(f"compile_config must be an object. Received: {type(config).__name__}")
    cleaners: dict[str, Callable] = {
        "optimizer": _optimizer,
        "loss": _loss,
        "metrics": _metrics,
        "weighted_metrics": _metrics,
    }
    cleaned = {}
    for key, value in config.items():
        if key in cleaners:
            cleaned[key] = None if value is None else cleaners[key](value)
        else:
            cleaned |= _bounded({key: value}, COMPILE, "compile_config")
    _check_cost(cleaned)
    return cleaned


def _optimizer(value):
    import keras

    if isinstance(value, str):
        return _named(value, _OPTIMIZERS, "optimizer")
    if _is_keras(value, "LossScaleOptimizer", keras.optimizers, "keras.optimizers"):
        arguments = dict(objects.arguments(value))
        inner = _optimizer(arguments.pop("inner_optimizer", None))
        return objects.config_of(
            keras.optimizers.LossScaleOptimizer,
            {**_bounded(arguments, OPTIMIZER, "LossScaleOptimizer"), "inner_optimizer": inner},
        )
    if _is_keras(value, "MultiOptimizer", keras.optimizers, "keras.optimizers"):
        arguments = dict(objects.arguments(value))
        optimizers = _optimizer_map(arguments.pop("optimizer_map", None))
        return objects.config_of(
            keras.optimizers.MultiOptimizer,
            {**_bounded(arguments, OPTIMIZER, "MultiOptimizer"), "optimizer_map": optimizers},
        )
    return _single_optimizer(value)


def _single_optimizer(value) -> dict[str, Any]:
    import keras

    cls = _listed(value, {"keras.optimizers": keras.optimizers}, _OPTIMIZERS, "an optimizer of Keras")
    arguments = dict(objects.arguments(value))
    rate = arguments.get("learning_rate")
    if isinstance(rate, dict):
        schedules = {"keras.optimizers.schedules": keras.optimizers.schedules}
        schedule = _listed(rate, schedules, _SCHEDULES, "a learning-rate schedule of Keras")
        rate = objects.config_of(schedule, _bounded(objects.arguments(rate), SCHEDULE, schedule.__name__))
        del arguments["learning_rate"]
        return objects.config_of(cls, {**_bounded(arguments, OPTIMIZER, cls.__name__), "learning_rate": rate})
    return objects.config_of(cls, _bounded(arguments, OPTIMIZER, cls.__name__))


def _optimizer_map(value) -> dict[str, Any]:
    import keras

    cls = _listed(value, {"keras.optimizers": keras.optimizers}, ("OptimizerMap",), "an OptimizerMap")
    arguments = objects.arguments(value)
    optimizers = arguments.get("optimizer_map")
    # Keras matches names of variables with these patterns, and some patterns would take forever.
    if not isinstance(optimizers, dict) or list(optimizers) != [DISCRIMINATOR]:
        found = list(optimizers) if isinstance(optimizers, dict) else optimizers
        raise ValueError(f"expected an optimizer for {DISCRIMINATOR!r} alone, received: {str(found)[:200]}")
    if strange := sorted(arguments.keys() - {"default_optimizer", "optimizer_map"}):
        raise ValueError(f"OptimizerMap has no argument {', '.join(strange)[:100]}")
    default = _single_optimizer(arguments.get("default_optimizer"))
    return objects.config_of(
        cls,
        {
            "default_optimizer": default,
            "optimizer_map": {DISCRIMINATOR: _single_optimizer(optimizers[DISCRIMINATOR])},
        },
    )


def _loss(value):
    from kerasae import losses

    if isinstance(value, dict) and objects.registered(value) is losses.PerImage:
        arguments = dict(objects.arguments(value))
        inner = _keras_loss(arguments.pop("loss", "mean_squared_error"))
        return objects.config_of(losses.PerImage, {**_bounded(arguments, LOSS, "PerImage"), "loss": inner})
    return _keras_loss(value)


def _keras_loss(value):
    import keras

    if isinstance(value, str):
        return _named(value, None, "loss")
    if isinstance(value, dict) and value.get("class_name") == "function":
        return objects.function(value, ("losses",))
    cls = _listed(value, {"keras.losses": keras.losses}, None, "a loss of Keras")
    return objects.config_of(cls, _bounded(objects.arguments(value), LOSS, cls.__name__))


def _metrics(value):
    """Validate a metric, or a list of metrics (or of such lists)."""
    import keras

    if isinstance(value, list):
        return [_metrics(item) for item in objects.short(value)]
    if value is None or isinstance(value, str):
        return None if value is None else _named(value, None, "metric")
    if isinstance(value, dict) and value.get("class_name") == "function":
        return objects.function(value, ("metrics", "losses"))
    cls = _listed(value, {"keras.metrics": keras.metrics}, None, "a metric of Keras")
    return objects.config_of(cls, _bounded(objects.arguments(value), METRIC, cls.__name__))


def _check_cost(config: dict[str, Any]) -> None:
    """Raise ValueError if all metrics together are too many or too large."""

    def flat(value):
        for item in value if isinstance(value, list) else [value]:
            yield from flat(item) if isinstance(item, list) else [item]

    metrics = [metric for key in ("metrics", "weighted_metrics") for metric in flat(config.get(key)) if metric]
    size = sum(state_size(m["config"]) for m in metrics if isinstance(m, dict) and m["class_name"] != "function")
    if len(metrics) > MAX_METRICS or size > MAX_METRIC_STATE:
        raise ValueError(
            f"expected at most {MAX_METRICS} metrics with {MAX_METRIC_STATE:,} numbers in their state, "
            f"received {len(metrics)} with {size:,}"
        )


def _is_keras(value, name: str, place, module: str) -> bool:
    """Whether a config names this class of Keras."""
    return isinstance(value, dict) and objects.public(value, {module: place}) is getattr(place, name)


def _listed(value, places: dict[str, Any], names: tuple[str, ...] | None, expected: str) -> type:
    """Class of a config, if it is public in one of the places and has an allowed name (None allows all)."""
    if not isinstance(value, dict):
        raise ValueError(f"expected {expected}, received {str(value)[:100]!r}")
    cls = objects.public(value, places)
    if cls is None or cls.__name__ in _ABSTRACT or (names is not None and cls.__name__ not in names):
        raise ValueError(
            f"{objects.described(value)} is not allowed there. Expected {expected}. "
            "If you trust the file, load it with keras.saving.load_model"
        )
    return cls


def _named(name: str, names: tuple[str, ...] | None, kind: str) -> str:
    """Validate the name of a Keras object, which Keras looks up itself."""
    if not name.isidentifier() or len(name) > 100 or (names and name.lower() not in map(str.lower, names)):
        raise ValueError(f"{name[:100]!r} is not a Keras {kind}")
    return name


def _bounded(arguments: dict, bounds: dict[str, Callable], name: str) -> dict[str, Any]:
    """Copy plain arguments, if each is known and within its bounds."""
    for key, value in arguments.items():
        if key not in bounds:
            raise ValueError(f"{key[:100]!r} is not a plain argument of {name}")
        if not bounds[key](value):
            raise ValueError(f"{key} of {name} is out of bounds. Received: {str(value)[:100]}")
    return dict(arguments)
