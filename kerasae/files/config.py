"""Validate the config of a model in an untrusted file.

`clean_config` copies a config piece by piece, and only known pieces: a few kinds of classes and their plain arguments.
Anything else that Keras could build from a config (layers, lambdas, arrays) is refused.
"""

from typing import Any

from kerasae.files import compiling, objects

QUANTIZED = "quantized"  # field that lists quantized layers: see `models.quantization`
_PARTS, _MODES = ("encoder", "decoder", "discriminator"), ("int8", "int4", "float8")


def clean_config(config: dict) -> dict:
    """Copy a model's config, if it contains only the parts of an autoencoder.

    Args:
        config: Result of `keras.saving.serialize_keras_object`.

    Returns:
        A config for `keras.saving.deserialize_keras_object`. Its `compile_config` is None for a model that was not
        compiled.

    Raises:
        ValueError: If the config names another class or function, or an argument is not plain or is out of bounds.
    """
    from kerasae import models

    cls = objects.registered(config)
    if cls is None or not issubclass(cls, models.Autoencoder):
        raise ValueError(
            f"{objects.described(config)} is not allowed there. Expected a kerasae.models.Autoencoder. "
            "If it is a class of your own, import the module that registers it first"
        )
    compile_config = config.get("compile_config")
    arguments = objects.arguments(config)
    quantized = {QUANTIZED: _quantized(arguments[QUANTIZED])} if QUANTIZED in arguments else {}
    return {
        **objects.config_of(cls, _cleaned(arguments, QUANTIZED) | quantized),
        "compile_config": compiling.clean_compile_config(compile_config) if compile_config else None,
    }


def _cleaned(arguments: dict, without: str | None = None) -> dict[str, Any]:
    return {key: _argument(value) for key, value in arguments.items() if key != without}


def _quantized(value) -> dict[str, dict[str, str]]:
    """Validate and copy the list of quantized layers: `{part: {index of the layer: mode}}`."""
    if not isinstance(value, dict) or not all(isinstance(layers, dict) for layers in value.values()):
        raise ValueError(f"{QUANTIZED} must name layers by part and index. Received: {str(value)[:100]}")
    layers = [(part, index, mode) for part, modes in value.items() for index, mode in modes.items()]
    for part, index, mode in layers:
        if part not in _PARTS or not (index.isdecimal() and len(index) < 4) or mode not in _MODES:
            raise ValueError(f"{QUANTIZED} must name layers of {', '.join(_PARTS)}. Received: {str(value)[:100]}")
    return {part: dict(modes) for part, modes in value.items()}


def _argument(value):
    """Validate and copy a constructor argument: plain values, lists of them, or an object of an allowed kind."""
    if isinstance(value, list):
        return [_argument(item) for item in objects.short(value)]
    if not isinstance(value, dict):
        return objects.plain(value)
    if value.get("class_name") == "function":
        return objects.function(value, ("activations",))
    return objects.config_of(_part(value), _cleaned(objects.arguments(value)))


def _part(config: dict) -> type:
    """Class of an argument's object: noise, an initializer or a dtype policy."""
    import keras

    from kerasae import layers

    kinds: tuple[type, ...] = (layers.Noise, keras.initializers.Initializer, keras.DTypePolicy)
    found = objects.registered(config)
    if found is None:
        places = {
            "keras": keras,
            "keras.initializers": keras.initializers,
            "keras.dtype_policies": keras.dtype_policies,
        }
        found = objects.public(config, places)
    if found is None and (layer := objects.public(config, {"keras.layers": keras.layers})) in layers.KERAS_NOISE:
        found, kinds = layer, layers.KERAS_NOISE
    # A map of policies matches names of layers with regular expressions, some of which would take forever.
    if not (isinstance(found, type) and issubclass(found, kinds)) or found is keras.dtype_policies.DTypePolicyMap:
        raise ValueError(
            f"{objects.described(config)} is not allowed there. Expected noise, an initializer or a dtype policy"
        )
    return found
