"""The data sets, and errors if they are missing or damaged."""

import hashlib

import keras
import numpy as np
import pytest

from kerasae import data
from kerasae.data import classic

pytestmark = pytest.mark.anybackend

IMAGE_SETS = {"mnist": data.mnist, "fashion_mnist": data.fashion_mnist}


def few_images():
    """The four arrays of a very small MNIST."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (6, 28, 28), dtype="uint8"),
        "y_train": np.arange(6, dtype="uint8"),
        "x_test": rng.integers(0, 256, (2, 28, 28), dtype="uint8"),
        "y_test": np.arange(2, dtype="uint8"),
    }


@pytest.fixture
def small_mnist(tmp_path, monkeypatch):
    """`mnist.npz` with few images, which are accepted as the real ones."""
    arrays = few_images()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in arrays.values())).hexdigest()
    monkeypatch.setitem(classic._SHA256, "mnist", digest)
    monkeypatch.setenv("KERASAE_DATA", str(tmp_path))
    np.savez(tmp_path / "mnist.npz", **arrays)
    return tmp_path / "mnist.npz"


@pytest.mark.parametrize("name", data.NAMES)
def test_every_data_set_is_public_and_found_by_its_name(name):
    dataset = data.named(name)
    assert name in data.__all__
    assert dataset.x_train.shape[0] == len(dataset.y_train) and len(dataset.x_test) == len(dataset.y_test)


# MNIST and Fashion-MNIST


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_the_real_images_have_the_shapes_and_the_range_promised(name):
    images = IMAGE_SETS[name]()
    assert images.x_train.shape == (60000, 28, 28, 1)
    assert images.x_test.shape == (10000, 28, 28, 1)
    for x in (images.x_train, images.x_test):
        assert x.dtype == np.float32
        assert (x.min(), x.max()) == (0.0, 1.0)
    for y, each in ((images.y_train, 6000), (images.y_test, 1000)):
        assert y.dtype == np.int64
        assert set(np.unique(y)) == set(range(10))
        assert abs(np.bincount(y).mean() - each) < 1
    assert data.is_at_hand(name)


def test_pixels_are_divided_by_255(small_mnist):
    images, arrays = data.mnist(), few_images()
    np.testing.assert_array_equal(np.round(images.x_train[..., 0] * 255), arrays["x_train"])
    np.testing.assert_array_equal(images.y_test, arrays["y_test"])


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test"])
def test_one_changed_value_is_noticed(small_mnist, key):
    arrays = few_images()
    arrays[key].flat[-1] ^= 1
    np.savez(small_mnist, **arrays)
    with pytest.raises(
        ValueError, match=r"These are not the pixels of mnist: SHA-256 \w{64}, expected .*fetch it again"
    ):
        data.mnist()


@pytest.mark.parametrize(
    "change",
    [lambda x: x.reshape(len(x), -1), lambda x: x[..., None], lambda x: x.astype("float64")],
    ids=["flattened", "with channels", "floats"],
)
def test_the_right_bytes_in_a_wrong_shape_or_type_are_refused_or_corrected(small_mnist, change):
    arrays = few_images()
    np.savez(small_mnist, **(arrays | {key: change(arrays[key]) for key in ("x_train", "x_test")}))
    try:
        images = data.mnist()
    except ValueError as error:
        assert "mnist" in str(error)
    else:
        assert images.x_train.shape == (6, 28, 28, 1)
        np.testing.assert_array_equal(np.round(images.x_train[..., 0] * 255), arrays["x_train"])


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-500])


def _garble(path):
    content = bytearray(path.read_bytes())
    content[1000:1100] = bytes(100)
    path.write_bytes(content)


def _lone_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


DAMAGE = {
    "truncated": _truncate,
    "garbled": _garble,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not found"),
    "another archive": lambda path: np.savez(path, x=np.zeros(3)),
    "one array alone": _lone_array,
    "pickled objects": lambda path: np.savez(path, **(few_images() | {"x_train": np.array([{}], dtype=object)})),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(small_mnist, damage):
    DAMAGE[damage](small_mnist)
    with pytest.raises(ValueError, match=r"mnist\.npz can't be read as mnist: expected an \.npz file with x_train, "):
        data.mnist()


@pytest.mark.parametrize("name", IMAGE_SETS)
def test_error_without_file_or_network_names_both_solutions(name, monkeypatch, tmp_path):
    def fail():
        raise Exception("URL fetch failure")

    monkeypatch.setenv("KERASAE_DATA", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", fail)
    assert not data.is_at_hand(name)
    with pytest.raises(
        FileNotFoundError, match=rf"{name} is not on this machine.*URL fetch failure.*KERASAE_DATA.*{name}\.npz"
    ):
        IMAGE_SETS[name]()


def test_without_a_directory_the_file_of_keras_is_loaded_and_checked(small_mnist, monkeypatch):
    arrays = few_images()
    parts = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
    monkeypatch.delenv("KERASAE_DATA")
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: parts)
    assert data.mnist().x_train.shape == (6, 28, 28, 1)
    arrays["x_test"][0, 0, 0] ^= 1
    with pytest.raises(ValueError, match="These are not the pixels of mnist"):
        data.mnist()


# The sine


def test_the_sine_is_a_curve_with_noise():
    points = data.sine(n=5000, noise=0.06)
    assert points.x_train.shape == points.x_test.shape == (5000, 2)
    assert points.x_train.dtype == np.float32
    np.testing.assert_allclose(points.y_train, np.linspace(-2.2, 2.2, 5000))
    curve = np.stack([points.y_train, np.sin(points.y_train)], axis=1)
    for x in (points.x_train, points.x_test):
        error = x - curve
        np.testing.assert_allclose(error.mean(axis=0), 0.0, atol=0.004)
        np.testing.assert_allclose(error.std(axis=0), 0.06, rtol=0.05)
    assert np.abs(np.corrcoef((points.x_train - curve).ravel(), (points.x_test - curve).ravel())[0, 1]) < 0.05


def test_the_sine_depends_on_its_seed():
    np.testing.assert_array_equal(data.sine(seed=1).x_train, data.sine(seed=1).x_train)
    assert (data.sine(seed=1).x_train != data.sine(seed=2).x_train).all()


def test_the_sine_without_noise_is_exact():
    points = data.sine(n=7, noise=0.0)
    np.testing.assert_allclose(points.x_test[:, 1], np.sin(points.x_test[:, 0]), atol=1e-6)


def test_the_excerpt_of_the_sine_has_a_few_points_many_times():
    excerpt = data.sine_excerpt(points=10, copies=3)
    assert excerpt.x_train.shape == (30, 2) and len(np.unique(excerpt.x_train, axis=0)) == 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 1001}, r"from 1 to 1000, the number of points of sine\(\)\. Received: 1001\. Use sine\(n\)"),
        ({"points": 0}, "from 1 to 1000.*Received: 0"),
        ({"points": 2.5}, r"points must be an integer\. Received: 2\.5"),
        ({"copies": 0}, "copies must be a positive integer. Received: 0"),
    ],
)
def test_an_excerpt_of_the_sine_that_is_impossible(settings, message):
    with pytest.raises(ValueError, match=message):
        data.sine_excerpt(**settings)


# Two moons


def test_the_two_moons_are_half_circles_with_noise():
    points = data.two_moons(n=4000, noise=0.05)
    for x, y in ((points.x_train, points.y_train), (points.x_test, points.y_test)):
        assert x.shape == (4000, 2) and x.dtype == np.float32
        assert np.bincount(y).tolist() == [2000, 2000]
        radius = np.linalg.norm(np.where(y[:, None] == 0, x, x - [1.0, 0.5]), axis=1)
        assert radius.mean() == pytest.approx(1.0, abs=0.01)
        assert radius.std() == pytest.approx(0.05, rel=0.05)
    assert not np.array_equal(points.x_train, points.x_test)
    np.testing.assert_array_equal(points.x_train, data.two_moons(n=4000, noise=0.05).x_train)


# scikit-learn's digits


def test_digits_look_like_mnist():
    digits = data.digits()
    assert digits.x_train.shape == (1437, 28, 28, 1)
    assert digits.x_test.shape == (360, 28, 28, 1)
    assert digits.y_train.shape == (1437,)
    assert set(np.unique(digits.y_test)) == set(range(10))
    x = np.concatenate([digits.x_train, digits.x_test])
    assert x.dtype == np.float32
    assert x.min() == 0.0
    assert 0.9 < x.max() <= 1.0
    box = np.zeros((28, 28), bool)
    box[4:24, 4:24] = True
    assert x[:, ~box].max() == 0.0
    assert x[:, box].mean(axis=0).max() > 0.3


def test_digits_are_the_scans_enlarged():
    from sklearn.datasets import load_digits

    scans = load_digits().images[:1437] / 16
    enlarged = data.digits().x_train[:, 4:24, 4:24, 0]
    shrunk = enlarged.reshape(-1, 4, 5, 4, 5).mean(axis=(2, 4))
    error = np.abs(shrunk - scans.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)))
    assert error.mean() < 0.05
    assert error.max() < 0.15


def test_own_inputs_are_unchanged_except_for_8_bit_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4), "uint8")
    np.savez(tmp_path / "own.npz", x_test=pixels, y_test=[2, 0, 1])
    x, y = data.own(tmp_path / "own.npz")
    assert x.dtype == "float32" and y.tolist() == [2, 0, 1]
    np.testing.assert_array_equal(x, pixels[..., None] / np.float32(255))
    for array in (np.stack([pixels] * 3, axis=-1), pixels / 300, np.zeros((4, 2), "float32")):
        np.save(tmp_path / "own.npy", array)
        x, y = data.own(tmp_path / "own.npy")
        assert x.shape == array.shape and y is None
        np.testing.assert_array_equal(x, array / np.float32(255) if array.dtype == "uint8" else array)
