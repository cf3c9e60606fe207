"""Where a training run keeps its state, and whether it may go on from what is there."""

import dataclasses
import json
from pathlib import Path

import keras


def directory(out: Path, plan, seed: int, hold_out: int) -> Path:
    """The directory for the checkpoints of a run that will write `out`, made if need be.

    Args:
        out: The entry's directory; the checkpoints go beside it.
        plan: A `recipes.Schedule`.
        seed, hold_out: As for `recipes.train`.

    Raises:
        ValueError: There are checkpoints of a run with other settings.
    """
    partial = out.with_name(f"{out.name}.partial")
    settings = dataclasses.asdict(plan) | {
        "seed": seed,
        "hold_out": hold_out,
        "backend": keras.backend.backend(),
    }
    record = partial / "settings.json"
    if record.exists():
        found = json.loads(record.read_text())
        if found != settings:
            raise ValueError(
                f"{partial} holds the checkpoints of a run with other settings: {found}. "
                f"Now asked for: {settings}. Remove that directory, or choose another --out."
            )
    else:
        partial.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(settings))
    return partial
