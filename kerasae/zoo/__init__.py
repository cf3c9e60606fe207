"""The shipped entries: their names, their cards, their models. The only module that knows an entry's files.

`files` has what makes it safe to read them.

An entry is a directory in the layout of Keras's presets: `config.json` (the serialised model),
`model.weights.h5`, `metadata.json` (the card) and `preview.png`.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kerasae import _checks, files
from kerasae.files import CONFIG, METADATA, WEIGHTS

PREVIEW = "preview.png"
SHIPPED = "shipped"
TOLERANCE = 1e-5  # of `verify`: float32 rounding, in whatever order a backend adds


def names() -> list[str]:
    """The names of the shipped entries, in alphabetical order."""
    # Not the hidden directories: `save` works in one, and leaves it if it is killed.
    return sorted(path.parent.name for path in _root().glob(f"[!.]*/{METADATA}"))


def card(name: str | Path) -> dict:
    """What is known of an entry: figures and baselines, recipe, input contract, versions, checksums.

    Args:
        name: Of a shipped entry, or the directory of another.

    Raises:
        ValueError: There is no such entry, or its directory is not whole.
    """
    return _read_card(_directory(name))


@contextlib.contextmanager
def reading(name: str | Path) -> Iterator[dict]:
    """An entry's card, for what is read from it: whoever wrote it, it may lack a fact or have another in its place.

    Raises:
        ValueError: As for `card`; or what is read is not there, or not what `kerasae train` writes.
    """
    metadata = card(name)
    try:
        yield metadata
    except (KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"The card of {name} lacks what kerasae train writes, or has something else there: {error!r}"
        ) from error


def load(name: str | Path, weights: str | Path | None = SHIPPED):
    """An entry's model, compiled, on the backend in use; or that of a `.keras` file, checked as an entry is.

    Args:
        name: Of a shipped entry, or the directory of another that `kerasae train` has written, or the path
            of a `.keras` file that a model's `save` has written, whose optimiser's state is loaded too.
        weights: The entry's own unless given: None for an untrained model, or the path of a
            `.weights.h5` file.

    Returns:
        A `kerasae.models.Autoencoder`.

    Raises:
        ValueError: No such entry; files that are damaged, not the ones its card describes, or other
            than kerasae and Keras write them; weights of another model.
        FileNotFoundError: No such `.keras` file, or no such weights file.

    >>> load("dense_mnist").code_shape
    (16,)
    """
    if str(name).endswith(".keras"):
        if not Path(name).exists():
            raise FileNotFoundError(f"No file at {name}. Expected a .keras file that model.save has written.")
        with files.unpacked(Path(name)) as directory:
            return _loaded(directory / CONFIG, directory / WEIGHTS, weights, files.load_weights)
    directory = _directory(name)
    metadata = _read_card(directory)
    config, own = (_verified(directory, file, metadata) for file in (CONFIG, WEIGHTS))
    return _loaded(config, own, weights, load_weights)


def _loaded(config: Path, own: Path, weights: str | Path | None, load_own):
    """The model of a config, with its own weights, no file's (None) or others'."""
    model = _built(config, own, of_zeros=weights is not None)
    if weights == SHIPPED:
        load_own(model, own)
    elif weights is not None:
        load_weights(model, weights)
    return model


def _built(path: Path, weights: Path, of_zeros: bool):
    """The compiled model of a config whose sizes are those of the arrays in a weights file."""
    import keras

    config = files.read_json(path, files.MOST_OF_CONFIG)
    try:
        files.check_config(config)

        def build():
            return keras.saving.deserialize_keras_object(config | {"compile_config": None}, safe_mode=True)

        described, held = files.shapes_of(build), files.shapes_in(weights)
        if described != held:
            raise ValueError(
                f"its weights are not those in {weights.name}: of shapes {sorted(described - held)[:3]} it has more, "
                f"of {sorted(held - described)[:3]} fewer"
            )
        model = files.of_zeros(build) if of_zeros else build()
        if config.get("compile_config"):
            model.compile_from_config(config["compile_config"])
            model.compiled = True
    except Exception as error:
        raise ValueError(f"{path} does not describe a model of kerasae's: {files.brief(error)}") from error
    return model


def load_weights(model, path: str | Path) -> None:
    """Load a `.weights.h5` file that holds exactly the model's weights, or leave the model as it was.

    The optimiser's state, where a file has one, is not loaded: for that there are `model.load_weights`,
    which refuses the same files, and `.keras` files.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a weights file, a damaged one, or the weights of another model.
    """
    files.load_weights(model, path, objects_to_skip=[getattr(model, "optimizer", None)])


class Difference(NamedTuple):
    """How far a recomputed output is from the one on the card: the largest `|difference|`, and the tolerated one."""

    largest: float
    tolerance: float

    @property
    def is_tolerable(self) -> bool:
        """Whether it is within the tolerance."""
        return self.largest <= self.tolerance


def verify(name: str | Path) -> dict[str, Difference]:
    """Recompute an entry's golden outputs on the backend in use.

    Returns:
        For the `code`, the `reconstruction`, the code `decoded` by itself and, if variational, the
        `log_variance`: how far they are from those on the card. `TOLERANCE · max(1, largest value)` is tolerated.

    Raises:
        ValueError: As for `load`, or the card's outputs are not what the model could give.
    """
    import numpy as np

    from kerasae import metrics

    model = load(name)
    golden = _golden(card(name), metrics.golden_shapes(model), name)
    outputs = metrics.golden_outputs(model)
    given = metrics.given_to(model, np.arange(len(outputs["code"])))
    outputs["decoded"] = model.decode(outputs["code"], **given)
    golden["decoded"] = golden["reconstruction"]
    return {
        key: Difference(float(np.max(np.abs(outputs[key] - value))), TOLERANCE * max(1.0, float(np.max(np.abs(value)))))
        for key, value in golden.items()
    }


def _golden(metadata: dict, shapes: dict[str, tuple[int, ...]], name: str | Path) -> dict:
    """The golden outputs on a card as arrays of these shapes, before anything of the shapes is computed."""
    import numpy as np

    try:
        stated = metadata["golden"]
        arrays = {key: np.asarray(stated[key], "float64") for key in stated}
        found = {key: array.shape for key, array in arrays.items()}
        if found != shapes:
            raise ValueError(f"expected shapes {shapes}, received {found}")
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("expected numbers alone")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"The golden outputs on the card of {name} are not a model's: {files.brief(error)}") from error
    return arrays


def save(directory: str | Path, model, metadata: dict, preview) -> None:
    """Write an entry, whole or not at all.

    Args:
        directory: Where; replaced if it is an entry already.
        model: Its configuration and weights are written, its optimiser's state is not.
        metadata: The card. The checksums of the files and the golden outputs are added here.
        preview: A matplotlib Figure.

    Raises:
        FileExistsError: The directory exists and is no entry.
    """
    import keras

    from kerasae import metrics

    directory = Path(directory)
    if directory.exists() and not (directory / METADATA).exists():
        raise FileExistsError(f"{directory} exists and is no zoo entry: choose another place, or remove it.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        config = keras.saving.serialize_keras_object(model)
        (partial / CONFIG).write_text(json.dumps(config, indent=1) + "\n")
        bare = type(model).from_config(model.get_config())
        bare.set_weights(model.get_weights())
        bare.save_weights(partial / WEIGHTS)
        preview.savefig(partial / PREVIEW, dpi=100, metadata={"Software": None})
        golden = metrics.golden_outputs(model)
        card = metadata | {
            "files": {name: _sha256(partial / name) for name in (CONFIG, WEIGHTS, PREVIEW)},
            "golden": {key: value.astype("float64").round(7).tolist() for key, value in golden.items()},
        }
        (partial / METADATA).write_text(_dumps(card))
        partial.chmod(0o755)
        if directory.exists():
            shutil.rmtree(directory)
        os.replace(partial, directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _root() -> Path:
    """The directory of the entries: inside an installed package, beside `pyproject.toml` in a checkout."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "zoo"
    installed = package / "_entries"
    return installed if installed.is_dir() or not (package.parent / "pyproject.toml").exists() else checkout


