"""The list of samplers, and reading their files."""

import math
from pathlib import Path

import numpy as np

from kerasae import _checks, files
from kerasae.samplers.base import Arrays, Sampler
from kerasae.samplers.nearest import NearestCodes
from kerasae.samplers.normals import Gaussian, GaussianMixture

KINDS: dict[str, type[Sampler]] = {cls.kind: cls for cls in (Gaussian, GaussianMixture, NearestCodes)}


def get(kind: str, **config) -> Sampler:
    """Create a sampler by its name.

    Args:
        kind: A key of `KINDS`: `"gaussian"`, `"mixture"` or `"nearest"`.
        **config: Arguments of its constructor.

    Raises:
        ValueError: If there is no such sampler, or an argument is invalid.
    """
    if kind not in KINDS:
        raise _checks.unknown("sampler", kind, KINDS)
    return KINDS[kind](**config)


def load(path: str | Path, model) -> Sampler:
    """Read a sampler that `Sampler.save` has written.

    Args:
        path: Path of the `.npz` file.
        model: The model whose codes it was fitted to.

    Returns:
        The fitted sampler. It draws the same codes as the saved one; its settings for a further `fit` are defaults.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, not that of a sampler, or of a model with other codes or classes.
    """
    arrays = files.read_arrays(Path(path))
    try:
        sampler, fitted = _parsed(arrays)
        expected, size = model.classes or 1, math.prod(model.code_shape)
        sizes = {array.shape[-1] for one in fitted for key, array in one.items() if sampler.ndims[key] > 1}
        if len(fitted) != expected or sizes != {size}:
            raise ValueError(
                f"{model.name} has codes of {size} values and {expected} distributions, the file {len(fitted)} "
                f"distributions of codes of {', '.join(map(str, sorted(sizes)))} values"
            )
    except ValueError as error:
        raise ValueError(f"{path} must be a file of a sampler for this model: {error}. Fit and save one.") from error
    sampler.distributions, sampler.model = tuple(fitted), model
    return sampler


def _parsed(arrays: Arrays) -> tuple[Sampler, list[dict[str, np.ndarray]]]:
    """A sampler of the kind in the arrays' names, and its arrays, checked."""
    kinds = {name.partition(".")[0] for name in arrays}
    if len(kinds) != 1 or not kinds <= KINDS.keys():
        raise ValueError(f"expected arrays of one of {', '.join(KINDS)}")
    sampler = KINDS[kinds.pop()]()
    count = len(arrays) // len(sampler.ndims)
    expected = {f"{sampler.kind}.{k}.{key}": ndim for k in range(count) for key, ndim in sampler.ndims.items()}
    if arrays.keys() != expected.keys():
        raise ValueError(f"expected arrays {', '.join(sampler.ndims)} of each distribution")
    for name, ndim in expected.items():
        if arrays[name].ndim != ndim or not arrays[name].size or not np.isfinite(arrays[name]).all():
            raise ValueError(f"expected finite numbers with {ndim} axes in {name}")
    fitted = [{key: arrays[f"{sampler.kind}.{k}.{key}"] for key in sampler.ndims} for k in range(count)]
    for one in fitted:
        sampler.check(one)
    return sampler, fitted
