"""Autoencoders with a discriminator: which loss and optimizer train each part."""

import itertools

import keras
import numpy as np
import pytest
from conftest import adversarial, images, vaegan

from kerasae.models.vaegan import squared_mmd

pytestmark = pytest.mark.shared

FAMILIES = {"adversarial": adversarial, "vaegan": vaegan}
X = images(8)


def parts(model):
    """Parts of a model, and the loss that each minimizes."""
    own = dict((name, part) for part, name in model._opponents())
    others = [part for part in (model.encoder, model.decoder) if part not in own.values()]
    return {"loss": others} | {name: [part] for name, part in own.items()}


def softplus(a):
    return np.log1p(np.exp(a))


@pytest.mark.eachbackend
@pytest.mark.parametrize("family", FAMILIES)
def test_each_part_takes_the_gradient_of_its_own_loss(family):
    """Keras's own step on that loss, with everything else frozen, gives the same weights."""
    model = FAMILIES[family]()
    start = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0))
    model.train_on_batch(X)
    for name, trained in parts(model).items():
        reference = single_loss(model, name)
        reference.set_weights(start)
        for part in (reference.encoder, reference.decoder, reference.discriminator):
            part.trainable = part.name in {part.name for part in trained}
        reference.compile(keras.optimizers.SGD(1.0))
        reference.train_on_batch(X)
        for part in trained:
            weights = getattr(reference, part.name).get_weights()
            for one, other in zip(part.get_weights(), weights, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(start, model.get_weights(), strict=True))


def single_loss(model, name):
    """A model with the same settings that minimizes one of the losses by Keras's own steps."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.loss_terms(x, y, sample_weight, training)[0][name]

    steps = {step: getattr(keras.Model, step) for step in ("train_step", "test_step")}
    cls = type(model)
    return type(cls.__name__, (cls,), {**steps, "compute_loss": compute_loss})(**model.get_config())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_discriminator_can_have_its_own_optimizer(family):
    model = FAMILIES[family]()
    model.compile(keras.optimizers.SGD(0.5), discriminator_optimizer=keras.optimizers.SGD(0.0))
    before = model.discriminator.get_weights(), model.encoder.get_weights()
    model.fit(X, verbose=0)
    assert all((a == b).all() for a, b in zip(before[0], model.discriminator.get_weights(), strict=True))
    assert any((a != b).any() for a, b in zip(before[1], model.encoder.get_weights(), strict=True))


@pytest.mark.parametrize(("family", "own"), zip(FAMILIES, [True, False], strict=True))
def test_training_resumes_from_a_file_with_all_optimizers(family, own, tmp_path):
    model = FAMILIES[family]()
    discriminator_optimizer = keras.optimizers.Adam(0.003) if own else None
    model.compile(keras.optimizers.Adam(0.01), discriminator_optimizer=discriminator_optimizer)
    model.fit(X, epochs=2, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "it.keras")
    again = keras.saving.load_model(tmp_path / "it.keras")
    for each in (model, again):
        each.fit(X, batch_size=4, shuffle=False, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_frozen_discriminator_is_not_trained():
    model = adversarial()
    model.discriminator.trainable = False
    before = model.discriminator.get_weights()
    model.fit(X, verbose=0)
    for one, other in zip(before, model.discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_losses_of_the_adversarial_autoencoder_follow_its_formulas():
    model = adversarial()
    figures = model.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    z = model.encode(X)
    prior = keras.ops.convert_to_numpy(model.prior((np.zeros_like(z), np.zeros_like(z))))
    logits, logits_prior = (model.discriminator.predict(codes, verbose=0)[:, 0] for codes in (z, prior))
    assert figures["adversarial_loss"] == pytest.approx(softplus(-logits).mean(), rel=1e-4)
    assert figures["discriminator_loss"] == pytest.approx(
        0.5 * softplus(-logits_prior).mean() + 0.5 * softplus(logits).mean(), rel=1e-4
    )
    assert figures["loss"] == pytest.approx(
        figures["reconstruction_loss"] + 0.5 * figures["adversarial_loss"], rel=1e-5
    )


def discrepancy(a, b):
    """The unbiased estimate of the squared maximum mean discrepancy, pair by pair."""

    def kernel(x, y):
        return (1 + x @ y / len(x)) ** 3

    pairs = list(itertools.permutations(range(len(a)), 2))
    return np.mean(
        [kernel(a[i], a[j]) + kernel(b[i], b[j]) - kernel(a[i], b[j]) - kernel(b[i], a[j]) for i, j in pairs]
    )


def test_the_discrepancy_compares_distributions():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 1, (300, 4)).astype("float32"), rng.normal(1, 1, (300, 4)).astype("float32")
    few = [float(squared_mmd(a[i : i + 6], b[i : i + 6])) for i in range(0, 300, 6)]
    assert few[0] == pytest.approx(discrepancy(a[:6], b[:6]), rel=1e-4)
    assert abs(np.mean(few)) < 3 * np.std(few) / np.sqrt(len(few))  # unbiased
    assert float(squared_mmd(a, b)) < 0.05 < 1 < float(squared_mmd(a, b * [1, 1, 1, -1]))
    assert float(squared_mmd(a[:1], b[:1])) == 0
    assert np.isfinite(float(squared_mmd(np.zeros((3, 4), "float32"), a[:3])))


def test_losses_of_the_vaegan_follow_its_formulas():
    model = vaegan(mmd_weight=0.25)
    figures = model.evaluate(X, batch_size=8, verbose=0, return_dict=True)
    mean, log_variance = model.posterior(X)
    z = keras.ops.convert_to_numpy(model.sampling((mean, log_variance)))
    prior = keras.ops.convert_to_numpy(model.prior((np.zeros_like(z), np.zeros_like(z))))
    of = {
        name: model.discriminator.predict(images, verbose=0)
        for name, images in (("x", X), ("x_hat", model.decode(z)), ("p", model.decode(prior)))
    }
    feature = 0.5 * 2.0 * np.square(of["x"][0] - of["x_hat"][0]).sum(axis=1).mean()
    d = {name: logits[:, 0] for name, (*_, logits) in of.items()}
    mmd = discrepancy(of["x"][1], of["p"][1])
    generator = 0.5 * feature + 0.25 * mmd + softplus(-d["x_hat"]).mean() + softplus(-d["p"]).mean()
    discriminator = softplus(-d["x"]).mean() + 0.5 * softplus(d["x_hat"]).mean() + 0.5 * softplus(d["p"]).mean()
    assert figures["feature_loss"] == pytest.approx(feature, rel=1e-4)
    assert figures["mmd_loss"] == pytest.approx(mmd, rel=1e-4, abs=1e-5)
    assert figures["generator_loss"] == pytest.approx(generator, rel=1e-4)
    assert figures["discriminator_loss"] == pytest.approx(discriminator, rel=1e-4)
    assert figures["loss"] == pytest.approx(feature + figures["kl_loss"], rel=1e-4)


def test_the_decoder_of_a_vaegan_may_have_dense_layers():
    model = vaegan(decoder_units=(7, 6))
    sizes = [layer.units for layer in model.decoder.layers if isinstance(layer, keras.layers.Dense)]
    assert sizes[:2] == [7, 6] and len(sizes) == 3  # the third gives the small image
    assert type(model).from_config(model.get_config()).decoder.count_params() == model.decoder.count_params()
    assert vaegan().get_config()["decoder_units"] == ()
    with pytest.raises(ValueError, match="decoder_units must be made of positive integers"):
        vaegan(decoder_units=(0,))
