"""Read untrusted `.npy` and `.npz` files.

NumPy's own reader allocates any size that a header states, and raises many types of errors for damaged files. This one
never unpickles, never allocates more memory than the array's bytes in the file, and raises only ValueErrors that name
the file.
"""

import io
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from kerasae.files import reading

if TYPE_CHECKING:
    import numpy as np

_MAX_EXPANSION = 1032  # largest compression factor of deflate
_MAX_EXPANDED = 2**32  # largest total size of compressed members after expansion, in bytes
_MAX_MEMBERS = 1000


def read_array(path: Path) -> "np.ndarray":
    """Read a `.npy` file of numbers.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is damaged, has another format, or contains Python objects.
    """
    arrays = _read(path)
    if list(arrays) != [""]:
        raise ValueError(f"{path} must be a .npy file with one array. Received an .npz file with {_some(arrays)}.")
    return arrays[""]


def read_arrays(path: Path) -> dict[str, "np.ndarray"]:
    """Read an `.npz` file of numbers as a dict of arrays. Errors as for `read_array`."""
    arrays = _read(path)
    if "" in arrays:
        raise ValueError(f"{path} must be an .npz file with named arrays. Received a .npy file with one array.")
    return arrays


def parse_arrays(content: bytes, source: str | Path) -> dict[str, "np.ndarray"]:
    """Read the content of an `.npz` file as a dict of arrays; a `.npy` file gives one array with the name `""`.

    Raises:
        ValueError: As for `read_array`.
    """
    try:
        if content.startswith(b"\x93NUMPY"):
            return {"": _array(content)}
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            _check_members(members, len(content))
            return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
    except Exception as error:  # zipfile, zlib and numpy.lib.format raise many types for damaged files
        raise ValueError(
            f"{source} must be a .npy or .npz file of numbers. It can't be read: {reading.brief(error)}. "
            "Save it again with np.save or np.savez."
        ) from error


def _read(path: Path) -> dict[str, "np.ndarray"]:
    if not Path(path).exists():
        raise FileNotFoundError(f"No file at {path}. Expected a .npy or .npz file.")
    try:
        content = reading.read_bytes(Path(path), reading.MAX_ARRAYS)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {reading.brief(error)}.") from error
    return parse_arrays(content, path)


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    """Raise ValueError if the members are invalid or would take too much memory after expansion."""
    names = [member.filename for member in members]
    if not names or len(names) > _MAX_MEMBERS or len(set(names)) < len(names):
        raise ValueError(f"expected 1 to {_MAX_MEMBERS} arrays of different names, received {len(names)} members")
    for member in members:
        if not member.filename.endswith(".npy"):
            raise ValueError(f"expected .npy members only, received {member.filename[:100]!r}")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{member.filename} is neither stored nor deflated")
        is_stored = member.compress_type == zipfile.ZIP_STORED
        factor = 1 if is_stored else _MAX_EXPANSION
        if member.compress_size > size or member.file_size > member.compress_size * factor:
            raise ValueError(f"{member.filename} claims {member.file_size:,} bytes, more than the file can hold")
    total = sum(member.file_size for member in members)
    most = max(size, min(size * _MAX_EXPANSION, _MAX_EXPANDED))  # members may overlap in a hostile file
    if total > most:
        raise ValueError(f"its arrays take {total:,} bytes, expected at most {most:,}")


def _array(content: bytes) -> "np.ndarray":
    """Read the content of a `.npy` file. The array uses the memory of `content` until it is copied in the last line."""
    import numpy as np
    from numpy.lib import format as npy

    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"expected version 1.0 or 2.0 of the .npy format, received {version}")
    shape, is_fortran, dtype = readers[version](stream)
    if dtype.hasobject or dtype.kind not in "biufc":
        raise ValueError(f"expected an array of numbers, received type {dtype}")
    data = memoryview(content)[stream.tell() :]
    count = math.prod(shape)
    if any(n < 0 for n in shape) or count * dtype.itemsize != len(data):
        raise ValueError(f"shape {shape} of {dtype} takes {count * dtype.itemsize:,} bytes, received {len(data):,}")
    array = np.frombuffer(data, dtype, count) if count else np.empty(0, dtype)
    return array.reshape(shape, order="F" if is_fortran else "C").copy()


def _some(names) -> str:
    return ", ".join(map(repr, names))[:200]
