"""The data sets of the classic experiments, as arrays ready to use."""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from kerasae import _checks

# SHA-256 of x_train, y_train, x_test and y_test as uint8 in C order, one after the other.
_SHA256 = {
    "mnist": "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    "fashion_mnist": "ca3ab2a37f845e1b8ae23cab1b51749a3011ba3bf1d9016176d75cbaabac376f",
}
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")

SINE_LIMIT = 2.2

NAMES = ("digits", "fashion_mnist", "mnist", "sine", "sine_excerpt")


class Dataset(NamedTuple):
    """Inputs (float32) and what is known of them: class labels (int64) of images, position on the curve of points."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def named(name: str) -> Dataset:
    """The data set of a name, as the function of that name gives it by itself.

    Raises:
        ValueError: The name is not one of `NAMES`.

    >>> named("sine").x_train.shape
    (1000, 2)
    """
    if name not in NAMES:
        raise _checks.unknown("data set", name, NAMES)
    return globals()[name]()


def sine(n: int = 1000, noise: float = 0.06, seed: int = 0) -> Dataset:
    """Noisy points of a sine: a one-dimensional manifold in the plane.

    Points `(t, sin t) + ε`, t evenly spaced in [-2.2, 2.2], `ε ~ N(0, noise²)` on both coordinates.

    Args:
        n: How many points, in each of the training and the test set (which differ in their noise).
        noise: Standard deviation.
        seed: Of the noise.

    Returns:
        `x_train, x_test (n, 2)`, with the points' t as `y_train, y_test (n,)`.
    """
    t = np.linspace(-SINE_LIMIT, SINE_LIMIT, n)
    curve = np.stack([t, np.sin(t)], axis=1)
    rng = np.random.default_rng(seed)
    train, test = ((curve + rng.normal(0.0, noise, curve.shape)).astype("float32") for _ in range(2))
    return Dataset(train, t, test, t)


def sine_excerpt(points: int = 25, copies: int = 4000) -> Dataset:
    """A few of the sine's training points, each many times: too little to learn a curve from.

    Args:
        points: How many, evenly chosen from `sine`'s 1000: with 25, every 40th.
        copies: How often the excerpt is repeated.

    Returns:
        `x_train (points · copies, 2)` and its t; the test set is `sine`'s.
    """
    whole = sine()
    every = len(whole.x_train) // points
    x, t = whole.x_train[::every][:points], whole.y_train[::every][:points]
    return Dataset(np.tile(x, (copies, 1)), np.tile(t, copies), whole.x_test, whole.y_test)


def mnist() -> Dataset:
    """The MNIST handwritten digits.

    Read from `mnist.npz` in the directory that `KERASAE_DATA` names, else by way of `keras.datasets`.

    Returns:
        `x_train (60000, 28, 28, 1)`, `x_test (10000, 28, 28, 1)`, float32 in [0, 1]; labels 0 to 9.

    Raises:
        FileNotFoundError: The data is not there and can't be downloaded.
        ValueError: The file's pixels are not MNIST's.

    References:
        Gradient-based learning applied to document recognition (LeCun, Bottou, Bengio & Haffner, 1998)
    """
    return _images("mnist")


def fashion_mnist() -> Dataset:
    """The Fashion-MNIST pictures of clothes. As for `mnist`, from `fashion_mnist.npz`.

    References:
        Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms (Xiao, Rasul & Vollgraf, 2017)
    """
    return _images("fashion_mnist")


def digits() -> Dataset:
    """scikit-learn's 1,797 handwritten digits in MNIST's frame: real input with nothing to download.

    The 8 × 8 scans are enlarged to the 20 × 20 box in the middle of 28 × 28 pixels that MNIST's
    digits fill. They are blurred, and have few degrees of freedom: compare a reconstruction with
    the mean image, not with PCA.

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


