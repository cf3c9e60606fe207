"""The only module that uses private names of Keras. Each function says why no public name does."""


def initialize_with_zeros(variables) -> None:
    """Have variables that have no value yet start at zero instead of what their initializers give.

    Weights that are about to be loaded need no random values, whose computation has to be compiled first. There is
    no public way to replace the initializer of a variable.
    """
    import numpy as np

    for variable in variables:
        if getattr(variable, "_initializer", None) is not None:
            variable._initializer = np.zeros
