"""Figures of merit, and the baselines that give them meaning."""

import math

import numpy as np
from scipy.ndimage import median_filter

from kerasae import data, models, steps

_EPSILON = 1e-7  # keeps the logarithm finite where a float32 sigmoid reaches 0 or 1


def mean_squared_error(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `(x − x̂)²`, in float64."""
    return float(np.mean(np.square(np.asarray(x, "float64") - x_hat)))


def binary_crossentropy(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `−x ln x̂ − (1 − x) ln(1 − x̂)`, in nats a pixel; both in [0, 1]."""
    p = np.clip(np.asarray(x_hat, "float64"), _EPSILON, 1 - _EPSILON)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def figures(model: models.Autoencoder, dataset: data.Dataset) -> dict[str, float]:
    """What the model's card says of it.

    Args:
        model: Trained.
        dataset: Images (figures of the test set), or the points of `data.sine` (figures of the
            training points, which a manifold is fitted to, and `fresh_mse` of the test points).

    Returns:
        For images: `mse` and `bce`, per pixel. For a variational model also `negative_elbo`,
        `reconstruction_loss` and `kl_loss`, nats per image; for others `mean_absolute_code`. For a
        denoiser `denoised_mse` and `denoised_bce`: noisy test images cleaned, against the clean ones.
        For points: `mse`, `fresh_mse`, `rms_distance` to the true curve, and for a linear model
        `angle_to_pca`, in degrees.
    """
    if dataset.x_train.ndim == 2:
        return _figures_of_points(model, dataset)
    x = dataset.x_test
    x_hat = model.reconstruct(x)
    result = {"mse": mean_squared_error(x, x_hat), "bce": binary_crossentropy(x, x_hat)}
    if model.noise is not None:
        cleaned = model.reconstruct(noisy(model, x))
        result |= {"denoised_mse": mean_squared_error(x, cleaned), "denoised_bce": binary_crossentropy(x, cleaned)}
    if isinstance(model, models.VariationalAutoencoder):
        result |= negative_elbo(model, x)
    else:
        z = model.encode(x)
        result["mean_absolute_code"] = float(np.mean(np.abs(z)))
    return result


def negative_elbo(model: models.VariationalAutoencoder, x: np.ndarray, draws: int = 10) -> dict[str, float]:
    """The negative evidence lower bound of images in [0, 1] and its two terms, in nats per image.

    `−ELBO = E[−Σ log p(x | z)] + KL(q(z | x) ‖ p(z))`, with the KL divergence in closed form and the
    expectation over q as a mean of some draws, which NumPy makes: the same on every backend.

    Args:
        model: Trained.
        x: `(n, *input_shape)`.
        draws: How many codes are drawn for each image.

    Returns:
        `negative_elbo`, `reconstruction_loss` and `kl_loss`.
    """
    mean, log_variance = (np.asarray(part, "float64") for part in model.posterior(x))
    kl = float(np.mean(0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)))
    per_pixel = [binary_crossentropy(x, model.decode(model.sample(x, seed))) for seed in range(draws)]
    reconstruction = float(np.mean(per_pixel)) * math.prod(model.data_shape)
    return {"negative_elbo": reconstruction + kl, "reconstruction_loss": reconstruction, "kl_loss": kl}


def noisy(model: models.Autoencoder, x: np.ndarray) -> np.ndarray:
    """Images with a fixed draw of the noise that the model was trained to remove."""
    return steps.infer(model.noise.corrupt, x)


def _figures_of_points(model, dataset) -> dict[str, float]:
    x_hat = model.reconstruct(dataset.x_train)
    result = {
        "mse": mean_squared_error(dataset.x_train, x_hat),
        "fresh_mse": mean_squared_error(dataset.x_test, model.reconstruct(dataset.x_test)),
        "rms_distance": rms_distance_to_sine(x_hat),
    }
    if isinstance(model, models.LinearAutoencoder):
        result["angle_to_pca"] = angle_to_pca(model, dataset.x_train)
    return result


