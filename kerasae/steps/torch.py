"""Steps on PyTorch."""

import keras
import torch


class Steps:
    """Training and test steps for `keras.Model`."""

    compiled_runs = False

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        trained_by = self.trained_by()
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=True)
        gradients = [None] * len(trained_by)
        for name in dict.fromkeys(trained_by):
            trained = [i for i, loss in enumerate(trained_by) if loss == name]
            values = [self.trainable_variables[i].value for i in trained]
            loss = self.optimizer.scale_loss(terms[name])
            passed_back = torch.autograd.grad(loss, values, retain_graph=True, allow_unused=True)
            for i, gradient in zip(trained, passed_back, strict=True):
                gradients[i] = gradient
        with torch.no_grad():
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
    with torch.no_grad():
        return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
