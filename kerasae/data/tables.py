"""Read tables of numbers from CSV files and data frames as standardized inputs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasae import _checks
from kerasae.data.csv_files import CsvFile
from kerasae.data.frames import Frame, is_frame
from kerasae.data.source import Source
from kerasae.preprocessing import TablePreprocessing


def table(what, label: str | None = None, columns: Sequence[str] | None = None, header: bool | None = None) -> Source:
    """Read a table of numbers and standardize its columns.

    Args:
        what: Path of a CSV file in UTF-8, with values separated by commas, semicolons or tabs; or a data frame with
            `columns` and `to_numpy`, such as those of pandas and polars.
        label: Name of the column of labels. Text labels become integers, and `class_names` lists their texts.
        columns: Names of the columns to use. Default: all but the label. In a file without a header, the columns are
            named `column 1`, `column 2`, ...
        header: Whether the first line of the file has names. Default: yes if none of its values is a number, or if one
            of them is text and the value below is a number.

    Returns:
        A `Source` whose `raw` are the values, float64 `(n, d)`, and whose `x` are the standardized values, float32;
        `preprocessing` has mean and standard deviation of each column. A column of row numbers without a name, as
        pandas writes it first, is left out.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there are no rows, a column is unknown, rows have different lengths, or a value is missing,
            infinite or text. The message names the column and the row.
    """
    found: Frame | CsvFile = Frame(what) if is_frame(what) else CsvFile(Path(what), header)
    for name in (*([] if label is None else [label]), *(columns or ())):
        if name not in found.names:
            raise _checks.unknown("column", name, found.names)
    used = list(columns) if columns else [name for name in found.names if name != label]
    if not used:
        raise ValueError(f"A table must have a column besides the label. Received: {', '.join(found.names)}.")
    raw, done = found.numbers(used), ["standardized"]
    if columns is None and found.first_is_nameless and len(used) > 1 and np.array_equal(raw[:, 0], np.arange(len(raw))):
        used, raw, done = used[1:], raw[:, 1:], [*done, "without the row numbers in the first column"]
    y: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    if label is not None:
        y, class_names = _labels(found.values(label), label)
        done.append(f"labels from {label!r}")
    size = f"{_checks.counted(len(raw), 'row')} of {_checks.counted(len(used), 'column')}"
    return Source(
        kind="table",
        description=f"{size} from {found.name}, {', '.join(done)}",
        raw=raw,
        preprocessing=TablePreprocessing.fitted(raw, used),
        y=y,
        class_names=class_names,
    )


def _labels(values: Sequence | np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Convert labels to numbers. If they are text, also return the names of the classes."""
    try:
        numbers = np.asarray(values, "float64")
    except (TypeError, ValueError):
        texts = [None if value is None else str(value).strip() for value in values]
        if not all(texts):
            row = next(i for i, text in enumerate(texts) if not text)
            raise ValueError(
                f"Every row must have a label. Received none in column {name!r}, row {row} (counted from 0)."
            ) from None
        names, y = np.unique(np.array(texts, str), return_inverse=True)
        return y.astype("int64"), tuple(map(str, names))
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise ValueError(f"Every row must have a label. Received none in column {name!r}, row {row} (counted from 0).")
    return (numbers.astype("int64") if (numbers == np.rint(numbers)).all() else numbers), ()
