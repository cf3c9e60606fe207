"""Data with known outliers for `outliers.py`: tables from scikit-learn, and a synthetic series."""

from collections.abc import Iterator

import numpy as np
from sklearn import datasets
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

KINDS = ("local", "global", "cluster", "dependency")


def development_tables(seed: int = 0) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield name, training rows, test rows, and the mask of outliers among the test rows.

    60 % of the rows are for training: `mixed` with their outliers, `clean` without them. Rows are standardized by the
    training rows.
    """
    for name, x, y in _tables(np.random.default_rng(seed)):
        order = np.random.default_rng(seed + 1).permutation(len(x))
        cut = int(0.6 * len(x))
        train, test = order[:cut], order[cut:]
        for mode in ("clean", "mixed"):
            rows = train if mode == "mixed" else train[y[train] == 0]
            scaler = StandardScaler().fit(x[rows])
            yield f"{name}/{mode}", scaler.transform(x[rows]), scaler.transform(x[test]), y[test]


def _tables(rng) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    cancer, wine, iris, digits = (
        getattr(datasets, f"load_{name}")() for name in ("breast_cancer", "wine", "iris", "digits")
    )
    yield "breast cancer", cancer.data, (cancer.target == 0).astype(int)
    for label in range(3):
        yield f"wine, class {label}", *_fewer(wine.data, wine.target == label, 10, rng)
        yield f"iris, class {label}", *_fewer(iris.data, iris.target == label, 12, rng)
    for label in range(10):
        yield f"digits, class {label}", *_fewer(digits.data, digits.target == label, 50, rng)
    bases = {
        "breast cancer": cancer.data[cancer.target == 1],
        "wine": wine.data,
        "iris": iris.data,
        "diabetes": datasets.load_diabetes().data,
        "digits": digits.data[:, digits.data.std(axis=0) > 0.5],
    }
    for base, x in bases.items():
        for kind in KINDS:
            yield f"{base}, {kind}", *_injected(x, kind, rng)


def _fewer(x, is_outlier, n: int, rng):
    """All usual rows and `n` random outliers."""
    rows = np.concatenate([np.flatnonzero(~is_outlier), rng.choice(np.flatnonzero(is_outlier), n, replace=False)])
    return x[rows], is_outlier[rows].astype(int)


def _injected(x, kind: str, rng):
    """Add 5 or 10 % of synthetic outliers of one kind to rows, as in ADBench (Han et al., 2022)."""
    x = StandardScaler().fit_transform(x)
    n, d = x.shape
    m = int((0.05 if n > 300 else 0.1) * n)
    if kind == "global":  # uniform in a box slightly larger than that of the data
        outliers = rng.uniform(1.1 * x.min(axis=0), 1.1 * x.max(axis=0), (m, d))
    elif kind == "cluster":  # some columns shifted by three standard deviations, the same for all outliers
        shift = 3 * rng.choice((-1, 1), d) * (rng.random(d) < 0.3)
        outliers = rng.multivariate_normal(x.mean(axis=0) + shift, 0.3 * np.cov(x.T) + 1e-3 * np.eye(d), m)
    elif kind == "dependency":  # each column permuted independently
        outliers = np.stack([rng.permutation(column)[:m] for column in x.T], axis=1)
    else:  # components of a Gaussian mixture, with three times their covariance
        mixture = GaussianMixture(min(4, max(1, n // 50)), random_state=0, reg_covar=1e-3).fit(x)
        chosen = rng.choice(len(mixture.weights_), m, p=mixture.weights_)
        outliers = np.stack([rng.multivariate_normal(mixture.means_[i], 3 * mixture.covariances_[i]) for i in chosen])
    return np.concatenate([x, outliers]), np.repeat([0, 1], [n, m])


def daily_pattern(seed: int, days: int = 120) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Generate two hourly series with a daily pattern: one for training, and one with anomalies.

    The pattern is the sum of two sines with periods of 24 and 12 hours, an amplitude that varies from day to day, and
    autocorrelated noise. The anomalies are jumps (a level shift of 1 for 6 hours), drifts (up to 1.2 within 36 hours)
    and missing days (filled with the value at midnight, plus noise).

    Returns:
        Training series and test series `(24 · days,)`, and the kind of anomaly of each test step or `"usual"`.
    """
    rng = np.random.default_rng(seed)
    x_train, x = _usual(days, rng), _usual(days, rng)
    kinds = np.full(len(x), "usual", dtype="U7")
    starts = 24 * rng.permutation(np.arange(2, days - 2, 5))[:18] + rng.integers(0, 18, 18)
    for i, start in enumerate(starts):
        if i % 3 == 0:
            rows, kind = np.arange(start, start + 6), "jump"
            x[rows] += rng.choice((-1, 1))
        elif i % 3 == 1:
            rows, kind = np.arange(start, start + 36), "drift"
            x[rows] += rng.choice((-1, 1)) * np.linspace(0, 1.2, 36)
        else:
            rows, kind = np.arange(start // 24 * 24, start // 24 * 24 + 24), "missing"
            x[rows] = x[rows[0]] + 0.05 * rng.normal(size=24)
        kinds[rows] = kind
    return x_train, x, kinds


def _usual(days: int, rng) -> np.ndarray:
    hours = np.arange(24 * days)
    amplitude = np.repeat(rng.normal(1.0, 0.15, days), 24)
    noise = np.zeros(len(hours))
    for i in range(1, len(hours)):
        noise[i] = 0.7 * noise[i - 1] + 0.15 * rng.normal()
    return amplitude * (np.sin(2 * np.pi * hours / 24) + 0.5 * np.sin(4 * np.pi * hours / 24 + 1)) + noise
