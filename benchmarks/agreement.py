"""One recipe, one course: the loss of each of the first 200 steps of every recipe, on the backend in use.

    KERAS_BACKEND=torch python benchmarks/agreement.py dense8_mnist vae_mnist
    KERAS_BACKEND=torch python benchmarks/agreement.py --all
    KERAS_BACKEND=tensorflow python benchmarks/agreement.py --all --nudged
    python benchmarks/agreement.py --table docs/agreement.md

The first two follow shipped recipes, in float32, with their seeds, for an epoch and for 200 steps at least, and keep
the losses in `benchmarks/agreement/torch.json`. The third does the same from initial weights of which every one is the
next float32 above or below: what rounding alone does to a course. The fourth writes those of all backends as a page
with a chart.
"""

import argparse
import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np

DIRECTORY = Path(__file__).with_name("agreement")
BACKENDS = ("tensorflow", "torch", "jax")
STEPS = 200
WITHIN, WITHIN_EPOCH = 1e-4, 1e-3  # relative differences that are asked for: of a step, of an epoch's mean
# Their whole epochs take too long in float32 without a GPU: the first is one of 200 steps, the data so many images.
COSTLY = ("conv32_mnist", "conv_mnist", "denoise_gauss_mnist", "vae2_mnist", "vaegan_mnist")
SHOWN = ("linear_sine", "dense_mnist", "dense8_mnist", "denoise_flip_mnist", "vae_mnist", "vaegan_mnist")
TEST_IMAGES = 1000
CHART = "agreement.png"  # beside the page

INTRODUCTION = """# One recipe, one course

With its seed, a recipe begins alike on every backend: the initial weights are NumPy's, the order of the batches comes
from the seed and the epoch, and noise, dropout and samples are functions of a seed and the step (`kerasae.random`).
`kerasae train` does so always, `fit` where it is given `seed=`. The arithmetic is each backend's own.

Every shipped recipe, in float32 on CPU, from its seed: `benchmarks/agreement.py`. A difference is that of the largest
and the smallest of the three backends' losses, over the largest. *Step 1* and *200 steps*: of the loss of single steps,
the largest. *Horizon*: the first step at which it is over 1e-4. *One bit* and *its horizon*: the same of two runs on
one backend, TensorFlow, of which one starts from weights whose last bit is another. *Epoch*: of the mean loss of the
first epoch. *MSE after*: of the error on 1000 test inputs after that epoch. Of the entries marked * an epoch is of 200
steps, on as many of the training images.
"""

GROUPS = (
    "Within 1e-4 for 200 steps",
    "Beyond it, as are two runs on one backend that differ in a last bit: rounding alone parts them",
    "Beyond it, and rounding alone has not been shown to be why",
)


def course(steps: int):
    """A metric for the loss that is Keras's mean and keeps every step's value besides.

    A part of the training step, it sees many steps made in one call as well as single ones.
    """
    import keras
    from keras import ops

    class Course(keras.metrics.Mean):
        def __init__(self):
            super().__init__(name="loss")
            self.values = self.add_variable((steps,), "zeros", name="values")
            self.taken = self.add_variable((), "zeros", dtype="int32", name="taken")

        def update_state(self, value, sample_weight=None):
            super().update_state(value, sample_weight)
            here = ops.equal(ops.arange(steps, dtype="int32"), ops.convert_to_tensor(self.taken))
            self.values.assign(ops.where(here, ops.cast(value, "float32"), ops.convert_to_tensor(self.values)))
            self.taken.assign_add(1)

        def reset_state(self):
            for variable in (self.total, self.count):  # the course goes on in the next epoch
                variable.assign(ops.zeros((), variable.dtype))

    return Course()


def measure(name: str, nudged: bool = False) -> dict:
    """Follow a recipe for its first epoch, and for `STEPS` steps if that has fewer.

    Returns:
        `losses`, one a step; `epoch_loss`, the mean over the first epoch as `fit` reports it; `epoch_mse`, after the
        first epoch on the first test inputs; `images` and `steps` of the epoch; `seconds`.
    """
    import keras

    from kerasae import data, evaluation, recipes

    recipe = recipes.find(name)
    plan = dataclasses.replace(recipes.plan(name, "shipped"), precision="float32")
    dataset = data.named(recipe.data)
    model = recipes.compiled_model(recipe, plan, len(dataset.x_train), recipe.seed)
    if nudged:
        model.set_weights(list(map(_nudged, model.get_weights())))
    recorder = course(STEPS)
    vars(model)["_loss_tracker"] = recorder  # set as an attribute it would be tracked, and updated twice a step
    n = min(len(dataset.x_train), STEPS * plan.batch_size if name in COSTLY else len(dataset.x_train))
    x, y = dataset.x_train[:n], dataset.y_train[:n]
    steps = math.ceil(n / plan.batch_size)
    options = {"batch_size": plan.batch_size, "seed": recipe.seed, "verbose": 0}
    started = time.time()
    history = model.fit(model.labelled(x, y), epochs=1, **options)
    x_test, y_test = dataset.x_test[:TEST_IMAGES], dataset.y_test[:TEST_IMAGES]
    x_hat = model.reconstruct(x_test, **evaluation.given_to(model, y_test))
    if steps < STEPS:
        model.fit(model.labelled(x, y), initial_epoch=1, epochs=math.ceil(STEPS / steps), **options)
    return {
        "losses": [_figure(loss) for loss in keras.ops.convert_to_numpy(recorder.values)],
        "epoch_loss": _figure(history.history["loss"][0]),
        "epoch_mse": _figure(evaluation.mean_squared_error(x_test, x_hat)),
        "images": n,
        "steps": steps,
        "seconds": round(time.time() - started),
    }


