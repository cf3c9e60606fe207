"""Write the table of entries into a Markdown file, between its markers: `python tools/table.py README.md [--check]`."""

import sys
from collections.abc import Sequence

import pages

from kerasae import text
from kerasae.zoo.cards import Card

BEGIN, END = "<!-- entries -->", "<!-- /entries -->"


def table(cards: Sequence[Card]) -> str:
    """The table of entries, in Markdown."""
    rows = ["| entry | what it is | code | parameters | figure | baseline |", "|---|---|---|---|---|---|"]
    for card in cards:
        shown = [card.headline] + (["mse"] if card.headline != "mse" else [])
        cells = (
            f"`{card.name}`",
            card.description,
            str(card.code.size),
            f"{card.parameters:,}",
            ", ".join(text.figure(key, card.figures[key]) for key in shown),
            _baselines(card),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _baselines(card: Card) -> str:
    """The headline figure of every baseline that has it; the MSE of PCA if PCA hasn't."""
    shown = []
    for baseline, figures in card.baselines.items():
        key = card.headline if card.headline in figures else "mse" if baseline == "pca" else None
        if key:
            shown.append(f"{text.baseline_name(baseline, card)}: {text.figure(key, figures[key])}")
    return "; ".join(shown)


def with_table(document: str, cards: Sequence[Card]) -> str:
    """The document with the table of entries between its markers.

    Raises:
        ValueError: The document lacks the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"No place for the table: expected a line {BEGIN} and, after it, a line {END}.")
    return f"{before}{BEGIN}\n{table(cards)}\n{END}{after}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the table."""
    arguments = pages.parse(__doc__, argv)
    page = with_table(arguments.file.read_text(encoding="utf-8"), pages.cards())
    return pages.write(arguments.file, page, arguments.check, "tools/table.py")


if __name__ == "__main__":
    sys.exit(main())
