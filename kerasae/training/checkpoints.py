"""Where a training run keeps its state, and whether it may go on from what is there."""

import dataclasses
import json
import os
from pathlib import Path

import keras

from kerasae import keras_private

_SUFFIX = ".weights.h5"


class Backup(keras.callbacks.Callback):
    """Keeps the state of training after each epoch, and goes on from the one that is there.

    Weights, optimiser and epoch are one file, which stands under its name only when it is whole. So
    there is nothing to mend whenever training is killed. Keras's `BackupAndRestore` writes over its
    file, and the epoch into another.

    Args:
        directory: Of this run alone, made if need be.
        writes: Whether this process is the one that writes, of several that train together.
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
        self.model.save_weights(unfinished)
        os.replace(unfinished, self.directory / f"epoch-{epoch + 1}{_SUFFIX}")
        for state in older:
            state.unlink()

    def _states(self) -> dict[int, Path]:
        """What is there, by the number of epochs it has seen."""
        paths = self.directory.glob(f"epoch-*{_SUFFIX}")
        return {int(path.name.removeprefix("epoch-").removesuffix(_SUFFIX)): path for path in paths}


def directory(out: Path, plan, seed: int, hold_out: int) -> Path:
    """The directory for the checkpoints of a run that will write `out`, made if need be.

    Args:
        out: The entry's directory; the checkpoints go beside it.
        plan: A `recipes.Schedule`.
        seed, hold_out: As for `zoo.train.train`.

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
        unfinished = partial / f"settings-{os.getpid()}.json"
        unfinished.write_text(json.dumps(settings))
        os.replace(unfinished, record)
    return partial
