"""Write the files of all export formats. Only this module uses the converters."""

from pathlib import Path

from kerasae.export.graphs import Graph


def _signature(model) -> list:
    import keras

    specs = [keras.InputSpec(shape=x.shape, dtype=x.dtype, name=x.name) for x in model.inputs]
    return [specs] if len(specs) > 1 else specs


def _write_onnx(graph: Graph, path: Path) -> None:
    import onnx

    model = graph.model
    model.export(path, format="onnx", verbose=False, input_signature=_signature(model))
    written = onnx.load(path)
    body = written.graph
    names = dict(zip((output.name for output in body.output), graph.outputs, strict=True))
    for node in body.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    for value, tensor in zip((*body.input, *body.output), (*model.inputs, *model.outputs), strict=True):
        value.name = names.get(value.name, value.name)
        batch, *others = value.type.tensor_type.shape.dim
        batch.dim_param = "batch"
        for dimension, size in zip(others, tensor.shape[1:], strict=True):
            dimension.dim_value = size
    onnx.checker.check_model(written, full_check=True)
    onnx.save(written, path)


def _write_openvino(graph: Graph, path: Path) -> None:
    """Write by way of ONNX, since OpenVINO's own converters lose names and shapes of inputs."""
    import keras
    import openvino

    raw = path.with_name("raw.onnx")
    if keras.backend.backend() == "openvino":
        written = _openvino_graph(graph.model)
    else:
        _write_onnx(graph, raw)
        written = openvino.Core().read_model(raw)
    names = [x.name for x in graph.model.inputs], graph.outputs
    for ports, given in zip((written.inputs, written.outputs), names, strict=True):
        for port, name in zip(ports, given, strict=True):
            port.get_tensor().set_names({name})
    openvino.serialize(written, path)
    raw.unlink(missing_ok=True)


def _openvino_graph(model):
    """Build the OpenVINO graph of a model. Keras's own exporter gives a graph that is only correct for batch size 1."""
    from kerasae.backends import openvino

    parameters = [openvino.parameter((-1, *x.shape[1:]), x.dtype) for x in model.inputs]
    return openvino.graph(model, parameters if len(parameters) > 1 else parameters[0])[0]


def _write_tf(graph: Graph, path: Path) -> None:
    graph.model.export(path, format="tf_saved_model", verbose=False, input_signature=_signature(graph.model))


def _write_torch(graph: Graph, path: Path) -> None:
    import torch

    batch = torch.export.Dim("batch")
    model = graph.model
    shapes = [{0: batch} for _ in model.inputs]
    dynamic = [(shapes,)] if len(shapes) > 1 else [(shapes[0],)]
    model.export(path, format="torch", verbose=False, input_signature=_signature(model), dynamic_shapes=dynamic)


WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino, "tf": _write_tf, "torch": _write_torch}
