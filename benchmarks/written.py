"""Train the published recipes completely, and compare their figures with those that the sources report.

    KERAS_BACKEND=torch python benchmarks/written.py dense8_mnist dense2_mnist
    python benchmarks/written.py --table docs/written.md

The first command measures on the test set and stores the figures in `benchmarks/written/torch.json`; the second writes
the table of all backends. `--epochs 1` trains one epoch and stores its loss, to compare backends if the whole recipe
takes too long. `--all-images` trains on the test images too, as the source of `vae2_mnist` does, and stores the loss of
the last epoch. `--other` trains as many epochs by another schedule, which was chosen on the last 5,000 training images.
"""

import argparse
import json
import time
from pathlib import Path

DIRECTORY = Path(__file__).with_name("written")
BACKENDS = ("tensorflow", "torch", "jax")
LOSSES = {  # labels of what `fit` reports, the mean over an epoch's steps
    "first_epoch_loss": "loss of the first epoch",
    "last_epoch_loss": "loss of the last epoch",
    "all_images_loss": "loss of the last epoch, trained on the test images too",
}
# For `--other`: label of the figure, and changes of the shipped schedule, to as many epochs as the published one has.
OTHERS = {
    "vae_mnist": ("batches of 64, rate from 0.003 to 0", {"epochs": 10, "batch_size": 64, "learning_rate": 0.003}),
}
# Losses that a source prints: the keras.io code example of 2020 does not hold out the test images, and its runs differ.
LOSSES_ELSEWHERE = {("vae2_mnist", "all_images_loss"): "146.95 to 150.40"}


def measure(name: str, epochs: int | None, verbose) -> dict[str, float]:
    """Train with the published recipe: figures of its references, losses of the first and the last epoch."""
    import keras

    from kerasae import data, metrics
    from kerasae.zoo import recipes, train

    class Stop(keras.callbacks.Callback):
        """Not a shorter schedule: in it the learning rate and the weights of loss terms would change faster."""

        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch + 1 == epochs

    recipe = recipes.find(name)
    started = time.time()
    model, history = train.train(name, recipe.written, callbacks=[Stop()], verbose=verbose)
    result = {"first_epoch_loss": history.history["loss"][0], "seconds": time.time() - started}
    if epochs is None:
        figures = metrics.figures(model, getattr(data, recipe.data)())
        result |= {key: figures[key] for key in {recipe.headline, *(reference.key for reference in recipe.references)}}
        result["last_epoch_loss"] = history.history["loss"][-1]
    return {key: float(f"{value:.6g}") for key, value in result.items()}


def measure_all_images(name: str, verbose) -> dict[str, float]:
    """Train with the published recipe on the training and the test images: loss of the last epoch."""
    import numpy as np

    from kerasae import data
    from kerasae.zoo import recipes, train

    recipe = recipes.find(name)
    arrays = data.named(recipe.data).arrays()
    x = np.concatenate([arrays.x_train, arrays.x_test])
    model = train.compiled_model(recipe, recipe.written, len(x), recipe.seed)
    options = {"batch_size": recipe.written.batch_size, "epochs": recipe.written.epochs, "verbose": verbose}
    history = model.fit(x, seed=recipe.seed, **options)
    return {"all_images_loss": float(f"{history.history['loss'][-1]:.6g}")}


def measure_other(name: str, verbose) -> dict[str, float]:
    """Train as many epochs as the published recipe by the schedule in `OTHERS`: the entry's first figure."""
    from kerasae import data, metrics
    from kerasae.zoo import recipes, train

    recipe, (_, changes) = recipes.find(name), OTHERS[name]
    model, _ = train.train(name, recipes.plan(name, "shipped", **changes), verbose=verbose)
    figures = metrics.figures(model, getattr(data, recipe.data)())
    return {"other_schedule": float(f"{figures[recipe.headline]:.6g}")}


