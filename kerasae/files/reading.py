"""Read an untrusted file: open it once, and read at most a given number of bytes.

The file at a path can be replaced between two opens. The bytes that are validated must therefore be the bytes that are
used: either all are read into memory (`read_bytes`), or the file is copied to a directory that only this process writes
to (`private_copy`).
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MAX_JSON = 2**23  # bytes, as the limits below; cards of version 0.1 contain arrays
MAX_CONFIG = 2**20
MAX_ARRAYS = 2**33
MAX_WEIGHTS_FILE = 2**33

_CHUNK = 2**20
_MAX_MESSAGE = 600  # most characters of an error message


class DamagedFileError(ValueError, OSError):
    """A file that cannot be read. Also an OSError, for which Keras's `BackupAndRestore` tries its second file."""


def brief(error: BaseException) -> str:
    """Message of an error, shortened, since some errors quote a whole config or array."""
    text = str(error) or type(error).__name__
    return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]} ..."


@contextlib.contextmanager
def open_regular(path: Path, limit: int) -> Iterator[BinaryIO]:
    """Open a regular file of at most `limit` bytes for reading.

    Raises:
        ValueError: If the path is not a regular file (a pipe or a device could block forever), or the file is too
            large.
        OSError: If the file cannot be opened.
    """
    # Without O_NONBLOCK, opening a pipe would wait for a writer. Windows has neither the flag nor such pipes.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if os.path.isdir(path):  # Windows cannot open directories
        raise ValueError(f"{path} is not a regular file.")
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{path} is not a regular file.")
        if status.st_size > limit:
            raise ValueError(f"{path} must have at most {limit:,} bytes. Received {status.st_size:,} bytes.")
        yield file


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes. Errors as for `open_regular`."""
    with open_regular(path, limit) as file:
        content = file.read(limit + 1)
    if len(content) > limit:  # the file has grown since it was opened
        raise ValueError(f"{path} must have at most {limit:,} bytes. Received more.")
    return content


def sha256(content: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Path, limit: int = MAX_WEIGHTS_FILE) -> str:
    """SHA-256 of a regular file of at most `limit` bytes, in hexadecimal digits. Errors as for `open_regular`."""
    digest = hashlib.sha256()
    with open_regular(path, limit) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def private_copy(path: Path, name: str, limit: int = MAX_WEIGHTS_FILE) -> Iterator[tuple[Path, str]]:
    """Copy a file into a temporary directory of this process, which is removed afterwards.

    The copy is validated and used, so later changes of the original have no effect.

    Args:
        path: Path of the file.
        name: Name of the copy.
        limit: Largest size in bytes.

    Yields:
        Path of the copy, and SHA-256 of its content.

    Raises:
        ValueError, OSError: As for `open_regular`.
    """
    with tempfile.TemporaryDirectory(prefix="kerasae-") as directory:
        copy, digest, size = Path(directory, name), hashlib.sha256(), 0
        with open_regular(path, limit) as source, open(copy, "wb") as target:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > limit:
                    raise ValueError(f"{path} must have at most {limit:,} bytes. Received more.")
                digest.update(chunk)
                target.write(chunk)
        yield copy, digest.hexdigest()
