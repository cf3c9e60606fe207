"""The page to play with a model: plans, packing, errors, and what the file holds. `tests/browser/` opens it."""

import base64
import html
import json
import re
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import kerasae
from kerasae import cli, explorer, models
from kerasae.explorer import codes, graph, inputs, translations, writing
from kerasae.explorer.packing import Arrays

pytestmark = pytest.mark.anybackend
RNG = np.random.default_rng(0)
IMAGES = RNG.random((30, 6, 5, 1), dtype="float32")


@pytest.fixture
def small():
    return models.DenseAutoencoder((6, 5, 1), (8,), 3)


def unpacked(table, block):
    """The arrays of a page, as its script reads them."""
    compressed = base64.b85decode(block[1:].replace(",", "<").replace(".", "&"))
    data = zlib.decompress(compressed[: len(compressed) - int(block[0])])
    arrays = []
    for entry in table:
        size, at = entry["size"], entry["at"]
        if entry["type"] in ("float32", "uint8"):
            arrays.append(np.frombuffer(data, entry["type"], size, at))
            continue
        count = int(entry["type"][3:]) // 8
        planes = np.frombuffer(data, "uint8", size * count, at).reshape(count, size).astype(int)
        integers = sum(plane << 8 * (count - 1 - i) for i, plane in enumerate(planes)) - (1 << 8 * count - 1)
        steps = np.frombuffer(data, "float32", table[entry["steps"]]["size"], table[entry["steps"]]["at"])
        arrays.append((integers.reshape(-1, len(steps)) * steps.astype(float)).ravel())
    return arrays


def content_of(path):
    """The parsed content of a page, and its arrays."""
    text = path.read_text(encoding="utf-8")
    content = json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', text)[1])
    return content, unpacked(content["arrays"], re.search(r'id="block">(.*?)</script>', text)[1])


def test_page_holds_weights_codes_and_inputs(small, tmp_path):
    y = np.arange(30) % 4
    path = explorer.page(small, IMAGES, y, tmp_path / "new" / "page.html", images=10)
    content, arrays = content_of(path)
    (described,) = content["models"]
    kernel = arrays[described["encoder"]["operations"][1]["kernel"]]
    np.testing.assert_allclose(kernel, small.encoder.get_weights()[0].ravel(), rtol=0, atol=1e-7)
    # Three numbers are shown along their principal components.
    z = small.encode(IMAGES)
    places = arrays[described["codes"]["places"]].reshape(-1, 2)
    np.testing.assert_allclose(places.var(axis=0).sum(), np.linalg.eigvalsh(np.cov(z.T, ddof=0))[1:].sum(), rtol=1e-4)
    held = arrays[content["inputs"]["held"]].astype(int)
    assert len(held) == 10
    np.testing.assert_array_equal(arrays[content["inputs"]["values"]], np.rint(255 * IMAGES[held]).ravel())
    np.testing.assert_array_equal(arrays[content["labels"]["values"]], y)
    assert content["labels"]["classes"] == ["0", "1", "2", "3"]


