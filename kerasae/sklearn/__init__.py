"""Autoencoders as scikit-learn estimators, for pipelines and hyperparameter searches.

`EncoderTransformer` wraps a trained model; `AutoencoderTransformer` trains one in `fit`; `OutlierDetector` finds
outliers in tables and images. All use flat arrays `X (n, features)`.
"""

from kerasae.sklearn.outliers import OutlierDetector
from kerasae.sklearn.transformers import AutoencoderTransformer, EncoderTransformer

__all__ = ["AutoencoderTransformer", "EncoderTransformer", "OutlierDetector"]
