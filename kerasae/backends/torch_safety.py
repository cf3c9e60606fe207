"""Decides which models may be traced on PyTorch: those that consist of known parts.

A trace records the operations of one call; state or branches in Python would silently be frozen in it. Only parts
that Keras and kerasae define, and that tests compare with plain Keras, are traced. Code of users runs eagerly, as in
Keras.
"""

import keras

from kerasae import keras_private
from kerasae.training.overrides import classes_of_users, is_ours

# Tested against plain Keras step by step, with and without clipping, EMA, accumulation and decay. The others (SGD,
# Adadelta, Nadam, Muon, ...) read values such as the learning rate into Python at every step.
_OPTIMIZERS = ("RMSprop", "Adam", "AdamW", "Adagrad", "Adamax", "Ftrl", "Lion", "Lamb", "Adafactor")
_BRANCHING = ("gradient_accumulation_steps", "ema_overwrite_frequency")  # implemented by `if` in Python on PyTorch
_FUNCTIONS = ("activation", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint")


def reason_against(model) -> str | None:
    """Reason why a model's training steps must not be traced, or None."""
    return _of_model(model) or _of_loss(model) or _of_optimizer(model.optimizer)


def reason_against_inference(model) -> str | None:
    """Reason why a model's forward pass must not be traced, or None."""
    return _of_model(model)


def _of_model(model) -> str | None:
    for cls in classes_of_users(model):
        own = [name for name, value in vars(cls).items() if callable(value) and name not in _HARMLESS]
        if own:
            return f"its class {cls.__name__} defines {', '.join(sorted(own)[:3])}"
    for layer in keras_private.flat_layers(model)[1:]:
        if not is_ours(type(layer)):
            return f"its layer {layer.name!r} ({type(layer).__name__}) is not one of Keras's or kerasae's"
        if any(isinstance(value, keras.random.SeedGenerator) for value in vars(layer).values()):
            return f"its layer {layer.name!r} draws random numbers from a stateful generator"
        for name in _FUNCTIONS:
            function = getattr(layer, name, None)
            if function is not None and not is_ours(function):
                return f"the {name} of its layer {layer.name!r} is not one of Keras's or kerasae's"
    return None


_HARMLESS = {"__init__", "get_config", "from_config", "get_compile_config"}


def _of_loss(model) -> str | None:
    loss = getattr(model.loss, "loss", model.loss)
    for part in (loss, getattr(loss, "fn", None)):
        if part is not None and not is_ours(part):
            return f"its loss {getattr(part, '__name__', type(part).__name__)} is not one of Keras's or kerasae's"
    for metric in model.metrics:
        for part in (metric, *getattr(metric, "metrics", ())):
            function = getattr(part, "_fn", None)
            if not is_ours(type(part)) or (function is not None and not is_ours(function)):
                return f"its metric {part.name!r} is not one of Keras's or kerasae's"
    return None


def _of_optimizer(optimizer) -> str | None:
    parts = optimizer.optimizers if isinstance(optimizer, keras.optimizers.MultiOptimizer) else [optimizer]
    for part in parts:
        name = type(part).__name__
        if not is_ours(type(part)) or name not in _OPTIMIZERS:
            return f"its optimizer {name} reads values into Python"
        for option in _BRANCHING:
            if getattr(part, option, None):
                return f"its optimizer's {option} branches in Python"
        schedule = keras_private.schedule_of(part)
        if schedule is not None and not is_ours(type(schedule)):
            return f"its learning rate comes from {type(schedule).__name__}, not one of Keras's schedules"
    return None
