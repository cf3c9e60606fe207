"""The site: `make docs` builds it into docs/_build/html."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
os.environ.setdefault("KERAS_BACKEND", "numpy")  # builds networks fastest, and nothing is trained here
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent / "tools"), str(DOCS.parent)]

import kerasae  # noqa: E402

project = "kerasae"
author = "The kerasae contributors"
copyright = f"2026, {author}"
version = release = kerasae.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "generate",  # pages of the gallery, the notebooks and the API
    "mathml",
]
exclude_patterns = ["_build", "_play", "_templates"]
templates_path = ["_templates"]

# Notebooks are executed by the tests: the site shows their stored outputs.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_update_mathjax = False
html_math_renderer = "mathml"

# `x` in a docstring is code, and a link where a public name is meant.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [("py:obj", r"(?s).*"), ("py:.*", r"(?!kerasae\.).*")]
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_inherit_docstrings = False  # what a class overrides is documented where it is defined, in Keras's Markdown
autodoc_typehints = "none"
autosummary_ignore_module_all = False
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "kerasae"
html_static_path = ["_static"]
html_extra_path = ["_play"]  # the explorer pages, made by `play`
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would fetch pages, which browsers refuse from the file system
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "logo": {"text": "kerasae"},
    "search_as_you_type": True,
}
html_sidebars = {"index": [], "gallery/play": [], "start": [], "about": []}
html_context = {"default_mode": "auto"}
