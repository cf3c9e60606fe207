"""Write the page on speed and its chart from the stored measurements.

    python benchmarks/page.py docs/speed.md

writes the page and, beside it, `speed.png`.
"""

import argparse
import statistics
from pathlib import Path

from record import BACKENDS, TITLES, kept

from kerasae.plots import style

PEERS = {
    "kerasae": "kerasae",
    "native": "hand-written loop",
    "keras": "plain Keras `fit`",
    "loader": "tutorial's `DataLoader`",
    "pythae": "pythae",
}
COLORS = {
    "kerasae": style.MODEL,
    "plain Keras fit": style.BASELINE,
    "tutorial's DataLoader": style.BROWN,
    "pythae": style.BLACK,
}

HEAD = """# Speed

{finding}

Measured by `make bench` (an hour) and `make bench-growth` on the machine described at the end of the page. pythae is
included if `make pythae` installed it or `PYTHAE_PYTHON` names a Python interpreter that has it.

All programs train the same network from the same initial weights on the same images in memory with Adam.
The *hand-written loop* is the fastest we could write with the framework alone. On TensorFlow and JAX it runs a whole
epoch in one compiled call (TensorFlow: XLA, except for convolutions). On PyTorch it is an eager loop over tensors in
memory with fused Adam, channels-last convolutions and denormals flushed to zero, which halves the time on some
processors. It uses the batch order of kerasae, and the benchmark fails if the losses differ. Each program runs in its
own process; they take turns, so that other load on the machine affects all of them.
"""

TRAINING = """
## Training

![Images per second relative to the hand-written loop](speed.png)

- *images/s*: in the median epoch (slowest to fastest epoch).
- *ratio*: time per epoch / time per epoch of the hand-written loop; below 1 is faster.
- *first step*: seconds from process start to the first step, including *compiling*: how much longer the first call
  takes than later calls.
- *memory*: peak memory of the process.
- *to loss*: seconds of training, including compiling, until the given validation loss; a dash if it was not reached.

| entry | backend | | images/s | ratio | first step, s | compiling, s | memory, MiB | to loss, s |
|---|---|---|---|---|---|---|---|---|
"""

INFERENCE = """
## Inference

Median milliseconds per call, array in, array out. In brackets: ratio to a hand-written forward pass (`jax.jit`,
`tf.function`, eager PyTorch without gradients; many images in one call or in batches of 256, whichever is faster).
kerasae validates its input, the hand-written pass does not.

| entry | | images | {titles} |
|---|---|---|{rule}
"""

STREAMS = """
## Streams

Training `dense8_mnist`'s network with batches of 64 (`benchmarks/streams.py`), images per second in the median epoch;
in brackets relative to the same images as arrays. *Alone* is the speed of the stream without training. Training and
the stream share the processor's cores.

| | | {titles} |
|---|---|---|{rule}
"""

RESIDUAL = """
## Larger color images

One training step of the default `ResidualAutoencoder` (`benchmarks/residual.py`): milliseconds per image, in brackets
relative to the time that its multiplications and additions take at the speed of one large matrix product on the same
machine; and peak memory of the process. PyTorch runs on one thread, the others on all cores. A dash: a step would have
taken more than 60 s, or needed more than 16 GiB.

| side, pixels | batch | {titles} |
|---|---|---|{rule}
"""

STARTUP = """
## Start-up

Median seconds of whole processes.

| | {titles} |
|---|{rule}
"""

GROWTH = """
## Growth

![Time and memory against the number of images, their size and the batch](growth.png)

kerasae's `fit` on synthetic images: arrays of floats in memory, streams (dashed), of which only a few blocks of batches
are in memory, and arrays of 8-bit pixels (dotted). Measured by `make bench-growth`.
"""


def finding(records) -> str:
    """What the page says first: time per epoch relative to the hand-written loop, of kerasae and of the others."""
    ratios: dict[str, list[float]] = {}
    for record in records.values():
        for results in record.get("training", {}).values():
            for peer in results.keys() & PEERS.keys() - {"native"}:
                times = [results[name]["epoch_seconds"]["median"] for name in (peer, "native")]
                ratios.setdefault(peer, []).append(times[0] / times[1])
    ranges = {peer: f"{' to '.join(_ends(values))} times" for peer, values in ratios.items()}
    others = [f"{PEERS[peer]} {ranges[peer]}" for peer in PEERS if peer in ranges and peer != "kerasae"]
    median = f"(median {statistics.median(ratios['kerasae']):.2f})"
    first = f"An epoch of kerasae's `fit` takes {ranges['kerasae']} the time of a hand-written loop {median}."
    return first + (f"\nFor comparison: {'; '.join(others)}." if others else "")


def _ends(values: list[float]) -> list[str]:
    return list(dict.fromkeys([f"{min(values):.2f}", f"{max(values):.2f}"]))


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


