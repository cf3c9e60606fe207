"""The arguments of `kerasae train`, which trains with the recipe of an entry, or on the user's own data."""

from collections.abc import Sequence

from kerasae import _import_hook
from kerasae.cli.options import (
    OVERWRITE,
    Option,
    backend,
    group,
    height_and_width,
    option,
    out,
    setting,
    share_or_number,
    whole_number,
)


def _number(flag: str, help: str, least: int = 1) -> Option:
    return option(flag, type=whole_number(least), metavar="N", help=help)


def _text(flag: str, help: str, metavar: str = "TEXT", **settings) -> Option:
    return option(flag, metavar=metavar, help=help, **settings)


_HOLD_OUT = "number of examples to hold out for validation; own data: also a fraction (default: 0; own data: 0.1)"
_BATCH_SIZE = "number of inputs per batch (default: the recipe's; own data: 32, 64 or 128, by the size of the data)"
_LEARNING_RATE = "initial learning rate (default: the recipe's; own data: 0.001)"
_SET = "argument of the model's class, such as filters=32,64; can be repeated"
_SCHEDULE = (
    "schedule of a recipe: the published one (written), or the one that trained the weights in the package "
    "(shipped) (default: %(default)s)"
)

OPTIONS: Sequence[Option] = (
    option("name", nargs="?", metavar="NAME", help="name of the recipe; with --data, name of the new entry"),
    backend(_import_hook.TRAINING_BACKENDS),
    group(
        "recipe of a pretrained entry",
        option("--schedule", choices=("written", "shipped"), default="written", help=_SCHEDULE),
        option("--devices", type=int, default=1, metavar="N", help="number of devices, data parallel (default: 1)"),
    ),
    group(
        "your own data",
        _text("--data", "folder of pictures, .npy, .npz or .csv file, or name of a data set", "PATH"),
        option("--size", type=height_and_width, metavar="PIXELS", help="size of pictures: one side, or HEIGHTxWIDTH"),
        option("--color", choices=("grayscale", "rgb"), help="color of pictures (default: rgb unless all are gray)"),
        option("--fit", choices=("resize", "crop"), help="how to fit pictures of other sizes (default: resize)"),
        option("--on-error", choices=("raise", "skip"), help="how to handle unreadable pictures (default: raise)"),
        _text("--label", "column of a table that has labels", "COLUMN"),
        _text("--columns", "columns of a table to use (default: all but the label)", "COLUMN", nargs="+"),
        _number("--length", "steps per window, if --data is a series whose steps are rows"),
        _number("--stride", "steps from the start of one window to the next (default: 1)"),
    ),
    group(
        "model, for your own data",
        _text("--model", "class, such as ConvAutoencoder or OutlierDetector (default: chosen from the data)", "CLASS"),
        option("--set", action="append", type=setting, metavar="KEY=VALUE", help=_SET),
        _number("--code-size", "approximate number of values in a code (default: chosen from the data)"),
        option("--dry-run", action="store_true", help="print the plan without training"),
    ),
    group(
        "training, for a recipe and for your own data",
        _number("--epochs", "number of epochs; own data: largest number (default: that of the schedule or plan)"),
        _number("--batch-size", _BATCH_SIZE),
        option("--learning-rate", type=float, metavar="X", help=_LEARNING_RATE),
        option("--hold-out", type=share_or_number, metavar="N", help=_HOLD_OUT),
        _number("--seed", "seed of weights, batch order and held-out data (default: the recipe's; own data: 0)", 0),
        out("directory of the entry (default: entries/NAME)"),
    ),
    group(
        "training, for your own data",
        _number("--patience", "stop after N epochs without lower validation loss (default: epochs / 10, at least 10)"),
        _text("--loss", "name of a Keras loss (default: chosen from the data)", "NAME"),
    ),
    group(
        "entry, for your own data",
        OVERWRITE,
        _text("--description", "description of the entry in one line"),
        _text("--license", "license of the weights, such as Apache-2.0", "SPDX"),
        _text("--source", "publication: title, authors, year"),
        _text("--author", "author of the training"),
    ),
)
