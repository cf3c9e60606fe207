"""Checkpoints of a training run, and the check that a run resumes from checkpoints of the same settings."""

import dataclasses
import json
import os
import tempfile
from pathlib import Path

import keras

from kerasae import backends, files, keras_private

_SUFFIX = ".weights.h5"


class Backup(keras.callbacks.Callback):
    """Save a checkpoint after each epoch, and resume from the latest one.

    Weights, optimizer state and epoch are in one file, which is renamed when it is complete, so training can be killed
    at any time. (Keras's `BackupAndRestore` overwrites its file and stores the epoch in another one.)

    If several processes train one model, the first one writes the checkpoints and all resume from them, so the hosts
    must share the directory.

    Args:
        directory: Directory of this run's checkpoints, created if it does not exist.
    """

    def __init__(self, directory: str | Path):
        super().__init__()
        self.directory = Path(directory)

    def on_train_begin(self, logs=None):
        if states := self._states():
            epoch, state = max(states.items())
            self.model.optimizer.build(self.model.trainable_variables)  # otherwise its state would not be loaded
            self.model.load_weights(state)
            keras_private.resume_from(self.model, epoch)

    def on_epoch_end(self, epoch, logs=None):
        if backends.processes(self.model) > 1 and backends.process_index() > 0:
            # TensorFlow needs all processes to save, since Keras may create variables at the first time.
            with tempfile.TemporaryDirectory() as unused:
                files.save_weights(self.model, Path(unused, f"unused{_SUFFIX}"))
            return
        older = self._states().values()
        self.directory.mkdir(parents=True, exist_ok=True)
        unfinished = self.directory / f"unfinished{_SUFFIX}"
        files.save_weights(self.model, unfinished)
        os.replace(unfinished, self.directory / f"epoch-{epoch + 1}{_SUFFIX}")
        for state in older:
            state.unlink()

    def _states(self) -> dict[int, Path]:
        """Paths of checkpoints by number of completed epochs."""
        paths = self.directory.glob(f"epoch-*{_SUFFIX}")
        return {int(path.name.removeprefix("epoch-").removesuffix(_SUFFIX)): path for path in paths}


def directory(out: Path, plan, seed: int, hold_out: float, **others) -> Path:
    """Create the directory `out.partial` for the checkpoints of a run that will write `out`, or find an existing one.

    Args:
        out: Directory of the entry.
        plan: A `recipes.Schedule` or a `zoo.plans.Plan`.
        seed, hold_out: As for `zoo.train.train`.
        **others: Further settings of the run, as JSON types.

    Raises:
        ValueError: If the directory has checkpoints of a run with other settings.
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
                f"{partial} must have checkpoints of a run with the same settings, {settings}. "
                f"Received: {found}. Remove that directory, or choose another --out."
            )
    else:
        partial.mkdir(parents=True, exist_ok=True)
        unfinished = partial / f"settings-{os.getpid()}.json"
        unfinished.write_text(json.dumps(settings))
        os.replace(unfinished, record)
    return partial
