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

from kerasae import _import_hook
from kerasae.backends import runs
from kerasae.backends.runs import nothing

if keras.backend.backend() == "tensorflow":
    from kerasae.backends.tensorflow import ONE_LENGTH, Steps, compiled, devices, infer, nothing, on_device
elif keras.backend.backend() == "torch":
    from kerasae.backends.torch import ONE_LENGTH, Steps, compiled, devices, infer, nothing, on_device
elif keras.backend.backend() == "jax":
    from kerasae.backends.jax import ONE_LENGTH, Steps, compiled, devices, infer, on_device
else:
    from kerasae.backends.inference import ONE_LENGTH, Steps, compiled, infer, on_device

__all__ = ["ONE_LENGTH", "Steps", "compiled", "devices", "infer", "nothing", "on_device", "runs"]

_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
