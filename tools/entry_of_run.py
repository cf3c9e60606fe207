"""Write the entry of a job of `tools/long_training.py`, from the weights in `runs/`.

    KERAS_BACKEND=jax python tools/entry_of_run.py vae50_bmnist

The entry is measured on the test set and written to `zoo/<job>/`. Its card names the command of the training and how
many training images were held out.
"""

import argparse
import dataclasses
from pathlib import Path

import long_training
import numpy as np

from kerasae import data
from kerasae.zoo import describe, previews, recipes, train, writing
from kerasae.zoo.cards import Provenance

ROOT = Path(__file__).resolve().parents[1]
MNIST = "MNIST (Y. LeCun, C. Cortes, C. Burges)"
DATA = {"mnist": MNIST, "bmnist_dynamic": f"{MNIST}, binarized"}


def trained_model(name: str, hold_out: int):
    """The model of a recipe with the weights of `runs/<name>/weights.npz`, which are in the model's order."""
    recipe = recipes.find(name)
    model = train.compiled_model(recipe, recipe.schedule("shipped"), 60_000 - hold_out, recipe.seed)
    with np.load(ROOT / "runs" / name / "weights.npz", allow_pickle=False) as arrays:
        for variable, key in zip(model.trainable_variables, sorted(arrays.files), strict=True):
            variable.assign(arrays[key])
    return train.in_float32(recipe, model)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="name of the job and of the recipe")
    name = parser.parse_args().name
    hold_out = long_training.JOBS[name].hold_out
    recipe, model = recipes.find(name), trained_model(name, hold_out)
    command = f"python tools/long_training.py --train {name}"
    provenance = Provenance("The kerasae contributors", DATA[recipe.data], command)
    plan = recipe.schedule("shipped")
    card = describe.describe_entry(recipe, plan, recipe.seed, model, hold_out, provenance)
    card = dataclasses.replace(card, license="Apache-2.0")
    picture = previews.preview(name, model, data.named(recipe.data), recipe.shown)
    writing.write(ROOT / "zoo" / name, model, card, picture, replace_shipped=True)
    print(card.figures)


if __name__ == "__main__":
    main()
