"""Compare the device in use, such as a GPU, with the CPU: outputs, losses, repeated trainings, mixed precision.

    KERAS_BACKEND=jax python benchmarks/device.py

- Outputs: differences of all entries of MNIST from their golden outputs, with full float32 products and with the
  framework's faster ones (TF32), divided by the tolerance of `zoo.verify`.
- Losses: the largest relative difference of the losses of three epochs from those on the CPU.
- Repeated: whether two trainings with the same seed give the same weights, bit for bit.
- Mixed precision: images per second with `mixed_float16` and `mixed_bfloat16`, relative to float32.

`benchmarks/training.py` and `benchmarks/inference.py` time the device against hand-written loops. The result is stored
if the device is not a CPU.
"""

import argparse
import json
import os
import subprocess
import sys

import numpy as np
from record import backend, keep, report

NAMES = ("dense8_mnist", "vae_mnist", "conv_mnist", "residual")
EPOCHS, SIZE = 3, 128
ON_CPU = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def set_products(name: str, fast: bool) -> None:
    """Compute float32 products in full precision, or in the framework's faster one."""
    if name == "torch":
        import torch

        torch.set_float32_matmul_precision("high" if fast else "highest")
        torch.backends.cudnn.allow_tf32 = fast
    elif name == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if fast else "highest")
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(fast)


def outputs() -> dict[str, float]:
    """For each entry of MNIST, the largest difference from the golden outputs, in tolerances."""
    from kerasae import zoo
    from kerasae.zoo import recipes

    names = [name for name, recipe in recipes.RECIPES.items() if recipe.data.startswith("mnist")]
    return {name: max(part.largest / part.tolerance for part in zoo.verify(name).values()) for name in names}


def residual():
    """A residual network for the digits."""
    from kerasae import models

    return models.ResidualAutoencoder((28, 28, 1), filters=(32, 64))


def trained(name: str, images: int):
    """Train a network on the first images of MNIST → model, losses of the epochs, seconds of the fastest epoch."""
    from stopwatch import Stopwatch

    from kerasae import data
    from kerasae.zoo import recipes

    stopwatch = Stopwatch()
    model = residual() if name == "residual" else recipes.find(name).model()
    recipes.initialize(model, seed=0)
    model.compile("adam")
    x = data.mnist().x_train[:images]
    history = model.fit(x, batch_size=SIZE, epochs=EPOCHS, seed=0, verbose=0, callbacks=[stopwatch])
    return model, history.history["loss"], min(stopwatch.seconds[1:])


def losses_on_cpu(names, images: int) -> dict[str, list[float]]:
    """Losses of networks in a process that does not see the device."""
    command = [sys.executable, __file__, *names, "--images", str(images), "--losses"]
    done = subprocess.run(command, env=os.environ | ON_CPU, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(done.stdout.splitlines()[-1])


def mixed_precision(names, images: int) -> dict[str, dict[str, float]]:
    """Speed with each policy relative to float32."""
    import keras

    speeds: dict[str, dict[str, float]] = {}
    for policy in ("float32", "mixed_float16", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        for name in names:
            speeds.setdefault(name, {})[policy] = images / trained(name, images)[2]
    keras.config.set_dtype_policy("float32")
    return {name: {kind: speed / found["float32"] for kind, speed in found.items()} for name, found in speeds.items()}


def is_cpu() -> bool:
    """Whether the backend computes on the CPU."""
    import keras

    return "cpu" in (str(keras.ops.zeros(()).device)).lower()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "networks", nargs="*", metavar="NETWORK", help=f"networks to train (default: {', '.join(NAMES)})"
    )
    parser.add_argument("--images", type=int, default=10_000, help="number of training images (default: 10,000)")
    parser.add_argument("--losses", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    name, images, networks = backend(), arguments.images, arguments.networks or NAMES
    set_products(name, fast=False)
    if arguments.losses:
        print(json.dumps({network: trained(network, images)[1] for network in networks}))
        return
    result: dict = {"outputs": outputs()}
    set_products(name, fast=True)
    result["outputs with fast products"] = outputs()
    set_products(name, fast=False)
    for kind in ("outputs", "outputs with fast products"):
        worst = max(result[kind], key=result[kind].get)
        report(f"{name} {kind}: at most {result[kind][worst]:.2f} tolerances ({worst})")
    expected = losses_on_cpu(networks, images)
    for network in networks:
        (first, losses, seconds), (second, _, _) = trained(network, images), trained(network, images)
        apart = float(np.max(np.abs(np.divide(losses, expected[network]) - 1)))
        equal = all(np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights(), strict=True))
        result[network] = {"images_a_second": images / seconds, "losses": apart, "repeated": equal}
        report(f"{name} {network}: losses within {apart:.1e} of the CPU's; repeated training is bit-equal: {equal}")
    result["mixed precision"] = mixed_precision(networks, images)
    for network, speeds in result["mixed precision"].items():
        report(f"{name} {network}: " + ", ".join(f"{kind} {speed:.2f}" for kind, speed in speeds.items()))
    if not is_cpu():
        keep(name, "device", result)


if __name__ == "__main__":
    main()
