"""Change real files at random and load them: each is refused with a ValueError, or loaded correctly.

`python tests/fuzz.py SEED CASES`, on the backend of `KERAS_BACKEND`. It ends with the signal ALRM if a case hangs,
and with an AssertionError if a case fails; `SEED FIRST-LAST` repeats some cases of a run.
"""

import collections
import contextlib
import copy
import io
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

import kerasae
from kerasae import files, text, zoo

SECONDS = 60  # for one case, many times its usual duration
ENTRIES = ("linear_sine",) * 8 + ("deep_sine",) * 4 + ("vae2_mnist",)  # small files more often
CODE = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "function"}
LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wAAAA==", None, None]}}
SLOW = "(.*.*.*.*.*.*.*.*.*.*.*)*x"  # a regular expression that takes forever to match
HOSTILE = [
    *(None, True, -1, 0, 1, 3, 0.5, 1e308, 10**6, 10**12, 2**63, 10**400, "", "x" * 5000, "../../etc/passwd"),
    *("relu", "linear", "float16", "int8", "\x1b[2J", "\ud800", [], {}, [1], [2, 1], [10**6] * 3, [1] * 5000),
    *([[[[[[[1]]]]]]], {"a": {"b": {}}}, CODE, LAMBDA, {**CODE, "module": "os", "config": "system"}),
    {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": None},
    {"module": "keras.layers", "class_name": "Lambda", "config": {"function": LAMBDA}, "registered_name": None},
    {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://x"}, "registered_name": None},
    {"module": "keras.src.models.model", "class_name": "Model", "config": {}, "registered_name": None},
    {"module": "keras.metrics", "class_name": "MeanIoU", "config": {"num_classes": 10**5}, "registered_name": None},
    {"module": "keras.optimizers", "class_name": "Muon", "config": {"exclude_layers": [SLOW]}, "registered_name": None},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 10**6}, "registered_name": None},
    {SLOW: {"module": "keras.optimizers", "class_name": "SGD", "config": {}, "registered_name": None}},
    {"module": "keras.optimizers", "class_name": "SGD", "config": {"learning_rate": "x"}, "registered_name": None},
    {
        "module": "kerasae.layers",
        "class_name": "MaskPixels",
        "config": {"rate": 0.5},
        "registered_name": "kerasae>Mask",
    },
]
# Keys that Keras looks for in a config, and arguments that cost time or memory.
MEANINGFUL = (
    *("class_name", "config", "module", "registered_name", "build_config", "compile_config", "shared_object_id"),
    *("optimizer", "optimizer_map", "default_optimizer", "inner_optimizer", "exclude_layers", "ns_steps", "fn"),
    *("loss", "metrics", "weighted_metrics", "steps_per_execution", "jit_compile", "num_classes", "num_thresholds"),
    *("noise", "dtype", "input_shape", "hidden_units", "kernel_initializer", "learning_rate"),
)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Change, cut off, insert or copy some bytes."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at, kind = rng.randrange(len(content) + 1), rng.randrange(6)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at : at + 1] = bytes([rng.choice((0, 1, 127, 128, 255))])
        elif kind == 2:  # an address or a size in HDF5 and zip
            number = rng.choice((0, 1, 2**16, 2**40, 2**64 - 1, rng.randrange(len(content) + 1)))
            content[at : at + 8] = number.to_bytes(8, "little")
        elif kind == 3:
            del content[at:]
        elif kind == 4:
            content[at:at] = rng.randbytes(rng.randrange(1, 9))
        else:
            start, length = rng.randrange(len(content) + 1), rng.randrange(1, 64)
            content[at : at + length] = content[start : start + length]
    return bytes(content)


