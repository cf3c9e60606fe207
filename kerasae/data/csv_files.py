"""Read a CSV file of numbers. Errors name the line and column of a value that is not a number."""

import contextlib
import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from kerasae import _checks

_DELIMITERS = ",;\t"
_ENCODING = "utf-8-sig"  # UTF-8, with or without the byte order mark that Excel writes
_MISSING = {"", "na", "n/a", "nan", "null", "none", "?", "-"}


class CsvFile:
    """A CSV file with or without a header line.

    Args:
        path: Path of the file, in UTF-8.
        header: Whether the first line has names; None infers it as described in `table`.

    Attributes:
        name: The path, for descriptions.
        names: Names of the columns.
        first_is_nameless: Whether there is a header whose first name is empty.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no rows, repeats a column name, or is not UTF-8.
    """

    def __init__(self, path: Path, header: bool | None = None):
        if not path.is_file():
            raise FileNotFoundError(f"No file at {path}. Expected a CSV file. Check the path.")
        self.name, self._path = str(path), path
        with self._opened() as file:
            line = next((line for line in file if line.strip()), "")
        self._delimiter = max(_DELIMITERS, key=line.count)
        first, second = [*self._read(2), [], []][:2]
        header = _is_header(first, second) if header is None else header
        self._skipped = 1 if header else 0
        if not (second if header else first):
            raise ValueError(f"{path} must have rows of numbers. Received {'only a header' if first else 'none'}.")
        given = [cell.strip() for cell in first] if header else [""] * len(first)
        self.first_is_nameless = header and not given[0]
        self.names = [name or f"column {i + 1}" for i, name in enumerate(given)]
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"{path}: columns must have different names. Received: {', '.join(self.names)[:200]}.")

    def numbers(self, names: Sequence[str]) -> np.ndarray:
        """Read columns as float64 `(rows, columns)`. ValueError names the first value that is not a number."""
        used = [self.names.index(name) for name in names]
        all_used = used == list(range(len(self.names)))
        if not all_used:
            for _ in self._rows():
                pass  # checks the lengths of rows, which NumPy does not do with `usecols`
        try:
            with self._opened() as file:
                numbers = np.loadtxt(
                    file,
                    delimiter=self._delimiter,
                    skiprows=self._first_line() - 1,
                    usecols=None if all_used else used,
                    ndmin=2,
                    comments=None,
                    quotechar='"',
                )
        except ValueError:
            self._refuse(used)
            raise
        if not np.isfinite(numbers).all():
            self._refuse(used)
        return numbers

    def values(self, name: str) -> list[str]:
        """Read a column as text."""
        column = self.names.index(name)
        return [cells[column] for _, cells in self._rows()]

    @contextlib.contextmanager
    def _opened(self) -> Iterator[TextIO]:
        try:
            with open(self._path, encoding=_ENCODING, newline="") as file:
                yield file
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{self._path} must be text in UTF-8. Received other bytes ({error}). Save it again as UTF-8."
            ) from error
        except csv.Error as error:
            raise ValueError(f"{self._path} can't be read as a CSV file: {error}.") from error

    def _read(self, most: int) -> list[list[str]]:
        """The first `most` lines that are not empty."""
        return [cells for _, cells in zip(range(most), (cells for _, cells in self._lines()), strict=False)]

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        """Yield all lines that are not empty, each with its line number."""
        with self._opened() as file:
            reader = csv.reader(file, delimiter=self._delimiter)
            for cells in reader:
                if cells:
                    yield reader.line_num, cells

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield all lines below the header. ValueError if one has another number of values."""
        for i, (number, cells) in enumerate(self._lines()):
            if len(cells) != len(self.names):
                raise ValueError(
                    f"{self._path}: every line must have {len(self.names)} values. Received {len(cells)} in line "
                    f"{number}. Correct that line, or delete it."
                )
            if i >= self._skipped:
                yield number, cells

    def _first_line(self) -> int:
        return next(number for number, _ in self._rows())

    def _refuse(self, used: Sequence[int]) -> None:
        """Raise an error that names the first value that is not a number, if there is one."""
        first, count, columns = None, 0, set()
        for number, cells in self._rows():
            for column in used:
                if not _is_number(cells[column]):
                    first = first or (number, column, cells[column].strip())
                    count += 1
                    columns.add(column)
        if first is None:
            return
        number, column, cell = first
        received = "no value" if cell.lower() in _MISSING else repr(cell[:50])
        more = f" ({count:,} such values in {_checks.counted(len(columns), 'column')})" if count > 1 else ""
        raise ValueError(
            f"{self._path}: column {self.names[column]!r} must have numbers. Received {received} in line {number}"
            f"{more}. Fill in such values or delete their rows; leave a column out with columns=[...]; name a column "
            "of labels with label=..."
        )


def _is_header(first: Sequence[str], second: Sequence[str]) -> bool:
    texts = [not _is_number(cell) and cell.strip().lower() not in _MISSING - {""} for cell in first]
    below = [_is_number(cell) for cell in second]
    return bool(texts) and (all(texts) or any(t and b for t, b in zip(texts, below, strict=False)))


def _is_number(cell: str) -> bool:
    try:
        return "_" not in cell and math.isfinite(float(cell))
    except ValueError:
        return False
