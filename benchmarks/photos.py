"""Train on a folder of photographs, and compare the error on other photographs with PCA of the same code size.

    KERAS_BACKEND=tensorflow python benchmarks/photos.py TRAIN_DIRECTORY TEST_DIRECTORY [--out DIRECTORY]

The settings are those that `kerasae.train` chooses from the data. They were chosen on a held-out tenth of the training
photographs. The test photographs are measured once, after training. Seconds are CPU seconds (user and system).
"""

import argparse
import os
import tempfile
from pathlib import Path

import kerasae
from kerasae import data, metrics, zoo


def cpu_seconds() -> float:
    """CPU seconds of this process and of its children."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--out", type=Path, help="directory of the entry (default: a temporary one)")
    parser.add_argument("--model", help="class of the model (default: chosen from the data)")
    parser.add_argument("--code-size", type=int, help="numbers per photograph (default: chosen from the data)")
    parser.add_argument("--epochs", type=int, help="largest number of epochs (default: chosen from the data)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        entry = arguments.out or Path(temporary, "entry")
        start = cpu_seconds()
        kerasae.train(
            arguments.train, arguments.model, out=entry, code_size=arguments.code_size, epochs=arguments.epochs
        )
        seconds = cpu_seconds() - start
        model = zoo.load(entry)
    train, test = data.load(arguments.train), data.load(arguments.test)
    mse = metrics.mean_squared_error(test.x, model.reconstruct(test.x))
    pca = metrics.pca_error(train.x, test.x, model.code_size)
    print(f"{type(model).__name__}: {len(train):,} photographs to an entry in {seconds:.0f} CPU seconds")
    print(f"test MSE of {len(test):,} photographs, {model.code_size} numbers each: {mse:.5f}; PCA {pca:.5f}")


if __name__ == "__main__":
    main()
