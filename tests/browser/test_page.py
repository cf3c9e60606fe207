"""The page used as a reader uses it: hover, draw, click, drag, keys; what it shows is what Keras computes."""

import numpy as np
import pytest

import kerasae
from kerasae import explorer, metrics, models

pytest_plugins = ["headless"]
DIGITS = kerasae.data.digits()
X, Y = DIGITS.x_test[:120], DIGITS.y_test[:120]
ENTRIES = ("dense2_mnist", "conv_mnist", "vae2_mnist", "cvae_mnist")
CLOSE = 1e-5

PANEL = """async (number = 0) => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame); // what is waiting is drawn
  const { code, label, decoded, x, encoded, model, map } = explorer.panels[number];
  const list = (values) => values && [...values];
  return {
    code: list(code), label, decoded: list(decoded), x: list(x), model: model.name, place: map.code, path: map.path,
    encoded: encoded && { code: list(encoded.code), variance: list(encoded.variance),
      reconstruction: list(encoded.reconstruction), ellipse: map.input?.ellipse },
  };
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A function that gives a model and its page, made once."""
    made = {}

    def page_of(name):
        if name not in made:
            model = kerasae.zoo.load(name)
            path = tmp_path_factory.mktemp("pages") / f"{name}.html"
            made[name] = model, explorer.page(model, X, Y, path, names=[name], images=60)
        return made[name]

    return page_of


def state(page, number=0):
    """The state of a panel, after the next frame."""
    return page.evaluate(PANEL, number)


