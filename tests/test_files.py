"""Hostile and damaged files: each is refused with a ValueError, runs nothing, and leaves the model as it was."""

import json
import marshal
import os
import pickle
import resource
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from conftest import BACKEND, adversarial, denoising, dense, vae

from kerasae import cli, files, models, zoo
from kerasae.files import planes
from kerasae.files.weights import MAX_ITEMS

pytestmark = pytest.mark.shared

MEMORY = 2**17  # largest memory in kilobytes for refusing a file


@pytest.fixture
def entry(tmp_path):
    """A copy of an entry, to be changed."""
    return Path(shutil.copytree(zoo.store.root() / "deep_sine", tmp_path / "deep_sine"))


@pytest.fixture(scope="module")
def intact():
    return zoo.load("deep_sine")


@pytest.fixture(scope="module")
def packed(intact, tmp_path_factory):
    """The same model's `.keras` file."""
    path = tmp_path_factory.mktemp("packed") / "deep_sine.keras"
    intact.save(path)
    return path


def signed(entry):
    """Put the checksums of the changed files on the entry's card, as an attacker would."""
    card = json.loads((entry / zoo.METADATA).read_text())
    card["files"] = {name: files.sha256((entry / name).read_bytes()) for name in card["files"]}
    (entry / zoo.METADATA).write_text(json.dumps(card))
    return entry


def repacked(packed, path, **replaced):
    """The `.keras` file with other contents of `config` or `weights`."""
    names = {"config": zoo.CONFIG, "weights": zoo.WEIGHTS}
    with zipfile.ZipFile(packed) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= {names[key]: content for key, content in replaced.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


# Configs. Code in them, if it were run, would create a file of this name.
MARK = "code_was_run"


def _lambda():
    code = compile(f"lambda *a, **k: open({MARK!r}, 'w')", "x", "eval").co_consts[0]
    return {"class_name": "__lambda__", "config": {"value": [marshal.dumps(code).hex(), None, None]}}


def _of(module, name, **config):
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def _function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


HIDDEN = ("config", "hidden_units")
OPTIMIZER = ("compile_config", "optimizer")
MAPPED = _of("keras.optimizers", "OptimizerMap", default_optimizer="adam", optimizer_map={"(.*.*.*.*.*.*.*)*x": "sgd"})
PLACE = "is not allowed there"
NO_FUNCTION = "is not a function in keras"
CONFIGS = [
    (("module",), "evil", None),  # Keras uses the registered name
    (("registered_name",), "evil>Evil", PLACE),
    (("registered_name",), None, PLACE),
    (("registered_name",), ["kerasae>DenseAutoencoder"], PLACE),
    (("registered_name",), "kerasae>MaskPixels", PLACE),
    (("registered_name",), "kerasae>LinearAutoencoder", "does not describe a kerasae model"),
    (("class_name",), "__lambda__", None),
    ((), _of("keras", "Sequential", layers=[_of("keras.layers", "Lambda", function=_lambda())]), PLACE),
    ((), _of("keras.layers", "TFSMLayer", filepath="../elsewhere"), PLACE),
    ((), _of("subprocess", "Popen", args=["touch", MARK]), PLACE),
    ((), _lambda(), PLACE),
    (("config",), "x", "does not describe a kerasae model"),
    (("config",), {}, "does not describe a kerasae model"),
    (("config", "unheard_of"), 1, "does not describe a kerasae model"),
    (("config", "noise"), _lambda(), PLACE),
    (("config", "noise"), _of("keras.layers", "Lambda", function=_lambda()), PLACE),
    (("config", "noise"), _of("keras.layers", "Dense", units=10**9), PLACE),
    (("config", "noise"), _of("keras.src.models.model", "Model"), PLACE),
    (("config", "noise"), {**_of("x", "y", input_shape=[9]), "registered_name": "kerasae>LinearAutoencoder"}, PLACE),
    (("config", "activation"), _lambda(), PLACE),
    (("config", "activation"), _function("os", "system"), NO_FUNCTION),
    (("config", "activation"), _function("builtins", "exec"), NO_FUNCTION),
    (("config", "activation"), _function("keras.utils", "get_file"), NO_FUNCTION),
    (("config", "activation"), _function("keras.losses", "deserialize"), NO_FUNCTION),
    (("config", "activation"), "../../relu", "does not describe a kerasae model"),
    (("config", "kernel_initializer"), _of("os", "system", command=f"touch {MARK}"), PLACE),
    (("config", "kernel_initializer"), _of("keras.utils", "get_file", origin="http://localhost/"), PLACE),
    (("config", "kernel_initializer"), {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}}, PLACE),
    (("config", "dtype"), _of("keras", "Model"), PLACE),
    (("config", "dtype"), "float9", "does not describe a kerasae model"),
    (("config", "input_shape"), [10**9], "do not fit it"),
    (("config", "input_shape"), [10**400], "does not describe a kerasae model"),
    (("config", "latent_dim"), 10**12, "do not fit it"),
    (HIDDEN, [2 * 10**4] * 2, "do not fit it"),
    (HIDDEN, [10**12, 10**12], "do not fit it"),
    (HIDDEN, [1] * 10**5, "at most 100 items"),
    (HIDDEN, [64, -64], "hidden_units must be made of positive integers"),
    (OPTIMIZER, _of("os", "system", command=f"touch {MARK}"), PLACE),
    (OPTIMIZER, _of("keras.optimizers", "Adam", learning_rate=_lambda()), PLACE),
    (OPTIMIZER, _of("keras.optimizers", "MultiOptimizer", optimizer_map=MAPPED), r"an optimizer for '\.\*discrim"),
    (("compile_config", "loss"), _lambda(), PLACE),
    (("compile_config", "loss"), {**_of("x", "y", input_shape=[9]), "registered_name": "kerasae>VAEGAN"}, PLACE),
    (
        ("compile_config", "metrics"),
        [_of("keras.metrics", "MeanIoU", num_classes=10**6)],
        "num_classes of MeanIoU is out of bounds",
    ),
    (("compile_config", "metrics"), [_function("shutil", "rmtree")], NO_FUNCTION),
    (("compile_config", "metrics"), _of("keras.layers", "Lambda", function=_lambda()), PLACE),
]


