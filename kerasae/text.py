"""Cards as text for the terminal."""

import math
from collections.abc import Mapping, Sequence

from kerasae import _checks
from kerasae.metrics import table
from kerasae.zoo.cards import Card

_SCHEDULES = {"written": "published schedule", "shipped": "the package's own schedule"}


def figure(key: str, value: float) -> str:
    """Format a figure with the label and the number of decimals of its metric."""
    return f"{table.label(key)} {table.number(key, value)}"


def card(card: Card) -> str:
    """Format the card of an entry for the terminal."""
    lines = [f"{card.name}: {card.description}", ""]
    lines += [f"  {name:11} {fact}" for name, fact in facts(card).items() if fact]
    lines += ["", *(f"  {figure(key, value)}{_unit(key)}" for key, value in card.figures.items())]
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
        "code": f"{_batch_of(card.code.shape)}: {_checks.counted(card.code.size, 'number')} for "
        f"{math.prod(card.input.shape):,} input values",
        "trained on": _training(card),
        "selection": card.selection,
        "measured on": card.measured.description if card.measured else None,
        "command": card.provenance.command if card.provenance else None,
    }


def _training(card: Card) -> str | None:
    """Data set, schedule, seed and backend of the training, as far as the card states them."""
    recipe, parts = card.recipe or {}, []
    if card.data:
        parts.append(card.data)
    if {"epochs", "batch_size", "learning_rate", "decay"} <= recipe.keys():
        parts.append(f"{recipe['epochs']} epochs with batch size {recipe['batch_size']}")
        decay = "" if recipe["decay"] == "constant" else f" and {recipe['decay']} decay"
        parts.append(f"Adam with learning rate {recipe['learning_rate']}{decay}")
        if recipe.get("ema_momentum") is not None:
            parts.append(f"moving average of the weights with momentum {recipe['ema_momentum']}")
    if card.seed is not None:
        parts.append(f"seed {card.seed}")
    if card.schedule in _SCHEDULES:
        parts.append(_SCHEDULES[card.schedule])
    if card.versions and "backend" in card.versions:
        parts.append(f"on {card.versions['backend']}")
    return ", ".join(parts)


def _unit(key: str) -> str:
    """Unit of a metric with a space before it; empty for pure numbers."""
    unit = table.METRICS[key].unit if key in table.METRICS else ""
    return f" {unit}" if unit else ""


def _indented(figures: Mapping[str, float]) -> list[str]:
    return [f"    {figure(key, value)}" for key, value in figures.items()]


def _batch_of(shape: Sequence[int]) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def baseline_name(baseline: str, card: Card) -> str:
    """Displayed name of a baseline: `PCA-16` for a code of 16 numbers that can differ from 0."""
    components = min(card.code.active or card.code.size, math.prod(card.input.shape))
    return f"PCA-{components}" if baseline == "pca" else baseline
