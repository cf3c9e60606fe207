"""Steps on TensorFlow."""

import keras
import tensorflow as tf


class Steps:
    """Training and test steps for `keras.Model`."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            terms, x_hat = self.loss_terms(x, y, sample_weight, training=True)
            loss = self.optimizer.scale_loss(terms["loss"])
        gradients = tape.gradient(loss, self.trainable_variables)
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


def infer(function, x):
    """`function(x)` for an array `x`, as an array (or a tuple of arrays, if it gives one)."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(tf.convert_to_tensor(x)))