def _with(config, path, value):
    if not path:
        return value
    inner = config
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return config


@pytest.mark.anybackend
@pytest.mark.parametrize(("path", "value", "message"), [row for row in CONFIGS if row[2]])
def test_configs_of_other_objects_are_refused(entry, packed, tmp_path, monkeypatch, path, value, message):
    monkeypatch.chdir(tmp_path)
    text = json.dumps(_with(json.loads((entry / zoo.CONFIG).read_text()), path, value))
    (entry / zoo.CONFIG).write_text(text)
    for place in (signed(entry), repacked(packed, tmp_path / "own.keras", config=text)):
        for weights in (zoo.SHIPPED, None):
            with pytest.raises(ValueError, match=message):
                zoo.load(place, weights=weights)
    assert not Path(MARK).exists()


@pytest.mark.anybackend
def test_config_names_the_class_that_is_registered(entry):
    config = json.loads((entry / zoo.CONFIG).read_text())
    (entry / zoo.CONFIG).write_text(json.dumps(config | {"module": "evil", "class_name": "Evil"}))
    assert type(zoo.load(signed(entry))) is models.DenseAutoencoder


def test_config_with_huge_sizes_takes_no_memory(entry, packed, tmp_path):
    text = json.dumps(_with(json.loads((entry / zoo.CONFIG).read_text()), HIDDEN, [2 * 10**4] * 2))
    (entry / zoo.CONFIG).write_text(text)
    places = [signed(entry), repacked(packed, tmp_path / "own.keras", config=text)]
    zoo.load("deep_sine")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for place in places:
        with pytest.raises(ValueError, match=r"the weights in model\.weights\.h5 do not fit it"):
            zoo.load(place)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


@pytest.mark.parametrize(
    ("cls", "sizes"),
    [
        (models.DenseAutoencoder, {"hidden_units": [10**12]}),
        (models.DenseAutoencoder, {"input_shape": [10**9]}),
        (models.ConvAutoencoder, {"filters": [10**9]}),
        (models.VAEGAN, {"discriminator_units": 10**9}),
    ],
)
def test_config_of_a_model_that_fits_no_memory_is_refused(cls, sizes):
    with pytest.raises(
        ValueError, match="a model of at most 2,147,483,648 weights. This one describes a model of [0-9,]+ weights"
    ):
        cls.from_config({"input_shape": (28, 28, 1)} | sizes)


