"""Write results of commands as pictures, folders of pictures, animations or arrays, for all commands.

The suffix of `--out` selects the kind. Files are first written to a temporary directory beside their place and moved
when they are complete.
"""

import contextlib
import csv
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

ARRAYS = (".npy", ".npz", ".csv")
COLUMNS = 10  # default number of pictures per row of a grid
_SHOWN = 100  # most pictures in a grid
Rows = Mapping[str, np.ndarray]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file to; it is moved to `path` if there is no error, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as partial:
        yield Path(partial, path.name)
        os.replace(Path(partial, path.name), path)


def check_new(path: Path, overwrite: bool = False, sources: Collection[Path] = ()) -> None:
    """Raise FileExistsError if `path` exists and `overwrite` is False, or it is one of the inputs `sources`."""
    if not path.exists():
        return
    if path.resolve() in sources:
        raise FileExistsError(f"{path} is one of the inputs. Choose another path with --out.")
    if path.is_dir() or not overwrite:
        way_out = "." if path.is_dir() else ", or replace the file with --overwrite."
        raise FileExistsError(f"{path} exists. Choose another path with --out{way_out}")


class Output:
    """Base class of all kinds of output: `add` takes results piece by piece, `finish` writes them.

    Args:
        path: Path of the file or folder.
        value_range: Range of the values from black to white.
        columns: Number of pictures per row of a grid.
        header: Names of the columns of a CSV file. Default: numbered names.
        sources: Paths of the inputs, which are never replaced. If there are any, CSV files have a column `file`.
        overwrite: Whether to replace existing files.

    Attributes:
        n: Number of results so far.
        most: Largest number of results that are written, or None.
        hint: How to write more results, for a message.
    """

    most: int | None = None
    hint = ""

    def __init__(self, path, value_range=(0.0, 1.0), columns=COLUMNS, header=None, sources=(), overwrite=False):
        self.path, self.value_range, self.columns, self.header = path, value_range, columns, header
        self.sources, self.overwrite, self.n = {source.resolve() for source in sources}, overwrite, 0
        self._names: list[str] = []
        self._pieces: list[Rows] = []

    def check(self, names: Sequence[str]) -> None:
        """Raise FileExistsError if results with these names cannot be written. Called before any work is done."""
        check_new(self.path, self.overwrite, self.sources)

    def add(self, names: Sequence[str], rows: Rows) -> None:
        """Add the results of some inputs.

        Args:
            names: Name of each input.
            rows: Named arrays `(n, ...)`; the last one has the results, the others are drawn above it.
        """
        self._names.extend(names)
        self._pieces.append(rows)
        self.n += len(names)

    def save(self, name: str, write: Callable[[Path], object]) -> None:
        """Write the picture of one input with the function `write` of its path. Only for folders."""
        raise NotImplementedError

    def finish(self) -> None:
        """Write all results."""
        with replacing(self.path) as partial:
            self._write(partial)

    def discard(self) -> None:
        """Remove temporary files."""

    def _write(self, path: Path) -> None:
        raise NotImplementedError

    def _rows(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate([piece[name] for piece in self._pieces]) for name in self._pieces[0]}

    def _last(self) -> tuple[str, np.ndarray]:
        return list(self._rows().items())[-1]


class ArrayFile(Output):
    """Results (without the rows drawn above them) as a `.npy`, `.npz` or `.csv` file."""

    def add(self, names, rows):
        super().add(names, dict(list(rows.items())[-1:]))

    def _write(self, path):
        name, values = self._last()
        if path.suffix == ".npy":
            np.save(path, values)
        elif path.suffix == ".npz":
            np.savez_compressed(path, **{name: values})  # type: ignore[arg-type]
        else:
            flat = values.reshape(len(values), -1)
            header = list(self.header or (f"{name} {i}" for i in range(flat.shape[1])))
            if self.sources:
                table(path, ["file", *header], ([n, *row] for n, row in zip(self._names, flat, strict=True)))
            else:
                table(path, header, flat)


