"""Decode many pictures with threads, which run in parallel because Pillow releases the interpreter lock."""

import contextlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasae import files
from kerasae.preprocessing import ImagePreprocessing

_CHUNK = 64  # pictures per task
_LONG = 2000  # more pictures than this get a progress bar


class Read(NamedTuple):
    """Result of decoding n pictures.

    Attributes:
        pixels: uint8 `(readable, height, width, channels)`, or None if they were not kept.
        is_readable: Whether each file could be read, bool `(n,)`.
        unreadable: Path of each unreadable file, with the reason.
        resized: Number of pictures that had another size.
        grayed: Number of color pictures that were converted to grayscale.
    """

    pixels: np.ndarray | None
    is_readable: np.ndarray
    unreadable: dict[Path, str]
    resized: int
    grayed: int


def read_all(
    paths: list[Path], scale: ImagePreprocessing, keep: bool, workers: int | None = None, verbose: bool = True
) -> Read:
    """Decode all pictures once.

    Args:
        paths: Paths of the n pictures.
        scale: Size and color of the result.
        keep: Whether to keep the pixels. If not, decoding only finds the unreadable pictures.
        workers: Number of threads. Default: `default_workers()`.
        verbose: Whether to show a progress bar for more than 2,000 pictures.
    """
    n = len(paths)
    pixels = np.empty((n, *scale.raw_shape), "uint8") if keep else None
    is_readable, resized, grayed = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    unreadable: dict[Path, str] = {}

    def decode(start: int) -> dict[Path, str]:
        failed = {}
        for i in range(start, min(start + _CHUNK, n)):
            try:
                picture = files.read_picture(paths[i], scale.size, scale.color, scale.fit)
            except (ValueError, FileNotFoundError) as error:
                failed[paths[i]] = str(error)
                continue
            is_readable[i], resized[i] = True, picture.size != scale.size
            grayed[i] = scale.color == "grayscale" and not picture.is_gray
            if pixels is not None:
                pixels[i] = picture.pixels
        return failed

    with _progress(n, verbose) as update, ThreadPoolExecutor(workers or default_workers()) as threads:
        try:
            for done, failed in enumerate(threads.map(decode, range(0, n, _CHUNK)), start=1):
                unreadable |= failed
                update(min(done * _CHUNK, n))
        except BaseException:  # also KeyboardInterrupt
            threads.shutdown(cancel_futures=True)
            raise
    if pixels is not None and unreadable:
        pixels = pixels[is_readable]
    return Read(pixels, is_readable, unreadable, int(resized.sum()), int(grayed.sum()))


def default_workers() -> int:
    """Default number of decoding threads: one per CPU that this process may use, at most 16."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, 16)


@contextlib.contextmanager
def _progress(n: int, verbose: bool) -> Iterator:
    """Show Keras's progress bar on standard error; yields a function of the number of decoded pictures."""
    if not verbose or n <= _LONG:
        yield lambda done: None
        return
    import keras

    with contextlib.redirect_stdout(sys.stderr):
        print(f"Reading {n:,} pictures", flush=True)
        is_seen = sys.stderr.isatty() or "ipykernel" in sys.modules
        # If standard error is a file, print one line at the end instead of one per update.
        bar = keras.utils.Progbar(n, verbose=1 if is_seen else 2, unit_name="picture")
        yield bar.update
