"""Keras callbacks: pictures of the training progress, and annealing of the weights of loss terms."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
from matplotlib.figure import Figure

from kerasae import metrics, plots
from kerasae._checks import integer, positive_size

_DIGITS = {"epoch": 4, "batch": 6}  # in the names of files, so that they sort in the order of drawing
_ANIMATION, _FPS, _MOST_FRAMES = "progress.gif", 4, 60


class DrawProgress(keras.callbacks.Callback):
    """Draw reconstructions of some examples, and the losses so far, while `fit` runs.

    The first picture is drawn before training, then one every `every` epochs or batches, and one at the end. In a
    notebook each replaces the one before. With a directory each is written to a file, such as `epoch-0003.png`, and at
    the end all of them as an animation, `progress.gif`.

    Images are drawn above their reconstructions, with the mean squared error below. A denoising model is shown with
    noisy and cleaned images; a generative one adds samples, from the same codes each time. Points of the plane are
    drawn as by `kerasae.plots.manifold`.

    Args:
        x: A few examples `(n, *input_shape)`, or arguments of `reconstruct` by name, for example
            `{"x": x, "label": label}` for a conditional model.
        every: Number of epochs or batches from one picture to the next.
        unit: `"epoch"` or `"batch"`. Batches are counted from the start of `fit`. Within an epoch the losses are the
            means since the start of the epoch, as Keras reports them, and the vertical axes say so.
        directory: Directory of the pictures, created if it does not exist; files of the same names are replaced.
        show: Whether to display pictures in a notebook.

    Attributes:
        snapshots: Time, for example `"epoch 3"` → reconstructions at that time, for `kerasae.plots.rows`.

    Raises:
        ValueError: `every` is not a positive integer; another unit; when training begins, examples that the model does
            not accept or that are neither images nor points of the plane.

    >>> x = np.zeros((40, 28, 28, 1))
    >>> draw = DrawProgress(x[:8], unit="batch")
    >>> _ = kerasae.models.DenseAutoencoder((28, 28, 1), (16,), 2).fit(x, callbacks=[draw], verbose=0)
    >>> {when: x_hat.shape for when, x_hat in draw.snapshots.items()}
    {'batch 0': (8, 28, 28, 1), 'batch 1': (8, 28, 28, 1), 'batch 2': (8, 28, 28, 1)}
    """

    def __init__(self, x, every: int = 1, unit: str = "epoch", directory: str | Path | None = None, show: bool = True):
        super().__init__()
        if unit not in _DIGITS:
            raise ValueError(f"unit must be 'epoch' or 'batch'. Received: {unit!r}")
        self.every, self.unit, self.show = positive_size("every", every), unit, show
        self.given = dict(x) if isinstance(x, Mapping) else {"x": x}
        self.directory = None if directory is None else Path(directory)
        self.snapshots: dict[str, np.ndarray] = {}
        if unit == "batch":  # else many steps may be made in one call
            self.on_train_batch_end = self._after_batch

    def on_train_begin(self, logs=None):
        self._above, self._asked = _examples(self.model, self.given)
        self.snapshots = {}
        self._display = None
        self._files: list[Path] = []
        self._losses: list[dict[str, float]] = []
        self._times: list[int] = []
        self._drawn = -1
        self._batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._earlier_batches = self._batches
        if self._drawn < 0:
            self._draw(epoch if self.unit == "epoch" else 0)

    def on_epoch_end(self, epoch, logs=None):
        if self.unit == "epoch":
            self._note(epoch + 1, logs)

    def on_train_end(self, logs=None):
        if self._times and self._drawn != self._times[-1]:
            self._draw(self._times[-1])
        if self._files:
            chosen = np.unique(np.linspace(0, len(self._files) - 1, _MOST_FRAMES).astype(int))
            frames = [self._files[i] for i in chosen]
            plots.animate(frames, frames[0].with_name(_ANIMATION), fps=_FPS, overwrite=True)

    def _after_batch(self, batch, logs=None):
        # With steps_per_execution Keras counts beyond the last one.
        self._batches = self._earlier_batches + min(batch + 1, self.params.get("steps") or batch + 1)
        self._note(self._batches, logs)

    def _note(self, done: int, logs) -> None:
        """Store the losses, and draw if it is time."""
        self._times.append(done)
        self._losses.append(dict(logs or {}))
        if done // self.every > self._drawn // self.every:
            self._draw(done)

    def _draw(self, done: int) -> None:
        # On JAX the weights are elsewhere during an epoch.
        getattr(self.model, "jax_state_sync", lambda: None)()
        when = f"{self.unit} {done}"
        x_hat = self.model.reconstruct(**self._asked)
        self._drawn, self.snapshots[when] = done, x_hat
        shown = self.show and _in_notebook()
        if shown or self.directory is not None:
            picture = self._picture(when, x_hat)
        if self.directory is not None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._files.append(self.directory / f"{self.unit}-{done:0{_DIGITS[self.unit]}}.png")
            picture.savefig(self._files[-1])
        if shown:
            self._display = _show(picture, self._display)

    def _picture(self, when: str, x_hat: np.ndarray) -> Figure:
        """Examples, samples if the model generates, and losses, one below the other."""
        parts = [_compared(self._above, x_hat, self.model.value_range, when)]
        if hasattr(self.model, "generate"):
            parts.append(plots.samples(self._samples(len(x_hat)), title="samples"))
        if self._losses:
            parts.append(self._curves())
        return plots.stacked(parts)

    def _samples(self, n: int) -> np.ndarray:
        others = {name: value for name, value in self.given.items() if name != "x"}
        return self.model.generate(n, seed=0, **others)

    def _curves(self) -> Figure:
        names = dict.fromkeys(name for losses in self._losses for name in losses)
        columns = {name: [losses.get(name, np.nan) for losses in self._losses] for name in names}
        times = [done - 1 for done in self._times]
        units = "mean since the epoch began" if self.unit == "batch" else None
        return plots.history(SimpleNamespace(history=columns, epoch=times), unit=self.unit, units=units)


class AnnealWeight(keras.callbacks.Callback):
    """Anneal the weight of a loss term, such as `model.feature_weight`: once, or in cycles.

    Within each cycle the weight is `start` for `wait` epochs (or batches), changes linearly to `weight` over the next
    `warm_up` epochs, and then stays there until the cycle ends. The weight is a function of the epoch (or batch)
    alone, so it is right in a resumed `fit` with `initial_epoch`. It is written into the logs under its name.

    Args:
        name: Name of the weight, one of the model's `loss_weight_names`.
        warm_up: Number of epochs or batches over which the weight changes.
        weight: Final weight.
        cycle: Length of a cycle in epochs or batches, at least `wait + warm_up`; None for a single warm-up.
        unit: `"epoch"` or `"batch"`. Batches are counted from the first epoch.
        start: Weight in the first epoch or batch.
        wait: Number of epochs or batches before the weight begins to change, not negative.

    Raises:
        ValueError: A number is out of range, `cycle` is shorter than `wait + warm_up`, another unit; when training
            begins, a model without this weight; with unit "batch", a stream of unknown length in a resumed `fit`.

    >>> [AnnealWeight("feature_weight", 2, 0.5, start=1.5).weight_at(epoch) for epoch in range(4)]
    [1.5, 1.0, 0.5, 0.5]
    """

    def __init__(
        self,
        name: str,
        warm_up: int,
        weight=1.0,
        cycle: int | None = None,
        unit: str = "epoch",
        start=0.0,
        wait: int = 0,
    ):
        super().__init__()
        if unit not in _DIGITS:
            raise ValueError(f"unit must be 'epoch' or 'batch'. Received: {unit!r}")
        if not 0 <= weight < float("inf"):
            raise ValueError(f"weight must be a finite number, not negative. Received: {weight!r}")
        if not 0 <= start < float("inf"):
            raise ValueError(f"start must be a finite number, not negative. Received: {start!r}")
        self.wait = integer("wait", wait)
        if self.wait < 0:
            raise ValueError(f"wait must not be negative. Received: {wait!r}")
        self.name, self.start = name, float(start)
        self.warm_up, self.weight, self.unit = positive_size("warm_up", warm_up), float(weight), unit
        self.cycle = None if cycle is None else positive_size("cycle", cycle)
        if self.cycle is not None and self.cycle < self.wait + self.warm_up:
            raise ValueError(
                f"cycle must be at least wait + warm_up. Received: {cycle=}, {wait=}, {warm_up=}. Use a longer cycle."
            )
        if unit == "batch":  # otherwise many steps can be made in one call
            self.on_train_batch_begin = self._before_batch

    def weight_at(self, step: int) -> float:
        """The weight in the given epoch or batch, counted from 0."""
        position = step if self.cycle is None else step % self.cycle
        change = min(1.0, max(0.0, (position - self.wait) / self.warm_up))
        return self.start + (self.weight - self.start) * change

    def on_train_begin(self, logs=None):
        names = getattr(self.model, "loss_weight_names", ())
        if self.name not in names:
            raise ValueError(
                f"{type(self).__name__} needs a model with a {self.name}. "
                f"Received: {type(self.model).__name__}, whose loss weights are {', '.join(names) or 'none'}."
            )
        self._batches: int | None = None  # of the epoch before, in this fit

    def on_epoch_begin(self, epoch, logs=None):
        if self.unit == "epoch":
            self._set(epoch)
        elif epoch == 0 or self._batches is None:
            self._before_epoch = epoch * self._batches_per_epoch(epoch)
        else:  # also for a stream whose length is not known
            self._before_epoch += self._batches
        self._batches = 0

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs[self.name] = self._current

    def _batches_per_epoch(self, epoch: int) -> int:
        steps = self.params.get("steps")
        if epoch and steps is None:
            raise ValueError(
                f"{type(self).__name__} with unit='batch' must know the number of batches per epoch to resume "
                f"training. Received a stream of unknown length and initial_epoch={epoch}. Pass steps_per_epoch to fit."
            )
        return steps or 0

    def _before_batch(self, batch, logs=None):
        self._batches = batch + 1
        self._set(self._before_epoch + batch)

    def _set(self, step: int) -> None:
        self._current = self.weight_at(step)
        setattr(self.model, self.name, self._current)


class AnnealKL(AnnealWeight):
    """Anneal the weight of the KL divergence of a variational autoencoder: warm-up, or cycles.

    `AnnealWeight` of `kl_weight`. With `start` above `weight`, training begins with simpler codes.

    Args:
        warm_up, weight, cycle, unit, start, wait: As for `AnnealWeight`.

    Raises:
        ValueError: As for `AnnealWeight`.

    References:
        Generating sentences from a continuous space (Bowman et al., 2016): warm-up
        Ladder variational autoencoders (Sønderby et al., 2016): linear warm-up
        Cyclical annealing schedule: a simple approach to mitigating KL vanishing (Fu et al., 2019)

    >>> [AnnealKL(2, cycle=4).weight_at(epoch) for epoch in range(6)]
    [0.0, 0.5, 1.0, 1.0, 0.0, 0.5]
    """

    def __init__(
        self, warm_up: int, weight=1.0, cycle: int | None = None, unit: str = "epoch", start=0.0, wait: int = 0
    ):
        super().__init__("kl_weight", warm_up, weight, cycle, unit, start, wait)


def _examples(model, given: dict) -> tuple[dict[str, np.ndarray], dict]:
    """The rows above the reconstructions, by name, and the arguments of `reconstruct`."""
    x = np.asarray(given["x"])
    if model.noise is None:
        return {"input": x}, given
    noisy = metrics.noisy(model, x)
    return {"clean": x, "noisy": noisy}, given | {"x": noisy}


def _compared(above: dict[str, np.ndarray], x_hat: np.ndarray, value_range, title: str) -> Figure:
    """Examples above their reconstructions; the error is the one to the first row."""
    (first, x), *_ = above.items()
    if x.shape[1:] == (2,):
        return plots.manifold(above.get("noisy", x), x_hat, title=title)
    name = "reconstruction" if first == "input" else "cleaned"
    limits = value_range or (float(x.min()), float(x.max()))
    return plots.rows({**above, name: x_hat}, reference=first, value_range=limits, title=title)


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this, where a picture can replace another one."""
    if "IPython" not in sys.modules:
        return False
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is not None


def _show(picture: Figure, display):
    """Display a picture in a notebook, instead of the one before if there is one. Return the handle of the display."""
    if display is not None:
        display.update(picture)
        return display
    from IPython.display import display as first

    return first(picture, display_id=True)
