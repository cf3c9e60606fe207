"""PyTorch: trace a function to a graph of operations, and simplify the graph.

A call of a small model spends its time in the Python code of layers, losses, metrics and autograd. Tracing takes a
fraction of a second. Results are the same up to rounding.
"""

import torch
from torch._guards import TracingContext, tracing
from torch._subclasses import FakeTensorMode
from torch.fx import Graph, GraphModule, Node, map_arg
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten
# Frequent operations and PyTorch's own functions for them, whose calls take half the time.
_FUNCTIONS = {getattr(aten, name).Tensor: getattr(torch, name) for name in ("add", "sub", "mul", "div")}
_FUNCTIONS |= {
    getattr(aten, name).default: getattr(torch, name)
    for name in ("addmm", "mm", "t", "relu", "sigmoid", "exp", "permute", "clone", "constant_pad_nd", "convolution")
}
# A view becomes `reshape`, which copies where a changed memory layout makes that necessary.
_FUNCTIONS |= {aten.view.default: torch.reshape, aten.sum.dim_IntList: torch.sum}
# Functions of single values, which commute with permutations of axes.
_OF_VALUES = {getattr(aten, name).default for name in ("relu", "sigmoid", "exp")}
# Operations that take images in any memory layout.
_OF_IMAGES = {
    getattr(aten, name).default
    for name in (
        "clone",
        "constant_pad_nd",
        "convolution",
        "convolution_backward",
        "max_pool2d_with_indices",
        "max_pool2d_with_indices_backward",
    )
}


def traced(function, *tensors):
    """Trace a function by one call with these tensors.

    Returns:
        A function of tensors of the same shapes and dtypes that returns the same results.
    """
    # One mode for the whole trace: without it make_fx makes one, and a stack trace, for each operation.
    with tracing(TracingContext(FakeTensorMode())):
        module = make_fx(function)(*tensors)
    graph = module.graph
    for node in [*_calls(graph, aten.detach.default), *_calls(graph, aten.view.default)]:
        before = node.args[0]
        if node.target is aten.detach.default or before.meta["val"].shape == node.meta["val"].shape:
            node.replace_all_uses_with(before)
    _add_biases_at_once(graph)
    _keep_channels_last(graph)
    _drop_inverse_permutations(graph)
    graph.eliminate_dead_code()  # such as the logs of a training step, which are computed after a run
    _compute_constants(module)
    _narrow(graph)
    for node in graph.nodes:
        node.target = _FUNCTIONS.get(node.target, node.target)
    module.recompile()
    return module.forward


def _add_biases_at_once(graph: Graph) -> None:
    """Fuse the addition of a bias, a separate operation in Keras, with the matrix product or convolution."""
    for node in _calls(graph, aten.add.Tensor):
        result, bias = node.args
        if not _have_one_dtype(result, bias):  # in float64, Keras multiplies matrices in float32
            continue
        matrices = _given(result, aten.mm.default)
        images, axes = _given(result, aten.permute.default) or (node, None)
        reshaped = _given(bias, aten.view.default)
        if matrices and _is_input(bias):
            with graph.inserting_before(node):
                sum_ = graph.call_function(aten.addmm.default, (bias, *matrices))
            node.replace_all_uses_with(sum_, propagate_meta=True)
        elif axes == [0, 2, 3, 1] and reshaped and _is_input(reshaped[0]):
            convolved = _given(images, aten.convolution.default)
            if convolved and convolved[2] is None:
                images.update_arg(2, reshaped[0])
                node.replace_all_uses_with(result)


def _have_one_dtype(*nodes) -> bool:
    """Whether all are tensors of one dtype."""
    return len({node.meta["val"].dtype if isinstance(node, Node) else node for node in nodes}) == 1


def _keep_channels_last(graph: Graph) -> None:
    """Drop the copies that Keras makes of images to change their memory layout, which is that of its arrays.

    The operations on them take any layout, and are fastest with this one.
    """
    for node in _calls(graph, aten.clone.default):
        images, layout = node.args[0], node.kwargs.get("memory_format")
        if images.meta["val"].ndim != 4 or not {user.target for user in node.users} <= _OF_IMAGES:
            continue
        permuted = images.target is aten.permute.default and images.args[1] == [0, 3, 1, 2]
        if layout is torch.contiguous_format or (layout is torch.channels_last and permuted):
            node.replace_all_uses_with(images)


def _narrow(graph: Graph) -> None:
    """Call `torch.narrow` instead of slicing, which takes longer to call."""
    for node in _calls(graph, aten.slice.Tensor):
        match node.args:
            case (images, int(axis), int(start), _) if start >= 0:
                node.target, node.args = torch.narrow, (images, axis, start, node.meta["val"].shape[axis])


def _drop_inverse_permutations(graph: Graph) -> None:
    """Drop permutations that undo an earlier one, as between layers of images, whose axes Keras permutes."""
    for node in _calls(graph, aten.permute.default):
        between = node.args[0]
        first = between.args[0] if between.target in _OF_VALUES else between
        if first.target is not aten.permute.default or len(first.args[1]) != len(node.args[1]):
            continue
        if any(first.args[1][axis] != i for i, axis in enumerate(node.args[1])):
            continue
        if first is between:
            node.replace_all_uses_with(first.args[0])
        elif len(between.users) == 1:
            between.update_arg(0, first.args[0])
            node.replace_all_uses_with(between)


def _compute_constants(module: GraphModule) -> None:
    """Compute values that do not depend on the function's arguments."""
    graph, values = module.graph, {}
    for node in graph.nodes:
        if node.op == "get_attr":
            values[node] = getattr(module, str(node.target))
        elif node.op == "call_function" and _is_pure(node.target) and all(n in values for n in node.all_input_nodes):
            args, kwargs = map_arg((node.args, node.kwargs), values.__getitem__)
            values[node] = node.target(*args, **kwargs)
        elif node.op == "call_function" and node.target is aten.ones_like.default:
            like = node.meta["val"]
            values[node] = torch.ones(like.shape, dtype=like.dtype, device=like.device)
    if any(node in values for call in graph.nodes for node in _written(call)):
        return
    for i, (node, value) in enumerate(values.items()):
        if isinstance(value, torch.Tensor) and any(user not in values for user in node.users):
            module.register_buffer(f"constant_{i}", value)
            with graph.inserting_before(node):
                node.replace_all_uses_with(graph.get_attr(f"constant_{i}"))
    graph.eliminate_dead_code()


def _is_pure(operation) -> bool:
    """Whether an operation is deterministic and changes no tensor."""
    known = isinstance(operation, torch._ops.OpOverload)
    return known and not operation._schema.is_mutable and torch.Tag.nondeterministic_seeded not in operation.tags


def _written(node: Node) -> list[Node]:
    """Tensors that an operation changes in place."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return []
    changed: list[Node] = []
    for argument, given in zip(node.target._schema.arguments, node.args, strict=False):
        if argument.alias_info is not None and argument.alias_info.is_write:
            map_arg(given, changed.append)
    return changed


def _calls(graph: Graph, operation):
    return graph.find_nodes(op="call_function", target=operation)


def _given(node, operation):
    """Arguments of `node` if it is a call of `operation` and has one user, else None."""
    return node.args if getattr(node, "target", None) is operation and len(node.users) == 1 else None


def _is_input(node) -> bool:
    return getattr(node, "op", None) == "placeholder"
