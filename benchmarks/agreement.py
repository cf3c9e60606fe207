"""Agreement of the backends: the loss of each of the first 200 steps of every recipe.

    KERAS_BACKEND=torch python benchmarks/agreement.py dense8_mnist vae_mnist
    KERAS_BACKEND=torch python benchmarks/agreement.py --all
    KERAS_BACKEND=tensorflow python benchmarks/agreement.py --all --nudged
    python benchmarks/agreement.py --table docs/agreement.md

The first two commands train shipped recipes in float32 with their seeds for one epoch, at least 200 steps, and store
the losses in `benchmarks/agreement/torch.json`. The third measures the effect of rounding: it trains each recipe ten
times on one backend, with the last bit of each initial weight changed at random. The fourth writes the page and its
chart.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np

from kerasae.plots import style

DIRECTORY = Path(__file__).with_name("agreement")
BACKENDS = ("tensorflow", "torch", "jax")
STEPS = 200
TWINS = 10  # number of runs from weights with a changed last bit
WITHIN, WITHIN_EPOCH = 1e-4, 1e-3  # limits of relative differences: of a step's loss, of an epoch's mean loss
# A whole epoch takes too long in float32 without a GPU: an epoch has 200 steps, on fewer images.
COSTLY = (
    "conv32_mnist",
    "conv_mnist",
    "denoise_gauss_mnist",
    "vae2_mnist",
    "vaegan_mnist",
    "iwae5_bmnist",
    "iwae50_bmnist",
    "vq_mnist",
)
SHOWN = ("linear_sine", "dense_mnist", "dense8_mnist", "denoise_flip_mnist", "vae_mnist", "vaegan_mnist")
TEST_IMAGES = 1000
CHART = "agreement.png"  # beside the page

INTRODUCTION = """# Agreement of the backends

{finding}

With the same seed, a recipe starts identically on every backend. The initial weights come from NumPy, the batch order
from seed and epoch, and noise, dropout and samples from seed and step (`kerasae.random`). `kerasae train` always uses a
seed, `fit` if `seed=` is given. Only the arithmetic differs.

The table compares the losses of all shipped recipes on three backends, in float32 on CPU (`benchmarks/agreement.py`).
A difference is (largest − smallest) / largest of the three losses.

- *step 1*, *200 steps*: the difference at the first step, and the largest one within 200 steps.
- *horizon*: the first step with a difference above 1e-4.
- *epoch*: the difference of the mean loss of the first epoch.
- *MSE after*: the difference of the MSE on 1000 test inputs after that epoch.
- *one bit*: the effect of rounding alone, on TensorFlow. Several runs start from weights with a random change in the
  last bit, and are compared with the run that starts from the recipe's weights: the largest difference, the number of
  runs that exceed 1e-4 within 200 steps, and the first step at which one does.

For entries marked *, an epoch has 200 steps on correspondingly fewer training images.

Why abruptly: the slope of a ReLU changes at zero. If the input of a unit is so close to zero that rounding decides its
sign, the gradients differ. Adam divides a gradient by its magnitude and so amplifies a difference of 1e-7 to 1e-5 in
one step. Whether a step has such a unit depends on weights and batch, so runs that diverge mostly do so at the same
step. Rounding can also decide which of two almost equal values is among the largest (`topk_mnist`), or which of two
almost equally near vectors is the nearest (`vq_mnist`). `deep30_mnist`, whose activation function is smooth, reaches
1e-5 within 13 steps and then drifts apart slowly.
"""

GROUPS = (
    "Within 1e-4 for 200 steps",
    "Above 1e-4, as are runs on a single backend with a changed last bit: rounding explains the difference",
    "Above 1e-4, and rounding was not shown to explain it",
)


def step_losses(steps: int):
    """Return a loss metric that is Keras's mean and also records the value of each step.

    As part of the compiled step it records each step of a call with many steps.
    """
    import keras
    from keras import ops

    class StepLosses(keras.metrics.Mean):
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
            for variable in (self.total, self.count):  # keep the recorded values over epochs
                variable.assign(ops.zeros((), variable.dtype))

    return StepLosses()


class Enough(Exception):
    """Raised to stop `fit` after the required number of steps."""


def begin(name: str):
    """Create a recipe's model before its first step; returns model, inputs, number of images and options for `fit`."""
    from kerasae import data
    from kerasae.zoo import recipes, train

    recipe = recipes.find(name)
    plan = dataclasses.replace(recipes.plan(name, "shipped"), precision="float32")
    dataset = data.named(recipe.data).arrays()
    model = train.compiled_model(recipe, plan, len(dataset.x_train), recipe.seed)
    n = min(len(dataset.x_train), STEPS * plan.batch_size if name in COSTLY else len(dataset.x_train))
    options = {"batch_size": plan.batch_size, "seed": recipe.seed, "verbose": 0}
    return model, model.labeled(dataset.x_train[:n], dataset.y_train[:n]), n, options


