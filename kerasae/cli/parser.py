"""The commands, their arguments and help texts."""

import argparse
import importlib
from pathlib import Path

import kerasae
from kerasae import _import_hook, export


def parser() -> argparse.ArgumentParser:
    """The parser; `run` of the parsed arguments is the function of the command."""
    main = argparse.ArgumentParser(
        prog="kerasae", description="Pretrained autoencoders for Keras 3.", epilog="Example: kerasae info vae_mnist"
    )
    main.add_argument("--version", action="version", version=f"kerasae {kerasae.__version__}")
    commands = main.add_subparsers(required=True, metavar="COMMAND")
    for add in (_list, _info, _demo, _train, _evaluate, _verify, _export):
        add(commands)
    return main


def _command(commands, name: str, function: str, help: str, example: str) -> argparse.ArgumentParser:
    """Add a command; its function, `module.name` in this package, is imported when it runs."""
    module, _, attribute = function.partition(".")

    def run(arguments):
        return getattr(importlib.import_module(f"kerasae.cli.{module}"), attribute)(arguments)

    description = f"{help[0].upper()}{help[1:]}."
    command = commands.add_parser(name, help=help, description=description, epilog=f"Example: {example}")
    command.set_defaults(run=run)
    return command


def _add_backend(command, choices=_import_hook.FRAMEWORKS) -> None:
    command.add_argument("--backend", choices=choices, help="backend of Keras (default: KERAS_BACKEND)")


def _list(commands) -> None:
    command = _command(commands, "list", "entries.list_entries", "names of the shipped entries", "kerasae list --json")
    command.add_argument("--json", action="store_true", help="output as JSON: name and description of each entry")


def _info(commands) -> None:
    command = _command(commands, "info", "entries.info", "card of an entry", "kerasae info vae_mnist")
    command.add_argument("name", metavar="NAME", help="name of a shipped entry, or path of an entry's directory")
    command.add_argument("--json", action="store_true", help="output as JSON")


def _demo(commands) -> None:
    help = "reconstructions of real handwritten digits, as a picture"
    command = _command(commands, "demo", "entries.demo", help, "kerasae demo --out digits.png")
    command.add_argument(
        "--out", type=Path, default=Path("demo.png"), help="path of the picture (default: %(default)s)"
    )
    _add_backend(command)


def _train(commands) -> None:
    help = "training of an entry's recipe, into a new directory"
    example = "kerasae train dense_mnist --schedule shipped --out mine"
    command = _command(commands, "train", "training.train", help, example)
    command.add_argument("name", metavar="NAME", help="name of the recipe")
    command.add_argument(
        "--schedule",
        choices=("written", "shipped"),
        default="written",
        help="published schedule (written), or that of the weights in the package (shipped) (default: %(default)s)",
    )
    command.add_argument("--epochs", type=int, metavar="N", help="number of epochs (default: that of the schedule)")
    command.add_argument("--seed", type=int, metavar="N", help="seed of weights and batches (default: the recipe's)")
    hold_out = "number of training examples to leave out and validate on (default: 0, validation on the test set)"
    command.add_argument("--hold-out", type=int, default=0, metavar="N", help=hold_out)
    command.add_argument(
        "--devices", type=int, default=1, metavar="N", help="number of devices for data parallel training (default: 1)"
    )
    command.add_argument("--out", type=Path, metavar="DIR", help="directory of the entry (default: entries/NAME)")
    _add_backend(command, _import_hook.TRAINING_BACKENDS)


def _evaluate(commands) -> None:
    help = "figures of entries, measured and compared with their cards"
    command = _command(commands, "evaluate", "evaluating.evaluate", help, "kerasae evaluate dense8_mnist --quick")
    command.add_argument("names", nargs="*", metavar="NAME", help="names of entries (default: all)")
    command.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="directory of mnist.npz and fashion_mnist.npz, like KERASAE_DATA; or a .npy or .npz file of other inputs",
    )
    command.add_argument("--quick", action="store_true", help="comparison on the first 1000 test images alone")
    command.add_argument("--update", type=Path, metavar="DIR", help="directory for a copy of the entry with a new card")
    _add_backend(command)


def _verify(commands) -> None:
    help = "outputs of entries on this backend, compared with their golden outputs"
    command = _command(commands, "verify", "evaluating.verify", help, "kerasae verify --backend torch")
    command.add_argument("names", nargs="*", metavar="NAME", help="names of entries (default: all)")
    _add_backend(command)


def _export(commands) -> None:
    help = "file of an entry's model that runs without Keras"
    example = "kerasae export conv_mnist --format onnx --part encoder --out encoder.onnx"
    command = _command(commands, "export", "entries.export", help, example)
    command.add_argument("name", metavar="NAME", help="name of the entry")
    command.add_argument("--format", choices=export.FORMATS, default="onnx", help="file format (default: %(default)s)")
    command.add_argument(
        "--part", choices=export.PARTS, default="whole", help="part of the model (default: %(default)s)"
    )
    command.add_argument("--out", type=Path, metavar="PATH", help="path of the file (default: NAME-PART and a suffix)")
    command.add_argument("--overwrite", action="store_true", help="replacement of an existing file")
    _add_backend(command)
