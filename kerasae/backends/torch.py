"""Steps on PyTorch."""

import contextlib
import itertools
import os

import keras
import torch
from torch import distributed

from kerasae import random
from kerasae.backends import runs
from kerasae.backends.recording import recorded

ONE_LENGTH = True
_MANY = 50  # test steps: fewer take less time than recording


class Steps(runs.OverRows):
    """Training and test steps for `keras.Model`, and runs of training steps without the layers' Python code."""

    def _train_run(self):
        return _run_function(self, _trained)

    def _test_run(self):
        return _run_function(self, _tested)

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        trained_by = self.trained_by()
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=True)
        gradients = [None] * len(trained_by)
        for name in dict.fromkeys(trained_by):
            trained = [i for i, loss in enumerate(trained_by) if loss == name]
            values = [self.trainable_variables[i].value for i in trained]
            loss = self.optimizer.scale_loss(terms[name])
            passed_back = torch.autograd.grad(loss, values, retain_graph=True, allow_unused=True)
            for i, gradient in zip(trained, passed_back, strict=True):
                gradients[i] = gradient
        with torch.no_grad():
            _average(gradients)
            _average(list(terms.values()))
            _apply(self.optimizer, gradients, self.trainable_variables)
            return self._track(terms, x, y, x_hat, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=False)
        _average(list(terms.values()))
        return self._track(terms, x, y, x_hat, sample_weight)

    def get_metrics_result(self):
        results = super().get_metrics_result()  # type: ignore[misc]
        if _processes() > 1:
            results = {name: torch.as_tensor(value).detach().clone() for name, value in results.items()}
            _average(results.values())
        return results

    def remember(self):
        """Nothing needs to be remembered: see `recover`."""

    def recover(self, remembered):
        """Nothing is lost when `fit` is broken off: the model itself was trained."""


def _run_function(model, steps_of):
    """A function that makes the next `steps_per_execution` steps over the model's rows."""
    made = {}  # by the size of a batch, what is in it, and whether there are many

    def function(data):
        for table, batches, count in model._rows.take(model.steps_per_execution):
            size = batches.shape[1]
            kind = size, model._rows.total >= _MANY, *((array.shape[1:], array.dtype) for array in table)
            if kind not in made:
                _begin_alike(model)
                made[kind] = steps_of(model, table, size)
            with _denormals_as_zeros():
                made[kind](table, _same(torch.from_numpy(batches[:count]).to(table[0].device)))
        return model.get_metrics_result()

    return function


@contextlib.contextmanager
def _denormals_as_zeros():
    """Take numbers below 1e-38 for 0, as TensorFlow does: some processors need a hundred times as long for each.

    There are many after some hundred steps: the moments of weights whose inputs are 0 go down by a tenth a step.
    """
    already = not (torch.full((), 1e-39) * 1).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)


