"""Hand-written training loops and forward passes, one file per backend, with that framework alone.

Each file defines `Loop(network, weights, x, learning_rate)` and `forward(network, weights)`. The loop's `steps(rows)`
runs steps of Adam on batches of these rows `(steps, batch)` and returns the sum of their losses; `loss(x)` returns a
validation loss. `forward` returns compiled functions of arrays: `encode`, `decode` and `reconstruct`. Weights are in
Keras's order and layout.
"""

# Numbers of weights of the encoder and of the decoder.
HALVES = {
    "dense": (8, 8),
    "sine": (6, 6),
    "variational": (6, 4),
    "adversarial": (6, 6),
    "convolutional": (6, 6),
    "transposed": (4, 6),
    "convolutional variational": (10, 8),
}
CONVOLUTIONAL = {"convolutional", "transposed", "convolutional variational"}
VARIATIONAL = {"variational", "convolutional variational"}
