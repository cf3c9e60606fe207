"""All entries' figures on one page, beside baselines and what others report: `docs/results.md`."""

import math
from collections.abc import Callable, Sequence

from kerasae import text

CHART = "features.png"  # written beside the page
DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}

_INTRODUCTION = """# Results

Made from the entries' cards by `kerasae results docs/results.md`. `kerasae evaluate NAME` measures an entry's figures
again; a test on every backend compares them with its card. They are of the weights that come with the package, and of
the 10,000 test images. No weights were picked by these; the lengths of some schedules were raised until a figure of the
table at the end was reached, or as far as time allowed.
"""
_RECONSTRUCTION = """\
MSE and BCE are means per pixel. *Ratio*: how many numbers of the input there are to one of the code. *PCA* keeps as
many components as the code has numbers; *mean* answers with the mean training image. BCE can't fall below the entropy
of the grey pixels themselves, which is 0.0581 for MNIST."""
_DENOISING = """\
Mean squared error to the clean image. The draw of the noise is the same for all. *Noisy* leaves it as it is, *median*
is a 3 × 3 median filter, *PCA* projects on as many components as the code has numbers."""
_PRIOR = """\
*MMD²*: how far the codes of the test images are from N(0, I), the prior that samples are drawn from (maximum mean
discrepancy, squared, inverse multiquadratic kernel; 0 for the prior itself). A plain autoencoder puts its codes
anywhere; a variational one and an adversarial one bring them to the prior, and pay with reconstruction."""
_GENERATION = """\
−ELBO, reconstruction and KL are in nats per image, of grey pixels: not to be compared with likelihoods of binarised
ones. *Sample distance* is the Fréchet distance (the formula of FID) of 10,000 samples of the prior from the 10,000 test
images, in the last hidden layer of the feature classifier that comes with the package: compare it
within a data set, and not with FIDs elsewhere. *Real* is that of 10,000 training images, *PCA* that of normal codes
with the variances that PCA finds. *Recognised* is the share of samples that the classifier takes for the class they
were asked to be; *real: recognised* is that of the test images."""
_FEATURES = """\
A random forest of 100 trees learns from the codes of the first 1000 training images and their labels, and is tested on
the codes of the 10,000 test images. *PCA* does so with as many components, *pixels* with the images themselves.
Compare within the table: with another 1000 images, pixels and PCA move by a few points, mostly together."""
_REFERENCES = """\
What sources report, and what the written recipe gives elsewhere, beside the figure of the weights in the package."""


def page(cards: Sequence[dict]) -> str:
    """The page, in Markdown.

    Args:
        cards: As `zoo.card` gives them.
    """
    sections = [_INTRODUCTION]
    images = [card for card in cards if card["data"] in DATA]
    sections += _by_data("Reconstruction", _RECONSTRUCTION, images, _reconstruction)
    sections += _section("Denoising", _DENOISING, _having("denoised_mse", images), _denoising)
    sections += _by_data("Generation", _GENERATION, _having("sample_distance", images), _generation)
    sections += _by_data("Codes and the prior", _PRIOR, _having("mmd_to_prior", images), _prior)
    sections += _features(_having("forest_accuracy", images))
    points = _having("rms_distance", cards)
    sections += _section("Points of a sine", "The lower, the better; of the training points.", points, _points)
    sections += _section("Beside others", _REFERENCES, [c for c in cards if c.get("references")], _references)
    return "\n".join(sections)


def _having(key: str, cards: Sequence[dict]) -> list[dict]:
    return [card for card in cards if key in card["figures"]]


def _section(title: str, explanation: str, cards: Sequence[dict], table: Callable) -> list[str]:
    return [f"## {title}\n\n{explanation}\n\n{_markdown(table(cards))}\n"] if cards else []


def _by_data(title: str, explanation: str, cards: Sequence[dict], table: Callable) -> list[str]:
    """A section with a table for each data set."""
    groups = [(name, [card for card in cards if card["data"] == key]) for key, name in DATA.items()]
    tables = [f"### {name}\n\n{_markdown(table(group))}\n" for name, group in groups if group]
    return [f"## {title}\n\n{explanation}\n", *tables] if tables else []


