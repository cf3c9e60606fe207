"""Golden outputs: outputs stored with an entry when it was written, which other backends must reproduce."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kerasae import files
from kerasae.zoo import store

if TYPE_CHECKING:
    import numpy as np

# Float32 rounding in another order of summation: 1e-5 from the exact value in the deepest dense entry, whose logits
# reach 50. Two backends may err in opposite directions.
TOLERANCE = 2e-5
_MAX_GOLDEN = 2**26  # largest size of the file in bytes


class Difference(NamedTuple):
    """Difference between a recomputed output and the golden output.

    Attributes:
        largest: Largest absolute difference.
        tolerance: Largest allowed absolute difference.
    """

    largest: float
    tolerance: float

    @property
    def is_tolerable(self) -> bool:
        """Whether the difference is within the tolerance."""
        return self.largest <= self.tolerance


def golden(name: str | Path) -> dict[str, "np.ndarray"]:
    """Read the golden outputs of an entry, for the inputs `metrics.golden_inputs`.

    Args:
        name: As for `load`.

    Returns:
        `code (2, *code_shape)`, `reconstruction (2, *input_shape)` and, for a variational model, `log_variance`
        of the code's shape.

    Raises:
        ValueError: If there is no such entry, or its golden outputs are missing, damaged or not finite.
    """
    import numpy as np

    directory = store.directory_of(name)
    metadata = store.read_card(directory)
    try:
        if "format" in metadata:
            content = store.read_file(directory, store.GOLDEN, metadata, _MAX_GOLDEN)
            outputs = files.parse_arrays(content, directory / store.GOLDEN)
        else:  # a card of version 0.1
            outputs = {key: np.asarray(value, "float64") for key, value in metadata["golden"].items()}
        if not all(np.isfinite(array).all() for array in outputs.values()):
            raise ValueError("expected finite numbers")
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"The golden outputs of {name} can't be read: {files.brief(error)}. Install kerasae or the entry again."
        ) from error
    return outputs


def verify(name: str | Path) -> dict[str, Difference]:
    """Recompute an entry's golden outputs on the backend in use.

    Args:
        name: As for `load`, without `.keras` files.

    Returns:
        Differences of the `code`, the `reconstruction`, the `decoded` golden code and, for a variational model, the
        `log_variance`. The tolerance is `TOLERANCE · max(1, largest absolute golden value)`.

    Raises:
        ValueError: If the golden outputs do not have the model's shapes; otherwise as for `load` and `golden`.
    """
    import numpy as np

    from kerasae import metrics

    model, expected = store.load(name), golden(name)
    shapes, found = metrics.golden_shapes(model), {key: array.shape for key, array in expected.items()}
    if found != shapes:
        raise ValueError(f"The golden outputs of {name} must have shapes {shapes}. Received shapes {str(found)[:300]}.")
    outputs = metrics.golden_outputs(model)
    outputs["decoded"] = model.decode(outputs["code"], **metrics.given_to(model, np.arange(len(outputs["code"]))))
    expected["decoded"] = expected["reconstruction"]
    return {key: _difference(outputs[key], value) for key, value in expected.items()}


def _difference(output: "np.ndarray", expected: "np.ndarray") -> Difference:
    import numpy as np

    largest = float(np.max(np.abs(output - expected)))
    return Difference(largest, TOLERANCE * max(1.0, float(np.max(np.abs(expected)))))
