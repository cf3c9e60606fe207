"""Interface of the backend modules. `kerasae.backends` exports the functions of the backend in use.

A backend uses only these methods of a model (`training.trainer.Trainer`): `objective(x, y, sample_weight, training)`
computes the loss terms and reconstructions of one batch; `loss_per_variable()` names, for each trainable variable, the
loss that it minimizes; `track(...)` updates the metrics. An adversarial model is therefore trained in one step, with
gradients from one forward pass.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from kerasae.training.blocks import Block

# Runs the steps of a block and returns the last step's logs, or None if they are the results of the model's metrics.
Run = Callable[[Block], dict[str, Any] | None]


class Backend(Protocol):
    """The module of a backend.

    Attributes:
        Steps: Base class of `Trainer` with `train_step` and `test_step`, with the signatures of Keras's trainer on
            this backend.
        COMPILES_PER_LENGTH: Whether `compile_function` compiles for each length of arrays.
        LONG_RUN: Numbers of training and test steps from which compiling a run saves more time than it takes. Runs
            of at least as many steps are made with `is_long`.
    """

    Steps: type
    COMPILES_PER_LENGTH: bool
    LONG_RUN: dict[str, int]

    def check_training(self) -> None:
        """Raise ValueError if the backend has no gradients."""

    def train_run(self, model, block: Block, is_long: bool) -> Run:
        """Make a function that runs the `train_step`s of blocks of this kind, in one compiled call if possible."""

    def test_run(self, model, block: Block, is_long: bool) -> Run:
        """Make a function that runs the `test_step`s of blocks of this kind, in one compiled call if possible."""

    def predict_function(self, model) -> Callable:
        """Make a function that runs `predict_step` for one batch, compiled unless the model runs eagerly."""

    def compile_function(self, function: Callable, model=None) -> Callable:
        """Compile a function of tensors, which may read variables, to a function of arrays."""

    def infer(self, function: Callable, *arrays):
        """Compute `function(*arrays)` once, without gradients, and return arrays."""

    def to_device(self, array):
        """Copy a NumPy array to a tensor on the device, or on all devices that train together."""

    def adopt(self, array, batch_size: int | None = None):
        """Make an array of `aligned.aligned_zeros` a tensor on the device, on a CPU without a copy.

        The array must not be changed afterwards. If `batch_size` is given, the rows are batches of this process's own
        stream, and each device that trains may get a part of each batch.
        """

    def value_of(self, variable):
        """Present value of a variable of one number, for NumPy. Some backends still compute it."""

    def assign(self, variable, value) -> None:
        """Assign a tensor (see `to_device`) of the variable's shape and dtype."""

    def set_mode(self, model, training: bool) -> None:
        """Set the training mode of layers that store it, as PyTorch's modules do."""

    def devices(self, n: int) -> AbstractContextManager:
        """Context manager in which models are built and trained on `n` devices, those of all hosts together."""

    def processes(self, model) -> int:
        """Number of processes that train the model together, on one host or on several."""

    def process_index(self) -> int:
        """Index of this process among those that train together. The first one writes files."""

    def gather(self, model, values) -> np.ndarray:
        """Collect int32 numbers `(n,)` of every process as `(processes, n)`. All processes must call it together."""

    def is_lost(self, error: Exception) -> bool:
        """Whether an error of the framework means that another process cannot be reached."""
