"""The built site in a real browser, from the file system: its search works without a network."""

from pathlib import Path

import pytest

pytest_plugins = ["headless"]
pytestmark = pytest.mark.anybackend

SITE = Path(__file__).parents[2] / "docs" / "_build" / "html"


@pytest.fixture
def site(chromium):
    """A page in the browser that must neither fail nor ask a server for anything."""
    if not (SITE / "index.html").exists():
        pytest.fail(f"The site is expected in {SITE}. Run `make docs` first.")
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page, errors, requests = context.new_page(), [], []
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    yield page
    context.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def results(page, count=1):
    """The titles that a search found, once there are at least `count`."""
    page.wait_for_function("n => document.querySelectorAll('#search-results li a').length >= n", arg=count)
    return page.locator("#search-results li a").all_inner_texts()


@pytest.mark.parametrize(
    ("words", "expected"), [("reparameterization", "generate"), ("PCAResidualAutoencoder", "PCAResidual")]
)
def test_search_finds_pages_and_classes(site, words, expected):
    site.goto(f"{(SITE / 'search.html').as_uri()}?q={words}")
    assert any(expected in title for title in results(site)), results(site)


def test_search_from_the_first_page_leads_to_a_result(site):
    site.goto((SITE / "index.html").as_uri())
    site.keyboard.press("Control+k")
    site.keyboard.type("denoise_gauss_mnist")
    site.keyboard.press("Enter")
    site.wait_for_url("**/search.html?q=denoise_gauss_mnist*")
    found = results(site)
    assert "denoise_gauss_mnist" in found
    site.locator("#search-results li a", has_text="denoise_gauss_mnist").first.click()
    site.wait_for_url("**/gallery/denoise_gauss_mnist.html*")
    assert "denoise_gauss_mnist" in site.locator("h1").inner_text()


def test_search_for_a_word_that_is_nowhere_says_so(site):
    site.goto(f"{(SITE / 'search.html').as_uri()}?q=xyzzyplugh")
    site.wait_for_function("() => /did not match any documents/i.test(document.body.innerText)")
    assert site.locator("#search-results li").count() == 0


# What does not fit into the width of a phone and does not scroll by itself, and pictures that are stretched.
MISFITS = """() => {
  const width = document.documentElement.clientWidth, found = [];
  const scrolls = (element) => element !== null && !element.matches("article, body") && (
    ["auto", "scroll"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  for (const element of document.querySelectorAll("main *, header *")) {
    const box = element.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !scrolls(element)) found.push(`${element.tagName} is too wide`);
  }
  for (const image of document.querySelectorAll("main img")) {
    const stretched = image.width / image.height / (image.naturalWidth / image.naturalHeight);
    if (getComputedStyle(image).objectFit === "fill" && image.complete && Math.abs(Math.log(stretched)) > 0.05)
      found.push(`${image.src} is stretched`);
  }
  return found;
}"""


def test_pages_fit_on_a_phone(site):
    site.set_viewport_size({"width": 360, "height": 740})
    pages = [path for path in sorted(SITE.rglob("*.html")) if not {"_static", "play"} & {*path.relative_to(SITE).parts}]
    of_docstrings = [path for path in pages if path.relative_to(SITE).parts[0] == "api"]
    for path in set(of_docstrings) - set(of_docstrings[::4]):  # alike and many: every fourth is tested
        pages.remove(path)
    assert len(pages) > 60
    found = {}
    for path in pages:
        site.goto(path.as_uri())
        if misfits := site.evaluate(MISFITS):
            found[path.relative_to(SITE).as_posix()] = misfits[:3]
    assert found == {}
