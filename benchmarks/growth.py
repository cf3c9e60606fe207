"""Time and memory of `fit` against the number of images, their size and the batch size, on synthetic images.

    KERAS_BACKEND=jax python benchmarks/growth.py
    python benchmarks/growth.py --chart docs/growth.png

Each point runs in its own process, to measure its peak memory: two or more epochs in one call, of which the last is
timed. Arrays are in memory, as floats and as 8-bit pixels (`EightBit`); the stream is a `PyDataset` that generates its
batches on demand. There are 1,000 to a million images (28 × 28 float32: 3 GB); `--most 100000` limits their number.
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

from record import BACKENDS, TITLES, backend, keep, kept, report

from kerasae.plots import style

NUMBERS = (1_000, 10_000, 100_000, 1_000_000)
SIZES = (28, 64, 128, 256)
BATCHES = (16, 64, 256, 1024)
MODELS = {"dense": "128-64-32-8", "convolutional": "two levels of 8 and 4 filters"}

# Values on each axis of the chart; other settings are those of `COMMON`.
AXES = {
    "images": [{"images": n} for n in NUMBERS],
    "side": [{"side": side, "images": 512, "model": "convolutional"} for side in SIZES],
    "batch": [{"batch_size": size, "images": 20_000} for size in BATCHES],
}
COMMON = {"images": 10_000, "side": 28, "batch_size": 64, "model": "dense", "source": "array"}
LABELS = {
    "images": "number of images of 28 × 28",
    "side": "side in pixels, for 512 images",
    "batch": "batch size, for 20,000 images",
}
KEYS = {"images": "images", "side": "side", "batch": "batch_size"}


def plan(most: int) -> list[dict]:
    """All points of at most `most` images: settings and axis of each."""
    points = [COMMON | point | {"axis": axis} for axis, values in AXES.items() for point in values]
    images = [point for point in points if point["axis"] == "images"]
    points += [point | {"source": source} for source in ("stream", "pixels") for point in images]
    return [point for point in points if point["images"] <= most]


def work(point: dict) -> dict:
    """Measure one point in this process: seconds per epoch and peak memory in MiB."""
    import keras
    import numpy as np
    from stopwatch import Stopwatch

    import kerasae

    class Stream(keras.utils.PyDataset):
        """Batches of noise, 64 different ones in turn."""

        def __init__(self):
            super().__init__()
            shape = (64, point["batch_size"], point["side"], point["side"], 1)
            self.blocks = np.random.default_rng(0).random(shape, dtype="float32")

        def __len__(self):
            return -(-point["images"] // point["batch_size"])

        def __getitem__(self, index):
            block = self.blocks[index % 64]
            return block, block

    shape = (point["side"], point["side"], 1)
    if point["model"] == "dense":
        model = kerasae.models.DenseAutoencoder(shape, (128, 64, 32), 8)
    else:
        model = kerasae.models.ConvAutoencoder(shape, (8, 4), 3)
    keras.utils.set_random_seed(0)
    rng, size = np.random.default_rng(0), (point["images"], *shape)
    sources = {
        "stream": Stream,
        "array": lambda: rng.random(size, dtype="float32"),
        "pixels": lambda: kerasae.data.EightBit(rng.integers(0, 256, size, "uint8")),
    }
    x = sources[point["source"]]()
    stopwatch = Stopwatch()
    epochs = 5 if point["images"] <= 10_000 else 2
    options = {} if point["source"] == "stream" else {"batch_size": point["batch_size"]}
    model.fit(x, epochs=epochs, callbacks=[stopwatch], verbose=0, **options)
    return {"seconds": stopwatch.seconds[-1], "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure(point: dict) -> dict:
    """Run `work` in a new process."""
    command = [sys.executable, __file__, "--work", json.dumps(point)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{point}:\n{done.stderr[-3000:]}")
    return point | json.loads(done.stdout.splitlines()[-1])


@style.styled
def chart(path: Path) -> None:
    """Draw seconds per epoch above and peak memory below, over each axis; streams are dashed, 8-bit pixels dotted."""
    figure = style.new_figure(9.0, 5.4)
    panels = figure.subplots(2, 3, sharex="col", sharey="row")
    for column, axis in enumerate(AXES):
        for name in BACKENDS:
            points = [point for point in kept(name).get("growth", {}).get("points", []) if point["axis"] == axis]
            for source, look in (("array", "o-"), ("stream", "s--"), ("pixels", "^:")):
                _draw(panels[:, column], [point for point in points if point["source"] == source], name, look)
        for panel in panels[:, column]:
            panel.set(xscale="log", yscale="log")
            panel.grid()
        ticks = [point[KEYS[axis]] for point in AXES[axis]]
        panels[1, column].set_xticks(ticks, [style.short_number(tick) for tick in ticks], minor=False)
        panels[1, column].set_xlabel(LABELS[axis])
    for panel in panels.flat:
        panel.minorticks_off()
        style.tidy(panel, None, "log")
    panels[0, 0].set_ylabel("seconds per epoch")
    panels[1, 0].set_ylabel("peak memory, GiB")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    path.write_bytes(style.png(figure, metadata={"Software": None}))


def _draw(panels, points: list[dict], name: str, look: str) -> None:
    """Draw the curves of a backend into the panels of a column."""
    if not points:
        return
    label = TITLES[name] + {"array": "", "stream": ", streamed", "pixels": ", 8-bit pixels"}[points[0]["source"]]
    across = [point[KEYS[point["axis"]]] for point in points]
    options = {"color": style.BACKENDS[name], "label": label}
    panels[0].plot(across, [point["seconds"] for point in points], look, **options)
    panels[1].plot(across, [point["memory"] / 1024 for point in points], look, **options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=NUMBERS[-1], help="largest number of images")
    parser.add_argument("--work", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw what was measured so far")
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work(arguments.work)))
    elif arguments.chart:
        chart(arguments.chart)
    else:
        name, points = backend(), []
        for point in plan(arguments.most):
            points.append(measure(point))
            what = f"{point['axis']} {point[KEYS[point['axis']]]:,} ({point['source']})"
            report(f"{name} {what}: {points[-1]['seconds']:.2f} s, {points[-1]['memory']:,.0f} MiB")
        keep(name, "growth", {"points": points})


if __name__ == "__main__":
    main()
