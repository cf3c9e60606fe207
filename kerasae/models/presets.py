"""keras-hub's names for loading and saving entries: `from_preset`, `save_to_preset`."""

from pathlib import Path


class Presets:
    """The mixin of `Autoencoder` with keras-hub's names for `zoo.load` and `zoo.save`."""

    @classmethod
    def from_preset(cls, preset: str | Path, load_weights: bool = True):
        """Load the model of an entry, like `zoo.load`.

        Args:
            preset: Name of an entry in the package, path of an entry's directory, or `hf://user/name`.
            load_weights: Whether to load the pretrained weights. False gives an untrained model.

        Returns:
            A model of this class or a subclass.

        Raises:
            ValueError: If the entry has a model of another class; otherwise as for `zoo.load`.

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
        """Save the model as an entry, like `zoo.save`.

        Args:
            preset_dir: Directory of the entry.
            **facts: Arguments of `zoo.save`, such as `data` to measure the model on, and `license`.
        """
        from kerasae import zoo

        zoo.save(self, preset_dir, **facts)
