"""Layers beyond Keras's: noise, sampling, vector quantization, residual blocks, upsampling convolutions, views."""

from kerasae import _import_hook
from kerasae.layers.noise import KERAS_NOISE, AddGaussian, FlipPixels, KerasNoise, MaskPixels, Noise, SaltAndPepper
from kerasae.layers.quantizer import VectorQuantizer
from kerasae.layers.residual import ResidualBlock
from kerasae.layers.sampling import CounterBasedRandom, OneHot, Sampling
from kerasae.layers.standardization import Standardization
from kerasae.layers.topk import TopK
from kerasae.layers.upconv import UpConv1D, UpConv2D, UpConv3D
from kerasae.layers.views import View

__all__ = [
    "KERAS_NOISE",
    "AddGaussian",
    "CounterBasedRandom",
    "FlipPixels",
    "KerasNoise",
    "MaskPixels",
    "Noise",
    "OneHot",
    "ResidualBlock",
    "SaltAndPepper",
    "Sampling",
    "Standardization",
    "TopK",
    "UpConv1D",
    "UpConv2D",
    "UpConv3D",
    "VectorQuantizer",
    "View",
]

_import_hook.install()  # see `_import_hook.NEEDED_BY_MODELS`
