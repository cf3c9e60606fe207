"""An ensemble of small denoising autoencoders on several views of the input, trained as one model."""

import keras
from keras import layers, ops

from kerasae._checks import integer, positive_size
from kerasae.layers import AddGaussian, Standardization, View
from kerasae.losses import weighted_mean
from kerasae.models import blocks
from kerasae.models.base import Autoencoder


@keras.saving.register_keras_serializable(package="kerasae")
class EnsembleAutoencoder(Autoencoder):
    """Independent denoising autoencoders in one model: `members` autoencoders per view of the input.

    `x → view → standardize → f (n, size) → noise → hidden → z (n, members, latent_dim) → hidden → f̂ (n, members, size)`

    Each member has its own weights and its own noise, and minimizes its own mean of `(f − f̂)²`. Averaging over members
    reduces the variance of their errors. The code concatenates the codes of all members of all views. The
    reconstruction is the mean of the first view's members, mapped back to the input shape; for the view `"pixels"` it
    is a smooth image.

    Args:
        input_shape: Shape of one input.
        views: Kinds of `kerasae.layers.View`. The first one must be `"values"` or `"pixels"`.
        members: Number of autoencoders per view.
        hidden_units: Size of the one hidden layer of each encoder and decoder.
        latent_dim: Size of each member's code.
        noise_stddev: Standard deviation of the Gaussian noise on the standardized features in training.
        activation: Activation function of the hidden layers.
        limit: As for `kerasae.layers.Standardization`.
        low, normalize: As for `kerasae.layers.View`.
        seed: Seed of the noise.
        value_range, **kwargs: As for `Autoencoder`.

    Raises:
        ValueError: If a size is not a positive integer, or a view is unknown or does not fit the input shape.

    Attributes:
        features: Keras model from inputs to the standardized features, `(n, size)` per view.
        members_decoder: Keras model from codes to the members' reconstructions, `(n, members, size)` per view.

    References:
        Extracting and composing robust features with denoising autoencoders (Vincent, Larochelle, Bengio & Manzagol,
        2008); Outlier detection with autoencoder ensembles (Chen, Sathe, Aggarwal & Turaga, 2017)

    >>> EnsembleAutoencoder((5,), members=3, latent_dim=2).encode(np.zeros((7, 5))).shape
    (7, 6)
    """

    def __init__(
        self,
        input_shape,
        views=("values",),
        members=4,
        hidden_units=64,
        latent_dim=8,
        noise_stddev=0.5,
        activation="tanh",
        limit=3.0,
        low=0.0,
        normalize=False,
        seed=0,
        value_range=None,
        **kwargs,
    ):
        super().__init__(input_shape, value_range, **kwargs)
        self.views = tuple(views)
        if not self.views or self.views[0] not in ("values", "pixels"):
            raise ValueError(f"views must begin with 'values' or 'pixels', which has an inverse. Received: {views!r}")
        self.members = positive_size("members", members)
        self.hidden_units = positive_size("hidden_units", hidden_units)
        self.latent_dim = positive_size("latent_dim", latent_dim)
        self.noise_stddev, self.limit, self.low = float(noise_stddev), float(limit), float(low)
        self.normalize = bool(normalize)
        self.seed = integer("seed", seed)
        self.activation = keras.activations.get(activation)
        options = {"dtype": "float32"}
        self.view_layers = [View(kind, self.low, self.normalize, name=f"view_{kind}", **options) for kind in self.views]
        self.standardizations = [Standardization(self.limit, name=f"standard_{k}", **options) for k in self.views]
        x = keras.Input(self.data_shape)
        features = [scale(view(x)) for view, scale in zip(self.view_layers, self.standardizations, strict=True)]
        self.features = keras.Model(x, features, name="features")
        codes = [self._encoded(f, kind) for f, kind in zip(features, self.views, strict=True)]
        z = layers.Concatenate(**options)(codes) if len(codes) > 1 else codes[0]
        code = keras.Input((len(self.views) * self.members * self.latent_dim,))
        decoded = self._decoded(code, [f.shape[-1] for f in features])
        self.members_decoder = keras.Model(code, decoded, name="members")
        back = Unstandardize(self.view_layers[0], self.standardizations[0], self.data_shape, name="logits", **options)
        output = layers.Activation("linear", name="output", **options)
        self.set_parts(keras.Model(x, z, name="encoder"), keras.Model(code, output(back(decoded[0])), name="decoder"))

    def _encoded(self, features, kind: str):
        """Codes `(n, members · latent_dim)` of one view's features."""
        size = features.shape[-1]
        for layer in (
            layers.RepeatVector(self.members, dtype="float32"),
            AddGaussian(self.noise_stddev, clip=None, seed=self.seed, dtype="float32"),
            self._dense(size, self.hidden_units, f"{kind}_hidden", self.activation),
            self._dense(self.hidden_units, self.latent_dim, f"{kind}_code"),
            blocks.flat(self),
        ):
            features = layer(features)
        return features

    def _decoded(self, code, sizes):
        """The members' reconstructions `(n, members, size)` of each view, from the codes of all views."""
        codes = layers.Reshape((len(self.views), self.members, self.latent_dim), dtype=self.dtype_policy)(code)
        decoded = []
        for i, (kind, size) in enumerate(zip(self.views, sizes, strict=True)):
            hidden = self._dense(self.latent_dim, self.hidden_units, f"{kind}_decoder_hidden", self.activation)
            decoded.append(self._dense(self.hidden_units, size, f"{kind}_reconstruction")(hidden(codes[:, i])))
        return decoded

    def _dense(self, inputs: int, units: int, name: str, activation=None):
        """A separate dense layer for each member: `(n, members, inputs)` → `(n, members, units)`."""
        # Keras counts the axis of members as a receptive field; the scale compensates for the larger fan.
        glorot = keras.initializers.VarianceScaling(float(self.members), "fan_avg", "uniform")
        return layers.EinsumDense(
            "nmi,mio->nmo",
            (self.members, units),
            activation=activation,
            bias_axes="mo",
            kernel_initializer=glorot,
            dtype=self.dtype_policy,
            name=name,
        )

    def adapt(self, x, batch_size: int | None = None) -> None:
        """Set the standardization of each view from training inputs `x (n, *input_shape)`. Call it before `fit`.

        The view `"values"` uses the median and the interquartile range, which are robust against outliers in `x`. Views
        of images use the mean and one common scale, so that the background does not count as much as the strokes.

        Raises:
            ValueError, TypeError: As for `encode`.
        """
        from kerasae.outliers import scaling

        views = self._apply(self._all_views, x, self.data_shape, self.value_range, "x", batch_size)
        for view, layer, features in zip(self.view_layers, self.standardizations, views, strict=True):
            fit = scaling.robust if view.kind == "values" else scaling.common
            for weight, value in zip((layer.center, layer.scale), fit(features), strict=True):
                weight.assign(value)

    def _all_views(self, x):
        return tuple(view(x) for view in self.view_layers)

    def loss_terms(self, x, y=None, sample_weight=None, training=True, y_pred=None):
        z = self.encoder(self.corrupted(x, training), training=training)
        targets = self.features(self.target(x, y))
        decoded = self.members_decoder(z, training=training)
        errors = [
            ops.mean(ops.square(features[:, None] - f_hat), axis=(1, 2))
            for features, f_hat in zip(_list(targets), _list(decoded), strict=True)
        ]
        loss = weighted_mean(sum(errors) / len(errors), sample_weight)
        return {"loss": loss + self._penalties(), "reconstruction_loss": loss}, self.decoder(z, training=training)

    def observed(self, x):
        """As for `Autoencoder`, with one space per view: its standardized features and the members' errors."""
        z = self._code(x)
        features, decoded = _list(self.features(x)), _list(self.members_decoder(z))
        spaces = {
            view: {"features": f, "errors": f_hat - f[:, None]}
            for view, f, f_hat in zip(self.views, features, decoded, strict=True)
        }
        return self._decode(z), z, spaces

    def get_config(self):
        return {
            **super().get_config(),
            "views": self.views,
            "members": self.members,
            "hidden_units": self.hidden_units,
            "latent_dim": self.latent_dim,
            "noise_stddev": self.noise_stddev,
            "activation": keras.activations.serialize(self.activation),
            "limit": self.limit,
            "low": self.low,
            "normalize": self.normalize,
            "seed": self.seed,
        }


class Unstandardize(layers.Layer):
    """Members' reconstructions `(n, members, size)` → mean over members, as inputs `(n, *shape)`."""

    def __init__(self, view, standardization, shape, **kwargs):
        super().__init__(**kwargs)
        self.view, self.standardization, self.shape = view, standardization, shape

    def call(self, decoded):
        return self.view.inverse(self.standardization.inverse(ops.mean(decoded, axis=1)), self.shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)


def _list(outputs):
    return outputs if isinstance(outputs, list | tuple) else [outputs]
