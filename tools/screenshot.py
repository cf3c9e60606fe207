"""Take the picture of the page to play with that the documentation shows (needs MNIST, playwright and Chromium).

.venv/bin/python tools/screenshot.py docs/explorer.png
"""

import io
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright import sync_api

from kerasae import data, explorer

_SIZE = {"width": 1180, "height": 800}


def main(path: str) -> None:
    """Write the page of `vae2_mnist`, draw a zero on it, and save what the browser shows."""
    mnist = data.mnist()
    with tempfile.TemporaryDirectory() as folder, sync_api.sync_playwright() as playwright:
        file = explorer.page("vae2_mnist", mnist.x_test, mnist.y_test, Path(folder, "page.html"))
        executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=_SIZE, color_scheme="light")
        page.goto(file.as_uri())
        page.wait_for_selector("body[data-ready]")
        page.check("input[value=inputs]")
        _draw_zero(page)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(500)
        shot = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    shot.convert("RGB").save(path, optimize=True)


def _draw_zero(page) -> None:
    box = page.locator("[data-part=pad]").bounding_box()
    for i in range(41):
        turn = 2 * math.pi * i / 40
        page.mouse.move(box["x"] + 95 + 40 * math.sin(turn), box["y"] + 95 - 55 * math.cos(turn))
        if i == 0:
            page.mouse.down()
    page.mouse.up()


if __name__ == "__main__":
    main(sys.argv[1])
