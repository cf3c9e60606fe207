"""Arguments that several commands share, each defined once."""

import argparse
import ast
from collections.abc import Callable, Sequence
from pathlib import Path

from kerasae import _import_hook

Option = Callable[[argparse.ArgumentParser], object]  # adds one argument to the parser of a command


def option(*flags: str, **settings) -> Option:
    """An argument: flags and settings of `argparse.ArgumentParser.add_argument`."""
    return lambda parser: parser.add_argument(*flags, **settings)


def whole_number(least: int) -> Callable[[str], int]:
    """The type of an argument that is an integer, at least `least`."""

    def parse(text: str) -> int:
        if not text.strip().lstrip("+-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected an integer, {least} or more. Received: {text!r}")
        return int(text)

    return parse


def share_or_number(text: str) -> int | float:
    """The type of an argument that is a share between 0 and 1, or an integer, 0 or more."""
    if "." not in text:
        return whole_number(0)(text)
    if not 0 < float(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a share between 0 and 1, or an integer. Received: {text!r}")
    return float(text)


def setting(text: str) -> tuple[str, object]:
    """The type of an argument `KEY=VALUE`; the value is read as Python's literals are, else as a text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE. Received: {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value


def height_and_width(text: str) -> int | tuple[int, int]:
    """The type of an argument that is a number of pixels, or a height and a width such as 64x48."""
    sizes = [whole_number(1)(size) for size in text.lower().split("x")]
    if len(sizes) > 2:
        raise argparse.ArgumentTypeError(f"expected one number or HEIGHTxWIDTH. Received: {text!r}")
    return sizes[0] if len(sizes) == 1 else (sizes[0], sizes[1])


def out(help: str) -> Option:
    """Where results go; `overwrite` belongs to it."""
    return option("--out", type=Path, metavar="PATH", help=help)


def backend(choices: Sequence[str] = tuple(_import_hook.FRAMEWORKS)) -> Option:
    """The backend of Keras."""
    return option("--backend", choices=choices, help="backend of Keras (default: KERAS_BACKEND)")


def from_inputs(nargs: str = "+") -> tuple[Option, ...]:
    """Inputs and how they are read."""
    what = "picture, folder of pictures, .npy, .npz or .csv file, or name of a data set such as mnist"
    return (option("inputs", nargs=nargs, metavar="INPUT", help=what), COUNT, INVERT, LABEL)


MODEL = option(
    "name",
    metavar="NAME",
    help="name of a shipped entry, directory of another entry, hf://user/name, or a .keras file",
)
COUNT = option("--n", type=whole_number(1), metavar="N", help="number of inputs, the first ones (default: all)")
INVERT = option("--invert", action="store_true", help="inverted pictures: dark on light becomes light on dark")
LABEL = option(
    "--label",
    type=whole_number(0),
    metavar="K",
    help="class of all inputs, for a conditional model (default: that of the data set or of the class folder)",
)
SEED = option("--seed", type=whole_number(0), metavar="N", help="seed of random draws (default: a new one)")
JSON = option("--json", action="store_true", help="output as JSON")
OVERWRITE = option("--overwrite", action="store_true", help="replacement of existing files")
BACKEND = backend()
