"""Run by Python at its start in the tests' many processes: saves a third to a half of the time to import Keras.

Keras imports scikit-learn, pandas and Matplotlib for its wrappers and plots, and JAX for a kind of checkpoint on every
backend. Nothing here uses them through Keras. From it alone they are hidden: they can be imported as ever.
"""

import os
import sys

UNUSED = {"sklearn": "keras.src.", "pandas": "keras.src.", "matplotlib": "keras.src."}
if os.environ.get("KERAS_BACKEND") != "jax":
    UNUSED["jax"] = "keras.src.callbacks.orbax_checkpoint"


class Hidden:
    """First finder of modules: refuses those of `UNUSED` to an importer whose name begins as stated."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in UNUSED:
            importer = sys._getframe(1)
            while "importlib" in importer.f_code.co_filename:
                importer = importer.f_back
            if importer.f_globals.get("__name__", "").startswith(UNUSED[name]):
                raise ModuleNotFoundError(f"{name} is hidden from Keras", name=name)


sys.meta_path.insert(0, Hidden)