def stream_lines(records) -> list[str]:
    """Speeds of streams by kind and program, and in brackets relative to arrays."""
    found = [record.get("streams", {}) for record in records.values()]
    lines = []
    for kind in dict.fromkeys(kind for streams in found for kind in streams):
        cells = []
        for streams in found:
            if kind not in streams:
                cells.append("")
                continue
            speed = streams[kind]["median"]
            relative = f" ({speed / streams['arrays']['median']:.2f})" if kind.endswith("kerasae") else ""
            cells.append(f"{speed:,.0f}{relative}")
        source, _, program = kind.partition(", ")
        lines.append(f"| {source} | {program or 'kerasae'} | {' | '.join(cells)} |")
    return lines


def residual_lines(records) -> list[str]:
    """Time per image and memory of each side and batch size."""
    found = [
        {(point["side"], point["batch_size"]): point for point in record.get("residual", {}).get("points", [])}
        for record in records.values()
    ]
    lines = []
    for key in sorted({key for points in found for key in points}):
        cells = []
        for points in found:
            point = points.get(key)
            cells.append(
                f"{1e3 * point['seconds']:.1f} ({point['seconds'] / point['limit']:.1f}), {point['memory']:,.0f} MiB"
                if point
                else "–"
            )
        lines.append(f"| {key[0]} | {key[1]} | {' | '.join(cells)} |")
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
    """Return the page as Markdown. `records`: backend → measurements, as returned by `record.kept`."""
    titles, rule = " | ".join(TITLES[backend] for backend in records), "---|" * len(records)
    parts = [HEAD.format(finding=finding(records)), TRAINING + "\n".join(training_lines(records)) + "\n"]
    parts += [INFERENCE.format(titles=titles, rule=rule) + "\n".join(inference_lines(records)) + "\n"]
    for name, text, lines in (("streams", STREAMS, stream_lines), ("residual", RESIDUAL, residual_lines)):
        if any(name in record for record in records.values()):
            parts.append(text.format(titles=titles, rule=rule) + "\n".join(lines(records)) + "\n")
    parts += [STARTUP.format(titles=titles, rule=rule) + "\n".join(startup_lines(records)) + "\n"]
    if any("growth" in record for record in records.values()):
        parts.append(GROWTH)
    return "".join(parts) + "\n".join(machine_lines(records)) + "\n"


@style.styled
def chart(records, path: Path) -> None:
    """Draw images per second (slowest to fastest epoch) relative to the hand-written loop, one panel per backend."""
    entries = list(dict.fromkeys(name for record in records.values() for name in record.get("training", {})))
    figure = style.new_figure(9.0, 1.1 + 0.48 * len(entries))
    panels = figure.subplots(1, len(records), sharey=True, sharex=True, squeeze=False)[0]
    for panel, (backend, record) in zip(panels, records.items(), strict=True):
        for row, entry in enumerate(entries):
            if row % 2 == 0:
                panel.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", zorder=0)
            _draw(panel, row, record.get("training", {}).get(entry, {}))
        panel.axvline(1, color=style.BLACK, linewidth=1, zorder=1)
        panel.set(title=TITLES[backend], xscale="log")
        panel.tick_params(axis="y", length=0)
        panel.minorticks_off()
    for panel in panels:
        style.tidy(panel, "log", None)
    panels[0].set_yticks(range(len(entries)), entries)
    panels[0].set_ylim(len(entries) - 0.5, -0.5)
    found = {line.get_label(): line for panel in panels for line in panel.lines}
    shown = [title for title in COLORS if title in found]
    figure.legend([found[title] for title in shown], shown, loc="outside lower center", ncols=len(shown))
    panels[len(panels) // 2].set_xlabel(
        "images per second relative to the hand-written loop (right of the line: faster)"
    )
    path.write_bytes(style.png(figure, metadata={"Software": None}))


def _draw(panel, row: int, results: dict) -> None:
    """Draw a point and a range for each peer of the hand-written loop, one below the other."""
    present = [peer for peer in PEERS if peer in results and peer != "native"]
    for i, peer in enumerate(present):
        native, epoch = results["native"]["epoch_seconds"]["median"], results[peer]["epoch_seconds"]
        y = row + 0.24 * (i - (len(present) - 1) / 2)
        label = PEERS[peer].replace("`", "")
        look = {"color": COLORS[label], "linewidth": 1.5}
        panel.plot([native / epoch["most"], native / epoch["least"]], [y, y], **look)
        panel.plot(native / epoch["median"], y, "o", label=label, markersize=4.5, **look)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    path = parser.parse_args().page
    records = {backend: record for backend in BACKENDS if (record := kept(backend))}
    if not records:
        raise SystemExit("There are no measurements yet. Run `make bench` first.")
    path.write_text(page(records))
    chart(records, path.with_name("speed.png"))


if __name__ == "__main__":
    main()