def _stepped(model, step):
    """A function of a table and of indices of its rows `(steps, size)`, which makes so many steps."""
    step = torch.compile(step) if model.jit_compile else step

    def steps(table, batches):
        size, processes = batches.shape[1], _processes()
        divided = size % processes == 0
        first = distributed.get_rank() * (size // processes) if divided and processes > 1 else 0
        # Of the images that metrics count in each process.
        model._untracked.share = 1 if divided else 1 / processes
        with random.from_image(first):
            for rows in batches:
                step(model._rows.data(table, rows[first : first + size // processes] if divided else rows))
        model._untracked.share = 1

    return steps


def _processes() -> int:
    """How many processes train together: one, unless torchrun or the like has started several."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _average(tensors) -> None:
    """Put the mean over all processes in the place of tensors (None among them)."""
    if _processes() > 1:
        for tensor in tensors:
            if tensor is not None:
                distributed.all_reduce(tensor.detach().div_(_processes()))


def _same(tensor):
    """The first process's tensor, in all of them."""
    if _processes() > 1:
        distributed.broadcast(tensor, 0)
    return tensor


def _begin_alike(model) -> None:
    """Have all processes begin with the first one's weights and state of the optimiser."""
    for variable in [*model.variables, *model.optimizer.variables]:
        _same(variable.value.detach())


def _trained(model, table, size: int):
    """Training steps for batches of this size."""
    return _recorded(model, model.train_step, table, size, model.trainable_variables)


@torch.no_grad()
def _tested(model, table, size: int):
    """Test steps for batches of this size."""
    if model._rows.total < _MANY:
        return torch.no_grad()(_stepped(model, model.test_step))
    return torch.no_grad()(_recorded(model, model.test_step, table, size))


def _recorded(model, step, table, size: int, trained=()):
    """Such steps as bare operations, unless the user wants otherwise or they can't be recorded."""
    if not (model.run_eagerly or model.jit_compile or _processes() > 1):
        try:
            return _operations(model, step, table, size, trained)
        except Exception:  # a step that looks at values: it is run as it is, and speaks for itself if it is wrong
            pass
    return _stepped(model, step)


def _operations(model, step, table, size: int, trained):
    """Steps as the bare list of PyTorch's operations that one comes to, gradients of what is trained among them."""
    others = [*model.optimizer.variables, *model.metrics_variables]
    variables = list({id(variable): variable for variable in [*trained, *model.variables, *others]}.values())

    def stateless(rows, *tensors):
        values = tensors[len(table) :]
        given = [value.detach().requires_grad_(i < len(trained)) for i, value in enumerate(values)]
        with keras.StatelessScope(list(zip(variables, given, strict=True)), collect_losses=True) as scope:
            step(model._rows.data(tensors[: len(table)], rows))
        for variable, value, before in zip(variables, values, given, strict=True):
            after = scope.get_current_value(variable)
            if after is not before:  # else it was not changed, or in place
                value.copy_(after)

    def values():
        return [variable.value.detach() for variable in variables]

    rows = torch.zeros(size, dtype=torch.int32, device=table[0].device)
    graph = recorded(stateless, rows, *table, *(value.clone() for value in values()))

    @torch.inference_mode()
    def steps(table, batches):
        tensors = [*table, *values()]
        for rows in batches:
            graph(rows, *tensors)

    return steps


def _apply(optimizer, gradients, variables) -> None:
    """`optimizer.apply(gradients, variables)`: for a plain Adam in one pass over the weights, where Keras makes ten."""
    values = [variable.value for variable in variables]
    whole = all(value.is_contiguous() for value in values) and all(gradient is not None for gradient in gradients)
    if not (whole and _plain_adam(optimizer, variables)):
        optimizer.apply(gradients, variables)
        return
    if not optimizer.built:
        optimizer.build(variables)
    step = keras.ops.cast(optimizer.iterations + 1, "float32")
    # Keras corrects both moments' bias in the rate; in PyTorch's own formula the corrections vanish as steps grow.
    rate = optimizer.learning_rate * keras.ops.sqrt(1 - optimizer.beta_2**step) / (1 - optimizer.beta_1**step)
    torch._fused_adam_(
        values,
        [gradient.contiguous() for gradient in gradients],  # it takes numbers as they lie in memory, whatever the axes
        [variable.value for variable in optimizer._momentums],
        [variable.value for variable in optimizer._velocities],
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


def _plain_adam(optimizer, variables) -> bool:
    """Whether an optimiser is Adam with none of the options that Keras adds to one, for float32 without constraints."""
    options = ("amsgrad", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema")
    options += ("loss_scale_factor", "gradient_accumulation_steps")
    keras_own = type(optimizer).__module__.startswith("keras.") and type(optimizer).__name__ == "Adam"
    plain = keras_own and not any(getattr(optimizer, option) for option in options)
    return plain and all(variable.dtype == "float32" and variable.constraint is None for variable in variables)


@contextlib.contextmanager
def devices(n: int):
    """Have models trained in here by this process and the others that torchrun has started: `n` in all."""
    if int(os.environ.get("WORLD_SIZE", 1)) != n:
        raise ValueError(
            f"Asked for {n} devices, which on PyTorch are {n} processes: torchrun --nproc-per-node {n} ... "
            f"Found: {os.environ.get('WORLD_SIZE', 1)}."
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def on_device(array):
    """A NumPy array as a tensor."""
    return keras.ops.convert_to_tensor(array)


class _Endless(torch.utils.data.DataLoader):
    """Batches of nothing, which Keras takes as they are: those of a generator it goes through one by one."""

    def __init__(self):
        super().__init__(itertools.count())  # without a length: Keras would stop there

    def __iter__(self):
        return itertools.repeat((torch.zeros(1, 1),))


def nothing():
    """As `runs.nothing`."""
    return _Endless()


def compiled(function, variables):
    """A function of tensors and of these variables, recorded for each size of its arrays, from arrays to arrays."""
    graphs = {}

    def stateless(*tensors):
        arrays, values = tensors[: -len(variables)], tensors[-len(variables) :]
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return function(*arrays)

    def call(*arrays):
        # Not `value`, which asks for each variable whether somebody else has set it.
        values = [variable._value for variable in variables]
        tensors = [torch.as_tensor(array, device=values[0].device) for array in arrays]
        shapes = tuple([tensor.shape for tensor in tensors])
        with torch.inference_mode():
            if shapes not in graphs:
                try:
                    graphs[shapes] = recorded(stateless, *tensors, *values)
                except Exception:  # a function that looks at values
                    graphs[shapes] = stateless
            results = graphs[shapes](*tensors, *values)
        return _array(results) if isinstance(results, torch.Tensor) else keras.tree.map_structure(_array, results)

    return call


def _array(tensor):
    """A result as an array: what Keras makes of it, and sooner where that is simple."""
    simple = tensor.dtype is torch.float32 and tensor.device.type == "cpu"
    return tensor.numpy() if simple else keras.ops.convert_to_numpy(tensor)


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    with torch.no_grad():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
