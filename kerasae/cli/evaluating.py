"""Commands that measure entries and compare them with their cards: evaluate, verify."""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from kerasae import _checks, zoo
from kerasae.zoo.cards import FIRST


def evaluate(arguments) -> int:
    """Measure entries: compare figures with their cards, print figures on other data, or write a new card."""
    if arguments.update and (len(arguments.names) != 1 or arguments.data or arguments.quick):
        raise ValueError("--update writes a new card for one entry: expected one NAME and no other option.")
    if arguments.likelihood and (not arguments.data or _holds_data_sets(arguments.data)):
        raise ValueError("--likelihood needs the inputs to measure on. Add --data, as in `--data mnist --n 1000`.")
    if arguments.data and not _holds_data_sets(arguments.data):
        return _evaluate_on(arguments)
    if arguments.data:
        os.environ["KERASAE_DATA"] = str(arguments.data)
    if arguments.update:
        return _update(arguments.names[0], arguments.update)

    def content(compared) -> dict:
        return {key: {"measured": one.measured, "card": one.stated} for key, one in compared.items()}

    return _check_each(arguments, lambda name: _compared(name, arguments.quick), _lines, content)


def verify(arguments) -> int:
    """Compare outputs of entries with their golden outputs."""

    def line(differences) -> str:
        return "".join(f"  {key} {found:.1e} of {allowed:.1e}" for key, (found, allowed) in differences.items())

    def content(differences) -> dict:
        return {key: {"difference": found, "tolerance": allowed} for key, (found, allowed) in differences.items()}

    return _check_each(arguments, zoo.verify, line, content)


def _holds_data_sets(path: Path) -> bool:
    return any((path / f"{name}.npz").exists() for name in ("mnist", "fashion_mnist"))


def _check_each(arguments, check: Callable[[str], Mapping], text: Callable[[Mapping], str], content: Callable) -> int:
    """Check entries one by one and print the results; a failure does not stop the other checks.

    Args:
        arguments: Parsed arguments: `names` of the entries (default: all in the package), `json`.
        check: Function of a name that returns a mapping whose values have `is_tolerable`.
        text: Function of a result that returns the text after the name and the verdict.
        content: Function of a result that returns it as JSON types.

    Returns:
        Exit status: 1 if a check failed or a difference is above its tolerance.
    """
    names = arguments.names or zoo.names()
    width, failed, results = max(map(len, names), default=0), False, []
    for name in names:
        try:
            found = check(name)
        except BrokenPipeError:
            raise
        except Exception as error:
            failed, verdict, more, result = True, "FAILED", f": {error}", {"error": str(error)}
        else:
            tolerable = all(value.is_tolerable for value in found.values())
            failed |= not tolerable
            verdict, more, result = "ok" if tolerable else "DIFFERS", text(found), content(found)
        results.append({"name": name, "verdict": verdict, **result})
        if not arguments.json:
            print(f"{name:{width}}  {verdict}{more}", flush=True)
    if arguments.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    return int(failed)


def _compared(name: str, quick: bool) -> Mapping:
    from kerasae import metrics
    from kerasae.zoo import inputs

    card = zoo.card(name)
    dataset, stated = inputs.of_card(card), card.figures
    if quick:
        by_number = _required(card, "figures_of_first")
        if str(FIRST) not in by_number:
            raise ValueError(f"The card of {name} has no figures of the first {FIRST} test images. Leave out --quick.")
        stated = by_number[str(FIRST)]
    return metrics.compare(metrics.figures(zoo.load(name), dataset, FIRST if quick else None), stated)


def _required(card, field: str):
    """Return a field of a card, or raise ValueError if the card lacks it."""
    if (value := getattr(card, field)) is None:
        raise ValueError(f"The card of {card.name} has no field {field}, which this command needs.")
    return value


def _lines(compared: Mapping) -> str:
    return "".join(
        f"\n  {key:20} {comparison.measured:12.6g}   card {_beside(comparison)}" for key, comparison in compared.items()
    )


def _beside(comparison) -> str:
    """Format the figure on the card, the difference from the measured one, and the tolerance."""
    if comparison.stated is None:  # a card of an earlier version
        return f"{'none':>12}"
    kind = "absolute" if comparison.is_absolute else "relative"
    mark = "" if comparison.is_tolerable else "  DIFFERS"
    return f"{comparison.stated:12.6g}   {kind} {comparison.difference:.1e} of {comparison.tolerance:.0e}{mark}"


