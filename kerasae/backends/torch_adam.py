"""PyTorch: Keras's Adam as one fused operation instead of ten passes over the weights."""

import keras
import torch

from kerasae import keras_private

# Options of Adam that the fused operation does not have.
_OPTIONS = ("amsgrad", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema")
_OPTIONS += ("loss_scale_factor", "gradient_accumulation_steps")


def apply(optimizer, gradients, variables) -> None:
    """Do `optimizer.apply(gradients, variables)`, with PyTorch's fused operation if its result is the same."""
    values = [variable.value for variable in variables]
    whole = all(value.is_contiguous() for value in values) and all(gradient is not None for gradient in gradients)
    if not (variables and whole and _is_plain_adam(optimizer, variables)):
        optimizer.apply(gradients, variables)
        return
    if not optimizer.built:
        optimizer.build(variables)
    step = keras.ops.cast(optimizer.iterations + 1, "float32")
    # Keras corrects the bias of both moments in the learning rate. A huge step disables PyTorch's own corrections.
    rate = optimizer.learning_rate * keras.ops.sqrt(1 - optimizer.beta_2**step) / (1 - optimizer.beta_1**step)
    momentums, velocities = (
        [slot.value for slot in keras_private.optimizer_slots(optimizer, name, variables)]
        for name in ("momentums", "velocities")
    )
    torch._fused_adam_(
        values,
        [gradient.contiguous() for gradient in gradients],  # the operation ignores strides
        momentums,
        velocities,
        [],
        [torch.full((), 1e9, device=values[0].device)] * len(values),
        lr=rate,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        weight_decay=0.0,
        eps=optimizer.epsilon,
        amsgrad=False,
        maximize=False,
    )
    optimizer.iterations.assign_add(1)


def _is_plain_adam(optimizer, variables) -> bool:
    """Whether an optimizer is Keras's Adam without options, and all variables are float32 without constraints."""
    keras_own = type(optimizer).__module__.startswith("keras.") and type(optimizer).__name__ == "Adam"
    plain = keras_own and not any(getattr(optimizer, option) for option in _OPTIONS)
    return plain and all(variable.dtype == "float32" and variable.constraint is None for variable in variables)
