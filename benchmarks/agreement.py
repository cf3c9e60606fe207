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


if __name__ == "__main__":
    main()
