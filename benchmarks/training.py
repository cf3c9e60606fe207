"""Compare the training speed of kerasae with hand-written loops, plain Keras and others, on the backend in use.

    KERAS_BACKEND=jax python benchmarks/training.py
    KERAS_BACKEND=torch python benchmarks/training.py vae8_mnist --rounds 2

Each peer (program to compare) runs in its own process. All train the same network from the same weights on the same
images in memory with Adam, and take turns, so that other load on the machine affects all of them. The hand-written loop
also has kerasae's batches. The benchmark fails if losses differ by more than a tolerance. Each round is one call of
several epochs. `page.py` writes the page from the stored results.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from entries import ENTRIES, Entry
from record import backend, keep, report, spread

HERE = Path(__file__).parent
PYTHAE = Path(os.environ.get("PYTHAE_PYTHON", HERE.parent / ".venv-pythae" / "bin" / "python"))
OTHERS = 0.05  # allowed relative difference of losses for peers that draw their own batches


def peers_of(entry: Entry, backend: str) -> list[str]:
    """Names of the peers that can train an entry on a backend, kerasae and the hand-written loop first."""
    peers = ["kerasae", "native"]
    if entry.network not in ("adversarial", "sine"):  # has no such step; takes too long on PyTorch
        peers.append("keras")
    if backend == "torch" and entry.network in ("dense", "variational"):
        peers.append("loader")
    if entry.sizes:
        if PYTHAE.exists():
            peers.append("pythae")
        else:
            report(f"pythae is not installed ({PYTHAE}): left out. See `make pythae`.")
    return peers


class Peer:
    """The process of a peer, which trains on command."""

    def __init__(self, kind: str, entry: Entry, directory: Path):
        self.kind, self.calls = kind, []
        self._errors = (directory / f"{kind}.log").open("w+")
        python = PYTHAE if kind == "pythae" else sys.executable
        command = [python, HERE / "peer.py", kind, entry.name, directory]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        self.ready = self._answer()["ready"]

    def train(self, epochs: int) -> dict:
        self._process.stdin.write(f"{epochs}\n")
        self._process.stdin.flush()
        self.calls.append(self._answer())
        return self.calls[-1]

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._errors.close()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise SystemExit(f"{self.kind} ended:\n{self._errors.read()[-3000:]}")
        return json.loads(line)


def result(peer: Peer, entry: Entry, images: int) -> dict:
    """Summarize the calls of a peer; the first one is a warm-up."""
    first, *others = peer.calls
    seconds = [epoch for call in others or [first] for epoch in call["epochs"]]
    whole = [call["seconds"] / len(call["epochs"]) for call in others or [first]]
    compiling = max(0.0, first["seconds"] - statistics.median(whole) * len(first["epochs"]))
    return {
        "epoch_seconds": spread(seconds),
        "call_seconds_an_epoch": spread(whole),
        "images_a_second": images / statistics.median(seconds),
        "compiling": compiling,
        "first_step": peer.ready + compiling,
        "memory": peer.calls[-1]["memory"],
        "losses": [loss for call in peer.calls for loss in call["losses"]][:20],
        "validation": [call["validation"] for call in peer.calls],
        "seconds_to_loss": seconds_to(entry.reach, peer.calls),
    }


def seconds_to(loss: float, calls) -> float | None:
    """Seconds of training until the validation loss is reached, interpolated between calls; None if it is not."""
    elapsed, before = 0.0, None
    for call in calls:
        now = call["validation"]
        if now <= loss:
            part = 1.0 if before is None else (before - loss) / (before - now)
            return elapsed + part * call["seconds"]
        elapsed, before = elapsed + call["seconds"], now
    return None


def check_losses(entry: Entry, peers: list[Peer]) -> None:
    """Raise SystemExit if a peer's losses differ from kerasae's by more than the tolerance."""
    ours = [statistics.fmean(call["losses"]) for call in peers[0].calls]
    for peer in peers[1:]:
        theirs = [statistics.fmean(call["losses"]) for call in peer.calls]
        tolerance = entry.tolerance if peer.kind == "native" else max(entry.tolerance, OTHERS)
        compared = list(zip(ours, theirs, strict=True))
        for a, b in compared if peer.kind == "native" else compared[-1:]:
            if not abs(a - b) <= tolerance * abs(b):
                raise SystemExit(
                    f"{entry.name}: losses differ by more than {tolerance:.0%}: kerasae {a}, {peer.kind} {b}"
                )


def measure(entry: Entry, backend: str, directory: Path, rounds: int) -> dict:
    import numpy as np

    images = len(np.load(directory / "x.npy", mmap_mode="r"))
    peers = []
    try:
        for kind in peers_of(entry, backend):
            peers.append(Peer(kind, entry, directory))
        for round_ in range(1 + min(rounds, entry.rounds)):
            for peer in peers:
                call = peer.train(entry.epochs)
                speed, loss = images / statistics.median(call["epochs"]), call["losses"][-1]
                report(f"{backend} {entry.name} round {round_} {peer.kind:8} {speed:10,.0f} images/s, loss {loss:.5g}")
        check_losses(entry, peers)
        results = {peer.kind: result(peer, entry, images) for peer in peers}
    finally:
        for peer in peers:
            peer.stop()
    return results | {"images": images, "reach": entry.reach, "epochs_a_call": entry.epochs}


def ratio(results: dict, peer: str, to: str = "native") -> float:
    """Time per epoch of a peer, relative to the hand-written loop."""
    return results[peer]["epoch_seconds"]["median"] / results[to]["epoch_seconds"]["median"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="names of entries (default: all but the long ones)")
    parser.add_argument("--rounds", type=int, default=3, help="largest number of timed rounds, after a warm-up")
    parser.add_argument("--images", type=int, help="largest number of training images; a trial that is not stored")
    parser.add_argument("--long", action="store_true", help="include entries that take minutes")
    arguments = parser.parse_args()
    name = backend()
    chosen = [
        entry
        for entry in ENTRIES
        if entry.backend in (None, name)
        and (entry.name in arguments.names if arguments.names else arguments.long or not entry.long)
    ]
    with tempfile.TemporaryDirectory() as directory:
        names = [entry.name for entry in chosen]
        most = [] if arguments.images is None else ["--images", str(arguments.images)]
        command = [sys.executable, HERE / "prepare.py", directory, *names, *most]
        subprocess.run(command, check=True, stderr=subprocess.PIPE)
        for entry in chosen:
            results = measure(entry, name, Path(directory) / entry.name, arguments.rounds)
            if arguments.images is None:
                keep(name, "training", {entry.name: results})
            report(
                f"{name} {entry.name}: kerasae takes {ratio(results, 'kerasae'):.2f} times as long as the hand-written "
                "loop"
            )


if __name__ == "__main__":
    main()
