"""A compiled function applied to arrays of any length."""

from typing import NamedTuple

import numpy as np
import pytest

from kerasae import backends
from kerasae.training import inference

pytestmark = pytest.mark.anybackend


class Pair(NamedTuple):
    twice: np.ndarray
    squared: np.ndarray


class Function:
    """Records the lengths of its arrays."""

    def __init__(self):
        self.lengths = []

    def __call__(self, x, y):
        self.lengths.append(len(x))
        return Pair(2 * x, (x * y).astype("float16"))


@pytest.mark.parametrize("n", [1, 2, 5, 16, 100, 256, 257, 300, 1000, 1024, 10_000])
@pytest.mark.parametrize("size", [1, 7, 256, 300, 2048])
def test_each_row_is_computed_with_few_different_lengths(n, size, monkeypatch):
    monkeypatch.setattr(backends, "COMPILES_PER_LENGTH", True)
    function, x = Function(), np.arange(n, dtype="float32")[:, None] / 100
    result = inference.apply(function, size, x, x)
    assert isinstance(result, Pair)
    np.testing.assert_array_equal(result.twice, 2 * x)
    np.testing.assert_allclose(result.squared, x**2, rtol=1e-3, atol=1e-4)
    assert all(array.dtype == "float32" for array in result)
    assert all(length & (length - 1) == 0 for length in function.lengths)
    assert max(function.lengths) < 2 * size
    if size >= 256:  # at most one batch of few rows is padded
        assert sum(function.lengths) - n < 256


def test_lengths_are_unchanged_if_they_cost_nothing(monkeypatch):
    monkeypatch.setattr(backends, "COMPILES_PER_LENGTH", False)
    function, x = Function(), np.arange(1000, dtype="float32")[:, None] / 100
    np.testing.assert_array_equal(inference.apply(function, 300, x, x).twice, 2 * x)
    assert function.lengths == [300, 300, 300, 100]


def test_the_next_batch_is_started_before_the_previous_one_is_read():
    """Since JAX computes asynchronously."""
    events = []

    class Lazy:
        shape = (256, 1)

        def __init__(self, x):
            self.x = x
            events.append("begun")

        def __array__(self, dtype=None, copy=None):
            events.append("read")
            return self.x

    inference.apply(Lazy, 256, np.zeros((768, 1), "float32"))
    assert events == ["begun", "begun", "read", "begun", "read", "read"]
