"""`python -m kerasae`: the shell command."""

import sys

from kerasae.cli import main

sys.exit(main())
