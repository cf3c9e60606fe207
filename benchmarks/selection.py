"""Choose the length of schedules on held-out images, and train with three seeds.

    KERAS_BACKEND=jax python benchmarks/selection.py dense8_mnist vae_mnist
    python benchmarks/selection.py --table docs/selection.md
    python benchmarks/selection.py --sentence dense8_mnist

The first command trains on all but the last 5,000 training images: with the shipped schedule and seeds 0, 1 and 2
(`--seeds 1`: only seed 0, for long trainings), and with half as many epochs and seed 0. It measures the entry's main
figure on the held-out images after each training, and on the test set only after those with the shipped schedule.
Results are kept in `benchmarks/selection/NAME.json` after each training: run an interrupted command again, and it
resumes. `--sentence` prints what the recipe and the card say.
"""

import argparse
import dataclasses
import json
import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

DIRECTORY = Path(__file__).with_name("selection")
HELD_OUT = 5_000
SEEDS = (0, 1, 2)


def trainings(name: str, seeds: int) -> Iterator[tuple[str, int, int]]:
    """Key, number of epochs and seed of each training of an entry, the first with half as many epochs."""
    from kerasae.zoo import recipes

    epochs = recipes.find(name).schedule("shipped").epochs
    yield "half", epochs // 2, SEEDS[0]
    for seed in SEEDS[:seeds]:
        yield f"seed {seed}", epochs, seed


def train(name: str, epochs: int, seed: int, checkpoints: Path) -> dict:
    """Train on all but the held-out images → figures of these and of the test set, and the time in seconds."""
    from kerasae import data, metrics
    from kerasae.zoo import recipes, train

    recipe, started = recipes.find(name), time.time()
    schedule = dataclasses.replace(recipe.schedule("shipped"), epochs=epochs)
    model, _ = train.train(name, schedule, seed, HELD_OUT, checkpoints, verbose=0)
    seconds = time.time() - started
    whole = data.named(recipe.data).arrays()
    rest, kept = slice(None, -HELD_OUT), slice(-HELD_OUT, None)
    y_rest, y_kept = (None, None) if whole.y_train is None else (whole.y_train[rest], whole.y_train[kept])
    held_out = data.Dataset(whole.x_train[rest], y_rest, whole.x_train[kept], y_kept)
    result = {"epochs": epochs, "held_out": metrics.figures(model, held_out)[recipe.headline]}
    if epochs == recipe.schedule("shipped").epochs:
        result["test"] = metrics.figures(model, whole)[recipe.headline]
    return {
        **{key: float(f"{value:.6g}") for key, value in result.items()},
        "epochs": epochs,
        "seconds": round(seconds),
    }


