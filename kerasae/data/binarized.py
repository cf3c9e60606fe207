"""Images in [0, 1] as binary images: a pixel of value p is 1 with probability p."""

import math
from typing import Any

import keras
import numpy as np

from kerasae._checks import positive_size

TRAINING, TEST = 0, 1  # parts of a data set, whose draws are independent
_STREAM = 0xB1  # apart from other draws of the same seed: NumPy's generators of [0] and [0, 0, 0] are the same


def draw(x: np.ndarray, seed: int, part: int = TRAINING, epoch: int = 0) -> np.ndarray:
    """Binarize images: `P(b = 1) = x` for each pixel, a function of `(seed, part, epoch)`.

    Args:
        x: Images `(n, ...)` in [0, 1].
        seed: Seed of the draws.
        part: `TRAINING` or `TEST`.
        epoch: Epoch that the draw is for.

    Returns:
        Images of the same shape, float32, 0 or 1.
    """
    rng = np.random.default_rng([_STREAM, seed, part, epoch])
    return (rng.random(x.shape, dtype="float32") < x).astype("float32")


class DynamicallyBinarized(keras.utils.PyDataset):
    """Training images that are binarized anew in each epoch, for `fit`.

    The images of an epoch are a function of `(seed, epoch)`, the same on every backend and in a resumed run. kerasae
    models keep the images of an epoch on the device, as they do with an array; other Keras models take the batches.
    `np.asarray` gives the images of epoch 0.

    Args:
        images: Images `(n, ...)` in [0, 1].
        seed: Seed of the draws.
        batch_size: Images per batch.
        order: Shuffles each epoch in an order that is a function of `(order, epoch)`; None keeps the order.

    References:
        On the quantitative analysis of deep belief networks (Salakhutdinov & Murray, 2008): binarized MNIST
        Importance weighted autoencoders (Burda, Grosse & Salakhutdinov, 2016): binarization in each epoch

    >>> images = DynamicallyBinarized(np.full((100, 28, 28, 1), 0.5))
    >>> images.shape, float(np.asarray(images).max())
    ((100, 28, 28, 1), 1.0)
    """

    def __init__(self, images: np.ndarray, seed: int = 0, batch_size: int = 32, order: int | None = None):
        super().__init__()
        self.images, self.seed, self.order = images, seed, order
        self.batch_size = positive_size("batch_size", batch_size)
        self._drawn: np.ndarray | None
        self._order: np.ndarray
        self.begin_epoch(0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all images as one array."""
        return self.images.shape

    def at_epoch(self, epoch: int) -> np.ndarray:
        """All images of an epoch, in their own order."""
        return draw(self.images, self.seed, TRAINING, epoch)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self.at_epoch(0).astype(dtype or "float32", copy=False)

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self.images) / self.batch_size)

    def __getitem__(self, index: int) -> np.ndarray:
        """A batch of the current epoch."""
        if self._drawn is None:
            self._drawn = self.at_epoch(self._epoch)
        return self._drawn[self._order[index * self.batch_size : (index + 1) * self.batch_size]]

    def begin_epoch(self, epoch: int) -> None:
        """Go to an epoch."""
        self._epoch = epoch
        self._drawn = None
        n = len(self.images)
        self._order = np.arange(n) if self.order is None else np.random.default_rng([self.order, epoch]).permutation(n)

    def on_epoch_end(self) -> None:
        """Go on to the next epoch, for Keras models; kerasae models name the epoch."""
        self.begin_epoch(self._epoch + 1)

    def ordered(self, batch_size: int | None = None, shuffle: bool = False, seed: int | None = None):
        """The same images in batches of another size or order, as `fit` on an array would make them."""
        if seed is None:
            seed = int(np.random.randint(2**31))
        return DynamicallyBinarized(self.images, self.seed, batch_size or self.batch_size, seed if shuffle else None)

    def subset(self, rows: Any) -> "DynamicallyBinarized":
        """The images of these rows."""
        return DynamicallyBinarized(self.images[rows], self.seed, self.batch_size, self.order)
