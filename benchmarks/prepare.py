"""What all peers start from, as files: an entry's images and initial weights.

python benchmarks/prepare.py DIRECTORY dense8_mnist ...
"""

import sys
from pathlib import Path

import numpy as np
from entries import ENTRIES, HELD_OUT
from peers.kerasae import untrained

from kerasae import data, recipes


def prepare(entry, directory: Path) -> None:
    directory.mkdir(parents=True)
    dataset = data.named(recipes.find("vae_mnist" if entry.sizes else entry.name).data)
    np.save(directory / "x.npy", dataset.x_train[: entry.images])
    np.save(directory / "held_out.npy", dataset.x_test[:HELD_OUT])
    weights = [w for w in untrained(entry).get_weights() if w.ndim]  # without the state of samplers
    np.savez(directory / "weights.npz", **{str(i): w for i, w in enumerate(weights)})


if __name__ == "__main__":
    for entry in ENTRIES:
        if entry.name in sys.argv[2:]:
            prepare(entry, Path(sys.argv[1]) / entry.name)