def kept(backend: str) -> dict[str, dict[str, float]]:
    """Stored figures of a backend, by entry."""
    path = DIRECTORY / f"{backend}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name: str, backend: str, result: dict[str, float]) -> None:
    DIRECTORY.mkdir(exist_ok=True)
    record = kept(backend)
    record[name] = record.get(name, {}) | result  # the first epoch alone must not replace the figures of all epochs
    (DIRECTORY / f"{backend}.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def table() -> str:
    """Format all figures and the references as Markdown."""
    from kerasae.zoo import recipes

    lines = [
        "# Published recipes",
        "",
        *_finding(),
        "",
        "Test figures of the recipes as published, trained on each backend with the recipe's seed",
        "(`KERAS_BACKEND=... python benchmarks/written.py NAME`). *elsewhere* is the figure of the card's reference.",
        "An empty cell: the recipe was not followed on that backend, or only for its first epoch, for lack of time.",
        "The network of `deep30_mnist` is smaller than the published one, which was trained in another way: its recipe",
        "is 60 epochs of Adam. A row that names a schedule: as many epochs by that schedule, which was chosen on the",
        "last 5,000 training images (`benchmarks/written.py NAME --other`).",
        "",
        "| entry | figure | elsewhere | TensorFlow | PyTorch | JAX |",
        "|---|---|---|---|---|---|",
    ]
    record = {backend: kept(backend) for backend in BACKENDS}
    for name, recipe in recipes.RECIPES.items():
        runs = {backend: record[backend].get(name, {}) for backend in BACKENDS}
        elsewhere = {reference.key: reference.value for reference in recipe.references}
        keys = list(dict.fromkeys([recipe.headline, *elsewhere]))
        for key in [*keys, "other_schedule", *LOSSES]:
            if not any(key in run for run in runs.values()):
                continue
            label, form = _label(name, key)
            values = [elsewhere.get(key), *(runs[backend].get(key) for backend in BACKENDS)]
            shown = ["" if value is None else f"{value:{form}}" for value in values]
            shown[0] = LOSSES_ELSEWHERE.get((name, key), shown[0])
            lines.append(f"| `{name}` | {label} | {' | '.join(shown)} |")
    missing = [f"`{name}` ({recipe.written.epochs})" for name, recipe in recipes.RECIPES.items() if not _is_done(name)]
    if missing:
        lines += ["", f"Not followed to their end on any backend (epochs): {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def _label(name: str, key: str) -> tuple[str, str]:
    """Label of a figure, and the format of its values."""
    from kerasae.metrics import METRICS
    from kerasae.zoo import recipes

    if key == "other_schedule":
        label, form = _label(name, recipes.find(name).headline)
        return f"{label}, {OTHERS[name][0]}", form
    metric = METRICS.get(key)
    return (metric.label, f".{metric.decimals}f") if metric else (LOSSES[key], ".6g")


def _is_done(name: str) -> bool:
    """Whether some backend has followed a recipe to its end."""
    from kerasae.zoo import recipes

    return any(recipes.find(name).headline in kept(backend).get(name, {}) for backend in BACKENDS)


def _finding() -> list[str]:
    """What the page says first: how many figures are as good as elsewhere on every backend that was measured."""
    from kerasae.metrics import METRICS
    from kerasae.zoo import recipes

    reached, missed = [], []
    for name, recipe in recipes.RECIPES.items():
        for key, elsewhere, _ in recipe.references:
            runs = [run[key] for backend in BACKENDS if key in (run := kept(backend).get(name, {}))]
            if runs:
                good = min(runs) >= elsewhere if METRICS[key].higher_is_better else max(runs) <= elsewhere
                (reached if good else missed).append(f"`{name}` ({METRICS[key].label})")
    count = f"{len(reached)} of {len(reached) + len(missed)}"
    lines = [f"{count} figures of the published recipes are at least as good here as elsewhere, on every backend"]
    lines += ["that was measured."]
    return lines + ([f"Not reached: {', '.join(missed)}."] if missed else [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--epochs", type=int, choices=(1,), help="follow only the first epoch")
    extent.add_argument("--all-images", action="store_true", help="train on the test images too")
    extent.add_argument("--other", action="store_true", help="train by another schedule of as many epochs")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write what was measured so far")
    arguments = parser.parse_args()
    for name in arguments.names:
        import keras

        if arguments.all_images:
            result = measure_all_images(name, verbose=0)
        elif arguments.other:
            result = measure_other(name, verbose=0)
        else:
            result = measure(name, arguments.epochs, verbose=0)
        keep(name, keras.backend.backend(), result)
        print(name, keras.backend.backend(), result)
    if arguments.table:
        arguments.table.write_text(table())


if __name__ == "__main__":
    main()