class Grid(Output):
    """One picture of up to 100 results: samples row by row, or inputs above their results."""

    most, hint = _SHOWN, " `--out FOLDER` writes one picture per result."

    def add(self, names, rows):
        room = max(0, _SHOWN - self.n)
        super().add(names[:room], {name: values[:room] for name, values in rows.items()})

    def _write(self, path):
        from kerasae import plots

        rows = self._rows()
        if len(rows) == 1:
            figure = plots.samples(self._last()[1], self.columns, value_range=self.value_range)
        else:
            lines = range(0, self.n, self.columns)
            parts = ({name: x[i : i + self.columns] for name, x in rows.items()} for i in lines)
            drawn = [plots.rows(part, value_range=self.value_range) for part in parts]
            figure = drawn[0] if len(drawn) == 1 else plots.stacked(drawn)
        figure.savefig(path)


class Animation(Output):
    """Results as the frames of a GIF, forward and back."""

    def _write(self, path):
        from kerasae import plots

        plots.animate(self._last()[1], path, pause=0, back=True, value_range=self.value_range)


class Folder(Output):
    """One PNG per result, named after its input. They are moved to the folder when all are written."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self._stage = Path()  # a temporary folder, once there is one
        self._targets: dict[str, str] = {}  # name of an input → that of its picture
        self._written: list[str] = []

    def check(self, names):
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"{self.path} exists and is not a folder. Choose another path with --out.")
        self._targets = dict(zip(names, picture_names(names), strict=True))
        for target in self._targets.values():
            check_new(self.path / target, self.overwrite, self.sources)

    def add(self, names, rows):
        for name, image in zip(names, as_pixels(list(rows.values())[-1], self.value_range), strict=True):
            self.save(name, _picture(image).save)

    def save(self, name, write):
        if self._stage == Path():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stage = Path(tempfile.mkdtemp(prefix=f".{self.path.name}-", dir=self.path.parent))
        path = self._stage / self._targets[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        self._written.append(self._targets[name])
        self.n += 1

    def finish(self):
        for name in self._written:
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._stage / name, self.path / name)

    def discard(self):
        if self._stage != Path():
            shutil.rmtree(self._stage, ignore_errors=True)


KINDS = {
    **dict.fromkeys(ARRAYS, ArrayFile),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".pdf", ".svg"), Grid),
    ".gif": Animation,
    "": Folder,
}


@contextlib.contextmanager
def opened(path: Path, what: str, names: Sequence[str], kinds=KINDS, report=None, **settings) -> Iterator[Output]:
    """Open the output for a path. It is written at the end if there is no error, and reported on standard output.

    Args:
        path: Path whose suffix selects the kind; without a suffix, a folder.
        what: Name of the results in the plural, for messages.
        names: Names of the results.
        kinds: Allowed suffixes, some of `KINDS`.
        report: Stream for the report, instead of standard output.
        **settings: As for `Output`.

    Raises:
        ValueError: If the suffix is not allowed.
        FileExistsError: If a file exists and is not to be overwritten.
    """
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix not in kinds:
        known = ", ".join(filter(None, kinds)) + (", or be a folder without a suffix" if "" in kinds else "")
        raise ValueError(f"--out must end in {known}, for {what} of this model. Received: {path}.")
    output = KINDS[suffix](path, **settings)
    output.check(names)
    try:
        yield output
        output.finish()
    finally:
        output.discard()
    print(f"{path}: {output.n:,} {what}", file=report)
    if output.n < len(names):
        print(f"Only {output.n:,} of {len(names):,} {what} are written.{output.hint}", file=sys.stderr)


def table(path: Path, header: Sequence[str], rows) -> None:
    """Write a CSV file. Numbers have all digits of their dtype."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def picture_names(names: Sequence[str]) -> list[str]:
    """Names of the result pictures: input names with the suffix `.png`, which is appended if names would coincide.

    >>> picture_names(["a.jpg", "b.jpg", "b.gif", "7"])
    ['a.png', 'b.jpg.png', 'b.gif.png', '7.png']
    """
    stems = [os.path.splitext(name)[0] for name in names]
    counts = Counter(stems)
    return [f"{name if counts[stem] > 1 else stem}.png" for name, stem in zip(names, stems, strict=True)]


def as_pixels(images: np.ndarray, value_range=(0.0, 1.0)) -> np.ndarray:
    """Convert images `(n, h, w, c)` from `value_range` to 8-bit pixels, clipped and rounded."""
    low, high = value_range
    return np.rint(255 * np.clip((np.asarray(images, "float64") - low) / (high - low), 0, 1)).astype("uint8")


def _picture(pixels: np.ndarray):
    from PIL import Image

    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
