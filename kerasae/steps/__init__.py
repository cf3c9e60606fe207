"""How one optimisation step is executed, on the backend in use, and how many in one call.

Each file defines the same things: `Steps`, the training and test steps that `Autoencoder` inherits;
`compiled` and `infer`, functions of tensors applied to arrays without recording gradients, often or
once; `ONE_LENGTH`, whether `compiled` compiles for one length of arrays at a time; `on_device`, an array
as a tensor; `devices`, to train on several. They know a model by what it promises them, and by nothing
else: `loss_terms(x, y, sample_weight, training)`, and `trained_by()`, which says for each trainable
variable which of these losses it is to make small. Adversaries are thus trained in one step, by
gradients of one forward pass.
"""

import keras

from kerasae import _keras
from kerasae.steps import runs
from kerasae.steps.runs import nothing

if keras.backend.backend() == "tensorflow":
    from kerasae.steps.tensorflow import ONE_LENGTH, Steps, compiled, devices, infer, nothing, on_device
elif keras.backend.backend() == "torch":
    from kerasae.steps.torch import ONE_LENGTH, Steps, compiled, devices, infer, nothing, on_device
elif keras.backend.backend() == "jax":
    from kerasae.steps.jax import ONE_LENGTH, Steps, compiled, devices, infer, on_device
else:
    from kerasae.steps.inference import ONE_LENGTH, Steps, compiled, infer, on_device

__all__ = ["ONE_LENGTH", "Steps", "compiled", "devices", "infer", "nothing", "on_device", "runs"]

_keras.install()  # see `_keras.NEEDED_BY_MODELS`
