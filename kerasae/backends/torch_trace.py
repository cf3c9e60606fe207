"""PyTorch: a function as the bare list of operations that it comes to, and that list made shorter.

A small model's call takes its time in Python: in layers, losses and metrics, and in noting down what
gradients need. Recording takes a fraction of a second. The operations stay the same but for rounding.
"""

import torch
from torch._guards import TracingContext, tracing
from torch._subclasses import FakeTensorMode
from torch.fx import Graph, GraphModule, Node, map_arg
from torch.fx.experimental.proxy_tensor import make_fx

aten = torch.ops.aten
# The operations that a small model spends its time in, as PyTorch's own functions: called in half the time.
_FUNCTIONS = {getattr(aten, name).Tensor: getattr(torch, name) for name in ("add", "sub", "mul", "div")}
_FUNCTIONS |= {
    getattr(aten, name).default: getattr(torch, name) for name in ("addmm", "mm", "t", "relu", "sigmoid", "exp")
}
_FUNCTIONS |= {aten.view.default: torch.Tensor.view, aten.sum.dim_IntList: torch.sum}


def traced(function, *tensors):
    """The operations of a function of tensors, as a function of tensors of the same shapes and types.

    Its results are the function's, nested alike. The function is called once, with these tensors.
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
    _pool_in_place(graph)
    graph.eliminate_dead_code()  # a training step's logs: they are asked for after a run
    _compute_constants(module)
    for node in graph.nodes:
        node.target = _FUNCTIONS.get(node.target, node.target)
    module.recompile()
    return module.forward


def _add_biases_at_once(graph: Graph) -> None:
    """Have dense layers and convolutions add their biases themselves, where Keras makes a second operation of it."""
    for node in _calls(graph, aten.add.Tensor):
        result, bias = node.args
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


def _pool_in_place(graph: Graph) -> None:
    """Pool images with the channels last as they are, where Keras makes a copy with the channels first."""
    pooling = {aten.max_pool2d_with_indices.default, aten.max_pool2d_with_indices_backward.default}
    for node in _calls(graph, aten.clone.default):
        users = {user.target for user in node.users}
        if node.kwargs.get("memory_format") is torch.contiguous_format and users <= pooling:
            node.replace_all_uses_with(node.args[0])


def _compute_constants(module: GraphModule) -> None:
    """Compute now what depends on nothing that the function is given."""
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
    """Whether an operation gives the same whenever it is called, and changes nothing."""
    known = isinstance(operation, torch._ops.OpOverload)
    return known and not operation._schema.is_mutable and torch.Tag.nondeterministic_seeded not in operation.tags


def _written(node: Node) -> list[Node]:
    """The tensors that an operation changes in place."""
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
    """What an operation is given to make `node`, if it is this one that makes it, for one use; else None."""
    return node.args if getattr(node, "target", None) is operation and len(node.users) == 1 else None


def _is_input(node) -> bool:
    return getattr(node, "op", None) == "placeholder"
