"""All private names of Keras that kerasae uses, with the reason why public ones do not suffice.

Written for Keras 3.15. If a new release of Keras breaks something, look here first: a test ensures that no other module
uses private names.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from operator import is_, itemgetter
from threading import Thread
from typing import Any

import keras
import numpy as np
from keras.src.backend.common.symbolic_scope import SymbolicScope as _SymbolicScope
from keras.src.trainers.data_adapters.tf_dataset_adapter import TFDatasetAdapter as _TFDatasetAdapter
from keras.src.trainers.data_adapters.torch_data_loader_adapter import TorchDataLoaderAdapter as _TorchDataLoaderAdapter
from keras.src.trainers.epoch_iterator import EpochIterator as _EpochIterator
from keras.src.utils.python_utils import pythonify_logs

__all__ = ["Structure", "VariablesRead", "pythonify_logs"]


def flat_layers(model) -> list:
    """List the model and all layers inside it, at any depth; `model.layers` has only the first level."""
    return list(model._flatten_layers())


def convolves(model) -> bool:
    """Whether a model has convolutions, for which compilers for CPUs behave differently."""
    convolution = keras.layers.Conv2D.__base__  # Keras does not export the base class of all convolutions
    return any(isinstance(layer, convolution) for layer in flat_layers(model))


def calls(model) -> list[tuple]:
    """The calls that a built Sequential or Functional model is made of, in an order in which they can be computed.

    Each is `(layer, inputs, outputs)` with lists of symbolic tensors. `layer.input` has those of the layer's first call
    alone, which need not be the one in this model.
    """
    functional = model._functional if isinstance(model, keras.Sequential) else model
    by_depth = functional._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [(node.operation, list(node.input_tensors), list(node.outputs)) for node in nodes]


class Structure:
    """Snapshot of what a compiled function depends on: a model's layers, variables, dtype policies, trainable flags.

    Quantization, LoRA, a replaced layer or a change of `trainable` cannot be detected by public names, so the objects
    that each layer refers to are compared. Layers without variables and inner layers are ignored, since every call of
    `encode` makes the comparison. It takes about half a microsecond per layer.
    """

    _LISTS = itemgetter("_layers", "_trainable_variables", "_non_trainable_variables")
    _VALUES = itemgetter("_dtype_policy", "_trainable")

    def __init__(self, model):
        layers = [layer for layer in flat_layers(model) if layer is model or layer._layers or layer.variables]
        self._layers = [layer.__dict__ for layer in layers]
        self._seen = self._held()

    def is_current(self) -> bool:
        """Whether the model is unchanged."""
        held = self._held()
        return len(held) == len(self._seen) and all(map(is_, held, self._seen))

    def _held(self) -> list:
        """All objects that the layers refer to, in order."""
        lists = chain.from_iterable(map(self._LISTS, self._layers))
        return [*chain.from_iterable(lists), *chain.from_iterable(map(self._VALUES, self._layers))]


class VariablesRead(keras.StatelessScope):
    """A scope that records in `read` which variables are read in it."""

    def __init__(self):
        super().__init__(collect_losses=True)
        self._read: dict[int, Any] = {}

    def get_current_value(self, variable):
        value = super().get_current_value(variable)
        if value is None:
            value = variable._value
            self._read[id(variable)] = variable, value
        return value

    @property
    def read(self) -> list[tuple]:
        """Pairs of variable and value."""
        return list(self._read.values())


def variables_read(function: Callable[[], Any]) -> list:
    """Find the variables that `function()` reads."""
    with VariablesRead() as scope:
        function()
    return [variable for variable, _ in scope.read]


def raw_value(variable):
    """The framework's own variable or tensor."""
    return variable._value


def raw_values(variables) -> list:
    """Values of variables. `Variable.value` checks scopes and casts, which would take longer than a step."""
    return [variable._value for variable in variables]


def set_raw_values(variables, values) -> None:
    """Set values of the same shapes and dtypes, without the checks and the copy of `assign`."""
    for variable, value in zip(variables, values, strict=True):
        variable._value = value


def assign_raw(variable, value) -> None:
    """Assign a tensor of the variable's shape and dtype, without the checks of `assign`."""
    variable._direct_assign(value)


def build_metrics(model, batch) -> None:
    """Build compiled metrics from one batch `(x, y, ...)`, as Keras does before its first step."""
    # On NumPy, Keras computes with uninitialized arrays; on OpenVINO it opens no symbolic scope, and regularizers
    # get None.
    with np.errstate(all="ignore"), _SymbolicScope():
        model._symbolic_build(data_batch=batch)


def compute_loss(model, x, y, y_pred, sample_weight, training: bool):
    """Call `model.compute_loss`, also if a subclass's method lacks the argument `training`, which Keras 3.3 added."""
    return model._compute_loss(x, y, y_pred, sample_weight, training=training)


def resumed_epoch(model) -> int:
    """Epoch from which Keras's `BackupAndRestore` resumes, or 0."""
    return model._initial_epoch or 0


def resume_from(model, epoch: int) -> None:
    """Let `fit` begin with this epoch, as `BackupAndRestore` does."""
    model._initial_epoch = epoch


