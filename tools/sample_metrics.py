"""Measure the sample metrics of pretrained entries again: `python tools/sample_metrics.py [NAME ...]`.

Run it after a feature classifier has changed. It replaces `sample_distance` and `class_accuracy` on the cards, those of
the baselines included, and prints old and new values. Weights, and all other figures, stay as they are.
"""

import json
import sys
from collections.abc import Sequence

from kerasae import zoo
from kerasae.metrics import METRICS, baselines
from kerasae.metrics.measurement import Measurement
from kerasae.zoo import store
from kerasae.zoo.cards import FIRST, Card

KEYS = ("sample_distance", "class_accuracy")


def measured(card: Card) -> dict[str, dict[str, dict[str, float]]]:
    """Fields of a card with only its sample metrics, measured again, by field and baseline."""
    from kerasae import data

    dataset, model = data.named(card.data), zoo.load(card.name)

    def figures(n: int) -> dict[str, float]:
        measurement = Measurement(model, dataset.x_test[:n], dataset.y_test[:n], dataset)
        return {key: METRICS[key](measurement) for key in KEYS if key in card.figures}

    found = baselines.sample_figures(dataset, card.code.size)
    return {
        "figures": {"": figures(len(dataset.x_test))},
        "figures_of_first": {str(FIRST): figures(FIRST)},
        "baselines": {name: {k: v for k, v in values.items() if k in card.figures} for name, values in found.items()},
    }


def update(name: str) -> list[str]:
    """Measure an entry and rewrite its card; returns lines with the old and new values."""
    path = store.root() / name / "metadata.json"
    content, lines = json.loads(path.read_text(encoding="utf-8")), []
    for field, groups in measured(zoo.card(name)).items():
        for group, figures in groups.items():
            place = content[field].setdefault(group, {}) if group else content[field]
            for key, value in figures.items():
                old, place[key] = place.get(key), float(f"{value:.6g}")
                lines.append(f"{name}  {field} {group} {key}: {old} → {place[key]}")
    path.write_bytes((json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    return lines


def main(names: Sequence[str]) -> int:
    """Update the cards of these entries, by default of all that generate images."""
    for name in names or [name for name in zoo.names() if "sample_distance" in zoo.card(name).figures]:
        print("\n".join(update(name)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