def _evaluate_on(arguments) -> int:
    """Print all figures of models that apply to other data."""
    from kerasae import data

    if not arguments.names:
        raise ValueError(f"Expected names of entries to measure on {arguments.data}. Received none.")
    results = []
    for name in arguments.names:
        if not arguments.data.exists() and str(arguments.data) in data.NAMES:
            number, figures = _figures_of_data_set(name, arguments)
        else:
            number, figures = _figures_of_inputs(name, arguments)
        results.append({"name": name, "inputs": number, "figures": figures})
        if not arguments.json:
            print(f"{name}: {number} inputs of {arguments.data}")
            for key, value in figures.items():
                print(f"  {key:20} {value:12.6g}")
    if arguments.json:
        print(json.dumps(results, indent=1, ensure_ascii=False))
    return 0


def _figures_of_data_set(name: str, arguments) -> tuple[int, dict[str, float]]:
    """Number of test inputs of a data set, and all figures, including those that need its training data."""
    from kerasae import data, metrics

    dataset, model = data.named(str(arguments.data)), zoo.load(name)
    first, labels = slice(arguments.n), dataset.y_test
    likelihood = _likelihood(model, dataset.x_test[first], None if labels is None else labels[first], arguments)
    figures = metrics.figures(model, dataset, arguments.n)
    return len(dataset.x_test[first]), figures | likelihood


def _likelihood(model, x, labels, arguments) -> dict[str, float]:
    """Log-likelihood by importance sampling and active units, if `--likelihood` is given."""
    from kerasae import metrics

    if arguments.likelihood is None:
        return {}
    if not hasattr(model, "posterior"):
        raise ValueError(
            f"--likelihood needs a variational autoencoder. Received a {type(model).__name__}. Leave out --likelihood."
        )
    found = metrics.marginal_likelihood(model, x, arguments.likelihood, **metrics.given_to(model, labels))
    return {
        "negative_log_likelihood": found.negative_log_likelihood,
        "standard_error": found.standard_error,
        "importance_samples": found.samples,
        "active_units": found.active_units,
    }


def _figures_of_inputs(name: str, arguments) -> tuple[int, dict[str, float]]:
    from kerasae import metrics
    from kerasae.cli.inputs import Entry, Inputs

    entry = Entry(name)
    arguments.inputs = [str(arguments.data)]
    inputs = Inputs(entry, arguments)
    piece = inputs.all()
    labels = piece.given.get("label", None if inputs.labels is None else inputs.labels[piece.rows])
    figures = metrics.figures_of(entry.model, piece.x, labels) | _likelihood(entry.model, piece.x, labels, arguments)
    classes = None if labels is None else [inputs.class_names[i] if inputs.class_names else str(i) for i in labels]
    if entry.detector is not None or arguments.normal is not None:
        figures |= _figures_of_outliers(entry, piece, classes, arguments.normal)
    return len(piece), figures


def _figures_of_outliers(entry, piece, classes: list[str] | None, normal: str | None) -> dict[str, float]:
    """Fraction of outliers and, with classes, how well the scores separate the normal class from the others.

    Args:
        entry, piece: Entry and inputs.
        classes: Name of the class of each input, or None.
        normal: Name of the normal class. Default: `normal` or `good`.
    """
    import numpy as np
    from sklearn.metrics import average_precision_score, roc_auc_score

    from kerasae.cli.scoring import scores

    found, figures = scores(entry, piece), {}
    if entry.detector is not None:
        figures["outlier_share"] = float((found < entry.detector.offset_).mean())
    known = sorted(set(classes or ()))
    if normal is not None and normal not in known:
        raise _checks.unknown("class", normal, known)
    normal = normal or next((name for name in ("normal", "good") if name in known), None)
    if normal is None or len(known) < 2:
        return figures
    is_outlier, unusual = np.array(classes) != normal, -found if entry.detector is not None else found
    return figures | {
        "roc_auc": float(roc_auc_score(is_outlier, unusual)),
        "average_precision": float(average_precision_score(is_outlier, unusual)),
    }


def _update(name: str, directory: Path) -> int:
    """Write a copy of an entry whose figures are measured again; the facts of its training are kept."""
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
    picture = previews.preview(recipe.name, model, data.named(recipe.data), recipe.shown)
    writing.write(directory, model, again, picture, replace_shipped=True)
    return 0
