"""A progress bar on standard error."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Piece = TypeVar("Piece", bound=Sized)


def progress(pieces: Iterable[Piece], total: int) -> Iterator[Piece]:
    """Iterate over pieces, with a progress bar of `total` inputs if there is more than one piece."""
    import keras

    bar, done = None, 0
    for piece in pieces:
        yield piece
        done += len(piece)
        if bar is None and done < total:
            # If standard error is a file, print one line at the end instead of one per update.
            bar = keras.utils.Progbar(total, verbose=1 if sys.stderr.isatty() else 2, unit_name="input")
        if bar is not None:
            with contextlib.redirect_stdout(sys.stderr):
                bar.update(done)
