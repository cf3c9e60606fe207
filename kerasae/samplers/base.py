"""The base class of samplers."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from kerasae import _checks
from kerasae._checks import positive_size

Arrays = Mapping[str, np.ndarray]
_PIECE = 1000  # codes that are compared with a codebook at once


class Sampler:
    """Base class of samplers.

    Args:
        seed: Seed of the fit: of the posterior draws and of what the fit itself draws.

    Attributes:
        kind: Name of the sampler, a key of `KINDS`.
        model: The model that the sampler was fitted to; None before `fit`.
        distributions: Arrays of the fitted distribution; for a conditional model one dict for each class.
    """

    kind: ClassVar[str]
    ndims: ClassVar[dict[str, int]]  # name of each array → its number of axes; the last axis has the code's size

    def __init__(self, seed: int = 0):
        self.seed = _checks.integer("seed", seed)
        self.model: Any = None
        self.distributions: tuple[Arrays, ...] = ()

    def fit(self, model, x, *, label=None, batch_size: int | None = None) -> "Sampler":
        """Fit the distribution to codes of inputs, usually the training set.

        Args:
            model: Trained `kerasae.models.Autoencoder`.
            x: Inputs `(n, *input_shape)`.
            label, batch_size: As for `model.encode`.

        Returns:
            The sampler itself.

        Raises:
            ValueError: If there are fewer codes than the distribution needs, of any class of a conditional model; or
                as for `model.encode`.
        """
        codes = self._codes_of(model, x, label, batch_size).reshape(len(x), -1)
        groups = [codes]
        if model.classes is not None:
            labels = np.broadcast_to(np.asarray(label), (len(x),))
            groups = [codes[labels == k] for k in range(model.classes)]
        for k, group in enumerate(groups):
            if len(group) < self._least:
                of_class = "" if model.classes is None else f" of class {k}"
                raise ValueError(
                    f"x must have at least {self._least} inputs{of_class}. Received: {len(group)}. Give more inputs, "
                    f"or another sampler."
                )
        self.distributions = tuple(self._fit(group) for group in groups)
        self.model = model
        return self

    def _codes_of(self, model, x, label, batch_size) -> np.ndarray:
        if hasattr(model, "posterior"):
            return model.sample(x, self.seed, batch_size, label=label)
        return model.encode(x, batch_size, label=label)

    def sample(self, n: int, seed: int | None = None, *, label=None) -> np.ndarray:
        """Draw `n` codes `(n, *code_shape)`, float32. Arguments and errors as for `generate`."""
        return self._draw_codes(positive_size("n", n), np.random.default_rng(seed), label)[0]

    def generate(self, n: int, seed: int | None = None, *, label=None) -> np.ndarray:
        """Decode `n` codes drawn from the fitted distribution.

        Args:
            n: Number of samples.
            seed: The same seed gives the same codes, with the same fitted arrays on every backend; None gives new
                ones in each call.
            label: For a conditional model: the class of each sample `(n,)`, one class for all, or None to draw classes
                uniformly.

        Returns:
            An array `(n, *input_shape)`.

        Raises:
            ValueError: If `n` is not a positive integer, the sampler is not fitted, or the label is invalid.
        """
        z, label = self._draw_codes(positive_size("n", n), np.random.default_rng(seed), label)
        return self.model.decode(z, label=label)

    def _draw_codes(self, n: int, rng: np.random.Generator, label):
        """Draw codes; returns them and their labels, which are None unless the model is conditional."""
        if self.model is None:
            raise ValueError(f"{type(self).__name__} must be fitted first: call fit(model, x).")
        if self.model.classes is not None and label is None:
            label = rng.integers(self.model.classes, size=n)
        labels = self.model.checked_labels(label, range(n))
        group = labels[0] if labels else np.zeros(n, "int32")
        z = np.empty((n, math.prod(self.model.code_shape)), "float32")
        for k in np.unique(group):
            z[group == k] = self._draw(self.distributions[k], int(np.sum(group == k)), rng)
        z = z.reshape(n, *self.model.code_shape)
        return (_quantized(z, self.model.codebook) if hasattr(self.model, "codebook") else z), label

    @property
    def _least(self) -> int:
        """Smallest number of codes that the distribution can be fitted to."""
        return 2

    def _fit(self, codes: np.ndarray) -> Arrays:
        """Fit to codes `(n, d)`."""
        raise NotImplementedError

    def _draw(self, fitted: Arrays, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw codes `(n, d)`."""
        raise NotImplementedError

    def check(self, fitted: Arrays) -> None:
        """Raise ValueError for arrays from a file that `_draw` can't use. Their names and axes are checked before."""

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: Mapping) -> "Sampler":
        """Create the sampler that `get_config` describes, not fitted."""
        return cls(**config)

    def save(self, path: str | Path) -> None:
        """Write the fitted distribution to an `.npz` file of numbers, which `samplers.load` reads.

        Raises:
            ValueError: If the sampler is not fitted, or the path does not end in `.npz`.
        """
        path = Path(path)
        if not self.distributions or path.suffix != ".npz":
            raise ValueError(
                f"save needs a fitted sampler and a path that ends in .npz. Received: "
                f"{'a fitted' if self.distributions else 'an unfitted'} sampler, {path}."
            )
        groups = enumerate(self.distributions)
        arrays = {f"{self.kind}.{k}.{key}": array for k, one in groups for key, array in one.items()}
        unfinished = path.with_name(f".{path.stem}-{os.getpid()}.npz")
        try:
            np.savez(unfinished, allow_pickle=False, **arrays)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


def _quantized(z: np.ndarray, codebook: np.ndarray) -> np.ndarray:
    """Replace the vectors in codes `(n, ..., c)` by the nearest ones of a codebook `(k, c)`."""
    codebook = np.asarray(codebook)
    half = 0.5 * np.sum(np.square(codebook), axis=1)
    pieces = [z[i : i + _PIECE] for i in range(0, len(z), _PIECE)]
    return np.concatenate([codebook[np.argmax(piece @ codebook.T - half, axis=-1)] for piece in pieces])
