"""Pictures show what they are given, nothing leaks, and wrong arguments are told apart."""

import io
import itertools
import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.image import imread
from PIL import Image

from kerasae import plots
from kerasae.plots import _dependence, style

pytestmark = pytest.mark.anybackend


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def images(rng):
    return rng.uniform(size=(12, 28, 28, 1)).astype("float32")


@pytest.fixture
def points(rng):
    return rng.normal(size=(100, 2))


def shown(ax):
    """What an Axes of images displays: the array and its color limits."""
    (image,) = ax.images
    return np.asarray(image.get_array()), image.get_clim()


def tile(array, line, column, side=28, gap=2):
    top, left = line * (side + gap), column * (side + gap)
    return array[top : top + side, left : left + side]


def labeled(ax, label):
    (found,) = [child for child in [*ax.collections, *ax.lines] if child.get_label() == label]
    return found


def legend_names(owner):
    return [text.get_text() for text in owner.get_texts()]


def gray(z):
    """Images as gray as the first number of their codes."""
    return np.broadcast_to(z[:, 0, None, None, None], (len(z), 28, 28, 1))


def layer(kind, name, shape, parameters, activation="linear", **attributes):
    """What the drawing of an architecture reads of a Keras layer."""
    made = type(kind, (), attributes | {"count_params": lambda self: parameters})()
    made.name, made.output = name, SimpleNamespace(shape=(None, *shape))
    made.activation = SimpleNamespace(__name__=activation)
    return made


def part(*layers):
    return SimpleNamespace(
        layers=layers,
        count_params=lambda: sum(layer.count_params() for layer in layers),
        inputs=[SimpleNamespace(shape=(None, 2))],
    )


def network(hidden=1, **parts):
    """A variational convolutional network with this number of hidden layers on each side."""
    convs = [layer("Conv2D", "conv2d", (14, 14, 8), 80, "relu", kernel_size=(3, 3)) for _ in range(hidden)]
    heads = [layer("Dense", name, (2,), 20) for name in ("mean", "log_variance")]
    output = [layer("Reshape", "reshape", (28, 28, 1), 0), layer("Activation", "output", (28, 28, 1), 0, "sigmoid")]
    encoder = part(layer("InputLayer", "input", (28, 28, 1), 0), *convs, layer("Flatten", "flat", (1568,), 0), *heads)
    return SimpleNamespace(
        encoder=encoder,
        decoder=part(*convs, layer("Dense", "logits", (784,), 2352), *output),
        data_shape=(28, 28, 1),
        noise=None,
        **parts,
    )


FIGURES = {
    "rows": lambda x, p: plots.rows({"a": x, "b": x, "c": x}, reference="a"),
    "reconstructions": lambda x, p: plots.reconstructions(x, x),
    "samples": lambda x, p: plots.samples(x),
    "manifold": lambda x, p: plots.manifold(p, -p, curve=p, others={"PCA": p}),
    "history": lambda x, p: plots.history({"loss": [1.0, 0.5], "val_loss": [1.0, 0.6]}),
    "code_space": lambda x, p: plots.code_space(p, np.arange(100) % 10),
    "joint": lambda x, p: plots.joint(p, np.arange(100) % 10, (0, 1), prior=True),
    "filters": lambda x, p: plots.filters(x.reshape(12, 784).T, (28, 28)),
    "decoded_grid": lambda x, p: plots.decoded_grid(gray, np.linspace(-3, 3, 6)),
    "error_against_noise": lambda x, p: plots.error_against_noise([0.0, 0.1], {"model": [0.1, 0.2]}, trained_at=0.1),
    "anomaly": lambda x, p: plots.anomaly(x, 1 - x),
    "architecture": lambda x, p: plots.architecture(network()),
    "stacked": lambda x, p: plots.stacked([plots.samples(x), plots.history({"loss": [1.0]})]),
}
TITLED = {
    "rows": lambda x, p: plots.rows({"a": x}, title="A title"),
    "reconstructions": lambda x, p: plots.reconstructions(x, x, title="A title"),
    "samples": lambda x, p: plots.samples(x, title="A title"),
    "manifold": lambda x, p: plots.manifold(p, p, title="A title"),
    "history": lambda x, p: plots.history({"loss": [1.0]}, title="A title"),
    "code_space": lambda x, p: plots.code_space(np.eye(3), coordinates=(0, 1, 2), title="A title"),
    "joint": lambda x, p: plots.joint(p, coordinates=(0, 1), title="A title"),
    "filters": lambda x, p: plots.filters(x[0, :, :, None], title="A title"),
    "decoded_grid": lambda x, p: plots.decoded_grid(gray, [0, 1], [3, 4, 5], title="A title"),
    "error_against_noise": lambda x, p: plots.error_against_noise([1], {"model": [0.1]}, title="A title"),
    "anomaly": lambda x, p: plots.anomaly(x, x, title="A title"),
    "architecture": lambda x, p: plots.architecture(network(), title="A title"),
}


def test_every_function_is_here():
    functions = {name for name in plots.__all__ if callable(getattr(plots, name))} - {"animate"}
    assert functions == FIGURES.keys() == TITLED.keys() | {"stacked"}


@pytest.mark.parametrize("name", FIGURES)
def test_is_a_figure_that_can_be_written(name, images, points, tmp_path):
    figure = FIGURES[name](images, points)
    assert isinstance(figure, Figure)
    assert figure.get_suptitle() == ""
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off(name, images, points):
    for figure in (made[name](images, points) for made in (FIGURES, TITLED) if name in made):
        figure.draw_without_rendering()
        box, page = figure.get_tightbbox(), figure.bbox_inches
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= page.x1 and box.y1 <= page.y1


@pytest.mark.parametrize("name", TITLED)
def test_title(name, images, points):
    assert TITLED[name](images, points).get_suptitle() == "A title"


@pytest.mark.parametrize("name", ["a", "before the training began"])
def test_long_title_and_names_fit(name, images):
    figure = plots.rows({name: images[:1]}, title="A title that is wider than one image and its name together")
    figure.draw_without_rendering()
    assert figure.get_tightbbox().x0 >= 0 and figure.get_tightbbox().x1 <= figure.get_figwidth()


