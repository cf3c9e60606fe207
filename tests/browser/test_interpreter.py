"""The page's interpreter computes what Keras computes, for each kind of layer and for each model."""

import conftest
import keras
import numpy as np
import pytest
from keras import layers

from kerasae import layers as own_layers
from kerasae.explorer import activations, graph, translations
from kerasae.explorer.packing import Arrays
from kerasae.metrics.golden import golden_inputs

pytest_plugins = ["headless"]

RUN = """async ([plan, table, block, inputs]) => {
  const program = new Program(plan, await Arrays.read(table, block));
  return inputs.map((input) => program.run(input).map((output) => [...output]));
}"""


def computed(interpreter, model, inputs, part="model"):
    """The outputs of the interpreter for a list of inputs, each a list of arrays; flattened, `(n, outputs, size)`."""
    arrays = Arrays()
    plan = graph.plan(model, arrays, part)
    flat = [[np.ravel(value).tolist() for value in row] for row in inputs]
    rows = interpreter.evaluate(RUN, [plan, arrays.table(), arrays.block(), flat])
    return [[np.array(output) for output in row] for row in rows]


def with_random_weights(model):
    """The model with weights unlike those it starts with; variances stay positive."""
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if variable.dtype.startswith("float"):
            noise = rng.normal(scale=0.3, size=variable.shape)
            variable.assign(1.0 + 0.5 * np.abs(noise) if variable.name in ("gamma", "variance") else noise)
            if variable.name == "moving_variance" or variable.name == "scale":
                variable.assign(0.5 + np.abs(noise))
    return model


def assert_same(interpreter, model, shapes, atol=1e-5):
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(3, *shape)).astype("float32") for shape in shapes]
    outputs = keras.tree.flatten(model(inputs if len(inputs) > 1 else inputs[0], training=False))
    results = computed(interpreter, model, zip(*inputs, strict=True))
    for i, output in enumerate(outputs):
        expected = keras.ops.convert_to_numpy(output).reshape(3, -1)
        np.testing.assert_allclose([row[i] for row in results], expected, rtol=1e-5, atol=atol)


