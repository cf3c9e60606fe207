"""Hook around the first `import keras`: chooses an installed backend before it, registers kerasae's classes after it.

Keras uses `KERAS_BACKEND`, else `keras.json`, else TensorFlow, and raises `ModuleNotFoundError` if that framework
is missing. Unless `KERAS_BACKEND` is set, kerasae then uses the first installed framework instead.
"""

import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path

TRAINING_BACKENDS = ("jax", "torch", "tensorflow")  # in order of preference: smallest installation first
# Backend → the framework that it needs. numpy (which needs JAX) and openvino are for inference only.
FRAMEWORKS = {"jax": "jax", "torch": "torch", "tensorflow": "tensorflow", "numpy": "jax", "openvino": "openvino"}
# Modules that import Keras and that `kerasae.models` imports. If one of them is the first to import Keras, the models
# cannot be imported yet (a circular import), so each of these modules calls `install` at its end.
_NEEDED = ("backends", "files", "keras_private", "layers", "likelihoods", "losses", "models", "random", "training")
NEEDED_BY_MODELS = tuple(f"kerasae.{name}" for name in _NEEDED)


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _configured_backend() -> str:
    """The backend in Keras's configuration file, or TensorFlow."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return json.loads((home / "keras.json").read_text())["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def choose_backend() -> None:
    """Set `KERAS_BACKEND` if the user did not set it and the backend that Keras would use is not installed.

    Raises:
        ImportError: If no framework is installed, or `KERAS_BACKEND` is set to one that is not.
    """
    asked = os.environ.get("KERAS_BACKEND")
    wanted = asked or _configured_backend()
    if _installed(FRAMEWORKS.get(wanted, wanted)):
        return
    installed = [backend for backend in TRAINING_BACKENDS if _installed(backend)]
    if asked and asked not in FRAMEWORKS:
        raise ImportError(
            f"KERAS_BACKEND is {asked!r}, which is no backend of Keras. Backends: {', '.join(FRAMEWORKS)}. "
            f"Installed: {', '.join(installed) or 'none'}."
        )
    if asked and installed:
        raise ImportError(
            f"KERAS_BACKEND is {asked!r}, which is not installed. Installed: {', '.join(installed)}. "
            f"Set KERAS_BACKEND to one of these, or `pip install {FRAMEWORKS[asked]}`."
        )
    if not installed:
        raise ImportError(
            "Keras needs a framework to run on and none is installed. "
            "Install one: `pip install jax` (the lightest), `pip install torch` or `pip install tensorflow`."
        )
    os.environ["KERAS_BACKEND"] = installed[0]
    print(f"kerasae: {wanted} is not installed, using {installed[0]} (set KERAS_BACKEND to choose)", file=sys.stderr)


class _RegisteringLoader:  # no subclass of importlib.abc.Loader: that import would double the time of this module
    """Chooses a backend, loads Keras, then imports `kerasae.models`, which registers its classes with Keras."""

    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module) -> None:
        choose_backend()
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _KerasFinder)]
        if not _needed_module_is_being_imported():
            importlib.import_module("kerasae.models")


def _needed_module_is_being_imported() -> bool:
    loading = (name for name, module in list(sys.modules.items()) if _is_initializing(module))
    return any(name.startswith(NEEDED_BY_MODELS) for name in loading)


def _is_initializing(module) -> bool:
    return getattr(getattr(module, "__spec__", None), "_initializing", False)


class _KerasFinder:
    """Finds Keras with the other finders and wraps its loader in a `_RegisteringLoader`."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "keras":
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _RegisteringLoader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


def install() -> None:
    """Register kerasae's classes with Keras: now if Keras is imported, otherwise right after its import."""
    if "keras" in sys.modules:
        importlib.import_module("kerasae.models")
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())
