"""The arguments of `kerasae train`, which trains an entry by its recipe, or a model on data of the user's own."""

from collections.abc import Sequence

from kerasae import _import_hook
from kerasae.cli.options import (
    OVERWRITE,
    Option,
    backend,
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


_HOLD_OUT = "number, or for your own data share, of examples to leave out and validate on (default: 0 of a recipe, 0.1)"
_SET = "argument of the model's class, such as filters=32,64; may be repeated"

OPTIONS: Sequence[Option] = (
    option("name", nargs="?", metavar="NAME", help="name of the recipe; with --data, name of the new entry"),
    _text("--data", "your own data: folder of pictures, .npy, .npz or .csv file, name of a data set", "PATH"),
    _text(
        "--model",
        "class, such as ConvAutoencoder or OutlierDetector (default: chosen from the data)",
        "CLASS",
    ),
    option("--set", action="append", type=setting, metavar="KEY=VALUE", help=_SET),
    option("--dry-run", action="store_true", help="the plan alone, without training"),
    _number("--epochs", "number of epochs, for your own data at most (default: that of the schedule)"),
    _number("--batch-size", "inputs per batch"),
    option("--learning-rate", type=float, metavar="X", help="initial learning rate"),
    _number("--patience", "epochs without a lower validation loss after which training stops"),
    _text("--loss", "name of a Keras loss", "NAME"),
    _number("--code-size", "number of values of a code, about"),
    option("--hold-out", type=share_or_number, metavar="N", help=_HOLD_OUT),
    _number("--seed", "seed of weights and batches, and of what is held out (default: the recipe's, 0)", 0),
    option("--size", type=height_and_width, metavar="PIXELS", help="size of the pictures: 64, or 64x48 for height 64"),
    option("--color", choices=("grayscale", "rgb"), help="color of the pictures"),
    option("--fit", choices=("resize", "crop"), help="how pictures of other sizes are fitted (default: resize)"),
    option("--on-error", choices=("raise", "skip"), help="what happens to unreadable pictures (default: raise)"),
    _number("--length", "steps per window of a series, whose steps are the rows of --data"),
    _number("--stride", "steps from one window to the next (default: 1)"),
    _text("--label", "column of a table that holds labels", "COLUMN"),
    _text("--columns", "columns of a table to use", "COLUMN", nargs="+"),
    option(
        "--schedule",
        choices=("written", "shipped"),
        default="written",
        help="of a recipe: published schedule (written), or that of the weights in the package (shipped) "
        "(default: %(default)s)",
    ),
    option(
        "--devices",
        type=int,
        default=1,
        metavar="N",
        help="of a recipe: number of devices for data parallel training (default: 1)",
    ),
    out("directory of the entry (default: entries/NAME)"),
    OVERWRITE,
    _text("--description", "description of the entry, one line"),
    _text("--license", "license of the weights, such as Apache-2.0", "SPDX"),
    _text("--source", "publication: title, authors, year"),
    _text("--author", "who trains the model"),
    backend(_import_hook.TRAINING_BACKENDS),
)
