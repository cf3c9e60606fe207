"""Find out which methods a user's subclass overrides; these must be the ones that run."""

_OWN = ("keras", "kerasae")
_BASES = (*_OWN, "builtins", "tensorflow", "torch")  # packages of the base classes of Keras's layers
# Methods that define a loss. `objective` uses the first one that is overridden.
_OBJECTIVES = ("compute_loss", "loss_terms", "call")


def overridden(model, name: str) -> bool:
    """Whether the user defined a method: in a class outside Keras and kerasae, or on the instance."""
    if name in vars(model):
        return True
    owner = next(cls for cls in type(model).__mro__ if name in vars(cls))
    return _root(owner) not in _OWN


def overridden_objective(model) -> str | None:
    """The method by which the user defines the loss: `compute_loss`, `loss_terms`, `call` or None."""
    return next((name for name in _OBJECTIVES if overridden(model, name)), None)


def reports_own_logs(model, step: str) -> bool:
    """Whether the user's own step or `compute_metrics` determines the logs, instead of the metrics' results."""
    return overridden(model, step) or overridden(model, "compute_metrics")


def classes_of_users(model) -> list[type]:
    """Classes of a model that are not defined by kerasae, Keras or a framework."""
    return [cls for cls in type(model).__mro__ if _root(cls) not in _BASES]


def is_ours(thing) -> bool:
    """Whether Keras or kerasae defines a function, a class, or an object's class."""
    return _root(thing if hasattr(thing, "__qualname__") else type(thing)) in _OWN


def _root(thing) -> str:
    return str(thing.__module__).partition(".")[0]
