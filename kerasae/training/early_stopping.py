"""Early stopping that keeps the best weights and can be resumed after an interruption."""

import json
import math
import os
from pathlib import Path

import keras

from kerasae import files

_SUFFIX = ".weights.h5"


class KeepBest(keras.callbacks.Callback):
    """Stop training when the validation loss no longer falls, and save the weights of the best epoch to a file.

    Unlike Keras's `EarlyStopping`, it keeps the losses and the best weights in a directory. A run that resumes from a
    `checkpoints.Backup` therefore stops at the same epoch and with the same weights as an uninterrupted one. List this
    callback before the backup.

    Args:
        directory: Directory of this run's files, created if it does not exist.
        patience: Number of epochs without a lower validation loss after which training stops.

    Raises:
        ValueError: If the validation loss is not finite after an epoch.

    Attributes:
        logs: Logs of every epoch.
    """

    def __init__(self, directory: Path, patience: int):
        super().__init__()
        self.directory, self.patience = Path(directory), patience
        self._record = self.directory / "logs.json"
        self.logs: list[dict[str, float]] = json.loads(self._record.read_text()) if self._record.exists() else []

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the lowest validation loss, the first one if several are equal."""
        losses = [_watched(logs) for logs in self.logs]
        return losses.index(min(losses))

    @property
    def has_stopped(self) -> bool:
        """Whether the last `patience` epochs brought no lower loss."""
        return bool(self.logs) and len(self.logs) - 1 - self.best_epoch >= self.patience

    def restore(self, model) -> None:
        """Load the weights of the best epoch into a model."""
        optimizer = getattr(model, "optimizer", None)
        model.load_weights(self._weights(self.best_epoch), objects_to_skip=[optimizer])

    def on_epoch_begin(self, epoch, logs=None):
        # A resumed run repeats an epoch that is in the record but not in the backup.
        del self.logs[epoch:]
        for path in self.directory.glob(f"best-*{_SUFFIX}"):
            if not self.logs or path != self._weights(self.best_epoch):
                path.unlink()

    def on_epoch_end(self, epoch, logs=None):
        self.logs.append({key: float(value) for key, value in (logs or {}).items()})
        if not math.isfinite(_watched(self.logs[-1])):
            raise ValueError(
                f"The validation loss must be finite. Received {_watched(self.logs[-1])} after epoch {epoch + 1}. "
                "Use a lower learning rate."
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        unfinished = self.directory / f"unfinished{_SUFFIX}"
        if self.best_epoch == epoch:
            files.save_weights(self.model, unfinished)
            os.replace(unfinished, self._weights(epoch))
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(self.logs))
        os.replace(partial, self._record)
        if self.has_stopped:
            self.model.stop_training = True

    def _weights(self, epoch: int) -> Path:
        return self.directory / f"best-{epoch}{_SUFFIX}"


def _watched(logs: dict[str, float]) -> float:
    """The validation loss, or the validation reconstruction loss of models that report no total loss."""
    return logs["val_loss"] if "val_loss" in logs else logs["val_reconstruction_loss"]
