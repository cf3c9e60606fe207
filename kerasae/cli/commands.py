"""The table of commands: name, function, help text, an example that the tests run, and arguments."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kerasae import export
from kerasae.cli import train_options
from kerasae.cli.options import (
    BACKEND,
    JSON,
    LABEL,
    MODEL,
    OVERWRITE,
    SEED,
    Option,
    from_inputs,
    option,
    out,
    whole_number,
)


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


_ARRAYS = "a .npy, .npz or .csv file"
_RESULTS = f"picture of all, {_ARRAYS}, or folder for one picture each"
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

_APPLYING = (
    Command(
        "encode",
        "applying.encode",
        "codes of inputs, as an array",
        "kerasae encode conv_mnist photos --out codes.csv",
        [MODEL, *from_inputs(), out(f"{_ARRAYS} (default: NAME-codes.npy)"), OVERWRITE, BACKEND],
    ),
    Command(
        "decode",
        "applying.decode",
        "what a model decodes from codes, as pictures",
        "kerasae decode conv_mnist codes.npy --out decoded.png",
        [
            MODEL,
            option("codes", type=Path, metavar="CODES", help=f"{_ARRAYS} of codes, as `kerasae encode` writes it"),
            LABEL,
            out(f"{_RESULTS} (default: NAME-decoded.png)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "reconstruct",
        "applying.reconstruct",
        "inputs and their reconstructions, as a picture",
        "kerasae reconstruct conv_mnist mnist --n 20 --out digits.png",
        [MODEL, *from_inputs(), out(f"{_RESULTS} (default: NAME-reconstructions.png)"), OVERWRITE, BACKEND],
    ),
    Command(
        "denoise",
        "applying.denoise",
        "pictures without their noise, in a folder",
        "kerasae denoise denoise_gauss_mnist photos --out clean",
        [
            MODEL,
            *from_inputs(),
            option(
                "--add-noise",
                action="store_true",
                help="noise of the kind that the model was trained to remove is added first, to see what it removes",
            ),
            out(f"{_RESULTS} (default: folder NAME-denoised)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "generate",
        "applying.generate",
        "new samples of a model, as a picture",
        "kerasae generate cvae_mnist --n 64 --label 7 --seed 0",
        [
            MODEL,
            option("--n", type=whole_number(1), default=64, metavar="N", help="number of samples (default: 64)"),
            option("--label", type=whole_number(0), metavar="K", help="class of all samples (default: at random)"),
            SEED,
            option("--columns", type=whole_number(1), default=8, metavar="N", help="samples in a line (default: 8)"),
            out(f"{_RESULTS} (default: NAME-samples.png)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "interpolate",
        "applying.interpolate",
        "the way from one input to another through the codes, as a strip of pictures",
        "kerasae interpolate conv_mnist a.png b.png --steps 11 --out way.gif",
        [
            MODEL,
            *from_inputs(),
            option("--steps", type=whole_number(2), default=11, metavar="N", help="number of pictures (default: 11)"),
            option(
                "--space",
                choices=("code", "pixel"),
                default="code",
                help="space of the straight line (default: %(default)s)",
            ),
            out(f"{_RESULTS}, or .gif for an animation (default: NAME-interpolation.png)"),
            OVERWRITE,
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

COMMANDS = (*_ENTRIES, *_APPLYING, *_TRAINING, *_FILES)
