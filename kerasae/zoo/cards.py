"""The card of an entry, which `metadata.json` holds: a typed, versioned object. Imports neither Keras nor NumPy."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = 1  # cards of version 0.1 have no format
FIRST = 1000  # number of test images in `figures_of_first`, which are measured again quickly


@dataclass(frozen=True)
class Input:
    """The inputs that a model takes: shape and dtype of one, and the range of the values (None: any)."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Code:
    """The shape of one code, and the number of its values."""

    shape: tuple[int, ...]
    size: int


@dataclass(frozen=True)
class Reference:
    """A figure of the same experiment, measured elsewhere: key of the metric, value, and source."""

    key: str
    value: float
    source: str


@dataclass(frozen=True)
class Provenance:
    """Who trained the model, on which data, and by which command."""

    author: str = ""
    data: str = ""
    command: str = ""


def _number(value, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(name, "a number", value)
    return value


def _integer(value, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _wrong(name, "an integer, 0 or more", value)
    return value


def _text(value, name: str) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a string", value)
    return value


def _tuple_of(parse: Callable, value, name: str) -> tuple:
    if not isinstance(value, list | tuple):
        raise _wrong(name, "a list", value)
    return tuple(parse(item, f"{name}[{i}]") for i, item in enumerate(value))


def _map_of(parse: Callable, value, name: str) -> dict:
    if not isinstance(value, Mapping):
        raise _wrong(name, "an object", value)
    return {key: parse(item, f"{name}.{key}") for key, item in value.items()}


def _setting(value, name: str):
    if value is not None and not isinstance(value, str | int | float):
        raise _wrong(name, "a string, a number or null", value)
    return value


def _range(value, name: str) -> tuple[float, ...] | None:
    limits = None if value is None else _tuple_of(_number, value, name)
    if limits is not None and len(limits) != 2:
        raise _wrong(name, "two numbers or null", value)
    return limits


def _sizes(value, name: str) -> tuple[int, ...]:
    return _tuple_of(_integer, value, name)


def _texts(value, name: str) -> dict[str, str]:
    return _map_of(_text, value, name)


def _settings(value, name: str) -> dict[str, Any]:
    return _map_of(_setting, value, name)


def _figures(value, name: str) -> dict[str, float]:
    return _map_of(_number, value, name)


def _figures_by_name(value, name: str) -> dict[str, dict[str, float]]:
    return _map_of(_figures, value, name)


def _object(cls: type, value, name: str, /, **parsers: Callable):
    """A dataclass from its fields; fields that the object lacks keep their defaults."""
    if not isinstance(value, Mapping):
        raise _wrong(name, "an object", value)
    required = {field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING}
    if missing := sorted(required - set(value)):
        raise ValueError(f"Expected a field {name}.{missing[0]}. Received none.")
    return cls(**{key: parse(value[key], f"{name}.{key}") for key, parse in parsers.items() if key in value})


def _input(value, name: str) -> Input:
    return _object(Input, value, name, shape=_sizes, dtype=_text, range=_range)


def _code(value, name: str) -> Code:
    return _object(Code, value, name, shape=_sizes, size=_integer)


def _provenance(value, name: str) -> Provenance:
    return _object(Provenance, value, name, author=_text, data=_text, command=_text)


def _reference(value, name: str) -> Reference:
    return _object(Reference, value, name, key=_text, value=_number, source=_text)


def _references(value, name: str) -> tuple[Reference, ...]:
    return _tuple_of(_reference, value, name)


def _wrong(name: str, expected: str, value) -> ValueError:
    return ValueError(f"Field {name} must be {expected}. Received: {str(repr(value))[:100]}.")


def _fact(parse: Callable, key: str | None = None, **default):
    return dataclasses.field(metadata={"parse": parse, "key": key}, **default)


@dataclass(frozen=True, eq=False, kw_only=True)
class Card(Mapping):
    """What is known of a trained model.

    A card is also a mapping of the facts as they stand in `metadata.json`: `card["source"]`,
    `card["figures"]["mse"]`. Facts that are unknown (None) are absent there.

    Attributes:
        name: Name of the entry.
        description: One line.
        source: Title, authors and year of the publication.
        license: License of the weights, as an SPDX identifier.
        provenance: Who trained the model, on which data, by which command.
        class_name: Class of the model in `kerasae.models`; the key is `class`.
        parameters: Number of trainable parameters.
        input, code: Shapes and range of inputs and codes.
        data: Name of the data set, one of `kerasae.data.NAMES`.
        schedule: `written` (the published recipe), `shipped`, or `other`.
        recipe: Training schedule that was followed: epochs, batch size, learning rate and so on.
        written_recipe: The published schedule.
        seed: Seed of the initial weights and the order of the batches.
        hold_out: Number of training examples that were left out.
        versions: Versions of Python, kerasae, Keras, NumPy and the backend at training.
        headline: Key of the figure that the entry is known by.
        figures: Figures on the test set, by key of `kerasae.metrics.METRICS`.
        figures_of_first: Figures on the first test images, by their number.
        baselines: The same figures of baselines.
        references: Figures of the same experiment, measured elsewhere.
        files: SHA-256 of the files of the entry.
        format: Version of this format.
    """

    name: str = _fact(_text)
    description: str = _fact(_text, default="")
    source: str | None = _fact(_text, default=None)
    license: str | None = _fact(_text, default=None)
    provenance: Provenance | None = _fact(_provenance, default=None)
    class_name: str = _fact(_text, "class")
    parameters: int = _fact(_integer)
    input: Input = _fact(_input)
    code: Code = _fact(_code)
    data: str | None = _fact(_text, default=None)
    schedule: str | None = _fact(_text, default=None)
    recipe: Mapping[str, Any] | None = _fact(_settings, default=None)
    written_recipe: Mapping[str, Any] | None = _fact(_settings, default=None)
    seed: int | None = _fact(_integer, default=None)
    hold_out: int = _fact(_integer, default=0)
    versions: Mapping[str, str] | None = _fact(_texts, default=None)
    headline: str | None = _fact(_text, default=None)
    figures: Mapping[str, float] = _fact(_figures, default_factory=dict)
    figures_of_first: Mapping[str, Mapping[str, float]] | None = _fact(_figures_by_name, default=None)
    baselines: Mapping[str, Mapping[str, float]] = _fact(_figures_by_name, default_factory=dict)
    references: tuple[Reference, ...] = _fact(_references, default=())
    files: Mapping[str, str] | None = _fact(_texts, default=None)
    format: int = _fact(_integer, default=FORMAT)

    @classmethod
    def from_json(cls, content: Mapping[str, Any], name: str = "an entry") -> "Card":
        """Read a card.

        Args:
            content: Parsed JSON of format 1, or of version 0.1, which had no format. Unknown fields are ignored.
            name: Name of the entry, for error messages.

        Raises:
            ValueError: A field is missing or of another type, or the card has a later format. The message names the
                field.
        """
        try:
            if content.get("format", FORMAT) != FORMAT:
                raise ValueError(
                    f"Expected format {FORMAT}. Received {content['format']!r}. Upgrade kerasae to read this card."
                )
            return cls(**dict(_parsed(cls, content)))
        except ValueError as error:
            raise ValueError(f"The card of {name} can't be read. {error}") from error

    def to_json(self) -> dict[str, Any]:
        """The card as JSON types; facts that are None are left out."""
        values = {_key(field): getattr(self, field.name) for field in dataclasses.fields(self)}
        ordered = {"format": values.pop("format")} | values
        return {key: _plain(value) for key, value in ordered.items() if value is not None}

    def __getitem__(self, key: str):
        return self.to_json()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_json())

    def __len__(self) -> int:
        return len(self.to_json())


def _key(field: dataclasses.Field) -> str:
    return field.metadata["key"] or field.name


def _parsed(cls: type, content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(cls):
        key = _key(field)
        if key in content:
            yield field.name, field.metadata["parse"](content[key], key)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"Expected a field {key}. Received none.")


def _plain(value):
    """A value as JSON types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
