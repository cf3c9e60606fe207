"""Exercises to the notebooks, with automatic checks. Each takes at most a minute of computing on a CPU.

Read the task, write an answer, and check it. The check says what is right, or what is still wrong and what to try.
Checks are deterministic, run on every backend and need no network. Exercises with images use MNIST if it is available
without a download, else the digits of scikit-learn.

>>> from kerasae import exercises
>>> exercises.names()
['beat_pca', 'code_size', 'denoise', 'few_labels', 'kl_term', 'linear_is_pca', 'sample_codes']
>>> print(exercises.task("kl_term").splitlines()[0])
Write the Kullback-Leibler divergence of a normal distribution from the standard normal one.
>>> exercises.check("kl_term", lambda mean, log_variance: mean * 0)
Not yet. The result must have one value per image, shape (50,). Received shape: (50, 8). Sum over the dimensions.
"""

from typing import Any

from kerasae._checks import unknown
from kerasae.exercises import code_space, denoising, generating, manifold, reconstructing
from kerasae.exercises.exercise import EXERCISES, Exercise, Result

__all__ = [
    "Exercise", "Result", "check", "code_space", "data", "denoising", "find", "generating", "manifold", "names",
    "reconstructing", "task",
]  # fmt: skip


def names(notebook: str | None = None) -> list[str]:
    """Names of all exercises, or of those of one notebook, in alphabetical order."""
    return sorted(name for name, exercise in EXERCISES.items() if notebook in (None, exercise.notebook))


def find(name: str) -> Exercise:
    """The exercise of a name.

    Raises:
        ValueError: There is no such exercise; the message lists all names.
    """
    if name not in EXERCISES:
        raise unknown("exercise", name, names())
    return EXERCISES[name]


def task(name: str) -> str:
    """The task of an exercise in words: `print(exercises.task("kl_term"))`. Raises as `find`."""
    return find(name).task


def data(name: str) -> Any:
    """The data of an exercise, a named tuple of arrays. Raises as `find`."""
    return find(name).data()


def check(name: str, answer) -> Result:
    """Check an answer.

    Args:
        name: Name of the exercise.
        answer: What the task asks for: a function, a model, an array or a number.

    Returns:
        A `Result`, which is true if the answer is correct and prints as a message, so that
        `assert exercises.check(name, answer)` works too.

    Raises:
        ValueError: There is no such exercise. Errors in a function that is passed as the answer are not caught.
    """
    return find(name).check(answer)
