"""Write the table of entries into a Markdown file, between its markers: `python tools/table.py README.md [--check]`."""

import sys
from collections.abc import Iterable, Sequence

import families
import pages

from kerasae import text
from kerasae.zoo.cards import Card

BEGIN, END = "<!-- entries -->", "<!-- /entries -->"
_HEADER = "| entry | what it is | code size | parameters | test figures | baselines |\n|---|---|---|---|---|---|"


def table(cards: Sequence[Card]) -> str:
    """The entries in Markdown: a table for each family."""
    by_name = {card.name: card for card in cards}
    sections = []
    for title, names in families.families().items():
        rows = [_row(by_name[name]) for name in names if name in by_name]
        if rows:
            sections.append("\n".join([f"**{title}**", "", _HEADER, *rows]))
    return "\n\n".join([f"{len(cards)} entries:", *sections])


def _row(card: Card) -> str:
    cells = (
        # In one cell: the name, which does not break, keeps the picture from being shrunk with its column.
        f'<img src="docs/thumbnails/{card.name}.png" width="128" alt=""><br>`{card.name}`',
        card.description,
        str(card.code.size),
        f"{card.parameters:,}",
        _lines(text.figure(key, card.figures[key]) for key in _shown(card)),
        _baselines(card),
    )
    return f"| {' | '.join(cells)} |"


def _baselines(card: Card) -> str:
    """The headline figure of every baseline, or if it has none, the second figure."""
    shown = []
    for baseline, figures in card.baselines.items():
        if key := next((key for key in _shown(card) if key in figures), None):
            shown.append(f"{text.baseline_name(baseline, card)}: {text.figure(key, figures[key])}")
    return _lines(shown)


def _shown(card: Card) -> list[str]:
    """Keys of the two figures in the table: the headline, and the MSE, of denoised images for a denoising model."""
    second = "denoised_mse" if "denoised_mse" in card.figures else "mse"
    return list(dict.fromkeys([card.headline, second]))


def _lines(figures: Iterable[str]) -> str:
    """Figures on lines of a cell, numbers not apart from their labels."""
    return "<br>".join("&nbsp;".join(figure.rsplit(" ", 1)) for figure in figures)


def with_table(document: str, cards: Sequence[Card]) -> str:
    """The document with the table of entries between its markers.

    Raises:
        ValueError: The document lacks the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"No place for the table: expected a line {BEGIN} and, after it, a line {END}.")
    return f"{before}{BEGIN}\n\n{table(cards)}\n\n{END}{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the table."""
    arguments = pages.parse(__doc__, argv)
    page = with_table(arguments.file.read_text(encoding="utf-8"), pages.cards())
    return pages.write(arguments.file, page, arguments.check, "tools/table.py")


if __name__ == "__main__":
    sys.exit(main())
