"""Entries on the Hugging Face hub: a local server that speaks its protocol, on 127.0.0.1."""

import shutil

import numpy as np
import pytest
from conftest import python
from hub_server import Hub

from kerasae import zoo

pytestmark = pytest.mark.anybackend


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from huggingface_hub import constants

    server = Hub()
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "a-token")
    yield server
    server.close()


@pytest.fixture
def entry(tmp_path):
    return shutil.copytree(zoo.store.root() / "linear_sine", tmp_path / "mine")


def test_an_entry_is_pushed_and_loaded_by_its_name(hub, entry, tmp_path):
    zoo.push(entry, "ada/sine")
    assert set(hub.files["ada/sine"]) == {*(path.name for path in entry.iterdir()), "README.md"}
    for path in entry.iterdir():
        assert hub.files["ada/sine"][path.name] == path.read_bytes()
    model = zoo.load("hf://ada/sine")
    np.testing.assert_array_equal(model.get_weights()[0], zoo.load(entry).get_weights()[0])
    assert zoo.card("hf://ada/sine") == zoo.card(entry)
    assert all(difference.is_tolerable for difference in zoo.verify("hf://ada/sine").values())
    pulled = zoo.pull("hf://ada/sine", tmp_path / "pulled")
    assert {p.name: p.read_bytes() for p in pulled.iterdir()} == {p.name: p.read_bytes() for p in entry.iterdir()}


def test_keras_loads_the_same_files(hub, entry, tmp_path):
    zoo.push(entry, "ada/sine")
    code = (
        "import kerasae, keras, numpy as np\n"
        "a, b = keras.saving.load_model('hf://ada/sine'), kerasae.zoo.load('hf://ada/sine')\n"
        "assert type(a) is type(b) and a.compiled\n"
        "for x, y in zip(a.get_weights(), b.get_weights(), strict=True):\n"
        "    np.testing.assert_array_equal(x, y)\n"
    )
    python(code, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "home"), HF_HUB_DISABLE_XET="1")


def test_the_readme_has_front_matter_picture_and_figures(hub, entry):
    zoo.push(entry, "ada/sine")
    text = hub.files["ada/sine"]["README.md"].decode()
    assert text.startswith("---\nlicense: apache-2.0\nlibrary_name: keras\ntags:\n- kerasae\n- autoencoder\n---\n")
    assert "![Inputs and their reconstructions](preview.png)" in text
    assert "| figure | this model | mean | PCA-1 |" in text and "| MSE (per value) | 0.0" in text
    assert 'kerasae.zoo.load("hf://ada/sine")' in text


def test_a_later_push_replaces_only_files_that_kerasae_wrote(hub, entry):
    hub.files["ada/sine"] = {"README.md": b"my own words", "notes.txt": b"mine", "detector.npz": b"of an older entry"}
    zoo.push(entry, "ada/sine")
    found = hub.files["ada/sine"]
    assert (found["README.md"], found["notes.txt"]) == (b"my own words", b"mine")
    assert "detector.npz" not in found and found["model.weights.h5"] == (entry / zoo.WEIGHTS).read_bytes()


def test_an_interrupted_download_leaves_no_entry_and_resumes(hub, entry, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    zoo.push(entry, "ada/sine")
    hub.broken = zoo.WEIGHTS
    with pytest.raises(ConnectionError, match="ada/sine was not downloaded; try again to resume"):
        zoo.pull("ada/sine", tmp_path / "pulled")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "pulled"))]
    hub.broken = None
    assert zoo.load(zoo.pull("ada/sine", tmp_path / "pulled")).code_size == 1


@pytest.mark.parametrize("name", [zoo.WEIGHTS, zoo.CONFIG, zoo.GOLDEN])
def test_a_tampered_file_is_refused(hub, entry, tmp_path, name):
    zoo.push(entry, "ada/sine")
    content = bytearray(hub.files["ada/sine"][name])
    content[len(content) // 2] ^= 1
    hub.files["ada/sine"][name] = bytes(content)
    with pytest.raises(ValueError, match=f"{name} is not the file its card describes"):
        zoo.pull("ada/sine", tmp_path / "pulled")
    assert not (tmp_path / "pulled").exists()
    with pytest.raises(ValueError, match=f"{name} is not the file its card describes"):
        zoo.verify("hf://ada/sine")


def test_repositories_without_an_entry(hub, entry, tmp_path, monkeypatch):
    zoo.push(entry, "ada/sine")
    hub.files["ada/other"] = {"README.md": b"a model of another kind"}
    with pytest.raises(ValueError, match=r"hf://ada/other must have the files of an entry.*It has no metadata.json"):
        zoo.load("hf://ada/other")
    with pytest.raises(ValueError, match="There is no such repository, or it is private: check the name"):
        zoo.load("hf://ada/nothing")
    with pytest.raises(ValueError, match="repo must be user/name, or hf://user/name. Received: 'hf://sine'"):
        zoo.pull("hf://sine", tmp_path / "pulled")
    monkeypatch.setitem(zoo.hub.LIMITS, zoo.WEIGHTS, 100)
    with pytest.raises(ValueError, match=r"model.weights.h5 of hf://ada/sine must have at most 100 bytes. Received: "):
        zoo.load("hf://ada/sine")
    assert not [request for request in hub.requests if request.startswith("GET") and "/resolve/" in request]


def test_only_complete_entries_are_pushed(hub, entry):
    (entry / zoo.CONFIG).write_text("{}")
    with pytest.raises(ValueError, match="config.json is not the file its card describes"):
        zoo.push(entry, "ada/sine")
    assert hub.files == {}


def test_directories_that_are_not_entries_are_kept(hub, entry, tmp_path):
    zoo.push(entry, "ada/sine")
    (tmp_path / "precious").mkdir()
    with pytest.raises(FileExistsError, match="exists and is not a zoo entry"):
        zoo.pull("ada/sine", tmp_path / "precious", overwrite=True)
    with pytest.raises(FileExistsError, match="directory must be new.*exists. Choose another, or pass `overwrite`"):
        zoo.pull("ada/sine", entry)
    assert zoo.pull("ada/sine", entry, overwrite=True) == entry