def wait_until(page, condition):
    """Wait for a condition; playwright's own waiting needs a policy that lets the page evaluate texts."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within 10 s: {condition}")


def given(model, label):
    return {} if model.classes is None else {"label": label}


def as_batch(values, shape):
    return np.array(values, "float32").reshape(1, *shape)


def hover(page, x, y):
    page.hover("canvas.map", position={"x": x, "y": y})


def draw(page, *points, pad="[data-part=pad]"):
    box = page.locator(pad).bounding_box()
    x, y = points[0]
    page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()


SEVEN = ((50, 45), (130, 45), (90, 150))


@pytest.mark.parametrize("name", ENTRIES)
def test_the_picture_follows_the_pointer(name, pages, open_page):
    model, path = pages(name)
    page = open_page(path)
    places = []
    for x, y in ((120, 140), (300, 260)):
        hover(page, x, y)
        shown = state(page)
        expected = model.decode(as_batch(shown["code"], model.code_shape), **given(model, shown["label"]))[0]
        np.testing.assert_allclose(shown["decoded"], expected.ravel(), rtol=0, atol=CLOSE)
        pixels = page.evaluate("""() => {
          const canvas = document.querySelector("[data-part=decoded]");
          return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
        }""")
        gray = np.array(pixels).reshape(28, 28, 4)
        np.testing.assert_allclose(gray[..., 0], 255 * np.clip(expected[..., 0], 0, 1), atol=1)
        assert (gray[..., 3] == 255).all()
        places.append(shown["place"])
    assert places[0][0] < places[1][0] and places[0][1] > places[1][1]  # right is right, and up is up
    # The time of one frame at 60 per second; other programs and the compiler of the browser may take some of it.
    fastest = page.evaluate("""() => {
      let fastest = Infinity;
      for (let i = 0; i < 200 && fastest >= 16; i++) {
        explorer.panels[0].draw();
        fastest = Math.min(fastest, Number(document.querySelector("[data-part=decoded]").dataset.milliseconds));
      }
      return fastest;
    }""")
    assert fastest < 16


@pytest.mark.parametrize("name", ENTRIES)
def test_a_drawing_is_encoded_and_reconstructed(name, pages, open_page):
    model, path = pages(name)
    page = open_page(path)
    draw(page, *SEVEN)
    shown = state(page)
    x = as_batch(shown["x"], (28, 28, 1))
    assert x.max() == 1.0 and 0.03 < x.mean() < 0.3
    condition = given(model, shown["label"])
    code = model.encode(x, **condition).ravel()
    np.testing.assert_allclose(shown["encoded"]["code"], code, rtol=CLOSE, atol=CLOSE * max(1, np.abs(code).max()))
    reconstruction = model.reconstruct(x, **condition)
    np.testing.assert_allclose(shown["encoded"]["reconstruction"], reconstruction.ravel(), rtol=0, atol=CLOSE)
    errors = page.inner_text("[data-part=errors]").split("\n")
    numbers = [float(line.split()[0]) for line in errors if line[0].isdigit()]
    assert numbers[0] == pytest.approx(metrics.mean_squared_error(x, reconstruction), abs=1e-4)
    assert numbers[1] == pytest.approx(metrics.binary_crossentropy(x, reconstruction), abs=1e-4)
    if hasattr(model, "posterior"):
        posterior = model.posterior(x, **condition)
        np.testing.assert_allclose(shown["encoded"]["variance"], np.exp(posterior.log_variance[0]), rtol=1e-4)
        assert numbers[2] == pytest.approx(np.sum(kl(posterior)), rel=1e-2)
    page.click("[data-part=clear]")
    assert state(page)["x"] is None
    assert page.inner_text("[data-part=errors]") == ""


def kl(posterior):
    mean, log_variance = posterior
    return 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance)


def test_the_ellipse_is_the_posterior(pages, open_page):
    _, path = pages("vae2_mnist")
    page = open_page(path)
    page.click("#next")
    encoded = state(page)["encoded"]
    np.testing.assert_allclose(sorted(encoded["ellipse"]["radii"]), np.sort(np.sqrt(encoded["variance"])), rtol=1e-5)
    # A projection of a posterior of many numbers has the covariance A diag(σ²) Aᵀ.
    turned = page.evaluate("""() => {
      const model = Object.create(Object.getPrototypeOf(explorer.panels[0].model));
      model.plane = { axes: [[0.6, 0.8, 0], [0.8, -0.6, 0]] };
      return model.ellipse([4, 1, 9]);
    }""")
    assert turned["radii"] == pytest.approx([2, 1])
    assert np.abs([np.cos(turned["angle"]), np.sin(turned["angle"])]) == pytest.approx([0.6, 0.8])


def test_a_click_loads_the_nearest_example(pages, open_page):
    _, path = pages("cvae_mnist")
    page = open_page(path)
    page.click("canvas.map", position={"x": 200, "y": 160})
    shown = state(page)
    held = np.unique(np.linspace(0, len(X) - 1, 60).astype(int))
    row = int(page.inner_text("#loaded").split()[1].rstrip(","))
    assert row in held
    np.testing.assert_allclose(shown["x"], X[row].ravel(), atol=0.5 / 255 + 1e-6)
    assert shown["label"] == Y[row]
    assert page.inner_text("#loaded") == f"Example {row}, class {Y[row]}"
    # It is the nearest of those that the page holds.
    places = page.evaluate("[...explorer.panels[0].model.places]")
    clicked = page.evaluate("explorer.panels[0].map.view.fromPixels([200, 160])")
    distances = np.linalg.norm(np.reshape(places, (-1, 2)) - clicked, axis=1)
    assert distances[row] == pytest.approx(distances[held].min(), rel=1e-2)


def test_classes(pages, open_page):
    model, path = pages("cvae_mnist")
    page = open_page(path)
    draw(page, *SEVEN)
    before = state(page)
    page.click("button[aria-label='Class 3']")
    after = state(page)
    assert (before["label"], after["label"]) == (0, 3)
    assert page.get_attribute("button[aria-label='Class 3']", "aria-pressed") == "true"
    code = model.encode(as_batch(after["x"], (28, 28, 1)), label=3).ravel()
    np.testing.assert_allclose(after["encoded"]["code"], code, atol=CLOSE)
    np.testing.assert_allclose(
        after["decoded"], model.decode(as_batch(after["code"], (20,)), label=3).ravel(), rtol=0, atol=CLOSE
    )


def test_a_path_between_two_points(pages, open_page):
    _, path = pages("dense2_mnist")
    page = open_page(path)
    page.check("input[value=path]")
    page.click("canvas.map", position={"x": 100, "y": 100})
    assert page.is_disabled("[data-part=play]")
    page.click("canvas.map", position={"x": 300, "y": 250})
    ends = np.array(state(page)["path"])
    hover(page, 305, 252)
    assert page.inner_text("[data-part=play]") == "Pause"  # it plays, wherever the pointer is
    assert page.locator("[data-part=strip] canvas").count() == 9
    wait_until(page, "Number(document.querySelector('[data-part=time]').value) > 0.05")
    page.click("[data-part=play]")
    t = float(page.input_value("[data-part=time]"))
    np.testing.assert_allclose(state(page)["place"], ends[0] + t * (ends[1] - ends[0]), atol=0.02 * np.ptp(ends))
    page.fill("[data-part=time]", "0.5")
    np.testing.assert_allclose(state(page)["code"], ends.mean(axis=0), rtol=1e-4, atol=1e-4)
    assert page.inner_text("[data-part=time-value]") == "t = 0.50"


def test_no_motion_unless_it_is_asked_for(pages, open_page):
    page = open_page(pages("dense2_mnist")[1], reduced_motion="reduce")
    page.check("input[value=path]")
    for x in (100, 300):
        page.click("canvas.map", position={"x": x, "y": 200})
    assert page.inner_text("[data-part=play]") == "Play"
    assert page.input_value("[data-part=time]") == "0"


def test_keyboard(pages, open_page):
    page = open_page(pages("dense2_mnist")[1])
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('canvas.map')"):
            break
    before = state(page)["place"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    right, up = np.subtract(state(page)["place"], before)
    assert right > 0 and up == pytest.approx(5 * right, rel=1e-3)
    page.keyboard.press("Enter")
    assert state(page)["x"] is not None
    half = page.evaluate("explorer.panels[0].map.view.half")
    page.keyboard.press("+")
    assert page.evaluate("explorer.panels[0].map.view.half") == pytest.approx(half / 1.5)
    # Keys that come faster than frames all count.
    before = state(page)["place"]
    page.evaluate("""() => {
      const map = document.querySelector("canvas.map");
      for (let i = 0; i < 3; i++) map.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
    }""")
    moved = np.subtract(state(page)["place"], before)
    half = page.evaluate("explorer.panels[0].map.view.half")
    assert moved[0] == pytest.approx(-3 * half / 50, rel=1e-3)
    # Everything that can be used has a name.
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, input, canvas[tabindex]")].filter((one) =>
      !one.textContent.trim() && !one.getAttribute("aria-label") && !one.closest("label")).length""")
    assert unnamed == 0


