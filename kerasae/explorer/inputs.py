"""What a page shows of inputs: how they are drawn, their values, and the colors of their labels."""

import numpy as np

from kerasae import plots
from kerasae.explorer.packing import Arrays

_CURVE_CHANNELS = 3  # at most, of a series
_MOST_CLASSES = 256  # that have colors
_FEWEST, _VALUES = 10, 2_000_000  # inputs, and values of all of them, that a page holds
_ALIKE = 0.6  # pixels: standard deviation of places and sizes in images that were centered and scaled


def kind_of(shape: tuple[int, ...]) -> str:
    """How inputs of a shape are drawn: `"image"`, `"point"` or `"curve"`.

    Raises:
        ValueError: Inputs of this shape are not drawn.
    """
    if len(shape) == 3 and shape[-1] in (1, 3):
        return "image"
    if shape == (2,):
        return "point"
    if len(shape) == 1 or (len(shape) == 2 and shape[-1] <= _CURVE_CHANNELS):
        return "curve"
    raise ValueError(
        "The page draws images (height, width, 1 or 3), points (2,), rows of tables (columns,) and series (steps, "
        f"{_CURVE_CHANNELS} channels at most). Received a model of inputs {shape}."
    )


def describe(x: np.ndarray, model, arrays: Arrays, images: int) -> dict:
    """Inputs as the page needs them.

    Args:
        x: Inputs on the map `(n, *input_shape)`.
        model: A model that takes them.
        arrays: Where arrays are stored.
        images: Number of inputs that the page holds at most, evenly spaced among them; fewer of more than 8,000 values.
    """
    kind = kind_of(model.data_shape)
    number = min(images, len(x), max(_FEWEST, _VALUES // x[0].size))
    held = np.unique(np.linspace(0, len(x) - 1, number).astype(int))
    low, high = model.value_range or (float(x.min()), float(x.max()))
    description = {
        "kind": kind,
        "shape": list(model.data_shape),
        "range": [low, high],
        "hasRange": model.value_range is not None,
        "held": arrays.add(held),
        "placement": _placement(x, low) if kind == "image" else None,
    }
    if kind == "image":
        pixels = np.rint(255 * np.clip((x[held] - low) / ((high - low) or 1.0), 0, 1))
        return {**description, "values": arrays.add(pixels, "uint8")}
    return {**description, "values": arrays.add(x[held])}


def colors(y, arrays: Arrays, class_names=None, number: int | None = None) -> dict | None:
    """The colors of points on the map: one per class, or a scale for labels that are no classes.

    Args:
        y: Labels `(n,)`: integers or texts for classes, real numbers for a scale; or None.
        arrays: Where arrays are stored.
        class_names: Names of the classes 0, 1, ...; None for those that the labels themselves are.
        number: Number of classes 0, 1, ... that a conditional model takes; None for those that there are.

    Raises:
        ValueError: There are fewer names than classes.
    """
    if y is None:
        return None
    if y.dtype.kind == "f":
        scaled = (y - y.min()) / (np.ptp(y) or 1.0)
        return {"scale": [float(f"{y.min():.4g}"), float(f"{y.max():.4g}")], "values": arrays.add(scaled)}
    classes, index = np.unique(y, return_inverse=True)
    if number is not None:
        classes, index = np.arange(number), y
    if len(classes) > _MOST_CLASSES:
        return None
    palette = plots.CLASSES if len(classes) <= len(plots.CLASSES) else _hues(len(classes))
    return {
        "classes": _names(classes, class_names),
        "colors": list(palette[: len(classes)]),
        "values": arrays.add(index, "uint8"),
    }


def _names(classes: np.ndarray, class_names) -> list[str]:
    if class_names is None:
        return [str(name) for name in classes]
    if classes.dtype.kind not in "iu" or not 0 <= classes.min() <= classes.max() < len(class_names):
        raise ValueError(
            f"class_names must name each label, which are integers from 0. Received {len(class_names)} names for the "
            f"labels {classes.min()} to {classes.max()}."
        )
    return [str(class_names[k]) for k in classes]


def _hues(n: int) -> list[str]:
    return [f"hsl({round(360 * i / n)} 65% 50%)" for i in range(n)]


def _placement(x: np.ndarray, low: float) -> dict | None:
    """Where images have their center of mass and how large what they show is, if this is the same in all, as in MNIST.

    Returns:
        `center`, row and column in pixels from the upper left corner, and `side`, the longer side of the smallest box
        around all ink, in pixels; None if images differ.
    """
    ink = np.maximum(x - low, 0).mean(axis=-1)
    total = np.maximum(ink.sum(axis=(1, 2)), 1e-9)
    rows = ink.sum(axis=2) @ np.arange(ink.shape[1]) / total + 0.5
    columns = ink.sum(axis=1) @ np.arange(ink.shape[2]) / total + 0.5
    sides = np.maximum(*((ink > 0).any(axis=axis).sum(axis=1) for axis in (1, 2)))
    if max(rows.std(), columns.std(), sides.std()) > _ALIKE:
        return None
    return {
        "center": [round(float(place.mean()), 1) for place in (rows, columns)],
        "side": round(float(np.median(sides))),
    }
