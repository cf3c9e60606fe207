"""A callback that times epochs."""

import time

import keras


class Stopwatch(keras.callbacks.Callback):
    """Records the seconds of each epoch of the last call of `fit`, in `seconds`."""

    def on_train_begin(self, logs=None):
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self._start)
