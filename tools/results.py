"""Write the page of all results and its chart: `python tools/results.py docs/results.md [--check]`."""

import math
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pages

from kerasae.metrics import table as metrics
from kerasae.plots import style

Cards = Sequence[Mapping[str, Any]]

CHART = "features.png"  # written beside the page
DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}

_INTRODUCTION = """# Results of all entries

{finding}

Made from the entries' cards by `python tools/results.py docs/results.md`. `kerasae evaluate NAME` measures the
figures of an entry again. Tests compare them with the card, on one backend for each entry, and golden outputs on every
backend. All figures are of the pretrained weights in the package, on the 10,000 test images. No weights were selected
by these figures. {chosen}
"""
_RECONSTRUCTION = """\
MSE and BCE are means per pixel. *Ratio* is input size / code size. *PCA* keeps as many components as the code has
numbers (`topk_mnist`: numbers that are not 0); *mean* is the error of always predicting the mean training image. The
lower bound of BCE is the entropy of the gray pixels, 0.0581 nats per pixel for MNIST.

![Ten test digits as every MNIST entry reconstructs them, beside PCA with the same code size](comparison.png)"""
_DENOISING = """\
Mean squared error to the clean image, with the same draw of the noise in each column. *Noisy* is the corrupted image
itself, *median* a 3 × 3 median filter, *PCA* a projection on as many components as the code has numbers."""
_PRIOR = """\
*MMD²* is the squared maximum mean discrepancy (inverse multiquadratic kernel) between the codes of the test images and
the prior N(0, I), from which samples are drawn; it is 0 for the prior itself. A plain autoencoder does not constrain
its codes. Variational and adversarial ones match them to the prior, at the cost of reconstruction."""
_GENERATION = """\
−ELBO, reconstruction and KL are in nats per image, of gray pixels: do not compare them with likelihoods of binarized
images. *Sample distance* is the Fréchet distance (the formula of FID) of 10,000 samples of the prior from the 10,000
test images, in the last hidden layer of the feature classifier in the package. Compare it within a data set, not with
FIDs elsewhere. *Real* is the distance of 10,000 training images, *PCA* that of normal codes with the variances of PCA.
*Recognized* is the share of samples that are classified as the class asked for; *real: recognized* is that of the test
images.

![Rows of real images and of samples of each entry, the nearest to the real ones first](samples.png)"""
_LIKELIHOOD = """\
In nats per image, of binary images: those of `data.mnist(binarize=...)`, another draw from the same gray images than
those of the literature. *NLL* is the negative log-likelihood by 5,000 importance samples per image, *−ELBO* its upper
bound that is minimized. *Published* is the figure of the source. Training images drawn once (*fixed*) or anew in each
epoch (*dynamic*) make about 2 nats of difference: compare within one kind."""
_FEATURES = """\
Accuracy of a random forest of 100 trees, trained on the codes of the first 1000 training images and tested on the codes
of the 10,000 test images. *PCA* uses as many components as the code has numbers, *pixels* the images themselves.
Compare within the table: with another 1000 images, pixels and PCA move by a few points, mostly together."""
_REFERENCES = """\
Figures that the sources report, or that the published recipe gives in another implementation, beside the figures of the
pretrained weights in the package."""


def page(cards: Cards) -> str:
    """The page, in Markdown.

    Args:
        cards: As `zoo.card` gives them.
    """
    images = [card for card in cards if card["data"] in DATA]
    sections = [_INTRODUCTION.format(finding=_finding(images), chosen=_chosen(cards))]
    sections += _by_data("Reconstruction", _RECONSTRUCTION, images, _reconstruction)
    sections += _section("Denoising", _DENOISING, _having("denoised_mse", images), _denoising)
    sections += _by_data("Generation", _GENERATION, _having("sample_distance", images), _generation)
    likelihoods = _having("negative_log_likelihood", cards)
    sections += _section("Likelihood of binary images", _LIKELIHOOD, likelihoods, _likelihood)
    sections += _by_data("Codes and the prior", _PRIOR, _having("mmd_to_prior", images), _prior)
    sections += _features(_having("forest_accuracy", images))
    points = _having("rms_distance", cards)
    sections += _section("Points of a sine", "Lower is better. Measured on the training points.", points, _points)
    sections += _section("Beside others", _REFERENCES, [c for c in cards if c.get("references")], _references)
    return "\n".join(sections)


def _finding(images: Cards) -> str:
    """What the page says first: how many entries are better than the baselines."""
    lines = [_compared("reconstruct with a smaller MSE than PCA of the same code size", images, "mse", "pca", -1)]
    denoisers = _having("denoised_mse", images)
    lines.append(_compared("remove noise better than a median filter", denoisers, "denoised_mse", "median", -1))
    generators = _having("sample_distance", images)
    lines.append(
        _compared("generate samples closer to the test images than PCA's", generators, "sample_distance", "pca", -1)
    )
    features = _having("forest_accuracy", images)
    lines.append(_compared("have codes that classify better than the pixels", features, "forest_accuracy", "pixels", 1))
    return "\n".join(["Pretrained entries beside their baselines:", "", *filter(None, lines)])


