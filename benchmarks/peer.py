"""The process of one peer, a program that is compared: it trains on command and answers with one line of JSON.

    python benchmarks/peer.py native dense8_mnist DIRECTORY

`DIRECTORY` has `x.npy`, `held_out.npy` and `weights.npz`, written by `prepare.py`. Each line on standard input is a
number of epochs to train.
"""

import importlib
import itertools
import json
import os
import resource
import sys
import time


def main() -> None:
    started = time.perf_counter()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of frameworks goes to standard error
    kind, name, directory = sys.argv[1:]
    import numpy as np
    from entries import ENTRIES

    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    x, held_out = (np.load(f"{directory}/{part}.npy") for part in ("x", "held_out"))
    stored = np.load(f"{directory}/weights.npz")
    weights = [stored[str(i)] for i in range(len(stored))]
    peer = importlib.import_module(f"peers.{kind}").make(entry, weights, x, held_out)
    ready, epochs = time.perf_counter() - started, 0
    print(json.dumps({"ready": ready}), file=answers, flush=True)
    for line in sys.stdin:
        before = time.perf_counter()
        stamps, losses = peer.train(epochs, int(line))
        seconds = time.perf_counter() - before
        epochs += int(line)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux
        answer = {
            "seconds": seconds,
            "epochs": [after - before for before, after in itertools.pairwise(stamps)],
            "losses": [float(loss) for loss in losses],
            "memory": peak,
            "validation": float(peer.validate()),
        }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
