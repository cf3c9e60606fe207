"""Entries of the zoo on disk: their names, cards and models.

An entry is a directory in the layout of Keras's presets: `config.json` (the serialized model), `model.weights.h5`,
`metadata.json` (the card), `golden.npz` (outputs to compare a backend with), `preview.png` and, in the entry of an
outlier detector, `detector.npz` (its arrays).
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from kerasae import _checks, files
from kerasae.files import CONFIG, METADATA, WEIGHTS
from kerasae.zoo.cards import FORMAT, Card

GOLDEN, PREVIEW, DETECTOR = "golden.npz", "preview.png", "detector.npz"
EXTRA = (DETECTOR,)  # optional files of an entry
FILES = (METADATA, CONFIG, WEIGHTS, GOLDEN, PREVIEW, *EXTRA)
SHIPPED, HUB = "shipped", "hf://"
_MAX_EXTRA = 2**30  # largest size of an optional file in bytes


def names(directory: str | Path | None = None) -> list[str]:
    """List the names of entries in alphabetical order.

    Args:
        directory: Directory that contains the directories of entries, such as `entries`, where `kerasae train` writes
            them. Default: the pretrained entries in the package.

    Raises:
        FileNotFoundError: If there is no such directory.
    """
    place = root() if directory is None else Path(directory)
    if directory is not None and not place.is_dir():
        raise FileNotFoundError(f"directory must be a folder of entries. There is none at {place}. Check the path.")
    # Hidden directories may be left from an interrupted `write`.
    return sorted(path.parent.name for path in place.glob(f"[!.]*/{METADATA}"))


def card(name: str | Path) -> Card:
    """Read the card of an entry: figures and baselines, recipe, input contract, versions, checksums.

    Args:
        name: Name of a pretrained entry in the package, path of an entry's directory, or `hf://user/name`.

    Raises:
        ValueError: If there is no such entry, its directory is incomplete, or a field of the card is damaged.
    """
    return Card.from_json(read_card(directory_of(name)), str(name))


@contextlib.contextmanager
def reading(name: str | Path) -> Iterator[Card]:
    """Read a card in a `with` statement. A fact that the code inside uses and the card lacks is a clear error.

    Raises:
        ValueError: If code in the context uses a fact that is missing or of a wrong type; otherwise as for `card`.
    """
    metadata = card(name)
    try:
        yield metadata
    except (KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"The card of {name} must have the facts that kerasae train writes. One is missing or of another kind: "
            f"{error!r}"
        ) from error


def load(name: str | Path, weights: str | Path | None = SHIPPED, input_shape: tuple[int, ...] | None = None):
    """Load the compiled model of an entry.

    Args:
        name: Name of a pretrained entry in the package; path of an entry's directory, written by `kerasae train` or
            `zoo.save`; `hf://user/name` of an entry on the Hugging Face hub; or path of a `.keras` file, written by
            `model.save`. A `.keras` file is validated like an entry and also has the optimizer's state.
        weights: Path of a `.weights.h5` file, or None for an untrained model. Default: the pretrained weights.
        input_shape: Shape of one input, for models that take other input sizes: see `Autoencoder.with_input_shape`.
            Figures on the card hold for the original size.

    Returns:
        A `kerasae.models.Autoencoder`.

    Raises:
        ValueError: If there is no such entry, its files are damaged, do not match the card, or have content that
            kerasae and Keras do not write; or the weights belong to another model or do not fit `input_shape`.
        FileNotFoundError: If there is no such `.keras` file or weights file.

    >>> load("dense_mnist").code_shape
    (16,)
    >>> load("conv_mnist", input_shape=(64, 64, 1)).code_shape
    (16, 16, 1)
    """
    model = _loaded(name, weights)
    return model if input_shape is None else model.with_input_shape(input_shape)


def _loaded(name: str | Path, weights: str | Path | None):
    """Load a model with its original input size."""
    if str(name).endswith(".keras"):
        if not Path(name).exists():
            raise FileNotFoundError(f"No file at {name}. Expected a .keras file that model.save has written.")
        with files.unpacked(Path(name)) as unpacked:
            config = files.read_bytes(unpacked / CONFIG, files.MAX_CONFIG)
            return _model(config, unpacked / WEIGHTS, weights, Path(name))
    directory = directory_of(name)
    metadata = read_card(directory)
    config = read_file(directory, CONFIG, metadata, files.MAX_CONFIG)
    path = _inside(directory, WEIGHTS)
    with files.private_copy(path, WEIGHTS) as (copy, digest):
        _check_digest(path, digest, metadata)
        return _model(config, copy, weights, directory, without_optimizer=True)


def extra_arrays(name: str | Path, file: str = DETECTOR) -> dict:
    """Read an optional file of an entry as a dict of arrays.

    Args:
        name: As for `load`, without `.keras` files.
        file: One of `EXTRA`.

    Raises:
        ValueError: If there is no such entry, or the file is missing, damaged or does not match the card.
    """
    if file not in EXTRA:
        raise ValueError(f"file must be one of {', '.join(EXTRA)}. Received: {file!r}.")
    directory = directory_of(name)
    content = read_file(directory, file, read_card(directory), _MAX_EXTRA)
    return files.parse_arrays(content, directory / file)


def load_weights(model, path: str | Path) -> None:
    """Load a `.weights.h5` file that has exactly the model's weights. If that fails, the model is unchanged.

    The optimizer's state in the file is not loaded (`model.load_weights` loads it).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a weights file, is damaged, or has the weights of another model.
    """
    files.load_weights(model, path, **_skip_optimizer(model))


def root() -> Path:
    """Directory of the pretrained entries: in an installed package, or `zoo` beside `pyproject.toml` in a checkout."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "zoo"
    installed = package / "_entries"
    return installed if installed.is_dir() or not (package.parent / "pyproject.toml").exists() else checkout


