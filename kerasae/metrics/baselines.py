"""Figures of baselines: the mean image, PCA, a median filter, the pixels themselves."""

import numpy as np

from kerasae import backends, data
from kerasae.metrics import classifier
from kerasae.metrics.codes import flat, forest_accuracy
from kerasae.metrics.measurement import LABELED, data_is_sine
from kerasae.metrics.pixels import binary_crossentropy, mean_squared_error
from kerasae.metrics.samples import frechet_distance

_MOST_COLUMNS = 4096  # largest covariance matrix; for more columns, PCA uses another solver

Figures = dict[str, dict[str, float]]


def baseline_figures(dataset: data.Dataset, code_size: int, noise=None) -> Figures:
    """Measure the baselines on a data set.

    Args:
        dataset: As for `figures`.
        code_size: Number of principal components, at most the number of inputs or of their values.
        noise: The `kerasae.layers.Noise` of a denoiser, or None.

    Returns:
        Figures by baseline.

        - `mean` always predicts the mean of the training set: `mse`; for images also `bce` and, as a model of
          independent pixels without a code, `negative_elbo` in nats per image.
        - `pca` is fitted to the training set: `mse`; with noise `denoised_mse`; for labeled images `forest_accuracy`;
          if the data set has a feature classifier, `sample_distance` of images decoded from normal codes with PCA's
          variances.
        - `noisy`, with noise: `denoised_mse` of the corrupted images.
        - `median`, with noise: `denoised_mse` of a 3 × 3 median filter.
        - `pixels`, for labeled images: `forest_accuracy`.
        - `real`, with a feature classifier: `sample_distance` of training images, and the accuracy of the classifier on
          test images as `class_accuracy`.
    """
    dataset = dataset.arrays()
    train, test = flat(dataset.x_train), flat(dataset.x_train if data_is_sine(dataset) else dataset.x_test)
    mean = train.mean(axis=0, dtype="float64")
    pca = fit_pca(train, min(code_size, *train.shape))
    result: Figures = {
        "mean": {"mse": mean_squared_error(test, mean)},
        "pca": {"mse": mean_squared_error(test, project(pca, test))},
    }
    if dataset.x_train.ndim == 2:
        return result
    result["mean"]["bce"] = binary_crossentropy(test, np.broadcast_to(mean, test.shape))
    result["mean"]["negative_elbo"] = result["mean"]["bce"] * test.shape[1]
    if noise is not None:
        _add_denoising(result, dataset.x_test, noise, pca)
    if dataset.y_train is not None and dataset.y_test is not None:
        _add_features(result, dataset, train, test, pca)
        for name, figures in _sample_figures(dataset, train, test, pca).items():
            result.setdefault(name, {}).update(figures)
    return result


def sample_figures(dataset: data.Dataset, code_size: int) -> Figures:
    """Measure only `sample_distance` and `class_accuracy` of the baselines. Arguments as for `baseline_figures`."""
    dataset = dataset.arrays()
    train, test = flat(dataset.x_train), flat(dataset.x_test)
    return _sample_figures(dataset, train, test, fit_pca(train, min(code_size, *train.shape)))


def _add_denoising(result: Figures, x: np.ndarray, noise, pca) -> None:
    from scipy.ndimage import median_filter

    corrupted = backends.infer(noise.corrupt, x)
    result["pca"]["denoised_mse"] = mean_squared_error(flat(x), project(pca, flat(corrupted)))
    result["noisy"] = {"denoised_mse": mean_squared_error(x, corrupted)}
    result["median"] = {"denoised_mse": mean_squared_error(x, median_filter(corrupted, size=(1, 3, 3, 1)))}


def _add_features(result: Figures, dataset: data.Dataset, train: np.ndarray, test: np.ndarray, pca) -> None:
    few, labels = train[:LABELED], dataset.y_train[:LABELED]
    result["pca"]["forest_accuracy"] = forest_accuracy(pca.transform(few), labels, pca.transform(test), dataset.y_test)
    result["pixels"] = {"forest_accuracy": forest_accuracy(few, labels, test, dataset.y_test)}


def _sample_figures(dataset: data.Dataset, train: np.ndarray, test: np.ndarray, pca) -> Figures:
    network = classifier.find(dataset)
    if network is None:
        return {}
    features = network.features(test)
    codes = np.random.default_rng(0).normal(0.0, np.sqrt(pca.explained_variance_), (len(test), pca.n_components_))
    samples = pca.inverse_transform(codes).clip(0.0, 1.0)
    real = {
        "sample_distance": frechet_distance(network.features(train[: len(test)]), features),
        "class_accuracy": network.accuracy(test, dataset.y_test),
    }
    return {"pca": {"sample_distance": frechet_distance(network.features(samples), features)}, "real": real}


def pca_error(x_train: np.ndarray, x: np.ndarray, components: int) -> float:
    """MSE of `x` reconstructed by a PCA of `x_train` with this number of components; both `(n, ...)`."""
    return mean_squared_error(flat(x), project(fit_pca(flat(x_train), components), flat(x)))


def fit_pca(x: np.ndarray, components: int):
    """Fit scikit-learn's PCA to vectors `(n, d)`."""
    from sklearn.decomposition import PCA

    # The covariance matrix of more columns takes too much time and memory.
    wide = "randomized" if components < 0.8 * min(x.shape) else "full"
    return PCA(components, svd_solver="covariance_eigh" if x.shape[1] <= _MOST_COLUMNS else wide, random_state=0).fit(x)


def project(pca, x: np.ndarray) -> np.ndarray:
    """Reconstruct vectors `(n, d)` from their principal components."""
    return pca.inverse_transform(pca.transform(x))
