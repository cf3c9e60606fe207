"""A residual autoencoder that starts from principal components."""

import itertools
import math

import keras
import numpy as np
from keras import layers

from kerasae._checks import positive_size, positive_sizes
from kerasae.models import blocks
from kerasae.models.base import Autoencoder
from kerasae.models.residual import filters_for
from kerasae.training import validation

_MAX_INPUTS = 20_000  # number of inputs that the principal components are computed from


@keras.saving.register_keras_serializable(package="kerasae")
class PCAResidualAutoencoder(Autoencoder):
    """PCA plus residual networks that learn what PCA leaves over: a good model after few epochs.

    `z = P (x − m) + f(x) (n, latent_dim);  x_hat = y + g(y) with y = Pᵀ z + m (n, *input_shape)`

    `f` has the levels of `ResidualAutoencoder`'s encoder; `g` is a U-Net of such levels. Both are zero before training.
    `adapt` sets P and m to the principal components and the mean of the training inputs; the first `fit` calls it.
    Training therefore starts from the error of PCA with `latent_dim` components. It changes only `f` and `g`. The model
    stores P twice, `latent_dim` numbers per input value: use `ResidualAutoencoder` for large images.

    Args:
        input_shape: As for `ConvAutoencoder`.
        latent_dim: Latent dimension, the size of the code.
        filters, blocks_per_level, kernel_size, activation: As for `ResidualAutoencoder`.
        value_range, noise, **kwargs: As for `Autoencoder`.

    Raises:
        ValueError: As for `ConvAutoencoder`.

    References:
        Identity mappings in deep residual networks (He, Zhang, Ren & Sun, 2016)
        U-Net: convolutional networks for biomedical image segmentation (Ronneberger, Fischer & Brox, 2015)

    >>> model = PCAResidualAutoencoder((8, 8, 3), latent_dim=16, filters=(8,))
    >>> model.adapt(np.random.default_rng(0).random((20, 8, 8, 3)))
    >>> model.encode(np.zeros((5, 8, 8, 3))).shape
    (5, 16)
    """

    def __init__(
        self,
        input_shape,
        latent_dim=256,
        filters=None,
        blocks_per_level=1,
        kernel_size=3,
        activation="silu",
        value_range=(0.0, 1.0),
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.filters = positive_sizes("filters", filters_for(self.data_shape) if filters is None else filters)
        self.blocks_per_level = positive_size("blocks_per_level", blocks_per_level)
        self.kernel_size = positive_size("kernel_size", kernel_size)
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.linear
        self.adapted = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="adapted")
        self.set_parts(self._build_encoder(), self._build_decoder())

    def _build_encoder(self) -> keras.Model:
        x = keras.Input(self.data_shape)
        correction = layers.Dense(self.latent_dim, kernel_initializer="zeros", name="code", dtype=self.dtype_policy)
        linear = blocks.chain([blocks.flat(self), _linear(self.latent_dim)], x)
        residual = blocks.chain([*blocks.residual_down(self), blocks.flat(self), correction], x)
        return keras.Model(x, layers.Add(dtype="float32")([linear, residual]), name="encoder")

    def _build_decoder(self) -> keras.Model:
        z = keras.Input((self.latent_dim,))
        linear = blocks.chain([_linear(math.prod(self.data_shape)), layers.Reshape(self.data_shape)], z)
        whole = layers.Add(dtype="float32")([linear, blocks.residual_u_net(self, linear)])
        return keras.Model(z, layers.Activation("linear", dtype="float32", name="output")(whole), name="decoder")

    def adapt(self, x) -> None:
        """Set P and m to the principal components and the mean of inputs.

        Args:
            x: Array `(n, *input_shape)` or `keras.utils.PyDataset` of batches. At most 20,000 inputs are used.

        Raises:
            ValueError: If `x` is neither an array nor a PyDataset, or has no batches; otherwise as for `encode`.
        """
        from sklearn.decomposition import PCA

        parts = [validation.checked_array(part, self.data_shape, self.value_range) for part in _parts(x)]
        x = np.concatenate(parts).reshape(-1, np.prod(self.data_shape))
        x = x[np.linspace(0, len(x) - 1, min(len(x), _MAX_INPUTS)).astype(int)]
        number = min(self.latent_dim, *x.shape)
        solver = "covariance_eigh" if x.shape[1] <= 4096 else "randomized"
        pca = PCA(number, svd_solver=solver, random_state=0).fit(x.astype("float32", copy=False))
        components = np.zeros((self.latent_dim, x.shape[1]), "float32")
        components[:number] = pca.components_
        into, out = (next(one for one in part.layers if one.name == "linear") for part in (self.encoder, self.decoder))
        into.set_weights([components.T, -components @ pca.mean_])
        out.set_weights([components, pca.mean_])
        self.adapted.assign(1)

    def fit(self, x=None, *args, **kwargs):
        """Train as `Autoencoder.fit` does. The first call begins with `adapt(x)`.

        Raises:
            ValueError: If the first call is not given an array or PyDataset; otherwise as for `Autoencoder`.
        """
        if not int(self.adapted):
            self.adapt(x)
        return super().fit(x, *args, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "filters": self.filters,
            "blocks_per_level": self.blocks_per_level,
            "kernel_size": self.kernel_size,
            "activation": keras.activations.serialize(self.activation),
        }


def _linear(size: int):
    """A frozen linear map in float32."""
    return layers.Dense(size, trainable=False, name="linear", dtype="float32")


def _parts(x) -> list:
    """The array itself, or the inputs of each of a PyDataset's first batches."""
    if validation.is_array(x):
        return [x]
    if not isinstance(x, keras.utils.PyDataset):
        raise ValueError(
            "x must be an array or a keras.utils.PyDataset for the principal components. Received: "
            f"{type(x).__name__}. Call adapt with an array of some inputs first."
        )
    batches: list[np.ndarray] = []
    for i in itertools.count() if x.num_batches is None else range(x.num_batches):
        batch = x[i]
        batches.append(np.asarray(batch[0] if isinstance(batch, tuple) else batch))
        if sum(map(len, batches)) >= _MAX_INPUTS:
            break
    if not batches:
        raise ValueError(
            "x must have at least one batch of inputs for the principal components. Received: "
            f"{type(x).__name__} with num_batches=0. Check its data, or call adapt with an array of some inputs first."
        )
    return batches
