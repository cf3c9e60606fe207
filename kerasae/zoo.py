"""The shipped entries: their names, their cards, their models. The only module that knows an entry's files.

An entry is a directory in the layout of Keras's presets: `config.json` (the serialised model),
`model.weights.h5`, `metadata.json` (the card) and `preview.png`.
"""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from kerasae import _checks

CONFIG, WEIGHTS, METADATA, PREVIEW = "config.json", "model.weights.h5", "metadata.json", "preview.png"
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


def load(name: str | Path, weights: str | Path | None = SHIPPED):
    """An entry's model, compiled, on the backend in use.

    Args:
        name: Of a shipped entry, or the directory of another that `kerasae train` has written.
        weights: The entry's own unless given: None for an untrained model, or the path of a
            `.weights.h5` file.

    Returns:
        A `kerasae.models.Autoencoder`.

    Raises:
        ValueError: No such entry; files that are damaged or not the ones its card describes;
            weights of another model.
        FileNotFoundError: No such weights file.

    >>> load("dense_mnist").code_shape
    (16,)
    """
    directory = _directory(name)
    metadata = _read_card(directory)
    model = _build(_verified(directory, CONFIG, metadata))
    if weights == SHIPPED:
        _verified(directory, WEIGHTS, metadata)
        load_weights(model, directory / WEIGHTS)
    elif weights is not None:
        load_weights(model, weights)
    return model


def load_weights(model, path: str | Path) -> None:
    """Load a `.weights.h5` file that holds exactly the model's weights, or leave the model as it was.

    Keras itself passes over variables that a file has too many. The optimiser's state, where a file
    has one, is not loaded: for that there are `.keras` files.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a weights file, a damaged one, or the weights of another model.
    """
    import numpy as np

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No weights file at {path}. Expected a file that model.save_weights has written.")
    if not path.name.endswith(".weights.h5"):
        raise ValueError(
            f"Weights are read from a .weights.h5 file. Received: {path}."
            + (" For a whole model: keras.saving.load_model." if path.suffix == ".keras" else "")
        )
    found, expected = _shapes(path), _expected_shapes(model)
    if found != expected:
        raise ValueError(f"{path} holds the weights of another model; none were loaded. {_difference(expected, found)}")
    before = model.get_weights()
    try:
        bare = type(model).from_config(model.get_config())  # without optimiser, whose state stays out of this
        bare.load_weights(path)
        loaded = bare.get_weights()
        if not all(np.isfinite(array).all() for array in loaded):
            raise ValueError("It holds NaN or infinity.")
        model.set_weights(loaded)
    except Exception as error:
        model.set_weights(before)
        raise ValueError(f"{path} is damaged; no weights were loaded. {error}") from error


def verify(name: str | Path) -> float:
    """Recompute an entry's golden outputs on the backend in use.

    Returns:
        The largest difference from the outputs on its card, over `max(1, largest value)`.

    Raises:
        ValueError: As for `load`.
    """
    import numpy as np

    from kerasae import evaluation

    outputs = evaluation.golden_outputs(load(name))
    golden = card(name)["golden"]
    return max(
        float(np.max(np.abs(outputs[key] - np.asarray(value))) / max(1.0, np.max(np.abs(value))))
        for key, value in golden.items()
    )


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

    from kerasae import evaluation

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
        golden = evaluation.golden_outputs(model)
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
    package = Path(__file__).parent
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
    try:
        metadata = json.loads((directory / METADATA).read_text())
        if not all(isinstance(metadata["files"][name], str) for name in (CONFIG, WEIGHTS)):
            raise KeyError("files")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{directory / METADATA} is damaged: {error!r}. Install kerasae or the entry again."
        ) from error
    return metadata


def _dumps(card: dict) -> str:
    """The card as JSON that reads well: a line a fact, but the arrays of golden outputs a line each."""
    golden = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in card["golden"].items())
    facts = json.dumps({key: value for key, value in card.items() if key != "golden"}, indent=1, ensure_ascii=False)
    return f'{facts[:-2]},\n "golden": {{\n{golden}\n }}\n}}\n'


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verified(directory: Path, name: str, metadata: dict) -> Path:
    """The path of one of an entry's files, if it is the file that the card describes."""
    path = directory / name
    if not path.exists():
        raise ValueError(f"{path} is missing. Install kerasae or the entry again.")
    if _sha256(path) != metadata["files"][name]:
        raise ValueError(
            f"{path} is not the file its card describes (SHA-256 {_sha256(path)}, expected "
            f"{metadata['files'][name]}). Install kerasae or the entry again."
        )
    return path


def _build(path: Path):
    import keras

    from kerasae import models

    try:
        model = keras.saving.deserialize_keras_object(json.loads(path.read_text()), safe_mode=True)
    except Exception as error:
        raise ValueError(f"{path} does not describe a model of kerasae's: {error}") from error
    if not isinstance(model, models.Autoencoder):
        raise ValueError(f"{path} describes a {type(model).__name__}, expected a model of kerasae's.")
    return model


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Path and shape of every array in a weights file, the optimiser's left out."""
    import h5py

    shapes = {}

    def visit(group, prefix: str) -> None:
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{path} has a link at {prefix}{key}, which weights files don't have.")
            item = group[key]
            if isinstance(item, h5py.Group):
                visit(item, f"{prefix}{key}/")
            else:
                shapes[prefix + key] = tuple(item.shape)

    try:
        with h5py.File(path) as file:
            visit(file, "")
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} can't be read as a weights file: {error}") from error
    return {key: shape for key, shape in shapes.items() if not key.startswith("optimizer/")}


def _expected_shapes(model) -> dict[str, tuple[int, ...]]:
    """What `_shapes` would find in the model's own weights file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, WEIGHTS)
        model.save_weights(path)
        return _shapes(path)


def _difference(expected: dict, found: dict) -> str:
    """The first few ways in which two sets of arrays differ."""
    notes = [f"{key}: expected shape {expected[key]}, missing" for key in expected if key not in found]
    notes += [f"{key}: shape {found[key]}, not expected" for key in found if key not in expected]
    notes += [
        f"{key}: expected shape {expected[key]}, received {found[key]}"
        for key in expected
        if key in found and expected[key] != found[key]
    ]
    more = f" (and {len(notes) - 3} more)" if len(notes) > 3 else ""
    return "; ".join(notes[:3]) + more
