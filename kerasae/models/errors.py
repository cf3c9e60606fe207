"""Reconstruction errors of single inputs."""

import math

from keras import ops


class ReconstructionErrors:
    """Mixin of `Autoencoder`: reconstruction errors, and the features that outlier detectors use."""

    def reconstruction_error(self, x, per: str = "input", batch_size: int | None = None, *, label=None):
        """Compute the squared error `(x − reconstruct(x))²` per input or per pixel, in squared units of the input.

        Args:
            x: An array or a tensor `(n, *input_shape)`, as for `encode`.
            per: `"input"` for the mean over the values of each input, `(n,)`; `"pixel"` for the error of every value,
                `(n, *input_shape)`.
            batch_size, label: As for `encode`.

        Returns:
            A float32 array for an array, a tensor for a tensor.

        Raises:
            ValueError: If `per` is unknown; otherwise as for `encode`.
            TypeError: As for `encode`.

        >>> model = kerasae.models.DenseAutoencoder((28, 28, 1))
        >>> x = np.zeros((5, 28, 28, 1))
        >>> model.reconstruction_error(x).shape, model.reconstruction_error(x, per="pixel").shape
        ((5,), (5, 28, 28, 1))
        """
        functions = {"input": self._error_per_input, "pixel": self._error_per_pixel}
        if per not in functions:
            raise ValueError(f"per must be 'input' or 'pixel'. Received: {per!r}")
        labels = self.checked_labels(label, x)
        return self._apply(functions[per], x, self.data_shape, self.value_range, "x", batch_size, *labels)

    def _error_per_pixel(self, x, label=None):
        return ops.square(x - self._reconstruct(x, label))

    def _error_per_input(self, x, label=None):
        return ops.mean(ops.reshape(self._error_per_pixel(x, label), (-1, math.prod(self.data_shape))), axis=1)

    def observed(self, x):
        """Compute what an outlier detector compares, for tensors or symbolic tensors `x (n, *input_shape)`.

        Returns:
            Reconstructions, codes, and a dict of spaces. Each space has `"features"` `(n, d)` and `"errors"`, the
            reconstruction errors `(n, members, d)`. This class has one space, `"code"`: its features are the flattened
            codes, its errors those of the input values (one member).
        """
        z = self._code(x)
        x_hat = self._decode(z)
        errors = ops.reshape(x_hat - x, (-1, 1, math.prod(self.data_shape)))
        return x_hat, z, {"code": {"features": ops.reshape(z, (-1, self.code_size)), "errors": errors}}