def metrics_in_order(model, logs: dict) -> list | float:
    """Convert logs to the result of `evaluate` without `return_dict`."""
    return model._flatten_metrics_in_order(logs)


_VIEWED = {"float32", "float64", "uint8", "int32", "int64"}  # dtypes whose arrays can share a tensor's memory


class _ArrayIterator(_EpochIterator):
    """Keras's iterator over the epochs of a source, with a faster conversion of tensors to arrays.

    Arrays share the memory of a `tf.data.Dataset`'s tensors. Keras copies each tensor, after checks of its type that
    take longer than the copy. PyTorch gets copies: with views, training took a seventh longer there.
    """

    def _get_iterator(self):
        adapter = self.data_adapter
        if isinstance(adapter, _TorchDataLoaderAdapter):
            return map(tuple, _converted(adapter.get_torch_dataloader(), "Tensor", lambda part: np.asarray(part.cpu())))
        if not isinstance(adapter, _TFDatasetAdapter):
            return super()._get_iterator()
        from keras.src.backend.tensorflow.core import convert_to_numpy

        copied = keras.backend.backend() == "torch"

        def array(tensor):
            has_view = not copied and type(tensor).__name__ == "EagerTensor" and tensor.dtype.name in _VIEWED
            return np.asarray(memoryview(tensor)) if has_view else convert_to_numpy(tensor)

        return _converted(deleted_by_thread(adapter.get_tf_dataset()), "EagerTensor", array)


def _converted(batches, tensor: str, array: Callable) -> Iterator[Any]:
    """Convert the tensors of batches, objects of a class of the name `tensor`, to arrays."""

    def arrays(batch):
        kind = type(batch)
        if kind is tuple or kind is list:  # a tenth of the time that `keras.tree` takes
            return kind(map(arrays, batch))
        return array(batch) if kind.__name__ == tensor else keras.tree.map_structure(array, batch, none_is_leaf=False)

    return map(arrays, batches)


def deleted_by_thread(dataset) -> Iterator[Any]:
    """Yield the batches of a `tf.data.Dataset`, and delete its iterator in a thread.

    TensorFlow's thread that tunes the pipeline sleeps 10 ms, 20 ms and so on up to 60 s between its runs. If it misses
    the signal to end, as it often does on a busy processor, the deletion waits for its next run.
    """
    iterator = [iter(dataset)]
    try:
        yield from iterator[0]
    finally:
        Thread(target=iterator.clear, daemon=True).start()


class Stream:
    """Batches of any source that Keras accepts, as NumPy arrays, epoch by epoch.

    It wraps Keras's own iterator, which is not exported and handles all sources, workers, `steps_per_epoch`,
    `class_weight` and the warning for exhausted data. Arrays may be read-only.

    Args:
        **source: `x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight`, as for `keras.Model.fit`.
    """

    def __init__(self, **source):
        self._data = source["x"]
        self._iterator = _ArrayIterator(**source)

    @property
    def num_batches(self) -> int | None:
        """Number of batches per epoch; None if it is unknown until the end of the first epoch."""
        return self._iterator.num_batches

    def restart(self) -> None:
        """Start again with the first batch."""
        self._iterator.reset()

    def epoch(self, number: int = 0) -> Iterator[Any]:
        """Yield the batches of the next epoch. `number` is passed to `begin_epoch` of the source, if it has one."""
        if hasattr(self._data, "begin_epoch"):
            self._data.begin_epoch(number)
        try:
            with self._iterator.catch_stop_iteration():
                for _, _, (batch,) in self._iterator:
                    yield batch
        except BaseException:  # otherwise the workers of an unfinished epoch would wait forever
            self.restart()
            raise


def optimizer_slots(optimizer, name: str, variables) -> list:
    """Slots (`"momentums"`, `"velocities"`) of these variables; the optimizer may have been built for more."""
    slots = getattr(optimizer, f"_{name}")
    return [slots[optimizer._get_variable_index(variable)] for variable in variables]


def finalize(optimizer, variables) -> None:
    """Set variables to their moving averages at the end of `fit`, if the optimizer has them.

    Keras's `finalize_variable_values` fails if a part of the model is frozen, because the optimizer was built for more
    variables.
    """
    if len(variables) == len(optimizer._trainable_variables):
        optimizer.finalize_variable_values(variables)
    elif optimizer.use_ema:
        averages = optimizer_slots(optimizer, "model_variables_moving_average", variables)
        for variable, average in zip(variables, averages, strict=True):
            variable.assign(average)


def trained_variables(optimizer) -> list:
    """Variables that an optimizer was built for."""
    return list(optimizer._trainable_variables)


def schedule_of(optimizer):
    """Learning-rate schedule or function of an optimizer, or None if its rate is a variable."""
    rate = optimizer._learning_rate
    return None if isinstance(rate, keras.Variable) or not callable(rate) else rate


def initialize_with_zeros(variables) -> None:
    """Let variables without a value start at zero instead of the values of their initializers.

    Weights that are about to be loaded need no random values, whose computation would have to be compiled.
    """
    for variable in variables:
        if getattr(variable, "_initializer", None) is not None:
            variable._initializer = np.zeros
