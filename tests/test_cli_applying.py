"""Commands that apply a model: pictures and arrays in, pictures and arrays out."""

import errno
import os

import numpy as np
import pytest
from PIL import Image

from kerasae import cli, data, preprocessing, samplers, zoo

pytestmark = pytest.mark.anybackend


@pytest.fixture(scope="module")
def digits():
    """Eight digits, uint8 `(8, 28, 28)`."""
    return np.rint(255 * data.digits().x_test[:8, ..., 0]).astype("uint8")


@pytest.fixture
def folder(tmp_path, monkeypatch, digits):
    """The working directory; its folder `scans` has digits dark on light, of another size, in two modes and formats."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans" / "more").mkdir(parents=True)
    for i, digit in enumerate(digits):
        picture = Image.fromarray(255 - digit).resize((56, 56), Image.Resampling.NEAREST)
        picture.convert("RGB" if i % 2 else "L").save(
            f"scans/{'more/' if i > 5 else ''}{i}.{'bmp' if i % 3 else 'png'}"
        )
    return tmp_path


def pixels(path):
    return np.asarray(Image.open(path))


def test_denoise_writes_each_picture_under_its_name(folder, capsys):
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans", "--invert", "--out", "clean"]) == 0
    assert capsys.readouterr().out == "clean: 8 denoised inputs\n"
    names = sorted(path.relative_to(folder / "clean").as_posix() for path in (folder / "clean").rglob("*.*"))
    assert names == ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "more/6.png", "more/7.png"]
    scan = preprocessing.ImagePreprocessing((28, 28), "grayscale").read("scans/more/6.png")
    expected = (
        1 - zoo.load("denoise_gauss_mnist").reconstruct(1 - scan[None] / 255)[0, ..., 0]
    )  # dark on light, unchanged
    np.testing.assert_allclose(pixels("clean/more/6.png") / 255, expected, atol=0.002)
    assert sorted(path.name for path in folder.iterdir()) == ["clean", "scans"]  # no temporary files


def test_unreadable_pictures_are_reported_and_skipped(folder, capsys):
    (folder / "scans" / "2.png").write_bytes(b"no picture")
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans", "--out", "clean"]) == 0
    out, err = capsys.readouterr()
    assert out == "clean: 8 denoised inputs\n"
    assert "skipped: scans/2.png can't be read as a picture" in err
    (folder / "broken").mkdir()
    (folder / "scans" / "2.png").rename("broken/2.png")
    assert cli.main(["denoise", "denoise_gauss_mnist", "broken"]) == 2
    assert "None of 1 pictures can be read" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["broken", "clean", "scans"]


def test_nothing_is_overwritten_without_the_option(folder, capsys):
    (folder / "clean").mkdir()
    (folder / "clean" / "4.png").write_text("mine")
    (folder / "clean" / "other.png").write_text("mine too")
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans", "--out", "clean"]) == 2
    message = "clean/4.png exists. Choose another path with --out, or replace the file with --overwrite"
    assert message in capsys.readouterr().err
    assert len(list((folder / "clean").iterdir())) == 2
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans", "--out", "clean", "--overwrite"]) == 0
    assert (folder / "clean" / "4.png").stat().st_size > 50 and (
        folder / "clean" / "other.png"
    ).read_text() == "mine too"
    capsys.readouterr()
    before = (folder / "scans" / "0.png").read_bytes()
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans", "--out", "scans", "--overwrite"]) == 2
    assert "scans/0.png is one of the inputs. Choose another path" in capsys.readouterr().err
    assert (folder / "scans" / "0.png").read_bytes() == before
    assert cli.main(["generate", "vae_mnist", "--out", "scans/0.png"]) == 2
    assert cli.main(["generate", "vae_mnist", "--out", "scans/0.png/grid.png"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "kerasae: File exists: scans/0.png"


def test_a_full_disk_leaves_what_was_there(folder, monkeypatch, capsys):
    (folder / "grid.png").write_text("earlier")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fails(*args, **kwargs):
        raise full

    monkeypatch.setattr("matplotlib.backend_bases.FigureCanvasBase.print_figure", fails)
    assert cli.main(["generate", "vae_mnist", "--n", "4", "--out", "grid.png", "--overwrite"]) == 2
    assert capsys.readouterr().err == "kerasae: No space left on device\n"
    monkeypatch.setattr("PIL.Image.Image.save", fails)
    assert cli.main(["denoise", "denoise_gauss_mnist", "scans"]) == 2
    assert (folder / "grid.png").read_text() == "earlier"
    assert sorted(path.name for path in folder.iterdir()) == ["grid.png", "scans"]


def test_codes_are_written_to_arrays_and_read_back(folder, digits, capsys):
    x = digits[:2]
    np.save("x.npy", x)
    model = zoo.load("conv_mnist")
    codes = model.encode(x[..., None] / np.float32(255))
    for out in ("codes.npy", "codes.npz", "codes.csv"):
        assert cli.main(["encode", "conv_mnist", "x.npy", "--out", out]) == 0
        assert cli.main(["decode", "conv_mnist", out, "--out", f"{out}.npy"]) == 0
        np.testing.assert_allclose(np.load(f"{out}.npy"), model.decode(codes), atol=1e-5)
    np.testing.assert_allclose(np.load("codes.npy"), codes, atol=1e-4)
    assert cli.main(["encode", "conv_mnist", "scans", "--out", "named.csv"]) == 0
    assert cli.main(["decode", "conv_mnist", "named.csv", "--out", "decoded"]) == 0
    assert (folder / "decoded" / "more" / "6.png").exists()
    assert cli.main(["decode", "vae_mnist", "codes.npy"]) == 2
    assert "codes.npy must have codes of shape (n, 20). Received shape: (2, 7, 7, 1)." in capsys.readouterr().err


def test_outputs_for_tables_are_tables(folder):
    """With the user's columns and units, even if the file has other columns."""
    rows = data.two_moons().x_test[:5]
    (folder / "rows.csv").write_text("width,kind,height\n" + "".join(f"{x},moon,{y}\n" for x, y in rows))
    scale = data.table("rows.csv", columns=("width", "height")).preprocessing
    model = zoo.load("linear_sine")
    zoo.save(model, "entry", preprocessing=scale)
    assert cli.main(["reconstruct", "entry", "rows.csv", "--out", "again.csv"]) == 0
    assert (folder / "again.csv").read_text().startswith("width,height\n")
    again = np.loadtxt("again.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(again, scale.inverse(model.reconstruct(scale(rows))), rtol=1e-5)


def test_pictures_are_written_by_default(folder, capsys):
    assert cli.main(["generate", "cvae_mnist", "--n", "12", "--columns", "4", "--label", "7", "--seed", "0"]) == 0
    grid = pixels("cvae_mnist-samples.png")
    assert 1.1 < grid.shape[1] / grid.shape[0] < 1.5  # 3 lines of 4
    assert cli.main(["reconstruct", "conv_mnist", "digits", "--n", "120"]) == 0
    assert pixels("conv_mnist-reconstructions.png").shape[0] > 1000  # 10 lines
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "conv_mnist-reconstructions.png: 100 reconstructions"
    assert "Only 100 of 120 reconstructions are written. `--out FOLDER` writes one picture per result." in err


def test_samplers_generate_from_any_model(folder, digits, capsys):
    fit = ["--fit-to", "digits", "--seed", "0", "--n", "3", "--out"]
    assert cli.main(["generate", "dense8_mnist", "--sampler", "mixture", "--components", "3", *fit, "a.npy"]) == 0
    sampler = samplers.GaussianMixture(3).fit(zoo.load("dense8_mnist"), data.digits().x_test)
    np.testing.assert_allclose(np.load("a.npy"), sampler.generate(3, seed=0), atol=1e-4)
    sampler.save("prior.npz")
    assert cli.main(["generate", "dense8_mnist", "--sampler", "prior.npz", *fit[2:], "b.npy"]) == 0
    np.testing.assert_array_equal(np.load("b.npy"), sampler.generate(3, seed=0))
    assert cli.main(["generate", "dense8_mnist", "--sampler", "mixtur", "--out", "c.npy"]) == 2
    assert "No sampler named 'mixtur'. Did you mean 'mixture'?" in capsys.readouterr().err


def test_interpolation_begins_and_ends_with_the_reconstructions(folder):
    ends = ["scans/0.png", "scans/3.png"]
    assert cli.main(["interpolate", "conv_mnist", *ends, "--steps", "5", "--out", "way.npy"]) == 0
    assert cli.main(["reconstruct", "conv_mnist", *ends, "--out", "ends.npy"]) == 0
    np.testing.assert_allclose(np.load("way.npy")[[0, -1]], np.load("ends.npy"), atol=1e-6)
    assert cli.main(["interpolate", "conv_mnist", *ends, "--steps", "5", "--out", "way.gif"]) == 0
    with Image.open("way.gif") as animation:
        assert animation.n_frames == 8  # there and back


def test_conditional_models_take_labels_from_the_data_or_the_option(folder, capsys):
    labels = data.digits().y_test[:6]
    for given, name in ((["digits", "--n", "6"], "a.npy"), (["digits", "--n", "6", "--label", "3"], "b.npy")):
        assert cli.main(["encode", "cvae_mnist", *given, "--out", name]) == 0
    x, model = data.digits().x_test[:6], zoo.load("cvae_mnist")
    np.testing.assert_allclose(np.load("a.npy"), model.encode(x, label=labels), atol=1e-5)
    np.testing.assert_allclose(np.load("b.npy"), model.encode(x, label=3), atol=1e-5)
    assert cli.main(["encode", "cvae_mnist", "scans/0.png"]) == 2
    assert "cvae_mnist needs the class of each input: expected --label K, from 0 to 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["encode", "conv_mnist", "nowhere.png"], "No file or folder at nowhere.png. Check the path."),
        (["encode", "conv_mnist", "mnst"], "Did you mean 'mnist'"),
        (["encode", "conv_mnist", "scans/0.png", "nowhere.png"], "No file or folder at nowhere.png. Check the path."),
        (["encode", "conv_mnist", "scans", "digits"], "No file or folder at digits"),
        (["encode", "conv_mnist", "text.csv"], "text.csv"),
        (["encode", "conv_mnist", "scans", "--out", "codes.png"], "--out must end in .npy, .npz, .csv, for codes"),
        (["encode", "conv_mist", "scans"], "Did you mean 'conv_mnist'"),
        (["encode", "linear_sine", "scans"], "since the inputs of this model are not pictures"),
        (["encode", "linear_sine", "sine", "--invert"], "--invert needs a model of pictures"),
        (["reconstruct", "conv_mnist", "scans", "--out", "all.tar"], "--out must end in .npy, .npz, .csv, .png"),
        (["reconstruct", "linear_sine", "sine", "--out", "sine.png"], "--out must end in .npy, .npz, .csv, for"),
        (["denoise", "conv_mnist", "scans"], "conv_mnist must be a denoising autoencoder"),
        (["generate", "conv_mnist"], "conv_mnist must be a model that generates"),
        (["generate", "vae_mnist", "--label", "3"], "is not conditional and takes no label"),
        (["generate", "cvae_mnist", "--label", "10"], "label must be from 0 to 9"),
        (["interpolate", "conv_mnist", "scans/0.png"], "Expected two inputs to interpolate between. Received: 1"),
        (["decode", "conv_mnist", "scans"], "must have codes of shape (n, 7, 7, 1)"),
        (["denos", "conv_mnist"], "No command named 'denos'. Did you mean 'denoise'"),
    ],
)
def test_errors_are_one_line(arguments, message, folder, capsys):
    (folder / "text.csv").write_text("a,b\n1,two\n")
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("kerasae: ") and message in err and err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == ["scans", "text.csv"]


@pytest.mark.parametrize("arguments", [["encode"], ["generate", "vae_mnist", "--n", "0"], ["list", "--jsn"]])
def test_wrong_arguments_are_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(arguments)
    assert exit.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("kerasae") and err.count("\n") == 1 and "--help`" in err
