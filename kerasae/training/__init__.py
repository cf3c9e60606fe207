"""Training: the epoch loop, the batches it takes, the checks at its entrance, checkpoints."""
