"""Commands that compare entries with their cards: evaluate, verify."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kerasae import zoo
from kerasae.zoo.cards import FIRST


def evaluate(arguments) -> int:
    """Measure entries, and compare with their cards, print the figures on other inputs, or write a new card."""
    if arguments.update and (len(arguments.names) != 1 or arguments.data or arguments.quick):
        raise ValueError("--update writes a new card for one entry: expected one NAME and no other option.")
    if arguments.data and not arguments.data.is_dir():
        return _evaluate_file(arguments.names, arguments.data)
    if arguments.data:
        os.environ["KERASAE_DATA"] = str(arguments.data)
    if arguments.update:
        return _update(arguments.names[0], arguments.update)
    return _check_each(arguments.names or zoo.names(), lambda name: _compared(name, arguments.quick), _lines)


def verify(arguments) -> int:
    """Compare outputs with golden outputs."""

    def line(differences) -> str:
        return "".join(f"  {key} {found:.1e} of {allowed:.1e}" for key, (found, allowed) in differences.items())

    return _check_each(arguments.names or zoo.names(), zoo.verify, line)


def _check_each(names: Sequence[str], check: Callable[[str], Mapping], text: Callable[[Mapping], str]) -> int:
    """Check entries one by one and print the results; a failure does not stop the other checks.

    Args:
        names: Names of the entries.
        check: Function of a name; the values of its result have `is_tolerable`.
        text: Function of a result: text after the name and the verdict.

    Returns:
        Exit status: 1 if a check failed or a value is not tolerable.
    """
    width, failed = max(map(len, names), default=0), False
    for name in names:
        try:
            found = check(name)
        except BrokenPipeError:
            raise
        except Exception as error:
            failed = True
            print(f"{name:{width}}  FAILED: {error}", flush=True)
            continue
        tolerable = all(value.is_tolerable for value in found.values())
        failed |= not tolerable
        print(f"{name:{width}}  {'ok' if tolerable else 'DIFFERS'}{text(found)}", flush=True)
    return int(failed)


def _compared(name: str, quick: bool) -> Mapping:
    from kerasae import metrics
    from kerasae.zoo import inputs

    card = zoo.card(name)
    dataset, stated = inputs.of_card(card), card.figures
    if quick:
        by_number = _required(card, "figures_of_first")
        if str(FIRST) not in by_number:
            raise ValueError(f"The card of {name} has no figures of the first {FIRST} test images: omit --quick.")
        stated = by_number[str(FIRST)]
    return metrics.compare(metrics.figures(zoo.load(name), dataset, FIRST if quick else None), stated)


def _required(card, field: str):
    """A fact that a card may lack."""
    if (value := getattr(card, field)) is None:
        raise ValueError(f"The card of {card.name} has no field {field}, which this command needs.")
    return value


def _lines(compared: Mapping) -> str:
    return "".join(
        f"\n  {key:20} {comparison.measured:12.6g}   card {_beside(comparison)}" for key, comparison in compared.items()
    )


def _beside(comparison) -> str:
    """The figure on the card, the difference from the measured one, and the tolerance."""
    if comparison.stated is None:  # a card of an earlier version
        return f"{'none':>12}"
    kind = "absolute" if comparison.is_absolute else "relative"
    mark = "" if comparison.is_tolerable else "  DIFFERS"
    return f"{comparison.stated:12.6g}   {kind} {comparison.difference:.1e} of {comparison.tolerance:.0e}{mark}"


def _evaluate_file(names: Sequence[str], path: Path) -> int:
    """Print figures on the inputs of a file."""
    from kerasae import data, metrics

    if not names:
        raise ValueError(f"Expected the names of entries to measure on {path}. Received none.")
    x, y = data.own(path)
    for name in names:
        print(f"{name}: {len(x)} inputs of {path}")
        for key, value in metrics.figures_of(zoo.load(name), x, y).items():
            print(f"  {key:20} {value:12.6g}")
    return 0


def _update(name: str, directory: Path) -> int:
    """Write an entry to a directory with a card measured now; the facts of its training are kept."""
    from kerasae import data
    from kerasae.zoo import describe, previews, recipes, writing

    card, model = zoo.card(name), zoo.load(name)
    recipe = recipes.find(card.name)
    try:
        plan = recipes.Schedule(**_required(card, "recipe"))
    except TypeError as error:
        raise ValueError(f"The card of {name} has a recipe that is not a training schedule: {error}.") from error
    again = describe.describe_entry(recipe, plan, _required(card, "seed"), model)
    kept = {field: getattr(card, field) for field in ("hold_out", "versions", "license", "provenance")}
    again = dataclasses.replace(again, **kept)
    writing.write(
        directory, model, again, previews.preview(recipe.name, model, data.named(recipe.data)), replace_shipped=True
    )
    return 0
