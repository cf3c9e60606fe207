"""Plans: rules that choose architecture, loss and schedule of a training from the data."""

import dataclasses
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from kerasae import _checks, models
from kerasae.models.residual import filters_for

STEPS = 8_000  # training steps, from which the default number of epochs follows
# Residual networks need fewer steps, as measured on photographs of 32 × 32 pixels by `benchmarks/photos.py`.
STEPS_OF = {"PCAResidualAutoencoder": 700, "ResidualAutoencoder": 3_000}
_LINEAR = 2**25  # most weights in the linear map of a PCAResidualAutoencoder
EPOCHS = (5, 200)  # smallest and largest default number of epochs
_SIDE = 8  # approximate shortest side of the code's grid, in pixels or steps
_SMALLEST_GRID = 8  # with a shorter side, dense layers are used instead of convolutions
_FILTERS = (32, 64, 128, 128, 128, 128)


@dataclass(frozen=True)
class Plan:
    """Architecture, loss and schedule of a training. `kerasae.train` prints it before training.

    Attributes:
        model: Name of a class in `kerasae.models`, or the registered name of your own class.
        arguments: Arguments of the class besides `input_shape`.
        loss: Name of a Keras loss, or None for the default of the class.
        epochs: Largest number of epochs.
        batch_size: Number of inputs per batch.
        learning_rate: Initial learning rate of Adam; cosine decay brings it to 0 at the end of `epochs`.
        patience: Number of epochs without a lower validation loss after which training stops.
        reasons: Reason for each choice: `model`, `loss`, `schedule`.
    """

    model: str
    arguments: Mapping[str, Any]
    loss: str | None
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    reasons: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)

    def build(self, input_shape) -> models.Autoencoder:
        """Build the untrained model."""
        return class_of(self.model)(input_shape, **self.arguments)

    def loss_function(self, model: models.Autoencoder):
        """Loss for `compile`. Binary cross-entropy is computed from logits if the output is a sigmoid."""
        is_sigmoid = model.decoder.layers[-1].activation is keras.activations.sigmoid
        if self.loss == "binary_crossentropy" and is_sigmoid:
            return keras.losses.BinaryCrossentropy(from_logits=True)
        return self.loss

    def recipe(self) -> dict[str, Any]:
        """Schedule as stored on a card."""
        schedule = {"epochs": self.epochs, "batch_size": self.batch_size, "learning_rate": self.learning_rate}
        return {**schedule, "decay": "cosine", "patience": self.patience, "loss": self.loss}

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        lines = {
            "model": f"{self.model}({arguments})",
            "loss": self.loss or "the default of the class",
            "schedule": f"up to {self.epochs} epochs in batches of {self.batch_size}, Adam with learning rate "
            f"{self.learning_rate:g} and cosine decay, stop after {self.patience} epochs without a lower "
            "validation loss",
        }
        return "\n".join(f"  {key:9} {text}{_because(self.reasons.get(key))}" for key, text in lines.items())


def _because(reason: str | None) -> str:
    return f"\n  {'':9} because {reason}" if reason else ""


@dataclass(frozen=True)
class Facts:
    """Facts about the data that the rules use.

    Attributes:
        shape: Shape of one input.
        number: Number of training inputs.
        value_range: (0, 1) for pixels in [0, 1], else None.
        classes: Number of classes of the labels; 0 without labels.
    """

    shape: tuple[int, ...]
    number: int
    value_range: tuple[float, float] | None
    classes: int = 0

    @property
    def is_image(self) -> bool:
        """Whether an input has height, width and channels."""
        return len(self.shape) == 3