def rms_distance_to_sine(points: np.ndarray) -> float:
    """Root mean square of the points' `(n, 2)` distances to the curve `(t, sin t)` that `data.sine` samples."""
    from scipy.spatial import KDTree

    t = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 100_001)  # neighbours 4e-5 apart
    distance, _ = KDTree(np.stack([t, np.sin(t)], axis=1)).query(points)
    return float(np.sqrt(np.mean(np.square(distance))))


def angle_to_pca(model: models.LinearAutoencoder, x: np.ndarray) -> float:
    """Largest principal angle, in degrees, between what a linear autoencoder spans and PCA's subspace of `x`."""
    from scipy.linalg import subspace_angles

    origin = model.decode(np.zeros((1, model.latent_dim), "float32"))
    span = (model.decode(np.eye(model.latent_dim, dtype="float32")) - origin).reshape(model.latent_dim, -1)
    return float(np.degrees(subspace_angles(span.T, _pca(x, model.latent_dim).components_.T).max()))


def baselines(dataset: data.Dataset, code_size: int, noise=None) -> dict[str, dict[str, float]]:
    """The same figures for what needs no autoencoder.

    Args:
        dataset: As for `figures`.
        code_size: How many components PCA keeps.
        noise: A `kerasae.layers.Noise`, for denoisers.

    Returns:
        `mean` (every input replaced by the training set's mean) and `pca` (fitted on the training
        set), each with its `mse`; for images the mean also has its `bce` and, as a model of
        independent pixels with nothing to encode, its `negative_elbo` in nats per image. With noise,
        `denoised_mse` for PCA, for the noisy images as they are (`noisy`) and for a 3 × 3 median
        filter (`median`).
    """
    train = dataset.x_train.reshape(len(dataset.x_train), -1)
    test = train if dataset.x_train.ndim == 2 else dataset.x_test.reshape(len(dataset.x_test), -1)
    mean = train.mean(axis=0, dtype="float64")
    pca = _pca(train, code_size)
    result = {
        "mean": {"mse": mean_squared_error(test, mean)},
        "pca": {"mse": mean_squared_error(test, pca.inverse_transform(pca.transform(test)))},
    }
    if dataset.x_train.ndim > 2:
        result["mean"]["bce"] = binary_crossentropy(test, np.broadcast_to(mean, test.shape))
        result["mean"]["negative_elbo"] = result["mean"]["bce"] * test.shape[1]
    if noise is not None:
        spoilt = steps.infer(noise.corrupt, dataset.x_test)
        projected = pca.inverse_transform(pca.transform(spoilt.reshape(test.shape)))
        result["pca"]["denoised_mse"] = mean_squared_error(test, projected)
        result["noisy"] = {"denoised_mse": mean_squared_error(dataset.x_test, spoilt)}
        filtered = median_filter(spoilt, size=(1, 3, 3, 1))
        result["median"] = {"denoised_mse": mean_squared_error(dataset.x_test, filtered)}
    return result


def _pca(x: np.ndarray, components: int):
    from sklearn.decomposition import PCA

    return PCA(components, svd_solver="covariance_eigh").fit(x)


def golden_inputs(shape: tuple[int, ...], value_range: tuple[float, float] | None, n: int = 2) -> np.ndarray:
    """Inputs made by a formula, to compare backends on: `½ (1 + sin(0.37 i + k))` scaled to the range.

    Args:
        shape: Of one input; `i` counts its values.
        value_range: Of the values; [-2, 2] if None.
        n: How many; `k` counts them.

    Returns:
        `(n, *shape)` float32.
    """
    low, high = value_range or (-2.0, 2.0)
    i, k = np.arange(math.prod(shape)), np.arange(n)[:, None]
    unit = 0.5 * (1.0 + np.sin(0.37 * i + k))
    return (low + (high - low) * unit).astype("float32").reshape(n, *shape)


def golden_outputs(model: models.Autoencoder) -> dict[str, np.ndarray]:
    """What a model gives for `golden_inputs`: `code`, `reconstruction` and, if variational, `log_variance`."""
    x = golden_inputs(model.data_shape, model.value_range)
    outputs = {"code": model.encode(x), "reconstruction": model.reconstruct(x)}
    if isinstance(model, models.VariationalAutoencoder):
        outputs["log_variance"] = model.posterior(x).log_variance
    return outputs
