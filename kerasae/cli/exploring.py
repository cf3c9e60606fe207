"""The command that writes a page to play with a model."""

from pathlib import Path

import numpy as np

from kerasae import explorer
from kerasae.cli import outputs
from kerasae.cli.inputs import Entry, Inputs, test_data

_MOST = 2000  # default number of points on the map


def explore(arguments) -> None:
    """Write the page of one model, or of two side by side."""
    entry = Entry(arguments.name)
    other = None if arguments.other is None else Entry(arguments.other)
    names = [one.name for one in (entry, other) if one is not None]
    out = arguments.out or Path(f"{'-'.join(names)}.html")
    outputs.check_new(out, arguments.overwrite)
    arguments.inputs = [arguments.data or test_data(entry, "shown")]
    arguments.n = arguments.n or _MOST
    inputs = Inputs(entry, arguments)
    piece = inputs.all()
    y = None if inputs.labels is None else np.asarray(inputs.labels)[piece.rows]
    path = explorer.page(
        entry.model,
        piece.x,
        piece.given.get("label", y),
        out,
        None if other is None else other.model,
        names=names,
        class_names=inputs.class_names or None,
        points=len(piece),
        bits=arguments.bits,
        overwrite=arguments.overwrite,
    )
    print(f"{path}: {' and '.join(names)} with {len(piece):,} inputs, {path.stat().st_size / 1e6:.2f} MB")
