"""Compare the outlier detector with PCA, nearest neighbors and an isolation forest.

    KERAS_BACKEND=jax python benchmarks/outliers.py mnist fashion_mnist crossed series tables
    python benchmarks/outliers.py --page docs/outliers.md

The first command measures ROC AUCs and stores them in `benchmarks/outliers/`, one file per part. Stored figures are not
measured again, so an interrupted run resumes. The second command writes the page. `--hold-out` scores the last 10,000
training images of `mnist` or `fashion_mnist` instead of the test set; settings were chosen on these.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import detectors
import numpy as np
from outlier_data import daily_pattern, development_tables
from outlier_page import page
from sklearn.metrics import roc_auc_score

DIRECTORY = Path(__file__).with_name("outliers")
SEEDS = (0, 1, 2)
# Contrast is normalized for digits (it depends on the pen), not for clothes (brightness distinguishes them).
NORMALIZED = {name: {"input_shape": (28, 28, 1), "normalize": name == "mnist"} for name in ("mnist", "fashion_mnist")}


def one_class(name: str, hold_out: bool) -> Iterator[tuple[str, object]]:
    """Fit to one class of a data set, and score all test images."""
    from kerasae import data

    dataset = getattr(data, name)()
    x_train, y_train = dataset.x_train.reshape(-1, 784), dataset.y_train
    x, y = dataset.x_test.reshape(-1, 784), dataset.y_test
    if hold_out:
        x_train, x, y_train, y = x_train[:50000], x_train[50000:], y_train[:50000], y_train[50000:]

    def auc(method, label, **arguments):
        return lambda: float(roc_auc_score(y != label, method(x_train[y_train == label], x, **arguments)))

    for seed in SEEDS[: 1 if hold_out else None]:
        for label in range(10):
            yield f"{label}/kerasae/{seed}", auc(detectors.detector, label, seed=seed, **NORMALIZED[name])
            if seed == 0:
                yield f"{label}/neighbors_smoothed", auc(detectors.neighbors, label, view=detectors.smoothed)
                yield f"{label}/neighbors_normalized", auc(detectors.neighbors, label, view=detectors.normalized)
                yield f"{label}/pca", auc(detectors.residual, label)
                yield f"{label}/neighbors", auc(detectors.neighbors, label)
                yield f"{label}/forest", auc(detectors.forest, label)


def crossed() -> Iterator[tuple[str, object]]:
    """Fit detectors to 5,000 training images of one data set, and score the test images of both."""
    from kerasae import data

    sets = {name: getattr(data, name)() for name in ("mnist", "fashion_mnist")}
    entries = {"mnist": "dense_mnist", "fashion_mnist": "dense_fashion"}
    for own, other in (("mnist", "fashion_mnist"), ("fashion_mnist", "mnist")):
        x_train = sets[own].x_train[:5000].reshape(-1, 784)
        x = np.concatenate([sets[name].x_test.reshape(-1, 784) for name in (own, other)])
        is_other = np.arange(len(x)) >= len(sets[own].x_test)
        entry = entries[own]

        def auc(method, x_train=x_train, x=x, is_other=is_other, **arguments):
            return lambda: float(roc_auc_score(is_other, method(x_train, x, **arguments)))

        def error(entry=entry, x=x, is_other=is_other):
            from kerasae import zoo

            model = zoo.load(entry)
            return float(roc_auc_score(is_other, model.reconstruction_error(x.reshape(-1, *model.data_shape))))

        yield f"{own}/kerasae", auc(detectors.detector, **NORMALIZED[own])
        yield f"{own}/entry", auc(detectors.detector, model=entry)
        yield f"{own}/error", error
        yield f"{own}/pca", auc(detectors.residual)
        yield f"{own}/neighbors", auc(detectors.neighbors)
        yield f"{own}/forest", auc(detectors.forest)


def series() -> Iterator[tuple[str, object]]:
    """A daily pattern with jumps, drifts and missing days: ROC AUC per step."""
    for seed in SEEDS:
        x_train, x, kinds = daily_pattern(seed)

        def auc(method, x_train=x_train, x=x, kinds=kinds, seed=seed):
            def measure():
                scores = method(x_train, x, seed)
                each = {kind: float(roc_auc_score(kinds[m] == kind, scores[m])) for kind, m in _by_kind(kinds)}
                return each | {"all": float(roc_auc_score(kinds != "usual", scores))}

            return measure

        for name, method in SERIES.items():
            yield f"{seed}/{name}", auc(method)


def _by_kind(kinds: np.ndarray):
    """Each kind of anomaly, with the mask of steps that have this kind or none."""
    return [(kind, np.isin(kinds, (kind, "usual"))) for kind in sorted(set(kinds) - {"usual"})]


DAY = 24


def _of_windows(x_train: np.ndarray, x: np.ndarray, seed: int) -> np.ndarray:
    from kerasae import data

    flat = [data.windows(series, DAY).reshape(-1, DAY) for series in (x_train, x)]
    scores = detectors.detector(*flat, seed=seed)
    return data.per_step(np.repeat(scores[:, None], DAY, axis=1), steps=len(x))


def _seasonal(x_train: np.ndarray, x: np.ndarray, seed: int) -> np.ndarray:
    days = x_train.reshape(-1, DAY)
    hours = np.arange(len(x)) % DAY
    return np.abs(x - days.mean(axis=0)[hours]) / days.std(axis=0)[hours]


def _rolling(x_train: np.ndarray, x: np.ndarray, seed: int) -> np.ndarray:
    before = np.lib.stride_tricks.sliding_window_view(np.concatenate([x_train[-7 * DAY :], x])[:-1], 7 * DAY)
    return np.abs(x - before.mean(axis=1)) / before.std(axis=1)


SERIES = {"kerasae": _of_windows, "seasonal": _seasonal, "rolling": _rolling}


def tables() -> Iterator[tuple[str, object]]:
    """Fit to the training rows of scikit-learn's tables, and score the test rows."""
    methods = {
        "kerasae": detectors.detector,
        "pca": lambda a, b: detectors.residual(a, b, 0.9),
        "neighbors": detectors.neighbors,
        "forest": detectors.forest,
    }
    for name, x_train, x, is_outlier in development_tables():
        for method, function in methods.items():
            yield (
                f"{name}/{method}",
                lambda f=function, a=x_train, b=x, y=is_outlier: float(roc_auc_score(y, f(a, b))),
            )


