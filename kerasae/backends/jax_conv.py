"""JAX on a CPU: convolutions as matrix products.

XLA's own convolutions are slow on a CPU for gradients of kernels and for few output channels. Matrix products are fast.
A convolution here has any number of sides. With taps k, strides s, dilations l of the input and d of the kernel, and
padding a before each side:

`out[n, p, o] = Σ_{k, c} x[n, (s·p + d·k − a) / l, c] · kernel[k, c, o]`, where the index is a whole number in range.

Results are the same up to rounding. Half precision is converted to float32 and back.
"""

import itertools
import math
from typing import NamedTuple

import jax
import keras
from jax import lax
from jax import numpy as jnp

# With more taps, a convolution is left to XLA: each tap is an operation to compile.
_MOST_TAPS = 200
# So many elements of shifted copies are made at a time: they stay in the processor's cache.
_ELEMENTS_AT_A_TIME = 2**19


class Side(NamedTuple):
    """Geometry of a convolution along one side of the images, as in the formula above."""

    size: int
    taps: int
    stride: int
    padding: tuple[int, int]
    input_dilation: int
    kernel_dilation: int

    @property
    def positions(self) -> int:
        """Number of output positions."""
        spare = (self.size - 1) * self.input_dilation - (self.taps - 1) * self.kernel_dilation + sum(self.padding)
        return max(0, spare // self.stride + 1)


def convolution(lhs, rhs, **params):
    """Compute what `lax.conv_general_dilated_p` computes with these parameters: by matrix products if that is faster.

    Inside loops, XLA's convolutions are fast in the layout `(n, *sides, channels)` only, so axes are brought into it.
    """
    numbers, axes = params["dimension_numbers"], range(lhs.ndim)
    lhs = lhs.transpose(_channels_last(numbers.lhs_spec))
    rhs = rhs.transpose((*numbers.rhs_spec[2:], numbers.rhs_spec[1], numbers.rhs_spec[0]))
    names = ("window_strides", "padding", "lhs_dilation", "rhs_dilation")
    geometry = zip(lhs.shape[1:-1], rhs.shape[:-2], *(params[name] for name in names), strict=True)
    sides = [Side(*one) for one in geometry]
    form = _form(lhs, rhs, sides, params)
    dtype = params["preferred_element_type"] or lhs.dtype
    if lhs.dtype in (jnp.bfloat16, jnp.float16):  # XLA's convolutions in half precision are very slow
        lhs, rhs, params["preferred_element_type"] = lhs.astype("float32"), rhs.astype("float32"), None
    if form is None:
        images, kernel = (0, axes[-1], *axes[1:-1]), (axes[-1], axes[-2], *axes[:-2])
        params["dimension_numbers"] = lax.ConvDimensionNumbers(images, kernel, images)
        out = lax.conv_general_dilated_p.bind(lhs, rhs, **params)
    else:
        out = form(lhs, rhs, sides, params["precision"])
    order = _channels_last(numbers.out_spec)
    return out.astype(dtype).transpose([order.index(axis) for axis in axes])


def _channels_last(spec) -> tuple[int, ...]:
    """Axes `(batch, *sides, channels)` of a spec `(batch, channels, *sides)`."""
    return (spec[0], *spec[2:], spec[1])


def _form(lhs, rhs, sides: list[Side], params):
    """Choose a function for `lhs (n, *sides, c)` and `rhs (*taps, c, o)`; None if XLA's convolution is faster.

    The limits were found by measurements.
    """
    taps, positions = (
        math.prod(counts) for counts in zip(*((side.taps, side.positions) for side in sides), strict=True)
    )
    groups = params["feature_group_count"] * params["batch_group_count"]
    if groups > 1 or positions == 0 or 0 in lhs.shape + rhs.shape or not jnp.issubdtype(lhs.dtype, jnp.floating):
        return None
    input_dilated, kernel_dilated = _dilated(sides)
    if positions < taps:
        possible = positions <= _MOST_TAPS and not (input_dilated and kernel_dilated)
        return _product_of_copies if possible else None
    useful = input_dilated or taps * rhs.shape[-1] <= 2 * rhs.shape[-2]
    return _sum_of_products if useful and taps <= _MOST_TAPS and max(side.stride for side in sides) == 1 else None


def _dilated(sides: list[Side]) -> tuple[bool, bool]:
    """Whether the input and whether the kernel is dilated along any side."""
    return any(side.input_dilation > 1 for side in sides), any(side.kernel_dilation > 1 for side in sides)


# Fewer output positions than taps, as in the gradient of a kernel


def _product_of_copies(lhs, rhs, sides: list[Side], precision):
    """Multiply copies of one factor, shifted to each output position, by the other factor.

    In the gradient of a kernel, output positions are the kernel's taps, and channels c are the images of a batch. The
    factor with fewer numbers per pixel is copied, unless a dilation makes its pixels meet others than neighbors.
    """
    lhs, rhs = jnp.swapaxes(lhs, 0, -1), jnp.moveaxis(rhs, -2, 0)  # (c, *sides, n), (c, *taps, o)
    input_dilated, kernel_dilated = _dilated(sides)
    if input_dilated or (not kernel_dilated and rhs.shape[-1] < lhs.shape[-1]):
        form, copied, pixels = _copies_of_rhs, rhs.shape[-1], [side.size for side in sides]
    else:
        form, copied, pixels = _copies_of_lhs, lhs.shape[-1], [side.taps for side in sides]
    positions = [side.positions for side in sides]

    def product(lhs, rhs):
        return form(lhs, rhs, sides, precision)

    out = _sum_over_parts(product, lhs, rhs, math.prod(positions) * copied * math.prod(pixels))
    return jnp.moveaxis(out.reshape(*positions, lhs.shape[-1], rhs.shape[-1]), -2, 0)


def _copies_of_lhs(lhs, rhs, sides: list[Side], precision):
    """`(c, *sides, n)` and `(c, *taps, o)` → `(positions · n, o)`. Copies are concatenated along n."""
    after = [(s.positions - 1) * s.stride + (s.taps - 1) * s.kernel_dilation + 1 - s.padding[0] - s.size for s in sides]
    lhs = _padded(lhs, [(0, 0), *((s.padding[0], end) for s, end in zip(sides, after, strict=True)), (0, 0)])
    copies = []
    for position in _grid([s.positions for s in sides]):
        runs = [_run(at * s.stride, s.taps, s.kernel_dilation) for at, s in zip(position, sides, strict=True)]
        copies.append(lhs[:, *runs])
    axes = tuple(range(lhs.ndim - 1))
    return _multiply(jnp.concatenate(copies, -1), rhs, (axes, axes), precision)


def _copies_of_rhs(lhs, rhs, sides: list[Side], precision):
    """`(c, *sides, n)` and `(c, *taps, o)` → `(positions · n, o)`. Copies are concatenated along o, as first axis."""
    before = [(s.positions - 1) * s.stride - s.padding[0] for s in sides]
    after = [(s.size - 1) * s.input_dilation + 1 + s.padding[0] - s.taps for s in sides]
    rhs = _padded(jnp.moveaxis(rhs, -1, 0), [(0, 0), (0, 0), *zip(before, after, strict=True)])
    copies = []
    for position in _grid([s.positions for s in sides]):
        starts = [(s.positions - 1 - at) * s.stride for at, s in zip(position, sides, strict=True)]
        runs = [_run(start, s.size, s.input_dilation) for start, s in zip(starts, sides, strict=True)]
        copies.append(rhs[:, :, *runs])
    axes = tuple(range(lhs.ndim - 1))
    out = _multiply(jnp.concatenate(copies), lhs, (tuple(axis + 1 for axis in axes), axes), precision)
    out = out.reshape(len(copies), rhs.shape[0], lhs.shape[-1])
    return jnp.swapaxes(out, 1, 2).reshape(-1, rhs.shape[0])


def _sum_over_parts(function, lhs, rhs, elements: int):
    """Sum `function(lhs, rhs)` over parts of the first axis, whose copies fit into the processor's cache.

    Args:
        elements: Number of elements of the copies for one index of the first axis.
    """
    n = len(lhs)
    size = max(1, min(n, _ELEMENTS_AT_A_TIME // elements))
    if keras.distribution.distribution() is not None:
        size = n  # each device has a part of the batch already
    whole = n - n % size
    rest = [function(lhs[whole:], rhs[whole:])] if whole < n else []
    if whole == size:
        return sum(rest, start=function(lhs[:size], rhs[:size]))
    parts = [array[:whole].reshape(-1, size, *array.shape[1:]) for array in (lhs, rhs)]
    zeros = jnp.zeros_like(jax.eval_shape(function, lhs[:size], rhs[:size]))
    total, _ = lax.scan(lambda total, part: (total + function(*part), None), zeros, parts)
    return sum(rest, start=total)


# Few output channels, or a dilated input, as in transposed convolutions and gradients of inputs


def _sum_of_products(lhs, rhs, sides: list[Side], precision):
    """Multiply the input by all taps at once, then add the products, shifted by tap. The strides must be 1.

    With a dilated input, the output positions p = l·m + phase of one phase meet the same taps: those with p + d·k − a
    divisible by l. Each phase is computed for all m; then the phases are interleaved.
    """
    counts = [-(-s.positions // s.input_dilation) for s in sides]
    products = _multiply(lhs, rhs, ((lhs.ndim - 1,), (rhs.ndim - 2,)), precision)  # (n, *sides, *taps, o)
    products = products.reshape(*lhs.shape[:-1], -1, rhs.shape[-1])
    phases = []
    for phase in _grid([s.input_dilation for s in sides]):
        total = jnp.zeros((len(lhs), *counts, rhs.shape[-1]), products.dtype)
        for tap, index in enumerate(_grid([s.taps for s in sides])):
            offsets = [_offset(s, at, k) for s, at, k in zip(sides, phase, index, strict=True)]
            if None not in offsets:
                margins = [(-by, by + m - s.size) for by, m, s in zip(offsets, counts, sides, strict=True)]
                total = total + _padded(products[..., tap, :], [(0, 0), *margins, (0, 0)])
        phases.append(total)
    out = _interleaved(phases, [s.input_dilation for s in sides])
    return out[:, *(slice(s.positions) for s in sides)]


def _offset(side: Side, phase: int, tap: int) -> int | None:
    """Input pixel that a tap multiplies for the first output position of a phase; None if it multiplies none."""
    pixel, rest = divmod(phase + side.kernel_dilation * tap - side.padding[0], side.input_dilation)
    return None if rest else pixel


def _interleaved(phases: list, dilations: list[int]):
    """Interleave images `(n, *sides, o)`, one per phase, to one `(n, *(dilation · side), o)`."""
    n, *counts, filters = phases[0].shape
    rank = len(counts)
    out = jnp.stack(phases).reshape(*dilations, n, *counts, filters)
    sides_and_phases = [axis for i in range(rank) for axis in (rank + 1 + i, i)]
    out = out.transpose(rank, *sides_and_phases, 2 * rank + 1)
    return out.reshape(n, *(m * times for m, times in zip(counts, dilations, strict=True)), filters)


# Helpers


def _multiply(a, b, axes, precision):
    """Sum over pairs of axes, as `tensordot` does."""
    return lax.dot_general(a, b, (axes, ((), ())), precision=precision)


def _padded(array, margins):
    """Pad each axis with zeros `(before, after)`; negative numbers crop."""
    return lax.pad(array, jnp.zeros((), array.dtype), [(before, after, 0) for before, after in margins])


def _run(start: int, count: int, step: int) -> slice:
    """Slice of `count` elements."""
    return slice(start, start + (count - 1) * step + 1, step)


def _grid(counts):
    """Indices of all points of a grid, in row-major order."""
    return list(itertools.product(*map(range, counts)))
