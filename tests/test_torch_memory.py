"""Memory of a step is kept for the next one."""

import ctypes
import subprocess
import sys

import pytest

from kerasae.backends.torch_memory import memory_kept

pytestmark = pytest.mark.anybackend

# Prints the number of new pages for a block of 64 MiB that was allocated and freed before, first without `memory_kept`.
SCRIPT = """
import resource
import numpy as np
from kerasae.backends.torch_memory import memory_kept

def new_pages():
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(new_pages())
with memory_kept():
    print(new_pages())
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_large_blocks_need_no_new_pages():
    printed = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    before, kept = map(int, printed.split())
    assert 10 * kept < before


def test_errors_pass(monkeypatch):
    with pytest.raises(KeyError), memory_kept():
        raise KeyError
    monkeypatch.setattr(sys, "platform", "win32")
    with memory_kept():
        pass