def choose(facts: Facts, model: str | type | None = None, arguments: Mapping[str, Any] | None = None, **wanted) -> Plan:
    """Choose the plan for the data.

    Args:
        facts: Facts about the data.
        model: Class or its name. Default: chosen by the rules.
        arguments: Arguments of the class, which override the rules.
        **wanted: `code_size` and fields of `Plan`, which override the rules unless they are None.

    Raises:
        ValueError: If the class or one of its arguments is unknown, or a size or rate is out of range.
    """
    wanted = {key: value for key, value in wanted.items() if value is not None}
    code_size = wanted.pop("code_size", None)
    name, reasons = _model(facts, code_size or _code_size(facts)) if model is None else (registered_name(model), {})
    chosen = _arguments(class_of(name), facts, code_size, dict(arguments or {}))
    if model is None and "filters" in chosen:
        reasons["model"] += f", {len(chosen['filters'])} levels"
    loss, reasons["loss"] = _loss(class_of(name), facts)
    batch_size = wanted.get("batch_size") or _batch_size(facts)
    steps = STEPS_OF.get(name, STEPS)
    epochs = wanted.get("epochs") or _epochs(facts.number, batch_size, steps)
    if "epochs" not in wanted:
        reasons["schedule"] = f"{facts.number:,} training inputs in these batches make about {steps:,} steps"
    plan = Plan(name, chosen, loss, epochs, batch_size, 1e-3, max(10, epochs // 10), reasons)
    return _checked(dataclasses.replace(plan, **wanted))


def _checked(plan: Plan) -> Plan:
    for name in ("epochs", "batch_size", "patience"):
        _checks.positive_size(name, getattr(plan, name))
    _checks.learning_rate(plan.learning_rate)
    return plan


def _model(facts: Facts, code_size: int) -> tuple[str, dict[str, str]]:
    """Name of the class, and the reason."""
    grid = facts.shape[:-1]
    if not grid or min(grid) < _SMALLEST_GRID:
        what = f"rows of {facts.shape[0]} numbers" if not grid else f"inputs of {_by(facts.shape)} are small"
        return "DenseAutoencoder", {"model": f"{what}"}
    kind = {1: "series", 2: "images", 3: "volumes"}.get(len(grid), "inputs")
    if not facts.is_image or facts.shape[-1] == 1:
        return "ConvAutoencoder", {"model": f"{kind} of {_by(facts.shape)}"}
    is_large = code_size * math.prod(facts.shape) > _LINEAR
    name = "ResidualAutoencoder" if is_large else "PCAResidualAutoencoder"
    return name, {"model": f"{kind} of {_by(facts.shape)} in color{' are large' if is_large else ''}"}


def _loss(cls: type, facts: Facts) -> tuple[str | None, str]:
    if issubclass(cls, models.VariationalAutoencoder) or hasattr(cls, "codebook"):
        return None, "it is the objective of the model"
    if facts.value_range is not None and facts.shape[-1] == 1:
        return "binary_crossentropy", "the inputs are gray values in [0, 1]"
    if facts.value_range is not None:
        return "mean_squared_error", "the inputs have several channels"
    return "mean_squared_error", "the inputs have no fixed range"


def _batch_size(facts: Facts) -> int:
    return 32 if facts.number < 2_000 else 64 if facts.number < 20_000 else 128


def _epochs(number: int, batch_size: int, steps: int) -> int:
    low, high = EPOCHS
    return min(max(round(steps / math.ceil(number / batch_size)), low), high)


# Arguments


def _arguments(cls: type, facts: Facts, code_size: int | None, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a class: those that the rules choose, overridden by the given ones."""
    known = parameters(cls)
    for name in given:
        if name not in known:
            raise _checks.unknown(f"argument of {cls.__name__}", name, sorted(known))
    if "blocks_per_level" in known:
        sizes: dict[str, Any] = {"filters": filters_for(facts.shape)}
    else:
        sizes = _grid_sizes(facts, given) if "filters" in known else _dense_sizes(facts)
    rules = {**sizes, **_range(facts)}
    if facts.classes and "classes" in known:
        rules["classes"] = facts.classes
    chosen = {name: value for name, value in rules.items() if name in known} | given
    size = code_size or _code_size(facts)
    if "latent_dim" in known and "latent_dim" not in given:
        chosen["latent_dim"] = _checks.positive_size("code_size", size)
    elif "latent_channels" in known and "latent_channels" not in given:
        chosen["latent_channels"] = max(1, round(_checks.positive_size("code_size", size) / _positions(facts, chosen)))
    elif code_size is not None:
        raise ValueError(
            f"code_size must be left out for {cls.__name__}, or for arguments that set it. Received: {code_size}. "
            f"Set its arguments instead: {', '.join(sorted(known))}."
        )
    return chosen


def _range(facts: Facts) -> dict[str, Any]:
    return {} if facts.value_range is not None else {"output_activation": "linear", "value_range": None}


def _grid_sizes(facts: Facts, given: Mapping[str, Any]) -> dict[str, Any]:
    """As many levels as halve the shortest side to about 8; the filters double from level to level, up to 128."""
    side = min(facts.shape[:-1], default=1)
    levels = min(max(1, round(math.log2(max(side, 1) / _SIDE))), len(_FILTERS))
    kernel = {"kernel_sizes": 7} if len(facts.shape) == 2 else {}
    return {"filters": _FILTERS[:levels], **kernel}


def _dense_sizes(facts: Facts) -> dict[str, Any]:
    """Two hidden layers: the power of two from eight times the input size (128 to 512), and half of it."""
    first = 2 ** math.ceil(math.log2(8 * math.prod(facts.shape)))
    first = min(512, max(128, first))
    return {"hidden_units": (first, first // 2)}


def _code_size(facts: Facts) -> int:
    """Default code size: one number per 12 values of an image or volume, 8 values of a series, 3 columns of a table."""
    values = math.prod(facts.shape)
    return max(1, round(values / {1: 3, 2: 8}.get(len(facts.shape), 12)))


def _positions(facts: Facts, arguments: Mapping[str, Any]) -> int:
    """Number of positions in the code's grid."""
    halvings = 2 ** len(arguments.get("filters", ()))
    return math.prod(math.ceil(size / halvings) for size in facts.shape[:-1])


# Classes


def class_of(name: str) -> type[models.Autoencoder]:
    """Find a class by its name in `kerasae.models` or its name registered with Keras. ValueError if there is none."""
    known = [key for key in models.__all__ if _is_model(getattr(models, key)) and key != "Autoencoder"]
    found = getattr(models, name) if name in known else keras.saving.get_registered_object(name)
    if not _is_model(found):
        raise _checks.unknown("model class", name, known)
    return found


def _is_model(found) -> bool:
    return isinstance(found, type) and issubclass(found, models.Autoencoder)


def registered_name(model: str | type) -> str:
    """Convert a class or a name to the name that `class_of` takes; ValueError if there is no such class."""
    if isinstance(model, type):
        is_own = getattr(models, model.__name__, None) is model
        model = model.__name__ if is_own else keras.saving.get_registered_name(model)
    class_of(model)
    return model


def parameters(cls: type) -> set[str]:
    """Names of a class's arguments besides the input shape, including those passed to its base classes."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in vars(base):
            found = inspect.signature(vars(base)["__init__"]).parameters.values()
            names |= {p.name for p in found if p.kind is p.POSITIONAL_OR_KEYWORD}
            if base is models.Autoencoder or not any(p.kind is p.VAR_KEYWORD for p in found):
                break
    return names - {"self", "input_shape"}


def _by(shape) -> str:
    return " × ".join(map(str, shape))
