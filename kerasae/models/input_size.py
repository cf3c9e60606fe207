"""Trained convolutional models for inputs of another size."""

from kerasae._checks import positive_sizes


class InputSize:
    """Mixin of `Autoencoder`: the same weights for another input size."""

    any_size = False  # True for classes whose weights do not depend on the input size

    def with_input_shape(self, input_shape):
        """Copy the model for inputs of another size, with the same weights and the same compile settings.

        The code keeps its number of channels; its sides follow from the input size.

        Args:
            input_shape: Shape of one input, such as `(64, 64, 1)`, with the same number of axes and channels.

        Raises:
            ValueError: If the weights depend on the input size, as those of dense layers do, or the number of axes or
                channels differs.

        >>> model = kerasae.models.ConvAutoencoder((28, 28, 1), filters=(8, 4))
        >>> model.with_input_shape((64, 48, 1)).code_shape
        (16, 12, 1)
        """
        shape, own = positive_sizes("input_shape", input_shape), self.data_shape
        if shape != own and not self.any_size:
            raise ValueError(
                f"input_shape must be {own} for a {type(self).__name__}, whose weights depend on the size of the "
                f"inputs. Received: {shape}. Resize the inputs, or use a model without dense layers: a ConvAutoencoder."
            )
        if len(shape) != len(own) or shape[-1] != own[-1]:
            raise ValueError(
                f"input_shape must have {len(own)} axes and {own[-1]} channels on the last one, as the weights do. "
                f"Received: {shape}."
            )
        model = type(self).from_config(self.get_config() | {"input_shape": shape})
        model.set_weights(self.get_weights())
        if self.compiled:
            model.compile_from_config(self.get_compile_config())
        return model
