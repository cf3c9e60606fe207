"""The command score, which prints how unusual inputs are."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerasae import data
from kerasae.cli import outputs
from kerasae.cli.inputs import Entry, Inputs, Piece
from kerasae.cli.progress import progress

Rows = list[dict[str, Any]]  # rows of the printed table
_CELL = 12  # width of a number in characters


def score(arguments) -> None:
    """Print scores and labels of a detector, or the reconstruction errors of another model."""
    entry = Entry(arguments.name)
    inputs = Inputs(entry, arguments)
    if arguments.out is not None:
        if arguments.out.suffix.lower() != ".csv":
            raise ValueError(f"--out must end in .csv. Received: {arguments.out}.")
        outputs.check_new(arguments.out, arguments.overwrite)
    if arguments.map is not None and not entry.is_of_pictures:
        raise ValueError("--map needs a model of pictures, which this model is not. Leave out --map.")
    pieces = [(piece.rows, scores(entry, piece)) for piece in progress(inputs, len(inputs))]
    rows, found = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    if arguments.top is not None:  # unusual inputs have low scores of a detector, or high errors
        most = np.argsort(found if entry.detector else -found, kind="stable")[: arguments.top]
        rows, found = rows[most], found[most]
    if arguments.map is not None:
        _draw(entry, inputs, rows, found, arguments)
    table = _steps(entry, inputs) if inputs.steps and not entry.detector else _table(entry, inputs, rows, found)
    _write(table, arguments)
    print(_meaning(entry), file=sys.stderr)


def scores(entry: Entry, piece: Piece) -> np.ndarray:
    """Scores of the inputs by the entry's detector, or reconstruction errors if it has none."""
    if entry.detector is None:
        return entry.model.reconstruction_error(piece.x, **piece.given)
    return entry.detector.score_samples(piece.x.reshape(len(piece), -1))


def _meaning(entry: Entry) -> str:
    if entry.detector is None:
        return "error: mean squared error per value of the reconstruction; unusual inputs have high errors"
    return (
        "score: 0 is the median of the training inputs; a tenth of them score below -1; "
        f"inputs below {entry.detector.offset_:.4g} are outliers"
    )


def _table(entry: Entry, inputs: Inputs, rows: np.ndarray, found: np.ndarray) -> Rows:
    kind, names = "file" if inputs.files else "input", [inputs.names[row] for row in rows]
    if entry.detector is None:
        return [{kind: name, "error": float(value)} for name, value in zip(names, found, strict=True)]
    labels = np.where(found < entry.detector.offset_, "outlier", "normal")
    found_by_name = zip(names, found, labels, strict=True)
    return [{kind: name, "score": float(value), "label": str(label)} for name, value, label in found_by_name]


def _steps(entry: Entry, inputs: Inputs) -> Rows:
    """Error of each step of a series; None for steps that no window covers."""
    errors = [entry.model.reconstruction_error(piece.x, per="pixel", **piece.given).mean(axis=-1) for piece in inputs]
    found = data.per_step(np.concatenate(errors), entry.preprocessing.stride, inputs.steps)
    return [{"step": i, "error": None if np.isnan(value) else float(value)} for i, value in enumerate(found)]


def _write(table: Sequence[Mapping[str, Any]], arguments) -> None:
    if arguments.out is not None:
        with outputs.replacing(arguments.out) as partial:
            outputs.table(partial, list(table[0]), [row.values() for row in table])
        print(f"{arguments.out}: {len(table):,} rows")
    elif arguments.json:
        print(json.dumps(table, indent=1, ensure_ascii=False))
    else:
        width = max(len(str(value)) for row in table for value in list(row.values())[:1])
        print(_line(list(table[0]), width))
        for row in table:
            print(_line(row.values(), width))


def _line(values, width: int) -> str:
    first, *others = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
    return f"{first:{width}}" + "".join(f"{cell:>{_CELL}}" for cell in others)


def _draw(entry: Entry, inputs: Inputs, rows: np.ndarray, found: np.ndarray, arguments) -> None:
    """Write a picture per input: the input, its reconstruction, and a map of the error."""
    from kerasae import plots

    highest, done = None, 0
    names = [inputs.names[row] for row in rows]
    settings = {"overwrite": arguments.overwrite, "sources": inputs.files, "report": sys.stderr}
    with outputs.opened(arguments.map, "maps", names, {"": outputs.Folder}, **settings) as folder:
        for piece in inputs.pieces(rows):
            x_hat = entry.model.reconstruct(piece.x, **piece.given)
            # All pictures use the same scale, so they can be compared.
            highest = highest or float(np.quantile(np.square(piece.x - x_hat).mean(axis=-1), 0.99)) or 1.0
            for i, name in enumerate(piece.names):
                value = found[done + i : done + i + 1] if entry.detector is not None else None
                one = slice(i, i + 1)
                figure = plots.anomaly(
                    piece.x[one], x_hat[one], value, highest=highest, value_range=entry.value_range, title=name
                )
                folder.save(name, figure.savefig)
            done += len(piece)