def test_sliders(pages, open_page):
    model, path = pages("conv_mnist")
    page = open_page(path)
    sliders = page.locator("[data-part=sliders] input")
    assert sliders.count() == 10  # principal components of 49 numbers
    before = np.array(state(page)["code"])
    sliders.nth(2).focus()
    page.keyboard.press("ArrowRight")
    moved = np.array(state(page)["code"]) - before
    codes = model.encode(X).reshape(len(X), -1)
    components = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)[2]
    assert abs(moved @ components[2]) == pytest.approx(np.linalg.norm(moved), rel=1e-3)
    page.click("[data-part=random]")
    assert np.linalg.norm(np.array(state(page)["code"]) - before) > 1
    page.click("[data-part=reset]")
    np.testing.assert_allclose(state(page)["code"], codes.mean(axis=0), rtol=1e-4, atol=1e-4)


def test_16_bits(tmp_path, open_page):
    model = kerasae.zoo.load("dense8_mnist")
    page = open_page(explorer.page(model, X, Y, tmp_path / "page.html", bits=16))
    hover(page, 200, 200)
    shown = state(page)
    differences = np.subtract(shown["decoded"], model.decode(as_batch(shown["code"], (8,))).ravel())
    assert CLOSE < np.abs(differences).max() < 1e-3
    assert "16 bits" in page.inner_text("#weights")


def test_a_drawing_is_placed_like_the_data(tmp_path, open_page):
    x = np.zeros((20, 28, 28, 1), "float32")
    for i in range(20):
        x[i, 4:24, 14 - i % 5 : 14 + i % 5 + 1] = 1  # bars of height 20 around one center
    model = models.DenseAutoencoder((28, 28, 1), (8,), 2)
    page = open_page(explorer.page(model, x, path=tmp_path / "page.html"))
    draw(page, (20, 20), (60, 60))  # small, in a corner
    image = np.reshape(state(page)["x"], (28, 28))
    rows = np.nonzero(image > 0.3)[0]
    assert abs(np.ptp(rows) + 1 - 20) <= 1
    mass = image.sum()
    center = [image.sum(axis=1) @ (np.arange(28) + 0.5) / mass, image.sum(axis=0) @ (np.arange(28) + 0.5) / mass]
    np.testing.assert_allclose(center, [14, 14.5], atol=0.3)
    page.uncheck("[data-part=places]")
    image = np.reshape(state(page)["x"], (28, 28))
    assert np.ptp(np.nonzero(image > 0.3)[0]) < 12 and image[14:].sum() == 0


def test_two_models_get_the_same_drawing(tmp_path, open_page):
    path = explorer.page("vae2_mnist", X, Y, tmp_path / "page.html", "dense2_mnist")
    page = open_page(path)
    draw(page, *SEVEN)
    first, second = state(page, 0), state(page, 1)
    assert (first["model"], second["model"]) == ("vae2_mnist", "dense2_mnist")
    assert first["x"] == second["x"]
    for shown in (first, second):
        expected = kerasae.zoo.load(shown["model"]).reconstruct(as_batch(shown["x"], (28, 28, 1)))
        np.testing.assert_allclose(shown["encoded"]["reconstruction"], expected.ravel(), rtol=0, atol=CLOSE)
    page.locator("canvas.map").nth(1).hover(position={"x": 50, "y": 60})
    assert state(page, 1)["place"] != second["place"]
    assert state(page, 0)["place"] == first["place"]


