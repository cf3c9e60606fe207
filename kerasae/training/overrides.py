"""What a user's subclass overrides decides what runs."""

_OWN = ("keras", "kerasae")
_BASES = (*_OWN, "builtins", "tensorflow", "torch")  # where the base classes of Keras's layers come from
# What `Autoencoder.objective` chooses from, the first that is overridden.
_OBJECTIVES = ("compute_loss", "loss_terms", "call")


def overridden(model, name: str) -> bool:
    """Whether a method comes from the user: from a class outside Keras and kerasae, or set on the instance."""
    if name in vars(model):
        return True
    owner = next(cls for cls in type(model).__mro__ if name in vars(cls))
    return _root(owner) not in _OWN


def overridden_objective(model) -> str | None:
    """Which of the methods that define a loss the user has overridden: `compute_loss`, `loss_terms`, `call` or None."""
    return next((name for name in _OBJECTIVES if overridden(model, name)), None)


def reports_own_logs(model, step: str) -> bool:
    """Whether the logs are what the user's own step (or metrics) returns, and not just the metrics' results."""
    return overridden(model, step) or overridden(model, "compute_metrics")


def classes_of_users(model) -> list[type]:
    """The classes of a model that neither kerasae nor Keras nor a framework defines."""
    return [cls for cls in type(model).__mro__ if _root(cls) not in _BASES]


def is_ours(thing) -> bool:
    """Whether Keras or kerasae defines a function, or an object's class."""
    return _root(thing if hasattr(thing, "__qualname__") else type(thing)) in _OWN


def _root(thing) -> str:
    return str(thing.__module__).partition(".")[0]
