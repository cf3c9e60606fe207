"""A Keras model as a plan: a list of operations that the page's `interpreter.js` computes."""

import math

from kerasae import keras_private
from kerasae.explorer import translations
from kerasae.explorer.packing import Arrays


class Plan:
    """A list of operations on numbered values.

    Args:
        arrays: Where weights are stored.
        part: Name of the model in error messages.
    """

    def __init__(self, arrays: Arrays, part: str):
        self.part = part
        self._arrays = arrays
        self._inputs: list[int] = []
        self._operations: list[dict] = []
        self._outputs: list[int] = []
        self.shapes: list[tuple[int, ...]] = []  # of the values

    def to_json(self) -> dict:
        """The plan as JSON types: sizes of the values, numbers of inputs and outputs, operations."""
        return {
            "sizes": [math.prod(shape) for shape in self.shapes],
            "inputs": self._inputs,
            "operations": self._operations,
            "outputs": self._outputs,
        }

    def operation(self, kind: str, inputs: list[int], shape: tuple[int, ...], **settings) -> int:
        """Add an operation; returns the number of its result."""
        result = self.value(shape)
        given = {key: value for key, value in settings.items() if value is not None}
        self._operations.append({"kind": kind, "inputs": inputs, "result": result, **given})
        return result

    def value(self, shape: tuple[int, ...]) -> int:
        """Add a value; returns its number."""
        self.shapes.append(tuple(shape))
        return len(self.shapes) - 1

    def weight(self, values) -> int:
        """Store an array of weights; returns its number."""
        return self._arrays.add_weight(values)

    def include(self, model, inputs: list[int]) -> list[int]:
        """Add the operations of a built Keras model; returns the numbers of its outputs."""
        known = dict(zip(map(id, model.inputs), inputs, strict=True))
        for layer, before, after in keras_private.calls(model):
            if not before:
                continue  # an input
            values = [known[id(tensor)] for tensor in before]
            if hasattr(layer, "inputs") and hasattr(layer, "layers"):
                results = self.include(layer, values)
            else:
                results = [translations.translate(self, layer, values, _shape(after[0]))]
            known.update(zip(map(id, after), results, strict=True))
        return [known[id(tensor)] for tensor in model.outputs]

    def complete(self, model) -> "Plan":
        """The plan of a whole model."""
        self._inputs = [self.value(_shape(tensor)) for tensor in model.inputs]
        self._outputs = self.include(model, self._inputs)
        return self


def plan(model, arrays: Arrays, part: str) -> dict:
    """The plan of a built Sequential or Functional Keras model, as JSON types.

    Args:
        model: The model. It is only read.
        arrays: Where its weights are stored.
        part: Its name in error messages.

    Raises:
        ValueError: A layer or an activation function that the page doesn't know; the message names it.

    >>> model = kerasae.models.LinearAutoencoder((2,))
    >>> [step["kind"] for step in plan(model.encoder, Arrays(), "encoder")["operations"]]
    ['dense']
    """
    return Plan(arrays, part).complete(model).to_json()


def _shape(tensor) -> tuple[int, ...]:
    return tuple(tensor.shape[1:])
