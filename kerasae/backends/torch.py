"""PyTorch: steps change variables. Steps of known parts are traced once and then run without Keras's Python code."""

import contextlib
import functools
import warnings

import keras
import numpy as np
import torch

from kerasae import keras_private, random
from kerasae.backends import torch_processes
from kerasae.backends.torch_adam import apply
from kerasae.backends.torch_memory import memory_kept
from kerasae.backends.torch_processes import devices as devices
from kerasae.backends.torch_processes import gather as gather
from kerasae.backends.torch_processes import is_lost as is_lost
from kerasae.backends.torch_processes import process_index as process_index
from kerasae.backends.torch_processes import processes as processes
from kerasae.backends.torch_safety import reason_against, reason_against_inference
from kerasae.backends.torch_trace import traced
from kerasae.training import sharing
from kerasae.training.overrides import reports_own_logs

COMPILES_PER_LENGTH = True
LONG_RUN = {"train": 0, "test": 50}  # fewer steps take less time than tracing


class Steps:
    """Training and test steps of `Trainer`."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.objective(x, y, sample_weight, training=True)
        gradients = _gradients(self, terms, self.minimized(terms))
        with torch.no_grad():
            torch_processes.average(gradients)
            torch_processes.average(list(terms.values()))
            apply(self.optimizer, gradients, self.trainable_variables)
            return self.track(terms, x, y, x_hat, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.objective(x, y, sample_weight, training=False)
        torch_processes.average(list(terms.values()))
        return self.track(terms, x, y, x_hat, sample_weight)

    def get_metrics_result(self):
        results = super().get_metrics_result()
        if torch_processes.processes() > 1:
            results = {name: torch.as_tensor(value).detach().clone() for name, value in results.items()}
            torch_processes.average(results.values())
        return results


def _gradients(model, terms: dict, loss_of: list[str]) -> list:
    """Gradient of each trainable variable, for the loss that it minimizes."""
    gradients: list = [None] * len(loss_of)
    for name in dict.fromkeys(loss_of):
        places = [i for i, loss in enumerate(loss_of) if loss == name]
        values = [model.trainable_variables[i].value for i in places]
        loss = model.optimizer.scale_loss(terms[name])
        if not loss.requires_grad:  # a loss that depends on no weight
            found = [torch.zeros_like(value) for value in values]
        else:
            found = torch.autograd.grad(loss, values, retain_graph=True, allow_unused=True)
        for i, gradient in zip(places, found, strict=True):
            gradients[i] = gradient
    return gradients


# Runs


def train_run(model, block, is_long: bool):
    """Make a function that runs the training steps of a block; see `base.Backend`."""
    return _run(model, model.train_step, "train_step", block, is_long)


def test_run(model, block, is_long: bool):
    """Make a function that runs the test steps of a block; see `base.Backend`."""
    return _run(model, model.test_step, "test_step", block, is_long)


def _run(model, step, name: str, block, is_long: bool):
    torch_processes.broadcast_state(model)
    own_logs = reports_own_logs(model, name)
    training = name == "train_step"
    runs = []
    for part in block.parts:
        steps = _traced_steps(model, step, block, part.shape[1], training) if is_long else None
        runs.append(steps or _eager_steps(model, step, block, part.shape[1]))
    mode = contextlib.nullcontext if training else torch.no_grad
    memory = memory_kept if keras_private.convolves(model) else contextlib.nullcontext

    def run(block):
        with _denormals_as_zeros(), memory(), mode():
            for steps, part in zip(runs, block.parts, strict=True):
                logs = steps(block.table, torch.from_numpy(part).to(block.table[0].device))
        return logs if own_logs else None

    return run


def _eager_steps(model, step, block, size: int):
    """Make a function of a table and of rows `(steps, size)` that runs the steps one by one, as Keras does."""
    step = torch.compile(step) if _is_compiled(model) else step
    layout = block.layout
    part, first, share = torch_processes.part(size, block.shared)

    def steps(table, batches):
        with random.from_image(first), sharing.counting(share):
            for rows in batches:
                logs = step(layout.batch(table, rows[part]))
        return logs

    return steps


def _traced_steps(model, step, block, size: int, training: bool):
    """Like `_eager_steps`, but traced; None, with a warning that gives the reason, if they must not be traced."""
    if model.run_eagerly or _is_compiled(model) or torch_processes.processes() > 1:
        return None  # as the user asked, or since gradients are averaged over processes
    reason = reason_against(model)
    if reason is None:
        try:
            return _operations(model, step, block, size, training)
        except Exception as error:
            reason = f"tracing failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
    _warn_once(model, f"{model.name!r} runs its steps one by one on PyTorch, as Keras does, because {reason}.")
    return None


def _operations(model, step, block, size: int, training: bool):
    """Trace a step of `size` images, with its gradients, to a graph of PyTorch operations that a function runs."""
    trained = model.trainable_variables if training else []
    others = [*model.optimizer.variables, *model.metrics_variables]
    variables = list({id(variable): variable for variable in [*trained, *model.variables, *others]}.values())

    def stateless(rows, *tensors):
        values = tensors[len(block.table) :]
        given = [value.detach().requires_grad_(i < len(trained)) for i, value in enumerate(values)]
        with keras.StatelessScope(list(zip(variables, given, strict=True)), collect_losses=True) as scope:
            step(block.layout.batch(tensors[: len(block.table)], rows))
        for variable, value, before in zip(variables, values, given, strict=True):
            after = scope.get_current_value(variable)
            if after is not before:  # otherwise it was unchanged, or changed in place
                value.copy_(after)

    def values():
        return [variable.value.detach() for variable in variables]

    rows = torch.zeros(size, dtype=torch.int32, device=block.table[0].device)
    with contextlib.nullcontext() if training else torch.no_grad():
        graph = traced(stateless, rows, *block.table, *(value.clone() for value in values()))

    @torch.inference_mode()
    def steps(table, batches):
        tensors = [*table, *values()]
        for rows in batches:
            graph(rows, *tensors)

    return steps


def _is_compiled(model) -> bool:
    """Whether the user asked for `torch.compile`, which takes half a minute or more."""
    return model.requested_jit_compile is True and not model.run_eagerly


def _warn_once(model, message: str) -> None:
    if message not in model.compiled_functions.warned:
        model.compiled_functions.warned.add(message)
        warnings.warn(f"{message} Pass jit_compile=True to compile() to try torch.compile.", stacklevel=2)


@contextlib.contextmanager
def _denormals_as_zeros():
    """Flush denormal numbers (below 1e-38) to 0, as TensorFlow does: they are up to a hundred times slower.

    Adam's first moments of weights whose inputs are 0 shrink by a tenth per step, so they become denormal after some
    hundred steps.
    """
    already = not (torch.full((), 1e-39) * 1).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)


def set_mode(model, training: bool) -> None:
    """Set the training mode of PyTorch modules inside the model."""
    model.train(training)


def check_training() -> None:
    """Do nothing: this backend has gradients."""


def to_device(array):
    """Convert a NumPy array to a tensor on the device."""
    return keras.ops.convert_to_tensor(array)


def adopt(array, batch_size: int | None = None):
    """Make an array of `aligned_zeros` a tensor; see `base.Backend`."""
    return keras.ops.convert_to_tensor(torch.from_numpy(array))


def value_of(variable):
    """Present value of a variable of one number. The array shares its memory, so the number is copied."""
    return keras_private.raw_value(variable).numpy(force=True)[()]


def assign(variable, value) -> None:
    """Assign a tensor of the variable's shape and dtype."""
    keras_private.assign_raw(variable, value)


