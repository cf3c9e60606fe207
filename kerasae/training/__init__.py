"""Training: the epoch loop, the batches it takes, the checks at its entrance, checkpoints, several devices."""


def devices(n: int):
    """A context in which models are made and trained on `n` devices, each of which takes its part of every batch.

    On JAX and TensorFlow one process uses all devices. On PyTorch each device has a process of its own,
    started by `torchrun --nproc-per-node n`.

    Raises:
        ValueError: There are fewer devices.
    """
    from kerasae import backends

    return backends.devices(n)
