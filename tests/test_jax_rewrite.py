"""On a CPU, functions of JAX are computed by other operations, with the same results."""

import itertools

import jax
import numpy as np
import pytest
from jax import lax
from jax import numpy as jnp

from kerasae.backends import jax_conv
from kerasae.backends.jax_rewrite import fast

pytestmark = pytest.mark.anybackend
LAYOUTS = {"last": ("NHWC", "HWIO", "NHWC"), "first": ("NCHW", "OIHW", "NCHW")}


def rand(*shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(sum(shape)).normal(size=shape), dtype)


def operations(function, *args) -> list[str]:
    """Names of all operations, those of inner functions too."""

    def names(jaxpr):
        for equation in jaxpr.eqns:
            yield equation.primitive.name
            for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "jaxpr")):
                if hasattr(inner, "jaxpr"):
                    yield from names(inner.jaxpr)

    return list(names(jax.make_jaxpr(function)(*args).jaxpr))


def with_gradients(function):
    """The function, extended by gradients for random weights of its results."""

    def both(*args):
        out, pull_back = jax.vjp(function, *args)
        return out, *pull_back(rand(*out.shape, dtype=out.dtype))

    return both


def same(function, *args, tolerance=1e-5) -> None:
    """Check results and gradients of a function against XLA's."""
    both = with_gradients(function)
    expected, found = jax.jit(both)(*args), jax.jit(fast(both))(*args)
    for one, other in zip(expected, found, strict=True):
        assert one.dtype == other.dtype and one.shape == other.shape
        scale = max(1.0, float(jnp.abs(one).max(initial=0)))
        np.testing.assert_allclose(np.float64(other) / scale, np.float64(one) / scale, rtol=0, atol=tolerance)


def convolution(layout="last", strides=(1, 1), padding="SAME", inputs=(1, 1), kernel=(1, 1), groups=1):
    """A convolution with these dilations of inputs and kernel."""

    def convolved(x, w):
        sides = (x.shape[1:3], w.shape[:2]) if layout == "last" else (x.shape[2:], w.shape[2:])
        spans = [
            [(n - 1) * d + 1 for n, d in zip(*pair, strict=True)] for pair in zip(sides, (inputs, kernel), strict=True)
        ]
        pads = lax.padtype_to_pads(*spans, strides, padding)
        return lax.conv_general_dilated(
            x, w, strides, pads, inputs, kernel, LAYOUTS[layout], feature_group_count=groups
        )

    return convolved


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("taps", [(1, 1), (2, 2), (3, 3), (4, 3)])
@pytest.mark.parametrize(("channels", "filters"), [(1, 6), (40, 2), (5, 5)])
def test_convolutions(channels, filters, taps, strides, padding):
    same(convolution(strides=strides, padding=padding), rand(5, 9, 8, channels), rand(*taps, channels, filters))


@pytest.mark.parametrize("taps", [(2, 2), (3, 3), (1, 4), (5, 5)])
@pytest.mark.parametrize(("inputs", "kernel"), [((2, 2), (1, 1)), ((3, 1), (1, 1)), ((1, 1), (2, 2)), ((2, 1), (1, 2))])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_dilated_and_transposed_convolutions(taps, inputs, kernel, padding):
    same(convolution(padding=padding, inputs=inputs, kernel=kernel), rand(3, 6, 7, 3), rand(*taps, 3, 4))


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((0, 3), (2, 0)), ((-1, 2), (1, -1))])
def test_transposed_convolution_of_jax(padding):
    def transposed(x, w):
        return lax.conv_transpose(x, w, (2, 2), padding, dimension_numbers=LAYOUTS["last"])

    same(transposed, rand(3, 5, 6, 4), rand(3, 3, 4, 2))


@pytest.mark.parametrize("filters", [2, 12])
def test_channels_first(filters):
    same(convolution("first"), rand(3, 12, 7, 8), rand(filters, 12, 3, 3))