def test_keras_loads_no_model_that_fits_no_memory(packed, tmp_path):
    with zipfile.ZipFile(packed) as archive:
        config = json.loads(archive.read(zoo.CONFIG))
    text = json.dumps(_with(config, HIDDEN, [10**6, 10**6]))
    with pytest.raises(ValueError, match="describes a model of 2,000,010,000,003 weights"):
        keras.saving.load_model(repacked(packed, tmp_path / "own.keras", config=text))


@pytest.mark.parametrize("make", [denoising, vae, adversarial])
def test_shapes_are_known_without_the_model(make):
    model = make()
    config = keras.saving.serialize_keras_object(model)
    shapes = files.shapes_of(lambda: keras.saving.deserialize_keras_object(config))
    assert sorted(shapes.elements()) == sorted(tuple(weight.shape) for weight in model.weights)
    assert files.of_zeros(make).count_params() == model.count_params()


# JSON


def _fifo(path):
    path.unlink()
    os.mkfifo(path)


def _sparse(path):
    os.truncate(path, 2**23 + 1)


def _elsewhere(path):
    other = path.parent.parent / path.name
    path.rename(other)
    path.symlink_to(other)


JSON = [
    (lambda path: path.write_text(""), "Expecting value"),
    (lambda path: path.write_text("[]"), "expected an object, received list"),
    (lambda path: path.write_text('{"a": NaN}'), "NaN is not a number"),
    (lambda path: path.write_text('{"a": 1e999}'), "not finite"),
    (lambda path: path.write_text('{"a": ' + "9" * 10**5 + "}"), "integer string"),
    (lambda path: path.write_text('{"a": ' + "[" * 33 + "]" * 33 + "}"), "nested deeper than 32 levels"),
    (lambda path: path.write_text('{"a":' * 10**5), "recursion"),
    (lambda path: path.write_text('{"\\u001b[2J": 1}'), "control characters"),
    (lambda path: path.write_bytes(b'{"a": "\xff"}'), "can't decode"),
    (lambda path: path.write_bytes(pickle.dumps({"files": {}})), "can't decode|Expecting value"),
    (_sparse, "at most (8,388,608|1,048,576) bytes"),
    (_fifo, "is missing|is not a zoo entry"),
    (_elsewhere, "is a link to"),
    (lambda path: (path.unlink(), path.mkdir()), "is missing|is not a zoo entry"),
]


@pytest.mark.anybackend
@pytest.mark.parametrize(("change", "message"), JSON)
@pytest.mark.parametrize("file", [zoo.METADATA, zoo.CONFIG])
def test_json_that_is_damaged_is_refused(entry, file, change, message):
    change(entry / file)
    if file == zoo.CONFIG and (entry / file).is_file():
        signed(entry)
    with pytest.raises(ValueError, match=message):
        zoo.load(entry)


CARD = [
    ((), [], "expected an object"),
    (("files",), None, "it has no checksums"),
    (("files",), [zoo.CONFIG, zoo.WEIGHTS], "it has no checksums"),
    (("files", zoo.WEIGHTS), 1, "it has no checksums"),
    (("files", "../../etc/passwd"), "0" * 64, None),
    (("files", zoo.GOLDEN), "0" * 64, "golden.npz is not the file its card describes"),
    (("files", zoo.GOLDEN), None, "golden.npz is not the file its card describes"),
    (("format",), 2, "must have format 1. Received format '2'.*upgrade kerasae"),
    (("format",), "x" * 1000, "must have format 1"),
    (("format",), None, "must have format 1"),
]
OLD_GOLDEN = [
    ((), None, None),
    (("golden",), None, "The golden outputs"),
    (("golden", "code"), [[0.0] * 10**4] * 2, "The golden outputs.*must have shapes"),
    (("golden", "code"), [[0.0], []], "The golden outputs"),
    (("golden", "code"), [[None], [0.0]], "The golden outputs.*finite numbers"),
    (("golden", "code"), [[10**400], [0.0]], "The golden outputs"),
    (("golden", "code"), "code", "The golden outputs"),
    (("golden", "more"), [[0.0], [0.0]], "The golden outputs.*must have shapes"),
]


