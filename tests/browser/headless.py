"""A real browser, headless: Chromium as the distribution installs it, or the one that `CHROMIUM` names."""

import os
import shutil
from pathlib import Path

import pytest
from playwright import sync_api

from kerasae.explorer import writing

_QUIET = ("disable-background-networking", "disable-component-update", "disable-quic", "disable-sync", "no-first-run")


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("The browser tests need Chromium: `apt-get install chromium`, or set CHROMIUM to its path.")
    with sync_api.sync_playwright() as playwright:
        options = [*(f"--{flag}" for flag in _QUIET), "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


class Opened:
    """A page in the browser, which must neither fail nor load anything but its own file."""

    def __init__(self, page):
        self.page, self.errors, self.requests = page, [], []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))


@pytest.fixture
def open_page(chromium):
    """A function that opens an explorer page and waits until it is ready."""
    opened = []

    def open_page(path: Path, width=1280, height=900, **settings):
        context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
        one = Opened(context.new_page())
        one.page.set_default_timeout(20_000)
        opened.append((context, one, path.as_uri()))
        one.page.goto(path.as_uri())
        one.page.wait_for_selector("body[data-ready]")
        return one.page

    yield open_page
    for context, one, url in opened:
        context.close()
        assert one.errors == []
        assert one.requests == [url]


@pytest.fixture(scope="session")
def interpreter(chromium):
    """A blank page with the scripts that compute a plan, and nothing else."""
    page = chromium.new_page()
    assets = Path(writing.__file__).parent / "assets"
    for name in ("functions", "grids", "operations", "upconv", "interpreter", "arrays"):
        page.add_script_tag(path=assets / f"{name}.js")
    yield page
    page.close()
