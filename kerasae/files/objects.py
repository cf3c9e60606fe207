"""Validate pieces of a serialized config: names of classes and functions, and plain arguments."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

MAX_ITEMS = 100  # most items in a list
_MAX_TEXT = 1000  # most characters of a text
_KEYS = {"module", "class_name", "config", "registered_name"}


def registered(config: dict) -> type | None:
    """Find the class registered with Keras under the config's `registered_name`, or None."""
    import keras

    name = config.get("registered_name")
    found = keras.saving.get_registered_object(name) if isinstance(name, str) else None
    return found if isinstance(found, type) else None


def public(config: dict, places: Mapping[str, Any]) -> type | None:
    """Find the class that a config names in one of Keras's public modules, or None.

    Args:
        config: Config of an object.
        places: Public modules by name.
    """
    module, name = config.get("module"), config.get("class_name")
    if not isinstance(module, str) or module not in places or config.get("registered_name") not in (None, name):
        return None
    found = getattr(places[module], name, None) if isinstance(name, str) else None
    return found if isinstance(found, type) else None


def config_of(cls: type, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make the config of an object from its class and arguments, without any other content."""
    import keras

    name = keras.saving.get_registered_name(cls)
    is_registered = keras.saving.get_registered_object(name) is cls
    module = cls.__module__ if is_registered else keras_module(cls)
    return {
        "module": module,
        "class_name": cls.__name__,
        "config": arguments,
        "registered_name": name if is_registered else None,
    }


def arguments(config: dict) -> dict[str, Any]:
    """Arguments in the config of an object.

    Raises:
        ValueError: If they are not an object, or one has the name of a field of configs (`class_name`, ...), which
            could disguise one config as another.
    """
    inner = config.get("config")
    if not isinstance(inner, dict):
        raise ValueError(f"{described(config)} must have a config with arguments. Received: {str(inner)[:100]}")
    if strange := sorted(_KEYS & inner.keys()):
        raise ValueError(f"{', '.join(strange)} is not allowed among the arguments of {described(config)}")
    return inner


def function(config: dict, places: Sequence[str]) -> dict[str, Any]:
    """Validate and copy the config of a function that is public in one of these modules of Keras.

    Args:
        config: Config of a function.
        places: Names of modules of `keras`: `"activations"`, `"losses"`, `"metrics"`.

    Raises:
        ValueError: If there is no such function, or the config has more than its name.
    """
    import keras

    name, module = config.get("config"), config.get("module")
    found = isinstance(name, str) and any(
        inspect.isfunction(getattr(getattr(keras, place), name, None)) for place in places
    )
    is_there = module in ("builtins", *(f"keras.{place}" for place in places))
    if not found or not is_there or name in ("get", "serialize", "deserialize"):
        found_in = " or ".join(f"keras.{place}" for place in places)
        raise ValueError(f"{described(config)} {str(name)[:100]!r} is not a function in {found_in}")
    if strange := sorted(config.keys() - _KEYS):
        raise ValueError(f"{', '.join(strange)} is not allowed in the config of the function {name}")
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def short(values: list) -> list:
    """Return a list if it has at most `MAX_ITEMS` items, else raise ValueError."""
    if len(values) > MAX_ITEMS:
        raise ValueError(f"expected lists of at most {MAX_ITEMS} items, received one of {len(values)}")
    return values


def plain(value):
    """Return a value if it is None, a boolean, a number or a short text, else raise ValueError."""
    if value is not None and not isinstance(value, bool | int | float | str):
        raise ValueError(f"expected a number or a text, received {type(value).__name__}")
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        raise ValueError(f"expected a text of at most {_MAX_TEXT} characters, received {len(value)}")
    return value


def described(config: dict) -> str:
    """Name of the class in a config, for error messages."""
    name = f"{config.get('module')}.{config.get('class_name')}"
    return f"{name}, registered as {config.get('registered_name')!r},"[:300]


def keras_module(cls: type) -> str:
    """Find the public module of Keras that has a class."""
    import keras

    for name in ("optimizers", "optimizers.schedules", "losses", "metrics", "initializers", "layers", "dtype_policies"):
        place = keras
        for part in name.split("."):
            place = getattr(place, part)
        if getattr(place, cls.__name__, None) is cls:
            return f"keras.{name}"
    raise ValueError(f"{cls.__name__} is not a public class of Keras")
