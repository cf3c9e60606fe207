"""Exercise to the notebook `code_space`: a classifier that learns from few labels."""

from typing import NamedTuple

import numpy as np

from kerasae import metrics
from kerasae.exercises.exercise import Result, correct, exercise, wrong
from kerasae.exercises.reconstructing import images

_LABELED, _TEST = 200, 2000


class FewLabels(NamedTuple):
    """Images `(n, 28, 28, 1)`: a few with labels, many without, and those to classify."""

    x_labeled: np.ndarray
    y_labeled: np.ndarray
    x_unlabeled: np.ndarray
    x_test: np.ndarray


def few_labeled() -> FewLabels:
    """The first 200 training images with labels, the others without, and at most 2,000 test images."""
    x_train, y_train, x_test, _ = images()
    return FewLabels(x_train[:_LABELED], y_train[:_LABELED], x_train[_LABELED:], x_test[:_TEST])


@exercise("code_space", few_labeled)
def few_labels(answer) -> Result:
    """Classify digits with 200 labels better than a random forest of the pixels.

    `exercises.data("few_labels")` has 200 labeled images, `x_labeled` and `y_labeled`, many images without labels,
    `x_unlabeled`, and the images to classify, `x_test`. Encode the images with a pretrained encoder or your own, and
    train any classifier on the codes of the labeled ones. It is correct if it classifies more test images correctly
    than a random forest that was trained on the pixels of the same 200 images.

    Answer: the predicted classes of `x_test`, shape (n,).

        exercises.check("few_labels", classifier.predict(encode(x_test)))
    """
    given, expected = few_labeled(), images().y_test[:_TEST]
    predicted = np.asarray(answer)
    if predicted.shape != expected.shape:
        hint = " Take the most likely class of each image." if predicted.ndim == 2 else ""
        return wrong(f"Pass one class per test image, {expected.shape}. Received shape: {predicted.shape}.{hint}")
    accuracy = float(np.mean(predicted == expected))
    pixels = metrics.forest_accuracy(given.x_labeled, given.y_labeled, given.x_test, expected)
    measured = f"Your accuracy is {accuracy:.3f}, that of the forest on pixels {pixels:.3f}."
    if accuracy <= pixels:
        if accuracy < 0.2:
            return wrong(f"{measured} This is near chance: are the predictions in the order of x_test?")
        return wrong(f"{measured} Try another encoder, PCA, or another classifier, such as a support vector machine.")
    return correct(measured)
