"""The user's own pictures: any format and size, in memory and as a stream."""

import threading

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from kerasae import data, files, keras_private, models
from kerasae.data.stream import PictureStream
from kerasae.preprocessing import ImagePreprocessing

pytestmark = pytest.mark.shared

CHINA, FLOWER = load_sample_images().images  # photographs, 427 × 640


def photographs(folder, n=6, size=(8, 6), mode="RGB", suffix=".png"):
    """Different pieces of two photographs as picture files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = size
    paths = []
    for i in range(n):
        piece = (CHINA, FLOWER)[i % 2][5 * i : 5 * i + 8 * height : 8, 7 * i : 7 * i + 8 * width : 8]
        paths.append(folder / f"{i:03}{suffix}")
        Image.fromarray(piece).convert(mode).save(paths[-1])
    return paths


@pytest.fixture
def folder(tmp_path):
    """Two classes of pictures, and other files."""
    photographs(tmp_path / "b" / "deep", 4)
    photographs(tmp_path / "a", 3)
    for name in ("Thumbs.db", ".hidden.png", "readme.txt"):
        (tmp_path / "a" / name).write_bytes(b"no picture")
    return tmp_path


# Folders


@pytest.mark.anybackend
def test_a_folder_of_class_folders_gives_pixels_and_labels(folder):
    source = data.images(folder)
    assert source.x.shape == (7, 8, 6, 3) and source.x.dtype == np.float32
    assert source.class_names == ("a", "b") and source.y.tolist() == [0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(source.raw[3], np.asarray(Image.open(source.files[3])))
    np.testing.assert_array_equal(source.x, source.raw / np.float32(255))
    assert source.preprocessing == ImagePreprocessing((8, 6), "rgb")
    assert source.description == "7 pictures of 2 classes, 8 × 6, color, 1 other file ignored"
    assert len(source) == 7 and source.input_shape == (8, 6, 3) and source.skipped == {}


@pytest.mark.anybackend
def test_folders_of_parts_are_not_classes(tmp_path):
    for part in ("train", "Test"):
        photographs(tmp_path / part / "cat", 1)
        photographs(tmp_path / part / "dog", 1)
    assert data.images(tmp_path).class_names == ("cat", "dog")
    photographs(tmp_path, 1)  # a picture outside of the class folders has no label
    assert data.images(tmp_path).y is None


@pytest.mark.anybackend
def test_paths_are_used_unchanged(folder):
    paths = [folder / "b" / "deep" / "001.png", folder / "a" / "000.png"]
    assert data.images(paths).files == tuple(paths) and data.images(paths).y is None
    assert len(data.images(str(paths[0]))) == 1


@pytest.mark.anybackend
def test_errors_for_missing_pictures(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "readme.txt").write_text("no picture")
    with pytest.raises(FileNotFoundError, match="empty must contain pictures.* Received an empty folder"):
        data.images(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match=r"text must contain pictures.* Received 1 other files \(\.txt\)"):
        data.images(tmp_path / "text")
    with pytest.raises(FileNotFoundError, match="No picture at .*gone. Expected a folder"):
        data.images(tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match="No picture at .*gone.png and 1 more"):
        data.images([tmp_path / "gone.png", tmp_path / "a" / "000.png", tmp_path / "also.png"])
    with pytest.raises(FileNotFoundError, match="Received an empty list"):
        data.images([])


# Formats

RGB = Image.fromarray(CHINA[100:164, 200:264])
GRAY = np.asarray(RGB.convert("L"))
ALPHA = np.tile(np.array([0, 255], "uint8"), (64, 32))  # every other column is transparent


def with_alpha():
    image = RGB.copy()
    image.putalpha(Image.fromarray(ALPHA))
    return image


def over_white(pixels):
    return np.where(ALPHA[..., None] == 255, pixels, 255)


def transparent_palette():
    image = Image.fromarray(np.where(ALPHA, 1, 0).astype("uint8"), "P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.info["transparency"] = 0
    return image


RGB_PIXELS = np.asarray(RGB)
QUANTIZED = np.asarray(RGB.quantize(64).convert("RGB"))
TURNED = Image.Exif()
TURNED[0x0112] = 6  # shown after a quarter turn clockwise
FORMATS = {
    "png": (RGB, "png", {}, RGB_PIXELS, 0),
    "uppercase": (RGB, "PNG", {}, RGB_PIXELS, 0),
    "jpeg": (RGB, "jpg", {"quality": 98, "subsampling": 0}, RGB_PIXELS, 12),
    "cmyk": (RGB.convert("CMYK"), "jpg", {"quality": 98, "subsampling": 0}, RGB_PIXELS, 12),
    "webp": (RGB, "webp", {"lossless": True}, RGB_PIXELS, 0),
    "tiff": (RGB, "tif", {}, RGB_PIXELS, 0),
    "turned": (RGB, "png", {"exif": TURNED}, np.rot90(RGB_PIXELS, -1), 0),
    "palette": (RGB.quantize(64), "png", {}, QUANTIZED, 0),
    "transparent palette": (transparent_palette(), "png", {}, over_white(np.array([200, 100, 50])), 0),
    "alpha": (with_alpha(), "png", {}, over_white(RGB_PIXELS), 0),
    "gray alpha": (with_alpha().convert("LA"), "png", {}, over_white(GRAY[..., None].repeat(3, axis=-1)), 0),
    "animated": (RGB.quantize(64), "gif", {"save_all": True, "append_images": [RGB.rotate(90)]}, QUANTIZED, 0),
    "bits": (Image.fromarray(ALPHA).convert("1"), "png", {}, ALPHA[..., None].repeat(3, axis=-1), 0),
    "16 bits": (Image.fromarray(GRAY.astype("uint16") * 257), "png", {}, GRAY[..., None].repeat(3, axis=-1), 0),
    "16 bits tiff": (Image.fromarray(GRAY.astype("uint16") * 257), "tif", {}, GRAY[..., None].repeat(3, axis=-1), 0),
    "floats": (Image.fromarray(GRAY / np.float32(255)), "tif", {}, GRAY[..., None].repeat(3, axis=-1), 0),
}


@pytest.mark.anybackend
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_pixels_that_are_seen(name, tmp_path):
    image, suffix, options, expected, tolerance = FORMATS[name]
    path = tmp_path / f"picture.{suffix}"
    image.save(path, **options)
    source = data.images(tmp_path, color="rgb")
    assert source.files == (path,) and source.raw.shape[1:] == expected.shape
    assert np.abs(source.raw[0].astype(int) - expected).max() <= tolerance
    assert source.preprocessing.read(path).tolist() == source.raw[0].tolist()


@pytest.mark.anybackend
def test_gray_is_inferred_only_if_all_pictures_are_gray(tmp_path):
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    Image.fromarray(GRAY).convert("RGB").save(tmp_path / "b.jpg")
    Image.fromarray(GRAY.astype("uint16") * 257).save(tmp_path / "c.png")
    source = data.images(tmp_path)
    assert source.input_shape == (64, 64, 1) and "grayscale" in source.description
    RGB.save(tmp_path / "d.png")
    assert data.images(tmp_path).input_shape == (64, 64, 3)
    np.testing.assert_array_equal(data.images(tmp_path, color="grayscale").raw[3, ..., 0], GRAY)


@pytest.mark.anybackend
def test_color_that_the_sample_missed_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasae.data.pictures._SAMPLE", 2)  # the first and the last
    for name in "aceg":
        (Image.fromarray(GRAY) if name != "c" else RGB).save(tmp_path / f"{name}.png")
    assert "1 color picture converted to grayscale (color='rgb' keeps color)" in data.images(tmp_path).description


# Sizes


@pytest.mark.anybackend
def test_the_most_common_size_is_taken_and_the_others_are_resized(tmp_path):
    photographs(tmp_path / "a", 3, size=(8, 6))
    photographs(tmp_path / "b", 2, size=(16, 12))
    source = data.images(tmp_path)
    assert source.x.shape == (5, 8, 6, 3)
    assert source.description == "5 pictures of 2 classes, 8 × 6, color, 2 of another size resized"
    assert data.images(tmp_path, size=4, fit="crop").description.endswith(
        "4 × 4, color, 5 of another size center-cropped"
    )


@pytest.mark.anybackend
def test_without_a_common_size_it_is_the_median_and_no_side_is_longer_than_128(tmp_path):
    for height, width in ((10, 30), (12, 40), (14, 20), (20, 50), (11, 60)):
        Image.fromarray(CHINA[:height, :width]).save(tmp_path / f"{height}.png")
    assert data.images(tmp_path).input_shape == (12, 40, 3)
    Image.fromarray(CHINA).save(tmp_path / "large.jpg")  # 427 × 640
    assert data.images([tmp_path / "large.jpg"]).input_shape == (85, 128, 3)


@pytest.mark.anybackend
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_resizing_is_antialiased_and_cropping_keeps_proportions(suffix, tmp_path):
    stripes = np.tile(np.array([0, 255], "uint8"), (256, 256))  # 256 × 512, as fine as pixels are
    stripes[:, :128] = 0  # the left quarter is black
    Image.fromarray(stripes).save(tmp_path / f"stripes.{suffix}")
    resized = data.images(tmp_path, size=(16, 16)).raw[0, :, :, 0].astype(int)
    assert resized[:, :3].max() < 10 and np.abs(resized[:, 6:] - 127).max() < 16
    cropped = data.images(tmp_path, size=(16, 16), fit="crop").raw[0, :, :, 0].astype(int)
    assert np.abs(cropped[:, 1:] - 127).max() < 16  # the black part is cut off


# Unreadable pictures


def damage(path, how):
    content = path.read_bytes()
    path.write_bytes({"truncated": content[: len(content) // 2], "text": b"not a picture", "empty": b""}[how])


@pytest.mark.anybackend
@pytest.mark.parametrize("how", ["truncated", "text", "empty"])
@pytest.mark.parametrize("memory", [2**20, 0], ids=["in memory", "streamed"])
def test_a_broken_picture_among_many_is_named_and_refused_or_skipped(how, memory, tmp_path):
    broken = photographs(tmp_path, 30, size=(16, 16))[17]
    damage(broken, how)
    with pytest.raises(
        ValueError, match=r"1 of 30 pictures can't be read\. .*on_error='skip'.*\n.*017\.png can't be read"
    ):
        data.images(tmp_path, memory=memory)
    source = data.images(tmp_path, on_error="skip", memory=memory)
    assert len(source) == 29 and list(source.skipped) == [broken] and broken not in source.files
    assert "1 unreadable skipped" in source.description
    if memory:
        assert source.raw[17].tolist() == source.preprocessing.read(tmp_path / "018.png").tolist()


@pytest.mark.anybackend
def test_ten_broken_pictures_are_named_and_the_others_counted(tmp_path):
    for path in photographs(tmp_path, 14)[:13]:
        damage(path, "text")
    with pytest.raises(ValueError, match=r"13 of 14 pictures(.*\n){10}.*009\.png can't.*\n  and 3 more$"):
        data.images(tmp_path)
    damage(tmp_path / "013.png", "text")
    with pytest.raises(ValueError, match="None of 14 files can be read as a picture. The first one: .*000.png can't"):
        data.images(tmp_path, on_error="skip")


@pytest.mark.anybackend
def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    RGB.save(tmp_path / "bomb.png")
    monkeypatch.setattr("kerasae.files.pictures.MAX_PIXELS", 64 * 64 - 1)
    with pytest.raises(
        ValueError, match=r"bomb\.png can't be read as a picture: it has 64 × 64 pixels, expected at most"
    ):
        ImagePreprocessing((8, 8)).read(tmp_path / "bomb.png")


@pytest.mark.anybackend
def test_pipes_and_programs_are_not_pictures(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    for name in ("pipe.png", "program.eps"):
        with pytest.raises(ValueError, match=f"{name} can't be read as a picture"):
            files.read_picture(tmp_path / name, (8, 8), "rgb")


@pytest.mark.anybackend
@pytest.mark.parametrize(
    "options, message",
    [
        ({"size": (0, 8)}, "size must be made of integers from 1 to"),
        ({"color": "sepia", "size": 8}, "color must be one of grayscale, rgb. Received: 'sepia'"),
        ({"fit": "pad", "size": 8}, "fit must be one of resize, crop"),
        ({"workers": 0}, "workers must be a positive integer"),
        ({"on_error": "ignore"}, "on_error must be 'raise' or 'skip'"),
    ],
)
def test_arguments_out_of_bounds_are_named(options, message, tmp_path):
    photographs(tmp_path, 1)
    with pytest.raises(ValueError, match=message):
        data.images(tmp_path, **options)


# Streams


def dense(shape):
    return models.DenseAutoencoder(shape, (8,), 3)


def test_a_stream_trains_evaluates_and_predicts_like_arrays(tmp_path):
    photographs(tmp_path, 20, size=(6, 5))
    whole, streamed = data.images(tmp_path), data.images(tmp_path, memory=1000, workers=2)
    assert streamed.raw is None and streamed.x.shape == whole.x.shape
    losses, weights = [], []
    for x in (whole.x, streamed.x):
        model = dense(whole.input_shape)
        weights = weights or model.get_weights()
        model.set_weights(weights)
        model.compile("adam", "mean_squared_error")
        history = model.fit(x, epochs=3, batch_size=4, seed=5, validation_data=x, verbose=0).history
        losses.append([*history["loss"], *history["val_loss"]])
        np.testing.assert_allclose(model.predict(x, verbose=0), model.reconstruct(whole.x), atol=1e-5)
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.anybackend
def test_a_stream_gives_each_picture_once_in_an_order_of_seed_and_epoch(folder):
    source = data.images(folder, memory=0)
    assert "read from disk during training" in source.description
    stream = source.x.ordered(batch_size=3, shuffle=True, seed=4)
    batches = [stream[i] for i in range(len(stream))]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    order = np.random.default_rng([4, 0]).permutation(7)  # as `fit` orders arrays
    np.testing.assert_array_equal(np.concatenate(batches), data.images(folder).x[order])
    stream.begin_epoch(1)
    assert not np.array_equal(stream[0], batches[0])
    stream.begin_epoch(0)
    np.testing.assert_array_equal(stream[0], batches[0])


@pytest.mark.anybackend
def test_no_thread_is_left_when_an_epoch_is_left_early(folder):
    pictures = data.images(folder, memory=0, workers=2).x
    stream = pictures.subset(np.zeros(500, int)).ordered(batch_size=1)  # too long to be decoded before the test looks
    before = threading.enumerate()
    epoch = keras_private.Stream(x=stream).epoch(0)
    next(epoch)
    workers = [thread for thread in threading.enumerate() if thread not in before]
    assert workers
    epoch.close()
    assert not any(worker.is_alive() for worker in workers)


@pytest.mark.anybackend
def test_the_size_of_waiting_batches_is_bounded(tmp_path):
    large = ImagePreprocessing((512, 512), "rgb")
    assert PictureStream([tmp_path] * 100, large, batch_size=32).max_queue_size == 1
    assert PictureStream([tmp_path] * 100, ImagePreprocessing((8, 8)), batch_size=2).max_queue_size == 16


@pytest.mark.anybackend
@pytest.mark.parametrize("memory", [2**20, 0], ids=["in memory", "streamed"])
def test_a_part_is_held_out_at_random_and_the_same_each_time(memory, tmp_path):
    photographs(tmp_path / "a", 12)
    photographs(tmp_path / "b", 8)
    source = data.images(tmp_path, memory=memory)
    train, held_out = source.split(0.25, seed=1)
    assert (len(train), len(held_out)) == (15, 5) and held_out.input_shape == (8, 6, 3)
    assert set(train.files) | set(held_out.files) == set(source.files)
    assert held_out.files == source.split(5, seed=1)[1].files != source.split(5, seed=2)[1].files
    assert [source.class_names[y] for y in held_out.y] == [path.parent.name for path in held_out.files]
    x = held_out.x[0] if memory else held_out.x[0][0]
    np.testing.assert_array_equal(x * 255, held_out.preprocessing.read(held_out.files[0]))
    with pytest.raises(ValueError, match="hold_out must be a fraction.*Received: 20 of 20 inputs"):
        source.split(20)


def test_a_conditional_model_takes_a_stream_with_the_classes(folder):
    source = data.images(folder, memory=0)
    model = models.ConditionalVariationalAutoencoder((8, 6, 3), 2, hidden_units=(8,), latent_dim=2)
    x = model.labeled(source.x, source.y)
    assert np.isfinite(model.fit(x, batch_size=4, verbose=0).history["loss"]).all()
    expected = model.reconstruct(data.images(folder).x, label=source.y)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5)


def test_a_picture_that_vanishes_during_training_is_named(tmp_path):
    paths = photographs(tmp_path, 6)
    stream = data.images(tmp_path, memory=0).x
    paths[4].unlink()
    with pytest.raises(FileNotFoundError, match=r"No file at .*004\.png"):
        dense((8, 6, 3)).fit(stream, batch_size=2, verbose=0)
