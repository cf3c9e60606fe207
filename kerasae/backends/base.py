"""What each backend's module defines. `kerasae.backends` has the names of the one in use.

A backend knows a model by what `training.trainer.Trainer` promises and by nothing else:
`objective(x, y, sample_weight, training)`, the loss terms of one batch and its reconstructions;
`loss_per_variable()`, which of these losses each trainable variable is to make small; `track(...)`,
which updates the metrics. Adversaries are thus trained in one step, by gradients of one forward pass.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from kerasae.training.batches import Block

# Makes the steps of a block and returns the last step's logs, or None where the model's metrics have them all.
Run = Callable[[Block], dict[str, Any] | None]


class Backend(Protocol):
    """The module of a backend.

    Attributes:
        Steps: Class that `Trainer` inherits: `train_step` and `test_step` as Keras's trainer of this backend has them.
        ONE_LENGTH: Whether `compile_function` compiles for one length of arrays at a time.
        MANY: Steps from which compiling a run takes less time than it saves, for `train_run` and `test_run`.
    """

    Steps: type
    ONE_LENGTH: bool
    MANY: dict[str, int]

    def check_training(self) -> None:
        """Raise ValueError if the backend has no gradients."""

    def train_run(self, model, block: Block, many: bool) -> Run:
        """A function that makes the `train_step`s of a block like this one, in one call if possible."""

    def test_run(self, model, block: Block, many: bool) -> Run:
        """The same for `test_step`."""

    def predict_function(self, model) -> Callable:
        """`model.predict_step` for one batch of inputs, compiled unless the model runs eagerly."""

    def compile_function(self, function: Callable, model=None) -> Callable:
        """A function of tensors, and of whatever variables it reads, as a compiled function of arrays."""

    def infer(self, function: Callable, *arrays):
        """`function(*arrays)` as arrays, once, without gradients."""

    def to_device(self, array):
        """A NumPy array as a tensor on the device."""

    def set_mode(self, model, training: bool) -> None:
        """Tell layers that keep it as a state (PyTorch's modules) whether the model trains."""

    def devices(self, n: int) -> AbstractContextManager:
        """A context in which models are made and trained on `n` devices."""
