"""Writing the page: one HTML file from the models' plans, the inputs and the assets beside this module."""

import base64
import hashlib
import html
import json
import os
import tempfile
from importlib import resources
from pathlib import Path

import numpy as np

from kerasae import zoo
from kerasae._checks import positive_size
from kerasae.explorer import codes, graph, inputs
from kerasae.explorer.packing import BITS, Arrays
from kerasae.metrics.measurement import given_to
from kerasae.training import validation

_SCRIPTS = (
    *("functions", "grids", "operations", "upconv", "interpreter", "arrays", "model", "colors", "pictures"),
    *("view", "map", "pad", "digits", "sliders", "path", "classes", "panel", "main"),
)


def page(
    model,
    x,
    y=None,
    path: str | Path = "explorer.html",
    other=None,
    *,
    names=None,
    class_names=None,
    title: str | None = None,
    points: int = 2000,
    images: int = 250,
    bits: int = 24,
    overwrite: bool = False,
) -> Path:
    """Write one HTML file to play with a model in a browser. It opens from the file system and loads nothing else.

    The page shows the codes of `x` on a map and decodes the code under the pointer. It has sliders, a canvas to draw
    on, examples to load, animated interpolation and, for a conditional model, a button for each class. The browser
    computes encoder and decoder itself, from weights in the file. Two models can be compared side by side. The same
    arguments give the same file.

    Args:
        model: A `kerasae.models.Autoencoder`, or a name or path of an entry as `zoo.load` takes it. It is not changed.
        x: Inputs on the map `(n, *input_shape)`: images of 1 or 3 channels, points of the plane, rows of a table or
            series of at most 3 channels.
        y: Labels `(n,)` that color the map: integers or texts for classes, real numbers for a color scale. A
            conditional model needs its classes.
        path: File to write.
        other: A second model of such inputs, to compare.
        names: Names of the models on the page. Default: those of the entries or classes.
        class_names: Names of the classes 0, 1, ..., where `y` holds integers.
        title: Title of the page. Default: the names.
        points: Number of points on the map at most, evenly spaced among the inputs.
        images: Number of inputs at most that the page holds and can load, fewer if they have more than 8,000 values.
            Pixels are stored as 8-bit integers.
        bits: Bits per weight. With 24, outputs equal Keras's within 1e-5. With 16, the weights take a third less room,
            and most outputs are within 1e-3.
        overwrite: Whether to replace an existing file.

    Returns:
        The path.

    Raises:
        ValueError: The page doesn't know a layer of the model, inputs or labels don't fit the model, or an argument is
            out of its range. Nothing is written.
        FileExistsError: `path` exists and `overwrite` is False.

    >>> model = kerasae.models.DenseAutoencoder((28, 28, 1), hidden_units=(32,), latent_dim=2)
    >>> digits = kerasae.data.digits()
    >>> page(model, digits.x_test, digits.y_test, "digits.html")    # doctest: +SKIP
    """
    path = Path(path)
    if bits not in BITS:
        raise ValueError(f"bits must be {' or '.join(map(str, BITS))}. Received: {bits!r}.")
    if path.exists() and (path.is_dir() or not overwrite):
        raise FileExistsError(f"{path} exists. Choose another path, or replace it (overwrite=True, --overwrite).")
    given = [model] if other is None else [model, other]
    models = [zoo.load(one) if isinstance(one, str | Path) else one for one in given]
    names = [str(name) for name in (names or map(_name, given))]
    if len(names) != len(models):
        raise ValueError(f"names must hold one name for each of {len(models)} models. Received: {names!r}.")
    x, y = _shown(models, x, y, positive_size("points", points))
    content = _content(models, names, x, y, class_names, positive_size("images", images), bits)
    content["title"] = title or " and ".join(names)
    _write(path, _document(content))
    return path


def _name(model) -> str:
    return Path(model).name.removesuffix(".keras") if isinstance(model, str | Path) else type(model).__name__


def _shown(models: list, x, y, points: int):
    """The inputs and labels on the map, after all checks."""
    first = models[0]
    if any(model.data_shape != first.data_shape or model.value_range != first.value_range for model in models):
        contracts = " and ".join(f"{model.data_shape} in {model.value_range}" for model in models)
        raise ValueError(f"Both models must take the same inputs. Received models of inputs {contracts}.")
    inputs.kind_of(first.data_shape)
    x = validation.checked_array(x, first.data_shape, first.value_range, "x")
    if y is not None and np.shape(y) != (len(x),):
        raise ValueError(f"y must hold one label for each of {len(x):,} inputs. Received shape: {np.shape(y)}.")
    shown = np.unique(np.linspace(0, len(x) - 1, min(points, len(x))).astype(int))
    return x[shown], None if y is None else np.asarray(y)[shown]


def _content(models: list, names: list[str], x, y, class_names, images: int, bits: int) -> dict:
    """What the page shows, as JSON types."""
    arrays = Arrays(bits)
    described = [_described(model, name, x, y, arrays) for model, name in zip(models, names, strict=True)]
    number = next((model.classes for model in models if model.classes is not None), None)
    return {
        "models": described,
        "inputs": inputs.describe(x, models[0], arrays, images),
        "labels": inputs.colors(y, arrays, class_names, number),
        "bits": bits,
        "arrays": arrays.table(),
        "block": arrays.block(),
    }


def _described(model, name: str, x: np.ndarray, y, arrays: Arrays) -> dict:
    z = model.encode(x, **given_to(model, y)).reshape(len(x), -1).astype("float64")
    if not np.isfinite(z).all():
        raise ValueError(f"The codes of {name} must be finite. Received NaN or infinity: check its weights.")
    plans = {part: graph.plan(getattr(model, part), arrays, part) for part in ("encoder", "decoder")}
    return {
        "name": name,
        "kind": type(model).__name__,
        "parameters": _parameters(model),
        **plans,
        "codeShape": list(model.code_shape),
        "classes": model.classes,
        "posterior": hasattr(model, "posterior"),
        "prior": hasattr(model, "generate"),
        "codes": codes.describe(z, arrays, hasattr(model, "generate")),
    }


def _parameters(model) -> int:
    return model.encoder.count_params() + model.decoder.count_params()


def _document(content: dict) -> str:
    """The file: the template with style, script and content filled in."""
    assets = resources.files("kerasae.explorer") / "assets"
    style = (assets / "explorer.css").read_text(encoding="utf-8")
    scripts = [(assets / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS]
    block = content.pop("block")
    parts = {
        "title": html.escape(content["title"]),
        "style": style,
        "script": "\n".join(scripts),
        "content": _json(content),
        "block": block,
    }
    # Only this style and this script run: what else may stand in the page is never executed.
    parts["policy"] = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(parts['script'])}'; img-src data:"
    )
    document = (assets / "explorer.html").read_text(encoding="utf-8")
    pieces = document.split("{{")  # each part is filled in once: a title may hold such braces itself
    return pieces[0] + "".join(parts[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces[1:]))


def _json(content) -> str:
    """JSON that can stand in an HTML script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write(path: Path, document: str) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as partial:
        Path(partial, path.name).write_text(document, encoding="utf-8", newline="\n")
        os.replace(Path(partial, path.name), path)
