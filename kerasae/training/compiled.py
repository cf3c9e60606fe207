"""Cache of a model's compiled functions, cleared when the model changes."""

from collections.abc import Callable, Hashable
from typing import Any

from kerasae.keras_private import Structure


class CompiledFunctions:
    """Cache of compiled functions, by key. It is cleared as soon as the model has changed.

    A quantized or replaced layer, LoRA, a new dtype policy or a change of `trainable` changes the model's structure,
    which is compared at every use. `compile` clears the cache itself.

    Attributes:
        train_steps: Number of training steps since the cache was cleared.
        warned: Warnings that were given, each only once.
    """

    def __init__(self):
        self.train_steps = 0
        self._functions: dict[Hashable, Any] = {}
        self._structure: Structure | None = None
        self._settings: Any = None
        self.warned: set[str] = set()

    def get(self, model, key: Hashable, make: Callable[[], Any]):
        """Return the function of this key, or create it with `make` if there is none for the current model."""
        if self._structure is None or not self._structure.is_current():
            self.clear()
            self._structure = Structure(model)
        if key not in self._functions:
            self._functions[key] = make()
        return self._functions[key]

    def require(self, settings) -> None:
        """Clear the cache if its functions were compiled for other settings."""
        if settings != self._settings:
            self._functions, self._settings = {}, settings

    def clear(self) -> None:
        """Clear the cache, so the next use compiles."""
        self._functions, self._structure, self.train_steps = {}, None, 0

    def __deepcopy__(self, memo):
        return CompiledFunctions()

    def __reduce__(self):
        return CompiledFunctions, ()
