"""The table of commands: name, function, help text, an example that the tests run, and arguments."""

from pathlib import Path

from kerasae import export
from kerasae.cli import train_options
from kerasae.cli.command import Command
from kerasae.cli.model_commands import APPLYING
from kerasae.cli.options import BACKEND, COUNT, INVERT, JSON, LABEL, MODEL, OVERWRITE, option, out, whole_number

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
                help="other inputs: folder of pictures, .npy, .npz or .csv file, or name of a data set; or directory "
                "of mnist.npz and fashion_mnist.npz, like KERASAE_DATA",
            ),
            COUNT,
            INVERT,
            LABEL,
            option(
                "--normal",
                metavar="CLASS",
                help="class that is not an outlier: name of a class folder, or label (default: normal or good)",
            ),
            option(
                "--likelihood",
                type=whole_number(1),
                metavar="K",
                help="log-likelihood of the inputs of --data, of a variational model, with K importance samples each",
            ),
            option("--quick", action="store_true", help="comparison on the first 1000 test images alone"),
            option("--update", type=Path, metavar="DIR", help="directory for a copy of the entry with a new card"),
            JSON,
            BACKEND,
        ],
    ),
    Command(
        "verify",
        "evaluating.verify",
        "outputs of entries on this backend, compared with their golden outputs",
        "kerasae verify linear_sine",
        [_NAMES, JSON, BACKEND],
    ),
)

_FILES = (
    Command(
        "push",
        "entries.push",
        "an entry on the Hugging Face hub",
        "kerasae push mine user/name",
        [
            option("directory", type=Path, metavar="DIR", help="directory of the entry"),
            option("repository", metavar="REPOSITORY", help="name of the repository, user/name"),
            option("--private", action="store_true", help="a private repository, if it is a new one"),
        ],
    ),
    Command(
        "pull",
        "entries.pull",
        "an entry from the Hugging Face hub, in a directory",
        "kerasae pull user/name --out mine",
        [
            option("repository", metavar="REPOSITORY", help="name of the repository, user/name"),
            out("directory of the entry (default: the name without the user)"),
            OVERWRITE,
        ],
    ),
    Command(
        "export",
        "entries.export",
        "file of an entry's model that runs without Keras",
        "kerasae export conv_mnist --format onnx --part encoder --out encoder.onnx",
        [
            MODEL,
            option("--format", choices=export.FORMATS, default="onnx", help="file format (default: %(default)s)"),
            option("--part", choices=export.PARTS, default="whole", help="part of the model (default: %(default)s)"),
            option(
                "--preprocess",
                action="store_true",
                help="preprocessing included: the file takes raw 8-bit pixels or raw values, and gives reconstruction, "
                "code and, for a detector, score and label",
            ),
            out("path of the file (default: NAME-PART and a suffix)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
)

COMMANDS = (*_ENTRIES, *APPLYING, *_TRAINING, *_FILES)
