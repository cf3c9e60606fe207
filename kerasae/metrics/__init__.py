"""Figures of merit, and the baselines that give them meaning."""

import math
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

from kerasae import backends, data, models
from kerasae.metrics import classifier

_EPSILON = 1e-7  # keeps the logarithm finite where a float32 sigmoid reaches 0 or 1
_LABELLED = 1000  # training images whose labels `forest_accuracy` is given

# How far a figure may be from the one on a card, whichever backend measures: so much of it ...
RELATIVE = 1e-4
# ... but no less than this: values of about 1 are rounded to 1e-7, and so a squared error of 1e-6 to some 1e-10.
ROUNDING = 1e-9
# ... or, where rounding decides now and then (a direction from nearly equal ones, a branch of a tree, a likeliest
# class, what is left of sums that cancel), so much in all.
ABSOLUTE = {"angle_to_pca": 0.01, "forest_accuracy": 0.01, "class_accuracy": 0.002, "mmd_to_prior": 1e-5}


def mean_squared_error(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `(x − x̂)²`, in float64."""
    return float(np.mean(np.square(np.asarray(x, "float64") - x_hat)))


def binary_crossentropy(x: np.ndarray, x_hat: np.ndarray) -> float:
    """Mean over all values of `−x ln x̂ − (1 − x) ln(1 − x̂)`, in nats a pixel; both in [0, 1]."""
    p = np.clip(np.asarray(x_hat, "float64"), _EPSILON, 1 - _EPSILON)
    return float(-np.mean(x * np.log(p) + (1 - x) * np.log1p(-p)))


def figures(model: models.Autoencoder, dataset: data.Dataset, first: int | None = None) -> dict[str, float]:
    """What the model's card says of it.

    Args:
        model: Trained.
        dataset: Images (figures of the test set), or the points of `data.sine` (figures of the
            training points, which a manifold is fitted to, and `fresh_mse` of the test points).
        first: How many of the test images are measured on, and how many samples made; all unless given.

    Returns:
        For images: `mse` and `bce`, per pixel, and `forest_accuracy` of the codes (not of a
        conditional model's: they come with the class). For a variational model also `negative_elbo`,
        `reconstruction_loss` and `kl_loss`, nats per image; for others `mean_absolute_code`. For a
        denoiser `denoised_mse` and `denoised_bce`: noisy test images cleaned, against the clean ones.
        Of codes that are vectors `mmd_to_prior`, drawn from the posterior if there is one. For what
        generates, where the data has a judge (`kerasae.metrics.classifier`), `sample_distance`: the
        `frechet_distance` of the judge's features of as many samples as there are test images from
        those of the test images. For a conditional model also `class_accuracy`: the share of samples
        that the judge takes for what they were asked to be.
        For points: `mse`, `fresh_mse`, `rms_distance` to the true curve, and for a linear model
        `angle_to_pca`, in degrees.
    """
    if dataset.x_train.ndim == 2:
        return _figures_of_points(model, dataset)
    x, y = dataset.x_test[:first], dataset.y_test[:first]
    given = given_to(model, y)
    z = model.encode(x, **given)
    result = _figures_of_images(model, x, z, given)
    if not given:
        labelled = dataset.x_train[:_LABELLED], dataset.y_train[:_LABELLED]
        result["forest_accuracy"] = forest_accuracy(model.encode(labelled[0]), labelled[1], z, y)
    judge = classifier.judge_of(dataset)
    if hasattr(model, "generate") and judge is not None:
        result |= _figures_of_samples(model, x, given, judge)
    return result


def figures_of(model: models.Autoencoder, x: np.ndarray, label: np.ndarray | None = None) -> dict[str, float]:
    """What can be said of a model on any inputs, with nothing known of them: those of `figures` that need no more.

    Args:
        model: Trained.
        x: `(n, *input_shape)`, images in [0, 1] or points.
        label: The images' classes `(n,)`, for a conditional model.

    Raises:
        ValueError: Inputs of a wrong shape or outside the model's range; no label where one is needed.
    """
    if len(model.data_shape) == 1:
        return {"mse": mean_squared_error(x, model.reconstruct(x))}
    if model.classes is not None and label is None:
        raise ValueError(
            f"A conditional model is told its images' classes: expected labels (n,), from 0 to {model.classes - 1}. "
            "Received none."
        )
    given = given_to(model, label)
    return _figures_of_images(model, x, model.encode(x, **given), given)


def _figures_of_images(model, x: np.ndarray, z: np.ndarray, given: dict[str, Any]) -> dict[str, float]:
    """The figures of images and their codes alone."""
    x_hat = model.decode(z, **given)
    result = {"mse": mean_squared_error(x, x_hat), "bce": binary_crossentropy(x, x_hat)}
    if model.noise is not None:
        cleaned = model.reconstruct(noisy(model, x), **given)
        result |= {"denoised_mse": mean_squared_error(x, cleaned), "denoised_bce": binary_crossentropy(x, cleaned)}
    if isinstance(model, models.VariationalAutoencoder):
        result |= negative_elbo(model, x, **given)
    else:
        result["mean_absolute_code"] = float(np.mean(np.abs(z)))
    if z.ndim == 2 and len(z) > 1:
        variational = isinstance(model, models.VariationalAutoencoder)
        result["mmd_to_prior"] = mmd_to_prior(model.sample(x, seed=0, **given) if variational else z)
    return result


def given_to(model, y: np.ndarray | None) -> dict[str, Any]:
    """What a conditional model is told of its inputs and samples; nothing for others."""
    return {"label": y} if model.classes is not None else {}


def negative_elbo(model: models.VariationalAutoencoder, x: np.ndarray, draws: int = 1, **given) -> dict[str, float]:
    """The negative evidence lower bound of images in [0, 1] and its two terms, in nats per image.

    `−ELBO = E[−Σ log p(x | z)] + KL(q(z | x) ‖ p(z))`, with the KL divergence in closed form and the
    expectation over q as a mean of some draws, which NumPy makes: the same on every backend.

    Args:
        model: Trained.
        x: `(n, *input_shape)`.
        draws: How many codes are drawn for each image.
        **given: The images' `label`, for a conditional model.

    Returns:
        `negative_elbo`, `reconstruction_loss` and `kl_loss`.
    """
    mean, log_variance = (np.asarray(part, "float64") for part in model.posterior(x, **given))
    kl = float(np.mean(0.5 * np.sum(np.exp(log_variance) + mean**2 - 1 - log_variance, axis=1)))
    codes = (model.sample(x, seed, **given) for seed in range(draws))
    per_pixel = [binary_crossentropy(x, model.decode(z, **given)) for z in codes]
    reconstruction = float(np.mean(per_pixel)) * math.prod(model.data_shape)
    return {"negative_elbo": reconstruction + kl, "reconstruction_loss": reconstruction, "kl_loss": kl}


def noisy(model: models.Autoencoder, x: np.ndarray) -> np.ndarray:
    """Images with a fixed draw of the noise that the model was trained to remove."""
    return backends.infer(model.noise.corrupt, x)


def forest_accuracy(z_train: np.ndarray, y_train: np.ndarray, z_test: np.ndarray, y_test: np.ndarray) -> float:
    """What codes are worth when few images are labelled: the accuracy of a random forest of 100 trees.

    Args:
        z_train, z_test: Codes `(n, ...)` of any shape; pixels will do too.
        y_train, y_test: Their classes `(n,)`.

    Returns:
        The share of `y_test` that it finds, from 0 to 1.

    References:
        Random forests (Breiman, 2001)

    >>> z = np.repeat([[0.0, 1.0], [2.0, 3.0]], 50, axis=0)
    >>> forest_accuracy(z, z[:, 0] > 1, z, z[:, 0] > 1)
    1.0
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(100, random_state=0).fit(_flat(z_train), y_train)
    return float(forest.score(_flat(z_test), y_test))


def _figures_of_samples(model, x, given, judge) -> dict[str, float]:
    samples = model.generate(len(x), seed=0, **given)
    result = {"sample_distance": frechet_distance(judge.features(samples), judge.features(x))}
    if given:
        result["class_accuracy"] = judge.accuracy(samples, given["label"])
    return result


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance between normal distributions fitted to two sets of features, as in FID.

    `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½)`

    Args:
        a, b: Features `(n, d)` and `(m, d)`, such as `classifier.Classifier.features` gives.

    Returns:
        The distance, 0 for equal means and covariances, in the features' squared unit. It can be
        compared between sets measured with the same features and sizes, not with published FIDs.

    Raises:
        ValueError: The features differ in number, or there are fewer than two of either.

    References:
        GANs trained by a two time-scale update rule converge to a local Nash equilibrium (Heusel et al., 2017)

    >>> a = np.random.default_rng(0).normal(size=(500, 3))
    >>> round(frechet_distance(a, a + [3.0, 0.0, 0.0]), 6)
    9.0
    """
    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            "Expected two arrays of features (n, d) and (m, d) with two rows or more. "
            f"Received shapes: {a.shape} and {b.shape}."
        )
    roots, traces = zip(*(_covariance_root(features) for features in (a, b)), strict=True)
    # The trace of (Σ₁ Σ₂)^½ as the sum of the singular values of Σ₁^½ Σ₂^½: no complex numbers on the way.
    overlap = np.linalg.norm(roots[0] @ roots[1], "nuc")
    return float(np.sum(np.square(a.mean(axis=0) - b.mean(axis=0))) + sum(traces) - 2 * overlap)


def _covariance_root(features: np.ndarray) -> tuple[np.ndarray, float]:
    """The symmetric root of the features' covariance, and the trace of the covariance."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(features, rowvar=False)))
    values = np.maximum(values, 0)  # rounding can leave a zero just below it
    return (vectors * np.sqrt(values)) @ vectors.T, float(values.sum())


def mmd_to_prior(z: np.ndarray, seed: int = 0, most: int = 2000) -> float:
    """How far codes are from the prior N(0, I): an unbiased estimate of the squared maximum mean discrepancy.

    `MMD² = E k(z, z′) + E k(p, p′) − 2 E k(z, p)`, with p from the prior and the inverse
    multiquadratic kernel `k(a, b) = C / (C + ‖a − b‖²)`, `C = 2 d`, the mean squared distance of
    two points of the prior.

    Args:
        z: Codes `(n, d)`.
        seed: Of the points drawn from the prior, as many as codes, and of the choice of codes.
        most: So many codes are chosen where there are more.

    Returns:
        From about 0, or a little below by chance, to 1 or more for codes far away; no unit.

    Raises:
        ValueError: `z` is not `(n, d)`, or there are fewer than two.

    References:
        A kernel two-sample test (Gretton et al., 2012)
        Wasserstein auto-encoders (Tolstikhin et al., 2018): the kernel

    >>> z = np.random.default_rng(1).normal(size=(2000, 8))
    >>> abs(mmd_to_prior(z)) < 1e-3 < mmd_to_prior(z + 0.5)
    True
    """
    from scipy.spatial.distance import cdist

    z = np.asarray(z, "float64")
    if z.ndim != 2 or len(z) < 2:
        raise ValueError(f"z must be two codes or more, shape (n, d): flatten others. Received shape: {z.shape}.")
    rng = np.random.default_rng(seed)
    z = z if len(z) <= most else z[rng.choice(len(z), most, replace=False)]
    prior, scale = rng.standard_normal(z.shape), 2 * z.shape[1]

    def mean_kernel(a, b, pairs: int) -> float:
        return float(np.sum(scale / (scale + cdist(a, b, "sqeuclidean")))) / pairs

    def among(a) -> float:
        n = len(a)  # pairs of a point with itself, whose kernel is 1, are left out
        return mean_kernel(a, a, n * (n - 1)) - 1 / (n - 1)

    return among(z) + among(prior) - 2 * mean_kernel(z, prior, len(z) * len(prior))


def _flat(x: np.ndarray) -> np.ndarray:
    return np.asarray(x).reshape(len(x), -1)


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
        code_size: How many components PCA keeps, or all where the inputs have fewer.
        noise: A `kerasae.layers.Noise`, for denoisers.

    Returns:
        `mean` (every input replaced by the training set's mean) and `pca` (fitted on the training
        set), each with its `mse`; for images the mean also has its `bce` and, as a model of
        independent pixels with nothing to encode, its `negative_elbo` in nats per image. With noise,
        `denoised_mse` for PCA, for the noisy images as they are (`noisy`) and for a 3 × 3 median
        filter (`median`). For images `forest_accuracy` of PCA's codes and of the images themselves
        (`pixels`). Where the data has a judge, `sample_distance` of PCA as a generator, whose codes are
        normal with the variances it found, and of training images (`real`), which also has the
        judge's own accuracy on test images as `class_accuracy`.
    """
    points = dataset.x_train.ndim == 2
    train, test = _flat(dataset.x_train), _flat(dataset.x_train if points else dataset.x_test)
    mean = train.mean(axis=0, dtype="float64")
    pca = _pca(train, min(code_size, train.shape[1]))
    result = {
        "mean": {"mse": mean_squared_error(test, mean)},
        "pca": {"mse": mean_squared_error(test, pca.inverse_transform(pca.transform(test)))},
    }
    if points:
        return result
    result["mean"]["bce"] = binary_crossentropy(test, np.broadcast_to(mean, test.shape))
    result["mean"]["negative_elbo"] = result["mean"]["bce"] * test.shape[1]
    if noise is not None:
        spoilt = backends.infer(noise.corrupt, dataset.x_test)
        projected = pca.inverse_transform(pca.transform(_flat(spoilt)))
        result["pca"]["denoised_mse"] = mean_squared_error(test, projected)
        result["noisy"] = {"denoised_mse": mean_squared_error(dataset.x_test, spoilt)}
        filtered = median_filter(spoilt, size=(1, 3, 3, 1))
        result["median"] = {"denoised_mse": mean_squared_error(dataset.x_test, filtered)}
    labels = dataset.y_train[:_LABELLED], dataset.y_test
    few = train[:_LABELLED]
    result["pca"]["forest_accuracy"] = forest_accuracy(pca.transform(few), labels[0], pca.transform(test), labels[1])
    result["pixels"] = {"forest_accuracy": forest_accuracy(few, labels[0], test, labels[1])}
    judge = classifier.judge_of(dataset)
    if judge is not None:
        features = judge.features(test)
        codes = np.random.default_rng(0).normal(0.0, np.sqrt(pca.explained_variance_), (len(test), pca.n_components_))
        samples = pca.inverse_transform(codes).clip(0.0, 1.0)
        result["pca"]["sample_distance"] = frechet_distance(judge.features(samples), features)
        result["real"] = {
            "sample_distance": frechet_distance(judge.features(train[: len(test)]), features),
            "class_accuracy": judge.accuracy(test, dataset.y_test),
        }
    return result


def pca_error(x_train: np.ndarray, x: np.ndarray, components: int) -> float:
    """Mean squared error of `x` reconstructed from the first principal components of `x_train`; both `(n, ...)`."""
    pca, flat = _pca(_flat(x_train), components), _flat(x)
    return mean_squared_error(flat, pca.inverse_transform(pca.transform(flat)))


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


def golden_shapes(model: models.Autoencoder) -> dict[str, tuple[int, ...]]:
    """The shapes of a model's `golden_outputs`."""
    shapes = {"code": (2, *model.code_shape), "reconstruction": (2, *model.data_shape)}
    if isinstance(model, models.VariationalAutoencoder):
        shapes["log_variance"] = shapes["code"]
    return shapes


def golden_outputs(model: models.Autoencoder) -> dict[str, np.ndarray]:
    """What a model gives for `golden_inputs`: `code`, `reconstruction` and, if variational, `log_variance`.

    A conditional model is told that the first is of class 0, the second of class 1.
    """
    x = golden_inputs(model.data_shape, model.value_range)
    given = given_to(model, np.arange(len(x)))
    outputs = {"code": model.encode(x, **given), "reconstruction": model.reconstruct(x, **given)}
    if isinstance(model, models.VariationalAutoencoder):
        outputs["log_variance"] = model.posterior(x, **given).log_variance
    return outputs
