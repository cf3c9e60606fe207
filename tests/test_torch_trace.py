"""Traced functions have the results of the functions, with fewer operations."""

import pytest
import torch
from torch.nn import functional

from kerasae.backends.torch_trace import traced

pytestmark = pytest.mark.anybackend
aten = torch.ops.aten


def operations(function) -> list:
    return [node.target for node in function.__self__.graph.nodes if node.op == "call_function"]


def rand(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def same(function, *tensors) -> list:
    """Check that the traced function has the function's results for other tensors too; returns its operations."""
    short = traced(function, *(torch.zeros_like(tensor) for tensor in tensors))
    for given in (tensors, [tensor + 0.25 for tensor in tensors]):
        torch.testing.assert_close(short(*given), function(*given), rtol=1e-5, atol=1e-6)
    return operations(short)


def with_gradients(function):
    """The function, extended by the mean of its results and the gradients of this mean."""

    def both(*tensors):
        tensors = [tensor.detach().requires_grad_() for tensor in tensors]
        result = function(*tensors)
        return result.detach(), *torch.autograd.grad(result.square().mean(), tensors)

    return both


def keras_convolution(x, kernel, bias):
    """As in Keras: images have the channels last and are pooled with the channels first."""
    x = functional.conv2d(x.permute(0, 3, 1, 2), kernel).permute(0, 2, 3, 1) + bias.reshape(1, 1, 1, -1)
    return functional.max_pool2d(x.permute(0, 3, 1, 2).contiguous(), 2).permute(0, 2, 3, 1)


def test_a_dense_layer_is_one_operation():
    assert same(lambda x, kernel, bias: x @ kernel + bias, rand(4, 3), rand(3, 2), rand(2)) == [torch.addmm]
    same(with_gradients(lambda x, kernel, bias: torch.relu(x @ kernel + bias)), rand(4, 3), rand(3, 2), rand(2))


def test_operations_similar_to_a_dense_layer_are_unchanged():
    assert torch.addmm not in same(lambda x, y: x @ y + 1.0, rand(4, 3), rand(3, 2))
    assert torch.addmm not in same(lambda x, y, z: x @ y + z.relu(), rand(4, 3), rand(3, 2), rand(2))
    assert torch.mm in same(lambda x, y, z: (x @ y, x @ y + z), rand(4, 3), rand(3, 2), rand(2))
    double = rand(2).double()
    assert torch.addmm not in same(lambda x, y, bias: x @ y + bias, rand(4, 3), rand(3, 2), double)


def test_a_convolution_adds_its_bias_and_is_pooled_without_a_copy():
    given = rand(2, 9, 8, 1), rand(5, 1, 2, 3), rand(5)
    found = same(keras_convolution, *given)
    assert torch.add not in found
    assert torch.clone not in found
    same(with_gradients(keras_convolution), *given)


def test_pooled_images_can_be_flattened():
    same(lambda *given: keras_convolution(*given).reshape(2, -1), rand(2, 9, 8, 1), rand(5, 1, 2, 3), rand(5))


def test_images_keep_their_memory_layout_between_convolutions():
    def twice(x, kernel):
        for copy in (torch.channels_last, torch.contiguous_format):
            images = x.permute(0, 3, 1, 2).clone(memory_format=copy)
            x = functional.conv2d(images, kernel, stride=2).permute(0, 2, 3, 1)
        return x

    given = rand(2, 9, 8, 3), rand(3, 3, 2, 2)
    assert torch.clone not in same(twice, *given)
    same(with_gradients(twice), *given)
    same(lambda *given: twice(*given).permute(0, 3, 1, 2).reshape(2, -1), *given)


def test_images_are_not_permuted_between_layers():
    """A function of single values may stand between a permutation and its inverse."""

    def layers(x, kernel):
        for _ in range(2):
            x = torch.relu(functional.conv2d(x.permute(0, 3, 1, 2), kernel).permute(0, 2, 3, 1))
        return x

    given = rand(2, 9, 8, 3) - 0.5, rand(3, 3, 2, 2) - 0.5
    assert same(layers, *given).count(torch.permute) == 2  # at both ends
    same(with_gradients(layers), *given)


def test_permutations_that_do_not_undo_another_are_kept():
    same(lambda x: x.permute(0, 3, 1, 2).relu().permute(0, 3, 1, 2), rand(2, 3, 4, 5))
    same(lambda x: x.permute(0, 3, 1, 2).sum(-1).permute(0, 2, 1), rand(2, 3, 4, 5))

    def used_twice(x):
        between = x.permute(0, 2, 3, 1).relu()
        return between, between.permute(0, 3, 1, 2)

    same(used_twice, rand(2, 3, 4, 5))


def test_slices_are_narrowed_unless_they_have_a_step():
    assert same(lambda x: x[1:3, :-1], rand(4, 3)) == [torch.narrow, torch.narrow]
    same(lambda x: (x[1::2], x[:, -2:], x[3:2]), rand(4, 3))


def test_a_copy_that_is_returned_or_changed_is_kept():
    def function(x):
        copy = x.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
        return copy.add_(1), functional.max_pool2d(copy, 2), x

    assert torch.clone in same(function, rand(2, 4, 4, 3))


def test_constants_are_computed_once():
    def function(x):
        return x * torch.arange(3.0).exp().sum() + torch.ones_like(x) * 2

    assert len(same(function, rand(4, 3))) == 2


def test_constants_that_are_changed_are_not():
    def function(x):
        zeros = torch.zeros(3)
        zeros[1:].add_(x[0, 1:])
        return x + zeros

    short = traced(function, rand(4, 3))
    for _ in range(2):  # a second call would use the result of the first one
        torch.testing.assert_close(short(rand(4, 3)), function(rand(4, 3)))


def test_random_numbers_are_not_constants():
    short = traced(lambda x: x + torch.rand(3), rand(4, 3))
    assert not torch.equal(short(rand(4, 3)), short(rand(4, 3)))


def test_variables_are_changed_in_place():
    def count(total, x):
        total.copy_(total + x.sum() * 2)

    total = torch.zeros(())
    step = traced(count, total.clone(), rand(3))
    step(total, torch.ones(3))
    step(total, torch.ones(3))
    assert float(total) == 12.0


def test_operations_are_called_as_functions_of_pytorch():
    def function(x, y):
        return (torch.add(x @ y, x.sum(0)[:2], alpha=2) / 3 - x.view(-1)[0]).sum([0], keepdim=True)

    found = same(with_gradients(function), rand(4, 3), rand(3, 2))
    assert {torch.mm, torch.add, torch.div, torch.sub, torch.sum} <= set(found)
    assert not {aten.mm.default, aten.add.Tensor, aten.view.default} & set(found)
