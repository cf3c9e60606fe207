"""Animations for the documentation: an interpolation, and two models while they are trained."""

from collections.abc import Callable, Iterator

import keras
import numpy as np
from matplotlib.figure import Figure

from kerasae import data, plots, zoo
from kerasae.plots import style
from kerasae.zoo.train import train

WIDEST = 570  # pixels, to keep the files small
_STEPS = 16  # of an interpolation
_PAIRS = ((0, 1), (2, 3), (61, 84), (110, 128))  # test images; the last two pairs are of one class each
_EPOCHS_OF_SINE = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 175, 200)
_STEPS_OF_MAP = (0, 5, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 650, 800, 1000, 1300, 1600, 2000)
_STEPS_OF_MAP += (2500, 3000, 3500, 4000, 4690)


def interpolation() -> Iterator[Figure]:
    """Pairs of digits on straight lines in pixel space and in code space."""
    model, x = zoo.load("conv_mnist"), data.mnist().x_test
    ways = {
        f"in {space} space": np.stack([model.interpolate(x[a], x[b], _STEPS, space=space) for a, b in _PAIRS])
        for space in ("pixel", "code")
    }
    for i, t in enumerate(np.linspace(0, 1, _STEPS)):
        yield plots.rows({name: way[:, i] for name, way in ways.items()}, title=f"t = {t:.2f}")


def sine() -> Iterator[Figure]:
    """The decoded curve of `deep_sine` while it is trained by its published recipe."""
    t, x = np.linspace(-data.SINE_LIMIT, data.SINE_LIMIT, 200), data.sine().x_train
    truth = np.stack([t, np.sin(t)], axis=1)

    def curve(model) -> np.ndarray:
        z = model.encode(x)
        return model.decode(np.linspace(z.min(axis=0), z.max(axis=0), 300))

    watch = _Watch(_EPOCHS_OF_SINE, curve, "epoch")
    train("deep_sine", callbacks=[watch], verbose=0)
    for epoch, learned in watch.seen.items():
        figure = plots.manifold(x, x, truth, pairs=0, learned=learned, title=f"deep_sine, epoch {epoch}")
        figure.axes[0].set_ylim(-1.5, 1.5)
        yield figure


def code_map() -> Iterator[Figure]:
    """The codes of 2000 test images while `dense2_mnist` is trained by its published recipe."""
    digits = data.mnist()
    shown, y = digits.x_test[:2000], digits.y_test[:2000]
    watch = _Watch(_STEPS_OF_MAP, lambda model: model.encode(shown), "batch")
    train("dense2_mnist", callbacks=[watch], verbose=0)
    for step, z in watch.seen.items():
        low, high = np.quantile(z, (0.02, 0.98), axis=0)
        center, half = (low + high) / 2, 0.55 * (high - low).max() + 1e-6
        figure, ax = style.plane(5.4, 4.6, ("$z_0$", "$z_1$"), f"dense2_mnist, step {step:,}")
        style.dots(ax, z, 4, np.array(style.CLASSES)[y])
        style.class_legend(figure, np.arange(10))
        (left, bottom), (right, top) = center - half, center + half
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", adjustable="box")
        yield figure


ANIMATIONS: dict[str, Callable[[], Iterator[Figure]]] = {
    "interpolation.gif": interpolation,
    "sine.gif": sine,
    "map.gif": code_map,
}


class _Watch(keras.callbacks.Callback):
    """Store what a function makes of the model at some epochs or batches, counted from the start of training."""

    def __init__(self, times, look: Callable, unit: str):
        super().__init__()
        self.times, self.look, self.seen, self.done = set(times), look, {}, 0
        if unit == "batch":
            self.on_train_batch_end = lambda batch, logs=None: self._after()
        else:
            self.on_epoch_end = lambda epoch, logs=None: self._after()

    def on_epoch_begin(self, epoch, logs=None):
        if not self.seen:
            self.seen[0] = self.look(self.model)

    def _after(self):
        self.done += 1
        if self.done in self.times:
            self.seen[self.done] = self.look(self.model)
