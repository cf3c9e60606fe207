"""Pages of the gallery: one per entry, from its card, its preview and its architecture."""

import dataclasses
from collections.abc import Collection
from pathlib import Path

import families
import files

import kerasae
from kerasae import text, zoo
from kerasae.metrics import table as metrics
from kerasae.zoo import recipes
from kerasae.zoo.cards import Card

DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
BASELINES = {
    "mean": "always predicting the mean",
    "real": "real images",
    "noisy": "the noisy images",
    "median": "a median filter",
}
RECIPE = ("epochs", "batch_size", "learning_rate", "decay", "beta_1", "epsilon", "precision")  # of every entry


def usage(card: Card) -> str:
    """Code that loads an entry and shows what it is for."""
    lines = ["import kerasae", "", f'model = kerasae.zoo.load("{card.name}")']
    figures = card.figures
    if _is_points(card):
        lines += [f"x = kerasae.data.{card.data}().x_train", "x_hat = model.reconstruct(x)"]
    elif "class_accuracy" in figures:
        lines.append("sevens = model.generate(10, label=7, seed=0)")
    elif "sample_distance" in figures:
        lines.append("images = model.generate(10, seed=0)")
    elif "denoised_mse" in figures:
        lines += [f"x = kerasae.data.{card.data}().x_test[:10]", "noisy = kerasae.metrics.noisy(model, x)"]
        lines.append("x_hat = model.reconstruct(noisy)  # cleaned")
    else:
        lines += [f"x = kerasae.data.{card.data}().x_test[:10]", "z = model.encode(x)", "x_hat = model.decode(z)"]
    return "\n".join(lines)


def finding(card: Card) -> str:
    """What the entry is, and its headline figure beside those of the baselines."""
    key = card.headline
    others = [
        f"{BASELINES.get(name, text.baseline_name(name, card))} {metrics.number(key, figures[key])}"
        for name, figures in card.baselines.items()
        if key in figures
    ]
    lines = [f"{card.description}. {card.parameters:,} parameters."]
    test = "" if _is_points(card) else "Test "
    lines.append(f"**{test}{metrics.label(key)} {metrics.number(key, card.figures[key])}**{_unit(key)}")
    return " ".join(lines) + (f". Baselines: {'; '.join(others)}." if others else ".")


def _unit(key: str) -> str:
    unit = metrics.METRICS[key].unit
    return f" {unit}" if "nats" in unit else ""


def _figures(card: Card) -> list[str]:
    """Figures of the entry beside those of baselines and of references."""
    baselines = {name: figures for name, figures in card.baselines.items() if figures}
    references = {reference.key: reference for reference in card.references}
    header = ["figure", card.name, *(text.baseline_name(name, card) for name in baselines)]
    rows = []
    for key, value in card.figures.items():
        cells = [metrics.number(key, value)]
        cells += [metrics.number(key, figures[key]) if key in figures else "" for figures in baselines.values()]
        if references:
            cells.append(metrics.number(key, references[key].value) if key in references else "")
        rows.append([metrics.label(key), *cells])
    lines = _table([*header, *(["reference"] if references else [])], rows)
    for reference in card.references:
        lines += ["", f"Reference {metrics.label(reference.key)}: {reference.source}."]
    return lines


