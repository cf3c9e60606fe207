"""The page on speed and its chart, from what was measured so far.

    python benchmarks/page.py docs/speed.md

writes the page and, beside it, `speed.png`.
"""

import argparse
from pathlib import Path

from record import BACKENDS, TITLES, kept

PEERS = {
    "kerasae": "kerasae",
    "native": "loop by hand",
    "keras": "plain Keras `fit`",
    "loader": "tutorial's `DataLoader`",
    "pythae": "pythae",
}
COLOURS = {"kerasae": "tab:blue", "native": "black", "keras": "tab:orange", "loader": "tab:green", "pythae": "tab:red"}

HEAD = """# Speed

Measured by `make bench` (20 minutes) and `make bench-growth` on the machine named at the end of the page; written by
`benchmarks/page.py`. pythae comes in where `make pythae` has installed it, or `PYTHAE_PYTHON` names a Python that has
it.

Every peer trains the same network from the same initial weights on the same images in memory with the same Adam.
The *loop by hand* is the best we could write for the backend with nothing but the framework: on TensorFlow and JAX
a whole epoch in one compiled call (on TensorFlow by XLA, but for convolutions), on PyTorch an eager loop over
tensors in memory with the fused Adam, convolutions in channels-last and numbers below 1e-38 as zeros, without which
it takes up to twice as long on some processors. It has the same order of batches as kerasae, and the benchmark fails
if their losses differ. Peers are processes of their own and take turns, so that a noisy machine is noisy for all.
"""

TRAINING = """
## Training

![Images a second relative to the loop by hand](speed.png)

*Images a second*: from the median epoch, with the slowest and the fastest. *Ratio*: how many times as long as the
loop by hand an epoch takes. *First step*: seconds from the process's start to the first step, *compiling* among
them: what the first call takes longer than later ones. *Memory*: the process's peak. *To loss*: seconds of training,
compiling included, to the validation loss that is named; a dash where it was not reached in the rounds there were.

| entry | backend | | images/s | ratio | first step, s | compiling, s | memory, MiB | to loss, s |
|---|---|---|---|---|---|---|---|---|
"""

INFERENCE = """
## Inference

Milliseconds a call, from arrays to arrays, median and ratio to the forward pass by hand (`jax.jit`, `tf.function`,
eager PyTorch without gradients; of many images in one call or in batches of 256, whichever is sooner). kerasae's
calls check their input; those by hand don't.

| entry | | images | {titles} |
|---|---|---|{rule}
"""

STARTUP = """
## Start-up

Seconds of whole processes, median.

| | {titles} |
|---|{rule}
"""

GROWTH = """
## Growth

![Time and memory against the number of images, their size and the batch](growth.png)

kerasae's `fit` on synthetic images: arrays that are in memory as a whole, and streams (dashed), of which only a
batch is in memory. Measured by `make bench-growth`.
"""


def training_lines(records) -> list[str]:
    lines = []
    for entry in dict.fromkeys(name for record in records.values() for name in record.get("training", {})):
        for backend, record in records.items():
            results = record.get("training", {}).get(entry, {})
            for peer, title in PEERS.items():
                if peer in results:
                    lines.append(training_line(entry, backend, title, results, results[peer]))
    return lines


def training_line(entry: str, backend: str, title: str, results, result) -> str:
    images, epoch = results["images"], result["epoch_seconds"]
    slowest, fastest = images / epoch["most"], images / epoch["least"]
    ratio = epoch["median"] / results["native"]["epoch_seconds"]["median"]
    reached = result["seconds_to_loss"]
    cells = [
        f"`{entry}`",
        TITLES[backend],
        title,
        f"{result['images_a_second']:,.0f} ({slowest:,.0f} to {fastest:,.0f})",
        f"{ratio:.2f}",
        f"{result['first_step']:.1f}",
        f"{result['compiling']:.1f}",
        f"{result['memory']:,.0f}",
        f"{results['reach']:g}: " + ("–" if reached is None else f"{reached:.1f}"),
    ]
    return f"| {' | '.join(cells)} |"


