"""The user's own arrays, tables, series and names, read by `data.load`."""

import dataclasses
import importlib
import importlib.metadata

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from kerasae import data
from kerasae.cli import main
from kerasae.data import loading
from kerasae.data.files import from_arrays
from kerasae.zoo import recipes, train

pytestmark = pytest.mark.anybackend

IRIS = load_iris()
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 4), "uint8")


# Arrays


@pytest.mark.parametrize("keys", [("x", "y"), ("x_train", "y_train"), ("x_test", "y_test"), ("pictures",)])
def test_arrays_of_an_npz_file_are_found_by_their_names(keys, tmp_path):
    np.savez(tmp_path / "own.npz", **dict(zip(keys, (PIXELS, np.arange(6)), strict=False)))
    source = data.load(tmp_path / "own.npz")
    np.testing.assert_array_equal(source.x, PIXELS[..., None] / np.float32(255))
    assert source.kind == "image" and source.input_shape == (5, 4, 1) and source.test is None
    assert (source.y is None) == (len(keys) == 1)


def test_the_test_set_of_a_file_stays_apart(tmp_path):
    np.savez(tmp_path / "own.npz", x_train=PIXELS, y_train=np.arange(6), x_test=PIXELS[:2], y_test=[7, 8])
    source = data.load(tmp_path / "own.npz")
    assert len(source) == 6 and len(source.test) == 2 and source.test.y.tolist() == [7, 8]
    train, held_out = source.split(2)
    assert (len(train), len(held_out), train.test, held_out.test) == (4, 2, source.test, None)
    assert data.own(tmp_path / "own.npz")[1].tolist() == [7, 8]


def test_other_arrays_are_used_unchanged():
    x = np.random.default_rng(0).normal(size=(5, 3))
    source = data.load(x)
    assert source.x is x and source.preprocessing is None and source.kind == "array"
    assert data.load((x, np.arange(5))).y.tolist() == [0, 1, 2, 3, 4]
    assert data.load(source) is source
    assert data.load(data.sine()).test.x.shape == data.load("sine").x.shape == (1000, 2)


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"a": PIXELS, "b": PIXELS}, r"own\.npz can't be read as inputs: .*x_train and x_test.* Received: a, b\."),
        ({"x": PIXELS, "y": [1]}, "own.npz must have one label per input"),
        ({"x": np.zeros((0, 3))}, r"own\.npz must have shape \(n, \.\.\.\) with at least one input"),
        ({"x": np.zeros(3)}, r"own\.npz must have shape"),
    ],
)
def test_arrays_that_are_not_inputs_are_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        data.load(tmp_path / "own.npz")


def test_errors_for_data_that_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match="No file or folder at mnits. .*Did you mean 'mnist'"):
        data.load("mnits")
    with pytest.raises(FileNotFoundError, match=r"No file or folder at .*gone\.csv"):
        data.load(tmp_path / "gone.csv")
    with pytest.raises(ValueError, match="Received an empty string"):  # and not the current directory
        data.load("")
    with pytest.raises(TypeError, match="Expected a folder or list of pictures, .*Received: int"):
        data.load(3)
    with pytest.raises(TypeError, match="used unchanged and take no options. Received: size"):
        data.load(PIXELS, size=3)
    with pytest.raises(TypeError, match="must be numbers. Received an array of <U1"):
        from_arrays(np.array([["a"]]))


# Tables


