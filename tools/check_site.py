"""Check that a built site loads nothing from elsewhere and that its links lead somewhere.

python tools/check_site.py docs/_build/html
"""

import re
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes by which a page loads something, and which only lead to another page.
LOADED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "video": "src"}
_ELSEWHERE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class Page(HTMLParser):
    """The links of a page, what it loads, and the anchors in it.

    Args:
        text: The page in HTML.
    """

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in LOADED and given.get(LOADED[tag]) and given.get("rel") not in ("canonical", "search", "next", "prev"):
            self.loaded.append(given[LOADED[tag]])


def problems(site: Path) -> Iterator[str]:
    """What is wrong with a site, one sentence for each fault."""
    paths = (path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)  # the theme's templates
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in paths}
    if not pages:
        yield f"{site} has no pages. Run `make docs` to build the site."
    for path, page in pages.items():
        here = path.relative_to(site)
        for address in page.loaded:
            if is_elsewhere(address):
                yield f"{here} loads {address}. Expected a file of the site."
        for address in {*page.links, *page.loaded}:
            if fault := _fault(path, address, pages):
                yield f"{here} links to {address}: {fault}."
    for path in sorted(site.rglob("*.css")):
        for address in _ELSEWHERE.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)} loads {address}. Expected a file of the site."


def is_elsewhere(address: str) -> bool:
    """Whether an address names another machine."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ftp")


def _fault(path: Path, address: str, pages: dict[Path, Page]) -> str | None:
    """Why a link leads nowhere; None if it leads somewhere, or to another machine by a well-formed address."""
    parts = urlsplit(address)
    if is_elsewhere(address):
        return None if parts.scheme in ("http", "https") and "." in parts.netloc else "malformed address"
    if parts.scheme in ("mailto", "data", "javascript"):
        return None
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return "no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "no such anchor"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong; the status is 1 if anything is."""
    (directory,) = sys.argv[1:] if argv is None else argv
    found = list(problems(Path(directory).resolve()))
    print(
        "\n".join(found) if found else f"{directory}: all links lead somewhere, and nothing is loaded from elsewhere."
    )
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
