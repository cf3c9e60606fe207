"""TensorFlow: data parallel training with TensorFlow's strategies, on the devices of one host or of several."""

import contextlib

import numpy as np
import tensorflow as tf

from kerasae import random
from kerasae.training import sharing


def processes(model) -> int:
    """Number of processes that train together: 1 unless the strategy is a `MultiWorkerMirroredStrategy`."""
    strategy = model.distribute_strategy
    return strategy.num_replicas_in_sync // local_devices(strategy)


def local_devices(strategy) -> int:
    """Number of devices of this process."""
    return len(strategy.extended.worker_devices) if strategy.num_replicas_in_sync > 1 else 1


def process_index() -> int:
    """Index of this process among those that train together, given by `TF_CONFIG`."""
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    return (resolver.task_id or 0) if _workers(resolver) > 1 else 0


def _workers(resolver) -> int:
    tasks = resolver.cluster_spec().as_dict()
    return len(tasks.get("worker", ())) + len(tasks.get("chief", ()))


def gather(model, values) -> np.ndarray:
    """Collect integers `(n,)` of every process as `(processes, n)`."""
    values = np.asarray(values, "int32")[None]
    if processes(model) == 1:
        return values
    strategy = model.distribute_strategy
    rows = strategy.gather(strategy.experimental_distribute_values_from_function(lambda _: tf.constant(values)), axis=0)
    return rows.numpy()[:: local_devices(strategy)]


def is_lost(error: Exception) -> bool:
    """Whether an error means that another process cannot be reached."""
    kinds = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.InternalError)
    return isinstance(error, (*kinds, tf.errors.DeadlineExceededError))


@contextlib.contextmanager
def devices(n: int):
    """Build and train models on `n` devices in this context; see `base.Backend`."""
    workers = _workers(tf.distribute.cluster_resolver.TFConfigClusterResolver())
    found = tf.config.list_physical_devices("GPU")
    if not found and workers <= 1:
        cpu = tf.config.list_physical_devices("CPU")[0]
        with contextlib.suppress(RuntimeError):  # TensorFlow is initialized already: its number of devices is fixed
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * n)
    strategy = _several_hosts(n) if workers > 1 else _one_host(n, "GPU" if found else "CPU")
    with strategy.scope():
        yield


def _one_host(n: int, kind: str):
    names = [device.name for device in tf.config.list_logical_devices(kind)]
    if len(names) < n:
        raise ValueError(f"Expected {n} devices. Found {len(names)}: {', '.join(names)}. Ask for fewer devices.")
    return tf.distribute.MirroredStrategy(names[:n])


def _several_hosts(n: int):
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    found = strategy.num_replicas_in_sync
    if found != n:
        raise ValueError(f"Expected {n} devices. The hosts in TF_CONFIG have {found}. Ask for the devices found.")
    return strategy


def run_step(strategy, step, layout, table, rows, shared: bool):
    """Run one step. Each device gets a part of the rows, or all rows if they cannot be divided evenly.

    Rows that all processes have are divided over all devices, those of a process's own stream over its devices.
    """
    devices, size = strategy.num_replicas_in_sync, rows.shape[0]
    if devices == 1:
        return step(layout.batch(table, rows, tf.gather))
    parts = devices if shared else local_devices(strategy)
    divided = size % parts == 0

    def on_device():
        device = tf.distribute.get_replica_context().replica_id_in_sync_group
        part, first = rows, device // parts * size  # number of the first image in the batch of all processes
        if divided:
            length = size // parts
            start = device % parts * length
            part, first = tf.ensure_shape(rows[start : start + length], (length,)), first + start
        with random.from_image(first), sharing.counting(1 if divided else 1 / parts):
            return step(layout.batch(table, part, tf.gather))

    return strategy.run(on_device)