def recorded(model):
    """Replace the loss metric of a model by one that records each step."""
    recorder = step_losses(STEPS)
    vars(model)["_loss_tracker"] = recorder  # as an attribute it would be tracked, and updated twice per step
    return recorder


def measure(name: str) -> dict:
    """Train a recipe for one epoch, and for at least `STEPS` steps.

    Returns:
        `losses` per step; `epoch_loss`, the mean over the first epoch as `fit` reports it; `epoch_mse` on the first
        test inputs after the first epoch; `images` and `steps` of the epoch; `seconds`.
    """
    import keras

    from kerasae import data, metrics
    from kerasae.zoo import recipes

    model, inputs, n, options = begin(name)
    recorder = recorded(model)
    steps = math.ceil(n / options["batch_size"])
    started = time.time()
    history = model.fit(inputs, epochs=1, **options)
    dataset = data.named(recipes.find(name).data)
    x_test, y_test = dataset.x_test[:TEST_IMAGES], dataset.y_test[:TEST_IMAGES]
    x_hat = model.reconstruct(x_test, **metrics.given_to(model, y_test))
    if steps < STEPS:
        model.fit(inputs, initial_epoch=1, epochs=math.ceil(STEPS / steps), **options)
    return {
        "losses": [_figure(loss) for loss in keras.ops.convert_to_numpy(recorder.values)],
        "epoch_loss": _figure(history.history["loss"][0]),
        "epoch_mse": _figure(metrics.mean_squared_error(x_test, x_hat)),
        "images": n,
        "steps": steps,
        "seconds": round(time.time() - started),
    }


def measure_nudged(name: str, twins: int) -> dict:
    """Train a recipe for `STEPS` steps, `twins` times, with the last bit of each initial weight changed at random.

    Returns:
        `apart`, the largest relative difference of a run's loss from that of the unchanged run on this backend (which
        must be stored already), per step; `horizons`, the horizon of each run; `seconds`.
    """
    import keras

    own, started = kept(keras.backend.backend())[name], time.time()
    apart = [differences([own, {"losses": _nudged_losses(name, seed)}]) for seed in range(twins)]
    return {
        "apart": [float(f"{value:.3g}") for value in np.max(apart, axis=0)],
        "horizons": [horizon(run) for run in apart],
        "seconds": round(time.time() - started),
    }


def _nudged_losses(name: str, seed: int) -> list[float]:
    import keras

    model, inputs, n, options = begin(name)
    random = np.random.default_rng(seed)
    model.set_weights([_nudged(weights, random) for weights in model.get_weights()])
    recorder = recorded(model)

    def stop(batch, logs=None):
        if int(recorder.taken) == STEPS:
            raise Enough

    with contextlib.suppress(Enough):
        callback = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
        model.fit(inputs, epochs=math.ceil(STEPS * options["batch_size"] / n), callbacks=[callback], **options)
    return [_figure(loss) for loss in keras.ops.convert_to_numpy(recorder.values)]