def test_notebooks_draw_it_at_half_of_its_pixels(images):
    figure = plots.samples(images)
    content, size = figure._repr_png_()
    stored, drawn = imread(io.BytesIO(content)), io.BytesIO()
    assert (size["height"], size["width"]) == pytest.approx([side / 2 for side in stored.shape[:2]], abs=0.5)
    figure.savefig(drawn, format="png", bbox_inches="tight")
    drawn.seek(0)
    np.testing.assert_array_equal(stored[..., :3], imread(drawn)[..., :3])  # grays are stored as they are


def test_photographs_keep_their_colors(rng):
    across, up = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 64))
    photo = np.stack([across, up, rng.uniform(size=(64, 64))], axis=-1)
    figure, drawn = plots.samples(photo[None]), io.BytesIO()
    figure.savefig(drawn, format="png")
    drawn.seek(0)
    as_drawn = imread(drawn)[..., :3]
    for options in ({}, {"colors": 64, "tolerance": 1.5}):
        np.testing.assert_array_equal(imread(io.BytesIO(style.png(figure, **options)))[..., :3], as_drawn)
    assert len(style.png(figure, colors=16, tolerance=None)) < len(style.png(figure)) / 1.5


def visible_ticks(axis):
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * (high - low)
    return [tick for tick in axis.get_majorticklocs() if low - slack <= tick <= high + slack]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 3e5])
@pytest.mark.parametrize("name", ["manifold", "code_space", "joint", "error_against_noise"])
def test_axes_have_3_to_7_ticks(name, scale, images, points):
    figure = FIGURES[name](images, points * [scale, scale * 1.7])
    figure.draw_without_rendering()
    axes = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    counts = [len(visible_ticks(axis)) for axis in axes]
    assert axes and all(3 <= count <= 7 for count in counts), counts


@pytest.mark.parametrize("last", [1.1, 1.9, 5.0, 40.0, 3e4, 2e9])
def test_logarithmic_axes_have_3_to_7_ticks(last):
    ticks = style.log_ticks(1.0, last)
    assert 3 <= len(ticks) <= 7 and ticks == sorted(set(ticks))
    assert all(1 <= tick <= last for tick in ticks)


def test_a_color_means_the_same_in_all_figures(points):
    (ax,) = plots.error_against_noise([0, 1], {name: [0, 1] for name in ("noisy", "PCA-8", "model")}).axes
    curves = {line.get_label(): line.get_color() for line in ax.lines}
    assert curves == {"noisy": style.NAMED["noisy"], "PCA-8": style.BASELINE, "model": style.MODEL}
    (ax,) = plots.manifold(points, points, others={"another": points, "PCA": points}, pairs=0).axes
    assert same_color(labeled(ax, "PCA").get_facecolor()[0], style.BASELINE)
    assert same_color(labeled(ax, "autoencoder").get_facecolor()[0], style.MODEL)
    meanings = [style.MODEL, style.VALIDATION, style.BASELINE, style.OTHER, style.DATA, style.TRUTH]
    meanings += [*style.BACKENDS.values(), style.NAMED["noisy"]]
    assert len(set(meanings)) == len(meanings)


def test_settings_of_the_user_stay_and_do_not_change_the_look(images, points):
    def pixels():
        return plots.code_space(points, np.arange(100) % 10)._repr_png_()[0]

    expected = pixels()
    dark = {"axes.facecolor": "black", "savefig.facecolor": "black", "font.size": 20.0, "axes.grid": True}
    with matplotlib.rc_context(dark):
        before = dict(matplotlib.rcParams)
        for make in FIGURES.values():
            make(images, points)
        assert pixels() == expected
        assert dict(matplotlib.rcParams) == before