def kept(name: str) -> dict[str, dict]:
    """Stored results of an entry, by training."""
    path = DIRECTORY / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def measure(name: str, checkpoints: Path, seeds: int) -> None:
    """Run the trainings of an entry that are missing."""
    for key, epochs, seed in trainings(name, seeds):
        record = kept(name)
        if key in record:
            continue
        record[key] = train(name, epochs, seed, checkpoints / name / key)
        print(name, key, record[key], flush=True)
        DIRECTORY.mkdir(exist_ok=True)
        (DIRECTORY / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")


def table() -> str:
    """Format all results as Markdown."""
    from kerasae.zoo import recipes

    lines = [
        "# Choice of schedules",
        "",
        *_finding(),
        "",
        "Every schedule was trained on the first 55,000 training images (`KERAS_BACKEND=jax python",
        "benchmarks/selection.py NAME`), once with half as many epochs. *Held out* is the entry's main figure on the",
        "last 5,000 training images, by which a schedule is chosen; *test* is the same figure on the test set. Mean ±",
        "standard deviation of three seeds: this is how much a figure moves by chance. Rows without a",
        "deviation have one seed.",
        "",
        "| entry | figure | epochs | held out | half as many epochs: held out | test |",
        "|---|---|---|---|---|---|",
    ]
    lines += [row(name, record) for name in recipes.RECIPES if (record := kept(name)) and seeds_of(record)]
    return "\n".join(lines) + "\n"


def row(name: str, record: dict[str, dict]) -> str:
    """One row of the table."""
    from kerasae.metrics import METRICS
    from kerasae.zoo import recipes

    metric = METRICS[recipes.find(name).headline]
    half, epochs = f"{record['half']['held_out']:.{metric.decimals}f}", record["seed 0"]["epochs"]
    held_out, test = (spread(record, key, metric.decimals) for key in ("held_out", "test"))
    return f"| `{name}` | {metric.label} | {epochs} | {held_out} | {half} | {test} |"


def sentence(name: str) -> str:
    """The field `selection` of an entry whose schedule was compared with one of half its length."""
    from kerasae.metrics import METRICS
    from kerasae.zoo import recipes

    record, metric = kept(name), METRICS[recipes.find(name).headline]
    outcome = "confirmed" if gain(name, record) > 0 else "not confirmed"
    several = len(seeds_of(record)) > 1
    held_out, test = (spread(record, key, metric.decimals) for key in ("held_out", "test"))
    return (
        f"Number of epochs {outcome} on the last 5,000 training images: {metric.label} {held_out} "
        f"{'over three seeds' if several else 'with one seed'}, {record['half']['held_out']:.{metric.decimals}f} with "
        "half as many epochs. The weights were trained by the same schedule on all 60,000 images; test "
        f"{metric.label} of the {'three seeds' if several else 'training without the last 5,000'}: {test}."
    )


def seeds_of(record: dict[str, dict]) -> list[dict]:
    """Results of the shipped schedule: of all seeds, or of the first one until all are measured."""
    results = [record[key] for seed in SEEDS if (key := f"seed {seed}") in record]
    return results if len(results) == len(SEEDS) else results[:1]


def spread(record: dict[str, dict], key: str, decimals: int) -> str:
    """Mean ± standard deviation of a figure over the seeds; of a single seed, the figure with `decimals` decimals."""
    values = [result[key] for result in seeds_of(record)]
    if len(values) == 1:
        return f"{values[0]:.{decimals}f}"
    deviation = statistics.stdev(values)
    decimals = max(0, -math.floor(math.log10(deviation))) if deviation else 5
    return f"{statistics.mean(values):.{decimals}f} ± {deviation:.{decimals}f}"


def gain(name: str, record: dict[str, dict]) -> float:
    """By how much the shipped schedule is better on held-out images than half of it; negative if it is worse."""
    from kerasae.metrics import METRICS
    from kerasae.zoo import recipes

    sign = -1 if METRICS[recipes.find(name).headline].higher_is_better else 1
    return sign * (record["half"]["held_out"] - statistics.mean(result["held_out"] for result in seeds_of(record)))


def _finding() -> list[str]:
    """What the page says first: for how many entries more epochs are better."""
    from kerasae.zoo import recipes

    better, worse = [], []
    for name in recipes.RECIPES:
        record = kept(name)
        if not seeds_of(record):
            continue
        (better if gain(name, record) > 0 else worse).append(f"`{name}`")
    lines = [f"The shipped schedule is better on held-out images than one of half its length for {len(better)} of"]
    lines += [f"{len(better) + len(worse)} entries{f' (not {chr(44).join(worse)})' if worse else ''}."]
    return lines


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument(
        "--checkpoints", type=Path, default=Path("entries/.selection"), help="folder of unfinished runs"
    )
    parser.add_argument("--seeds", type=int, choices=(1, 3), default=3, help="number of seeds (default: 3)")
    parser.add_argument("--sentence", metavar="NAME", help="print the field `selection` of an entry's recipe")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write what was measured so far")
    arguments = parser.parse_args()
    for name in arguments.names:
        measure(name, arguments.checkpoints, arguments.seeds)
    if arguments.sentence:
        print(sentence(arguments.sentence))
    if arguments.table:
        arguments.table.write_text(table())


if __name__ == "__main__":
    main()
