"""What part of a batch this device counts, when several devices see the same images."""

import contextlib
import threading

_device = threading.local()


@contextlib.contextmanager
def counting(share: float):
    """Have metrics count this share of each image: `1 / devices` where a batch could not be divided."""
    _device.share = share
    try:
        yield
    finally:
        _device.share = 1.0


def share() -> float:
    """The share that metrics count on this device; 1 unless a batch could not be divided."""
    return getattr(_device, "share", 1.0)