def _directory(name: str | Path) -> Path:
    shipped = _root() / str(name)
    if str(name) in names():
        return shipped
    if os.sep in str(name) or isinstance(name, Path):
        if (Path(name) / METADATA).exists():
            return Path(name)
        raise ValueError(f"{name} is no zoo entry: expected a directory with {METADATA}, written by kerasae train.")
    raise _checks.unknown("zoo entry", str(name), names())


def _read_card(directory: Path) -> dict:
    metadata = files.read_json(_own(directory, METADATA))
    checksums = metadata.get("files")
    if not isinstance(checksums, dict) or not all(isinstance(checksums.get(name), str) for name in (CONFIG, WEIGHTS)):
        raise ValueError(
            f"{directory / METADATA} is damaged: it has no checksums of {CONFIG} and {WEIGHTS}. "
            "Install kerasae or the entry again."
        )
    return metadata


def _dumps(card: dict) -> str:
    """The card as JSON that reads well: a line a fact, but the arrays of golden outputs a line each."""
    golden = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in card["golden"].items())
    facts = json.dumps({key: value for key, value in card.items() if key != "golden"}, indent=1, ensure_ascii=False)
    return f'{facts[:-2]},\n "golden": {{\n{golden}\n }}\n}}\n'


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own(directory: Path, name: str) -> Path:
    """The path of one of an entry's files, if it is there and no link out of the directory."""
    path = directory / name
    if not path.is_file():
        raise ValueError(f"{path} is missing. Install kerasae or the entry again.")
    # An installer may link what is shipped to where it keeps it.
    if directory.parent != _root() and path.resolve().parent != directory.resolve():
        raise ValueError(f"{path} is a link to {path.resolve()}, expected a file of the entry itself.")
    return path


def _verified(directory: Path, name: str, metadata: dict) -> Path:
    """The path of one of an entry's files, if it is the file that the card describes."""
    path = _own(directory, name)
    if _sha256(path) != metadata["files"][name]:
        raise ValueError(
            f"{path} is not the file its card describes (SHA-256 {_sha256(path)}, expected "
            f"{metadata['files'][name]}). Install kerasae or the entry again."
        )
    return path
