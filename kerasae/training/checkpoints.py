"""Checkpoints of a training run, and whether a run may resume from those that are there."""

import dataclasses
import json
import os
from pathlib import Path

import keras

from kerasae import files, keras_private

_SUFFIX = ".weights.h5"


class Backup(keras.callbacks.Callback):
    """Save a checkpoint after each epoch, and resume from the latest one.

    Weights, optimizer and epoch are in one file, which gets its name only when it is complete. Training
    can therefore be killed at any time. Keras's `BackupAndRestore` overwrites its file, and writes the
    epoch into another one.

    Args:
        directory: Directory of this run's checkpoints, created if it doesn't exist.
        writes: Whether this process writes the checkpoints, if several train one model.
    """

    def __init__(self, directory: Path, writes: bool = True):
        super().__init__()
        self.directory, self.writes = directory, writes

    def on_train_begin(self, logs=None):
        if states := self._states():
            epoch, state = max(states.items())
            self.model.optimizer.build(self.model.trainable_variables)  # else its state is passed over
            self.model.load_weights(state)
            keras_private.resume_from(self.model, epoch)

    def on_epoch_end(self, epoch, logs=None):
        if not self.writes:
            return
        older = self._states().values()
        self.directory.mkdir(parents=True, exist_ok=True)
        unfinished = self.directory / f"unfinished{_SUFFIX}"
        files.save_weights(self.model, unfinished)
        os.replace(unfinished, self.directory / f"epoch-{epoch + 1}{_SUFFIX}")
        for state in older:
            state.unlink()

    def _states(self) -> dict[int, Path]:
        """What is there, by the number of epochs it has seen."""
        paths = self.directory.glob(f"epoch-*{_SUFFIX}")
        return {int(path.name.removeprefix("epoch-").removesuffix(_SUFFIX)): path for path in paths}


def directory(out: Path, plan, seed: int, hold_out: float, **others) -> Path:
    """The directory for the checkpoints of a run that will write `out`, made if need be.

    Args:
        out: The entry's directory; the checkpoints go beside it.
        plan: A `recipes.Schedule`, or a `zoo.plans.Plan`.
        seed, hold_out: As for `zoo.train.train`.
        **others: What else the run depends on, as JSON types.

    Raises:
        ValueError: There are checkpoints of a run with other settings.
    """
    partial = out.with_name(f"{out.name}.partial")
    settings = dataclasses.asdict(plan) | {
        "seed": seed,
        "hold_out": hold_out,
        "backend": keras.backend.backend(),
        **others,
    }
    settings = json.loads(json.dumps(settings))  # tuples become lists, as in the file
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
        unfinished = partial / f"settings-{os.getpid()}.json"
        unfinished.write_text(json.dumps(settings))
        os.replace(unfinished, record)
    return partial