def _chosen(cards: Cards) -> str:
    """How settings were chosen. Tests see to it that a card without a word about this has the published schedule."""
    chosen = [card for card in cards if card.get("selection")]
    text = (
        f"For {len(chosen)} of {len(cards)} entries the card says how settings were chosen, mostly on the last 5,000 "
        "training images; [selection](selection.md) shows how much figures move by chance. "
        f"{len(cards) - len(chosen)} entries have the published schedule."
    )
    return textwrap.fill(text, 120, break_on_hyphens=False)


def _compared(what: str, cards: Cards, key: str, baseline: str, sign: int) -> str:
    """A bullet: how many of the cards are better than a baseline, and which are not."""
    pairs = {
        _name(card): sign * (card["figures"][key] - card["baselines"][baseline][key])
        for card in cards
        if key in card["baselines"].get(baseline, {})
    }
    worse = [name for name, better_by in pairs.items() if better_by <= 0]
    if not pairs:
        return ""
    few = f" (not {', '.join(worse)})" if 0 < len(worse) <= 6 else ""
    return f"- {len(pairs) - len(worse)} of {len(pairs)} {what}{few}."


def _having(key: str, cards: Cards) -> list[Mapping[str, Any]]:
    return [card for card in cards if key in card["figures"]]


def _section(title: str, explanation: str, cards: Cards, table: Callable) -> list[str]:
    return [f"## {title}\n\n{explanation}\n\n{_markdown(table(cards))}\n"] if cards else []


def _by_data(title: str, explanation: str, cards: Cards, table: Callable) -> list[str]:
    """A section with a table for each data set."""
    groups = [(name, [card for card in cards if card["data"] == key]) for key, name in DATA.items()]
    tables = [f"### {name}\n\n{_markdown(table(group))}\n" for name, group in groups if group]
    return [f"## {title}\n\n{explanation}\n", *tables] if tables else []


def _markdown(rows: list[list[str]]) -> str:
    """Rows of cells, the first of them the header, as a table without the columns that are empty."""
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    header, *body = zip(*columns, strict=True)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *body))


def _cell(figures: Mapping[str, float], key: str) -> str:
    return metrics.number(key, figures[key]) if key in figures else ""


def _columns(card: Mapping[str, Any], *wanted: tuple[str | None, str]) -> list[str]:
    """A card's cells: its own figure for `(None, key)`, a baseline's for `(baseline, key)`."""
    baselines = card["baselines"]
    own = card["figures"]
    return [_cell(baselines.get(name, {}) if name else own, key) for name, key in wanted]


def _reconstruction(cards: Cards) -> list[list[str]]:
    rows = [["entry", "code", "ratio", "parameters", "MSE", "PCA: MSE", "mean: MSE", "BCE", "mean: BCE"]]
    for card in cards:
        size = card["code"]["size"]
        ratio = f"{math.prod(card['input']['shape']) / size:.3g}"
        wanted = ((None, "mse"), ("pca", "mse"), ("mean", "mse"), (None, "bce"), ("mean", "bce"))
        rows.append([_name(card), str(size), ratio, f"{card['parameters']:,}", *_columns(card, *wanted)])
    return rows


def _denoising(cards: Cards) -> list[list[str]]:
    others = ("pca", "median", "noisy")
    rows = [["entry", "cleaned", "PCA", "median", "noisy"]]
    return rows + [
        [_name(card), *_columns(card, *((name, "denoised_mse") for name in (None, *others)))] for card in cards
    ]


def _generation(cards: Cards) -> list[list[str]]:
    own = ("negative_elbo", "reconstruction_loss", "kl_loss", "sample_distance")
    header = ["entry", "−ELBO", "reconstruction", "KL", "sample distance", "PCA", "real", "recognized"]
    header += ["real: recognized"]
    wanted: list[tuple[str | None, str]] = [(None, key) for key in own]
    wanted += [("pca", "sample_distance"), ("real", "sample_distance")]
    wanted += [(None, "class_accuracy"), ("real", "class_accuracy")]
    return [header] + [[_name(card), *_columns(card, *wanted)] for card in cards]


def _likelihood(cards: Cards) -> list[list[str]]:
    rows = [["entry", "training images", "code", "NLL", "published", "−ELBO", "reconstruction", "KL"]]
    keys = ("negative_elbo", "reconstruction_loss", "kl_loss")
    for card in cards:
        key, size = "negative_log_likelihood", str(card["code"]["size"])
        published = ", ".join(_cell({key: each["value"]}, key) for each in card["references"] if each["key"] == key)
        own = _columns(card, *((None, key) for key in keys))
        rows.append([_name(card), card["data"].rpartition("_")[2], size, _cell(card["figures"], key), published, *own])
    return rows


