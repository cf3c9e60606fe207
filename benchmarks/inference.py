"""Time `encode`, `decode` and `reconstruct` against a forward pass written for the backend.

    KERAS_BACKEND=jax python benchmarks/inference.py

Both map arrays to arrays with the same weights, and take turns. For many images the hand-written pass runs in one call
and in batches of 256; the faster one counts. The outputs must be equal.
"""

import argparse
import importlib
import time

import numpy as np
from entries import ENTRIES
from record import backend, keep, report, spread

# Entries and the larger number of images; convolutions of 10,000 images take too long on some backends.
ENTRIES_AND_MANY = {
    "dense8_mnist": 10_000,
    "vae_mnist": 10_000,
    "conv_mnist": 256,
    "conv32_mnist": 256,
    "vae2_mnist": 256,
}
FUNCTIONS = ("encode", "decode", "reconstruct")
ONE = 50  # number of calls per turn for one image


def pairs(name: str, backend: str, many: int):
    """Yield function name, number of images, and the calls to compare, by name."""
    from peers.kerasae import untrained

    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    model = untrained(entry)
    weights = [w for w in model.get_weights() if w.ndim]
    native = importlib.import_module(f"native.{backend}").forward(entry.network, weights)
    rng = np.random.default_rng(0)
    x = rng.random((many, 28, 28, 1), dtype="float32")
    z = rng.normal(size=(many, *model.code_shape)).astype("float32")
    for function in FUNCTIONS:
        for n in (1, many):
            given = (z if function == "decode" else x)[:n]
            whole, ours = native[function], getattr(model, function)

            def batched(given=given, whole=whole):
                return np.concatenate([whole(given[i : i + 256]) for i in range(0, len(given), 256)])

            calls = {"kerasae": lambda given=given, ours=ours: ours(given)}
            calls["native"] = lambda given=given, whole=whole: whole(given)
            if n > 256:
                calls["native in batches"] = batched
            yield function, n, calls


def same(outputs, name: str) -> None:
    """Raise SystemExit unless all outputs are equal, apart from the order of axes."""
    ours = outputs["kerasae"]
    for kind, theirs in outputs.items():
        if theirs.ndim == 4 and theirs.shape != ours.shape:  # PyTorch's order of axes
            theirs = theirs.transpose(0, 2, 3, 1)
        if not np.allclose(ours, theirs.reshape(ours.shape), atol=1e-4):
            raise SystemExit(f"{name}: the outputs of kerasae and {kind} differ")


def measure(calls, n: int, rounds: int) -> dict:
    """Measure seconds per call, in turns; the first turn is a warm-up."""
    repeats = ONE if n == 1 else 1
    seconds = {kind: [] for kind in calls}
    for round_ in range(rounds + 1):
        for kind, call in calls.items():
            if n == 1:
                call()  # refills the caches after the other program's turn
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            if round_:
                seconds[kind].append((time.perf_counter() - start) / repeats)
    return {kind: spread(values) for kind, values in seconds.items()}


def ratio(results: dict) -> float:
    """Time of kerasae divided by that of the faster hand-written pass."""
    native = [result["median"] for kind, result in results.items() if kind.startswith("native")]
    return results["kerasae"]["median"] / min(native)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    name = backend()
    for entry, many in ENTRIES_AND_MANY.items():
        measured = {}
        for function, n, calls in pairs(entry, name, many):
            same({kind: call() for kind, call in calls.items()}, f"{entry} {function}")
            measured[f"{function} {n}"] = result = measure(calls, n, arguments.rounds)
            milliseconds = ", ".join(f"{kind} {1e3 * seconds['median']:.3g} ms" for kind, seconds in result.items())
            report(f"{name} {entry} {function} of {n:,}: {milliseconds}; ratio {ratio(result):.2f}")
        keep(name, "inference", {entry: measured})


if __name__ == "__main__":
    main()
