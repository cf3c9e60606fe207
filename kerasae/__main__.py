"""The command line as `python -m kerasae`."""

import sys

from kerasae.cli import main

if __name__ == "__main__":
    sys.exit(main())
