"""Arguments that several commands share."""

import argparse
import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from kerasae import _import_hook


class Arguments(Protocol):
    """The parser of a command, or a titled group of its arguments."""

    def add_argument(self, *flags: str, **settings: Any) -> argparse.Action: ...

    def add_argument_group(self, title: str) -> Any: ...


Option = Callable[[Arguments], object]  # adds arguments


def option(*flags: str, **settings) -> Option:
    """Make an option from the arguments of `argparse.ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*flags, **settings)


def group(title: str, *options: Option) -> Option:
    """Make one option of several, which the help text shows under a title of their own."""

    def add(parser: Arguments) -> None:
        titled = parser.add_argument_group(title)
        for each in options:
            each(titled)

    return add


def whole_number(least: int) -> Callable[[str], int]:
    """Argument type: an integer, at least `least`."""

    def parse(text: str) -> int:
        if not text.strip().lstrip("+-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected an integer, {least} or more. Received: {text!r}")
        return int(text)

    return parse


def share_or_number(text: str) -> int | float:
    """Argument type: a fraction between 0 and 1, or an integer, 0 or more."""
    if "." not in text:
        return whole_number(0)(text)
    if not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a fraction between 0 and 1, or an integer. Received: {text!r}")
    return float(text)


def setting(text: str) -> tuple[str, object]:
    """Argument type: `KEY=VALUE`. The value is a Python literal, else a string."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE. Received: {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def height_and_width(text: str) -> int | tuple[int, int]:
    """Argument type: a number of pixels, or height and width such as 64x48."""
    sizes = [whole_number(1)(size) for size in text.lower().split("x")]
    if len(sizes) > 2:
        raise argparse.ArgumentTypeError(f"expected one number or HEIGHTxWIDTH. Received: {text!r}")
    return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


def out(help: str) -> Option:
    """The option `--out`. Use it together with `OVERWRITE`."""
    return option("--out", type=Path, metavar="PATH", help=help)


def backend(choices: Sequence[str] = tuple(_import_hook.FRAMEWORKS)) -> Option:
    """The option `--backend`."""
    return option("--backend", choices=choices, help="Keras backend (default: KERAS_BACKEND)")


def from_inputs(default: str | None = None, count: str = "all") -> tuple[Option, ...]:
    """The positional argument for inputs, and options for reading them.

    Args:
        default: Description of the inputs that are used if none are given; None if inputs are required.
        count: Description of the default number of inputs.
    """
    what = "picture, folder of pictures, .npy, .npz or .csv file, or name of a data set such as mnist"
    what += "" if default is None else f" (default: {default})"
    inputs = option("inputs", nargs="+" if default is None else "*", metavar="INPUT", help=what)
    return (inputs, number_of_inputs(count), INVERT, LABEL)


def number_of_inputs(default: str = "all") -> Option:
    """The option `--n`, with a description of its default."""
    return option("--n", type=whole_number(1), metavar="N", help=f"use only the first N inputs (default: {default})")


MODEL = option(
    "name",
    metavar="NAME",
    help="name of a pretrained entry, directory of an entry, hf://user/name, or a .keras file",
)
COUNT = number_of_inputs()
INVERT = option("--invert", action="store_true", help="invert pictures: dark on light becomes light on dark")
LABEL = option(
    "--label",
    type=whole_number(0),
    metavar="K",
    help="class of all inputs, for a conditional model (default: labels of the data set, or class folders)",
)
SEED = option("--seed", type=whole_number(0), metavar="N", help="seed of the random draws (default: random)")
JSON = option("--json", action="store_true", help="print JSON")
OVERWRITE = option("--overwrite", action="store_true", help="replace existing files")
BACKEND = backend()
