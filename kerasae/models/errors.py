"""How far the reconstructions of a model are from its inputs."""

import math

from keras import ops


class ReconstructionErrors:
    """What an autoencoder says of single inputs."""

    def reconstruction_error(self, x, per: str = "input", batch_size: int | None = None, *, label=None):
        """The squared difference of `x (n, *input_shape)` and its reconstruction, one by one.

        `(x − reconstruct(x))²`, in squared units of the input. High values are what the model has not learned.

        Args:
            x: An array or a tensor, as for `encode`.
            per: `"input"` for the mean over each input's values, `(n,)`; `"pixel"` for every value by itself,
                `(n, *input_shape)`.
            batch_size, label: As for `encode`.

        Returns:
            An array of float32 for an array, a tensor for a tensor.

        Raises:
            ValueError: `per` is neither of the two; the errors of `encode`.
            TypeError: Not numbers.

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
        """What a detector of outliers compares, for inputs `x (n, *input_shape)`, tensors or Keras's symbolic ones.

        Returns:
            The reconstructions, the codes, and by the name of a space its `"features"` `(n, d)` and the `"errors"`
            `(n, members, d)` of their reconstructions. An autoencoder has one space, `"code"`, whose features are the
            flattened codes; its errors are those of the inputs.
        """
        z = self._code(x)
        x_hat = self._decode(z)
        errors = ops.reshape(x_hat - x, (-1, 1, math.prod(self.data_shape)))
        return x_hat, z, {"code": {"features": ops.reshape(z, (-1, self.code_size)), "errors": errors}}
