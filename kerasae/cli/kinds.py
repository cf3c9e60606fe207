"""Kinds of plots of `kerasae plot`. Imports nothing, so the parser is built fast."""

KINDS = ("reconstructions", "codes", "samples", "filters", "errors", "grid", "preview")