def _recipe(card: Card) -> list[str]:
    """The published schedule, and the one that made the weights in the package."""
    recipe = recipes.find(card.name)
    schedules = {"published recipe": recipe.written} | (
        {"pretrained weights": recipe.shipped} if recipe.shipped else {}
    )
    values = {title: dataclasses.asdict(schedule) for title, schedule in schedules.items()}
    others = [
        field.name
        for field in dataclasses.fields(recipes.Schedule)
        if field.name not in RECIPE and any(value[field.name] != field.default for value in values.values())
    ]
    rows = [
        [key.replace("_", " "), *("" if value[key] is None else f"{value[key]}" for value in values.values())]
        for key in (*RECIPE, *others)
    ]
    return _table(["", *values], rows)


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def page(card: Card, has_architecture: bool, is_playable: bool = False) -> str:
    """The page of an entry, in Markdown."""
    shipped = " --schedule shipped" if recipes.find(card.name).shipped else ""
    lines = [f"# {card.name}", "", finding(card), "", *_picture(f"previews/{card.name}.png", f"Preview of {card.name}")]
    lines += ["```python", usage(card), "```", ""]
    if is_playable:
        lines += ["## Play", "", *embedded(f"../play/{card.name}.html", card.name), ""]
    lines += ["## Figures", "", f"Measured on {_measured_on(card)}. Lower is better unless it is an accuracy.", ""]
    lines += [*_figures(card), "", "## Architecture", ""]
    if has_architecture:
        lines += _picture(f"architectures/{card.name}.svg", f"Layers of {card.name}")
    lines += [f"- Class: {{py:class}}`~kerasae.models.{card.class_name}`"]
    lines += [f"- {name.capitalize()}: {text.facts(card)[name]}" for name in ("input", "code")]
    lines += ["", "## Recipe", "", *_recipe(card), "", f"Source: {card.source}. Seed {card.seed}.", ""]
    lines += ["```sh", f"kerasae train {card.name}{shipped}", "```", ""]
    return "\n".join(lines)


def _picture(path: str, alt: str) -> list[str]:
    return [f"```{{image}} {path}", f":alt: {alt}", ":class: preview", "```", ""]


def embedded(page: str, name: str) -> list[str]:
    """An explorer page inside another page."""
    return [
        "```{raw} html",
        f'<iframe class="play" src="{page}" title="Explorer of {name}" loading="lazy"></iframe>',
        "```",
    ]


def _measured_on(card: Card) -> str:
    if _is_points(card):
        return "its training points"
    return f"the 10,000 test images of {DATA.get(card.data, card.data)}"


def _is_points(card: Card) -> bool:
    return len(card.input.shape) == 1


def index(groups: dict[str, list[str]]) -> str:
    """The gallery: a card with thumbnail for each entry, grouped by family."""
    count = sum(map(len, groups.values()))
    lines = ["---", "html_theme.sidebar_secondary.remove: true", "---", "", "# Gallery", ""]
    lines += [f"{count} pretrained autoencoders, each with its recipe, test figures and baselines.", ""]
    lines += ["Three of them run in the browser: {doc}`play`.", ""]
    for title, names in groups.items():
        lines += [f"## {title}", "", "::::{grid} 2 2 3 4", ":gutter: 3", ""]
        for name in names:
            card = zoo.card(name)
            lines += [f":::{{grid-item-card}} {name}", f":link: {name}", ":link-type: doc"]
            lines += [f":img-top: /thumbnails/{name}.png", "", card.description, ":::", ""]
        lines += ["::::", ""]
    names = [name for group in groups.values() for name in group]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", "play", *names, "```", ""])


def write(docs: Path, playable: Collection[str] = ()) -> None:
    """Write `docs/gallery`; entries that are `playable` have a page in `play`."""
    groups, place = families.families(), docs / "gallery"
    for name in (name for group in groups.values() for name in group):
        preview = (docs.parent / "zoo" / name / "preview.png").read_bytes()
        files.write(place / "previews" / f"{name}.png", preview)
        files.write(place / f"{name}.md", page(zoo.card(name), _architecture(place, name), name in playable))
    files.write(place / "index.md", index(groups))


def _architecture(place: Path, name: str) -> bool:
    """Draw the network of an entry, without its weights, unless it is drawn already."""
    if not hasattr(kerasae.plots, "architecture"):
        return False
    path = place / "architectures" / f"{name}.svg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        kerasae.plots.architecture(zoo.load(name, weights=None)).savefig(path, bbox_inches="tight")
    return True