def twisted(content: bytes, rng: random.Random) -> bytes:
    """Change some values of a JSON file."""
    document = json.loads(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(document))
        if not places:
            break
        inside, key = rng.choice(places)
        kind = rng.randrange(10)
        if kind == 0:
            del inside[key]
        elif kind == 6:  # the value of another key
            other, at = rng.choice(places)
            _insert(inside, rng.choice(_keys(places)), copy.deepcopy(other[at]))
        elif kind == 7:  # a dict with the keys of another dict too
            dicts = [other[at] for other, at in places if isinstance(other[at], dict)] + [CODE, LAMBDA]
            if isinstance(inside[key], dict):
                inside[key] |= copy.deepcopy(rng.choice(dicts))
        elif kind == 8:  # one level deeper
            wrappers = ("config", "class_name", "optimizer", "default_optimizer", "optimizer_map", "loss", "fn", "x")
            inside[key] = rng.choice(({rng.choice(wrappers): inside[key]}, [inside[key]], {**CODE, "x": inside[key]}))
        elif kind == 9:  # a hostile value under a meaningful key
            _insert(inside, rng.choice((*_keys(places), *MEANINGFUL)), copy.deepcopy(rng.choice(HOSTILE)))
        elif kind == 1:
            other, at = rng.choice(places)
            inside[key] = json.loads(json.dumps(other[at]))
        elif kind == 2 and isinstance(inside[key], (int, float)):
            inside[key] = rng.choice((inside[key] + 1, -inside[key], inside[key] * 10**6, inside[key] * 0.5))
        elif kind == 3 and isinstance(inside, dict):
            inside[rng.choice((key + "x", "class_name", "config", "name", "dtype", "weights"))] = inside.pop(key)
        else:
            inside[key] = copy.deepcopy(rng.choice(HOSTILE))
    result = json.dumps(document)
    if rng.random() < 0.02:
        result = result.replace("null", "[" * 100_000 + "]" * 100_000, 1)
    return result.encode()


def _keys(places):
    """All names of values."""
    return [key for _, key in places if isinstance(key, str)]


def _insert(inside, key, value):
    """Put a value into a dict under a key, or into a list."""
    if isinstance(inside, dict):
        inside[key] = value
    else:
        inside.append(value)


def _places(document):
    """Container and key of every value."""
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])


def own_models(directory: Path) -> list[Path]:
    """`.keras` files of models with parts that no entry has."""
    plain = kerasae.models.ConvAutoencoder((9, 7, 1), (3, 2), noise=kerasae.layers.FlipPixels(0.1))
    plain.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 9)), metrics=["mse"])
    adversarial = kerasae.models.AdversarialAutoencoder((5,), (4,), 3, (4,))
    adversarial.compile(discriminator_optimizer="sgd", metrics=[keras.metrics.MeanAbsoluteError()])
    paths = [directory / "plain.keras", directory / "adversarial.keras"]
    for model, path in zip((plain, adversarial), paths, strict=True):
        model.optimizer.build(model.trainable_variables)
        model.save(path)
    return paths


def held(path) -> dict[str, np.ndarray]:
    """Arrays of a weights file, read by h5py, without the optimizer's state."""

    def under(group, prefix):
        for key, item in group.items():
            if isinstance(item, h5py.Dataset):
                yield prefix + key, item[()]
            else:
                yield from under(item, f"{prefix}{key}/")

    with h5py.File(path) as file:
        return {key: value for key, value in under(file, "") if not key.startswith("optimizer/")}


def keys_of(model) -> list[str]:
    """Paths of `model.weights` in a weights file."""
    before = model.get_weights()
    model.set_weights([np.full_like(array, i) for i, array in enumerate(before)])
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, zoo.WEIGHTS)
        keras.Model.save_weights(model, path)
        numbered = {int(array.flat[0]): key for key, array in held(path).items()}
    model.set_weights(before)
    return [numbered[i] for i in range(len(before))]


