"""PyTorch on Linux: the memory of a step is kept for the next one."""

import contextlib
import ctypes
import sys

# Parameters of glibc's `mallopt`, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER = -1
# Values that glibc itself reaches as soon as a program has freed a large block.
_DEFAULTS = {_MMAP_MAX: 65536, _MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20}


@contextlib.contextmanager
def memory_kept():
    """Let the process keep freed memory while in this context.

    glibc returns blocks above 32 MB to the system as soon as they are freed, and the system clears new ones page by
    page. PyTorch allocates every result anew on a CPU, so with large images a step spends half its time on that. Does
    nothing with another C library.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        yield
        return
    mallopt(_MMAP_MAX, 0)
    mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        for parameter, value in _DEFAULTS.items():
            mallopt(parameter, value)
