"""Memory of a step is kept for the next one."""

import ctypes
import sys

import pytest
import torch

from kerasae.backends.torch_memory import memory_kept

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.anybackend


def faults() -> int:
    """Number of pages that the system has provided to this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def new_pages(size: int) -> int:
    """Number of new pages for the fourth of four large tensors."""
    for _ in range(4):
        before = faults()
        torch.ones(size)
    return faults() - before


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_large_tensors_need_no_new_pages():
    size = 2**24  # 64 MiB
    before = new_pages(size)
    with memory_kept():
        assert new_pages(size) < 16 < before


def test_errors_pass(monkeypatch):
    with pytest.raises(KeyError), memory_kept():
        raise KeyError
    monkeypatch.setattr(sys, "platform", "win32")
    with memory_kept():
        pass