# Inference


def predict_function(model):
    """Make a function that runs `model.predict_step` for one batch; see `base.Backend`."""
    step = torch.compile(model.predict_step) if _is_compiled(model) else model.predict_step

    @torch.no_grad()
    def predict(x):
        return step((keras.tree.map_structure(keras.ops.convert_to_tensor, x),))

    return predict


def compile_function(function, model=None):
    """Trace a function of tensors, once per shape of its arrays; see `base.Backend`."""
    reason = None if model is None else reason_against_inference(model)
    graphs: dict = {}
    variables: list = []

    def stateless(*tensors):
        n = len(tensors) - len(variables)
        with keras.StatelessScope(list(zip(variables, tensors[n:], strict=True))):
            return function(*tensors[:n])

    def trace(tensors):
        nonlocal variables
        variables = keras_private.variables_read(lambda: function(*tensors))
        values = keras_private.raw_values(variables)
        try:
            return traced(stateless, *tensors, *values)
        except Exception as error:
            if model is not None:
                _warn_once(model, f"{model.name!r} is not traced on PyTorch for encode and decode, because of {error}.")
            return stateless

    def call(*arrays):
        with torch.inference_mode():
            tensors = [_tensor(array) for array in arrays]
            if reason is not None:
                results = function(*tensors)
            else:
                shapes = tuple([tensor.shape for tensor in tensors])
                if shapes not in graphs:
                    graphs[shapes] = trace(tensors)
                results = graphs[shapes](*tensors, *keras_private.raw_values(variables))
        return _array(results) if isinstance(results, torch.Tensor) else keras.tree.map_structure(_array, results)

    return call


def _tensor(array):
    """Convert an array to a tensor; on the CPU without a copy and without Keras's slower conversion."""
    simple = type(array) is np.ndarray and array.dtype in (np.float32, np.int32) and array.flags.writeable
    return torch.from_numpy(array) if simple and _computes_on_cpu() else keras.ops.convert_to_tensor(array)


@functools.cache
def _computes_on_cpu() -> bool:
    return keras.ops.zeros(()).device.type == "cpu"


def _array(tensor):
    """Convert a result to an array; for float32 on the CPU without Keras's slower conversion."""
    simple = tensor.dtype is torch.float32 and tensor.device.type == "cpu"
    return tensor.numpy() if simple else keras.ops.convert_to_numpy(tensor)


def infer(function, *arrays):
    """Compute `function(*arrays)` as an array, or a structure of arrays if it returns one."""
    with torch.no_grad():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
