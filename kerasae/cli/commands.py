"""The table of commands: name, function, help text, an example that the tests run, and arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasae import export
from kerasae.cli import train_options
from kerasae.cli.options import BACKEND, JSON, MODEL, OVERWRITE, Option, option, out


@dataclass(frozen=True)
class Command:
    """A row of the table.

    Attributes:
        name: Name of the command.
        function: Function of the parsed arguments, `module.name` in this package; it returns the exit status or None.
        help: What the command gives, as a noun phrase.
        example: Command line shown in the help text.
        options: Arguments.
    """

    name: str
    function: str
    help: str
    example: str
    options: Sequence[Option] = ()


_NAMES = option("names", nargs="*", metavar="NAME", help="names of entries (default: all)")

_ENTRIES = (
    Command(
        "list",
        "entries.list_entries",
        "names of the shipped entries",
        "kerasae list --json",
        [option("--json", action="store_true", help="output as JSON: name and description of each entry")],
    ),
    Command("info", "entries.info", "card of an entry", "kerasae info vae_mnist", [MODEL, JSON]),
    Command(
        "demo",
        "entries.demo",
        "reconstructions of real handwritten digits, as a picture",
        "kerasae demo --out digits.png",
        [
            option("--out", type=Path, default=Path("demo.png"), help="path of the picture (default: %(default)s)"),
            BACKEND,
        ],
    ),
)

_TRAINING = (
    Command(
        "train",
        "training.train",
        "training on data of your own, or of an entry's recipe, into a new directory",
        "kerasae train --data digits --epochs 2 --out mine",
        train_options.OPTIONS,
    ),
    Command(
        "evaluate",
        "evaluating.evaluate",
        "figures of entries, measured and compared with their cards",
        "kerasae evaluate dense8_mnist --quick",
        [
            _NAMES,
            option(
                "--data",
                type=Path,
                metavar="PATH",
                help="directory of mnist.npz and fashion_mnist.npz, like KERASAE_DATA; "
                "or a .npy or .npz file of other inputs",
            ),
            option("--quick", action="store_true", help="comparison on the first 1000 test images alone"),
            option("--update", type=Path, metavar="DIR", help="directory for a copy of the entry with a new card"),
            BACKEND,
        ],
    ),
    Command(
        "verify",
        "evaluating.verify",
        "outputs of entries on this backend, compared with their golden outputs",
        "kerasae verify linear_sine",
        [_NAMES, BACKEND],
    ),
)

_FILES = (
    Command(
        "export",
        "entries.export",
        "file of an entry's model that runs without Keras",
        "kerasae export conv_mnist --format onnx --part encoder --out encoder.onnx",
        [
            MODEL,
            option("--format", choices=export.FORMATS, default="onnx", help="file format (default: %(default)s)"),
            option("--part", choices=export.PARTS, default="whole", help="part of the model (default: %(default)s)"),
            out("path of the file (default: NAME-PART and a suffix)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
)

COMMANDS = (*_ENTRIES, *_TRAINING, *_FILES)
