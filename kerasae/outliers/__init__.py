"""Outlier scores: the parts of a score, and their combination.

`kerasae.sklearn.OutlierDetector` combines the distances in `parts` by `scoring`. Both are fitted with NumPy and
computed with `keras.ops`, so they can be part of an exported graph.
"""

from kerasae.outliers.parts import Distances, Errors, Neighbors, Part, Residuals, Tails
from kerasae.outliers.scoring import Score

__all__ = ["Distances", "Errors", "Neighbors", "Part", "Residuals", "Score", "Tails"]
