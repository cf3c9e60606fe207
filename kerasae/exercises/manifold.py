"""Exercise to the notebook `manifold`: a linear autoencoder finds the subspace of PCA."""

from typing import NamedTuple

import numpy as np

from kerasae import metrics, models
from kerasae.exercises.exercise import Result, correct, exercise, wrong

_ANGLE = 1.0  # degrees


class Points(NamedTuple):
    """Points in space: `x (1000, 3)` float32."""

    x: np.ndarray


def points() -> Points:
    """Noisy points near a tilted plane, with the standard deviations 2, 1 and 0.1 along three orthogonal directions."""
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return Points((rng.normal(size=(1000, 3)) * [2.0, 1.0, 0.1] @ axes).astype("float32"))


@exercise("manifold", points)
def linear_is_pca(model) -> Result:
    """Train a linear autoencoder until it finds the plane that PCA finds.

    `exercises.data("linear_is_pca").x` has 1,000 points in space, shape (1000, 3), near a plane. Train a
    `kerasae.models.LinearAutoencoder` with a code of two numbers on them. It is correct if the angle between its plane
    and the plane of PCA is at most 1 degree.

    Answer: the trained model.

        exercises.check("linear_is_pca", model)
    """
    if not isinstance(model, models.Autoencoder) or (model.data_shape, model.code_shape) != ((3,), (2,)):
        return wrong("Pass a LinearAutoencoder of 3 numbers with a code of 2: LinearAutoencoder((3,), latent_dim=2).")
    if not _is_affine(model):
        return wrong("The decoder is not linear, so its outputs lie on a curved surface. Use a LinearAutoencoder.")
    x = points().x
    angle = metrics.angle_to_pca(model, x)
    error, least = metrics.mean_squared_error(x, model.reconstruct(x)), metrics.pca_error(x, x, 2)
    measured = f"The angle to the plane of PCA is {angle:.2f} degrees; the test is at most {_ANGLE:g}."
    if angle > _ANGLE:
        return wrong(
            f"{measured} The MSE is {error:.4f}, that of PCA {least:.4f}. Train for more epochs, or with a higher "
            "learning rate first and a lower one at the end."
        )
    return correct(f"{measured} The MSE is {error:.4f}, that of PCA {least:.4f}: no linear model has a lower one.")


def _is_affine(model: models.Autoencoder) -> bool:
    """Whether the decoder maps the midpoint of two codes to the midpoint of their outputs."""
    a, b = np.random.default_rng(0).normal(scale=3.0, size=(2, 20, 2)).astype("float32")
    outputs = model.decode(np.concatenate([a, b, (a + b) / 2]))
    return np.allclose((outputs[:20] + outputs[20:40]) / 2, outputs[40:], atol=1e-3)
