"""The table of commands: name, function, help text, an example that the tests run, and arguments."""

from pathlib import Path

from kerasae import export
from kerasae.cli import train_options
from kerasae.cli.command import Command
from kerasae.cli.model_commands import APPLYING
from kerasae.cli.options import BACKEND, COUNT, INVERT, JSON, LABEL, MODEL, OVERWRITE, option, out, whole_number

_NAMES = option("names", nargs="*", metavar="NAME", help="names of entries (default: all)")

_ENTRY = option("name", metavar="NAME", help="name of a pretrained entry, directory of an entry, or hf://user/name")
_ENTRIES = (
    Command(
        "list",
        "entries.list_entries",
        "list the pretrained entries in the package",
        "kerasae list --json",
        [option("--json", action="store_true", help="print names and descriptions as JSON")],
    ),
    Command("info", "entries.info", "print the card of an entry", "kerasae info vae_mnist", [_ENTRY, JSON]),
    Command(
        "demo",
        "entries.demo",
        "reconstruct handwritten digits and draw them",
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
        "train a model on your own data, or with the recipe of an entry, and write its entry",
        "kerasae train --data digits --epochs 2 --out mine",
        train_options.OPTIONS,
    ),
    Command(
        "evaluate",
        "evaluating.evaluate",
        "measure entries and compare the figures with their cards, or measure models on other data",
        "kerasae evaluate dense8_mnist --quick",
        [
            _NAMES,
            option(
                "--data",
                type=Path,
                metavar="PATH",
                help="data to measure on: folder of pictures, .npy, .npz or .csv file, or name of a data set; or the "
                "directory of mnist.npz and fashion_mnist.npz, like KERASAE_DATA",
            ),
            COUNT,
            INVERT,
            LABEL,
            option(
                "--normal",
                metavar="CLASS",
                help="class whose inputs are not outliers: class folder or label (default: normal or good)",
            ),
            option(
                "--likelihood",
                type=whole_number(1),
                metavar="K",
                help="also estimate the log-likelihood of a variational model on --data, with K samples per input",
            ),
            option("--quick", action="store_true", help="compare only the figures of the first 1000 test images"),
            option("--update", type=Path, metavar="DIR", help="write a copy of the entry with a new card to DIR"),
            JSON,
            BACKEND,
        ],
    ),
    Command(
        "verify",
        "evaluating.verify",
        "check that entries give the stored outputs on this backend",
        "kerasae verify linear_sine",
        [_NAMES, JSON, BACKEND],
    ),
)

_FILES = (
    Command(
        "push",
        "entries.push",
        "upload an entry to the Hugging Face hub",
        "kerasae push mine user/name",
        [
            option("directory", type=Path, metavar="DIR", help="directory of the entry"),
            option("repository", metavar="REPOSITORY", help="name of the repository, user/name"),
            option("--private", action="store_true", help="make a new repository private"),
        ],
    ),
    Command(
        "pull",
        "entries.pull",
        "download an entry from the Hugging Face hub",
        "kerasae pull user/name --out mine",
        [
            option("repository", metavar="REPOSITORY", help="name of the repository, user/name"),
            out("directory of the entry (default: name of the repository without the user)"),
            OVERWRITE,
        ],
    ),
    Command(
        "export",
        "entries.export",
        "export a model to a file that runs without Keras",
        "kerasae export conv_mnist --format onnx --part encoder --out encoder.onnx",
        [
            MODEL,
            option("--format", choices=export.FORMATS, default="onnx", help="file format (default: %(default)s)"),
            option("--part", choices=export.PARTS, default="whole", help="part of the model (default: %(default)s)"),
            option(
                "--preprocess",
                action="store_true",
                help="include the preprocessing: the file takes raw 8-bit pixels or raw values, and gives "
                "reconstruction, code and, for an outlier detector, score and label",
            ),
            out("path of the file (default: NAME-PART with the suffix of the format)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
)

COMMANDS = (*_ENTRIES, *APPLYING, *_TRAINING, *_FILES)
