"""How raw data becomes the input of a model: as its card says, or as the shape of its inputs suggests."""

from kerasae import preprocessing
from kerasae.zoo.cards import Card


def preprocessing_of(model, card: Card | None = None) -> preprocessing.Preprocessing | None:
    """The preprocessing of a model's raw data.

    Args:
        model: A `kerasae.models.Autoencoder`.
        card: The card of its entry, if it has one.

    Returns:
        What the card says. If it says nothing, pixels divided by 255 for a model of gray or color pictures in [0, 1],
        such as the shipped ones; None for other models, which take arrays as they are.
    """
    if card is not None and card.preprocessing is not None:
        return card.preprocessing
    shape, colors = model.data_shape, {1: "grayscale", 3: "rgb"}
    if len(shape) != 3 or shape[-1] not in colors or tuple(model.value_range or ()) != (0, 1):
        return None
    return preprocessing.ImagePreprocessing(shape[:2], colors[shape[-1]])