def test_neither_pyplot_nor_keras_is_imported():
    program = """
import sys
import numpy as np
from kerasae import plots
from kerasae.plots import _dependence, style
x = np.zeros((4, 8, 8))
plots.reconstructions(x, x)._repr_png_()
plots.manifold(np.eye(2), np.eye(2))._repr_png_()
plots.history({"loss": [1.0]})._repr_png_()
plots.code_space(np.eye(3), coordinates=(0, 1, 2))._repr_png_()
print(sorted({"matplotlib.pyplot", "keras", "jax", "torch", "tensorflow"} & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_pyplot_keeps_nothing(images, points):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    for make in FIGURES.values():
        make(images, points)
    assert pyplot.get_fignums() == before


def test_rows_one_axes_a_row_shows_the_images(images):
    figure = plots.rows({"clean": images, "dark": images / 2}, n=5)
    assert [ax.get_ylabel() for ax in figure.axes] == ["clean", "dark"]
    for ax, expected in zip(figure.axes, (images, images / 2), strict=True):
        array, limits = shown(ax)
        assert array.shape == (28, 5 * 28 + 4 * 2)
        assert limits == (0, 1)
        for column in range(5):
            np.testing.assert_array_equal(tile(array, 0, column), expected[column, ..., 0])


def test_rows_columns_are_aligned(images):
    above, below = plots.rows({"a": images, "longer name": images}, reference="a").axes
    assert above.get_position().x0 == pytest.approx(below.get_position().x0)
    assert above.get_position().x1 == pytest.approx(below.get_position().x1)
    assert above.get_position().y0 > below.get_position().y1


def test_rows_all_images_unless_told(images):
    assert shown(plots.rows({"a": images}).axes[0])[0].shape[1] == 12 * 28 + 11 * 2
    assert shown(plots.rows({"a": images}, n=99).axes[0])[0].shape[1] == 12 * 28 + 11 * 2


def test_rows_errors_to_the_reference(images):
    figure = plots.rows({"noisy": images * 0, "clean": images}, n=3, reference="clean")
    noisy, clean = ([tick.get_text() for tick in ax.get_xticklabels()] for ax in figure.axes)
    assert clean == []
    assert [float(text) for text in noisy] == pytest.approx(np.square(images[:3]).mean((1, 2, 3)), rel=0.01)
    np.testing.assert_allclose(figure.axes[0].get_xticks(), [13.5, 43.5, 73.5])
    assert figure.axes[0].texts[0].get_text() == "MSE"


def test_rows_error_of_a_single_image_is_beneath_it(images):
    figure = plots.rows({"clean": images[:1], "noisy": images[:1]}, reference="clean")
    np.testing.assert_allclose(figure.axes[1].get_xticks(), [13.5])


def test_rows_labels_above_the_columns(images):
    above, below = plots.rows({"a": images[:3], "b": images[:3]}, columns=[0.0, 0.123456, "end"]).axes
    assert [text.get_text() for text in above.texts] == ["0", "0.123", "end"]
    assert [text.xy[0] for text in above.texts] == pytest.approx([13.5, 43.5, 73.5])
    assert not below.texts
    with pytest.raises(ValueError, match="one label for each of 3 images of a row. Received: 2 labels"):
        plots.rows({"a": images[:3]}, columns=["0", "1"])


def test_rows_many_rows_are_smaller(images):
    few, many = (plots.rows({str(i): images[:10] for i in range(n)}).axes[0].get_window_extent() for n in (7, 8))
    assert many.height < few.height


def test_rows_errors_of_8_bit_images_do_not_wrap():
    x = np.full((2, 4, 4), 3, "uint8")
    figure = plots.rows({"a": x, "b": x + np.uint8(20)}, reference="a", value_range=(0, 255))
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()] == ["400", "400"]


def test_rows_color(rng):
    x = rng.uniform(-1, 1, size=(3, 16, 16, 3))
    array, _ = shown(plots.rows({"a": x}, value_range=(-1, 1)).axes[0])
    assert array.shape == (16, 3 * 16 + 2, 3)
    np.testing.assert_allclose(array[:, 17:33], (x[1] + 1) / 2)
    assert (array[:, 16] == 1).all()  # white between images


def test_rows_value_range():
    x = np.arange(16, dtype="uint8").reshape(1, 4, 4) * 17
    array, limits = shown(plots.rows({"a": x}, value_range=(0, 255)).axes[0])
    assert limits == (0, 255)
    np.testing.assert_array_equal(array, x[0])


def test_rows_small_images_are_drawn_whole_pixels_to_a_pixel(images):
    ax = plots.rows({"a": images}, n=10).axes[0]
    box = ax.get_window_extent()  # at 200 dots per inch
    assert box.width / 298 == pytest.approx(box.height / 28) == pytest.approx(4)
    assert box.x0 == pytest.approx(round(box.x0)) and box.y0 == pytest.approx(round(box.y0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": {}}, "at least one row"),
        ({"images": {"a": np.zeros((0, 8, 8))}}, r"a is empty.*\(0, 8, 8\)"),
        ({"images": {"a": np.zeros((8, 8))}}, r"\(n, h, w\).*\(8, 8\).*a\[None\]"),
        ({"images": {"a": np.zeros((28, 28, 1))}}, r"Received shape: \(28, 28, 1\).*a\[None\]"),
        ({"images": {"a": np.zeros((2, 8, 8, 4))}}, r"\(n, h, w, 3\). Received shape: \(2, 8, 8, 4\)"),
        ({"images": {"a": np.zeros((2, 8, 8)), "b": np.zeros((3, 8, 8))}}, r"one shape.*'a': \(2, 8, 8, 1\)"),
        ({"images": {"a": np.full((2, 8, 8), np.nan)}}, "a must be finite"),
        ({"images": {"a": np.full((2, 8, 8), 255)}}, r"\[0, 1\].*255 to 255.*value_range=\(0, 255\)"),
        ({"images": {"a": np.zeros((2, 8, 8))}, "reference": "b"}, "Rows: a. Received: 'b'"),
        ({"images": {"a": np.zeros((2, 8, 8))}, "n": 0}, "n must be a positive integer. Received: 0"),
        ({"images": {"a": np.zeros((2, 8, 8))}, "value_range": (1, 0)}, r"low < high. Received: \(1, 0\)"),
    ],
)
def test_rows_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.rows(**arguments)


def test_rows_not_numbers():
    with pytest.raises(TypeError, match="a must be an array of numbers. Received: list of dtype <U5"):
        plots.rows({"a": ["1.png", "2.png"]})


def test_reconstructions_originals_over_reconstructions(images):
    above, below = plots.reconstructions(images, images**2).axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("input", "reconstruction")
    assert shown(above)[0].shape == (28, 298)  # ten of the twelve
    np.testing.assert_array_equal(tile(shown(below)[0], 0, 9), images[9, ..., 0] ** 2)
    assert below.get_xticklabels()  # the errors
    assert not plots.reconstructions(images, images, errors=False).axes[1].get_xticklabels()


def test_reconstructions_labels(images):
    figure = plots.reconstructions(images, images, labels=("noisy", "cleaned"))
    assert [ax.get_ylabel() for ax in figure.axes] == ["noisy", "cleaned"]


@pytest.mark.parametrize("labels", [("a",), ("a", "a"), ("a", "b", "c")])
def test_reconstructions_two_different_labels(images, labels):
    with pytest.raises(ValueError, match="two different names"):
        plots.reconstructions(images, images, labels=labels)


def test_samples_grid(images):
    (ax,) = plots.samples(images, columns=5).axes
    array, limits = shown(ax)
    assert array.shape == (3 * 28 + 2 * 2, 5 * 28 + 4 * 2) and limits == (0, 1)
    for i, image in enumerate(images):
        np.testing.assert_array_equal(tile(array, i // 5, i % 5), image[..., 0])
    assert (tile(array, 2, 2) == 1).all()  # nothing after the twelfth
    assert shown(plots.samples(images, value_range=(-3, 3)).axes[0])[1] == (-3, 3)


def test_samples_fewer_images_than_columns(images):
    assert shown(plots.samples(images[:3]).axes[0])[0].shape == (28, 88)


@pytest.mark.parametrize("columns", [0, -1, 2.5, True])
def test_samples_columns(images, columns):
    with pytest.raises(ValueError, match="columns must be a positive integer"):
        plots.samples(images, columns)


def test_manifold_everything_is_in_its_place(points):
    curve, others = points[:7] * 2, {"PCA": points * [1, 0], "grid": points[:9]}
    figure = plots.manifold(points, points * 0.5, curve, others=others)
    (ax,) = figure.axes
    np.testing.assert_array_equal(labeled(ax, "data").get_offsets(), points)
    np.testing.assert_array_equal(labeled(ax, "autoencoder").get_offsets(), points * 0.5)
    np.testing.assert_array_equal(labeled(ax, "true curve").get_xydata(), curve)
    for name, cloud in others.items():
        np.testing.assert_array_equal(labeled(ax, name).get_offsets(), cloud)
    assert ax.get_aspect() == 1
    names = ["data", "PCA", "grid", "autoencoder", "some points", "where they go", "true curve"]
    assert sorted(legend_names(figure.legends[0])) == sorted(names)


def test_manifold_learned_curve_is_a_line(points):
    (ax,) = plots.manifold(points, points, learned=points[:5]).axes
    np.testing.assert_array_equal(labeled(ax, "autoencoder: decoded codes").get_xydata(), points[:5])
    assert "autoencoder" not in [child.get_label() for child in ax.collections]


def test_manifold_stars_are_where_the_points_are_mapped(points):
    (ax,) = plots.manifold(points, -points, pairs=25).axes
    order = np.argsort(points[:, 0])
    dots, stars = labeled(ax, "some points"), labeled(ax, "where they go")
    starts = np.asarray(dots.get_offsets())
    np.testing.assert_array_equal(stars.get_offsets(), -starts)
    assert len(starts) == 25
    np.testing.assert_array_equal(starts[[0, -1]], points[order[[0, -1]]])
    assert (np.diff(np.searchsorted(points[order, 0], starts[:, 0])) >= 4).all()  # evenly: 99 / 24 steps


def test_manifold_pairs_share_a_color_and_a_line(points):
    (ax,) = plots.manifold(points, -points, pairs=10).axes
    (lines,) = [child for child in ax.collections if isinstance(child, LineCollection)]
    dots, stars = labeled(ax, "some points"), labeled(ax, "where they go")
    np.testing.assert_array_equal(dots.get_facecolors(), stars.get_facecolors())
    np.testing.assert_array_equal(dots.get_facecolors(), lines.get_colors())
    assert len(np.unique(dots.get_facecolors(), axis=0)) == 10
    np.testing.assert_array_equal(np.array(lines.get_segments())[:, 0], dots.get_offsets())
    np.testing.assert_array_equal(np.array(lines.get_segments())[:, 1], stars.get_offsets())


def test_manifold_no_more_pairs_than_points(points):
    (ax,) = plots.manifold(points[:6], points[:6], pairs=25).axes
    assert len(labeled(ax, "where they go").get_offsets()) == 6


def test_manifold_data_alone(points):
    figure = plots.manifold(points, curve=points[:7])
    assert sorted(legend_names(figure.legends[0])) == ["data", "true curve"]
    assert plots.manifold(points[:25]).axes[0].collections[0].get_zorder() == 3  # few points are on top


def test_manifold_no_pairs(points):
    (ax,) = plots.manifold(points[:9], points, pairs=0).axes  # not of one shape: nothing is joined
    assert (len(labeled(ax, "data").get_offsets()), len(labeled(ax, "autoencoder").get_offsets())) == (9, 100)
    figure = plots.manifold(points, points, pairs=0, label="model")
    assert legend_names(figure.legends[0]) == ["data", "model"]
    assert len([child for child in figure.axes[0].collections if isinstance(child, PathCollection)]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.zeros((4, 3)), "x_hat": np.zeros((4, 3))}, r"x must hold points.*\(n, 2\).*\(4, 3\)"),
        ({"x": np.zeros((4, 2)), "x_hat": np.zeros((3, 2))}, r"one shape.*'x_hat': \(3, 2\)"),
        ({"x": np.zeros((0, 2)), "x_hat": np.zeros((0, 2))}, "x is empty"),
        ({"x": np.ones((4, 2)), "x_hat": np.ones((4, 2)), "curve": np.zeros(4)}, r"curve must hold.*\(4,\)"),
        ({"x": np.ones((4, 2)), "x_hat": np.ones((4, 2)), "others": {"PCA": [1]}}, r"PCA must hold.*\(1,\)"),
        ({"x": np.ones((4, 2)), "x_hat": np.ones((4, 2)), "pairs": -1}, "pairs must be a positive integer"),
        ({"x": np.ones((4, 2)), "x_hat": np.full((4, 2), np.inf)}, "x_hat must be finite"),
    ],
)
def test_manifold_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.manifold(**arguments)


LOGS = {
    "kl_loss": [1.0, 2.0, 3.0],
    "loss": [9.0, 8.0, 7.0],
    "reconstruction_loss": [8.0, 6.0, 4.0],
    "val_kl_loss": [1.5, 2.5, 3.5],
    "val_loss": [9.5, 8.5, 7.5],
    "val_reconstruction_loss": [8.0, 6.0, 4.0],
    "learning_rate": [0.1, 0.1, 0.1],
}


def test_history_a_panel_a_quantity():
    figure = plots.history(LOGS)
    assert [ax.get_title() for ax in figure.axes] == ["loss", "kl loss", "reconstruction loss"]
    assert {ax.get_xlabel() for ax in figure.axes} == {"epoch"}
    training, validation = figure.axes[1].lines
    np.testing.assert_array_equal(training.get_ydata(), LOGS["kl_loss"])
    np.testing.assert_array_equal(validation.get_ydata(), LOGS["val_kl_loss"])
    assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert legend_names(figure.axes[0].get_legend()) == ["training", "validation"]
    assert [ax.get_legend() for ax in figure.axes[1:]] == [None, None]


@pytest.mark.parametrize("epochs", [1, 2, 3, 7, 12, 40, 100, 1000])
def test_history_epochs_are_whole_and_start_at_one(epochs):
    (ax,) = plots.history({"loss": np.linspace(2, 1, epochs)}).axes
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, epochs + 1))
    ticks = ax.get_xticks()
    assert ticks[0] == 1 and ticks[-1] <= epochs
    assert (ticks == np.round(ticks)).all() and (np.diff(ticks) > 0).all() and len(ticks) <= 8


def test_history_keras_history_that_went_on():
    resumed = SimpleNamespace(history={"loss": [3.0, 2.0]}, epoch=[5, 6])
    (ax,) = plots.history(resumed).axes
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [6, 7])


def test_history_reconstruction_loss_that_is_the_loss():
    same = {"loss": [2.0, 1.0], "reconstruction_loss": [2.0, 1.0 + 1e-9]}
    assert [ax.get_title() for ax in plots.history(same).axes] == ["loss"]
    differ = same | {"val_loss": [2.0, 1.0], "val_reconstruction_loss": [2.0, 0.9]}
    assert [ax.get_title() for ax in plots.history(differ).axes] == ["loss", "reconstruction loss"]
    assert [ax.get_title() for ax in plots.history({"reconstruction_loss": [1.0]}).axes] == ["reconstruction loss"]


def test_history_no_legend_without_validation():
    assert plots.history({"loss": [1.0]}).axes[0].get_legend() is None


def test_history_scale():
    kinds = {"loss": [1.0, 0.01], "kl_loss": [3.0, 2.0], "gain": [-1.0, 100.0], "lost": [1.0, np.nan]}
    assert [ax.get_yscale() for ax in plots.history(kinds).axes] == ["log", "linear", "linear", "linear"]


def test_history_unit_and_validation_now_and_then():
    (ax,) = plots.history({"loss": [3.0, 2.0, 1.0], "val_loss": [np.nan, 2.5, np.nan]}, unit="batch").axes
    training, validation = ax.lines
    assert ax.get_xlabel() == "batch"
    np.testing.assert_array_equal(training.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(validation.get_xydata(), [[2, 2.5]])


def test_history_units_on_the_vertical_axes():
    logs = {"loss": [2.0, 1.0], "kl_loss": [1.0, 1.0]}
    assert [ax.get_ylabel() for ax in plots.history(logs).axes] == ["", ""]
    assert [ax.get_ylabel() for ax in plots.history(logs, units="nats").axes] == ["nats", "nats"]
    assert [ax.get_ylabel() for ax in plots.history(logs, units={"kl_loss": "nats"}).axes] == ["", "nats"]


def test_history_single_epoch_is_visible():
    assert plots.history({"loss": [1.0]}).axes[0].lines[0].get_marker() == "o"


@pytest.mark.parametrize("empty", [{}, {"loss": []}, {"learning_rate": [0.1]}])
def test_history_empty(empty):
    with pytest.raises(ValueError, match="history is empty: expected what fit returned"):
        plots.history(empty)


def test_history_validation_of_some_epochs_only():
    with pytest.raises(ValueError, match="per epoch. Received lengths: {'loss': 2, 'val_loss': 1}"):
        plots.history({"loss": [1.0, 2.0], "val_loss": [1.0]})


def test_code_space_first_two_coordinates(rng):
    z = rng.normal(size=(20, 7, 7, 1))
    (ax,) = plots.code_space(z).axes
    (dots,) = ax.collections
    np.testing.assert_array_equal(dots.get_offsets(), z[:, 0, :2, 0])
    assert same_color(dots.get_facecolors()[0][:3], plots.BLUE)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_aspect()) == ("$z_{0}$", "$z_{1}$", 1)


def test_code_space_classes(points):
    y = np.arange(100) % 10
    figure = plots.code_space(points, y)
    (legend,) = figure.legends
    assert legend_names(legend) == list("0123456789")
    colors = figure.axes[0].collections[0].get_facecolors()[:, :3]
    assert len(np.unique(colors, axis=0)) == 10
    for handle, color in zip(legend.legend_handles, colors[:10], strict=True):
        assert same_color(handle.get_color(), color)


def test_code_space_names_of_classes(points):
    figure = plots.code_space(points[:4], ["shoe", "bag", "shoe", "bag"])
    assert legend_names(figure.legends[0]) == ["bag", "shoe"]
    shoe = figure.axes[0].collections[0].get_facecolors()[0]
    assert same_color(shoe[:3], plots.CLASSES[1])


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        (np.zeros((5, 1)), None, r"at least two numbers. Received shape: \(5, 1\)"),
        (np.zeros(5), None, r"at least two numbers. Received shape: \(5, 1\)"),
        (np.zeros((0, 2)), None, "z is empty"),
        (np.zeros((5, 2)), [1, 2], r"each of the 5 codes.*\(2,\)"),
        (np.zeros((5, 2)), np.eye(5), r"shape \(5,\). Received shape: \(5, 5\)"),
        (np.zeros((11, 2)), np.arange(11), "at most 10 classes. Received 11"),
        (np.full((5, 2), np.nan), None, "z must be finite"),
    ],
)
def test_code_space_errors(z, y, message):
    with pytest.raises(ValueError, match=message):
        plots.code_space(z, y)


def test_code_space_chosen_coordinates(rng):
    z = rng.normal(size=(20, 16))
    (ax,) = plots.code_space(z, coordinates=(7, 3)).axes
    np.testing.assert_array_equal(ax.collections[0].get_offsets(), z[:, [7, 3]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_{7}$", "$z_{3}$")


def test_code_space_three_coordinates_are_three_projections(rng):
    z, y = rng.normal(size=(20, 16)), np.arange(20) % 10
    figure = plots.code_space(z, y, (7, 3, 11))
    names = [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes]
    assert names == [("$z_{7}$", "$z_{3}$"), ("$z_{7}$", "$z_{11}$"), ("$z_{3}$", "$z_{11}$")]
    for ax, pair in zip(figure.axes, ([7, 3], [7, 11], [3, 11]), strict=True):
        np.testing.assert_array_equal(ax.collections[0].get_offsets(), z[:, pair])
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert legend_names(figure.legends[0]) == list("0123456789")


def test_code_space_names_stand_at_the_medians(rng):
    y = np.arange(90) % 3
    z = rng.normal(size=(90, 2)) + 5 * np.eye(3)[y][:, :2]
    (ax,) = plots.code_space(z, y).axes
    assert [text.get_text() for text in ax.texts] == ["0", "1", "2"]
    for k, text in enumerate(ax.texts):
        np.testing.assert_allclose(text.get_position(), np.median(z[y == k], axis=0))
        assert same_color(text.get_bbox_patch().get_facecolor(), plots.CLASSES[k])


def test_code_space_names_do_not_hide_each_other():
    y = np.arange(40) % 4
    z = np.stack([np.linspace(-1, 1, 40), np.linspace(-1, 1, 40) ** 2], axis=1)  # nearly equal medians
    (ax,) = plots.code_space(z, y).axes
    places = np.array([text.get_position() for text in ax.texts]) / [ax.viewLim.width, ax.viewLim.height]
    distances = [np.hypot(*(a - b)) for a, b in itertools.combinations(places, 2)]
    assert min(distances) > 0.04


def test_code_space_a_crowd_is_enlarged(rng):
    z = rng.normal(size=(100, 2))
    z[:10] *= 40
    whole, part = plots.code_space(z).axes
    low, high = np.quantile(z, (0.1, 0.9), axis=0)
    assert part.get_xlim()[0] < low[0] < high[0] < part.get_xlim()[1]
    assert np.ptp(part.get_xlim()) < np.ptp(whole.get_xlim()) / 2
    np.testing.assert_array_equal(whole.collections[0].get_offsets(), z)


@pytest.mark.parametrize("coordinates", [(0,), (0, 0), (0, 16), (-1, 0), (0, 1, 2, 3)])
def test_code_space_coordinates_that_are_not_there(coordinates):
    with pytest.raises(ValueError, match=r"must be 2 or 3 different ones from 0 to 15. Received: \("):
        plots.code_space(np.zeros((5, 16)), coordinates=coordinates)


def test_joint_margins_are_densities_of_the_points(rng):
    z = rng.normal(size=(200, 16)) * np.arange(1, 17)
    both, top, right = plots.joint(z, coordinates=(2, 9), bins=7).axes
    np.testing.assert_array_equal(both.collections[0].get_offsets(), z[:, [2, 9]])
    assert (both.get_xlabel(), both.get_ylabel()) == ("$z_{2}$", "$z_{9}$")
    edges = np.linspace(*both.get_xlim(), 8)
    for i, side, heights in (
        (2, top, [bar.get_height() for bar in top.patches]),
        (9, right, [bar.get_width() for bar in right.patches]),
    ):
        np.testing.assert_allclose(heights, np.histogram(z[:, i], edges, density=True)[0])
        assert side.get_xlabel() + side.get_ylabel() == "density"
    assert top.get_xlim() == both.get_xlim() == both.get_ylim() == right.get_ylim()


def test_joint_classes_are_outlines_with_area_1(points):
    y = np.array(["b"] * 30 + ["a"] * 70)
    figure = plots.joint(points, y, (0, 1), bins=5)
    assert legend_names(figure.legends[0]) == ["a", "b", "all"]
    top = figure.axes[1]
    (a,), (b,) = ([patch for patch in top.patches if patch.get_label() == name] for name in "ab")
    edges = np.linspace(*top.get_xlim(), 6)
    for outline, group, color in ((a, points[30:], plots.CLASSES[0]), (b, points[:30], plots.CLASSES[1])):
        assert same_color(outline.get_edgecolor(), color) and not outline.get_fill()
        corners = outline.get_xy()[:, 1]
        assert corners.max() == pytest.approx(np.histogram(group[:, 0], edges, density=True)[0].max())
        assert corners.min() == 0  # not on top of each other


def test_joint_density_of_the_prior(points):
    figure = plots.joint(points, coordinates=(0, 1), prior=True)
    for ax, (at, density) in zip(figure.axes[1:], ((0, 1), (1, 0)), strict=True):
        line = labeled(ax, "N(0, 1)").get_xydata()
        np.testing.assert_allclose(line[:, density], np.exp(-0.5 * line[:, at] ** 2) / np.sqrt(2 * np.pi))
    assert legend_names(figure.legends[0]) == ["all", "N(0, 1)"]
    assert not plots.joint(points, coordinates=(0, 1)).axes[1].lines


def test_joint_most_dependent_pair(rng):
    z = rng.normal(size=(500, 6))
    z[:, 4] = np.abs(z[:, 1]) + 0.1 * z[:, 4]  # dependent, not correlated
    figure = plots.joint(z, title="Codes")
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("$z_{1}$", "$z_{4}$")
    assert figure.get_suptitle().startswith("Codes\nmost dependent pair: $z_{1}$ and $z_{4}$ (mutual information 0.")
    assert (
        0 == _dependence.most_dependent(np.zeros((9, 3)))[2] == _dependence.most_dependent(z[:, [0, 2]])[2].__floor__()
    )


def test_joint_limits_for_comparison(points):
    both, *_ = plots.joint(points, coordinates=(0, 1), limits=(-9, 8)).axes
    assert both.get_xlim() == both.get_ylim() == (-9, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"coordinates": (0, 1, 2)}, r"must be 2 different ones from 0 to 2. Received: \(0, 1, 2\)"),
        ({"bins": 0}, "bins must be a positive integer"),
        ({"y": [1, 2]}, "each of the 5 codes"),
        ({"limits": (1, 0)}, r"low < high. Received: \(1, 0\)"),
    ],
)
def test_joint_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.joint(np.eye(5)[:, :3], **arguments)


def test_filters_are_the_columns_of_the_kernel(rng):
    kernel = rng.normal(size=(6 * 5, 12))
    images, scale = plots.filters(kernel, (6, 5), n=7, columns=4).axes
    array, (low, high) = shown(images)
    assert array.shape == (2 * 6 + 1, 4 * 5 + 3)
    for unit in range(7):
        np.testing.assert_array_equal(array[unit // 4 * 7 :][:6, unit % 4 * 6 :][:, :5], kernel[:, unit].reshape(6, 5))
    assert np.isnan(array[6]).all() and np.isnan(array[7:, 18:]).all()  # gray, which no weight is
    assert low == -high and 0 < high <= np.abs(kernel).max()
    assert [float(tick.get_text().replace("\N{MINUS SIGN}", "-")) for tick in scale.get_xticklabels()] == pytest.approx(
        [low, 0, high], rel=0.1
    )


def test_filters_one_strong_weight_does_not_hide_the_others(rng):
    kernel = rng.uniform(-1, 1, size=(784, 4))
    kernel[0, 0] = 1000
    _, (_, high) = shown(plots.filters(kernel, (28, 28)).axes[0])
    assert high <= 1


def test_filters_of_a_convolution_and_of_zeros(rng):
    kernel = rng.normal(size=(7, 7, 1, 3))
    array, _ = shown(plots.filters(kernel).axes[0])
    np.testing.assert_array_equal(array[:, 16:], kernel[:, :, 0, 2])
    assert shown(plots.filters(kernel * 0).axes[0])[1] == (-1, 1)


def test_filters_of_whatever_has_weights(rng):
    kernel, bias = rng.normal(size=(784, 3)), np.zeros(3)
    layer = SimpleNamespace(get_weights=lambda: [kernel, bias])
    np.testing.assert_array_equal(tile(shown(plots.filters(layer, (28, 28)).axes[0])[0], 0, 1).ravel(), kernel[:, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": np.zeros((784, 4))}, r"shape=\(h, w\).*Received: kernel of shape \(784, 4\) and shape=None"),
        ({"kernel": np.zeros((784, 4)), "shape": (28, 27)}, r"shape=\(28, 27\)"),
        ({"kernel": np.zeros((7, 7, 3, 4))}, r"kernel of shape \(7, 7, 3, 4\)"),
        ({"kernel": np.zeros((784, 4)), "shape": (28, 28), "n": 0}, "n must be a positive integer"),
        ({"kernel": np.zeros((784, 4)), "shape": (28, 28), "columns": 0}, "columns must be a positive integer"),
        ({"kernel": np.full((784, 4), np.nan), "shape": (28, 28)}, "kernel must be finite"),
    ],
)
def test_filters_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.filters(**arguments)


def test_decoded_grid_first_number_across_second_one_up():
    def decode(z):
        return np.broadcast_to((z @ [0.1, 0.01])[:, None, None], (len(z), 8, 8))

    (ax,) = plots.decoded_grid(decode, [0, 1, 2], [3, 4]).axes
    array, limits = shown(ax)
    assert array.shape == (16, 24) and limits == (0, 1)  # no gaps
    np.testing.assert_allclose(array[::8, ::8], [[0.04, 0.14, 0.24], [0.03, 0.13, 0.23]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_0$", "$z_1$")


def test_decoded_grid_axes_say_the_codes():
    values = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])  # not evenly spaced
    (ax,) = plots.decoded_grid(gray, values).axes
    centers = 28 * np.arange(5) + 13.5
    for ticks, names, expected in (
        (ax.get_xticks(), ax.get_xticklabels(), centers),
        (ax.get_yticks(), ax.get_yticklabels(), centers[::-1]),
    ):
        found = dict(zip([float(name.get_text()) for name in names], ticks, strict=True))
        assert [found[value] for value in values] == pytest.approx(list(expected))


def test_decoded_grid_takes_a_model():
    model = SimpleNamespace(decode=gray)
    assert shown(plots.decoded_grid(model, [0, 1]).axes[0])[0].max() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"across": np.eye(2)}, "across must be one row of increasing numbers"),
        ({"across": [1, 0]}, r"across must be one row of increasing numbers. Received: \[1, 0\]"),
        ({"across": [0, 1], "up": []}, "up is empty"),
        ({"decode": lambda z: np.zeros((3, 8, 8)), "across": [0, 1]}, "one image for each of 4 codes. Received: 3"),
        ({"decode": lambda z: z, "across": [0, 1]}, r"what decode gives must have shape .*\(4, 2\)"),
    ],
)
def test_decoded_grid_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.decoded_grid(**{"decode": gray} | arguments)


def test_error_against_noise_a_curve_each():
    levels, errors = [0.0, 0.1, 0.4], {"model": [1.0, 2.0, 3.0], "PCA": np.array([2, 3, 4])}
    figure = plots.error_against_noise(levels, errors, trained_at=0.2, xlabel="rate", ylabel="MSE")
    (ax,) = figure.axes
    for name, values in errors.items():
        np.testing.assert_array_equal(labeled(ax, name).get_xydata(), np.stack([levels, values], axis=1))
    assert legend_names(figure.legends[0]) == ["model", "PCA", "trained with"]
    assert set(labeled(ax, "trained with").get_xdata()) == {0.2}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_ylim()[0]) == ("rate", "MSE", 0)


@pytest.mark.parametrize(
    ("levels", "errors", "message"),
    [
        ([], {"model": []}, "levels is empty"),
        ([0.2, 0.1], {"model": [1, 2]}, r"increasing numbers. Received: \[0.2 0.1\]"),
        ([[0.1]], {"model": [[1]]}, "one row"),
        ([0.1], {}, "errors is empty: expected at least one curve"),
        ([0.1, 0.2], {"model": [1, 2, 3]}, r"model must hold one error for each of the 2 levels.*\(3,\)"),
        ([0.1], {"model": [np.nan]}, "model must be finite"),
    ],
)
def test_error_against_noise_errors(levels, errors, message):
    with pytest.raises(ValueError, match=message):
        plots.error_against_noise(levels, errors)


def test_stacked_pictures_below_and_beside_one_another():
    red, blue = Figure((2, 1), facecolor="red"), Figure((3, 2), facecolor="blue")

    def pixels(beside):
        (ax,) = plots.stacked([red, blue], beside).axes
        return np.asarray(ax.images[0].get_array())

    below = pixels(False)
    assert below.shape == (300, 300, 3)
    assert (below[:100, 50:250] == (255, 0, 0)).all() and (below[100:] == (0, 0, 255)).all()
    assert (below[:100, :50] == 255).all() and (below[:100, 250:] == 255).all()
    beside = pixels(True)
    assert beside.shape == (200, 500, 3)
    assert (beside[50:150, :200] == (255, 0, 0)).all() and (beside[:, 200:] == (0, 0, 255)).all()
    with pytest.raises(ValueError, match="figures is empty"):
        plots.stacked([])


def heading_and_names(model):
    figure = plots.architecture(model)
    return [text.get_text() for text in figure.axes[0].texts]


def test_architecture_names_sizes_and_parameters():
    assert heading_and_names(network()) == [
        "encoder: 120 parameters",
        *("input", "28×28×1"),
        *("Conv 3×3\nReLU", "14×14×8\n80"),
        *("code\nmean, log-\nvariance", "2\n40"),
        "decoder: 2,432 parameters",
        *("Conv 3×3\nReLU", "14×14×8\n80"),
        *("Dense\nsigmoid", "28×28×1\n2,352"),
    ]


def test_architecture_of_a_long_network_has_more_lines():
    texts = heading_and_names(network(hidden=12))
    assert [text for text in texts if text.startswith(("encoder", "decoder"))] == [
        "encoder: 1,000 parameters",
        "encoder, continued",
        "decoder: 3,312 parameters",
        "decoder, continued",
    ]
    assert texts.count("Conv 3×3\nReLU") == 24


def test_architecture_discriminator_and_noise():
    model = network(discriminator=part(layer("Dense", "real", (1,), 3)))
    model.noise = type("MaskPixels", (), {})()
    texts = heading_and_names(model)
    assert texts[1:5] == ["input", "28×28×1", "Mask pixels\n(noise)", "28×28×1"]
    assert texts[-5:] == ["discriminator: 3 parameters", "code or\nprior sample", "2", "Dense", "1\n3"]


def test_architecture_of_any_keras_model():
    model = SimpleNamespace(name="classifier", **vars(part(layer("Dense", "dense", (10,), 7850, "softmax"))))
    assert heading_and_names(model) == ["classifier: 7,850 parameters", "Dense\nsoftmax", "10\n7,850"]


def frames_of(path):
    with Image.open(path) as animation:
        for i in range(animation.n_frames):
            animation.seek(i)
            yield np.asarray(animation.convert("RGB")), animation.info["duration"]


def test_animate_images_pixel_by_pixel(tmp_path):
    x = np.linspace(-1, 1, 4 * 28 * 28).reshape(4, 28, 28)
    path = plots.animate(x, tmp_path / "new" / "a.gif", fps=10, pause=0.5, value_range=(-1, 1))
    frames, durations = zip(*frames_of(path), strict=True)
    assert durations == (100, 100, 100, 600)
    assert frames[0].shape == (168, 168, 3)  # six times
    expected = np.rint(255 * (x + 1) / 2).repeat(6, axis=1).repeat(6, axis=2)
    np.testing.assert_array_equal(np.stack(frames)[..., 0], expected)


def test_animate_there_and_back_and_in_color(tmp_path):
    x = np.zeros((3, 200, 200, 3))
    x[0, ..., 0] = x[1, ..., 1] = x[2, ..., 2] = 1
    frames, durations = zip(*frames_of(plots.animate(x, tmp_path / "a.gif", fps=5, back=True)), strict=True)
    assert [frame[0, 0].argmax() for frame in frames] == [0, 1, 2, 1]
    assert durations == (200, 200, 1200, 200)


def test_animate_figures_and_files(tmp_path):
    figures = [Figure((3, 1), facecolor="red"), Figure((2, 2), facecolor="blue")]
    figures[1].savefig(tmp_path / "2.png", dpi=100)
    for name, frames in (("a.gif", iter(figures)), ("b.gif", [figures[0], tmp_path / "2.png"])):
        (first, _), (second, _) = frames_of(plots.animate(frames, tmp_path / name))
        assert first.shape == second.shape == (200, 300, 3)
        assert tuple(first[50, 250]) == (255, 0, 0) and tuple(second[150, 50]) == (0, 0, 255)
        assert tuple(first[150, 50]) == tuple(second[50, 250]) == (255, 255, 255)


def test_animate_reduces_wide_figures(tmp_path):
    figures = [Figure((4, 2), facecolor="red"), Figure((3, 2), facecolor="blue")]
    (first, _), (second, _) = frames_of(plots.animate(figures, tmp_path / "a.gif", widest=200))
    assert first.shape == (100, 200, 3) and tuple(second[50, 149]) == (0, 0, 255)
    assert tuple(second[50, 151]) == (255, 255, 255)


def test_animate_white_stays_white_among_many_colors(tmp_path, rng):
    x = np.ones((2, 200, 200, 3))
    x[:, 50:, 50:] = rng.uniform(0.7, 1, size=(2, 150, 150, 3))
    (first, _), _ = frames_of(plots.animate(x, tmp_path / "a.gif"))
    assert (first[:50] == 255).all()


def test_animate_replaces_nothing_unasked(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"a.gif exists. Choose another path, or pass overwrite=True"):
        plots.animate(np.zeros((2, 8, 8)), path)
    assert path.read_bytes() == b"mine"
    plots.animate(np.zeros((2, 8, 8)), path, overwrite=True)
    assert path.read_bytes().startswith(b"GIF")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "a.mp4"}, "path must end in .gif. Received: a.mp4"),
        ({"frames": []}, "frames is empty"),
        ({"frames": np.zeros((2, 3))}, r"frames must have shape \(n, h, w\).*\(2, 3\)"),
        ({"fps": 0}, r"fps must be in \(0, 50\].*fps=0"),
        ({"pause": -1}, "pause must not be negative.*pause=-1"),
    ],
)
def test_animate_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.animate(**{"frames": np.zeros((2, 8, 8)), "path": "a.gif"} | arguments)
