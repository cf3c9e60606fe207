"""Loading and saving entries by the words of keras-hub: `from_preset`, `save_to_preset`."""

from pathlib import Path


class Presets:
    """The mixin of `Autoencoder` with keras-hub's names for `zoo.load` and `zoo.save`."""

    @classmethod
    def from_preset(cls, preset: str | Path, load_weights: bool = True):
        """The model of an entry: `zoo.load`, for those who know keras-hub.

        Args:
            preset: Name of a shipped entry, path of the directory of another, or `hf://user/name`.
            load_weights: Whether the model has the pretrained weights; else it is untrained.

        Returns:
            A model of this class or a subclass.

        Raises:
            ValueError: As for `zoo.load`; or the entry has a model of another class.

        >>> kerasae.models.Autoencoder.from_preset("dense_mnist").code_size
        16
        """
        from kerasae import zoo

        model = zoo.load(preset, weights=zoo.SHIPPED if load_weights else None)
        if not isinstance(model, cls):
            raise ValueError(
                f"preset must be an entry of a {cls.__name__}. {preset} has a {type(model).__name__}. "
                f"Call {type(model).__name__}.from_preset or zoo.load."
            )
        return model

    def save_to_preset(self, preset_dir: str | Path, **facts) -> None:
        """Save the model as an entry: `zoo.save`, for those who know keras-hub.

        Args:
            preset_dir: Directory of the entry.
            **facts: Arguments of `zoo.save`, such as `data` to measure the model on, and `license`.
        """
        from kerasae import zoo

        zoo.save(self, preset_dir, **facts)
