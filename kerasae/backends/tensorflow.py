"""TensorFlow: steps change variables; one graph runs many steps."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from kerasae import keras_private
from kerasae.backends.aligned import aligned_zeros
from kerasae.backends.tensorflow_devices import devices as devices
from kerasae.backends.tensorflow_devices import gather as gather
from kerasae.backends.tensorflow_devices import is_lost as is_lost
from kerasae.backends.tensorflow_devices import process_index as process_index
from kerasae.backends.tensorflow_devices import processes as processes
from kerasae.backends.tensorflow_devices import run_step
from kerasae.training.overrides import reports_own_logs

COMPILES_PER_LENGTH = False
LONG_RUN = {"train": 500, "test": 500}  # fewer steps take less time than XLA's compilation


class Steps:
    """Training and test steps of `Trainer`."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape(persistent=True) as tape:
            terms, x_hat = self.objective(x, y, sample_weight, training=True)
            loss_of = self.minimized(terms)
            # TensorFlow sums gradients over devices, so each device scales its loss by 1/devices.
            devices = tf.distribute.get_strategy().num_replicas_in_sync
            losses = {name: self.optimizer.scale_loss(terms[name]) / devices for name in loss_of}
        # One backward pass per loss; the graph omits gradients that are not used.
        gradients_of = {name: tape.gradient(loss, self.trainable_variables) for name, loss in losses.items()}
        gradients = [_dense(gradients_of[name][i]) for i, name in enumerate(loss_of)]
        if gradients and all(gradient is None for gradient in gradients):  # a loss that depends on no weight
            gradients = [tf.zeros_like(variable) for variable in self.trainable_variables]
        # TensorFlow's fused Adam is not used: it computes 1 − 0.999 in float32, with a relative error of 1e-5.
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.track(terms, x, y, x_hat, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.objective(x, y, sample_weight, training=False)
        return self.track(terms, x, y, x_hat, sample_weight)


def _dense(gradient):
    """A gradient as a tensor. Of slices, as embeddings have them, Keras would square each one before their sum."""
    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient


# Runs


def train_run(model, block, is_long: bool):
    """Make a function that runs the training steps of a block in one call; see `base.Backend`."""
    return _run(model, model.train_step, "train_step", block, is_long)


def test_run(model, block, is_long: bool):
    """Make a function that runs the test steps of a block in one call; see `base.Backend`."""
    return _run(model, model.test_step, "test_step", block, is_long)


def _run(model, step, name: str, block, is_long: bool):
    own_logs, layout, shared = reports_own_logs(model, name), block.layout, block.shared

    def next_step(table, rows):
        logs = run_step(model.distribute_strategy, step, layout, table, rows, shared)
        return _whole(model, logs) if own_logs else {}

    def loop(table, batches, count, rest):
        # A user's own logs are loop variables; the first step determines their names and shapes.
        first, logs = (1, next_step(table, batches[0])) if own_logs else (0, {})

        def body(i, _):
            return i + 1, next_step(table, batches[i])

        logs = tf.while_loop(lambda i, _: i < count, body, (first, logs))[1]
        for rows in rest:
            logs = next_step(table, rows)
        return logs

    def eagerly(block):
        for rows in itertools.chain(*block.parts):
            logs = next_step(block.table, tf.constant(rows))
        return logs if own_logs else None

    if model.run_eagerly:
        return eagerly
    by_xla = _by_xla(model, block, is_long)
    # Shapes that are known make a step faster by some µs. In short runs a second graph, of the last batch, costs more.
    any_size = not is_long and not by_xla and model.distribute_strategy.num_replicas_in_sync == 1

    def trace():
        rows = [(None if any_size else array.shape[0], *array.shape[1:]) for array in block.table]
        table = [tf.TensorSpec(shape, array.dtype) for shape, array in zip(rows, block.table, strict=True)]
        batches = tf.TensorSpec((None, None) if any_size else block.batches.shape, tf.int32)
        rest = [] if any_size else [tf.TensorSpec(rows.shape, tf.int32) for rows in block.rest]
        function = tf.function(loop, autograph=False, jit_compile=by_xla)
        # The concrete function avoids the look-up of `tf.function` at every call.
        return function.get_concrete_function(table, batches, tf.TensorSpec((), tf.int32), rest)

    key = name, "any size", layout, shared
    graph = model.compiled_functions.get(model, key, trace) if any_size else trace()

    def run(block):
        if any_size:
            for part in block.parts:
                logs = graph(block.table, tf.constant(part), tf.constant(len(part)), [])
        else:
            rest = list(map(tf.constant, block.rest))
            logs = graph(block.table, tf.constant(block.batches), tf.constant(block.steps), rest)
        return logs if own_logs else None

    return run


def _whole(model, logs) -> dict:
    """Logs of one step as tensors, averaged over devices."""
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync > 1:
        return {name: strategy.reduce(tf.distribute.ReduceOp.MEAN, log, axis=None) for name, log in logs.items()}
    return {name: tf.convert_to_tensor(log) for name, log in logs.items()}


def _by_xla(model, block, is_long: bool) -> bool:
    """Whether to compile with XLA: as the user asked, else if that saves more time than it takes."""
    if model.requested_jit_compile != "auto":
        return bool(model.requested_jit_compile)
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return False
    if tf.config.list_physical_devices("GPU"):
        return bool(model.jit_compile)
    # XLA's convolutions for CPU are several times slower than TensorFlow's.
    return is_long and len(block.batches) > 1 and not keras_private.convolves(model)


def set_mode(model, training: bool) -> None:
    """Do nothing: on TensorFlow the mode is an argument of every call."""


def check_training() -> None:
    """Do nothing: this backend has gradients."""


def to_device(array):
    """Convert a NumPy array to a tensor. TensorFlow's own conversion on a CPU makes two copies."""
    if tf.config.list_physical_devices("GPU"):
        return keras.ops.convert_to_tensor(array)
    copy = aligned_zeros(array.shape, array.dtype)
    copy[...] = array
    return adopt(copy)


def adopt(array, batch_size: int | None = None):
    """Make an array of `aligned_zeros` a tensor; see `base.Backend`."""
    if tf.config.list_physical_devices("GPU"):
        return keras.ops.convert_to_tensor(array)
    return tf.experimental.dlpack.from_dlpack(array.__dlpack__())


def value_of(variable):
    """Present value of a variable. One operation; `Variable.numpy` needs many times as long."""
    value = keras_private.raw_value(variable)
    if isinstance(value, tf.distribute.DistributedValues):
        return value.numpy()
    return tf.raw_ops.ReadVariableOp(resource=value.handle, dtype=value.dtype).numpy()


def assign(variable, value) -> None:
    """Assign a tensor of the variable's shape and dtype."""
    raw = keras_private.raw_value(variable)
    if isinstance(raw, tf.distribute.DistributedValues):
        raw.assign(value)
    else:
        tf.raw_ops.AssignVariableOp(resource=raw.handle, value=value)


# Inference


def predict_function(model):
    """Compile `model.predict_step` for one batch; see `base.Backend`."""
    function = None

    def predict(x):
        nonlocal function
        x = keras.tree.map_structure(tf.convert_to_tensor, x)
        if model.run_eagerly:
            return model.predict_step((x,))
        if function is None:
            signature = keras.tree.map_structure(lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), x)
            by_xla = model.requested_jit_compile is True
            function = tf.function(model.predict_step, [(signature,)], autograph=False, jit_compile=by_xla)
        return function((x,))

    return predict


def compile_function(function, model=None):
    """Compile a function of tensors, once for all lengths of its arrays; see `base.Backend`."""
    graph = None

    def call(*arrays):
        nonlocal graph
        arrays = [tf.convert_to_tensor(array) for array in arrays]
        if graph is None:
            signature = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
            # The concrete function avoids a look-up at every call; the lambda hides optional arguments, whose
            # binding is slow.
            graph = tf.function(lambda *given: function(*given), autograph=False).get_concrete_function(*signature)
        return tf.nest.map_structure(_array, graph(*arrays))

    return call


def _array(tensor):
    """Convert a result to an array, for float32 without a copy."""
    return np.asarray(memoryview(tensor)) if tensor.dtype == tf.float32 else keras.ops.convert_to_numpy(tensor)


def infer(function, *arrays):
    """Compute `function(*arrays)` as an array, or a structure of arrays if it returns one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(tf.convert_to_tensor, arrays)))
