"""Steps on TensorFlow."""

import keras
import tensorflow as tf


class Steps:
    """Training and test steps for `keras.Model`."""

    compiled_runs = True

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        trained_by = self.trained_by()
        with tf.GradientTape(persistent=True) as tape:
            terms, x_hat = self.loss_terms(x, y, sample_weight, training=True)
            losses = {name: self.optimizer.scale_loss(terms[name]) for name in trained_by}
        # One pass back for each loss; what no variable needs is left out of the graph.
        gradients_of = {name: tape.gradient(loss, self.trainable_variables) for name, loss in losses.items()}
        gradients = [gradients_of[name][i] for i, name in enumerate(trained_by)]
        self.optimizer.apply(gradients, self.trainable_variables)
        return self._track(terms, x, y, x_hat, sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=False)
        return self._track(terms, x, y, x_hat, sample_weight)

    def remember(self):
        """Nothing needs to be remembered: see `recover`."""

    def recover(self, remembered):
        """Nothing is lost when `fit` is broken off: the model itself was trained."""


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(tf.convert_to_tensor, arrays)))
