"""Time and memory of training the residual network on larger color images, beside the limit of the arithmetic.

    KERAS_BACKEND=tensorflow python benchmarks/residual.py

One training step of the default `ResidualAutoencoder` on images of 64 and 128 pixels, in batches of 64 to 512. Each
point runs in its own process. The *limit* is the time that the step's multiplications and additions would take at the
speed of one large matrix product, measured in the same process. A point is left out if the previous one predicts more
than `--seconds` per step or `--memory` GiB.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time

from record import backend, keep, report

SIDES = (64, 128)
BATCHES = (64, 128, 256, 512)
MATRIX = 4096  # side of the matrices of the large product
STEPS = 2  # timed steps, after one that compiles


def operations(shape) -> int:
    """Multiplications and additions of one training step per image: three times those of the forward pass."""
    import keras
    import numpy as np

    import kerasae
    from kerasae import keras_private

    model, total = kerasae.models.ResidualAutoencoder(shape), 0
    up = keras.layers.Conv2DTranspose.__base__
    for layer in keras_private.flat_layers(model):
        if isinstance(layer, (keras.layers.Conv2D.__base__, up)):

            def call(x, layer=layer, original=layer.call):
                nonlocal total
                y = original(x)
                total += 2 * math.prod(layer.kernel.shape) * math.prod((x if isinstance(layer, up) else y).shape[1:-1])
                return y

            vars(layer)["call"] = call
    model(np.zeros((1, *shape), "float32"))
    return 3 * total


def speed_of_products() -> float:
    """Multiplications and additions per second of a product of two large matrices, the best of three."""
    import numpy as np

    from kerasae import backends

    product = backends.compile_function(lambda a, b: a @ b)
    a = np.random.default_rng(0).random((MATRIX, MATRIX), dtype="float32")
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        np.asarray(product(a, a))
        seconds.append(time.perf_counter() - start)
    return 2 * MATRIX**3 / min(seconds)


def work(point: dict) -> dict:
    """Measure one point in this process."""
    import numpy as np
    from stopwatch import Stopwatch

    import kerasae

    shape, n = (point["side"], point["side"], 3), point["batch_size"]
    model = kerasae.models.ResidualAutoencoder(shape)
    stopwatch = Stopwatch()
    x = np.random.default_rng(0).random((n, *shape), dtype="float32")
    model.fit(x, batch_size=n, epochs=1 + STEPS, callbacks=[stopwatch], verbose=0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    limit = operations(shape) / speed_of_products()
    return {"seconds": min(stopwatch.seconds[1:]) / n, "limit": limit, "memory": memory}


def measure(point: dict, timeout: float) -> dict | None:
    """Run `work` in a new process; None if it takes too long or runs out of memory."""
    command = [sys.executable, __file__, "--work", json.dumps(point)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode < 0:  # killed, for memory
        return None
    if done.returncode:
        raise SystemExit(f"{point}:\n{done.stderr[-3000:]}")
    return point | json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="longest step to measure (default: 60)")
    parser.add_argument("--memory", type=float, default=16.0, help="largest memory in GiB (default: 16)")
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, help="a trial that is not stored")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="a trial that is not stored")
    parser.add_argument("--work", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(work(arguments.work)))
        return
    name, points = backend(), []
    for side in arguments.sides:
        before = None
        for size in arguments.batches:
            if before and before["seconds"] * size > arguments.seconds:
                report(
                    f"{name} {side} pixels, batch {size}: left out, a step would take more than {arguments.seconds} s"
                )
                break
            if before and before["memory"] / 1024 * size / before["batch_size"] > arguments.memory:
                report(f"{name} {side} pixels, batch {size}: left out, it would need more than {arguments.memory} GiB")
                break
            before = measure({"side": side, "batch_size": size}, 60 + 4 * arguments.seconds)
            if before is None:
                report(f"{name} {side} pixels, batch {size}: not finished")
                break
            points.append(before)
            report(
                f"{name} {side} pixels, batch {size}: {1e3 * before['seconds']:.1f} ms an image "
                f"({before['seconds'] / before['limit']:.1f} times the limit), {before['memory']:,.0f} MiB"
            )
    if arguments.sides == SIDES and arguments.batches == BATCHES:
        keep(name, "residual", {"points": points})


if __name__ == "__main__":
    main()
