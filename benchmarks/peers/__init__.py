"""Peers: programs that train the same network on the same data, each in its own process (see `peer.py`).

Each file defines a class `make(entry, weights, x, held_out)`, where `weights` are the initial weights. Its method
`train(first, epochs)` returns the times before the first epoch and after each epoch, and the losses of the epochs;
`validate()` returns the loss on the held-out images.
"""
