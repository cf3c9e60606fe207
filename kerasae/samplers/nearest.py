"""Resampling of the codes of the data, between nearest neighbors."""

from typing import ClassVar

import numpy as np

from kerasae._checks import positive_size
from kerasae.samplers.base import Sampler


class NearestCodes(Sampler):
    """Random points on the lines between codes and their nearest neighbors: `z = a + t (b − a)`.

    `a` is a random code of the data, `b` one of its nearest neighbors, and `t` uniform between 0 and 1. Samples stay
    close to codes of the data, in any shape that these form; they are not independent of the training inputs.

    Args:
        neighbors: Number of nearest neighbors that `b` is chosen from.
        codes: Most codes that are kept; a random subset of more codes.
        seed: As for `Sampler`; also the seed of the subset.

    References:
        SMOTE: synthetic minority over-sampling technique (Chawla, Bowyer, Hall & Kegelmeyer, 2002)

    >>> NearestCodes().fit(kerasae.zoo.load("dense8_mnist"), kerasae.data.digits().x_train).sample(3, seed=0).shape
    (3, 8)
    """

    kind = "nearest"
    ndims: ClassVar[dict[str, int]] = {"neighbors": 1, "codes": 2}

    def __init__(self, neighbors: int = 5, codes: int = 10_000, seed: int = 0):
        super().__init__(seed)
        self.neighbors, self.codes = positive_size("neighbors", neighbors), positive_size("codes", codes)

    @property
    def _least(self):
        return self.neighbors + 1

    def _fit(self, codes):
        chosen = np.random.default_rng(self.seed).permutation(len(codes))[: max(self.codes, self._least)]
        return {"neighbors": np.array([self.neighbors]), "codes": codes[np.sort(chosen)].astype("float32")}

    def _draw(self, fitted, n, rng):
        from sklearn.neighbors import NearestNeighbors

        codes, neighbors = fitted["codes"], int(fitted["neighbors"][0])
        first, rank, t = rng.integers(len(codes), size=n), rng.integers(1, neighbors + 1, n), rng.random((n, 1))
        search = NearestNeighbors(n_neighbors=neighbors + 1, algorithm="brute").fit(codes)
        nearest = search.kneighbors(codes[first], return_distance=False)  # the first one is the code itself
        return codes[first] + t * (codes[nearest[np.arange(n), rank]] - codes[first])

    def check(self, fitted):
        neighbors = fitted["neighbors"]
        if neighbors.shape != (1,) or neighbors.dtype.kind != "i" or not 1 <= neighbors[0] < len(fitted["codes"]):
            raise ValueError("expected a number of neighbors from 1 to the number of codes − 1")

    def get_config(self):
        return {"neighbors": self.neighbors, "codes": self.codes, **super().get_config()}