def csv(path, rows, head="", delimiter=","):
    lines = [delimiter.join(map(str, row)) for row in rows]
    path.write_text("\n".join([head, *lines] if head else lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("head", ["", "a,b,c,d"])
def test_a_csv_file_is_standardized_with_and_without_names(delimiter, head, tmp_path):
    path = csv(tmp_path / "iris.csv", IRIS.data, head.replace(",", delimiter), delimiter)
    source = data.load(path)
    np.testing.assert_array_equal(source.raw, IRIS.data)
    np.testing.assert_allclose(source.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(source.x.std(axis=0), 1, rtol=1e-5)
    assert source.x.dtype == np.float32 and source.kind == "table"
    expected = tuple("abcd") if head else tuple(f"column {i}" for i in (1, 2, 3, 4))
    assert source.preprocessing.columns == expected
    assert source.description == f"150 rows of 4 columns from {path}, standardized"


def test_the_scaler_is_fitted_to_the_training_part_only():
    source = data.table(Frame(dict(zip("abcd", IRIS.data.T, strict=True))))
    train, held_out = source.split(0.2, seed=3)
    np.testing.assert_allclose(train.preprocessing.mean, train.raw.mean(axis=0))
    assert train.preprocessing == held_out.preprocessing != source.preprocessing
    np.testing.assert_allclose(held_out.preprocessing.inverse(held_out.x), held_out.raw, rtol=1e-5)
    assert (len(train), len(held_out)) == (120, 30)


@pytest.mark.parametrize("names", [True, False])
def test_a_column_of_labels_becomes_classes(names, tmp_path):
    rows = [[*row, IRIS.target_names[y]] for row, y in zip(IRIS.data, IRIS.target, strict=True)]
    path = csv(tmp_path / "iris.csv", rows, "a,b,c,d,species" if names else "")
    source = data.load(path, label="species" if names else "column 5")
    assert source.input_shape == (4,) and source.class_names == tuple(IRIS.target_names)
    np.testing.assert_array_equal(source.y, IRIS.target)
    assert data.load(path, columns=["b"] if names else ["column 2"]).raw[:, 0].tolist() == IRIS.data[:, 1].tolist()


def test_the_row_numbers_that_pandas_writes_are_left_out(tmp_path):
    path = csv(tmp_path / "t.csv", [(i, x) for i, x in enumerate((3.5, 1.5, 2.5))], ",value")
    source = data.load(path)
    assert source.raw.tolist() == [[3.5], [1.5], [2.5]] and "without the row numbers" in source.description


BAD_FILES = {
    "a,b\n1,2\n3,\n5,6": r"t\.csv: column 'b' must have numbers\. Received no value in line 3\. Fill in",
    "a,b\n1,2\n\n3,NA\n,6": r"column 'b' .* Received no value in line 4 \(2 such values in 2 columns\)",
    "a,b\n1,2\n3,inf": r"column 'b' must have numbers\. Received 'inf' in line 3",
    "a,city\n1,Berlin\n3,Rome": r"column 'city' .* Received 'Berlin' in line 2 .*label=",
    "a;b\n1,5;2\n": r"column 'a' must have numbers\. Received '1,5' in line 2",
    "a,b\n1,2\n3": r"every line must have 2 values\. Received 1 in line 3",
    "a,b\n1,2\n3,4,5": r"every line must have 2 values\. Received 3 in line 3",
    "a,a\n1,2": r"columns must have different names",
    "a,b\n": r"must have rows of numbers\. Received only a header",
    "": r"must have rows of numbers\. Received none",
    b"a,\xff\n1,2": r"must be text in UTF-8",
}


@pytest.mark.parametrize("content", BAD_FILES)
def test_a_table_that_is_not_numbers_is_refused_by_column_and_row(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=BAD_FILES[content]):
        data.load(tmp_path / "t.csv")


def test_unknown_columns_and_missing_labels_are_named(tmp_path):
    path = csv(tmp_path / "t.csv", [(1, "x"), (2, "")], "size,kind")
    with pytest.raises(ValueError, match="No column named 'sise'. Did you mean 'size'"):
        data.load(path, columns=["sise"])
    (tmp_path / "long.csv").write_text("size,kind\n1,2\n3,4,5\n")
    with pytest.raises(ValueError, match="every line must have 2 values. Received 3 in line 3"):
        data.load(tmp_path / "long.csv", columns=["size"])
    with pytest.raises(ValueError, match="Every row must have a label. Received none in column 'kind', row 1 "):
        data.load(path, label="kind")


class Frame:
    """A data frame with the methods that all libraries have."""

    def __init__(self, columns):
        self._columns, self.columns = columns, list(columns)

    def __len__(self):
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name):
        return self._columns[name]

    def to_numpy(self):
        return np.stack(list(self._columns.values()), axis=1)


FRAMES = {
    "ours": lambda: Frame,
    "pandas": lambda: importlib.import_module("pandas").DataFrame,
    "polars": lambda: importlib.import_module("polars").DataFrame,
}


@pytest.mark.parametrize("library", FRAMES)
def test_data_frames_are_tables(library):
    frame = FRAMES[library]()
    wine = load_wine()
    columns = dict(zip(wine.feature_names, wine.data.T, strict=True)) | {"kind": wine.target_names[wine.target]}
    source = data.load(frame(columns), label="kind")
    np.testing.assert_array_equal(source.raw, wine.data)
    assert source.preprocessing.columns == tuple(wine.feature_names) and source.class_names == tuple(wine.target_names)
    with pytest.raises(ValueError, match=r"Column 'kind' must have numbers\. Received 'class_0' in row 0 \(178 such"):
        data.load(frame(columns))
    with pytest.raises(ValueError, match=r"Column 'a' must have numbers\. Received no finite value in row 1"):
        data.load(frame({"a": [1.0, None, 3.0], "b": [1, 2, 3]}))


# Series


def test_windows_and_their_inverse():
    series = np.random.default_rng(0).normal(size=(23, 2))
    for length, stride in ((4, 1), (4, 3), (4, 4)):
        windows = data.windows(series, length, stride)
        assert windows.shape == ((23 - length) // stride + 1, length, 2)
        back = data.per_step(windows, stride, steps=23)
        covered = (len(windows) - 1) * stride + length
        np.testing.assert_allclose(back[:covered], series[:covered])
        assert np.isnan(back[covered:]).all()
    gaps = data.per_step(np.ones((3, 2)), stride=3)
    np.testing.assert_array_equal(gaps, [1, 1, np.nan, 1, 1, np.nan, 1, 1])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: data.windows(np.zeros(3), 4), "at least as many steps as a window. Received 3 steps and length=4"),
        (lambda: data.windows(np.zeros((2, 3, 4)), 2), r"must have shape \(steps, channels\) or \(steps,\)"),
        (lambda: data.windows(np.zeros(3), 0), "length must be a positive integer"),
        (lambda: data.per_step(np.zeros(3)), r"errors must have shape \(n, length\)"),
        (lambda: data.per_step(np.zeros((5, 4)), stride=2, steps=11), "steps must be at least 12"),
        (lambda: data.series([1.0, np.nan, 2.0], length=2), "Received none at step 1, channel 0. Fill the gap"),
    ],
)
def test_invalid_series_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_series_holds_out_its_end(tmp_path):
    values = np.sin(np.arange(200) / 5) * 3 + np.arange(200)
    path = csv(tmp_path / "t.csv", [[value] for value in values], "value")
    source = data.load(path, length=10, stride=2)
    assert source.kind == "series" and source.x.shape == (96, 10, 1) == (len(source), *source.input_shape)
    train, held_out = source.split(0.25)
    assert (len(train.raw), len(held_out.raw)) == (150, 50)
    np.testing.assert_allclose(train.preprocessing.mean, values[:150].mean())
    np.testing.assert_allclose(held_out.preprocessing.inverse(held_out.x[0])[:, 0], values[150:160], rtol=1e-5)
    with pytest.raises(ValueError, match="Each part of a series must have at least 10 steps, the length of a window"):
        source.split(5)