def _markdown(rows: list[list[str]]) -> str:
    """Rows of cells, the first of them the header, as a table without the columns that are empty."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    header, *body = zip(*columns, strict=True)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *body))


def _cell(figures: dict, key: str) -> str:
    return text.number(key, figures[key]) if key in figures else ""


def _columns(card: dict, *wanted: tuple[str | None, str]) -> list[str]:
    """A card's cells: its own figure for `(None, key)`, a baseline's for `(baseline, key)`."""
    baselines = card["baselines"]
    own = card["figures"]
    return [_cell(baselines.get(name, {}) if name else own, key) for name, key in wanted]


def _reconstruction(cards: Sequence[dict]) -> list[list[str]]:
    rows = [["entry", "code", "ratio", "parameters", "MSE", "PCA: MSE", "mean: MSE", "BCE", "mean: BCE"]]
    for card in cards:
        size = card["code"]["size"]
        ratio = f"{math.prod(card['input']['shape']) / size:.3g}"
        wanted = ((None, "mse"), ("pca", "mse"), ("mean", "mse"), (None, "bce"), ("mean", "bce"))
        rows.append([_name(card), str(size), ratio, f"{card['parameters']:,}", *_columns(card, *wanted)])
    return rows


def _denoising(cards: Sequence[dict]) -> list[list[str]]:
    others = ("pca", "median", "noisy")
    rows = [["entry", "cleaned", "PCA", "median", "noisy"]]
    return rows + [
        [_name(card), *_columns(card, *((name, "denoised_mse") for name in (None, *others)))] for card in cards
    ]


def _generation(cards: Sequence[dict]) -> list[list[str]]:
    own = ("negative_elbo", "reconstruction_loss", "kl_loss", "sample_distance")
    header = ["entry", "−ELBO", "reconstruction", "KL", "sample distance", "PCA", "real", "recognised"]
    header += ["real: recognised"]
    wanted: list[tuple[str | None, str]] = [(None, key) for key in own]
    wanted += [("pca", "sample_distance"), ("real", "sample_distance")]
    wanted += [(None, "class_accuracy"), ("real", "class_accuracy")]
    return [header] + [[_name(card), *_columns(card, *wanted)] for card in cards]


def _prior(cards: Sequence[dict]) -> list[list[str]]:
    nearest_first = sorted(cards, key=lambda card: card["figures"]["mmd_to_prior"])
    rows = [["entry", "code", "MMD²", "MSE"]]
    return rows + [
        [_name(card), str(card["code"]["size"]), *_columns(card, (None, "mmd_to_prior"), (None, "mse"))]
        for card in nearest_first
    ]


def _points(cards: Sequence[dict]) -> list[list[str]]:
    wanted = ((None, "rms_distance"), (None, "mse"), (None, "fresh_mse"), ("pca", "mse"))
    rows = [["entry", "RMS distance to the curve", "MSE", "MSE, fresh noise", "PCA: MSE"]]
    return rows + [[_name(card), *_columns(card, *wanted)] for card in cards]


def _references(cards: Sequence[dict]) -> list[list[str]]:
    rows = [["entry", "figure", "here", "there", "source"]]
    for card in cards:
        for reference in card["references"]:
            key = reference["key"]
            there = text.number(key, reference["value"])
            rows.append([_name(card), text.FIGURES[key][0], _cell(card["figures"], key), there, reference["source"]])
    return rows


def _features(cards: Sequence[dict]) -> list[str]:
    if not cards:
        return []
    groups = ((name, _ranked([card for card in cards if card["data"] == key])) for key, name in DATA.items())
    best = "\n\n".join(_best(name, group) for name, group in groups if group)
    picture = f"![Accuracy of a forest on each entry's codes, on PCA's and on the pixels]({CHART})"
    return _by_data("Codes as features", f"{_FEATURES}\n\n{best}\n\n{picture}", _ranked(cards), _accuracies)


def _ranked(cards: Sequence[dict]) -> list[dict]:
    return sorted(cards, key=lambda card: -card["figures"]["forest_accuracy"])


def _best(name: str, ranked: Sequence[dict]) -> str:
    first = ranked[0]
    return (
        f"On {name} the codes of {_name(first)} make the best features: {_cell(first['figures'], 'forest_accuracy')} "
        f"of the test images are recognised, by the pixels {_columns(first, ('pixels', 'forest_accuracy'))[0]}."
    )


def _accuracies(cards: Sequence[dict]) -> list[list[str]]:
    rows = [["entry", "code", "accuracy", "PCA", "pixels"]]
    wanted = [(name, "forest_accuracy") for name in (None, "pca", "pixels")]
    return rows + [[_name(card), str(card["code"]["size"]), *_columns(card, *wanted)] for card in cards]


def _name(card: dict) -> str:
    return f"`{card['name']}`"


def chart(cards: Sequence[dict]):
    """Accuracy of the forests on each entry's codes and on PCA's, as a matplotlib Figure; None if no card has it."""
    from matplotlib.figure import Figure

    ranked = _ranked(_having("forest_accuracy", cards))
    groups = {name: [card for card in ranked if card["data"] == key] for key, name in DATA.items()}
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        return None
    sizes = [len(group) for group in groups.values()]
    figure = Figure(figsize=(8, 0.4 + 1.2 * len(groups) + 0.26 * sum(sizes)), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False, sharex=True, height_ratios=[size + 1 for size in sizes])
    for axes, (name, group) in zip(panels[:, 0], groups.items(), strict=True):
        _draw_accuracies(axes, group)
        axes.set_title(name, loc="left")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False)
    panels[-1, 0].set_xlabel("share of the test images recognised, 1000 labelled")
    return figure


def _draw_accuracies(axes, cards: Sequence[dict]) -> None:
    names = [f"{card['name']} ({card['code']['size']})" for card in cards]
    pca, pixels = ([card["baselines"][name]["forest_accuracy"] for card in cards] for name in ("pca", "pixels"))
    axes.axvline(pixels[0], color="0.6", linestyle="--", linewidth=1, label="pixels")
    axes.plot(pca, names, "o", color="0.5", markerfacecolor="white", label="PCA, as many numbers")
    axes.plot([card["figures"]["forest_accuracy"] for card in cards], names, "o", color="C0", label="the entry's codes")
    axes.set_ylim(len(cards) - 0.5, -0.5)  # the best on top
    axes.grid(axis="y", color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
