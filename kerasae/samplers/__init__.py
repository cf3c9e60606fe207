"""Samplers: distributions that are fitted to the codes of a trained autoencoder, so that it generates.

An ordinary autoencoder does not control where its codes are, and a variational one matches its prior only in part. A
distribution fitted to the codes of training inputs has neither problem:

>>> digits, model = kerasae.data.digits(), kerasae.zoo.load("dense8_mnist")
>>> sampler = GaussianMixture(10).fit(model, digits.x_train)
>>> sampler.generate(5, seed=0).shape
(5, 28, 28, 1)

Codes of any shape are flattened for the fit. Of a variational model, draws of the posteriors are used, not their means:
the decoder was trained on draws. Of a conditional model, one distribution per class is fitted. Codes of a
vector-quantized model are replaced by the nearest vectors of the codebook after they are drawn.
"""

from kerasae.samplers.base import Sampler
from kerasae.samplers.nearest import NearestCodes
from kerasae.samplers.normals import Gaussian, GaussianMixture
from kerasae.samplers.storage import KINDS, get, load

__all__ = ["KINDS", "Gaussian", "GaussianMixture", "NearestCodes", "Sampler", "get", "load"]
