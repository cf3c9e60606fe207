"""What the tools for Markdown pages share: their arguments, and writing or checking a file."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from kerasae import zoo
from kerasae.zoo.cards import Card


def parse(description: str, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments `file` and `--check`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", type=Path, help="path of the Markdown file")
    parser.add_argument("--check", action="store_true", help="comparison with the file, without writing it")
    return parser.parse_args(argv)


def cards() -> list[Card]:
    """The cards of all shipped entries."""
    return [zoo.card(name) for name in zoo.names()]


def write(path: Path, page: str, check: bool, command: str) -> int:
    """Write a page, or only check whether the file has the same content.

    Returns:
        Exit status: 1 if the check found another content.
    """
    if not check:
        path.write_text(page, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != page:
        print(f"{path} is not current: run `python {command} {path}`")
        return 1
    return 0
