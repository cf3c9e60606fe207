"""Weights of loss terms as variables: a change takes effect at the next step, without recompilation."""

import math
from typing import Any

import keras
import numpy as np


class LossWeight:
    """Descriptor for the weight of a loss term: a scalar float32 variable that is set like a number.

    A model class declares it in the class body and sets it in the constructor:

        class MyAutoencoder(Autoencoder):
            kl_weight = LossWeight()

            def __init__(self, ..., kl_weight=1.0):
                super().__init__(...)
                self.kl_weight = kl_weight

    Reading returns the variable, for use in `loss_terms`; `float(model.kl_weight)` returns the number.
    Setting raises ValueError for a negative or infinite number.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, model, owner=None) -> Any:
        return self if model is None else getattr(model, f"_{self._name}")

    def __set__(self, model, value) -> None:
        number = float(value)
        if not (math.isfinite(number) and number >= 0):
            raise ValueError(f"{self._name} must not be negative or infinite. Received: {number!r}.")
        if not hasattr(model, f"_{self._name}"):
            setattr(model, f"_initial_{self._name}", number)
            variable = model.add_weight(
                shape=(),
                dtype="float32",
                initializer=keras.initializers.Constant(number),
                trainable=False,
                autocast=False,
                name=self._name,
                aggregation="only_first_replica",
            )
            setattr(model, f"_{self._name}", variable)
        else:
            getattr(model, f"_{self._name}").assign(number)
            model._loss_weight_changed(self._name, number)


class WithLossWeights(keras.Model):
    """Mixin of `Autoencoder`: keeps `LossWeight` variables out of `weights`, and stores only changed values in files.

    Like the state of metrics, they are part of `variables`, so compiled steps see changes, but not of `weights`, so
    `get_weights` and `set_weights` handle the network alone.
    """

    @property
    def loss_weight_names(self) -> tuple[str, ...]:
        """Names of the weights of loss terms, which can be set at any time."""
        classes = reversed(type(self).__mro__)
        declared = [name for cls in classes for name, value in vars(cls).items() if isinstance(value, LossWeight)]
        return tuple(name for name in dict.fromkeys(declared) if hasattr(self, f"_{name}"))

    @property
    def weights(self):
        ids = self._loss_weight_ids()
        return [weight for weight in super().weights if id(weight) not in ids]

    def _loss_weight_ids(self) -> set[int]:
        return {id(getattr(self, name)) for name in self.loss_weight_names}

    def _loss_weight_changed(self, name: str, value: float) -> None:
        """Hook for families whose penalties are left out while their weight is 0."""

    def _loss_weight_value(self, name: str) -> float:
        """Current value, rounded to the fewest digits that identify the float32 number."""
        return float(str(np.float32(keras.ops.convert_to_numpy(getattr(self, name)))))

    def _loss_weight_config(self) -> dict[str, float]:
        return {name: self._loss_weight_value(name) for name in self.loss_weight_names}

    def _other_variables(self) -> list:
        """The model's own variables apart from weights of loss terms, in Keras's order."""
        stored: dict = {}
        super().save_own_variables(stored)
        ids = self._loss_weight_ids()
        return [variable for variable in stored.values() if id(variable) not in ids]

    def save_own_variables(self, store):
        for i, variable in enumerate(self._other_variables()):
            store[str(i)] = variable
        # Only changed values are stored, so files of other models keep the format of older versions.
        for name in self.loss_weight_names:
            value = np.float32(keras.ops.convert_to_numpy(getattr(self, name)))
            if value != np.float32(getattr(self, f"_initial_{name}")):
                store[name] = value

    def load_own_variables(self, store):
        others, names = self._other_variables(), self.loss_weight_names
        found = [key for key in store.keys() if key not in names]  # noqa: SIM118
        if len(found) != len(others):
            raise ValueError(
                f"{self.name} has {len(others)} variables of its own. Received {len(found)} in the file. "
                "Load the weights of the same model."
            )
        for i, variable in enumerate(others):
            variable.assign(store[str(i)])
        for name in names:
            value = store[name] if name in store else getattr(self, f"_initial_{name}")
            setattr(self, name, np.asarray(value))
