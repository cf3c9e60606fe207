"""Write the pages that are made from cards, notebooks and docstrings, before Sphinx looks for pages."""

from pathlib import Path

import api
import files
import gallery
import play


def _notebooks(docs: Path) -> None:
    paths = sorted((docs.parent / "notebooks").glob("*.ipynb"))
    for path in paths:
        files.write(docs / "notebooks" / path.name, path.read_bytes())
    files.keep_only(docs / "notebooks", {path.name for path in paths})


def _write_all(app, config) -> None:
    docs = Path(app.srcdir)
    _notebooks(docs)
    gallery.write(docs, play.ENTRIES)
    play.write(docs)
    api.write(docs)


def _inside(app, docname: str, source: list[str]) -> None:
    """Links that lead out of `docs/` on GitHub, to pages that the site has inside."""
    source[0] = source[0].replace("](../notebooks/", "](notebooks/")


def setup(app):
    """Run before the search for pages, and before autosummary reads them."""
    app.connect("config-inited", _write_all)
    app.connect("source-read", _inside)
    app.connect("autodoc-process-signature", api.constructor)
    app.connect("autodoc-process-bases", api.public_bases)
    app.connect("autodoc-process-docstring", api.prepare, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
