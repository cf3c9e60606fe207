"""The parser of the command line, built from the table of commands."""

import argparse
import importlib
from collections.abc import Sequence

import kerasae
from kerasae import _checks
from kerasae.cli.command import Command
from kerasae.cli.commands import COMMANDS


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; `run` of the result is the function of the command.

    Raises:
        ValueError: If there is no such command. The message lists close matches.
    """
    names = [command.name for command in COMMANDS]
    if argv and not argv[0].startswith("-") and argv[0] not in names:
        raise _checks.unknown("command", argv[0], names)
    return _parser().parse_args(argv)


class _Parser(argparse.ArgumentParser):
    """A parser that reports errors in one line."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}. See `{self.prog} --help`.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kerasae", description="Autoencoders for Keras 3, pretrained and your own.", epilog="Example: kerasae list"
    )
    parser.add_argument("--version", action="version", version=f"kerasae {kerasae.__version__}")
    parser.add_argument(
        "--import", dest="module", metavar="MODULE", help="import this Python module first, which registers your data"
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        _add(subparsers, command)
    return parser


def _add(subparsers, command: Command) -> None:
    """Add the parser of a command. Its function is imported only when it runs."""
    module, _, attribute = command.function.partition(".")

    def run(arguments):
        return getattr(importlib.import_module(f"kerasae.cli.{module}"), attribute)(arguments)

    description = f"{command.help[0].upper()}{command.help[1:]}."
    epilog = f"Example: {command.example}"
    parser = subparsers.add_parser(
        command.name,
        help=command.help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the example in one line
    )
    for option in command.options:
        option(parser)
    parser.set_defaults(run=run)
