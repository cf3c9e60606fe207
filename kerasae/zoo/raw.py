"""Choose the preprocessing of raw data for a model: from its card, or from its input shape."""

from kerasae import preprocessing
from kerasae.zoo.cards import Card


def preprocessing_of(model, card: Card | None = None) -> preprocessing.Preprocessing | None:
    """Choose the preprocessing of raw data for a model.

    Args:
        model: A `kerasae.models.Autoencoder`.
        card: Card of its entry, or None.

    Returns:
        The preprocessing on the card. If there is none, division of pixels by 255 for a model of gray or color pictures
        in [0, 1], such as the pretrained image models; None for other models, which take arrays unchanged.
    """
    if card is not None and card.preprocessing is not None:
        return card.preprocessing
    shape, colors = model.data_shape, {1: "grayscale", 3: "rgb"}
    if len(shape) != 3 or shape[-1] not in colors or tuple(model.value_range or ()) != (0, 1):
        return None
    return preprocessing.ImagePreprocessing(shape[:2], colors[shape[-1]])
