"""Bounds on the arguments in a compile config: one check per argument of optimizers, losses and metrics."""

import math
from collections.abc import Callable
from typing import Any

from kerasae.files.objects import MAX_ITEMS

Check = Callable[[Any], bool]

_LARGE = 1e9
_MAX_CLASSES = 1000  # most classes, labels or thresholds of a metric


def _number(low: float = -_LARGE, high: float = _LARGE) -> Check:
    return lambda value: type(value) in (int, float) and low <= value <= high


def _integer(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


def _flag(value) -> bool:
    return type(value) is bool


def _text(value) -> bool:
    return isinstance(value, str) and len(value) <= 100


def _nothing(value) -> bool:
    return value is None


def _one_of(*values) -> Check:
    return lambda value: any(value is one or (isinstance(value, str) and value == one) for one in values)


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


def _optional(check: Check) -> Check:
    return _either(_nothing, check)


def _list(check: Check, most: int = MAX_ITEMS) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def _empty(value) -> bool:
    return value is None or value == []


def _policy(value) -> bool:
    """Whether a value is the name of a dtype, or the config of a `DTypePolicy`."""
    if not isinstance(value, dict):
        return value is None or _text(value)
    return (
        value.keys() <= {"module", "class_name", "config", "registered_name"}
        and (value.get("module"), value.get("class_name")) == ("keras", "DTypePolicy")
        and value.get("registered_name") in (None, "DTypePolicy")
        and isinstance(value.get("config"), dict)
        and value["config"].keys() == {"name"}
        and _text(value["config"]["name"])
    )


_SHARE = _number(0.0, 1.0)
_SIZE = _number(0.0)
_STEPS = _integer(0, 10**9)
_AXIS = _integer(-10, 10)
_THRESHOLD = _number(0.0, 1.0)
_CLASS = _integer(-1000, 1000)
_REDUCTIONS = _one_of(None, "none", "sum", "mean", "sum_over_batch_size", "mean_with_sample_weight")

COMPILE: dict[str, Check] = {
    "loss_weights": _nothing,
    "run_eagerly": _flag,  # slow but harmless
    "steps_per_execution": _integer(1, 1000),
    "jit_compile": _one_of(True, False, "auto"),
    "auto_scale_loss": _flag,
}

SCHEDULE: dict[str, Check] = {
    **dict.fromkeys(("initial_learning_rate", "end_learning_rate", "alpha", "m_mul", "power", "decay_rate"), _SIZE),
    **dict.fromkeys(("decay_steps", "first_decay_steps", "warmup_steps"), _SIZE),
    "t_mul": _SIZE,
    "warmup_target": _optional(_SIZE),
    "boundaries": _list(_SIZE),
    "values": _list(_SIZE),
    "staircase": _flag,
    "cycle": _flag,
    "name": _optional(_text),
}

OPTIMIZER: dict[str, Check] = {
    "name": _optional(_text),
    "learning_rate": _SIZE,
    **dict.fromkeys(("beta_1", "beta_2", "adam_beta_1", "adam_beta_2", "rho", "momentum", "ema_momentum"), _SHARE),
    **dict.fromkeys(("epsilon", "epsilon_1", "epsilon_2", "beta", "clip_threshold", "adam_lr_ratio"), _SIZE),
    **dict.fromkeys(
        ("weight_decay", "adam_weight_decay", "clipnorm", "global_clipnorm", "clipvalue"), _optional(_SIZE)
    ),
    **dict.fromkeys(("l1_regularization_strength", "l2_regularization_strength"), _SIZE),
    "l2_shrinkage_regularization_strength": _SIZE,
    "learning_rate_power": _number(-_LARGE, 0.0),
    "beta_2_decay": _number(),
    "initial_accumulator_value": _SIZE,
    "loss_scale_factor": _optional(_SIZE),
    "initial_scale": _SIZE,
    "dynamic_growth_steps": _STEPS,
    "gradient_accumulation_steps": _optional(_integer(1, 10**6)),
    "ema_overwrite_frequency": _optional(_integer(1, 10**9)),
    "warmup_steps": _STEPS,
    "ns_steps": _integer(1, 100),  # iterations per step of Muon
    "exclude_layers": _empty,  # would be regular expressions
    **dict.fromkeys(("muon_a", "muon_b", "muon_c"), _number()),
    "rms_rate": _optional(_SIZE),
    **dict.fromkeys(
        ("amsgrad", "nesterov", "centered", "use_ema", "relative_step", "exclude_embeddings"),
        _flag,
    ),
}

LOSS: dict[str, Check] = {
    "name": _optional(_text),
    "dtype": _policy,
    "reduction": _REDUCTIONS,
    "over_pixels": _one_of("mean", "sum"),
    "pixel_reduction": _one_of("mean", "sum"),
    **dict.fromkeys(("from_logits", "apply_class_balancing", "remove_diagonal"), _flag),
    "label_smoothing": _SHARE,
    "axis": _optional(_either(_AXIS, _list(_AXIS, 10))),
    "alpha": _either(_number(), _list(_number())),
    **dict.fromkeys(("beta", "gamma", "margin", "delta", "q"), _number()),
    "ignore_class": _optional(_CLASS),
}

METRIC: dict[str, Check] = {
    "name": _optional(_text),
    "dtype": _policy,
    **dict.fromkeys(("from_logits", "multi_label", "from_sorted_ids", "sparse_y_true", "sparse_y_pred"), _flag),
    "label_smoothing": _SHARE,
    "axis": _optional(_AXIS),
    "num_classes": _integer(1, _MAX_CLASSES),
    "target_class_ids": _list(_CLASS, _MAX_CLASSES),
    "ignore_class": _optional(_CLASS),
    "class_id": _optional(_CLASS),
    "num_thresholds": _integer(1, _MAX_CLASSES),
    "threshold": _optional(_number()),
    "thresholds": _optional(_either(_THRESHOLD, _list(_THRESHOLD, _MAX_CLASSES))),
    "num_labels": _optional(_integer(1, _MAX_CLASSES)),
    "label_weights": _optional(_list(_SIZE, _MAX_CLASSES)),
    **dict.fromkeys(("top_k", "k"), _optional(_integer(1, _MAX_CLASSES))),
    **dict.fromkeys(("curve", "summation_method"), _text),
    **dict.fromkeys(("average", "class_aggregation"), _optional(_text)),
    "beta": _SIZE,
    "num_regressors": _integer(0, _MAX_CLASSES),
    **dict.fromkeys(("recall", "precision", "specificity", "sensitivity"), _SHARE),
}


def state_size(arguments: dict[str, Any]) -> int:
    """Approximate number of values in the state of a metric with these arguments: a confusion matrix, or counts."""
    thresholds = arguments.get("thresholds")
    counts = max(arguments.get("num_thresholds", 1), len(thresholds) if isinstance(thresholds, list) else 1)
    labels = arguments.get("num_labels") or 1
    return math.prod((4, counts, labels)) + arguments.get("num_classes", 0) ** 2
