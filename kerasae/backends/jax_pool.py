"""JAX on a CPU: the gradient of max pooling, which XLA computes one element at a time."""

import functools
import itertools

from jax import lax
from jax import numpy as jnp


def pooling_gradient(gradient, images, **params):
    """Compute what `lax.select_and_scatter_add_p` computes with these parameters, for windows that do not overlap.

    The gradient of each window goes to its largest value, and to the first of several equal ones.

    Args:
        gradient: One value per window.
        images: The values that were pooled.
    """
    window, strides = params["window_dimensions"], params["window_strides"]
    if params["select_prim"] is not lax.ge_p or window != strides:
        return lax.select_and_scatter_add_p.bind(gradient, images, **params)
    whole = [count * side for count, side in zip(gradient.shape, window, strict=True)]
    before = [low for low, _ in params["padding"]]
    margins = [(low, size - low - side, 0) for low, size, side in zip(before, whole, images.shape, strict=True)]
    padded = lax.pad(images, jnp.array(-jnp.inf, images.dtype), margins)
    places = itertools.product(*map(range, window))
    values = [padded[tuple(map(lambda start, step: slice(start, None, step), place, window))] for place in places]
    largest = functools.reduce(jnp.maximum, values)
    chosen = jnp.full(largest.shape, len(values) - 1, "int32")
    for number in reversed(range(len(values) - 1)):
        chosen = jnp.where(values[number] == largest, number, chosen)
    # Every second axis counts places inside a window.
    between = tuple(range(1, 2 * len(window), 2))
    numbers = jnp.arange(len(values), dtype="int32").reshape([side for k in window for side in (1, k)])
    spread = jnp.where(jnp.expand_dims(chosen, between) == numbers, jnp.expand_dims(gradient, between), 0)
    return lax.pad(spread.reshape(whole), jnp.zeros((), gradient.dtype), [(-low, -high, 0) for low, high, _ in margins])