@pytest.mark.anybackend
@pytest.mark.parametrize(("path", "value", "message"), OLD_GOLDEN)
def test_card_of_version_0_1_with_golden_outputs_in_it_is_verified(entry, path, value, message):
    card = json.loads((entry / zoo.METADATA).read_text())
    card["golden"] = {key: array.tolist() for key, array in zoo.golden(entry).items()}
    del card["format"], card["files"][zoo.GOLDEN]
    (entry / zoo.GOLDEN).unlink()
    (entry / zoo.METADATA).write_text(json.dumps(_with(card, path, value) if path else card))
    if message:
        with pytest.raises(ValueError, match=message):
            zoo.verify(entry)
    else:
        assert all(difference.is_tolerable for difference in zoo.verify(entry).values())


@pytest.mark.anybackend
@pytest.mark.parametrize(("path", "value", "message"), CARD)
def test_card_that_is_damaged_is_refused(entry, path, value, message, capsys):
    card = json.loads((entry / zoo.METADATA).read_text())
    (entry / zoo.METADATA).write_text(json.dumps(_with(card, path, value)))
    assert cli.main(["verify", str(entry)]) == (1 if message else 0)
    if message:
        with pytest.raises(ValueError, match=message):
            zoo.verify(entry)


FACTS = [
    ("info", ("input",), None),
    ("info", ("input", "range"), ["x", "y"]),
    ("info", ("figures", "mse"), "x"),
    ("info", ("recipe",), []),
    ("info", ("parameters",), {}),
    ("evaluate", ("data",), "os"),
    ("evaluate", ("data",), "named"),
    ("evaluate", ("data",), ["sine"]),
    ("evaluate", ("figures",), 3),
    ("evaluate", ("figures", "mse"), []),
    ("evaluate --update again", ("name",), "../deep_sine"),
    ("evaluate --update again", ("recipe",), {"__class__": 1}),
]


@pytest.mark.anybackend
@pytest.mark.parametrize(("command", "path", "value"), FACTS)
def test_card_with_other_facts_is_an_error_without_a_traceback(entry, command, path, value, monkeypatch, capsys):
    monkeypatch.chdir(entry.parent)
    card = json.loads((entry / zoo.METADATA).read_text())
    (entry / zoo.METADATA).write_text(json.dumps(_with(card, path, value)))
    command, *options = command.split()
    status, goes_on = cli.main([command, str(entry), *options]), command == "evaluate" and not options
    printed = capsys.readouterr()
    assert status == (1 if goes_on else 2)
    assert ("FAILED: " in printed.out) if goes_on else ("kerasae: " in printed.err)
    assert not Path("again").exists()


# Weights


def _h5(change):
    """Change the first array of the file with a function of its group and its name."""

    def apply(path):
        with h5py.File(path, "a") as file:
            group = file["encoder/layers/dense/vars"]
            kernel = group["0"][()]
            del group["0"]
            change(group, kernel)

    return apply


def _planes(group, chunks, **kwargs):
    group.create_dataset("0", chunks=chunks, shuffle=True, **kwargs)


def _external(group, kernel):
    group.create_dataset("0", kernel.shape, "float32", external=[("/etc/passwd", 0, kernel.nbytes)])


