"""What `kerasae plot` draws. Imports nothing, so that the parser is made fast."""

KINDS = ("reconstructions", "codes", "samples", "filters", "errors", "grid", "preview")
