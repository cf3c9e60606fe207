"""Rows of the table of commands for those that apply a model to inputs."""

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
    number_of_inputs,
    option,
    out,
    whole_number,
)

_ARRAYS = "a .npy, .npz or .csv file"
_RESULTS = f"one picture of up to 100 results, {_ARRAYS}, or a folder with one picture per result"
_ELSE = "; other data: .csv or .npy"
APPLYING = (
    Command(
        "encode",
        "applying.encode",
        "encode inputs, and write the codes as an array",
        "kerasae encode conv_mnist photos --out codes.csv",
        [MODEL, *from_inputs(), out(f"{_ARRAYS} (default: NAME-codes.npy)"), OVERWRITE, BACKEND],
    ),
    Command(
        "decode",
        "applying.decode",
        "decode codes to pictures or arrays",
        "kerasae decode conv_mnist codes.npy --out decoded.png",
        [
            MODEL,
            option("codes", type=Path, metavar="CODES", help=f"{_ARRAYS} of codes, as written by `kerasae encode`"),
            option("--label", type=whole_number(0), metavar="K", help="class of all codes, for a conditional model"),
            out(f"{_RESULTS} (default: NAME-decoded.png{_ELSE})"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "reconstruct",
        "applying.reconstruct",
        "reconstruct inputs, and draw them above their reconstructions",
        "kerasae reconstruct conv_mnist mnist --n 20 --out digits.png",
        [MODEL, *from_inputs(), out(f"{_RESULTS} (default: NAME-reconstructions.png{_ELSE})"), OVERWRITE, BACKEND],
    ),
    Command(
        "denoise",
        "applying.denoise",
        "remove noise from pictures, and write them to a folder",
        "kerasae denoise denoise_gauss_mnist photos --out clean",
        [
            MODEL,
            *from_inputs(),
            option(
                "--add-noise",
                action="store_true",
                help="first add noise of the kind that the model was trained to remove, to see how well it does",
            ),
            out(f"{_RESULTS} (default: folder NAME-denoised; with --add-noise NAME-denoised.png{_ELSE})"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "generate",
        "applying.generate",
        "generate new samples, and draw them",
        "kerasae generate cvae_mnist --n 64 --label 7 --seed 0",
        [
            MODEL,
            option("--n", type=whole_number(1), default=64, metavar="N", help="number of samples (default: 64)"),
            option("--label", type=whole_number(0), metavar="K", help="class of all samples (default: random classes)"),
            option(
                "--sampler",
                metavar="KIND",
                help="draw codes from a distribution fitted to codes instead of from the prior: gaussian, mixture, "
                "nearest, or an .npz file that kerasae.samplers has saved",
            ),
            option(
                "--components",
                type=whole_number(1),
                default=10,
                metavar="N",
                help="number of normal distributions of --sampler mixture (default: 10)",
            ),
            option(
                "--fit-to",
                nargs="+",
                metavar="INPUT",
                help="inputs whose codes the sampler is fitted to, of a data set its test images (default: training "
                "images of the entry's data set)",
            ),
            SEED,
            option("--columns", type=whole_number(1), default=8, metavar="N", help="samples per row (default: 8)"),
            out(f"{_RESULTS} (default: NAME-samples.png{_ELSE})"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "interpolate",
        "applying.interpolate",
        "interpolate between two inputs, and draw the steps",
        "kerasae interpolate conv_mnist a.png b.png --steps 11 --out way.gif",
        [
            MODEL,
            *from_inputs(),
            option("--steps", type=whole_number(2), default=11, metavar="N", help="number of pictures (default: 11)"),
            option(
                "--space",
                choices=("code", "pixel"),
                default="code",
                help="interpolate codes or pixels (default: %(default)s)",
            ),
            out(f"{_RESULTS}, or .gif for an animation (default: NAME-interpolation.png{_ELSE})"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "score",
        "scoring.score",
        "print how unusual inputs are, as a table of scores or reconstruction errors",
        "kerasae score conv_mnist photos --top 5 --map where",
        [
            MODEL,
            *from_inputs(),
            option("--top", type=whole_number(1), metavar="N", help="print only the N most unusual inputs, in order"),
            option("--map", type=Path, metavar="DIR", help="folder for pictures that show where each input is unusual"),
            JSON,
            option("--out", type=Path, metavar="PATH", help=".csv file for the table (default: print it)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "plot",
        "plotting.plot",
        "draw reconstructions, codes, samples, filters or errors of a model",
        "kerasae plot dense2_mnist --kind codes --out map.png",
        [
            MODEL,
            *from_inputs("test data of the entry", "10; for codes, grid and preview 2000"),
            option(
                "--kind",
                choices=KINDS,
                help="kind of picture (default: codes for code size 2, else samples of a generative model, else "
                "reconstructions)",
            ),
            out("path of the picture (default: NAME-KIND.png)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
    Command(
        "explore",
        "exploring.explore",
        "write a web page, one file, to explore a model or two models side by side",
        "kerasae explore dense2_mnist --n 100 --out page.html",
        [
            MODEL,
            option("other", nargs="?", metavar="OTHER", help="second model for the same kind of inputs, to compare"),
            option(
                "--data",
                metavar="INPUT",
                help="inputs on the map: folder of pictures, .npy, .npz or .csv file, or name of a data set (default: "
                "test data of the entry)",
            ),
            number_of_inputs("2000"),
            INVERT,
            LABEL,
            option(
                "--bits",
                type=int,
                choices=(24, 16),
                default=24,
                help="bits per weight; 16 makes a smaller file of less exact outputs (default: %(default)s)",
            ),
            out("path of the page (default: NAME.html)"),
            OVERWRITE,
            BACKEND,
        ],
    ),
)