def _virtual(group, kernel):
    layout = h5py.VirtualLayout(kernel.shape, "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "0", kernel.shape)
    group.create_virtual_dataset("0", layout)


def _named_type(group, kernel):
    group["0"] = np.dtype("float32")


def _many(path):
    with h5py.File(path, "a") as file:
        for i in range(MAX_ITEMS):
            file.create_group(f"g{i}")


def _cycle(path):
    with h5py.File(path, "a") as file:
        file["encoder/again"] = file["encoder"]


def _cut(path):
    os.truncate(path, path.stat().st_size // 2)


def _written(content):
    return lambda path: path.write_bytes(content)


OTHER = "the weights of another model"
STORED = "must be stored uncompressed"
WEIGHTS = {
    "empty": (_written(b""), "can't be read"),
    "text": (_written(b"weights"), "can't be read"),
    "pickle": (_written(pickle.dumps([np.zeros(3)])), "can't be read"),
    "start only": (_written(b"\x89HDF\r\n\x1a\n"), "can't be read"),
    "cut": (_cut, "can't be read"),
    "cycle": (_cycle, "more groups and arrays than a model has"),
    "many groups": (_many, "more groups and arrays than a model has"),
    "soft link": (_h5(lambda g, k: g.update({"0": h5py.SoftLink("/encoder/layers/dense_1/vars/0")})), "has a link at"),
    "external link": (_h5(lambda g, k: g.update({"0": h5py.ExternalLink("/etc/passwd", "/")})), "has a link at"),
    "external": (_h5(_external), STORED),
    "virtual": (_h5(_virtual), STORED),
    "compressed": (_h5(lambda g, k: g.create_dataset("0", data=k, compression="gzip")), STORED),
    "compressed bomb": (_h5(lambda g, k: g.create_dataset("0", (10**6, 10**6), "f4", compression="gzip")), STORED),
    "planes, compressed": (_h5(lambda g, k: _planes(g, k.shape, data=k, compression="gzip")), STORED),
    "planes, nothing stored": (_h5(lambda g, k: _planes(g, k.shape, shape=k.shape, dtype="f4")), STORED),
    "planes in pieces": (_h5(lambda g, k: _planes(g, (1, k.shape[1]), data=k)), STORED),
    "planes that may grow": (_h5(lambda g, k: _planes(g, k.shape, data=k, maxshape=(None, None))), STORED),
    "planes, checked": (_h5(lambda g, k: _planes(g, k.shape, data=k, fletcher32=True)), STORED),
    "chunked bomb": (_h5(lambda g, k: g.create_dataset("0", (10**6, 10**6), "f4", chunks=(9, 9))), STORED),
    "bomb": (_h5(lambda g, k: g.create_dataset("0", (10**6, 10**6), "f4")), STORED),
    "2**64 numbers": (_h5(lambda g, k: g.create_dataset("0", (2**32, 2**32), "f4", chunks=(9, 9))), STORED),
    "nothing stored": (_h5(lambda g, k: g.create_dataset("0", k.shape, "f4")), STORED),
    "no shape": (_h5(lambda g, k: g.create_dataset("0", data=h5py.Empty("f4"))), "neither a group nor an array"),
    "named type": (_h5(_named_type), "neither a group nor an array"),
    "texts": (_h5(lambda g, k: g.create_dataset("0", data=[["a"]])), "expected numbers"),
    "truths": (_h5(lambda g, k: g.create_dataset("0", data=k > 0)), "expected numbers"),
    "references": (_h5(lambda g, k: g.create_dataset("0", data=g.ref, dtype=h5py.ref_dtype)), "expected numbers"),
    "compound": (_h5(lambda g, k: g.create_dataset("0", data=np.zeros(k.shape, "f4,f4"))), "expected numbers"),
    "opaque": (_h5(lambda g, k: g.create_dataset("0", data=k.astype("f2").view("V2"))), "expected numbers"),
    "long double": (_h5(lambda g, k: g.create_dataset("0", data=k.astype("longdouble"))), "expected numbers"),
    "double": (_h5(lambda g, k: g.create_dataset("0", data=k.astype("f8"))), OTHER),
    "big-endian": (_h5(lambda g, k: g.create_dataset("0", data=k.astype(">f4"))), OTHER),
    "integers": (_h5(lambda g, k: g.create_dataset("0", data=k.astype("i4"))), OTHER),
    "other shape": (_h5(lambda g, k: g.create_dataset("0", data=k.T)), OTHER),
    "missing": (_h5(lambda g, k: None), OTHER),
    "other name": (_h5(lambda g, k: g.create_dataset("00", data=k)), OTHER),
    "more": (_h5(lambda g, k: g.update({"0": k, "9": k})), OTHER),
    "NaN": (_h5(lambda g, k: g.create_dataset("0", data=k * np.float32("nan"))), "NaN or infinity"),
    "pipe": (_fifo, "not a regular file"),
    "directory": (lambda path: (path.unlink(), path.mkdir()), "not a regular file"),
}


@pytest.mark.anybackend
@pytest.mark.parametrize("kind", WEIGHTS)
def test_files_without_the_weights_of_a_model_are_refused(entry, intact, packed, tmp_path, kind):
    change, message = WEIGHTS[kind]
    path = Path(shutil.copy(entry / zoo.WEIGHTS, tmp_path / "own.weights.h5"))
    change(path)
    before = intact.get_weights()
    for load in (intact.load_weights, lambda path: zoo.load_weights(intact, path)):
        with pytest.raises(ValueError, match=message):
            load(path)
    for old, new in zip(before, intact.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    if path.is_file():
        shutil.copy(path, entry / zoo.WEIGHTS)
        repacked(packed, tmp_path / "own.keras", weights=path.read_bytes())
        places = [signed(entry), tmp_path / "own.keras"]
        for place in places:
            with pytest.raises(ValueError, match=rf"{message}|do not fit it"):
                zoo.load(place)


def _with_state(model, value):
    """Give the optimizer a state, as training does."""
    if not model.compiled:
        model.compile()
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:
        variable.assign(np.full(variable.shape, value).astype(variable.dtype))


def test_weights_and_optimizer_stay_as_they_were_if_a_file_is_damaged(tmp_path):
    """Keras has loaded most variables when it finds one that does not fit."""
    model, other, path = dense(), dense(), tmp_path / "own.weights.h5"
    for each, value in ((model, 1.0), (other, 2.0)):
        _with_state(each, value)
    other.save_weights(path)
    with h5py.File(path, "a") as file:
        variables = file["optimizer/vars"]
        last = str(len(variables) - 1)
        del variables[last]
        variables[last] = np.zeros(10**4, "float32")
    variables = [*model.weights, *model.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    with pytest.raises(ValueError, match="is damaged; no weights were loaded"):
        model.load_weights(path)
    for old, new in zip(before, variables, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_optimizer_state_that_is_not_finite_is_refused(tmp_path, value):
    model, other = dense(), dense()
    _with_state(model, 1.0)
    _with_state(other, 2.0)
    for name in ("own.weights.h5", "own.keras"):
        other.save_weights(tmp_path / name) if name.endswith("h5") else other.save(tmp_path / name)
    with h5py.File(tmp_path / "own.weights.h5", "a") as file:
        file["optimizer/vars/3"][...] = value
    repacked(tmp_path / "own.keras", tmp_path / "own.keras", weights=(tmp_path / "own.weights.h5").read_bytes())
    variables = [*model.weights, *model.optimizer.variables]
    before = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    for name in ("own.weights.h5", "own.keras"):
        with pytest.raises(
            ValueError, match="is damaged; no weights were loaded. optimizer/vars/3 has NaN or infinity"
        ):
            model.load_weights(tmp_path / name)
    with pytest.raises(ValueError, match="optimizer/vars/3 has NaN or infinity"):
        zoo.load(tmp_path / "own.keras")
    for old, new in zip(before, variables, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(new))
    zoo.load_weights(model, tmp_path / "own.weights.h5")  # which ignores the optimizer's state
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_weights_of_half_precision_are_loaded_unchanged(tmp_path):
    model, other = (models.LinearAutoencoder((3,), dtype="bfloat16") for _ in range(2))
    model.save_weights(tmp_path / "own.weights.h5")
    other.load_weights(tmp_path / "own.weights.h5")
    model.save(tmp_path / "own.keras")
    for again in (other, zoo.load(tmp_path / "own.keras")):
        for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_planes_of_bytes_change_the_storage_of_weights_and_nothing_else(tmp_path, dtype):
    model, other = (models.DenseAutoencoder((28, 28, 1), (64,), 8, dtype=dtype) for _ in range(2))
    model.save_weights(path := tmp_path / "own.weights.h5")
    before = files.shapes_in(path)
    with h5py.File(path) as file:
        assert not file["encoder/layers/dense/vars/0"].shuffle
    files.store_in_planes(path)
    with h5py.File(path) as file:
        assert file["encoder/layers/dense/vars/0"].shuffle
        assert not file["encoder/layers/dense/vars/1"].shuffle  # small
    assert files.shapes_in(path) == before
    zoo.load_weights(other, path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    keras.Model.load_weights(other, path)  # Keras reads them without our help


def test_planes_of_bytes_are_smaller_in_archives(tmp_path):
    model = zoo.load("dense8_mnist")
    model.save_weights(path := tmp_path / "own.weights.h5")
    before = len(zlib.compress(path.read_bytes()))
    files.store_in_planes(path)
    assert len(zlib.compress(path.read_bytes())) < 0.95 * before


def test_file_stays_as_it_was_if_there_is_no_room_for_planes(tmp_path, monkeypatch):
    def require_room(path, size):
        path.touch()
        raise OSError("No space left on device")

    models.LinearAutoencoder((100,), 50).save_weights(path := tmp_path / "own.weights.h5")
    before = path.read_bytes()
    monkeypatch.setattr(planes, "require_room", require_room)
    with pytest.raises(OSError, match="No space left"):
        files.store_in_planes(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# Whole models


def test_keras_file_is_loaded_with_its_optimizers_state(tmp_path):
    model = adversarial()
    model.compile("adam", discriminator_optimizer="sgd", metrics=["mse", keras.metrics.MeanAbsoluteError()])
    _with_state(model, 0.5)
    model.save(tmp_path / "own.keras")
    loaded = zoo.load(tmp_path / "own.keras")
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
    loaded.load_weights(tmp_path / "own.keras")
    untrained = zoo.load(tmp_path / "own.keras", weights=None)
    assert untrained.compiled
    assert not np.array_equal(untrained.get_weights()[0], loaded.get_weights()[0])


def _zip(**changes):
    """Pack the file again with other contents by name (None: without it) and the compression `mode`."""

    def apply(path):
        mode = changes.get("mode", zipfile.ZIP_STORED)
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        contents |= changes.get("contents", {})
        with zipfile.ZipFile(path, "w", mode) as archive:
            for name, content in contents.items():
                if content is not None:
                    archive.writestr(name, content)

    return apply


def _twice(path):
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr(zoo.CONFIG, "{}")


def _flip(at):
    def apply(path):
        content = bytearray(path.read_bytes())
        content[at(content)] ^= 1
        path.write_bytes(content)

    return apply


KERAS_FILES = {
    "empty": (_written(b""), "is not a zip file"),
    "pickle": (_written(pickle.dumps({})), "is not a zip file"),
    "cut": (_cut, "is not a zip file"),
    "flipped in the config": (_flip(lambda content: content.index(b"hidden_units")), "Bad CRC-32"),
    "flipped in the weights": (_flip(lambda content: content.index(b"HDF") + 30_000), "Bad CRC-32"),
    "path outside": (_zip(contents={"../own": b"x"}), r"in it, received \.\./own"),
    "absolute path": (_zip(contents={"/tmp/own": b"x"}), "in it, received /tmp/own"),
    "more": (_zip(contents={"assets/own": b"x"}), "in it, received assets/own"),
    "pickled weights": (_zip(contents={zoo.WEIGHTS: None, "model.weights.npz": b"x"}), "received .*npz"),
    "no config": (_zip(contents={zoo.CONFIG: None}), "expected config.json, "),
    "config twice": (_twice, "received config.json, config.json"),
    "compressed": (_zip(mode=zipfile.ZIP_DEFLATED), "must be stored uncompressed"),
    "bomb": (_zip(mode=zipfile.ZIP_LZMA, contents={zoo.CONFIG: bytes(10**7)}), "must be stored uncompressed"),
    "pipe": (_fifo, "not a regular file"),
}


@pytest.mark.anybackend
@pytest.mark.parametrize("kind", KERAS_FILES)
def test_keras_file_that_is_damaged_is_refused(intact, packed, tmp_path, kind):
    change, message = KERAS_FILES[kind]
    path = Path(shutil.copy(packed, tmp_path / "own.keras"))
    change(path)
    for load in (zoo.load, intact.load_weights):
        with pytest.raises(ValueError, match=message):
            load(path)
    assert not (tmp_path.parent / "own").exists()


@pytest.mark.anybackend
def test_missing_keras_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"No file at nowhere\.keras"):
        zoo.load("nowhere.keras")


@pytest.mark.anybackend
def test_randomly_changed_files_are_refused_or_loaded_correctly():
    """In a new process, where a crash is a status and a hang is a signal, and memory can be measured."""
    environment = os.environ | {"KERAS_BACKEND": BACKEND, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), "0", "400"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stderr[-3000:]
    report = json.loads(run.stdout)
    assert sum(report["outcomes"].values()) == 400
    # The rarest outcome is that of about 2 % of the files, so of eight.
    assert all(n > 5 for n in report["outcomes"].values()) and len(report["outcomes"]) == 8
    assert report["kilobytes_after"] - report["kilobytes_before"] < MEMORY
