"""Training loops and forward passes written by hand, one file a backend, of that framework alone.

Each defines `Loop(network, weights, x, learning_rate)`, where `steps(rows (steps, batch))` makes so
many steps of Adam and gives their mean loss, and `loss(x)`; and `forward(network, weights)`, which gives
`encode` and `decode`, compiled, from arrays to arrays. Weights come in the order and the layout of Keras's.
"""

# How many of a network's weights are the encoder's, and the decoder's.
HALVES = {"dense": (8, 8), "sine": (6, 6), "variational": (6, 4), "adversarial": (6, 6), "convolutional": (6, 6)}