def test_phone(pages, open_page):
    page = open_page(pages("cvae_mnist")[1], width=360, height=740, has_touch=True, is_mobile=True)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
    page.locator("canvas.map").scroll_into_view_if_needed()
    box = page.locator("canvas.map").bounding_box()
    assert page.locator("[data-part=decoded]").bounding_box()["y"] >= 0  # in sight above the map
    before = state(page)
    client = page.context.new_cdp_session(page)
    left, top = box["x"] + 0.6 * box["width"], box["y"] + 0.8 * box["height"]
    for kind, points in (
        ("touchStart", [{"x": left, "y": top}]),
        ("touchMove", [{"x": left - 60, "y": top - 20}]),
        ("touchEnd", []),
    ):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    dragged = state(page)
    assert dragged["place"] != before["place"] and dragged["x"] is None
    page.touchscreen.tap(left, top)
    assert state(page)["x"] is not None


def test_dark_mode(pages, open_page):
    path = pages("dense2_mnist")[1]
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (open_page(path, color_scheme=scheme) for scheme in ("light", "dark"))
    assert light.evaluate(background) == "rgb(255, 255, 255)"
    assert sum(map(int, dark.evaluate(background)[4:-1].split(","))) < 150
    dot = "document.querySelector('.legend i').style.background"
    assert light.evaluate(dot) != dark.evaluate(dot)


def test_maps_of_pictures(pages, open_page):
    page = open_page(pages("vae2_mnist")[1])
    ink = """() => {
      const { layer } = explorer.panels[0].map;
      const { data } = layer.getContext("2d").getImageData(0, 0, layer.width, layer.height);
      return data.filter((value, i) => i % 4 === 3 && value === 255).length / (layer.width * layer.height);
    }"""
    page.check("input[value=inputs]")
    assert 0 < page.evaluate(ink) < 0.5
    page.check("input[value=decoded]")
    wait_until(page, "explorer.panels[0].map.tiles.length === 0")
    assert page.evaluate(ink) > 0.99


def test_decoded_pictures_of_a_projection_follow_the_code(pages, open_page):
    page = open_page(pages("conv_mnist")[1])
    page.check("input[value=decoded]")
    done = "explorer.panels[0].map.tiles?.length === 0"
    wait_until(page, done)
    pixels = "explorer.panels[0].map.layer.toDataURL()"
    before = page.evaluate(pixels)
    hover(page, 150, 150)  # within the plane
    assert state(page) and page.evaluate(pixels) == before
    page.click("#next")
    page.wait_for_timeout(300)
    wait_until(page, done)
    assert page.evaluate(pixels) != before


def test_points_of_the_plane(tmp_path, open_page):
    model = kerasae.zoo.load("deep_sine")
    sine = kerasae.data.sine()
    page = open_page(explorer.page(model, sine.x_test, sine.y_test, tmp_path / "page.html"))
    box = page.locator("[data-part=reconstruction]").bounding_box()
    page.mouse.click(box["x"] + 60, box["y"] + 50)
    shown = state(page)
    np.testing.assert_allclose(
        shown["encoded"]["reconstruction"], model.reconstruct(as_batch(shown["x"], (2,)))[0], atol=1e-5
    )
    curve = page.evaluate("explorer.panels[0].curve")
    assert np.shape(curve) == (300, 2)


@pytest.mark.parametrize(("shape", "code"), [((9,), 3), ((20, 2), 2)])
def test_rows_and_series(shape, code, tmp_path, open_page):
    x = np.random.default_rng(0).normal(size=(40, *shape)).astype("float32")
    model = models.DenseAutoencoder(shape, (8,), code, output_activation="linear", value_range=None)
    page = open_page(explorer.page(model, x, path=tmp_path / "page.html"))
    page.click("#next")
    shown = state(page)
    np.testing.assert_allclose(shown["x"], x[0].ravel())
    np.testing.assert_allclose(shown["encoded"]["reconstruction"], model.reconstruct(x[:1]).ravel(), rtol=0, atol=1e-5)
    assert page.is_hidden("[data-part=pad]")


def test_names_are_text(tmp_path, open_page):
    evil = "</script><script>window.hurt = true</script><img src=x onerror='window.hurt = true'>"
    model = models.DenseAutoencoder((28, 28, 1), (8,), 2)
    page = open_page(explorer.page(model, X, [evil] * len(X), tmp_path / "page.html", names=[evil]))
    assert page.inner_text("h1") == evil == page.title()
    assert page.inner_text(".legend li") == evil
    assert page.evaluate("window.hurt") is None
