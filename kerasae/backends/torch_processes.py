"""PyTorch: data parallel training by several processes, each on its own device."""

import contextlib
import os

import keras
import numpy as np
import torch
from torch import distributed


def processes(model=None) -> int:
    """Number of processes that train together: 1 unless torchrun has started several."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def process_index() -> int:
    """Index of this process among those that train together."""
    return distributed.get_rank() if processes() > 1 else int(os.environ.get("RANK", 0))


def gather(model, values) -> np.ndarray:
    """Collect integers `(n,)` of every process as `(processes, n)`."""
    values = np.asarray(values, "int32")
    if processes() == 1:
        return values[None]
    own = keras.ops.convert_to_tensor(values)
    found = [torch.empty_like(own) for _ in range(processes())]
    distributed.all_gather(found, own)
    return torch.stack(found).numpy(force=True)


def is_lost(error: Exception) -> bool:
    """Whether an error means that another process cannot be reached."""
    return isinstance(error, distributed.DistError) or (isinstance(error, RuntimeError) and "gloo" in str(error))


def average(tensors) -> None:
    """Replace tensors by their means over all processes; None is ignored."""
    if processes() > 1:
        for tensor in tensors:
            if tensor is not None:
                distributed.all_reduce(tensor.detach().div_(processes()))


def broadcast(tensor):
    """Broadcast the tensor of the first process to all processes."""
    if processes() > 1:
        distributed.broadcast(tensor, 0)
    return tensor


def broadcast_state(model) -> None:
    """Copy the first process's weights and optimizer state to all processes."""
    for variable in [*model.variables, *model.optimizer.variables]:
        broadcast(variable.value.detach())


@contextlib.contextmanager
def devices(n: int):
    """Train models on `n` devices in this context: this process and the others that torchrun has started."""
    if int(os.environ.get("WORLD_SIZE", 1)) != n:
        raise ValueError(
            f"Expected {n} processes, one for each device. Found {os.environ.get('WORLD_SIZE', 1)}. "
            f"Start the program with `torchrun --nproc-per-node {n} ...`."
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def part(size: int, shared: bool) -> tuple[slice, int, float]:
    """Part of a batch for this process: its rows, the index of its first image, and the weight of images in metrics.

    A batch that all processes have is split evenly; if that is impossible, each process uses all of it. A batch of a
    process's own stream is already one part of the whole batch.
    """
    n = processes()
    rank = distributed.get_rank() if n > 1 else 0
    if not shared:
        return slice(None), rank * size, 1.0
    if size % n:
        return slice(None), 0, 1 / n
    return slice(rank * size // n, (rank + 1) * size // n), rank * size // n, 1.0