def own(path: str | Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Inputs of a file of the user's, and their labels if it has any.

    Args:
        path: A `.npy` file of inputs, or an `.npz` file of `x_test` and, if there are labels, `y_test`, such as
            MNIST and what takes its place come in.

    Returns:
        `x (n, ...)`, and `y (n,)` or None. Images of 8 bits `(n, height, width)` or `(n, height, width, channels)`
        become float32 in [0, 1] with an axis for their channels, as `mnist` gives them; others stay as they are.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is something else.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No file at {path}. Expected a .npy or .npz file of inputs.")
    try:
        with open(path, "rb") as stream:
            held = np.load(stream, allow_pickle=False)
            x, y = (held, None) if isinstance(held, np.ndarray) else (held["x_test"], held.get("y_test"))
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
        raise ValueError(
            f"{path} can't be read as inputs: expected a .npy file of an array, or an .npz file with x_test and, "
            f"if there are labels, y_test. {error}"
        ) from error
    if y is not None and y.shape != x.shape[:1]:
        raise ValueError(f"{path} must hold one label for each input. Received shapes: {x.shape} and {y.shape}.")
    if x.dtype == "uint8" and x.ndim in (3, 4):
        x = _pixels(x) if x.ndim == 3 else _pixels(x)[..., 0]
    return x, y


def is_at_hand(name: str) -> bool:
    """Whether `mnist` or `fashion_mnist` can be had without a download."""
    return _local_file(name) is not None or _keras_cache(name).exists()


def _images(name: str) -> Dataset:
    arrays = _read(name)
    _check(name, arrays)
    (x_train, y_train), (x_test, y_test) = arrays
    return Dataset(_pixels(x_train), y_train.astype("int64"), _pixels(x_test), y_test.astype("int64"))


def _pixels(x: np.ndarray) -> np.ndarray:
    return x[..., None].astype("float32") / np.float32(255)


def _local_file(name: str) -> Path | None:
    directory = os.environ.get("KERASAE_DATA")
    path = Path(directory, f"{name}.npz") if directory else None
    return path if path and path.exists() else None


def _keras_cache(name: str) -> Path:
    """Where `keras.datasets` keeps (all or the first part of) its download."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    return home / "datasets" / {"mnist": "mnist.npz", "fashion_mnist": "fashion-mnist/t10k-images-idx3-ubyte.gz"}[name]


def _read(name: str):
    path = _local_file(name)
    if path is not None:
        try:
            with np.load(path, allow_pickle=False) as file:
                x_train, y_train, x_test, y_test = (file[key] for key in _ARRAYS)
        except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as error:
            raise ValueError(
                f"{path} can't be read as {name}: expected an .npz file with {', '.join(_ARRAYS)}. {error}"
            ) from error
        return (x_train, y_train), (x_test, y_test)
    import keras

    try:
        return getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise FileNotFoundError(
            f"{name} is not at hand and could not be downloaded ({error}). Either set KERASAE_DATA to a "
            f"directory that holds {name}.npz (keys {', '.join(_ARRAYS)}, uint8), or run once with a "
            f"network so that keras.datasets.{name} can fetch it."
        ) from error


def _check(name: str, arrays) -> None:
    digest = hashlib.sha256()
    for x, y in arrays:
        if (x.dtype, y.dtype) != ("uint8", "uint8") or x.shape != (len(y), 28, 28):
            raise ValueError(
                f"{name} must have images (n, 28, 28) and labels (n,), both uint8. "
                f"Received: {x.shape} {x.dtype} and {y.shape} {y.dtype}. Fetch the file again."
            )
        digest.update(x.tobytes() + y.tobytes())
    if digest.hexdigest() != _SHA256[name]:
        raise ValueError(
            f"These are not the pixels of {name}: SHA-256 {digest.hexdigest()}, expected {_SHA256[name]}. "
            "Delete the file (in KERASAE_DATA or Keras's cache) and fetch it again."
        )
