"""The command line: parses arguments, runs one command, and reports errors.

Results go to standard output; progress and error messages go to standard error.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from kerasae.cli import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments. Default: those of the process.

    Returns:
        Exit status: 0, 1 if a check found a difference, 2 for an error, 130 if interrupted.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        arguments = parser.parse(argv)
        arguments.argv = argv
        if getattr(arguments, "backend", None):
            os.environ["KERAS_BACKEND"] = arguments.backend
        if arguments.module:
            _import(arguments.module)
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python flushes standard output again at exit, which must not
        # fail: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"kerasae: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kerasae: interrupted", file=sys.stderr)
        return 130
    return status


def _import(module: str) -> None:
    """Import a user's module, also from the current directory, as `python -m` does."""
    sys.path.insert(0, os.getcwd())
    importlib.import_module(module)


def _one_line(error: Exception) -> str:
    """Format an error in one line; for an error of the operating system, its reason and file without its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror + (f": {error.filename}" if error.filename else "")
    return " ".join(str(error).split())
