"""Measure how well codes of pretrained entries serve as features, with all labels and with 1,000.

    KERAS_BACKEND=jax python benchmarks/features.py probes
    KERAS_BACKEND=jax python benchmarks/features.py few --features vae_mnist
    python benchmarks/features.py --table docs/features.md

Settings are chosen on the last 5,000 training images; the test images are measured once, with these settings. Figures
are stored in `benchmarks/features/`; stored ones are not measured again. The last command writes the page.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from feature_methods import METHODS, PROBES

DIRECTORY = Path(__file__).with_name("features")
HELD_OUT = 5000
PCA = (8, 16, 32, 64)
DRAWS = (0, 1, 2, 3, 4)
PER_CLASS = 100  # labeled images of each class: 1,000 in total
UNLABELED = 20_000  # codes without labels that a method may use

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # codes and labels to learn from, and to measure on


def names() -> list[str]:
    """Entries of MNIST that are not conditional, since these need the class to encode, and the baselines."""
    from kerasae import zoo

    entries = [name for name in zoo.names() if zoo.card(name).data == "mnist" and "Conditional" not in _class(name)]
    return ["pixels", *(f"pca{size}" for size in PCA), *entries]


def _class(name: str) -> str:
    from kerasae import zoo

    return zoo.card(name).class_name


def splits(name: str) -> dict[str, Split]:
    """Codes for the choice (`held_out`) and for the test, flattened to vectors, in float32."""
    from kerasae import data

    digits = data.mnist()
    encode = _encoder(name, digits.x_train[:-HELD_OUT])
    train, test = encode(digits.x_train), encode(digits.x_test)
    y, kept = digits.y_train.astype("int64"), slice(len(train) - HELD_OUT)
    return {
        "held_out": (train[kept], y[kept], train[-HELD_OUT:], y[-HELD_OUT:]),
        "test": (train, y, test, digits.y_test.astype("int64")),
    }


def _encoder(name: str, x_train: np.ndarray) -> Callable:
    """Function from images to features `(n, d)`: pixels, principal components, or codes of an entry."""
    from kerasae import zoo
    from kerasae.metrics.baselines import fit_pca

    if name == "pixels":
        return lambda x: x.reshape(len(x), -1)
    if name.startswith("pca"):
        pca = fit_pca(x_train.reshape(len(x_train), -1), int(name.removeprefix("pca")))
        return lambda x: pca.transform(x.reshape(len(x), -1)).astype("float32")
    model = zoo.load(name)
    return lambda x: model.encode(x).reshape(len(x), -1)


def probe(name: str) -> dict:
    """Test accuracy of each probe on all training codes, with the setting that is best on the held-out images."""
    found, result = splits(name), {}
    result["size"] = found["test"][0].shape[1]
    for kind, (function, settings) in PROBES.items():
        started = time.process_time()
        held_out = {setting: function(setting, *found["held_out"]) for setting in settings}
        best = max(held_out, key=held_out.__getitem__)
        result[kind] = {"setting": best, "held_out": held_out[best], "test": function(best, *found["test"])}
        print(name, kind, result[kind], f"{time.process_time() - started:.0f} s of CPU", flush=True)
    return result


def few_labels(name: str) -> dict:
    """Errors with 1,000 labels: means on the held-out images; of each method's best setting those on the test set."""
    found = splits(name)
    held_out = {}
    for method, (function, settings) in METHODS.items():
        for setting in settings:
            errors = [_error(function, setting, found["held_out"], draw) for draw in DRAWS]
            held_out[f"{method} {setting}"] = round(float(np.mean(errors)), 5)
            print(name, method, setting, held_out[f"{method} {setting}"], flush=True)
    best = {method: min(settings, key=lambda s: held_out[f"{method} {s}"]) for method, (_, settings) in METHODS.items()}
    test = {
        f"{method} {best[method]}": [
            round(_error(METHODS[method][0], best[method], found["test"], draw), 5) for draw in DRAWS
        ]
        for method in METHODS
    }
    return {"held_out": held_out, "test": test}


def _error(function: Callable, setting, split: Split, draw: int) -> float:
    """Fraction of images classified wrongly, after 1,000 labels of this draw and other codes without labels."""
    z, y, z_measured, y_measured = split
    order = np.random.default_rng(draw).permutation(len(z))
    labeled = np.concatenate([order[y[order] == digit][:PER_CLASS] for digit in range(10)])
    unlabeled = order[~np.isin(order, labeled)][:UNLABELED]
    return float(np.mean(function(setting, z[labeled], y[labeled], z[unlabeled], z_measured) != y_measured))


def kept(part: str) -> dict[str, dict]:
    """Stored figures of a part, by name of the features."""
    path = DIRECTORY / f"{part}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def measure(part: str, chosen: list[str]) -> None:
    """Measure and store what is not stored yet."""
    function = {"probes": probe, "few": few_labels}[part]
    for name in chosen:
        if name not in kept(part):
            found = {name: function(name)}
            DIRECTORY.mkdir(exist_ok=True)
            (DIRECTORY / f"{part}.json").write_text(json.dumps(kept(part) | found, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="probes, few")
    parser.add_argument("--features", nargs="+", metavar="NAME", help="entries, pixels or pca8 (default: all)")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the page from the stored figures")
    arguments = parser.parse_args()
    for part in arguments.parts:
        measure(part, arguments.features or names())
    if arguments.table:
        from feature_page import page

        arguments.table.write_text(page(kept("probes"), kept("few")), encoding="utf-8")


if __name__ == "__main__":
    main()