class Fuzz:
    """The files, and one method for each way of changing and loading them, which returns `loaded` or `refused`."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.entries = {name: zoo.store.root() / name for name in set(ENTRIES)}
        for name, entry in self.entries.items():
            shutil.copytree(entry, directory / name)
        self.models = {name: zoo.load(name) for name in set(ENTRIES)}
        self.keras_files = own_models(directory)
        self.keys = {name: keys_of(model) for name, model in self.models.items()}
        self.keys |= {path.name: keys_of(zoo.load(path)) for path in self.keras_files}
        for name in set(ENTRIES):
            zoo.verify(name)

    def entry_as_it_came(self, rng):
        """An entry with a changed file and its original card."""
        name, file = rng.choice(ENTRIES), rng.choice((zoo.CONFIG, zoo.WEIGHTS, zoo.GOLDEN, zoo.METADATA, zoo.METADATA))
        return self._entry(name, file, rng, signed=False)

    def signed_entry(self, rng):
        """An entry with a changed file, whose card has the new checksum."""
        return self._entry(
            rng.choice(ENTRIES), rng.choice((zoo.CONFIG,) * 4 + (zoo.WEIGHTS, zoo.GOLDEN)), rng, signed=True
        )

    def _entry(self, name, file, rng, signed):
        directory = self.directory / name
        for each in (zoo.CONFIG, zoo.WEIGHTS, zoo.GOLDEN, zoo.METADATA):
            shutil.copy(self.entries[name] / each, directory / each)
        self._change(directory / file, rng)
        if signed:
            card = json.loads((directory / zoo.METADATA).read_text())
            card["files"][file] = files.sha256((directory / file).read_bytes())
            (directory / zoo.METADATA).write_text(json.dumps(card))
        if file == zoo.GOLDEN:
            return "loaded" if self._load(lambda: zoo.verify(directory)) else "refused"
        if file == zoo.METADATA:
            self._load(lambda: self._read(directory))
            if rng.random() < 0.2:
                self._load(lambda: zoo.verify(directory))
        model = self._load(lambda: zoo.load(directory))
        if model is None:
            return "refused"
        stated = zoo.store.read_card(directory)["files"][zoo.WEIGHTS]
        assert files.sha256((directory / zoo.WEIGHTS).read_bytes()) == stated
        self._holds(model, name, directory / zoo.WEIGHTS)
        return "loaded"

    def _read(self, directory):
        with zoo.reading(directory) as metadata, contextlib.redirect_stdout(io.StringIO()):
            print(text.card(metadata))

    def weights(self, rng):
        """A changed weights file, loaded into a model by each of the two functions."""
        name = rng.choice(ENTRIES)
        model, path = self.models[name], self.directory / "own.weights.h5"
        path.write_bytes(damaged((self.entries[name] / zoo.WEIGHTS).read_bytes(), rng))
        before = model.get_weights()
        load = rng.choice((model.load_weights, lambda path: zoo.load_weights(model, path)))
        loaded = self._load(lambda: load(path) or True)
        if loaded:
            self._holds(model, name, path)
            model.set_weights(before)
            return "loaded"
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        return "refused"

    def keras_file(self, rng):
        """A `.keras` file with changed bytes, or packed again with a changed file in it."""
        source, path = rng.choice(self.keras_files), self.directory / "own.keras"
        if rng.random() < 0.5:
            path.write_bytes(damaged(source.read_bytes(), rng))
        else:
            with zipfile.ZipFile(source) as archive:
                contents = {name: archive.read(name) for name in archive.namelist()}
            name = rng.choice((zoo.CONFIG, zoo.CONFIG, zoo.WEIGHTS))
            contents[name] = (twisted if name == zoo.CONFIG else damaged)(contents[name], rng)
            if rng.random() < 0.05:
                contents[rng.choice(("../x", "/tmp/x", "assets/x", "model.weights.npz"))] = contents.pop(name)
            with zipfile.ZipFile(path, "w", rng.choice((zipfile.ZIP_STORED,) * 9 + (zipfile.ZIP_DEFLATED,))) as archive:
                for name, content in contents.items():
                    archive.writestr(name, content)
        model = self._load(lambda: zoo.load(path))
        if model is None:
            return "refused"
        with zipfile.ZipFile(path) as archive:
            self._holds(model, source.name, io.BytesIO(archive.read(zoo.WEIGHTS)))
        return "loaded"

    def _change(self, path, rng):
        is_text = path.suffix == ".json" and rng.random() < 0.7
        path.write_bytes((twisted if is_text else damaged)(path.read_bytes(), rng))

    def _load(self, load):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras's, of an optimizer's state that does not fit
                return load()
        except ValueError as error:
            assert str(error)
            return None

    def _holds(self, model, name, file):
        """The model has the weights that h5py reads from the file."""
        expected, found = held(file), dict(zip(self.keys[name], model.get_weights(), strict=True))
        assert expected.keys() == found.keys()
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value, key)


def main(seed: int, first: int, last: int) -> None:
    kinds = ("entry_as_it_came", "signed_entry", "weights", "keras_file")
    with tempfile.TemporaryDirectory() as name:
        fuzz = Fuzz(Path(name))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcomes = collections.Counter()
        for case in range(first, last):
            kind = kinds[case % len(kinds)]
            print(f"\rcase {case}", end="", file=sys.stderr, flush=True)
            signal.alarm(SECONDS)
            outcomes[f"{kind} {getattr(fuzz, kind)(random.Random(f'{seed}-{case}'))}"] += 1
        signal.alarm(0)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"outcomes": outcomes, "kilobytes_before": before, "kilobytes_after": after}))


if __name__ == "__main__":
    first, _, last = sys.argv[2].rpartition("-")
    main(int(sys.argv[1]), int(first or 0), int(last))
