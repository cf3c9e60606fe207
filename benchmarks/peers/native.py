"""The hand-written loop of the backend, on the same batches as kerasae."""

import importlib
import os
import time

import numpy as np


class make:
    def __init__(self, entry, weights, x, held_out):
        loops = importlib.import_module(f"native.{os.environ['KERAS_BACKEND']}")
        self.entry, self.n, self.held_out = entry, len(x), held_out
        self.loop = loops.Loop(entry.network, weights, x, entry.learning_rate)

    def train(self, first, epochs):
        stamps, losses = [time.perf_counter()], []
        for epoch in range(first, first + epochs):
            order = np.random.default_rng([0, epoch]).permutation(self.n).astype("int32")
            losses.append(self.epoch(order))
            if self.entry.validated:
                self.validate()
            stamps.append(time.perf_counter())
        return stamps, losses

    def epoch(self, order):
        """Train one epoch, full batches and the last smaller one, and return the mean loss per image."""
        whole = self.n - self.n % self.entry.batch_size
        parts = [order[:whole].reshape(-1, self.entry.batch_size), order[None, whole:]]
        return self.loop.epoch([part for part in parts if part.size]) / self.n

    def validate(self):
        return float(self.loop.loss(self.held_out))
