"""Every private name of Keras that kerasae uses, with the reason why the public ones don't do.

Written for Keras 3.15. When a new release of Keras breaks something, look here first: a test counts
the private names elsewhere and expects none.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from operator import is_
from typing import Any

import keras
import numpy as np
from keras.src.trainers.epoch_iterator import EpochIterator as _EpochIterator
from keras.src.utils.python_utils import pythonify_logs

__all__ = ["Structure", "VariablesRead", "pythonify_logs"]


def flat_layers(model) -> list:
    """The model and all layers inside it, of any depth; `model.layers` has the first level alone."""
    return list(model._flatten_layers())


def convolves(model) -> bool:
    """Whether a model has convolutions, which compilers for CPU treat in their own ways."""
    convolution = keras.layers.Conv2D.__base__  # Keras doesn't export the class that all convolutions share
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
    """What a compiled function takes for granted of a model: its layers, variables, dtype policies, trainable flags.

    Quantizing, LoRA, a replaced layer or a change of `trainable` leave no public trace, so what each layer
    holds is compared, object by object. Layers without variables and without layers inside are left out:
    the comparison is made at every call of `encode`, and takes about a third of a microsecond per layer.
    """

    _LISTS = ("_layers", "_trainable_variables", "_non_trainable_variables")

    def __init__(self, model):
        layers = [layer for layer in flat_layers(model) if layer is model or layer._layers or layer.variables]
        self._layers = [layer.__dict__ for layer in layers]
        self._lists = [(known, name) for known in self._layers for name in self._LISTS]
        self._seen = self._held()

    def is_current(self) -> bool:
        """Whether the model is still as it was."""
        held = self._held()
        return len(held) == len(self._seen) and all(map(is_, held, self._seen))

    def _held(self) -> list:
        """All objects that the layers hold, in order."""
        held = [*chain.from_iterable([known[name] for known, name in self._lists])]
        held += [known["_dtype_policy"] for known in self._layers]
        held += [known["_trainable"] for known in self._layers]
        return held


class VariablesRead(keras.StatelessScope):
    """A scope that notes which variables are read in it, `read`: a function's inputs beside its arguments."""

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
        """Each variable with the value that it had."""
        return list(self._read.values())


def variables_read(function: Callable[[], Any]) -> list:
    """The variables whose values `function()` reads."""
    with VariablesRead() as scope:
        function()
    return [variable for variable, _ in scope.read]


def raw_values(variables) -> list:
    """The variables' values. `Variable.value` asks each time for scopes and casts, which takes longer than a step."""
    return [variable._value for variable in variables]


def set_raw_values(variables, values) -> None:
    """Give variables new values of the same shapes and types, which `assign` would check and copy."""
    for variable, value in zip(variables, values, strict=True):
        variable._value = value


def build_metrics(model, batch) -> None:
    """Build compiled metrics from one batch `(x, y, ...)`, as Keras does before its first step."""
    with np.errstate(all="ignore"):  # on NumPy, Keras computes with arrays that hold anything
        model._symbolic_build(data_batch=batch)


def compute_loss(model, x, y, y_pred, sample_weight, training: bool):
    """`model.compute_loss`, whether or not a subclass's own takes the argument `training`, which Keras 3.3 added."""
    return model._compute_loss(x, y, y_pred, sample_weight, training=training)


def resumed_epoch(model) -> int:
    """The epoch from which Keras's `BackupAndRestore` resumes; 0 if there is none."""
    return model._initial_epoch or 0


def resume_from(model, epoch: int) -> None:
    """Have `fit` begin with this epoch, as `BackupAndRestore` does."""
    model._initial_epoch = epoch


def metrics_in_order(model, logs: dict) -> list | float:
    """Logs as `evaluate` returns them without `return_dict`."""
    return model._flatten_metrics_in_order(logs)


class Stream:
    """The batches of any source that Keras takes, as NumPy arrays, epoch by epoch.

    Keras's own iterator, which knows all sources, workers, `steps_per_epoch`, `class_weight` and the
    warnings for data that ran out. It is not exported.

    Args:
        **source: `x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight`, as for `fit`.
    """

    def __init__(self, **source):
        self._data = source["x"]
        self._iterator = _EpochIterator(**source)

    @property
    def num_batches(self) -> int | None:
        """Batches per epoch; None until the first epoch of a source without a length has ended."""
        return self._iterator.num_batches

    def restart(self) -> None:
        """Begin anew with the first batch."""
        self._iterator.reset()

    def epoch(self, number: int = 0) -> Iterator[Any]:
        """The batches of the next epoch; of the epoch of this number, if the source knows its epochs apart."""
        if hasattr(self._data, "begin_epoch"):
            self._data.begin_epoch(number)
        try:
            with self._iterator.catch_stop_iteration():
                for _, _, (batch,) in self._iterator:
                    yield batch
        except BaseException:  # an epoch that is left before its end would leave its workers waiting
            self.restart()
            raise


def optimizer_slots(optimizer, name: str, variables) -> list:
    """The slots (`"momentums"`, `"velocities"`) of these variables, whatever others the optimizer was built for."""
    slots = getattr(optimizer, f"_{name}")
    return [slots[optimizer._get_variable_index(variable)] for variable in variables]


def finalize(optimizer, variables) -> None:
    """Give variables their moving averages at the end of a fit, where an optimizer keeps them.

    Keras's `finalize_variable_values` refuses fewer variables than the optimizer was built for, as there are
    when a part of the model is frozen.
    """
    if len(variables) == len(optimizer._trainable_variables):
        optimizer.finalize_variable_values(variables)
    elif optimizer.use_ema:
        averages = optimizer_slots(optimizer, "model_variables_moving_average", variables)
        for variable, average in zip(variables, averages, strict=True):
            variable.assign(average)


def trained_variables(optimizer) -> list:
    """The variables that an optimizer was built for."""
    return list(optimizer._trainable_variables)


def schedule_of(optimizer):
    """An optimizer's learning-rate schedule or function, or None if its rate is a variable."""
    rate = optimizer._learning_rate
    return None if isinstance(rate, keras.Variable) or not callable(rate) else rate


def initialize_with_zeros(variables) -> None:
    """Have variables that have no value yet start at zero instead of what their initializers give.

    Weights that are about to be loaded need no random values, whose computation has to be compiled first.
    """
    for variable in variables:
        if getattr(variable, "_initializer", None) is not None:
            variable._initializer = np.zeros
