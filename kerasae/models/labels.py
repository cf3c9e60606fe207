"""Labels of conditional autoencoders: the class of each image, given to the encoder and the decoder."""

import numpy as np

from kerasae.training import validation


class Labels:
    """What a model does with labels. It is conditional if `classes` is set; otherwise labels are refused."""

    classes: int | None = None

    def labelled(self, x, label=None):
        """The `x` that `fit` takes for inputs and their classes; the inputs alone unless the model is conditional."""
        if self.classes is None:
            return x
        # A stream of pictures makes such batches itself.
        return x.labelled(label) if hasattr(x, "labelled") else {"x": x, "label": label}

    def split_label(self, x):
        """Inputs and labels from the `x` of `fit`; labels are None unless the model is conditional."""
        return (x, None) if self.classes is None else (x["x"], x["label"])

    def checked_structure(self, x):
        """`x`, if it has the structure that `fit` takes.

        Raises:
            ValueError: The model is conditional, and `x` is not `{"x": inputs, "label": classes}`.
        """
        if self.classes is not None and (not isinstance(x, dict) or set(x) != {"x", "label"}):
            found = f"a dict of {', '.join(map(repr, x))}" if isinstance(x, dict) else type(x).__name__
            raise ValueError(f'Expected {{"x": inputs, "label": classes}}. Received: {found}.')
        return x

    def checked_labels(self, label, x) -> tuple:
        """One class for each of `x` as int32, in a tuple; an empty tuple if the model is not conditional.

        Raises:
            ValueError: A label for a model that is not conditional, or a missing one; not integers from 0 to
                `classes − 1`, one for each of `x` or one for all.
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
            raise ValueError("label is missing: give one class for each, shape (n,), or one for all.")
        label = np.asarray(label)
        if label.dtype.kind not in "iu" or label.shape not in ((), (len(x),)):
            raise ValueError(
                f"label must be integers, one for each of {len(x)} or one for all. "
                f"Received: {label.dtype} of shape {label.shape}."
            )
        if label.size and not 0 <= label.min() <= label.max() < self.classes:
            raise ValueError(
                f"label must be from 0 to {self.classes - 1}. Received: from {label.min()} to {label.max()}."
            )
        return (np.broadcast_to(label, (len(x),)).astype("int32"),)