def _nudged(weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Replace each weight by the next float32 above or below it; zeros are kept."""
    if weights.dtype != "float32":
        return weights
    way = random.choice([-np.inf, np.inf], weights.shape).astype("float32")
    return np.where(weights == 0, weights, np.nextafter(weights, way))


def _figure(value) -> float:
    """Round a float32 to the digits that identify it."""
    return float(f"{float(value):.9g}")


def kept(which: str) -> dict[str, dict]:
    """Stored measurements of a backend, or of `BACKEND-nudged`: entry → result."""
    path = DIRECTORY / f"{which}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def keep(name: str, which: str, result: dict) -> None:
    """Store the result of an entry, one line per entry."""
    DIRECTORY.mkdir(exist_ok=True)
    record = sorted((kept(which) | {name: result}).items())
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in record)
    (DIRECTORY / f"{which}.json").write_text(f"{{\n{lines}\n}}\n")


def differences(runs: list[dict], key: str = "losses") -> np.ndarray:
    """Largest relative difference among runs, per step or of one figure."""
    values = np.array([run[key] for run in runs])
    return np.asarray((values.max(axis=0) - values.min(axis=0)) / values.max(axis=0))


def horizon(apart: np.ndarray) -> int | None:
    """First step whose difference is above the limit, or None."""
    over = np.flatnonzero(apart > WITHIN)
    return int(over[0]) + 1 if len(over) else None


def measured() -> dict[str, tuple[list[dict], dict | None]]:
    """Entry → its runs on all measured backends, and the result of its nudged runs, or None."""
    from kerasae.zoo import recipes

    backends, nudged = {backend: kept(backend) for backend in BACKENDS}, kept("tensorflow-nudged")
    return {
        name: ([record[name] for record in backends.values() if name in record], nudged.get(name))
        for name in recipes.RECIPES
    }


def page() -> str:
    """Format all measurements as Markdown."""
    rows = [
        "| entry | step 1 | 200 steps | horizon | epoch | MSE after | one bit | diverging runs | their horizon |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[str, list[str]] = {text: [] for text in GROUPS}
    first_steps = []
    for name, (runs, nudged) in measured().items():
        label = f"`{name}`" + (" *" if name in COSTLY else "")
        if len(runs) < len(BACKENDS):
            rows.append(f"| {label} | not measured on every backend |  |  |  |  |  |  |  |")
            continue
        apart = differences(runs)
        groups[_group(apart, nudged)].append(f"`{name}`")
        first_steps.append(apart[0])
        cells = [f"{apart[0]:.0e}", f"{apart.max():.0e}", _step(horizon(apart))]
        cells += [f"{differences(runs, key):.0e}" for key in ("epoch_loss", "epoch_mse")]
        cells += _rounding(nudged)
        rows.append(f"| {label} | {' | '.join(cells)} |")
    summary = [f"{text} ({len(names)}): {', '.join(names) or 'none'}.\n" for text, names in groups.items()]
    picture = f"![Largest relative difference of the losses up to each step]({CHART})"
    finding = _finding([len(names) for names in groups.values()], max(first_steps))
    return "\n".join([INTRODUCTION.format(finding=finding), *rows, "", *summary, picture]) + "\n"


def _finding(sizes: list[int], first_step: float) -> str:
    """What the page says first: how many recipes stay together, and whether rounding explains the others."""
    together, by_rounding, unexplained = sizes
    sentences = [
        f"Every recipe starts with the same loss on TensorFlow, PyTorch and JAX, within {first_step:.0e}.",
        f"{together} of {sum(sizes)} recipes stay within 1e-4 for {STEPS} steps.",
        f"{by_rounding} diverge, most of them abruptly, but so do runs on a single backend if the last bit of the",
        "initial weights changes: float32 rounding is enough.",
    ]
    if unexplained:
        sentences.append(f"For {unexplained} more, rounding was not shown to explain the difference.")
    return "\n".join(sentences)


def _group(apart: np.ndarray, nudged: dict | None) -> str:
    if apart.max() <= WITHIN:
        return GROUPS[0]
    return GROUPS[1] if nudged is not None and any(nudged["horizons"]) else GROUPS[2]


def _rounding(nudged: dict | None) -> list[str]:
    """Cells for the effect of rounding alone."""
    if nudged is None:
        return ["", "", ""]
    horizons = [step for step in nudged["horizons"] if step is not None]
    parted = f"{len(horizons)} of {len(nudged['horizons'])}"
    return [f"{max(nudged['apart']):.0e}", parted, _step(min(horizons, default=None))]


def _step(number: int | None) -> str:
    return "none" if number is None else str(number)


@style.styled
def chart():
    """Draw the differences between backends, and between runs with a changed last bit, against the step."""
    figure = style.new_figure(9.0, 4.6)
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    record = measured()
    for axes, name in zip(panels.flat, SHOWN, strict=True):
        runs, nudged = record[name]
        among = differences(runs) if len(runs) == len(BACKENDS) else np.array([])
        alone = np.array([] if nudged is None else nudged["apart"])
        looks = ((among, "three backends", style.MODEL), (alone, "one backend, last bit changed", style.BASELINE))
        for apart, label, color in looks:
            largest = np.maximum.accumulate(np.maximum(apart, 1e-8))
            axes.semilogy(1 + np.arange(len(apart)), largest, color=color, label=label)
        axes.axhline(WITHIN, color=style.GRAY, linewidth=1, linestyle="--", zorder=0, label=f"limit {WITHIN:g}")
        axes.set(title=name)
        axes.set_yticks([1e-8, 1e-6, 1e-4, 1e-2, 1])
        axes.minorticks_off()
        style.tidy(axes, "linear", None)
    panels[1, 1].set_xlabel("step")
    figure.supylabel("largest relative difference of the loss so far", fontsize=9)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true", help="every recipe")
    parser.add_argument("--nudged", action="store_true", help="from weights that differ in their last bit, often")
    parser.add_argument("--twins", type=int, default=TWINS, metavar="N", help=f"nudged runs an entry (default {TWINS})")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write what was measured so far, and a chart beside")
    arguments = parser.parse_args()
    if arguments.names or arguments.all:
        import keras

        from kerasae.zoo import recipes

        for name in arguments.names or recipes.RECIPES:
            result = measure_nudged(name, arguments.twins) if arguments.nudged else measure(name)
            backend = keras.backend.backend()
            keep(name, f"{backend}-nudged" if arguments.nudged else backend, result)
            print(name, backend, result.get("horizons", result.get("epoch_loss")), f"{result['seconds']} s", flush=True)
            keras.backend.clear_session()
    if arguments.table:
        arguments.table.write_text(page())
        arguments.table.with_name(CHART).write_bytes(style.png(chart(), metadata={"Software": None}))


if __name__ == "__main__":
    main()
