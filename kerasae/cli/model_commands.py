"""The commands that apply a model to inputs."""

from pathlib import Path

from kerasae.cli.command import Command
from kerasae.cli.kinds import KINDS
from kerasae.cli.options import (
    BACKEND,
    INVERT,
    JSON,
    LABEL,
    MODEL,
    OVERWRITE,
    SEED,
    from_inputs,
    option,
    out,
    whole_number,
)

_ARRAYS = "a .npy, .npz or .csv file"
_RESULTS = f"picture of all, {_ARRAYS}, or folder for one picture each"
APPLYING = (
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
    Command(
        "score",
        "scoring.score",
        "how unusual inputs are, as a table",
        "kerasae score conv_mnist photos --top 5 --map where",
        [
            MODEL,
            *from_inputs(),
            option("--top", type=whole_number(1), metavar="N", help="the N most unusual inputs alone, first the most"),
            option("--map", type=Path, metavar="DIR", help="folder for pictures of where each of them is unusual"),
            JSON,
            option("--out", type=Path, metavar="PATH", help=".csv file of the table (default: standard output)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "plot",
        "plotting.plot",
        "picture of what is characteristic of a model",
        "kerasae plot dense2_mnist --kind codes --out map.png",
        [
            MODEL,
            *from_inputs("*"),
            option(
                "--kind",
                choices=KINDS,
                help="what is drawn (default: codes for code size 2, else samples of a model that generates, else "
                "reconstructions)",
            ),
            out("picture (default: NAME-KIND.png)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "explore",
        "exploring.explore",
        "web page to play with a model, or with two side by side, in one file",
        "kerasae explore dense2_mnist --n 100 --out page.html",
        [
            MODEL,
            option("other", nargs="?", metavar="OTHER", help="a second model of such inputs, to compare"),
            option(
                "--data",
                metavar="INPUT",
                help="inputs on the map: folder of pictures, .npy, .npz or .csv file, or name of a data set (default: "
                "test data of the entry)",
            ),
            option(
                "--n", type=whole_number(1), metavar="N", help="number of inputs, the first ones (default: up to 2000)"
            ),
            INVERT,
            LABEL,
            out("path of the page (default: NAME.html)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
)