def _nudged(weights: np.ndarray) -> np.ndarray:
    """Every weight but zeros as the next float32 above or below."""
    if weights.dtype != "float32":
        return weights
    way = np.random.default_rng(0).choice([-np.inf, np.inf], weights.shape).astype("float32")
    return np.where(weights == 0, weights, np.nextafter(weights, way))


def _figure(value) -> float:
    """A float32 with as many digits as tell it from its neighbours."""
    return float(f"{float(value):.9g}")


def kept(which: str) -> dict[str, dict]:
    """What was measured so far on a backend, or `nudged`: entry → what `measure` gives."""
    path = DIRECTORY / f"{which}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name: str, which: str, result: dict) -> None:
    """Add to what was measured: one line an entry."""
    DIRECTORY.mkdir(exist_ok=True)
    record = sorted((kept(which) | {name: result}).items())
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in record)
    (DIRECTORY / f"{which}.json").write_text(f"{{\n{lines}\n}}\n")


def differences(runs: list[dict], key: str = "losses") -> np.ndarray:
    """The largest relative difference among runs, of each step or of one figure."""
    values = np.array([run[key] for run in runs])
    return np.asarray((values.max(axis=0) - values.min(axis=0)) / values.max(axis=0))


def horizon(apart: np.ndarray) -> int | None:
    """The first step whose difference is over the limit."""
    over = np.flatnonzero(apart > WITHIN)
    return int(over[0]) + 1 if len(over) else None


def measured() -> dict[str, tuple[list[dict], list[dict]]]:
    """Entry → the runs of all backends, and the two on one of which one was nudged; either may lack some."""
    from kerasae import recipes

    backends, nudged = {backend: kept(backend) for backend in BACKENDS}, kept("tensorflow-nudged")
    return {
        name: (
            [backends[backend][name] for backend in BACKENDS if name in backends[backend]],
            [record[name] for record in (backends["tensorflow"], nudged) if name in record],
        )
        for name in recipes.RECIPES
    }


def page() -> str:
    """All that was measured, as Markdown."""
    rows = [
        "| entry | step 1 | 200 steps | horizon | one bit | its horizon | epoch | MSE after |",
        "|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[str]] = {text: [] for text in GROUPS}
    for name, (runs, twins) in measured().items():
        label = f"`{name}`" + (" *" if name in COSTLY else "")
        if len(runs) < len(BACKENDS):
            rows.append(f"| {label} | not measured on every backend |  |  |  |  |  |  |")
            continue
        apart, rounding = differences(runs), differences(twins) if len(twins) == 2 else None
        groups[_group(apart, rounding)].append(f"`{name}`")
        cells = [f"{apart[0]:.0e}", f"{apart.max():.0e}", _step(horizon(apart))]
        cells += ["", ""] if rounding is None else [f"{rounding.max():.0e}", _step(horizon(rounding))]
        cells += [f"{differences(runs, key):.0e}" for key in ("epoch_loss", "epoch_mse")]
        rows.append(f"| {label} | {' | '.join(cells)} |")
    summary = [f"{text} ({len(names)}): {', '.join(names) or 'none'}.\n" for text, names in groups.items()]
    picture = f"![Relative difference of the losses against the step]({CHART})"
    return "\n".join([INTRODUCTION, *rows, "", *summary, picture]) + "\n"


def _group(apart: np.ndarray, rounding: np.ndarray | None) -> str:
    if apart.max() <= WITHIN:
        return GROUPS[0]
    return GROUPS[1] if rounding is not None and rounding.max() > WITHIN else GROUPS[2]


def _step(number: int | None) -> str:
    return "none" if number is None else str(number)


def chart():
    """How far apart the backends are, and two runs on one of them, against the step: a panel an entry."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    record = measured()
    for axes, name in zip(panels.flat, SHOWN, strict=True):
        for runs, label in zip(record[name], ("three backends", "one backend, one bit"), strict=True):
            if len(runs) > 1:
                apart = differences(runs)
                axes.semilogy(1 + np.arange(len(apart)), np.maximum(apart, 1e-8), linewidth=1, label=label)
        axes.axhline(WITHIN, color="0.6", linewidth=1, linestyle="--")
        axes.set_title(name, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("step")
    figure.supylabel("relative difference of the loss")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="every recipe")
    parser.add_argument("--nudged", action="store_true", help="from weights that differ in their last bit")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write what was measured so far, and a chart beside")
    arguments = parser.parse_args()
    if arguments.names or arguments.all:
        import keras

        from kerasae import recipes

        for name in arguments.names or recipes.RECIPES:
            result = measure(name, arguments.nudged)
            backend = keras.backend.backend()
            keep(name, f"{backend}-nudged" if arguments.nudged else backend, result)
            print(name, backend, result["epoch_loss"], f"{result['seconds']} s", flush=True)
            keras.backend.clear_session()
    if arguments.table:
        arguments.table.write_text(page())
        chart().savefig(arguments.table.with_name(CHART), dpi=100, metadata={"Software": None})


if __name__ == "__main__":
    main()
