"""The page of an entry on the Hugging Face hub, generated from its card. Imports neither Keras nor NumPy."""

import html
import re

from kerasae import text
from kerasae.metrics import table
from kerasae.zoo.cards import Card
from kerasae.zoo.store import PREVIEW

MARK = "<!-- written by kerasae push -->"
_SPDX = re.compile(r"[A-Za-z0-9.+-]+").fullmatch


def readme(card: Card, repo: str) -> str:
    """Text of `README.md`: front matter, picture, facts, table of figures and baselines, and how to load the model.

    Args:
        card: The card.
        repo: Name of the repository, `user/name`.
    """
    facts = {name: value for name, value in text.facts(card).items() if value}
    parts = [
        _front_matter(card),
        MARK,
        f"# {_plain(card.name)}",
        _plain(card.description),
        f"![Inputs and their reconstructions]({PREVIEW})",
        "\n".join(f"- {name}: {_plain(value)}" for name, value in facts.items()),
        _figures(card),
        "Load the model with kerasae, or with Keras once kerasae is imported:",
        f'```python\nimport kerasae, keras\n\nmodel = kerasae.zoo.load("hf://{repo}")\n'
        f'model = keras.saving.load_model("hf://{repo}")\n```',
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _front_matter(card: Card) -> str:
    lines = ["library_name: keras", "tags:", "- kerasae", "- autoencoder"]
    if card.license and _SPDX(card.license):
        lines.insert(0, f"license: {card.license.lower()}")
    return "\n".join(["---", *lines, "---"])


def _figures(card: Card) -> str:
    """A table with one row per figure and one column per baseline."""
    if not card.figures:
        return ""
    baselines = {text.baseline_name(name, card): values for name, values in card.baselines.items() if values}
    columns = {"this model": card.figures, **baselines}
    rows = [["figure", *columns], ["---", *["---:"] * len(columns)]]
    for key in card.figures:
        unit = f" ({table.METRICS[key].unit})" if key in table.METRICS and table.METRICS[key].unit else ""
        values = [table.number(key, figures[key]) if key in figures else "" for figures in columns.values()]
        rows.append([_plain(table.label(key)) + unit, *values])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _plain(value: str) -> str:
    """Escape Markdown and HTML in a text."""
    return re.sub(r"([\\`*_{}\[\]|])", r"\\\1", html.escape(value, quote=False))
