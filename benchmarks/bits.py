"""Compare reconstructions from the same number of bits per image: vector quantization, a quantized code, quantized PCA.

    KERAS_BACKEND=torch python benchmarks/bits.py docs/bits.md

A code of real numbers is rounded: each coordinate has a range, its smallest and largest value over the training images,
that is divided into 2^b equal parts. Bits are given one by one to the coordinate whose rounding error is the largest; a
coordinate without bits is its mean. Errors are measured on the 10,000 test images.
"""

import argparse
import heapq
import json
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).with_name("bits.json")
INTEGERS, REALS = "vq_mnist", ("conv_mnist", "dense49_mnist")
PCA_COMPONENTS = 300


def allocated(z: np.ndarray, bits: int) -> np.ndarray:
    """Number of bits of each coordinate of the codes `z (n, d)`, `(d,)`; `bits` in all."""
    spread, result = np.ptp(z, axis=0).astype("float64"), np.zeros(z.shape[1], "int64")
    queue = [(-variance, i) for i, variance in enumerate(z.var(axis=0, dtype="float64"))]
    heapq.heapify(queue)
    for _ in range(bits):
        _, i = heapq.heappop(queue)
        result[i] += 1
        heapq.heappush(queue, (-((spread[i] / 2 ** result[i]) ** 2) / 12, i))
    return result


def rounded(z_train: np.ndarray, z: np.ndarray, bits: int) -> np.ndarray:
    """Codes `z (n, d)` from `bits` bits per code, by quantizers fitted to `z_train`."""
    from sklearn.preprocessing import KBinsDiscretizer

    chosen = allocated(z_train, bits)
    kept = chosen > 0
    result = np.tile(z_train.mean(axis=0), (len(z), 1))
    bins = KBinsDiscretizer(2 ** chosen[kept], encode="ordinal", strategy="uniform").fit(z_train[:, kept])
    result[:, kept] = bins.inverse_transform(bins.transform(z[:, kept]))
    return result.astype("float32")


def measure() -> dict:
    """Mean squared errors of the test images, by method, and the number of bits."""
    from kerasae import data, metrics, zoo
    from kerasae.metrics import baselines

    x_train, _, x_test, _ = data.mnist()
    quantized = zoo.load(INTEGERS)
    bits = quantized.bits_per_image
    found = {INTEGERS: metrics.mean_squared_error(x_test, quantized.reconstruct(x_test))}
    for name in REALS:
        model = zoo.load(name)
        z_train, z = (model.encode(x).reshape(len(x), -1) for x in (x_train, x_test))
        decoded = model.decode(rounded(z_train, z, bits).reshape(-1, *model.code_shape))
        found[name] = metrics.mean_squared_error(x_test, decoded)
    flat, flat_test = (x.reshape(len(x), -1) for x in (x_train, x_test))
    pca = baselines.fit_pca(flat, PCA_COMPONENTS)
    z = rounded(pca.transform(flat), pca.transform(flat_test), bits)
    found["PCA"] = metrics.mean_squared_error(flat_test, pca.inverse_transform(z))
    return {"bits": bits, "mse": {name: float(f"{mse:.6g}") for name, mse in found.items()}}


def page(result: dict) -> str:
    """The results as Markdown."""
    errors = sorted(result["mse"].items(), key=lambda pair: pair[1])
    best = errors[0][0]
    labels = {"PCA": "PCA, rounded", INTEGERS: f"`{INTEGERS}`"} | {name: f"`{name}`, code rounded" for name in REALS}
    rows = [f"| {labels[name]} | {mse:.5f} |" for name, mse in errors]
    return f"""# Bits per image

With {result["bits"]} bits per image, {"PCA" if best == "PCA" else f"`{best}`"} reconstructs MNIST's test images best.

The code of `{INTEGERS}` is a grid of integers, which takes {result["bits"]} bits. The other codes are real numbers,
rounded to as many bits (`python benchmarks/bits.py docs/bits.md`): the range of each coordinate over the training
images is divided into equal parts, and more bits go to coordinates with larger rounding errors.

| method | MSE |
|---|---|
{chr(10).join(rows)}
"""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="page to write")
    parser.add_argument("--table", action="store_true", help="write the page from the stored results")
    arguments = parser.parse_args()
    if not arguments.table:
        RESULTS.write_text(json.dumps(measure(), indent=1) + "\n")
    arguments.page.write_text(page(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
