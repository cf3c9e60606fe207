"""The type of a row in the table of commands."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerasae.cli.options import Option


@dataclass(frozen=True)
class Command:
    """A row of the table.

    Attributes:
        name: Name of the command.
        function: Function of the parsed arguments, `module.name` in this package; it returns the exit status or None.
        help: Description of what the command does, in the imperative.
        example: Command line shown in the help text; the tests run it.
        options: Arguments of the command.
    """

    name: str
    function: str
    help: str
    example: str
    options: Sequence[Option] = ()
