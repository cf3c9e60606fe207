"""Write the files that all peers start from: an entry's images and initial weights.

python benchmarks/prepare.py DIRECTORY dense8_mnist ...
"""

import argparse
from pathlib import Path

import numpy as np
from entries import ENTRIES, HELD_OUT
from peers.kerasae import untrained

from kerasae import data
from kerasae.zoo import recipes


def prepare(entry, directory: Path, most: int | None) -> None:
    directory.mkdir(parents=True)
    dataset = data.named(recipes.find("vae_mnist" if entry.sizes else entry.name).data)
    np.save(directory / "x.npy", dataset.x_train[: entry.images][:most])
    np.save(directory / "held_out.npy", dataset.x_test[:HELD_OUT])
    weights = [w for w in untrained(entry).get_weights() if w.ndim]  # without the state of samplers
    np.savez(directory / "weights.npz", **{str(i): w for i, w in enumerate(weights)})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--images", type=int, help="so many at most")
    arguments = parser.parse_args()
    for entry in ENTRIES:
        if entry.name in arguments.names:
            prepare(entry, arguments.directory / entry.name, arguments.images)