def test_page_is_the_same_each_time_and_leaves_the_model_alone(small, tmp_path):
    before = [*small.get_weights(), small.reconstruct(IMAGES)]
    first = explorer.page(small, IMAGES, path=tmp_path / "a.html").read_bytes()
    assert explorer.page(small, IMAGES, path=tmp_path / "b.html").read_bytes() == first
    for old, new in zip(before, [*small.get_weights(), small.reconstruct(IMAGES)], strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_page_holds_few_large_images(tmp_path):
    x = RNG.random((40, 250, 200, 3), dtype="float32")
    described = inputs.describe(x, models.ConvAutoencoder((250, 200, 3), (2, 2)), arrays := Arrays(), 40)
    assert len(unpacked(arrays.table(), arrays.block())[described["held"]]) == 13


def test_two_models_share_inputs(small, tmp_path):
    vae = models.VariationalAutoencoder((6, 5, 1), (8,), 2)
    path = explorer.page(small, IMAGES, None, tmp_path / "page.html", vae, names=("one", "other"))
    content, _ = content_of(path)
    assert [model["name"] for model in content["models"]] == ["one", "other"]
    assert [model["posterior"] for model in content["models"]] == [False, True]
    assert content["models"][1]["codes"]["random"] is None  # it has a prior
    assert content["title"] == "one and other"


def test_a_published_entry_fits_in_a_megabyte(tmp_path):
    digits = kerasae.data.digits()
    path = explorer.page("dense2_mnist", digits.x_train, digits.y_train, tmp_path / "page.html")
    content, _ = content_of(path)
    assert path.stat().st_size < 1e6
    assert content["bits"] == 24
    assert content["models"][0]["codes"]["plane"]["labels"] == ["z1", "z2"]


EVIL = "</script><script>alert(1)</script>{{script}}<img src=x onerror=alert(2)>&amp;"


def test_names_and_labels_are_escaped(small, tmp_path):
    path = explorer.page(small, IMAGES, [EVIL] * 30, tmp_path / "page.html", names=[EVIL], title=EVIL)
    text = path.read_text(encoding="utf-8")
    assert "alert(1)</script>" not in text and "<img" not in text
    assert html.escape(EVIL) in text
    content, _ = content_of(path)
    assert (content["title"], content["models"][0]["name"], content["labels"]["classes"]) == (EVIL, EVIL, [EVIL])
    assert text.count("<script") == 3


def test_only_the_pages_own_script_may_run(small, tmp_path):
    text = explorer.page(small, IMAGES, path=tmp_path / "page.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text)


def test_an_existing_file_is_kept(small, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"page.html exists. Choose another path, or replace it \(overwrite=True"):
        explorer.page(small, IMAGES, path=path)
    assert path.read_text() == "mine"
    explorer.page(small, IMAGES, path=path, overwrite=True)
    assert path.read_text().startswith("<!doctype html>")


class Odd(layers.Layer):
    def call(self, x):
        return x


def with_layer(layer):
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3)
    encoder = keras.Sequential([keras.Input((6, 5, 1)), layers.Flatten(), layer, layers.Dense(3)], name="encoder")
    model.set_parts(encoder, model.decoder)
    return model


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Odd(name="strange"),
            r"computes these layers: .*Dense.*Received: Odd 'strange' in the encoder. Build the model",
        ),
        (layers.Dense(4, activation="sparsemax"), r"activation functions: .*relu.*Received: sparsemax in the encoder"),
        (layers.Softmax(axis=1), r"activation functions: .*Received: Softmax in the encoder"),
    ],
)
def test_what_the_page_cannot_compute_is_named_before_anything_is_written(layer, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        explorer.page(with_layer(layer), IMAGES, path=tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("shape", "layer", "message"),
    [
        (
            (6, 5, 1),
            layers.UpSampling2D(2, interpolation="bilinear"),
            "interpolation of UpSampling2D .* must be 'nearest'",
        ),
        (
            (6, 5, 1),
            layers.Flatten(data_format="channels_first"),
            "data_format of Flatten .*Received: 'channels_first'",
        ),
        ((6, 5, 1), layers.AveragePooling2D(2, padding="same"), "padding of AveragePooling2D .* must be 'valid'"),
        ((6, 5, 1), layers.LayerNormalization(axis=1), "LayerNormalization .* must have axis=-1"),
        ((6, 5, 1), layers.BatchNormalization(axis=1), "axis of BatchNormalization .* must be -1 or 3"),
        (
            (6, 5, 1),
            layers.Normalization(axis=1, mean=[0.0] * 6, variance=[1.0] * 6),
            "Normalization .* along the last axis",
        ),
    ],
)
def test_a_setting_that_the_page_cannot_compute(shape, layer, message):
    model = keras.Sequential([keras.Input(shape), layer])
    with pytest.raises(ValueError, match=message):
        graph.plan(model, Arrays(), "model")


def test_merging_different_shapes():
    a, b = keras.Input((4, 3)), keras.Input((1, 3))
    with pytest.raises(
        ValueError, match=r"inputs of Add .* must have one shape for the page. Received: \(4, 3\), \(1, 3\)"
    ):
        graph.plan(keras.Model([a, b], layers.Add()([a, b])), Arrays(), "model")


def test_quantized_layers():
    model = models.DenseAutoencoder((6, 5, 1), (8,), 3)
    model.quantize("int8")
    with pytest.raises(ValueError, match="quantization_mode of Dense .* must be None for the page. Received: 'int8'"):
        graph.plan(model.encoder, Arrays(), "encoder")


def test_errors_of_arguments(small, tmp_path):
    path = tmp_path / "page.html"
    with pytest.raises(ValueError, match=r"y must hold one label for each of 30 inputs. Received shape: \(3,\)"):
        explorer.page(small, IMAGES, [1, 2, 3], path)
    with pytest.raises(ValueError, match="bits must be 24 or 16. Received: 8"):
        explorer.page(small, IMAGES, path=path, bits=8)
    with pytest.raises(ValueError, match="points must be a positive integer. Received: 0"):
        explorer.page(small, IMAGES, path=path, points=0)
    with pytest.raises(ValueError, match=r"names must hold one name for each of 1 models. Received: \['a', 'b'\]"):
        explorer.page(small, IMAGES, path=path, names="ab")
    with pytest.raises(ValueError, match=r"Both models must take the same inputs. Received models of inputs .*\(2,\)"):
        explorer.page(small, IMAGES, None, path, models.LinearAutoencoder((2,)))
    with pytest.raises(ValueError, match=r"The page draws images .* Received a model of inputs \(5, 6, 7, 2\)"):
        explorer.page(models.ConvAutoencoder((5, 6, 7, 2), (4,)), np.zeros((2, 5, 6, 7, 2)), path=path)
    with pytest.raises(ValueError, match="class_names must name each label, .* Received 2 names for the labels 0 to 3"):
        explorer.page(small, IMAGES, np.arange(30) % 4, path, class_names=("a", "b"))
    small.encoder.set_weights([np.full_like(weight, np.nan) for weight in small.encoder.get_weights()])
    with pytest.raises(ValueError, match="codes of DenseAutoencoder must be finite. Received NaN or infinity"):
        explorer.page(small, IMAGES, path=path)
    assert not path.exists()


@pytest.mark.parametrize("bits", [24, 16])
def test_weights_are_stored_within_half_a_step(bits):
    weights = (RNG.normal(size=(20, 8)) * np.linspace(0, 1, 8)).astype("float32")
    arrays = Arrays(bits)
    number = arrays.add_weight(weights)
    stored = unpacked(arrays.table(), arrays.block())[number].reshape(20, 8)
    steps = np.abs(weights).max(axis=0) / (2 ** (bits - 1) - 1)
    assert (np.abs(stored - weights) <= steps / 2 * 1.01 + 1e-7 * np.abs(weights)).all()
    assert arrays.add_weight(weights) == number  # stored once


def test_blocks_of_all_lengths_hold_no_markup():
    for n in range(1, 9):
        arrays = Arrays()
        arrays.add(np.arange(n) * 37 % 256, "uint8")
        np.testing.assert_array_equal(unpacked(arrays.table(), arrays.block())[0], np.arange(n) * 37 % 256)
        assert not {*"<&"} & {*arrays.block()}


def test_placement_is_found_where_images_share_it():
    x = np.zeros((20, 28, 28, 1), "float32")
    for i in range(20):
        x[i, 4:24, 14 - i % 5 : 14 + i % 5 + 1] = 1  # bars of height 20 around one center
    assert inputs._placement(x, 0.0) == {"center": [14.0, 14.5], "side": 20}
    moved = np.stack([np.roll(image, i % 7, axis=1) for i, image in enumerate(x)])
    assert inputs._placement(moved, 0.0) is None


def test_the_map_of_large_codes_is_that_of_principal_components():
    z = RNG.normal(size=(200, 30)) * np.linspace(3, 0.1, 30)
    arrays = Arrays()
    described = codes.describe(z, arrays, has_prior=False)
    assert described["plane"]["labels"] == ["PC 1", "PC 2"]
    assert len(described["sliders"]["labels"]) == 10
    assert len(described["random"]["stddev"]) == 30
    assert described["random"]["stddev"] == sorted(described["random"]["stddev"], reverse=True)


def test_command(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kerasae.zoo.save(models.ConditionalVariationalAutoencoder((28, 28, 1), 10, hidden_units=(8,), latent_dim=2), "mine")
    assert cli.main(["explore", "mine", "--data", "digits", "--n", "50"]) == 0
    assert (
        capsys.readouterr().out
        == f"mine.html: mine with 50 inputs, {(tmp_path / 'mine.html').stat().st_size / 1e6:.2f} MB\n"
    )
    content, _ = content_of(tmp_path / "mine.html")
    assert content["models"][0]["classes"] == 10 and len(content["labels"]["classes"]) == 10
    assert cli.main(["explore", "mine", "--data", "digits"]) == 2
    message = "mine.html exists. Choose another path with --out, or replace the file with --overwrite."
    assert message in capsys.readouterr().err
    assert cli.main(["explore", "mine", "dense2_mnist", "--data", "digits", "--n", "50", "--out", "two.html"]) == 0
    assert len(content_of(tmp_path / "two.html")[0]["models"]) == 2


@pytest.mark.parametrize("name", kerasae.zoo.names())
def test_every_entry_can_be_explored(name):
    model = kerasae.zoo.load(name)
    for part in ("encoder", "decoder"):
        assert graph.plan(getattr(model, part), Arrays(), part)["operations"]
    assert inputs.kind_of(model.data_shape)


def test_every_asset_is_short_and_in_the_page():
    assets = Path(writing.__file__).parent / "assets"
    scripts = {path.stem for path in assets.glob("*.js")}
    assert scripts == {*writing._SCRIPTS} and len(writing._SCRIPTS) == len(scripts)
    lines = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in assets.iterdir()}
    assert {name: n for name, n in lines.items() if n > 300} == {}


def test_the_supported_layers_are_named_once():
    assert not {*translations._TRANSLATIONS} & {*translations._IDENTITIES}
