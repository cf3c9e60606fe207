"""Damaged `.npy` and `.npz` files: a ValueError that names the file, and no more memory than the file has bytes."""

import io
import random
import resource
import zipfile

import numpy as np
import pytest
from fuzz import damaged

from kerasae import files

pytestmark = pytest.mark.anybackend


def npy(array, **kwargs):
    stream = io.BytesIO()
    np.save(stream, array, **kwargs)
    return stream.getvalue()


def npz(save=np.savez, **arrays):
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


ARRAYS = [
    np.arange(12, dtype="uint8").reshape(3, 4),
    np.asfortranarray(np.random.default_rng(0).random((3, 5))),
    np.float32(3.0),
    np.zeros((0, 4), "float16"),
    np.array([True, False]),
    np.arange(3, dtype=">i4"),
]


@pytest.mark.parametrize("array", ARRAYS)
def test_arrays_are_read_as_numpy_reads_them(tmp_path, array):
    (tmp_path / "a.npy").write_bytes(npy(array))
    for save in (np.savez, np.savez_compressed):
        (tmp_path / "a.npz").write_bytes(npz(save, one=array, two=array))
        assert files.read_arrays(tmp_path / "a.npz").keys() == {"one", "two"}
        for found in (files.read_array(tmp_path / "a.npy"), *files.read_arrays(tmp_path / "a.npz").values()):
            np.testing.assert_array_equal(found, array)
            assert found.dtype == array.dtype and found.flags.writeable


def _header(shape, descr="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def _zip(content, name="x.npy", method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


HOSTILE = {
    "huge": (_header((10**12,)), "takes 8,000,000,000,000 bytes"),
    "huge in a zip": (_zip(_header((10**12,))), "takes 8,000,000,000,000 bytes"),
    "negative": (_header((-1,)), "takes"),
    "bytes too many": (npy(np.zeros(3)) + b"x", "received 25"),
    "pickled": (npy(np.array([{}]), allow_pickle=True), "expected an array of numbers"),
    "text": (npy(np.array(["a"])), "expected an array of numbers"),
    "records": (npy(np.zeros(2, "f4,f4")), "expected an array of numbers"),
    "another member": (_zip(b"import os", "x.py"), "expected .npy members only"),
    "another compression": (_zip(npy(np.zeros(3)), method=zipfile.ZIP_LZMA), "neither stored nor deflated"),
    "empty": (b"", "can't be read"),
    "empty zip": (b"PK\5\6" + bytes(18), "expected 1 to 1000 arrays"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_refused(tmp_path, kind):
    content, message = HOSTILE[kind]
    (tmp_path / "a.npz").write_bytes(content)
    for read in (files.read_array, files.read_arrays):
        with pytest.raises(ValueError, match=rf"a\.npz must be a \.npy or \.npz file of numbers.*{message}"):
            read(tmp_path / "a.npz")


def test_one_kind_of_file_is_not_the_other(tmp_path):
    (tmp_path / "a").write_bytes(npy(np.zeros(3)))
    with pytest.raises(ValueError, match=r"must be an \.npz file with named arrays. Received a \.npy file"):
        files.read_arrays(tmp_path / "a")
    (tmp_path / "a").write_bytes(npz(x=np.zeros(3)))
    with pytest.raises(ValueError, match=r"must be a \.npy file with one array. Received an \.npz file with 'x'"):
        files.read_array(tmp_path / "a")
    with pytest.raises(FileNotFoundError, match=r"No file at .*nowhere"):
        files.read_array(tmp_path / "nowhere")


def test_randomly_changed_files_are_read_or_refused_with_a_value_error():
    rng = np.random.default_rng(0)
    images = {"x_test": rng.integers(0, 99, (5, 28, 28), "uint8"), "y_test": np.arange(5)}
    sources = [npy(images["x_test"]), npz(**images), npz(np.savez_compressed, **images), npy(np.zeros(2, "f4"))]
    before, refused = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
    for case in range(8000):
        source = random.Random(case)
        content = damaged(sources[case % len(sources)], source)
        try:
            files.parse_arrays(content, "changed.npz")
        except ValueError as error:
            refused += 1
            assert "changed.npz" in str(error)
    assert 2000 < refused < 8000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**17
