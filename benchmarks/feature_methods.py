"""Classifiers of scikit-learn on codes: with all labels (probes), and with few labels."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC


def neighbors(k: int, z, y, z_measured, y_measured) -> float:
    """Accuracy of the `k` nearest neighbors among all training codes, by Euclidean distance."""
    return round(KNeighborsClassifier(k, algorithm="brute").fit(z, y).score(z_measured, y_measured), 5)


def linear(strength: float, z, y, z_measured, y_measured) -> float:
    """Accuracy of logistic regression on standardized codes, with the inverse penalty `C`."""
    regression = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    return round(make_pipeline(StandardScaler(), regression).fit(z, y).score(z_measured, y_measured), 5)


# Name → function and the settings that are compared on held-out images.
PROBES = {"neighbors": (neighbors, (1, 5)), "linear": (linear, (1.0,))}


def support_vectors(strength: float, z, y, z_unlabeled, z_measured):
    """Classes by a support vector machine with a radial kernel, from the labeled codes alone."""
    return SVC(C=strength).fit(z, y).predict(z_measured)


def spreading(k: int, z, y, z_unlabeled, z_measured):
    """Classes by label spreading over the `k` nearest neighbors of labeled and unlabeled codes.

    A measured code gets the classes of its neighbors.
    """
    graph = LabelSpreading(kernel="knn", n_neighbors=k, alpha=0.9, max_iter=100)
    return graph.fit(*_joined(z, y, z_unlabeled)).predict(z_measured)


def spread_vectors(k: int, z, y, z_unlabeled, z_measured):
    """Classes by a support vector machine that learns from the classes of label spreading, of all codes."""
    graph = LabelSpreading(kernel="knn", n_neighbors=k, alpha=0.9, max_iter=100).fit(*_joined(z, y, z_unlabeled))
    known = np.isfinite(graph.label_distributions_).all(axis=1)
    return SVC(C=10.0).fit(np.concatenate([z, z_unlabeled])[known], graph.transduction_[known]).predict(z_measured)


def self_training(threshold: float, z, y, z_unlabeled, z_measured):
    """Classes by a support vector machine that adds its own confident classes of unlabeled codes to the labels."""
    machine = SVC(C=10.0, probability=True, random_state=0)
    trained = SelfTrainingClassifier(machine, threshold=threshold, max_iter=3)
    return trained.fit(*_joined(z, y, z_unlabeled)).predict(z_measured)


def _joined(z, y, z_unlabeled):
    """All codes, and their classes with −1 for unknown, as scikit-learn's semi-supervised methods take them."""
    return np.concatenate([z, z_unlabeled]), np.concatenate([y, np.full(len(z_unlabeled), -1)])


METHODS = {
    "support vector machine, C =": (support_vectors, (3.0, 10.0)),
    "label spreading, neighbors:": (spreading, (5, 10)),
    "label spreading and support vector machine, neighbors:": (spread_vectors, (5, 10)),
    "self-training, threshold": (self_training, (0.95,)),
}
