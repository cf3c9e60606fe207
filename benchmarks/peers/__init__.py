"""Those who train the same network on the same data, each in a process of its own: see `peer.py`.

Each file defines `make(entry, weights, x, held_out)`: something with `train(first, epochs)`, which
gives the times before the first and after each of so many epochs, and their losses; and with
`validate()`, the loss on what was held out. `weights` are the initial ones.
"""
