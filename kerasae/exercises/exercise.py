"""What an exercise is: a task in words, data, and a check of an answer that says what is still wrong."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import NamedTuple

EXERCISES: dict[str, "Exercise"] = {}


@dataclasses.dataclass(frozen=True, repr=False)
class Result:
    """The result of a check. It is true if the answer is correct, and prints as its message.

    Attributes:
        passed: Whether the answer is correct.
        message: What was measured; for a wrong answer also what to try next.
    """

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{'Correct.' if self.passed else 'Not yet.'} {self.message}"


class Exercise(NamedTuple):
    """An exercise.

    Attributes:
        name: Name, such as `"kl_term"`.
        notebook: Name of the notebook that it belongs to.
        check: Function of an answer, whose docstring is the task.
        data: Function that returns the data of the exercise.
    """

    name: str
    notebook: str
    check: Callable[..., Result]
    data: Callable[[], NamedTuple]

    @property
    def task(self) -> str:
        """The task in words."""
        return inspect.cleandoc(self.check.__doc__ or "")


def exercise(notebook: str, data: Callable[[], NamedTuple]):
    """Decorator of a check: its name is the name of the exercise, its docstring the task."""

    def register(check: Callable[..., Result]) -> Callable[..., Result]:
        EXERCISES[check.__name__] = Exercise(check.__name__, notebook, check, data)
        return check

    return register


def wrong(message: str) -> Result:
    """The result of a wrong answer, with a hint."""
    return Result(False, message)


def correct(message: str) -> Result:
    """The result of a correct answer."""
    return Result(True, message)
