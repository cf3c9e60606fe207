"""Quantized layers: recorded in a model's config, and quantized again when the model is rebuilt from it."""

import warnings

import keras

KEY = "quantized"  # in a model's config


def _parts(model) -> dict[str, keras.Model]:
    names = ("encoder", "decoder", "discriminator")
    return {name: getattr(model, name) for name in names if isinstance(getattr(model, name, None), keras.Model)}


def _layers(model):
    """`(part, index, layer)` of all layers with weights."""
    for part, network in _parts(model).items():
        for i, layer in enumerate(network.layers):
            if layer.weights:
                yield part, i, layer


def _is_quantizable(layer) -> bool:
    return type(layer).quantize is not keras.layers.Layer.quantize


def check(model) -> None:
    """Raise ValueError if Keras can quantize no layer of the model; warn if it can't quantize all."""
    with_kernels = [layer for *_, layer in _layers(model) if layer.trainable_weights or _is_quantizable(layer)]
    kept = [f"{layer.name} ({type(layer).__name__})" for layer in with_kernels if not _is_quantizable(layer)]
    if len(kept) == len(with_kernels):
        raise ValueError(
            f"quantize needs dense layers. Received a model whose layers Keras can't quantize: {', '.join(kept)}."
        )
    if kept:
        warnings.warn(f"Keras can't quantize these layers, which are unchanged: {', '.join(kept)}.", stacklevel=3)


def config(model) -> dict:
    """The field of a model's config, part → layer index → quantization mode; empty if no layer is quantized."""
    found: dict[str, dict[str, str]] = {}
    for part, i, layer in _layers(model):
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            found.setdefault(part, {})[str(i)] = mode
    return {KEY: found} if found else {}


def apply(model, quantized: dict[str, dict[str, str]] | None):
    """Quantize the layers that `config` listed, and return the model."""
    for part, modes in (quantized or {}).items():
        for i, mode in modes.items():
            _parts(model)[part].layers[int(i)].quantize(mode)
    return model
