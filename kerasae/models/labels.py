"""Class labels of conditional autoencoders, an input of both the encoder and the decoder."""

import numpy as np

from kerasae.training import validation


class Labels:
    """Mixin of `Autoencoder` for labels. A model with `classes` is conditional; others refuse labels."""

    classes: int | None = None

    def labeled(self, x, label=None):
        """Return the `x` for `fit`: `{"x": x, "label": label}` for a conditional model, otherwise `x`."""
        if self.classes is None:
            return x
        # A stream of pictures adds the labels to its batches itself.
        return x.labeled(label) if hasattr(x, "labeled") else {"x": x, "label": label}

    def split_label(self, x):
        """Split the `x` of `fit` into inputs and labels; the labels are None unless the model is conditional."""
        return (x, None) if self.classes is None else (x["x"], x["label"])

    def checked_structure(self, x):
        """Return `x` if it has the structure that `fit` takes.

        Raises:
            ValueError: If the model is conditional and `x` is not `{"x": inputs, "label": classes}`.
        """
        if self.classes is not None and (not isinstance(x, dict) or set(x) != {"x", "label"}):
            found = f"a dict of {', '.join(map(repr, x))}" if isinstance(x, dict) else type(x).__name__
            raise ValueError(f'Expected {{"x": inputs, "label": classes}}. Received: {found}.')
        return x

    def checked_labels(self, label, x) -> tuple:
        """Validate labels: a tuple of one int32 array `(n,)`, or an empty tuple if the model is not conditional.

        Raises:
            ValueError: If a label is missing, is given to a model that is not conditional, or the labels are not
                integers from 0 to `classes − 1`, one per input or one for all.
        """
        if self.classes is None:
            if label is not None:
                raise ValueError(
                    f"{type(self).__name__} is not conditional and takes no label. Received: label={label!r}. "
                    "Leave label out, or use a conditional model."
                )
            return ()
        if validation.is_tensor(label):
            return (label,)
        if label is None:
            raise ValueError(
                f"{type(self).__name__} is conditional and needs a label. Received: None. Pass one class per "
                "input, shape (n,), or one for all, as label=..."
            )
        label = np.asarray(label)
        if label.dtype.kind not in "iu" or label.shape not in ((), (len(x),)):
            raise ValueError(
                f"label must be integers, one for each of {len(x)} inputs or one for all. "
                f"Received: {label.dtype} of shape {label.shape}."
            )
        if label.size and not 0 <= label.min() <= label.max() < self.classes:
            raise ValueError(
                f"label must be from 0 to {self.classes - 1}. Received: from {label.min()} to {label.max()}."
            )
        return (np.broadcast_to(label, (len(x),)).astype("int32"),)