IMAGES = ("mnist", "fashion_mnist")
PARTS = {name: lambda name=name: one_class(name, False) for name in IMAGES} | {
    "crossed": crossed,
    "series": series,
    "tables": tables,
}


def measure(part: str, hold_out: bool = False) -> None:
    """Measure the figures of a part that are not stored yet, and store each one at once."""
    path = DIRECTORY / f"{part}{'_held_out' if hold_out else ''}.json"
    record = json.loads(path.read_text()) if path.exists() else {}
    for key, function in one_class(part, True) if hold_out else PARTS[part]():
        if key not in record:
            started = time.process_time()
            record[key] = _rounded(function())
            print(key, record[key], f"{time.process_time() - started:.1f} s of CPU", flush=True)
            DIRECTORY.mkdir(exist_ok=True)
            path.write_text(json.dumps(record, indent=1) + "\n")


def _rounded(figure):
    return {key: round(value, 5) for key, value in figure.items()} if isinstance(figure, dict) else round(figure, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--hold-out", action="store_true", help="score held-out training images")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page from the stored figures")
    arguments = parser.parse_args()
    for part in arguments.parts:
        measure(part, arguments.hold_out)
    if arguments.page:
        records = {path.stem: json.loads(path.read_text()) for path in sorted(DIRECTORY.glob("*.json"))}
        arguments.page.write_text(page(records), encoding="utf-8")


if __name__ == "__main__":
    main()
