"""Train the feature classifier of a data set, for the metrics of samples: `python tools/classifier.py mnist`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasae.metrics import classifier


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure and write a classifier."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=classifier.NAMES, help="name of the data set")
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N", help="number of training images to leave out and measure on"
    )
    parser.add_argument("--out", type=Path, default=classifier.DIRECTORY, metavar="DIR", help="directory to write to")
    arguments = parser.parse_args(argv)
    network, card = classifier.train(arguments.name, arguments.hold_out)
    path = classifier.save(network, card, arguments.out)
    print(f"{path}: accuracy {card['accuracy']:.4f} after {card['epochs']} epochs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
