"""A stream of pictures that do not fit in memory, decoded during training."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from kerasae._checks import positive_size
from kerasae.data.decoding import default_workers
from kerasae.preprocessing import ImagePreprocessing

_WAITING = 2**26  # largest size in bytes of decoded batches that wait for the model


class PictureStream(keras.utils.PyDataset):
    """Batches of pictures, decoded by threads on demand, for `fit`, `evaluate` and `predict`.

    kerasae models use it like an array: `batch_size`, `shuffle` and `seed` are arguments of `fit`, and the batches are
    the same as for an array. Other Keras models use it like any `PyDataset`.

    Args:
        files: Paths of the pictures.
        preprocessing: Size, color and fit of the pictures.
        batch_size: Number of pictures per batch; the last batch may be smaller.
        seed: Seed of the shuffling; the order of an epoch is a function of `(seed, epoch)`. None does not shuffle.
        workers: Number of decoding threads. Default: the number of CPUs, at most 16.
        labels: Class of each picture `(n,)` for conditional models. Batches are then
            `{"x": pictures, "label": classes}`.
    """

    def __init__(
        self,
        files: Sequence[Path],
        preprocessing: ImagePreprocessing,
        batch_size: int = 32,
        seed: int | None = None,
        workers: int | None = None,
        labels: np.ndarray | None = None,
    ):
        self.batch_size = positive_size("batch_size", batch_size)
        waiting = _WAITING // (4 * math.prod(preprocessing.raw_shape) * self.batch_size)
        super().__init__(workers=workers or default_workers(), max_queue_size=min(max(waiting, 1), 16))
        self.files, self.preprocessing, self.seed, self.labels = tuple(files), preprocessing, seed, labels
        self.begin_epoch(0)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of all pictures as one array, `(n, height, width, channels)`."""
        return (len(self.files), *self.preprocessing.raw_shape)

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self.files) / self.batch_size)

    def __getitem__(self, index: int) -> np.ndarray | dict[str, np.ndarray]:
        """Decode a batch of the current epoch, float32 in [0, 1]. ValueError if a picture can no longer be read."""
        rows = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.preprocessing(np.stack([self.preprocessing.read(self.files[row]) for row in rows]))
        return x if self.labels is None else {"x": x, "label": self.labels[rows]}

    def begin_epoch(self, epoch: int) -> None:
        """Set the order of the pictures to that of an epoch."""
        self._epoch, n = epoch, len(self.files)
        self._order = np.arange(n) if self.seed is None else np.random.default_rng([self.seed, epoch]).permutation(n)

    def on_epoch_end(self) -> None:
        """Start the next epoch. Keras models call this; kerasae models call `begin_epoch`."""
        self.begin_epoch(self._epoch + 1)

    def ordered(self, batch_size: int | None = None, shuffle: bool = False, seed: int | None = None) -> "PictureStream":
        """Return a stream of the same pictures with another batch size or order, as `fit` uses arrays.

        Args:
            batch_size: Number of pictures per batch. Default: unchanged.
            shuffle: Whether to shuffle the pictures in each epoch.
            seed: Seed of the shuffling. Default: drawn from NumPy's global generator.
        """
        if seed is None:
            seed = int(np.random.randint(2**31))
        size = self.batch_size if batch_size is None else batch_size
        return self._with(batch_size=size, seed=seed if shuffle else None)

    def subset(self, rows) -> "PictureStream":
        """Return a stream of the pictures with these indices."""
        labels = None if self.labels is None else self.labels[rows]
        return self._with(files=[self.files[row] for row in rows], labels=labels)

    def labeled(self, labels) -> "PictureStream":
        """Return a stream with the class of each picture `(n,)`, for conditional models."""
        return self._with(labels=np.asarray(labels))

    def _with(self, **changes) -> "PictureStream":
        kept = {
            name: getattr(self, name) for name in ("files", "preprocessing", "batch_size", "seed", "workers", "labels")
        }
        return PictureStream(**{**kept, **changes})
