"""Find entries by facts on their cards. Imports neither Keras nor NumPy."""

import contextlib
from pathlib import Path

from kerasae._checks import positive_size
from kerasae.zoo import store
from kerasae.zoo.cards import Card


def search(
    *,
    data: str | None = None,
    family: str | None = None,
    code_size: int | tuple[int, int] | None = None,
    directory: str | Path | None = None,
) -> list[str]:
    """Find the names of entries that match all given arguments.

    Args:
        data: Name of a data set, such as `"mnist"`; or for your own data, their path or its last part.
        family: Name of the model's class or a part of it, ignoring case: `"conv"`, `"variational"`,
            `"DenseAutoencoder"`.
        code_size: Code size, or smallest and largest code size.
        directory: As for `names`. Entries with a damaged card are ignored.

    Raises:
        ValueError: If `code_size` does not consist of positive integers.
        FileNotFoundError: If there is no such directory.

    >>> search(data="mnist", family="variational", code_size=(2, 20))
    ['cvae_mnist', 'vae2_mnist', 'vae_mnist']
    """
    least, most = code_size if isinstance(code_size, tuple | list) else (code_size, code_size)
    limits = (
        positive_size("code_size", 1 if least is None else least),
        float("inf") if most is None else positive_size("code_size", most),
    )
    place, found = store.root() if directory is None else Path(directory), []
    for name in store.names(directory):
        with contextlib.suppress(ValueError):
            card = store.card(place / name)
            fits = limits[0] <= card.code.size <= limits[1] and (family or "").lower() in card.class_name.lower()
            if fits and (data is None or str(data) in _data_of(card)):
                found.append(name)
    return found


def _data_of(card: Card) -> set[str]:
    """Names that the data of an entry can be found by."""
    path = card.measured.data if card.measured else ""
    return {name for name in (card.data, path, Path(path).name) if name}
