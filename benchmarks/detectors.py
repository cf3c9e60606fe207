"""Outlier detectors that `outliers.py` compares. Each is fitted to rows and returns high numbers for unusual rows."""

import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import NearestNeighbors


def smoothed(x: np.ndarray) -> np.ndarray:
    """Smooth flattened images of 28 × 28 pixels by a Gaussian with a standard deviation of one pixel."""
    return gaussian_filter(x.reshape(-1, 28, 28), (0, 1, 1)).reshape(len(x), -1)


def normalized(x: np.ndarray) -> np.ndarray:
    """Smoothed images, each with mean 0 and norm 1."""
    x = smoothed(x)
    x = x - x.mean(axis=1, keepdims=True)
    return x / (np.linalg.norm(x, axis=1, keepdims=True) + 1e-6)


def residual(x_train: np.ndarray, x: np.ndarray, components: int | float = 32) -> np.ndarray:
    """Squared distance to a PCA subspace with this number of components (below 1: this fraction of the variance)."""
    few = components if components < 1 else min(components, *x_train.shape)
    pca = PCA(few, random_state=0).fit(x_train)
    return np.square(x - pca.inverse_transform(pca.transform(x))).sum(axis=1)


def neighbors(x_train: np.ndarray, x: np.ndarray, view=None) -> np.ndarray:
    """Mean distance to the 5 nearest training rows, after `view`."""
    x_train, x = (x_train, x) if view is None else (view(x_train), view(x))
    nearest = NearestNeighbors(n_neighbors=min(5, len(x_train)), algorithm="brute").fit(x_train)
    return nearest.kneighbors(x)[0].mean(axis=1)


def forest(x_train: np.ndarray, x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Isolation forest with scikit-learn's default settings."""
    return -IsolationForest(random_state=seed).fit(x_train).score_samples(x)


def detector(x_train: np.ndarray, x: np.ndarray, seed: int = 0, **arguments) -> np.ndarray:
    """`OutlierDetector` with its default settings, unless other arguments are given."""
    from kerasae.sklearn import OutlierDetector

    return -OutlierDetector(random_state=seed, **arguments).fit(x_train).score_samples(x)