@pytest.mark.parametrize("groups", [2, 6])
def test_groups_are_left_to_xla(groups):
    x, w = rand(3, 7, 8, 6), rand(3, 3, 6 // groups, 6)
    same(convolution(groups=groups), x, w)
    assert "conv_general_dilated" in operations(fast(convolution(groups=groups)), x, w)


@pytest.mark.parametrize("rank", [1, 3])
def test_signals_and_volumes(rank):
    sides = "DHW"[-rank:]
    numbers = (f"N{sides}C", f"{sides}IO", f"N{sides}C")

    def convolved(x, w):
        return lax.conv_general_dilated(x, w, (2,) * rank, "SAME", dimension_numbers=numbers)

    same(convolved, rand(3, *(5, 6, 4)[:rank], 3), rand(*(3,) * rank, 3, 4))


def test_large_kernels():
    same(convolution(), rand(2, 16, 16, 40), rand(15, 15, 40, 1))
    same(convolution(padding="VALID"), rand(4, 7, 7, 3), rand(7, 7, 3, 5))


def test_no_images_and_no_output():
    same(convolution(), rand(0, 5, 5, 1), rand(3, 3, 1, 4))
    same(convolution(padding="VALID"), rand(2, 2, 2, 1), rand(3, 3, 1, 4))


@pytest.mark.parametrize("n", [1, 7, 12])
@pytest.mark.parametrize("elements", [1, 500, 1500])
def test_any_part_of_the_batch_at_a_time(monkeypatch, n, elements):
    monkeypatch.setattr(jax_conv, "_ELEMENTS_AT_A_TIME", elements)
    for channels, filters in ((2, 9), (9, 2)):
        same(convolution(), rand(n, 5, 5, channels), rand(3, 3, channels, filters))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_summed_in_float32(dtype):
    x, w = (rand(*shape, dtype=dtype) for shape in ((4, 12, 12, 64), (5, 5, 64, 2)))
    exact = jax.jit(with_gradients(convolution()))(x.astype("float32"), w.astype("float32"))
    for found, one in zip(jax.jit(fast(with_gradients(convolution())))(x, w), exact, strict=True):
        assert found.dtype == dtype
        scale = float(jnp.abs(one).max())
        assert float(jnp.abs(found.astype("float32") - one).max()) < scale * float(jnp.finfo(dtype).eps)


def test_gradients_contain_no_convolution():
    x, w = rand(4, 8, 8, 12), rand(3, 3, 12, 1)
    assert "conv_general_dilated" in operations(with_gradients(convolution()), x, w)
    kernel_gradient = fast(lambda x, w: jax.grad(lambda w: convolution()(x, w).sum())(w))
    assert "conv_general_dilated" not in operations(kernel_gradient, x, w)


def max_pool(window, strides, padding):
    def pooled(x):
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, *window, 1), (1, *strides, 1), padding)

    return pooled


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("window", "strides"), [((2, 2), (2, 2)), ((3, 2), (3, 2)), ((3, 3), (2, 2))])
@pytest.mark.parametrize("sides", [(8, 6), (9, 7)])
def test_max_pooling(window, strides, padding, sides):
    same(max_pool(window, strides, padding), rand(3, *sides, 4), tolerance=1e-6)


def test_max_pooling_of_equal_values_has_the_gradient_of_xla():
    x = jnp.asarray(np.random.default_rng(0).integers(0, 2, (4, 9, 9, 3)), "float32")
    same(max_pool((2, 2), (2, 2), "SAME"), x, tolerance=0)


def test_max_pooling_with_own_windows_is_rewritten():
    x = rand(2, 6, 6, 1)
    names = {
        strides: operations(fast(with_gradients(max_pool((2, 2), strides, "VALID"))), x) for strides in [(2, 2), (1, 1)]
    }
    assert [name for name in names[2, 2] if "scatter" in name] == []
    assert "select_and_scatter_add" in names[1, 1]


def test_inner_functions_branches_and_loops():
    x, w = rand(4, 8, 8, 12), rand(3, 3, 12, 1)

    @jax.jit
    def inner(x, w):
        return convolution()(x, w)

    assert "conv_general_dilated" not in operations(fast(lambda x, w: jax.nn.relu(inner(x, w))), x, w)
    same(lambda x, w: jax.nn.silu(jax.checkpoint(inner)(x, w)), x, w)
    same(lambda x, w: lax.cond(w.sum() > 0, inner, lambda x, w: -inner(x, w), x, w), x, w)
    same(
        lambda x, w: lax.scan(lambda sum_, one: (sum_ + inner(one, w), None), jnp.zeros((4, 8, 8, 1)), x[None])[0], x, w
    )


def test_structures_constants_and_literals():
    constant = rand(3)

    def function(given):
        return {"sum": given["a"] + constant, "given": (given["b"], 2.0)}

    given = {"a": rand(3), "b": rand(2)}
    found = jax.jit(fast(function))(given)
    np.testing.assert_array_equal(found["sum"], given["a"] + constant)
    np.testing.assert_array_equal(found["given"][0], given["b"])
    assert float(found["given"][1]) == 2


def test_nothing_changes_on_other_devices(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    function = convolution()
    assert fast(function) is function


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilations", itertools.product((1, 2), (1, 2)))
def test_geometry_is_that_of_jax(size, taps, stride, dilations):
    def convolved(x, w):
        return lax.conv_general_dilated(x, w, (stride,), [(1, 2)], *((d,) for d in dilations), ("NHC", "HIO", "NHC"))

    shape = jax.eval_shape(convolved, rand(1, size, 1), rand(taps, 1, 1)).shape
    assert jax_conv.Side(size, taps, stride, (1, 2), *dilations).positions == shape[1]
