"""Sizes of convolutions, pooling and the like for the page, with three sides for signals, images and volumes alike."""

import math
from collections.abc import Sequence


def three(values: Sequence[int], missing: int = 1) -> list[int]:
    """One value per side as three of them."""
    values = [int(value) for value in values]
    return [missing] * (3 - len(values)) + values


def sides(before: tuple[int, ...], after: tuple[int, ...]) -> dict:
    """Sides and channels of an operation's input and output `(*sides, channels)`."""
    return {"from": [*three(before[:-1]), before[-1]], "to": [*three(after[:-1]), after[-1]]}


def convolution(layer, before: tuple[int, ...], after: tuple[int, ...]) -> dict:
    """Sizes of a convolution: as `sides`, with kernel, strides, dilation and the zeros padded at the beginnings."""
    taps, strides, dilation = map(_tuple, (layer.kernel_size, layer.strides, layer.dilation_rate))
    reach = [(k - 1) * d + 1 for k, d in zip(taps, dilation, strict=True)]
    padding = _padding(layer.padding, before[:-1], reach, strides)
    return {
        **sides(before, after),
        "taps": three(taps),
        "strides": three(strides),
        "dilation": three(dilation),
        "padding": three(padding, 0),
    }


def transposed_convolution(layer, before: tuple[int, ...], after: tuple[int, ...]) -> dict:
    """Sizes of a transposed convolution, with what is cut off at the beginnings as padding."""
    taps, strides = _tuple(layer.kernel_size), _tuple(layer.strides)
    same = layer.padding == "same"
    padding = [max(k - s, 0) // 2 if same else 0 for k, s in zip(taps, strides, strict=True)]
    return {**sides(before, after), "taps": three(taps), "strides": three(strides), "padding": three(padding, 0)}


def pooling(layer, before: tuple[int, ...], after: tuple[int, ...]) -> dict:
    """Sizes of a pooling layer."""
    taps, strides = _tuple(layer.pool_size), _tuple(layer.strides)
    padding = _padding(layer.padding, before[:-1], taps, strides)
    return {**sides(before, after), "taps": three(taps), "strides": three(strides), "padding": three(padding, 0)}


def global_pooling(before: tuple[int, ...]) -> dict:
    """Sizes of pooling over all sides."""
    all_sides = three(before[:-1])
    grid = sides(before, (*(1 for _ in before[:-1]), before[-1]))
    return {**grid, "taps": all_sides, "strides": all_sides, "padding": [0, 0, 0]}


def _padding(kind: str, lengths, reach, strides) -> list[int]:
    """What is padded at the beginning of each side: of an odd number, Keras pads one less there than at the end."""
    if kind == "causal":
        return [r - 1 for r in reach]
    if kind == "valid":
        return [0 for _ in lengths]
    missing = [(math.ceil(n / s) - 1) * s + r - n for n, r, s in zip(lengths, reach, strides, strict=True)]
    return [max(m, 0) // 2 for m in missing]


def _tuple(size) -> tuple[int, ...]:
    return (size,) if isinstance(size, int) else tuple(size)
