"""Weight of images in metrics when several devices process the same images."""

import contextlib
import threading

_device = threading.local()


@contextlib.contextmanager
def counting(share: float):
    """Let metrics weight each image by `share`, `1 / devices` if a batch could not be split over devices."""
    _device.share = share
    try:
        yield
    finally:
        _device.share = 1.0


def share() -> float:
    """Weight of each image in metrics on this device; 1 unless a batch could not be split."""
    return getattr(_device, "share", 1.0)
