"""Activation functions and activation layers as operations of the page."""

from keras import activations, layers

from kerasae import likelihoods

# Functions by their names in the page's `functions.js`, with the values of their arguments.
_FUNCTIONS = {
    activations.relu: ("relu", {"slope": 0.0}),
    activations.relu6: ("relu", {"slope": 0.0, "most": 6.0}),
    activations.leaky_relu: ("relu", {"slope": 0.2}),
    activations.elu: ("elu", {"alpha": 1.0}),
    activations.celu: ("elu", {"alpha": 1.0}),
    activations.selu: ("selu", {}),
    activations.sigmoid: ("sigmoid", {}),
    activations.hard_sigmoid: ("hard_sigmoid", {}),
    activations.log_sigmoid: ("log_sigmoid", {}),
    activations.tanh: ("tanh", {}),
    activations.hard_tanh: ("hard_tanh", {}),
    activations.softplus: ("softplus", {}),
    activations.softsign: ("softsign", {}),
    activations.silu: ("silu", {}),
    activations.hard_silu: ("hard_silu", {}),
    activations.gelu: ("gelu", {}),
    activations.mish: ("mish", {}),
    activations.exponential: ("exponential", {}),
    likelihoods.continuous_bernoulli_mean: ("continuous_bernoulli_mean", {}),
}


def apply(plan, activation, x: int) -> int:
    """Add an activation to a plan; returns the number of its result.

    Args:
        plan: A `graph.Plan`.
        activation: A function of Keras, or an activation layer; None stands for the linear function.
        x: Number of the value that it is applied to.

    Raises:
        ValueError: The page doesn't know the function.
    """
    shape = plan.shapes[x]
    if activation is None or activation is activations.linear:
        return x
    if activation is activations.softmax or (isinstance(activation, layers.Softmax) and activation.axis == -1):
        return plan.operation("softmax", [x], shape, channels=shape[-1])
    if isinstance(activation, layers.Activation):
        return apply(plan, activation.activation, x)
    function, settings = _FUNCTIONS.get(activation) or _of_layer(activation) or (None, {})
    if function is None:
        known = ", ".join(sorted({known.__name__ for known in _FUNCTIONS} | {"linear", "softmax"}))
        name = getattr(activation, "__name__", None) or type(activation).__name__
        raise ValueError(
            f"The page computes these activation functions: {known}. Received: {name} in the {plan.part}. "
            "Build the model with one of these."
        )
    return plan.operation("function", [x], shape, function=function, **settings)


def _of_layer(layer):
    """The function that an activation layer applies, with the layer's settings; None if there is no such layer."""
    if isinstance(layer, layers.ReLU):
        settings = {"slope": float(layer.negative_slope), "threshold": float(layer.threshold)}
        return "relu", settings | ({} if layer.max_value is None else {"most": float(layer.max_value)})
    if isinstance(layer, layers.LeakyReLU):
        return "relu", {"slope": float(layer.negative_slope)}
    if isinstance(layer, layers.ELU):
        return "elu", {"alpha": float(layer.alpha)}
    return None