def directory_of(name: str | Path) -> Path:
    """Find the directory of an entry by name, path, or `hf://user/name` (which is downloaded to the cache).

    Raises:
        ValueError: If there is no such entry.
    """
    if str(name) in names():
        return root() / str(name)
    if str(name).startswith(HUB):
        from kerasae.zoo import hub

        return hub.fetch(str(name))
    path = Path(name)
    if os.path.isfile(path / METADATA):
        return path
    if isinstance(name, Path) or len(path.parts) > 1 or os.path.isdir(path):
        raise ValueError(f"{name} is not a zoo entry: expected a directory with {METADATA}, written by kerasae train.")
    unknown = _checks.unknown("zoo entry", str(name), names())
    raise ValueError(f"{unknown} There is no directory {str(name)[:100]!r} with {METADATA} here either.")


def read_card(directory: Path) -> dict:
    """Read `metadata.json` of a directory as a dict. ValueError if it is damaged or of a later version."""
    metadata = files.read_json(_inside(directory, METADATA))
    checksums = metadata.get("files")
    if not isinstance(checksums, dict) or not all(isinstance(checksums.get(name), str) for name in (CONFIG, WEIGHTS)):
        raise ValueError(
            f"{directory / METADATA} is damaged: it has no checksums of {CONFIG} and {WEIGHTS}. "
            "Install kerasae or the entry again."
        )
    if metadata.get("format", FORMAT) != FORMAT:
        raise ValueError(
            f"{directory / METADATA} must have format {FORMAT}. Received format {str(metadata['format'])[:100]!r}. "
            "A later version of kerasae has written it: upgrade kerasae."
        )
    return metadata


def check_files(directory: Path, limits: Mapping[str, int]) -> list[str]:
    """Verify the files of an entry against its card, and return their names.

    Args:
        directory: Directory of the entry.
        limits: Largest size in bytes of each allowed file.

    Raises:
        ValueError: If the card is damaged, or a file is missing, too large, not allowed or does not match the card.
    """
    metadata = read_card(directory)
    Card.from_json(metadata, str(directory))
    for name in metadata["files"]:
        if name not in limits or name == METADATA:
            raise ValueError(
                f"{directory / METADATA} lists {str(name)[:100]!r}, expected files of {', '.join(limits)}."
            )
        path = _inside(directory, name)
        _check_digest(path, files.file_sha256(path, limits[name]), metadata)
    return [METADATA, *metadata["files"]]


def read_file(directory: Path, name: str, metadata: dict, limit: int) -> bytes:
    """Read a file of an entry. ValueError if it does not match the card or has more than `limit` bytes."""
    path = _inside(directory, name)
    content = files.read_bytes(path, limit)
    _check_digest(path, files.sha256(content), metadata)
    return content


def _inside(directory: Path, name: str) -> Path:
    """Path of a file of an entry. ValueError if it is missing, or a link to a file outside the entry."""
    path = directory / name
    if not path.is_file():
        raise ValueError(f"{path} is missing. Install kerasae or the entry again.")
    # Two links are allowed: installers may link files of the package, and the hub's cache links to `blobs`.
    places = [directory.resolve()]
    if directory.parent.name == "snapshots":
        places.append(directory.resolve().parents[1] / "blobs")
    if directory.parent != root() and path.resolve().parent not in places:
        raise ValueError(f"{path} is a link to {path.resolve()}, expected a file of the entry itself.")
    return path


def _check_digest(path: Path, digest: str, metadata: dict) -> None:
    expected = metadata["files"].get(path.name)
    if digest != expected:
        raise ValueError(
            f"{path} is not the file its card describes (SHA-256 {digest}, expected {expected}). "
            "Install kerasae or the entry again."
        )


def _model(config: bytes, own: Path, weights, source: Path, without_optimizer: bool = False):
    """Build the model of a config, with its own weights, untrained, or with weights of another file.

    Args:
        config: Content of `config.json`.
        own: Its weights file, in a private directory that no other process can change.
        weights: As for `load`.
        source: Path of the entry or the `.keras` file, for error messages.
        without_optimizer: Whether to ignore an optimizer's state in the weights file.
    """
    model = _built(files.parse_json(config, source / CONFIG), own, source / CONFIG, of_zeros=weights is not None)
    if weights == SHIPPED:
        files.load_checked(model, own, source / WEIGHTS, **(_skip_optimizer(model) if without_optimizer else {}))
    elif weights is not None:
        load_weights(model, weights)
    return model


def _skip_optimizer(model) -> dict[str, list]:
    return {"objects_to_skip": [getattr(model, "optimizer", None)]}


def _built(config: dict, weights: Path, source: Path, of_zeros: bool):
    """Build and compile the model of a config. ValueError if its weights have other shapes than those in the file."""
    import keras

    try:
        config = files.clean_config(config)
        compile_config = config.pop("compile_config")

        def build():
            return keras.saving.deserialize_keras_object(config, safe_mode=True)

        described, held = files.shapes_of(build), files.shapes_in(weights)
        if described != held:
            raise ValueError(
                f"the weights in {weights.name} do not fit it: shapes {sorted(described - held)[:3]} are missing, "
                f"shapes {sorted(held - described)[:3]} are not needed"
            )
        model = files.of_zeros(build) if of_zeros else build()
        if compile_config:
            model.compile_from_config(compile_config)
            model.compiled = True
    except Exception as error:
        raise ValueError(f"{source} does not describe a kerasae model: {files.brief(error)}") from error
    return model
