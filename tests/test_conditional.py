"""The conditional variational autoencoder."""

import keras
import numpy as np
import pytest
from conftest import SHAPE, STREAMS, conditional, images, py_dataset, tensor

pytestmark = pytest.mark.shared

X, LABELS = images(), np.arange(20) % 3


def inputs(n=20):
    return {"x": X[:n], "label": LABELS[:n]}


def test_training_with_labels_resumes_from_a_file(tmp_path):
    model = conditional()
    history = model.fit(inputs(), epochs=3, batch_size=10, validation_data=inputs(5), verbose=0).history
    assert set(history) == {prefix + name for name in ("loss", *model.reported) for prefix in ("", "val_")}
    assert history["loss"][-1] < history["loss"][0]
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    for each in (model, again):
        each.fit(inputs(8), batch_size=8, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_target_is_the_image_unless_another_is_given():
    model = conditional()
    alone = model.evaluate(inputs(), verbose=0)
    assert model.evaluate(inputs(), X, verbose=0) == pytest.approx(alone, rel=1e-6)
    assert model.evaluate(inputs(), X[::-1].copy(), verbose=0)[0] != pytest.approx(alone[0], rel=1e-6)


def test_sample_weights_weight_images():
    model, weights = conditional(), np.repeat([0.0, 1.0], 10)
    half = {"x": X[10:], "label": LABELS[10:]}
    weighted = model.evaluate(inputs(), sample_weight=weights, batch_size=20, verbose=0, return_dict=True)
    # Half of the images count, over all of them.
    assert weighted["kl_loss"] == pytest.approx(
        0.5 * model.evaluate(half, batch_size=10, verbose=0, return_dict=True)["kl_loss"], rel=1e-5
    )


def test_methods_that_take_labels_agree():
    model = conditional()
    z = model.encode(X, label=LABELS)
    x_hat = model.decode(z, label=LABELS)
    np.testing.assert_allclose(model.reconstruct(X, label=LABELS), x_hat, atol=1e-6)
    np.testing.assert_allclose(model.predict(inputs(), verbose=0), x_hat, atol=1e-5)
    np.testing.assert_allclose(model.posterior(X, label=LABELS).mean, z, atol=1e-6)
    np.testing.assert_allclose(model.encode(X[:3], label=1), model.encode(X[:3], label=[1, 1, 1]), atol=1e-6)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model.encode(tensor(X), label=tensor(LABELS))), z, atol=1e-5)
    assert model.sample(X, seed=0, label=LABELS).shape == z.shape
    assert model.interpolate(X[0], X[1], steps=4, label=2).shape == (4, *SHAPE)


def test_outputs_depend_on_the_label():
    model = conditional()
    assert np.abs(model.encode(X, label=0) - model.encode(X, label=1)).max() > 1e-3
    assert np.abs(model.generate(4, seed=0, label=0) - model.generate(4, seed=0, label=1)).max() > 1e-3


def test_generate_takes_labels_or_draws_them():
    model = conditional()
    z = np.random.default_rng(3).standard_normal((5, 4), dtype="float32")
    np.testing.assert_allclose(model.generate(5, seed=3, label=2), model.decode(z, label=2), atol=1e-6)
    np.testing.assert_array_equal(model.generate(5, seed=3), model.generate(5, seed=3))


@pytest.mark.parametrize("kind", STREAMS)
def test_streams_of_dicts_are_checked_batch_by_batch(kind):
    model = conditional()
    model.fit(_stream(kind, X), verbose=0)
    with pytest.raises(ValueError, match=r"x must lie in \[0, 1\]"):
        model.fit(_stream(kind, X * 300), verbose=0)


def _stream(kind, x):
    batches = [({"x": x[i : i + 10], "label": LABELS[i : i + 10]},) for i in (0, 10)]
    if kind == "generator":
        return (batch for batch in batches)
    if kind == "tf.data":
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices({"x": x, "label": LABELS}).batch(10)
    if kind == "DataLoader":
        import torch

        pairs = [{"x": torch.as_tensor(image), "label": int(label)} for image, label in zip(x, LABELS, strict=True)]
        return torch.utils.data.DataLoader(pairs, 10, collate_fn=lambda s: (torch.utils.data.default_collate(s),))

    return py_dataset(batches)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X, 'Expected {"x": inputs, "label": classes}. Received: ndarray'),
        ({"x": X}, "Received: a dict of 'x'"),
        ({"x": X, "label": LABELS + 1}, "label must be from 0 to 2. Received: from 1 to 3"),
        ({"x": X, "label": LABELS[:5]}, r"one for each of 20 inputs or one for all. Received: int64 of shape \(5,\)"),
        ({"x": X, "label": LABELS + 0.5}, "label must be integers"),
        ({"x": X[:, :3], "label": LABELS}, r"x must have shape \(n, 6, 5, 1\)"),
    ],
)
def test_bad_inputs_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        conditional().fit(x, verbose=0)


def test_a_missing_label_is_refused():
    with pytest.raises(ValueError, match="is conditional and needs a label"):
        conditional().encode(X)


def test_the_config_rebuilds_the_model():
    model = conditional(kl_weight=0.5, seed=3)
    twin = type(model).from_config(model.get_config())
    assert twin.get_config() == model.get_config()
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(twin.reconstruct(X, label=LABELS), model.reconstruct(X, label=LABELS), atol=1e-6)
