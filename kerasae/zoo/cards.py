"""The card of an entry, a typed, versioned object stored in `metadata.json`. Imports neither Keras nor NumPy."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kerasae.preprocessing import Preprocessing, from_json
from kerasae.zoo import fields

FORMAT = 1  # cards of version 0.1 have no field `format`
FIRST = 1000  # number of test images for `figures_of_first`, which can be measured again quickly


@dataclass(frozen=True)
class Input:
    """Input contract of a model: shape and dtype of one input, and range of the values (None for any)."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Code:
    """Shape of one code, number of its values, and how many of them can differ from 0, if not all."""

    shape: tuple[int, ...]
    size: int
    active: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields, without `active` if all values can differ from 0."""
        active = {} if self.active is None else {"active": self.active}
        return {"shape": list(self.shape), "size": self.size, **active}


@dataclass(frozen=True)
class Reference:
    """A published or separately measured figure of the same experiment: key of the metric, value, source."""

    key: str
    value: float
    source: str


@dataclass(frozen=True)
class Provenance:
    """Who trained the model, on which data, and by which command."""

    author: str = ""
    data: str = ""
    command: str = ""


@dataclass(frozen=True)
class Measured:
    """The inputs that the figures of a card were measured on.

    Attributes:
        description: One sentence.
        number: Number of inputs.
        data: Path or registered name of the data; empty for arrays.
        options: Options of `kerasae.data.load`.
        hold_out, seed: Arguments of `Source.split` that select the inputs; `hold_out` 0 selects all inputs.
    """

    description: str
    number: int
    data: str = ""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    hold_out: float = 0.0
    seed: int = 0


def _input(value, name: str) -> Input:
    return fields.build(Input, value, name, shape=fields.sizes, dtype=fields.text, range=fields.limits)


def _code(value, name: str) -> Code:
    return fields.build(Code, value, name, shape=fields.sizes, size=fields.integer, active=fields.integer)


def _provenance(value, name: str) -> Provenance:
    return fields.build(Provenance, value, name, author=fields.text, data=fields.text, command=fields.text)


def _reference(value, name: str) -> Reference:
    return fields.build(Reference, value, name, key=fields.text, value=fields.number, source=fields.text)


def _references(value, name: str) -> tuple[Reference, ...]:
    return fields.tuple_of(_reference, value, name)


def _measured(value, name: str) -> Measured:
    parsers = {"description": fields.text, "number": fields.integer, "data": fields.text, "options": fields.options}
    return fields.build(Measured, value, name, **parsers, hold_out=fields.number, seed=fields.integer)


def _fact(parse: Callable, key: str | None = None, **default):
    return dataclasses.field(metadata={"parse": parse, "key": key}, **default)


@dataclass(frozen=True, eq=False, kw_only=True)
class Card(Mapping):
    """Facts and figures of a trained model.

    A card is also a mapping with the fields of `metadata.json`: `card["source"]`, `card["figures"]["mse"]`. Fields that
    are None are absent from it.

    Attributes:
        name: Name of the entry.
        description: One line.
        source: Title, authors and year of the publication.
        license: License of the weights, as an SPDX identifier.
        provenance: Who trained the model, on which data, by which command.
        class_name: Class of the model in `kerasae.models`, or the registered name of another class, `package>Name`; the
            key in the mapping is `class`.
        parameters: Number of trainable parameters.
        input, code: Input contract and code shape.
        preprocessing: Preprocessing of raw data, one of `kerasae.preprocessing`, or None.
        detector: Settings of an outlier detector, whose arrays are in `detector.npz`.
        data: Name of the data set, one of `kerasae.data.NAMES`.
        schedule: `written` for the published recipe, `shipped` for the package's own schedule, or `other`.
        recipe: Training schedule that was used: epochs, batch size, learning rate and so on.
        written_recipe: Training schedule of the published recipe.
        seed: Seed of the initial weights and the batch order.
        selection: How the settings of the training were chosen, a sentence.
        hold_out: Number of training examples that were held out.
        versions: Versions of Python, kerasae, Keras, NumPy and the backend during training.
        headline: Key of the main figure.
        measured: Inputs that the figures were measured on, if not the test set of `data`.
        figures: Figures on the test set or the held-out inputs, by key of `kerasae.metrics.METRICS`.
        figures_of_first: Figures on the first n test images, by n.
        baselines: Figures of each baseline, by its name.
        references: Published or separately measured figures of the same experiment.
        files: SHA-256 of each file of the entry.
        format: Version of the format of cards.
    """

    name: str = _fact(fields.text)
    description: str = _fact(fields.text, default="")
    source: str | None = _fact(fields.text, default=None)
    license: str | None = _fact(fields.text, default=None)
    provenance: Provenance | None = _fact(_provenance, default=None)
    class_name: str = _fact(fields.text, "class")
    parameters: int = _fact(fields.integer)
    input: Input = _fact(_input)
    code: Code = _fact(_code)
    preprocessing: Preprocessing | None = _fact(from_json, default=None)
    detector: Mapping[str, Any] | None = _fact(fields.short_settings, default=None)
    data: str | None = _fact(fields.text, default=None)
    schedule: str | None = _fact(fields.text, default=None)
    recipe: Mapping[str, Any] | None = _fact(fields.settings, default=None)
    written_recipe: Mapping[str, Any] | None = _fact(fields.settings, default=None)
    seed: int | None = _fact(fields.integer, default=None)
    selection: str | None = _fact(fields.text, default=None)
    hold_out: int = _fact(fields.integer, default=0)
    versions: Mapping[str, str] | None = _fact(fields.texts, default=None)
    headline: str | None = _fact(fields.text, default=None)
    measured: Measured | None = _fact(_measured, default=None)
    figures: Mapping[str, float] = _fact(fields.figures, default_factory=dict)
    figures_of_first: Mapping[str, Mapping[str, float]] | None = _fact(fields.figures_by_name, default=None)
    baselines: Mapping[str, Mapping[str, float]] = _fact(fields.figures_by_name, default_factory=dict)
    references: tuple[Reference, ...] = _fact(_references, default=())
    files: Mapping[str, str] | None = _fact(fields.texts, default=None)
    format: int = _fact(fields.integer, default=FORMAT)

    @classmethod
    def from_json(cls, content: Mapping[str, Any], name: str = "an entry") -> "Card":
        """Read a card.

        Args:
            content: Parsed JSON of format 1, or of version 0.1, which had no `format`. Unknown fields are ignored.
            name: Name of the entry, for error messages.

        Raises:
            ValueError: If the card has a later format, or a field is missing or has a wrong type; the message names it.
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
        """Convert to JSON types, without fields that are None."""
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
    """Convert a value to JSON types."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
