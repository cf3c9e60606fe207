"""`python -m kerasae`: the shell command."""

import sys

from kerasae.cli import main

if __name__ == "__main__":
    sys.exit(main())
