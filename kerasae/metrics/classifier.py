"""Feature classifiers: small convolutional networks whose last hidden layer gives the features for sample metrics.

A classifier is two files in `_classifiers` beside this module: `<data>.npz` (its weights) and `<data>.json` (settings,
accuracy, and the SHA-256 of the weights). It is computed with NumPy, so it is the same on every backend.
"""

import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import numpy as np

from kerasae import _checks, data, files

DIRECTORY = Path(__file__).parent / "_classifiers"
NAMES = ("fashion_mnist", "mnist")
STRIDE = 2  # of all convolutions
_PIECE = 512  # images per piece, which bounds the memory of the convolutions


@dataclasses.dataclass(frozen=True)
class FeatureClassifier:
    """A convolutional network with ReLU.

    `x (n, 28, 28, 1) → [conv of stride 2] per level → flatten → features (n, 64) → logits (n, 10)`

    Attributes:
        kernels: Kernels of the layers, from the input to the logits: `(height, width, inputs, outputs)` of
            convolutions without padding, `(inputs, outputs)` of dense layers.
        biases: Biases `(outputs,)` of the same layers.

    >>> network = load("mnist")
    >>> digits = kerasae.data.digits().x_test
    >>> network.features(digits).shape, network.predict(digits).shape
    ((360, 64), (360,))
    """

    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]

    def features(self, x: np.ndarray) -> np.ndarray:
        """Compute the last hidden layer: images `(n, ...)` in [0, 1] → `(n, features)`, float32, nonnegative."""
        x = np.asarray(x, "float32").reshape(-1, 28, 28, 1)
        return np.concatenate([self._features(x[i : i + _PIECE]) for i in range(0, len(x), _PIECE)])

    def _features(self, hidden: np.ndarray) -> np.ndarray:
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            if kernel.ndim == 4:
                hidden, kernel = _patches(hidden, kernel.shape[:2]), kernel.reshape(-1, kernel.shape[-1])
            else:
                hidden = hidden.reshape(len(hidden), -1)
            hidden = np.maximum(hidden @ kernel + bias, 0)
        return hidden

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Predict the most likely class of images `(n, ...)`: integers `(n,)`."""
        return np.argmax(self.features(x) @ self.kernels[-1] + self.biases[-1], axis=1)

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """Fraction of images `(n, ...)` whose class `y (n,)` is predicted correctly."""
        return float(np.mean(self.predict(x) == y))


def _patches(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Patches under a kernel of this shape, moved by `STRIDE`: `x (n, h, w, c)` → `(n, rows, columns, values)`."""
    views = np.lib.stride_tricks.sliding_window_view(x, shape, axis=(1, 2))[:, ::STRIDE, ::STRIDE]
    return np.moveaxis(views, 3, -1).reshape(*views.shape[:3], -1)


def save(network: FeatureClassifier, card: dict, directory: Path = DIRECTORY) -> Path:
    """Write the two files of a classifier, the card last, since `load` refuses weights without a card."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{card['data']}.npz"
    arrays = {f"kernel_{i}": kernel for i, kernel in enumerate(network.kernels)}
    arrays |= {f"bias_{i}": bias for i, bias in enumerate(network.biases)}
    np.savez_compressed(path, allow_pickle=False, **{key: array.astype("float32") for key, array in arrays.items()})
    card = card | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return path


@functools.cache
def load(name: str, directory: Path = DIRECTORY) -> FeatureClassifier:
    """Load the classifier of a data set.

    Args:
        name: `"mnist"` or `"fashion_mnist"`.
        directory: Directory that `save` wrote to. Default: the classifiers in the package.

    Raises:
        ValueError: If there is no such classifier, or its files are missing, damaged, or do not belong together.
    """
    path, expected = directory / f"{name}.npz", card(name, directory)["sha256"]
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ValueError(f"SHA-256 {found}, expected {expected}")
        arrays = files.parse_arrays(content, path)
        layers = range(len(arrays) // 2)
        kernels, biases = (
            tuple(arrays[f"{part}_{i}"].astype("float32") for i in layers) for part in ("kernel", "bias")
        )
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from error
    return FeatureClassifier(kernels, biases)


def card(name: str, directory: Path = DIRECTORY) -> dict:
    """Read the card of a classifier: settings, accuracy, checksums. Errors as for `load`."""
    if name not in NAMES:
        raise _checks.unknown("classifier", name, NAMES)
    path = directory / f"{name}.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(card[key], str) for key in ("sha256", "test_labels_sha256")):
            raise KeyError("sha256")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return card


def find(dataset: data.Dataset) -> FeatureClassifier | None:
    """Find the classifier of a data set by its test labels; None if there is none."""
    labels = None if dataset.y_test is None else labels_sha256(dataset)
    return next((load(name) for name in NAMES if card(name)["test_labels_sha256"] == labels), None)


def labels_sha256(dataset: data.Dataset) -> str:
    """SHA-256 of the test labels as bytes, by which `find` recognizes a data set."""
    return hashlib.sha256(np.asarray(dataset.y_test, "uint8").tobytes()).hexdigest()


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path} is missing or damaged: {error!r}. Install kerasae again, or run "
        f"`python tools/classifier.py {path.stem}`."
    )
