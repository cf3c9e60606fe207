"""Write the page on codes as features from the measurements of `features.py`."""

from collections.abc import Mapping

import numpy as np

Record = Mapping[str, Mapping]
PUBLISHED = 0.0424  # error of M1+TSVM, the codes of a VAE and a transductive support vector machine

_PAGE = """# Codes as features

Codes of MNIST entries, learned without labels, classify as follows:

{finding}

Settings were chosen on the last 5,000 training images, after a fit to the others. Then each method was fitted to all
training images and measured once on the 10,000 test images. `cvae_mnist` is left out, since its encoder is given the
class.

## All labels

Accuracy on the test images. *Neighbors*: the 1 or 5 nearest of 60,000 training codes, by Euclidean distance. *Linear*:
logistic regression on standardized codes (C = 1, up to 200 iterations). *PCA* keeps the given number of components.
Command: `python benchmarks/features.py probes`.

{probes}

## 1,000 labels

Error on the test images, mean and standard deviation over 5 draws of 100 labeled training images per class. *Label
spreading* and *self-training* also use the codes of 20,000 further training images without labels, and no test images.
The encoder saw all training images without labels. Of each method the setting with the smallest mean error on the
held-out images is shown. All methods are scikit-learn's; support vector machines have its default radial kernel.
Command: `python benchmarks/features.py few --features NAME`.

{few}

Kingma et al. (*Semi-supervised learning with deep generative models*, 2014) report 4.24 % for 1,000 labels, with the
codes of a VAE of their own and a transductive support vector machine (M1+TSVM).
"""


def page(probes: Record, few: Record) -> str:
    """The page in Markdown."""
    return _PAGE.format(finding=_finding(probes, few), probes=_probes(probes), few=_few(few))


def label(name: str) -> str:
    """Name of features in tables: an entry in code font, or a baseline in words."""
    if name.startswith("pca"):
        return f"PCA-{name.removeprefix('pca')}"
    return name if name == "pixels" else f"`{name}`"


def best(few: Record) -> tuple[str, str, float, float]:
    """Features and method with the smallest held-out error, and the mean and deviation of its test errors."""
    rows = [(found["held_out"][method], name, method) for name, found in few.items() for method in found["test"]]
    _, name, method = min(rows)
    errors = few[name]["test"][method]
    return name, method, float(np.mean(errors)), float(np.std(errors, ddof=1))


def _finding(probes: Record, few: Record) -> str:
    lines = []
    if few:
        name, method, mean, spread = best(few)
        compared = "below" if mean < PUBLISHED else "not below"
        lines.append(
            f"- With 1,000 labels, {method} on the codes of {label(name)} has a test error of {mean:.2%} ± "
            f"{spread:.2%}, {compared} the {PUBLISHED:.2%} of M1+TSVM."
        )
    for kind, what in (("neighbors", "nearest neighbors"), ("linear", "logistic regression")):
        name = max(probes, key=lambda name: probes[name][kind]["test"])
        pixels = probes["pixels"][kind]["test"]
        better = sum(found[kind]["test"] > pixels for key, found in probes.items() if _is_entry(key))
        count = sum(map(_is_entry, probes))
        pca = max(found[kind]["test"] for key, found in probes.items() if key.startswith("pca"))
        lines.append(
            f"- With all labels and {what}, {label(name)} is best: {probes[name][kind]['test']:.4f}. The codes of "
            f"{better} of {count} entries are better than the pixels ({pixels:.4f}), PCA reaches {pca:.4f}."
        )
    return "\n".join(lines)


def _is_entry(name: str) -> bool:
    return not name.startswith("pca") and name != "pixels"


def _probes(record: Record) -> str:
    rows = ["| features | size | neighbors (number) | linear |", "|---|---|---|---|"]
    for name in sorted(record, key=lambda name: -record[name]["neighbors"]["test"]):
        nearest, linear = record[name]["neighbors"], record[name]["linear"]
        cells = label(name), str(record[name]["size"]), f"{nearest['test']:.4f} ({nearest['setting']})"
        rows.append(f"| {' | '.join((*cells, format(linear['test'], '.4f')))} |")
    return "\n".join(rows)


def _few(record: Record) -> str:
    rows = ["| features | method | held-out error | test error |", "|---|---|---|---|"]
    for name, found in record.items():
        for method, errors in found["test"].items():
            spread = f"{np.mean(errors):.2%} ± {np.std(errors, ddof=1):.2%}"
            rows.append(f"| {label(name)} | {method} | {found['held_out'][method]:.2%} | {spread} |")
    return "\n".join(rows)
