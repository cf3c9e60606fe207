"""JAX: data parallel training with Keras's `DataParallel` distribution, on the devices of one host or of several."""

import contextlib
import os

import jax
import keras
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

_ADDRESSES, _PROCESSES, _INDEX = (
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)


def processes(model) -> int:
    """Number of processes that train together: 1 unless `jax.distributed` connects several."""
    return 1 if keras.distribution.distribution() is None else jax.process_count()


def process_index() -> int:
    """Index of this process among those that train together."""
    return jax.process_index() if jax.distributed.is_initialized() else int(os.environ.get(_INDEX, 0))


def gather(model, values) -> np.ndarray:
    """Collect integers `(n,)` of every process as `(processes, n)`."""
    values = np.asarray(values, "int32")
    return np.asarray(multihost_utils.process_allgather(values)) if processes(model) > 1 else values[None]


def is_lost(error: Exception) -> bool:
    """Whether an error means that another process cannot be reached."""
    # A ValueError if it occurs while a result is converted to NumPy.
    is_from_jax = isinstance(error, (jax.errors.JaxRuntimeError, ValueError))
    return is_from_jax and any(engine in str(error) for engine in ("Gloo", "NCCL", "UNAVAILABLE"))


@contextlib.contextmanager
def devices(n: int):
    """Build and train models on `n` devices in this context; see `base.Backend`."""
    hosts = int(os.environ.get(_PROCESSES, 1))
    with contextlib.suppress(RuntimeError):  # JAX is initialized already: its number of devices is fixed
        jax.config.update("jax_num_cpu_devices", max(1, n // hosts))
    if _ADDRESSES in os.environ and not jax.distributed.is_initialized():
        keras.distribution.initialize()
    found = keras.distribution.list_devices()
    if len(found) < n or (len(found) > n and jax.process_count() > 1):
        raise ValueError(f"Expected {n} devices. Found {len(found)}: {', '.join(found)}. Ask for the devices found.")
    before = keras.distribution.distribution()
    parallel = keras.distribution.DataParallel(devices=found[:n], auto_shard_dataset=False)
    keras.distribution.set_distribution(parallel)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def on_devices(array: np.ndarray, batch_size: int | None):
    """Copy a table `(rows, values)` to the devices of the distribution.

    A table that all processes have is copied to every device. If `batch_size` is given, the rows are batches of this
    process's own stream. They are divided over the devices, as `(steps, batch size of all processes, values)`.
    """
    distribution = keras.distribution.distribution()
    mesh = distribution.device_mesh.backend_mesh
    if batch_size is None:
        return jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec()), array)
    batches = array.reshape(-1, batch_size, array.shape[-1])
    axis = distribution.batch_dim_name
    if batch_size * jax.process_count() % mesh.shape[axis]:
        if jax.process_count() > 1:
            raise ValueError(
                "Each host's part of a batch must be divisible by the number of its devices. "
                f"Received a part of {batch_size} images for {mesh.shape[axis] // jax.process_count()} devices. "
                "Use another batch size, and leave out a smaller last batch."
            )
        axis = None
    return jax.make_array_from_process_local_data(NamedSharding(mesh, PartitionSpec(None, axis)), batches)


def divided(rows):
    """Divide the rows of a batch over the devices. Rows that cannot be divided evenly go to every device."""
    distribution = keras.distribution.distribution()
    if distribution is None:
        return rows
    devices = distribution.device_mesh.devices.size
    axis = distribution.batch_dim_name if rows.shape[0] % devices == 0 else None
    return keras.distribution.distribute_tensor(rows, keras.distribution.TensorLayout([axis], distribution.device_mesh))
