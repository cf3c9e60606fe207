"""Data of one's own: pictures of any kind, arrays, tables, series, names."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from kerasae import data
from kerasae.preprocessing import ImagePreprocessing

CHINA, FLOWER = load_sample_images().images  # photographs, 427 × 640


def photographs(folder, n=6, size=(8, 6), mode="RGB", suffix=".png"):
    """Different pieces of two photographs as picture files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = size
    paths = []
    for i in range(n):
        piece = (CHINA, FLOWER)[i % 2][20 * i : 20 * i + 8 * height : 8, 30 * i : 30 * i + 8 * width : 8]
        paths.append(folder / f"{i:03}{suffix}")
        Image.fromarray(piece).convert(mode).save(paths[-1])
    return paths


@pytest.fixture
def folder(tmp_path):
    """Two classes of pictures, and what else lies in folders."""
    photographs(tmp_path / "b" / "deep", 4)
    photographs(tmp_path / "a", 3)
    for name in ("Thumbs.db", ".hidden.png", "readme.txt"):
        (tmp_path / "a" / name).write_bytes(b"no picture")
    return tmp_path


# Pictures


@pytest.mark.anybackend
def test_a_folder_of_class_folders_gives_pixels_and_labels(folder):
    source = data.images(folder)
    assert source.x.shape == (7, 8, 6, 3) and source.x.dtype == np.float32
    assert source.class_names == ("a", "b") and source.y.tolist() == [0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_array_equal(source.raw[3], np.asarray(Image.open(source.files[3])))
    np.testing.assert_array_equal(source.x, source.raw / np.float32(255))
    assert source.preprocessing == ImagePreprocessing((8, 6), "rgb")
    assert source.description == "7 pictures of 2 classes, 8 × 6, color"
    assert len(source) == 7 and source.input_shape == (8, 6, 3) and source.skipped == {}


@pytest.mark.anybackend
def test_folders_of_parts_are_not_classes(tmp_path):
    for part in ("train", "Test"):
        photographs(tmp_path / part / "cat", 1)
        photographs(tmp_path / part / "dog", 1)
    assert data.images(tmp_path).class_names == ("cat", "dog")
    photographs(tmp_path, 1)  # a picture outside of the class folders has no label
    assert data.images(tmp_path).y is None
