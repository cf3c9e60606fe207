"""PyTorch: several processes that train one model, each on its own device."""

import contextlib
import os

import torch
from torch import distributed


def processes() -> int:
    """How many processes train together: one, unless torchrun or the like has started several."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def average(tensors) -> None:
    """Replace tensors (None among them) by their means over all processes."""
    if processes() > 1:
        for tensor in tensors:
            if tensor is not None:
                distributed.all_reduce(tensor.detach().div_(processes()))


def same(tensor):
    """The first process's tensor, in all of them."""
    if processes() > 1:
        distributed.broadcast(tensor, 0)
    return tensor


def begin_alike(model) -> None:
    """Have all processes begin with the first one's weights and optimizer state."""
    for variable in [*model.variables, *model.optimizer.variables]:
        same(variable.value.detach())


@contextlib.contextmanager
def devices(n: int):
    """Train models on `n` devices: this process and the others that torchrun has started."""
    if int(os.environ.get("WORLD_SIZE", 1)) != n:
        raise ValueError(
            f"Expected {n} processes, one for each device. Found {os.environ.get('WORLD_SIZE', 1)}. "
            f"Start the program by `torchrun --nproc-per-node {n} ...`."
        )
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def part(size: int, shared: bool) -> tuple[slice, int, float]:
    """What this process takes of a batch of this size: its rows, the first image's position, the share it counts.

    Of a batch that all processes have, each takes its part, or all of it if it can't be divided. A batch of
    a stream of its own is a part of the whole batch already.
    """
    n = processes()
    rank = distributed.get_rank() if n > 1 else 0
    if not shared:
        return slice(None), rank * size, 1.0
    if size % n:
        return slice(None), 0, 1 / n
    return slice(rank * size // n, (rank + 1) * size // n), rank * size // n, 1.0
