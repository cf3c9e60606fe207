"""`kerasae train --model OutlierDetector`, which fits an outlier detector."""

import shlex
import sys
from typing import Any

NAME = "OutlierDetector"
_NOT_FOR_DETECTORS = ("epochs", "batch_size", "learning_rate", "patience", "loss", "code_size", "hold_out")


def train(arguments, reading: dict[str, Any], facts: dict[str, Any]) -> None:
    """Fit a detector to the user's data and write its entry.

    Args:
        arguments: Parsed arguments of `kerasae train`; `set` has arguments of the detector.
        reading: Options of `data.load`.
        facts: Fields of the card.

    Raises:
        ValueError: If an option does not apply to detectors, or the pictures do not fit in memory.
    """
    from kerasae import data
    from kerasae.sklearn import OutlierDetector
    from kerasae.zoo import own
    from kerasae.zoo.cards import Provenance

    if given := [f"--{n.replace('_', '-')}" for n in _NOT_FOR_DETECTORS if getattr(arguments, n) is not None]:
        raise ValueError(f"An outlier detector does not take the options {', '.join(given)}. Leave them out.")
    name = arguments.name or (arguments.out.name if arguments.out else NAME)
    out = own.target(name, arguments.out, arguments.overwrite)
    source = data.load(arguments.data, **reading)
    if source.stream is not None:
        raise ValueError(
            f"Pictures for a detector must fit in memory. Received {len(source):,} pictures. Pass a smaller --size."
        )
    print(source.description, file=sys.stderr)
    shape = source.input_shape if len(source.input_shape) == 3 else None
    detector = OutlierDetector(input_shape=shape, random_state=arguments.seed or 0, **dict(arguments.set or ()))
    detector.fit(source.x.reshape(len(source), -1))
    command = shlex.join(["kerasae", *arguments.argv])
    provenance = Provenance(author=facts.pop("author", ""), data=str(arguments.data), command=command)
    detector.save(
        out, name=name, preprocessing=source.preprocessing, provenance=provenance, seed=arguments.seed or 0, **facts
    )
    share = float((detector.predict(source.x.reshape(len(source), -1)) < 0).mean())
    print(f"{out}: {100 * share:.1f} % of the {len(source):,} training inputs are outliers")
