"""Cards as text for the terminal."""

import math
from collections.abc import Mapping, Sequence

from kerasae.metrics import table
from kerasae.zoo.cards import Card


def figure(key: str, value: float) -> str:
    """Format a figure with the label and the number of decimals of its metric."""
    return f"{table.label(key)} {table.number(key, value)}"


def card(card: Card) -> str:
    """Format the card of an entry for the terminal."""
    lines = [f"{card.name}: {card.description}", ""]
    lines += [f"  {name:11} {fact}" for name, fact in facts(card).items() if fact]
    lines += ["", *(f"  {figure(key, value)}" for key, value in card.figures.items())]
    for baseline, figures in card.baselines.items():
        if figures:
            lines += ["", f"  {baseline_name(baseline, card)}:", *_indented(figures)]
    for reference in card.references:
        lines += ["", f"  {reference.source}:", *_indented({reference.key: reference.value})]
    return "\n".join(lines)


def facts(card: Card) -> dict[str, str | None]:
    """Facts of a card besides its figures; None for facts that the card lacks."""
    limits = card.input.range
    place = "" if ">" in card.class_name else "kerasae.models."  # a user's class has a registered name, "package>name"
    return {
        "class": f"{place}{card.class_name}, {card.parameters:,} parameters",
        "source": card.source,
        "license": card.license,
        "input": f"{_batch_of(card.input.shape)} {card.input.dtype}"
        + (f" in [{limits[0]:g}, {limits[1]:g}]" if limits else ""),
        "code": f"{_batch_of(card.code.shape)}: {card.code.size} for {math.prod(card.input.shape)} numbers",
        "trained on": _training(card),
        "measured on": card.measured.description if card.measured else None,
        "command": card.provenance.command if card.provenance else None,
    }


def _training(card: Card) -> str | None:
    """Data set, schedule, seed and backend of the training, as far as the card states them."""
    recipe, parts = card.recipe or {}, []
    if card.data:
        parts.append(card.data)
    if {"epochs", "batch_size", "learning_rate", "decay"} <= recipe.keys():
        parts.append(f"{recipe['epochs']} epochs of batches of {recipe['batch_size']}")
        parts.append(f"Adam {recipe['learning_rate']} ({recipe['decay']})")
    if card.seed is not None:
        parts.append(f"seed {card.seed}")
    if card.schedule:
        parts.append(f"{card.schedule} recipe")
    if card.versions and "backend" in card.versions:
        parts.append(f"on {card.versions['backend']}")
    return ", ".join(parts)


def _indented(figures: Mapping[str, float]) -> list[str]:
    return [f"    {figure(key, value)}" for key, value in figures.items()]


def _batch_of(shape: Sequence[int]) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def baseline_name(baseline: str, card: Card) -> str:
    """Displayed name of a baseline: `PCA-16` for a code of 16 numbers."""
    return f"PCA-{min(card.code.size, math.prod(card.input.shape))}" if baseline == "pca" else baseline
