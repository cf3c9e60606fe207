"""Write generated files only if they change, so that Sphinx reads only those anew."""

import shutil
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Write a file, and its directory, unless it has this content already."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)


def keep_only(directory: Path, names: set[str]) -> None:
    """Remove what an earlier build wrote and this one does not."""
    for path in directory.iterdir():
        if path.name not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
