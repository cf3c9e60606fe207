"""Images of handwritten digits and of clothes, from local files or from `keras.datasets`."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasae import files
from kerasae.data.dataset import Dataset, data_set
from kerasae.eight_bit import EightBit

# SHA-256 of the concatenated bytes of x_train, y_train, x_test and y_test, uint8 in C order.
_SHA256 = {
    "mnist": "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    "fashion_mnist": "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
}
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@data_set
def mnist(binarize: str | None = None, seed: int = 0, dtype: str = "float32") -> Dataset:
    """Load the MNIST handwritten digits.

    They are read from `mnist.npz` in the directory `KERASAE_DATA` (an environment variable), else by `keras.datasets`.

    Binary images are the usual data for likelihoods in nats: a pixel of gray value p is 1 with probability p. The test
    images are drawn once. `"fixed"` draws the training images once, too; `"dynamic"` draws them anew in each epoch.
    The draws are those of `seed`: binary images of the literature, such as Larochelle's, are other draws from the same
    gray images. Log-likelihoods after fixed and after dynamic binarization differ by about 2 nats.

    Args:
        binarize: `"fixed"`, `"dynamic"`, or None for gray images.
        seed: Seed of the binary images.
        dtype: `"float32"`, or `"uint8"` for `EightBit` arrays, which models take like arrays of floats and which need
            a fourth of the memory.

    Returns:
        `x_train (60000, 28, 28, 1)`, `x_test (10000, 28, 28, 1)`, float32 in [0, 1]; labels 0 to 9. With
        `binarize="dynamic"`, `x_train` is a `DynamicallyBinarized`, which `fit` takes like an array.

    Raises:
        FileNotFoundError: If the data are not on this machine and cannot be downloaded.
        ValueError: If the pixels in the file are not those of MNIST, `binarize` or `dtype` is another value, or binary
            images are to be 8-bit pixels.

    References:
        Gradient-based learning applied to document recognition (LeCun, Bottou, Bengio & Haffner, 1998)
    """
    return _images("mnist", binarize, seed, dtype)


@data_set
def bmnist_fixed() -> Dataset:
    """Load MNIST, binarized once: `mnist(binarize="fixed")`, by a name for recipes."""
    return mnist("fixed")


@data_set
def bmnist_dynamic() -> Dataset:
    """Load MNIST, binarized anew in each epoch: `mnist(binarize="dynamic")`, by a name for recipes."""
    return mnist("dynamic")


@data_set
def fashion_mnist(binarize: str | None = None, seed: int = 0, dtype: str = "float32") -> Dataset:
    """Load the Fashion-MNIST images of clothes, as `mnist` loads digits; the file is `fashion_mnist.npz`.

    References:
        Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms (Xiao, Rasul & Vollgraf, 2017)
    """
    return _images("fashion_mnist", binarize, seed, dtype)


@data_set
def digits() -> Dataset:
    """Load scikit-learn's 1,797 handwritten digits, resized to MNIST's format. They need no download.

    The 8 × 8 scans are enlarged to the central 20 × 20 box of 28 × 28 pixels, the box of MNIST's digits. They are
    blurred and have few degrees of freedom: compare reconstructions with the mean image, not with PCA.

    Returns:
        `x_train (1437, 28, 28, 1)`, `x_test (360, 28, 28, 1)`, float32 in [0, 1]; labels 0 to 9.

    References:
        Optical recognition of handwritten digits (Alpaydin & Kaynak, 1998)
    """
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    scans = load_digits()
    boxes = zoom(scans.images / 16.0, (1, 2.5, 2.5), order=1, grid_mode=True, mode="nearest")
    x = np.pad(boxes, ((0, 0), (4, 4), (4, 4)))[..., None].astype("float32").clip(0.0, 1.0)
    y = scans.target.astype("int64")
    cut = len(x) * 4 // 5
    return Dataset(x[:cut], y[:cut], x[cut:], y[cut:])


def is_at_hand(name: str) -> bool:
    """Whether `mnist` or `fashion_mnist` is available without a download."""
    return _local_file(name) is not None or _keras_cache(name).exists()


def as_unit_interval(x: np.ndarray) -> np.ndarray:
    """Convert 8-bit pixels to float32 in [0, 1]."""
    return x.astype("float32") / np.float32(255)


def _images(name: str, binarize: str | None, seed: int, dtype: str) -> Dataset:
    if binarize not in (None, "fixed", "dynamic"):
        raise ValueError(f"binarize must be 'fixed', 'dynamic' or None. Received: {binarize!r}.")
    if dtype not in ("float32", "uint8") or (binarize and dtype == "uint8"):
        raise ValueError(f"dtype must be 'float32', or 'uint8' for gray images. Received: {dtype!r}.")
    arrays = _read(name)
    _check(name, arrays)
    y_train, y_test = (y.astype("int64") for y in arrays[1::2])
    if dtype == "uint8":
        pixels, pixels_test = (EightBit(x[..., None]) for x in arrays[::2])
        return Dataset(pixels, y_train, pixels_test, y_test)  # type: ignore[arg-type]
    x_train, x_test = (as_unit_interval(x[..., None]) for x in arrays[::2])
    if binarize is None:
        return Dataset(x_train, y_train, x_test, y_test)
    from kerasae.data import binarized  # imports Keras

    dynamic = binarized.DynamicallyBinarized(x_train, seed)
    training: Any = dynamic if binarize == "dynamic" else dynamic.at_epoch(0)
    return Dataset(training, y_train, binarized.draw(x_test, seed, binarized.TEST), y_test)


def _local_file(name: str) -> Path | None:
    directory = os.environ.get("KERASAE_DATA")
    path = Path(directory, f"{name}.npz") if directory else None
    return path if path and path.exists() else None


def _keras_cache(name: str) -> Path:
    """Path of the file (for Fashion-MNIST, one of the files) that `keras.datasets` downloads."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    return home / "datasets" / {"mnist": "mnist.npz", "fashion_mnist": "fashion-mnist/t10k-images-idx3-ubyte.gz"}[name]


def _read(name: str) -> list[np.ndarray]:
    """Read the arrays `_ARRAYS` of a data set."""
    path = _local_file(name)
    if path is not None:
        try:
            arrays = files.read_arrays(path)
            return [arrays[key] for key in _ARRAYS]
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"{path} can't be read as {name}: expected an .npz file with {', '.join(_ARRAYS)}. {error}"
            ) from error
    import keras

    try:
        train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise FileNotFoundError(
            f"{name} is not on this machine and could not be downloaded ({error}). Either set KERASAE_DATA to a "
            f"directory that contains {name}.npz (keys {', '.join(_ARRAYS)}, uint8), or run once with a "
            f"network so that keras.datasets.{name} can fetch it."
        ) from error
    return [*train, *test]


def _check(name: str, arrays: list[np.ndarray]) -> None:
    """Raise ValueError unless the arrays are those of the data set."""
    for x, y in (arrays[:2], arrays[2:]):
        if x.dtype != "uint8" or y.dtype != "uint8" or y.ndim != 1 or x.shape != (len(y), 28, 28):
            raise ValueError(
                f"{name} must have images (n, 28, 28) and labels (n,), both uint8. "
                f"Received: {x.shape} {x.dtype} and {y.shape} {y.dtype}. Fetch the file again."
            )
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()
    if digest != _SHA256[name]:
        raise ValueError(
            f"These are not the pixels of {name}: SHA-256 {digest}, expected {_SHA256[name]}. "
            "Delete the file (in KERASAE_DATA or Keras's cache) and fetch it again."
        )