SIGNAL, IMAGE, VOLUME = (9, 4), (7, 8, 4), (5, 4, 6, 2)
# Layers of one input: shape of the input, layer.
LAYERS = {
    "dense": ((5,), layers.Dense(4, "elu")),
    "dense-of-pixels": (IMAGE, layers.Dense(3, use_bias=False)),
    "conv1d-causal": (SIGNAL, layers.Conv1D(3, 3, padding="causal", dilation_rate=2)),
    "conv1d": (SIGNAL, layers.Conv1D(3, 4, strides=3, padding="same")),
    "conv2d": (IMAGE, layers.Conv2D(1, (3, 2), strides=2, padding="same", activation="tanh")),
    "conv2d-even": (IMAGE, layers.Conv2D(5, 4, strides=(3, 2), padding="same", use_bias=False)),
    "conv2d-valid": (IMAGE, layers.Conv2D(5, 3, dilation_rate=(2, 1), padding="valid")),
    "conv2d-groups": (IMAGE, layers.Conv2D(6, 3, groups=2, padding="same")),
    "conv3d": (VOLUME, layers.Conv3D(3, 2, padding="same")),
    "depthwise1d": (SIGNAL, layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "depthwise2d": (IMAGE, layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu")),
    "transposed1d": (SIGNAL, layers.Conv1DTranspose(3, 4, strides=2, padding="same")),
    "transposed2d": (IMAGE, layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")),
    "transposed2d-even": (IMAGE, layers.Conv2DTranspose(3, (4, 2), strides=2, padding="same")),
    "transposed2d-large-stride": (IMAGE, layers.Conv2DTranspose(3, 2, strides=3, padding="same", use_bias=False)),
    "transposed2d-valid": (IMAGE, layers.Conv2DTranspose(3, (3, 2), strides=(2, 3), padding="valid")),
    "transposed3d": (VOLUME, layers.Conv3DTranspose(3, 3, strides=2, padding="same")),
    "up-conv1d": (SIGNAL, own_layers.UpConv1D(3, 4, activation="relu")),
    "up-conv2d": (IMAGE, own_layers.UpConv2D(3, (7, 2))),
    "up-conv3d": (VOLUME, own_layers.UpConv3D(3, 2)),
    "upsampling1d": (SIGNAL, layers.UpSampling1D(3)),
    "upsampling2d": (IMAGE, layers.UpSampling2D((2, 3))),
    "upsampling3d": (VOLUME, layers.UpSampling3D(2)),
    "max-pooling1d": (SIGNAL, layers.MaxPooling1D(2, padding="same")),
    "max-pooling2d": (IMAGE, layers.MaxPooling2D(2, padding="same")),
    "max-pooling2d-wide": (IMAGE, layers.MaxPooling2D((3, 2), strides=2, padding="valid")),
    "max-pooling3d": (VOLUME, layers.MaxPooling3D(2, padding="same")),
    "average-pooling1d": (SIGNAL, layers.AveragePooling1D(2)),
    "average-pooling2d": (IMAGE, layers.AveragePooling2D((3, 2), strides=2)),
    "average-pooling3d": (VOLUME, layers.AveragePooling3D(2)),
    "global-max-pooling1d": (SIGNAL, layers.GlobalMaxPooling1D()),
    "global-max-pooling2d": (IMAGE, layers.GlobalMaxPooling2D(keepdims=True)),
    "global-max-pooling3d": (VOLUME, layers.GlobalMaxPooling3D()),
    "global-average-pooling1d": (SIGNAL, layers.GlobalAveragePooling1D()),
    "global-average-pooling2d": (IMAGE, layers.GlobalAveragePooling2D()),
    "global-average-pooling3d": (VOLUME, layers.GlobalAveragePooling3D()),
    "cropping1d": (SIGNAL, layers.Cropping1D((1, 2))),
    "cropping2d": (IMAGE, layers.Cropping2D(((0, 2), (3, 1)))),
    "cropping3d": (VOLUME, layers.Cropping3D(1)),
    "zero-padding1d": (SIGNAL, layers.ZeroPadding1D(2)),
    "zero-padding2d": (IMAGE, layers.ZeroPadding2D(((1, 2), (0, 3)))),
    "zero-padding3d": (VOLUME, layers.ZeroPadding3D(1)),
    "flatten": (IMAGE, layers.Flatten()),
    "reshape": (IMAGE, layers.Reshape((4, 7, 8))),
    "activation": ((5,), layers.Activation("tanh")),
    "relu": ((50,), layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2)),
    "leaky-relu": ((5,), layers.LeakyReLU(0.3)),
    "elu": ((5,), layers.ELU(0.5)),
    "softmax": ((3, 5), layers.Softmax()),
    "rescaling": (IMAGE, layers.Rescaling(0.5, -1.0)),
    "batch-normalization": (IMAGE, layers.BatchNormalization()),
    "batch-normalization-bare": ((5,), layers.BatchNormalization(center=False, scale=False)),
    "normalization": ((3,), layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.5])),
    "group-normalization": (IMAGE, layers.GroupNormalization(2)),
    "instance-normalization": (IMAGE, layers.GroupNormalization(-1, center=False)),
    "layer-normalization": (IMAGE, layers.LayerNormalization()),
    "standardization": ((50,), own_layers.Standardization(limit=0.5)),
    "residual-block": (IMAGE, own_layers.ResidualBlock(3, groups=2)),
    "quantizer": ((3, 3, 4), own_layers.VectorQuantizer(6, "gradient")),
    "top-k": ((3, 8), own_layers.TopK(3)),
    "dropout": ((5,), layers.Dropout(0.5)),
    "noise": ((5,), own_layers.AddGaussian(0.5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name, interpreter):
    shape, layer = LAYERS[name]
    assert_same(interpreter, with_random_weights(keras.Sequential([keras.Input(shape), layer])), [shape])


# Layers of several inputs.
MERGES = {
    **{kind.__name__: kind() for kind in (layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)},
    "concatenate-channels": layers.Concatenate(),
    "concatenate-rows": layers.Concatenate(axis=1),
    "Subtract": layers.Subtract(),
}


@pytest.mark.parametrize("name", MERGES)
def test_merge(name, interpreter):
    inputs = [keras.Input((3, 2)) for _ in range(2 if name == "Subtract" else 3)]
    assert_same(interpreter, keras.Model(inputs, MERGES[name](inputs)), [(3, 2)] * len(inputs))


def test_every_layer_is_tested():
    tested = {type(layer) for _, layer in LAYERS.values()} | {type(layer) for layer in MERGES.values()}
    # The classes of a conditional model, and what is the identity like `Dropout`.
    others = {own_layers.OneHot, *own_layers.KERAS_NOISE, layers.ActivityRegularization, layers.Identity}
    assert {*translations._TRANSLATIONS, *translations._IDENTITIES} - tested <= others


@pytest.mark.parametrize("function", activations._FUNCTIONS, ids=lambda function: function.__name__)
def test_activation(function, interpreter):
    model = keras.Sequential([keras.Input((41,)), layers.Activation(function)])
    x = np.linspace(-8, 8, 41, dtype="float32")
    ((result,),) = computed(interpreter, model, [[x]])
    np.testing.assert_allclose(result, keras.ops.convert_to_numpy(model(x[None]))[0], rtol=1e-5, atol=1e-6)


def test_nested_models_and_a_layer_that_is_called_twice(interpreter):
    shared = layers.Dense(4, "tanh")
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4), layers.ReLU()])
    x = keras.Input((4,))
    y = inner(shared(shared(x)))
    model = keras.Model(x, [layers.Add()([inner(x), y]), y])
    assert_same(interpreter, with_random_weights(model), [(4,)])


@pytest.mark.parametrize("name", [name for name in conftest.MODELS if not name.startswith("ensemble")])
def test_model(name, interpreter):
    model = with_random_weights(conftest.MODELS[name]())
    x = golden_inputs(model.data_shape, model.value_range)[:2]
    posterior = [*model.posterior(x)] if hasattr(model, "posterior") else [model.encode(x)]
    encoded = computed(interpreter, model.encoder, x[:, None], part="encoder")
    for i, expected in enumerate(posterior):
        np.testing.assert_allclose([row[i] for row in encoded], expected.reshape(2, -1), rtol=1e-5, atol=1e-5)
    z = model.encode(x)
    decoded = computed(interpreter, model.decoder, z[:, None], part="decoder")
    np.testing.assert_allclose([row[0] for row in decoded], model.decode(z).reshape(2, -1), rtol=1e-5, atol=1e-5)
