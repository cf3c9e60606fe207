"""Write entries of the zoo, completely or not at all. Files that kerasae did not write are never removed."""

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kerasae import files
from kerasae.files import CONFIG, METADATA, WEIGHTS
from kerasae.zoo import store
from kerasae.zoo.cards import FORMAT
from kerasae.zoo.store import EXTRA, FILES, GOLDEN, PREVIEW

if TYPE_CHECKING:
    import numpy as np


def write(
    directory: str | Path,
    model,
    card: Mapping,
    preview,
    *,
    extra: Mapping[str, Mapping[str, "np.ndarray"]] | None = None,
    replace_shipped: bool = False,
) -> None:
    """Write an entry, completely or not at all.

    An existing entry is replaced only if kerasae wrote all its files and they are unchanged. It is first moved aside,
    restored if anything fails, and removed at the end.

    Args:
        directory: Directory of the entry. Parent directories are created.
        model: A `kerasae.models.Autoencoder`. Its config and its weights are written, not its optimizer's state.
        card: The card, a `zoo.cards.Card` or a mapping. The format and the checksums of the files are added here.
        preview: Picture of the entry, a matplotlib Figure.
        extra: Optional files, each a dict of named arrays; their names must be in `store.EXTRA` (`detector.npz`).
        replace_shipped: Whether to allow the directory of the pretrained entries; for maintainers.

    Raises:
        FileExistsError: If the directory exists and is not an entry, or has files that kerasae did not write.
        ValueError: If the directory is inside that of the pretrained entries and `replace_shipped` is False, or an
            optional file has an unknown name or arrays that are not numbers.
        OSError: If the files cannot be written, for example on a full disk.
    """
    check_target(directory, replace_shipped)
    _check_extra(extra or {})
    _write_whole(directory, lambda partial: _write_files(partial, model, card, preview, extra or {}))


def copy(source: Path, directory: str | Path, names: Sequence[str]) -> None:
    """Copy the files of an entry, completely or not at all. Errors as for `write`; ValueError if a file has changed.

    Args:
        source: Directory of the entry.
        directory: As for `write`.
        names: Names of its files, as `store.check_files` returns them.
    """

    def copied(partial: Path) -> None:
        for name in names:
            shutil.copyfile(source / name, partial / name)
        store.check_files(partial, dict.fromkeys(FILES, files.MAX_WEIGHTS_FILE))

    check_target(directory)
    _write_whole(directory, copied)


def replace_preview(directory: str | Path, preview, replace_shipped: bool = False) -> None:
    """Give an entry another picture, completely or not at all. Its other files and its card stay as they are.

    Args:
        directory, preview, replace_shipped: As for `write`.

    Raises:
        FileExistsError, ValueError, OSError: As for `write`.
    """
    directory = Path(directory)
    check_target(directory, replace_shipped)
    metadata = store.read_card(directory)

    def replaced(partial: Path) -> None:
        for name in metadata["files"]:
            shutil.copyfile(directory / name, partial / name)
        _write_preview(partial, preview)
        checksums = metadata["files"] | {PREVIEW: files.file_sha256(partial / PREVIEW)}
        (partial / METADATA).write_bytes(_json(metadata | {"files": checksums}))

    _write_whole(directory, replaced)


def _write_preview(directory: Path, preview) -> None:
    from kerasae.plots.style import png

    content = png(preview, colors=64, tolerance=1.5, metadata={"Software": None})
    (directory / PREVIEW).write_bytes(content)


def _write_whole(directory: str | Path, fill: Callable[[Path], None]) -> None:
    """Call `fill` with a new temporary directory, then move that directory to its place."""
    directory, partial = Path(directory).resolve(), None
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        fill(partial)
        partial.chmod(0o755)
        _put_in_place(partial, directory)
    except OSError as error:
        outcome = " ".join(getattr(error, "__notes__", ["Nothing was changed."]))
        raise OSError(
            f"directory must be one that the entry can be written to. Writing {directory} failed: "
            f"{files.brief(error)}. {outcome} Make room or choose another directory, and try again."
        ) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _check_extra(extra: Mapping[str, Mapping]) -> None:
    import numpy as np

    for name, arrays in extra.items():
        if name not in EXTRA:
            raise ValueError(f"extra must name files of {', '.join(EXTRA)}. Received: {name!r}.")
        for key, array in arrays.items():
            if np.asarray(array).dtype.kind not in "biuf":
                raise ValueError(f"extra must contain arrays of numbers. Received: {key!r} in {name!r}.")


