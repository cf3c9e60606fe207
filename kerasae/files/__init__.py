"""Read untrusted files: they are validated before anything is built from them.

- `reading`: opens a file once, reads a limited number of bytes, and hashes the bytes that are used.
- `json`, `arrays`: JSON, and NumPy's `.npy` and `.npz`.
- `pictures`: pictures that Pillow decodes, with a limited number of pixels.
- `config`, `compiling`, `bounds`, `objects`: configs of models. Only a few classes, with plain arguments within
  bounds, are built. `sizes` compares the weights' shapes with the weights file before memory is allocated.
- `weights`: weights files of plain arrays. Links and compressed, virtual or external arrays are refused, so no array
  is larger than the file.
- `planes`: weights files in an order of bytes that archives compress better.
- `archive`: `.keras` files, which contain exactly a config, weights and Keras's metadata, uncompressed.

Importing this package imports neither Keras nor NumPy.
"""

from kerasae.files.archive import CONFIG, METADATA, WEIGHTS, unpacked
from kerasae.files.arrays import parse_arrays, read_array, read_arrays
from kerasae.files.config import clean_config
from kerasae.files.json import parse_json, read_json
from kerasae.files.pictures import MAX_PIXELS, Header, Picture, picture_suffixes, read_header, read_picture
from kerasae.files.planes import store_in_planes
from kerasae.files.reading import (
    MAX_CONFIG,
    MAX_WEIGHTS_FILE,
    DamagedFileError,
    brief,
    file_sha256,
    private_copy,
    read_bytes,
    sha256,
)
from kerasae.files.room import save_weights
from kerasae.files.sizes import MAX_NUMBERS, check_size, of_zeros, shapes_of
from kerasae.files.weights import Array, load_checked, load_weights, shapes_in

__all__ = [
    "CONFIG",
    "MAX_CONFIG",
    "MAX_NUMBERS",
    "MAX_PIXELS",
    "MAX_WEIGHTS_FILE",
    "METADATA",
    "WEIGHTS",
    "Array",
    "DamagedFileError",
    "Header",
    "Picture",
    "brief",
    "check_size",
    "clean_config",
    "file_sha256",
    "load_checked",
    "load_weights",
    "of_zeros",
    "parse_arrays",
    "parse_json",
    "picture_suffixes",
    "private_copy",
    "read_array",
    "read_arrays",
    "read_bytes",
    "read_header",
    "read_json",
    "read_picture",
    "save_weights",
    "sha256",
    "shapes_in",
    "shapes_of",
    "store_in_planes",
    "unpacked",
]
