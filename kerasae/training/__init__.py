"""Training: epoch loop, batches, input validation, checkpoints, data parallel training on several devices."""


def devices(n: int):
    """Context manager for data parallel training: build and train models in it. Each device gets a part of each batch.

    On JAX and TensorFlow one process uses all devices of a host. On PyTorch each device has its own process, started by
    `torchrun --nproc-per-node n`. Several hosts are connected by the framework, which reads their addresses from
    torchrun's arguments, `TF_CONFIG`, or the `KERAS_DISTRIBUTION_` variables of `keras.distribution.initialize`.

    Args:
        n: Number of devices of all hosts together.

    Raises:
        ValueError: If there are fewer devices, or if several hosts have more.
    """
    from kerasae import backends

    return backends.devices(n)
