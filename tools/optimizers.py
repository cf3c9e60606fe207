"""Adam and SOAP in plain JAX, for `long_training.py`: functions from one state of a training to the next.

A state is a dictionary: `"weights"`, a list of kernels `(inputs, outputs)` and biases `(outputs,)`; `"first"` and
`"second"`, the moving averages of gradients and of their squares; and `"step"`, the number of steps taken.
For SOAP it also has `"covariances"` and `"bases"`.
"""

import math

import jax
import jax.numpy as jnp

LARGEST_SIDE = 256  # sides of kernels with more units, such as 784 pixels, keep their own basis: it would cost too much
WARM_UP = 500  # steps


def initial_state(optimizer: str, weights: list) -> dict:
    """State before the first step of `"adam"` or `"soap"`, from a list of arrays."""
    zeros = [jnp.zeros_like(array) for array in weights]
    state = {"weights": weights, "first": zeros, "second": [jnp.copy(array) for array in zeros], "step": jnp.int32(0)}
    if optimizer == "soap":
        state["covariances"] = [{side: jnp.zeros((n, n)) for side, n in rotated_sides(w).items()} for w in weights]
        state["bases"] = [{side: jnp.eye(n) for side, n in rotated_sides(w).items()} for w in weights]
    return state


def cosine(learning_rate: float, step, steps: int):
    """Learning rate of a step, counted from 0, that falls along a cosine from `learning_rate` to 0 over `steps`."""
    return learning_rate * 0.5 * (1 + jnp.cos(math.pi * step / steps))


def adam(state: dict, gradients: list, rate, *, epsilon: float, weight_decay: float = 0.0) -> dict:
    """One step of Adam (Kingma & Ba, 2014)."""
    first, second, directions = moments(state, gradients, 0.999, epsilon)
    weights = moved(state["weights"], directions, rate, weight_decay)
    return state | {"weights": weights, "first": first, "second": second, "step": state["step"] + 1}


def soap(state: dict, gradients: list, rate, *, epsilon: float, weight_decay: float = 0.0, every: int = 10) -> dict:
    """One step of SOAP, which is Adam in the eigenbases of the gradients' covariances.

    Source: SOAP: Improving and Stabilizing Shampoo using Adam (Vyas, Morwani, Zhao, Shapira, Brandfonbrener,
    Janson & Kakade, 2024). Every `every` steps, the covariances take in the gradient and the bases follow by one power
    iteration. The learning rate rises linearly over the first `WARM_UP` steps, while the bases are found. A kernel's
    side of more than `LARGEST_SIDE` units is not rotated, nor are biases.
    """
    state = jax.lax.cond(state["step"] % every == 0, followed, lambda state, _: state, state, gradients)
    in_bases = [rotated(g, basis) for g, basis in zip(gradients, state["bases"], strict=True)]
    first, second, directions = moments(state, in_bases, 0.99, epsilon)
    rate *= jnp.minimum(1, (state["step"] + 1) / WARM_UP)
    directions = [rotated_back(d, basis) for d, basis in zip(directions, state["bases"], strict=True)]
    weights = moved(state["weights"], directions, rate, weight_decay)
    return state | {"weights": weights, "first": first, "second": second, "step": state["step"] + 1}


def moments(state: dict, gradients: list, beta_2: float, epsilon: float) -> tuple[list, list, list]:
    """The new first and second moments, and Adam's directions from them."""
    step = state["step"] + 1
    correction = jnp.sqrt(1 - beta_2**step) / (1 - 0.9**step)
    first = [0.9 * m + 0.1 * g for m, g in zip(state["first"], gradients, strict=True)]
    second = [beta_2 * v + (1 - beta_2) * g * g for v, g in zip(state["second"], gradients, strict=True)]
    return first, second, [correction * m / (jnp.sqrt(v) + epsilon) for m, v in zip(first, second, strict=True)]


def moved(weights: list, directions: list, rate, weight_decay: float) -> list:
    """The weights after a step against the directions, with decoupled weight decay of the kernels."""
    return [
        w * (1 - rate * weight_decay * (w.ndim > 1)) - rate * direction
        for w, direction in zip(weights, directions, strict=True)
    ]


def rotated_sides(weight) -> dict[str, int]:
    """The sides of a kernel that SOAP rotates, with their sizes. A bias has none."""
    sides = zip(("in", "out"), weight.shape, strict=True) if weight.ndim == 2 else ()
    return {side: size for side, size in sides if size <= LARGEST_SIDE}


def rotated(x, basis: dict):
    """A kernel's gradient `(inputs, outputs)` in the bases of its sides, whose columns are the axes."""
    x = basis["in"].T @ x if "in" in basis else x
    return x @ basis["out"] if "out" in basis else x


def rotated_back(x, basis: dict):
    """The inverse of `rotated`."""
    x = basis["in"] @ x if "in" in basis else x
    return x @ basis["out"].T if "out" in basis else x


def followed(state: dict, gradients: list) -> dict:
    """The state with the gradient in its covariances, and bases and first moments turned towards their eigenvectors."""
    covariances, bases, first = [], [], []
    for gradient, old, basis, moment in zip(
        gradients, state["covariances"], state["bases"], state["first"], strict=True
    ):
        products = {"in": lambda g=gradient: g @ g.T, "out": lambda g=gradient: g.T @ g}
        covariance = {side: 0.9 * old[side] + 0.1 * products[side]() for side in old}
        turned = {side: jnp.linalg.qr(covariance[side] @ basis[side])[0] for side in basis}
        covariances.append(covariance)
        bases.append(turned)
        first.append(rotated(rotated_back(moment, basis), turned))
    return state | {"covariances": covariances, "bases": bases, "first": first}
