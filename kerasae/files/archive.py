"""Read untrusted `.keras` files: zip files with exactly the three files that Keras writes, uncompressed."""

import contextlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from kerasae.files import reading

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
_MEMBERS = {CONFIG, METADATA, WEIGHTS}


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Unpack a `.keras` file into a temporary directory of this process, which is removed afterwards.

    Raises:
        ValueError: If the file is not a zip file, is damaged, or has other or compressed members.
    """
    with tempfile.TemporaryDirectory(prefix="kerasae-") as name:
        directory = Path(name)
        try:
            with reading.open_regular(path, reading.MAX_WEIGHTS_FILE) as file, zipfile.ZipFile(file) as packed:
                _check_members(packed.infolist(), os.fstat(file.fileno()).st_size)
                for member in _MEMBERS:
                    with packed.open(member) as source, open(directory / member, "wb") as target:
                        shutil.copyfileobj(source, target)  # compares the checksum at the end
        except Exception as error:  # zipfile raises many types for damaged files
            raise ValueError(f"{path} can't be read as a .keras file: {reading.brief(error)}") from error
        yield directory


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = sorted(member.filename for member in members)
    if names != sorted(_MEMBERS):
        raise ValueError(f"expected {', '.join(sorted(_MEMBERS))} in it, received {', '.join(names)[:200]}")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size > size:
            raise ValueError(f"{member.filename} must be stored uncompressed, as Keras does")
