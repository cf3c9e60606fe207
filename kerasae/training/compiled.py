"""Compiled functions of a model, which never outlive what they were compiled from."""

from collections.abc import Callable, Hashable
from typing import Any

from kerasae.keras_private import Structure


class CompiledFunctions:
    """What has been compiled for a model, by purpose. All of it is dropped as soon as the model has changed.

    A quantized or replaced layer, LoRA, a new dtype policy or a change of `trainable` all show in the
    model's structure, which is compared at every use. `compile` drops everything itself.
    """

    def __init__(self):
        self._functions: dict[Hashable, Any] = {}
        self._structure: Structure | None = None
        self._settings: Any = None
        self.warned: set[str] = set()  # warnings that were given once

    def get(self, model, key: Hashable, make: Callable[[], Any]):
        """The function of this key, made now if there is none for the model as it is."""
        if self._structure is None or not self._structure.is_current():
            self.clear()
            self._structure = Structure(model)
        if key not in self._functions:
            self._functions[key] = make()
        return self._functions[key]

    def require(self, settings) -> None:
        """Drop everything if it was compiled for other settings than these."""
        if settings != self._settings:
            self._functions, self._settings = {}, settings

    def clear(self) -> None:
        """Drop everything, so that the next use compiles."""
        self._functions, self._structure = {}, None

    def __deepcopy__(self, memo):
        return CompiledFunctions()

    def __reduce__(self):
        return CompiledFunctions, ()
