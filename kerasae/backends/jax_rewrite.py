"""JAX on a CPU: replace operations of a function that XLA computes slowly by equal ones that it computes fast."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax
from jax.extend import core

from kerasae.backends.jax_conv import convolution
from kerasae.backends.jax_pool import pooling_gradient

_REPLACEMENTS: dict[Any, Callable] = {
    lax.conv_general_dilated_p: convolution,
    lax.select_and_scatter_add_p: pooling_gradient,
}


def fast(function):
    """Return the same function of arrays, made of operations that are fast on the device.

    On a CPU, convolutions and gradients of max pooling are replaced. The function is traced to a jaxpr, JAX's list of
    operations, so layers, gradients and functions of any kind are covered, except inside their own loops and branches.
    """
    if jax.default_backend() != "cpu":
        return function

    def rewritten(*args):
        # A new function for each trace: JAX keeps traces by function, and values that this one reads from variables may
        # have been constants in an earlier trace.
        traced, shape = jax.make_jaxpr(lambda *given: function(*given), return_shape=True)(*args)
        outputs = _evaluated(traced.jaxpr, traced.consts, jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(shape), outputs)

    return rewritten


def _evaluated(jaxpr, consts, arguments) -> list:
    """Evaluate a jaxpr with the replacements."""
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def value(atom):
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in jaxpr.eqns:
        if equation.primitive in _REPLACEMENTS:
            inputs = map(value, equation.invars)
            outputs = [_REPLACEMENTS[equation.primitive](*inputs, **equation.params)]
        elif equation.primitive is core.primitives.jit_p:
            inner = equation.params["jaxpr"]
            outputs = _evaluated(inner.jaxpr, inner.consts, map(value, equation.invars))
        else:
            inputs = [atom for atom in equation.invars if not isinstance(atom, core.Literal)]
            alone = jaxpr.replace(constvars=[], invars=inputs, outvars=equation.outvars, eqns=[equation])
            outputs = core.jaxpr_as_fun(core.ClosedJaxpr(alone, []))(*map(value, inputs))
        values.update(zip(equation.outvars, outputs, strict=True))
    return [value(atom) for atom in jaxpr.outvars]