# Names


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(loading, "_registered", {})


def test_registered_data_is_loaded_by_its_name(registry, tmp_path):
    data.register("mine", lambda: data.sine(n=50))
    assert data.named("mine").x_test.shape == data.load("mine").x.shape == (50, 2)
    data.register("mine", csv(tmp_path / "iris.csv", IRIS.data))  # again, without a test set of its own
    x_train, _, x_test, _ = data.named("mine")
    assert (len(x_train), len(x_test)) == (135, 15)
    np.testing.assert_allclose(x_train.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(data.named("mine").x_test, x_test)
    with pytest.raises(ValueError, match="No data set named 'mime'. Did you mean 'mine'"):
        data.named("mime")


def test_a_recipe_takes_registered_data_without_labels(registry, monkeypatch):
    data.register("mine", np.zeros((30, 28, 28, 1), "float32"))
    row = dataclasses.replace(recipes.find("dense8_mnist"), name="mine", data="mine")
    monkeypatch.setitem(recipes.RECIPES, "mine", row)
    _, history = train.train("mine", dataclasses.replace(row.written, epochs=1), hold_out=3, verbose=0)
    assert "val_loss" in history.history


@pytest.mark.parametrize(
    "name, message",
    [("mnist", "'mnist' is the name of a built-in data set"), ("a/b", "not a path"), ("", "must be a word")],
)
def test_names_that_are_taken_or_paths_are_refused(name, message, registry):
    with pytest.raises(ValueError, match=message):
        data.register(name, data.sine)


def test_packages_register_data_by_entry_points(registry, monkeypatch):
    point = importlib.metadata.EntryPoint("theirs", "kerasae.data:two_moons", loading.ENTRY_POINTS)
    points = importlib.metadata.EntryPoints([point])
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **params: points.select(**params))
    assert data.named("theirs").x_train.shape == (1000, 2)
    with pytest.raises(ValueError, match="Known: .*theirs"):
        data.named("other")


def test_the_command_line_imports_a_module_that_registers_data(registry, monkeypatch, tmp_path, capsys):
    (tmp_path / "registers_mine.py").write_text("from kerasae import data\ndata.register('mine', data.sine)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    assert main(["--import", "registers_mine", "list"]) == 0
    assert data.named("mine").x_train.shape == (1000, 2)
    assert main(["--import", "not_there", "list"]) == 2
    assert "No module named 'not_there'" in capsys.readouterr().err
