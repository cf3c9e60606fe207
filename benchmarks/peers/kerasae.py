"""kerasae's `fit` on arrays."""

import time

import keras

from kerasae import models
from kerasae.zoo import recipes


def untrained(entry):
    """Build the entry's model with the initial weights that all peers use."""
    recipe = recipes.find("vae_mnist" if entry.sizes else entry.name)
    make = recipe.model
    if entry.sizes:
        hidden, latent_dim = entry.sizes

        def make():
            return models.VariationalAutoencoder(recipes.IMAGE, (hidden,), latent_dim)

    keras.utils.set_random_seed(0)
    model = make()
    recipes.initialize(model, seed=0)
    model.compile(keras.optimizers.Adam(entry.learning_rate, epsilon=1e-7), recipe.loss)
    return model


class Stopwatch(keras.callbacks.Callback):
    """Records the time before the first epoch and after each epoch, so that nothing between epochs is left out."""

    def on_epoch_begin(self, epoch, logs=None):
        self.stamps = getattr(self, "stamps", None) or [time.perf_counter()]

    def on_epoch_end(self, epoch, logs=None):
        self.stamps.append(time.perf_counter())


class make:
    def __init__(self, entry, weights, x, held_out):
        self.model, self.entry = untrained(entry), entry
        self.x, self.held_out = x, held_out

    def train(self, first, epochs):
        stopwatch = Stopwatch()
        history = self.model.fit(
            self.x,
            batch_size=self.entry.batch_size,
            initial_epoch=first,
            epochs=first + epochs,
            validation_data=self.held_out if self.entry.validated else None,
            validation_batch_size=1000,
            callbacks=[stopwatch],
            seed=0,
            verbose=0,
        )
        return stopwatch.stamps, history.history["loss"]

    def validate(self):
        return self.model.evaluate(self.held_out, batch_size=1000, verbose=0, return_dict=True)["loss"]
