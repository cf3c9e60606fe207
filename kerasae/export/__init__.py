"""Export of models to ONNX, OpenVINO, TensorFlow and PyTorch files that run without Keras."""

from kerasae.export.files import FORMATS, PARTS, Format, export

__all__ = ["FORMATS", "PARTS", "Format", "export"]