def check_target(directory: str | Path, replace_shipped: bool = False) -> None:
    """Raise the error that `write` would raise for this directory. Call it before a long training.

    Args:
        directory, replace_shipped: As for `write`.

    Raises:
        FileExistsError, ValueError: As for `write`.
    """
    directory = Path(directory).resolve()
    shipped = store.root().resolve()
    if not replace_shipped and (directory == shipped or shipped in directory.parents):
        raise ValueError(
            f"directory must not be that of the pretrained entries. Received: {directory}. Choose another directory."
        )
    if not os.path.lexists(directory):
        return
    try:
        metadata = store.read_card(directory)
    except ValueError as error:
        raise FileExistsError(
            f"directory must be new or an entry that kerasae wrote. {directory} exists and is not a zoo entry: {error} "
            "Nothing was changed. Choose another directory, or move this one away."
        ) from error
    if foreign := _foreign(directory, metadata):
        raise FileExistsError(
            f"{directory} has files that kerasae did not write, or that were changed: {', '.join(foreign)}. "
            "Nothing was changed. Choose another directory, or move these files away."
        )


def _foreign(directory: Path, metadata: dict) -> list[str]:
    """Names of files and folders in an entry's directory that are not files described by its card."""

    def is_own(path: Path) -> bool:
        if path.is_symlink() or not path.is_file():
            return False
        if path.name == METADATA:
            return True
        if path.name not in FILES or path.name not in metadata["files"]:
            return False
        return files.file_sha256(path) == metadata["files"][path.name]

    return sorted(path.name for path in directory.iterdir() if not is_own(path))


def _write_files(directory: Path, model, card: Mapping, preview, extra: Mapping) -> None:
    """Write the files of an entry, the card last."""
    import keras
    import numpy as np

    from kerasae import metrics

    config = keras.saving.serialize_keras_object(model)
    (directory / CONFIG).write_bytes(_json(config))
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    files.save_weights(bare, directory / WEIGHTS)
    files.store_in_planes(directory / WEIGHTS)
    _write_preview(directory, preview)
    golden = {key: np.asarray(value, "float32") for key, value in metrics.golden_outputs(model).items()}
    for name, arrays in {GOLDEN: golden, **extra}.items():
        with open(directory / name, "wb") as file:
            np.savez(file, **{key: np.asarray(array) for key, array in arrays.items()})  # type: ignore[arg-type]
    names = [name for name in FILES if name != METADATA and (directory / name).exists()]
    checksums = {name: files.file_sha256(directory / name) for name in names}
    (directory / METADATA).write_bytes(_json({"format": FORMAT, **card, "files": checksums}))


def _json(content: dict) -> bytes:
    """Encode JSON with the same bytes on every operating system."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _put_in_place(partial: Path, directory: Path) -> None:
    """Move a complete entry to its directory. If that fails, restore the older entry."""
    if not directory.exists():
        os.replace(partial, directory)
        return
    aside = partial.with_name(f"{partial.name}-old")
    os.replace(directory, aside)
    try:
        os.replace(partial, directory)
    except BaseException as error:
        try:
            os.replace(aside, directory)
        except OSError:
            error.add_note(f"The previous entry is complete in {aside}.")
        raise
    _remove(aside)


def _remove(directory: Path) -> None:
    """Remove an old entry file by file. Files that were added meanwhile stay, with a warning."""
    try:
        for name in FILES:
            with contextlib.suppress(FileNotFoundError):
                (directory / name).unlink()
        directory.rmdir()
    except OSError as error:
        warnings.warn(
            f"The new entry is in place. Remaining files of the previous one are in {directory}: {error}.", stacklevel=4
        )
