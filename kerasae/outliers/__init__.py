"""How the scores of outliers are computed: parts of a score, their combination, its threshold.

`parts` has the distances that `kerasae.sklearn.OutlierDetector` combines, `scoring` combines them. Each is fitted with
NumPy and computed by `keras.ops`, on arrays as in an exported graph.
"""

from kerasae.outliers.parts import Distances, Errors, Neighbors, Part, Residuals, Tails
from kerasae.outliers.scoring import Score

__all__ = ["Distances", "Errors", "Neighbors", "Part", "Residuals", "Score", "Tails"]
