"""What a page shows of the codes of some inputs: their place on a map, sliders, and a normal distribution of them."""

from typing import NamedTuple

import numpy as np

from kerasae.explorer.packing import Arrays

_MOST_AXES = 12  # of a code that has a slider for each of its numbers
_SLIDERS = 10  # principal components with sliders, for larger codes
_NUMBERS = 25_600  # of all principal components that are stored
_EDGE = 0.02  # share of the codes beyond each end of the map, which can be zoomed out


class _Basis(NamedTuple):
    """Orthogonal directions in the space of codes."""

    axes: np.ndarray  # (k, d)
    labels: list[str]


def describe(codes: np.ndarray, arrays: Arrays, has_prior: bool) -> dict:
    """The codes of a model as the page needs them.

    Args:
        codes: Codes `(n, d)` of the inputs on the map.
        arrays: Where arrays are stored.
        has_prior: Whether codes are drawn from N(0, I) at random, not from a normal distribution fitted to the codes.
    """
    size = codes.shape[1]
    mean = np.zeros(size) if size <= 2 or has_prior else codes.mean(axis=0)
    components, stddev = _principal_components(codes)
    own = _Basis(np.eye(size), [f"z{i + 1}" for i in range(size)])
    principal = _Basis(components, [f"PC {i + 1}" for i in range(len(components))])
    plane = own if size <= 2 else _Basis(components[:2], principal.labels[:2])
    sliders = own if size <= _MOST_AXES else _Basis(components[:_SLIDERS], principal.labels[:_SLIDERS])
    places = (codes - mean) @ plane.axes.T
    if size == 1:  # the second axis only spreads the points
        places = np.stack([places[:, 0], _spread(len(codes)) * np.ptp(places)], axis=1)
    return {
        "origin": arrays.add(mean),
        "center": arrays.add(codes.mean(axis=0)),
        "plane": _stored(plane, arrays, places),
        "sliders": _stored(sliders, arrays, (codes - mean) @ sliders.axes.T),
        "places": arrays.add(places),
        "random": None
        if has_prior
        else {"axes": arrays.add(components), "stddev": [round(float(s), 6) for s in stddev]},
    }


def _stored(basis: _Basis, arrays: Arrays, coordinates: np.ndarray) -> dict:
    low, high = np.quantile(coordinates, (_EDGE, 1 - _EDGE), axis=0)
    margin = np.maximum(0.1 * (high - low), 1e-3)
    return {
        "axes": arrays.add(basis.axes),
        "labels": basis.labels,
        "low": _rounded(low - margin),
        "high": _rounded(high + margin),
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def _principal_components(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The leading principal components `(k, d)` of codes, and the standard deviations `(k,)` along them."""
    from sklearn.decomposition import PCA

    n, d = codes.shape
    number = min(n, d, max(_SLIDERS, _NUMBERS // d))
    solver = "covariance_eigh" if d <= 4096 else "randomized"
    pca = PCA(number, svd_solver=solver, random_state=0).fit(codes.astype("float64"))
    return pca.components_, np.sqrt(np.maximum(pca.explained_variance_, 0))


def _spread(n: int) -> np.ndarray:
    """Numbers in (-0.15, 0.15) without a pattern, the same each time."""
    return 0.3 * ((0.5 + np.arange(n) * (np.sqrt(5) - 1) / 2) % 1 - 0.5)
