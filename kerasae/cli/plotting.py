"""The command plot, which draws a model's codes, samples, reconstructions and more."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerasae import data, plots
from kerasae.cli import outputs
from kerasae.cli.inputs import Entry, Inputs, Piece, label_names, test_data
from kerasae.zoo import previews

_MOST = 2000  # codes in a plot
_FEW = 10  # pictures in a row
_WIDEST = 3.0  # half the width of a grid of codes, in standard deviations of the prior


def plot(arguments) -> None:
    """Draw inputs, codes, samples or filters."""
    entry = Entry(arguments.name)
    kind = arguments.kind or _characteristic(entry)
    out = arguments.out or Path(f"{entry.name}-{kind}.png")
    outputs.check_new(out, arguments.overwrite)
    figure = _DRAWN[kind](entry, lambda: _inputs(entry, arguments, kind))
    with outputs.replacing(out) as partial:
        figure.savefig(partial)
    print(f"{out}: {kind} of {arguments.name}")


def _characteristic(entry: Entry) -> str:
    if not entry.is_of_pictures:
        return "preview"
    if entry.model.code_size == 2:
        return "codes"
    return "samples" if hasattr(entry.model, "generate") else "reconstructions"


def _inputs(entry: Entry, arguments, kind: str) -> tuple[Piece, np.ndarray | None]:
    """Inputs with their labels: the given ones, or by default the test data of the entry."""
    if not arguments.inputs:
        arguments.inputs = [test_data(entry, "drawn")]
    arguments.n = arguments.n or (_MOST if kind in ("codes", "grid", "preview") else _FEW)
    inputs = Inputs(entry, arguments)
    piece = inputs.all()
    return piece, label_names(inputs, piece)


def _reconstructions(entry: Entry, inputs: Callable):
    piece, _ = inputs()
    x_hat = entry.model.reconstruct(piece.x, **piece.given)
    return plots.reconstructions(piece.x, x_hat, len(piece), value_range=entry.value_range, title=entry.name)


def _errors(entry: Entry, inputs: Callable):
    piece, _ = inputs()
    x_hat = entry.model.reconstruct(piece.x, **piece.given)
    return plots.anomaly(piece.x, x_hat, n=len(piece), value_range=entry.value_range, title=entry.name)


def _codes(entry: Entry, inputs: Callable):
    piece, labels = inputs()
    codes = entry.model.encode(piece.x, **piece.given)
    if labels is not None and len(np.unique(labels)) > len(plots.CLASSES):
        labels = None
    return plots.code_space(codes, labels, title=entry.name)


def _samples(entry: Entry, inputs: Callable):
    if not hasattr(entry.model, "generate"):
        raise ValueError(
            f"{entry.name} must be a model that generates. Received: {entry.class_name}. Choose another --kind."
        )
    classes = {} if entry.model.classes is None else {"label": np.arange(100) % entry.model.classes}
    samples = entry.model.generate(100, seed=0, **classes)
    columns = entry.model.classes or _FEW
    return plots.samples(samples, columns, value_range=entry.value_range, title=entry.name)


def _filters(entry: Entry, inputs: Callable):
    shape = entry.model.data_shape
    return plots.filters(entry.model.encoder, shape[:2] if _is_dense(entry) else None, n=100, title=entry.name)


def _is_dense(entry: Entry) -> bool:
    return entry.model.encoder.get_weights()[0].ndim == 2


def _grid(entry: Entry, inputs: Callable):
    if entry.model.code_size != 2 or entry.model.classes is not None:
        raise ValueError(
            f"{entry.name} must have code size 2 and not be conditional. Received: {entry.class_name} with code size "
            f"{entry.model.code_size}. Choose another --kind."
        )
    if hasattr(entry.model, "generate"):
        across = up = np.linspace(-_WIDEST, _WIDEST, 20)
    else:
        codes = entry.model.encode(inputs()[0].x)
        low, high = np.quantile(codes, (0.01, 0.99), axis=0)
        across, up = np.linspace(low, high, 20).T
    return plots.decoded_grid(entry.model, across, up, value_range=entry.value_range, title=entry.name)


def _preview(entry: Entry, inputs: Callable):
    piece, labels = inputs()
    dataset = data.Dataset(piece.x, labels, piece.x, labels)
    return previews.preview(entry.name, entry.model, dataset)


_DRAWN = {
    "reconstructions": _reconstructions,
    "codes": _codes,
    "samples": _samples,
    "filters": _filters,
    "errors": _errors,
    "grid": _grid,
    "preview": _preview,
}
