"""Training: epoch loop, batches, input validation, checkpoints, data parallel training on several devices."""


def devices(n: int):
    """Context manager for data parallel training: build and train models in it. Each device gets a part of each batch.

    On JAX and TensorFlow one process uses all devices. On PyTorch each device has its own process, started by
    `torchrun --nproc-per-node n`.

    Args:
        n: Number of devices.

    Raises:
        ValueError: If there are fewer devices.
    """
    from kerasae import backends

    return backends.devices(n)
