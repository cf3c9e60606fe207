"""Training by several processes, on one host or several: they start alike, take the same steps, and end together.

The frameworks' own engines connect the processes. Without the checks of this module, processes whose checkpoints or
streams differ would wait for each other forever.
"""

import contextlib
from collections.abc import Iterator

import numpy as np

from kerasae import backends
from kerasae.training.batches import ArrayBatches


def common_seed(model, seed: int | None) -> int | None:
    """Seed of the batch order: if none is given, several processes use a random one of the first process."""
    if seed is not None or backends.processes(model) == 1:
        return seed
    return int(backends.gather(model, [np.random.randint(2**31 - 1)])[0, 0])


def check_start(model, epoch: int, num_batches: int | None) -> None:
    """Raise ValueError unless all processes begin with the same epoch and have the same number of batches."""
    if backends.processes(model) == 1:
        return
    epochs, batches = backends.gather(model, [epoch, -1 if num_batches is None else num_batches]).T.tolist()
    if len(set(epochs)) > 1:
        raise ValueError(
            "All processes must resume from the same epoch. "
            f"Received epochs {epochs}, in the order of the processes. "
            "Let all of them read the checkpoints of the first one, from a directory that the hosts share."
        )
    if len(set(batches)) > 1:
        raise ValueError(
            "All processes must have the same number of batches per epoch. "
            f"Received {batches}, in the order of the processes (-1: unknown). "
            "Give each process the same arrays, or streams of equally many batches."
        )


def in_step(model, source, epoch: int, most_steps: int) -> Iterator:
    """Yield the blocks of an epoch; see `batches.ArrayBatches.blocks`.

    Blocks of a process's own stream are first compared with those of the other processes.

    Raises:
        ValueError: If a block of another process has another number of batches or another batch size.
    """
    blocks = source.blocks(epoch, most_steps)
    if backends.processes(model) == 1 or isinstance(source, ArrayBatches):
        yield from blocks
        return
    block = next(blocks, None)
    while _is_common(model, block):
        yield block
        block = next(blocks, None)


def _is_common(model, block) -> bool:
    """Whether all processes have a block; False if all have none."""
    steps, size = (0, 0) if block is None else (block.steps, block.batches.shape[1])
    found = backends.gather(model, [steps, size])
    if (found != found[0]).any():
        received = [f"{steps} of {size}" if steps else "none" for steps, size in found.tolist()]
        raise ValueError(
            "The streams of all processes must give equally many batches of the same sizes. "
            f"Received batches of images, in the order of the processes: {', '.join(received)}. "
            "Give each process batches of batch_size / processes images, and leave out a smaller last batch."
        )
    return block is not None


@contextlib.contextmanager
def connected(model):
    """Raise ConnectionError, with a sentence that says what to do, if another process ends."""
    try:
        yield
    except Exception as error:
        if backends.processes(model) > 1 and backends.is_lost(error):
            raise ConnectionError(
                f"All {backends.processes(model)} processes must run until training ends. "
                "The connection to one of them is lost: it has ended, or its host cannot be reached. "
                f"Received: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]} "
                "See its output for the cause, then run the same command again on all hosts. "
                "With checkpoints, training resumes from the last completed epoch."
            ) from error
        raise