def inference_lines(records) -> list[str]:
    from inference import ratio

    keys = [
        (entry, call)
        for record in records.values()
        for entry, calls in record.get("inference", {}).items()
        for call in calls
    ]
    lines = []
    for entry, call in dict.fromkeys(keys):
        function, n = call.split()
        cells = []
        for record in records.values():
            results = record.get("inference", {}).get(entry, {}).get(call)
            cells.append(f"{1e3 * results['kerasae']['median']:.3g} ({ratio(results):.2f})" if results else "")
        lines.append(f"| `{entry}` | `{function}` | {int(n):,} | {' | '.join(cells)} |")
    return lines


def startup_lines(records) -> list[str]:
    from startup import COMMANDS

    lines = []
    for command in COMMANDS:
        medians = [record.get("startup", {}).get(command, {}).get("median") for record in records.values()]
        lines.append(f"| {command} | {' | '.join('' if m is None else f'{m:.2f}' for m in medians)} |")
    return lines


def machine_lines(records) -> list[str]:
    lines = ["", "## The machine", ""]
    for backend, record in records.items():
        for part, machine in record.get("machine", {}).items():
            described = ", ".join(f"{key} {value}" for key, value in machine.items())
            lines.append(f"- {TITLES[backend]}, {part}: {described}")
    return lines


def page(records: dict[str, dict]) -> str:
    """All that was measured, as Markdown. `records`: backend → what `record.kept` gives."""
    titles, rule = " | ".join(TITLES[backend] for backend in records), "---|" * len(records)
    parts = [HEAD, TRAINING + "\n".join(training_lines(records)) + "\n"]
    parts += [INFERENCE.format(titles=titles, rule=rule) + "\n".join(inference_lines(records)) + "\n"]
    parts += [STARTUP.format(titles=titles, rule=rule) + "\n".join(startup_lines(records)) + "\n"]
    if any("growth" in record for record in records.values()):
        parts.append(GROWTH)
    return "".join(parts) + "\n".join(machine_lines(records)) + "\n"


def chart(records, path: Path) -> None:
    """Images a second over those of the loop by hand, a panel a backend, with the slowest and the fastest epoch."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        1, len(records), figsize=(11, 4.2), sharey=True, sharex=True, layout="constrained", squeeze=False
    )
    entries = list(dict.fromkeys(name for record in records.values() for name in record.get("training", {})))
    for panel, (backend, record) in zip(panels[0], records.items(), strict=True):
        panel.axvline(1, color="black", lw=1)
        for row, entry in enumerate(entries):
            results = record.get("training", {}).get(entry, {})
            present = [peer for peer in PEERS if peer in results and peer != "native"]
            for i, peer in enumerate(present):
                native, epoch = results["native"]["epoch_seconds"]["median"], results[peer]["epoch_seconds"]
                y = row + 0.17 * (i - (len(present) - 1) / 2)
                panel.plot([native / epoch["most"], native / epoch["least"]], [y, y], color=COLOURS[peer], lw=2)
                panel.plot(native / epoch["median"], y, "o", color=COLOURS[peer], ms=6)
        panel.set(title=TITLES[backend], xscale="log")
        panel.grid(axis="x", alpha=0.3, which="both")
        ticks = [0.05, 0.1, 0.2, 0.5, 1, 2]
        panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        panel.set_xticks([], minor=True)
    panels[0, 0].set_yticks(range(len(entries)), entries)
    panels[0, 0].set_ylim(len(entries) - 0.5, -0.5)
    shown = {peer for record in records.values() for results in record.get("training", {}).values() for peer in results}
    marks = [
        plt.Line2D([], [], color=colour, marker="o", lw=2, label=PEERS[peer].replace("`", ""))
        for peer, colour in COLOURS.items()
        if peer in shown and peer != "native"
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    panels[0, len(records) // 2].set_xlabel(
        "images a second, relative to the loop by hand: right of the line is faster"
    )
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    path = parser.parse_args().page
    records = {backend: record for backend in BACKENDS if (record := kept(backend))}
    if not records:
        raise SystemExit("Nothing was measured yet: make bench")
    path.write_text(page(records))
    chart(records, path.with_name("speed.png"))


if __name__ == "__main__":
    main()
