"""Entries of the zoo on disk: their names, cards and models. The only module that knows the files of an entry.

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
EXTRA = (DETECTOR,)  # files that an entry may have, and need not
FILES = (METADATA, CONFIG, WEIGHTS, GOLDEN, PREVIEW, *EXTRA)
SHIPPED, HUB = "shipped", "hf://"
_MAX_EXTRA = 2**30  # bytes


def names(directory: str | Path | None = None) -> list[str]:
    """The names of entries, in alphabetical order.

    Args:
        directory: Directory whose folders are entries, such as `entries`, where `kerasae train` writes them, and
            `directory / name` the path of an entry; the shipped entries unless given.

    Raises:
        FileNotFoundError: There is no such directory.
    """
    place = root() if directory is None else Path(directory)
    if directory is not None and not place.is_dir():
        raise FileNotFoundError(f"directory must be a folder of entries. There is none at {place}. Check the path.")
    # Without hidden directories, which an interrupted `write` can leave behind.
    return sorted(path.parent.name for path in place.glob(f"[!.]*/{METADATA}"))


def card(name: str | Path) -> Card:
    """The card of an entry: figures and baselines, recipe, input contract, versions, checksums.

    Args:
        name: Name of a shipped entry, path of the directory of another, or `hf://user/name`.

    Raises:
        ValueError: There is no such entry, its directory is not complete, or a field of the card is damaged.
    """
    return Card.from_json(read_card(directory_of(name)), str(name))


@contextlib.contextmanager
def reading(name: str | Path) -> Iterator[Card]:
    """The card of an entry, for code that reads facts from it: a card from elsewhere may lack some of them.

    Raises:
        ValueError: As for `card`; or a fact that is read is missing, or not of the kind that `kerasae train` writes.
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
    """Load the compiled model of an entry, on the backend in use.

    Args:
        name: Name of a shipped entry; path of the directory of another, which `kerasae train` or `zoo.save` has
            written; `hf://user/name` of one on the Hugging Face hub; or path of a `.keras` file, which a model's
            `save` has written. A `.keras` file is validated as an entry is, and the optimizer's state in it is loaded
            too.
        weights: The pretrained weights unless given. None for an untrained model, or path of a `.weights.h5` file.
        input_shape: Shape of one input, for an entry whose weights fit other sizes than its own:
            see `Autoencoder.with_input_shape`. Figures on the card hold for the entry's own size.

    Returns:
        A `kerasae.models.Autoencoder`.

    Raises:
        ValueError: No such entry; files that are damaged, that are not the ones described by the card, or that
            contain anything else than kerasae and Keras write; weights of another model, or that do not fit
            `input_shape`.
        FileNotFoundError: No such `.keras` file, or no such weights file.

    >>> load("dense_mnist").code_shape
    (16,)
    >>> load("conv_mnist", input_shape=(64, 64, 1)).code_shape
    (16, 16, 1)
    """
    model = _loaded(name, weights)
    return model if input_shape is None else model.with_input_shape(input_shape)


def _loaded(name: str | Path, weights: str | Path | None):
    """The model of `load`, for inputs of its own size."""
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
    """The arrays, by name, in an extra file of an entry.

    Args:
        name: As for `load`, without `.keras` files.
        file: One of `EXTRA`.

    Raises:
        ValueError: No such entry, or the file is missing, damaged or another one than its card describes.
    """
    if file not in EXTRA:
        raise ValueError(f"file must be one of {', '.join(EXTRA)}. Received: {file!r}.")
    directory = directory_of(name)
    content = read_file(directory, file, read_card(directory), _MAX_EXTRA)
    return files.parse_arrays(content, directory / file)


def load_weights(model, path: str | Path) -> None:
    """Load a `.weights.h5` file that holds exactly the model's weights, or leave the model as it was.

    The optimizer's state, if the file has one, is not loaded. `model.load_weights` loads it, and refuses the
    same files.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not a weights file, a damaged one, or the weights of another model.
    """
    files.load_weights(model, path, **_skip_optimizer(model))


def root() -> Path:
    """The directory of the shipped entries: in an installed package, or beside `pyproject.toml` in a checkout."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "zoo"
    installed = package / "_entries"
    return installed if installed.is_dir() or not (package.parent / "pyproject.toml").exists() else checkout


def directory_of(name: str | Path) -> Path:
    """The directory of an entry: of a shipped one by name, one on the hub in the cache, else any with a card.

    Raises:
        ValueError: There is neither.
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
        raise ValueError(f"{name} is no zoo entry: expected a directory with {METADATA}, written by kerasae train.")
    unknown = _checks.unknown("zoo entry", str(name), names())
    raise ValueError(f"{unknown} There is no directory {str(name)[:100]!r} with {METADATA} here either.")


def read_card(directory: Path) -> dict:
    """The card in a directory; ValueError for a damaged one, or one of a later version."""
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
    """The names of an entry's files, if all of them are those that its card describes.

    Args:
        directory: Directory of the entry.
        limits: The files that there may be, with the most bytes of each.

    Raises:
        ValueError: The card is damaged; or a file is missing, too large, another one than the card describes, or not
            on the list.
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
    """The bytes of one of an entry's files, if they are the ones that the card describes, else ValueError."""
    path = _inside(directory, name)
    content = files.read_bytes(path, limit)
    _check_digest(path, files.sha256(content), metadata)
    return content


def _inside(directory: Path, name: str) -> Path:
    """The path of one of an entry's files, if it is there and no link out of the directory."""
    path = directory / name
    if not path.is_file():
        raise ValueError(f"{path} is missing. Install kerasae or the entry again.")
    # An installer may link shipped files to its own storage, and the hub's cache links each file to a blob beside it.
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
    """The model of a config, with its own weights, none, or those of another file.

    Args:
        config: The bytes of the config.
        own: The weights file that belongs to it, which nobody else can change.
        weights: As for `load`.
        source: Path of the entry or the `.keras` file, for error messages.
        without_optimizer: Whether an optimizer's state in the weights file is ignored.
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
    """The compiled model of a config whose sizes are those of the arrays in a weights file."""
    import keras

    try:
        config = files.clean_config(config)
        compile_config = config.pop("compile_config")

        def build():
            return keras.saving.deserialize_keras_object(config, safe_mode=True)

        described, held = files.shapes_of(build), files.shapes_in(weights)
        if described != held:
            raise ValueError(
                f"its weights are not those in {weights.name}: of shapes {sorted(described - held)[:3]} it has more, "
                f"of {sorted(held - described)[:3]} fewer"
            )
        model = files.of_zeros(build) if of_zeros else build()
        if compile_config:
            model.compile_from_config(compile_config)
            model.compiled = True
    except Exception as error:
        raise ValueError(f"{source} does not describe a model of kerasae's: {files.brief(error)}") from error
    return model
