"""The command line: parse, run one command, report errors.

Results go to standard output; progress and error messages go to standard error.
"""

import os
import sys
from collections.abc import Sequence

from kerasae.cli.parser import parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Arguments; those of the process unless given.

    Returns:
        Exit status: 0, 1 if a check found a difference, 2 for an error, 130 if interrupted.
    """
    arguments = parser().parse_args(argv)
    arguments.argv = sys.argv[1:] if argv is None else argv
    if getattr(arguments, "backend", None):
        os.environ["KERAS_BACKEND"] = arguments.backend
    try:
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python flushes standard output again at exit, so that must
        # not fail: https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, FileNotFoundError, FileExistsError, ImportError) as error:
        print(f"kerasae: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kerasae: interrupted", file=sys.stderr)
        return 130
    return status