def _prior(cards: Cards) -> list[list[str]]:
    nearest_first = sorted(cards, key=lambda card: card["figures"]["mmd_to_prior"])
    rows = [["entry", "code", "MMD²", "MSE"]]
    return rows + [
        [_name(card), str(card["code"]["size"]), *_columns(card, (None, "mmd_to_prior"), (None, "mse"))]
        for card in nearest_first
    ]


def _points(cards: Cards) -> list[list[str]]:
    wanted = ((None, "rms_distance"), (None, "mse"), (None, "fresh_mse"), ("pca", "mse"))
    rows = [["entry", "RMS distance to the curve", "MSE", "MSE, fresh noise", "PCA: MSE"]]
    return rows + [[_name(card), *_columns(card, *wanted)] for card in cards]


def _references(cards: Cards) -> list[list[str]]:
    rows = [["entry", "figure", "here", "there", "source"]]
    for card in cards:
        for reference in card["references"]:
            key = reference["key"]
            there = metrics.number(key, reference["value"])
            rows.append([_name(card), metrics.label(key), _cell(card["figures"], key), there, reference["source"]])
    return rows


def _features(cards: Cards) -> list[str]:
    if not cards:
        return []
    groups = ((name, _ranked([card for card in cards if card["data"] == key])) for key, name in DATA.items())
    best = "\n\n".join(_best(name, group) for name, group in groups if group)
    picture = f"![Accuracy of a forest on each entry's codes, on PCA's and on the pixels]({CHART})"
    return _by_data("Codes as features", f"{_FEATURES}\n\n{best}\n\n{picture}", _ranked(cards), _accuracies)


def _ranked(cards: Cards) -> list[Mapping[str, Any]]:
    return sorted(cards, key=lambda card: -card["figures"]["forest_accuracy"])


def _best(name: str, ranked: Cards) -> str:
    first = ranked[0]
    return (
        f"On {name} the codes of {_name(first)} make the best features: {_cell(first['figures'], 'forest_accuracy')} "
        f"of the test images are recognized, with the pixels {_columns(first, ('pixels', 'forest_accuracy'))[0]}."
    )


def _accuracies(cards: Cards) -> list[list[str]]:
    rows = [["entry", "code", "accuracy", "PCA", "pixels"]]
    wanted = [(name, "forest_accuracy") for name in (None, "pca", "pixels")]
    return rows + [[_name(card), str(card["code"]["size"]), *_columns(card, *wanted)] for card in cards]


def _name(card: Mapping[str, Any]) -> str:
    return f"`{card['name']}`"


@style.styled
def chart(cards: Cards):
    """The chart of forest accuracies, on codes and on PCA, as a matplotlib Figure; None if no card has one."""
    ranked = _ranked(_having("forest_accuracy", cards))
    groups = {name: [card for card in ranked if card["data"] == key] for key, name in DATA.items()}
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        return None
    sizes = [len(group) for group in groups.values()]
    figure = style.new_figure(8.0, 0.9 + 0.4 * len(groups) + 0.22 * sum(sizes))
    panels = figure.subplots(len(groups), squeeze=False, sharex=True, height_ratios=[size + 1 for size in sizes])[:, 0]
    for axes, (name, group) in zip(panels, groups.items(), strict=True):
        _draw_accuracies(axes, group)
        axes.set_title(name)
        style.tidy(axes, "linear", None)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    panels[-1].set_xlabel("accuracy on the test images, after 1000 labeled training images")
    return figure


def _draw_accuracies(axes, cards: Cards) -> None:
    names = [f"{card['name']} ({card['code']['size']:,})" for card in cards]
    own = [card["figures"]["forest_accuracy"] for card in cards]
    pca, pixels = ([card["baselines"][name]["forest_accuracy"] for card in cards] for name in ("pca", "pixels"))
    axes.hlines(names, pca, own, color=style.GRAY, linewidth=1.2, zorder=1)
    axes.axvline(pixels[0], color=style.TRUTH, linestyle="--", linewidth=1, label="pixels", zorder=0)
    axes.plot(pca, names, "o", color=style.BASELINE, label="PCA, same code size")
    axes.plot(own, names, "o", color=style.MODEL, markersize=5.5, label="codes of the entry (code size)")
    axes.set_ylim(len(cards) - 0.5, -0.5)  # the best on top
    axes.tick_params(axis="y", length=0)


def main(argv: Sequence[str] | None = None) -> int:
    """Write or check the page; write the chart beside it."""
    arguments = pages.parse(__doc__, argv)
    cards = pages.cards()
    status = pages.write(arguments.file, page(cards), arguments.check, "tools/results.py")
    figure = None if arguments.check else chart(cards)
    if figure is not None:
        (arguments.file.parent / CHART).write_bytes(style.png(figure, metadata={"Software": None}))
    return status


if __name__ == "__main__":
    sys.exit(main())
