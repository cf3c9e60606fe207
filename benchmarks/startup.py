"""Time whole processes, from start to end, on the backend in use.

KERAS_BACKEND=jax python benchmarks/startup.py
"""

import argparse
import subprocess
import sys
import time

from record import backend, keep, report, spread

LOAD = "import numpy as np; from kerasae import zoo; zoo.load('dense8_mnist').reconstruct(np.zeros((1, 28, 28, 1)))"
COMMANDS = {
    "python": ["-c", "pass"],
    "import kerasae": ["-c", "import kerasae"],
    "kerasae list": ["-m", "kerasae", "list"],
    "kerasae info": ["-m", "kerasae", "info", "dense8_mnist"],
    "import keras": ["-c", "import keras"],
    "zoo.load, first reconstruction": ["-c", LOAD],
}
# The command that each command includes.
OVER = {name: "import keras" if name.startswith("zoo") else "python" for name in COMMANDS if name not in ("python",)}


def seconds(command) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    name = backend()
    measured = {command: [] for command in COMMANDS}
    for round_ in range(arguments.rounds + 1):  # the first round fills the file system's caches
        for command, words in COMMANDS.items():
            taken = seconds(words)
            if round_:
                measured[command].append(taken)
    keep(name, "startup", {command: spread(values) for command, values in measured.items()})
    for command, values in measured.items():
        report(f"{name} {command}: {spread(values)['median']:.2f} s")


if __name__ == "__main__":
    main()
