"""Keras's backends that can't train: NumPy and OpenVINO."""

import keras

if keras.backend.backend() == "openvino":
    from kerasae.backends.openvino import ONE_LENGTH, compiled, infer
else:
    from kerasae.backends.numpy import ONE_LENGTH, compiled, infer

__all__ = ["ONE_LENGTH", "Steps", "compiled", "devices", "infer", "on_device"]


class Steps:
    """Test and predict steps for `keras.Model`; `fit` is refused."""

    takes_rows = False
    train_function = None

    def fit(self, *args, **kwargs):
        raise ValueError(
            f"The {keras.backend.backend()} backend can't train. "
            "Set KERAS_BACKEND to jax, torch or tensorflow before Keras is imported."
        )

    train_on_batch = fit

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self._compiled_test = compiled(self._stateless_test)
        super().make_test_function(force)  # type: ignore[misc]

    def make_predict_function(self, force=False):
        if self.predict_function is None or force:
            self._compiled_predict = compiled(lambda x: self(x, training=False))  # type: ignore[operator]
        super().make_predict_function(force)  # type: ignore[misc]

    def test_step(self, data):
        data = keras.utils.unpack_x_y_sample_weight(data)
        logs, metrics = self._compiled_test([variable.numpy() for variable in self.metrics_variables], *data)
        for variable, value in zip(self.metrics_variables, metrics, strict=True):
            variable.assign(value)
        return logs

    def _stateless_test(self, metrics, x, y, sample_weight):
        """One step of a test: the logs, and the values of the metrics' variables after it, from those before it.

        As values and not as operations on variables, which OpenVINO would put off to the end of all batches.
        """
        terms, x_hat = self.loss_terms(x, y, sample_weight, training=False)
        with keras.StatelessScope(list(zip(self.metrics_variables, metrics, strict=True))) as scope:
            logs = self._track(terms, x, y, x_hat, sample_weight)
        return logs, [scope.get_current_value(variable) for variable in self.metrics_variables]

    def predict_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self._compiled_predict(x)

    def remember(self):
        """Nothing needs to be remembered: see `recover`."""

    def recover(self, remembered):
        """Nothing is lost when `fit` is broken off: it never begins."""


def devices(n: int):
    """Not on a backend that can't train."""
    Steps().fit()


def on_device(array):
    """A NumPy array as a tensor."""
    return keras.ops.convert_to_tensor(array)
