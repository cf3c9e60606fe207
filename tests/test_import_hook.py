"""The hook around the first import of Keras; each test runs in a new process."""

import json

import pytest
from conftest import python

pytestmark = pytest.mark.anybackend

# Makes frameworks look as if they weren't installed.
HIDE = """
import importlib.machinery, sys
_find = importlib.machinery.PathFinder.find_spec
def _find_spec(cls, name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden} else _find(name, path, target)
importlib.machinery.PathFinder.find_spec = classmethod(_find_spec)
"""
FRAMEWORKS = ("jax", "tensorflow", "torch")


def without(*frameworks):
    return HIDE.format(hidden=frameworks)


# Packages that Keras imports if it finds them, which takes longer than Keras itself.
LIGHT = "import sys; sys.modules.update(dict.fromkeys(('sklearn', 'tensorflow', 'torch')))\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import kerasae

    path = tmp_path_factory.mktemp("saved") / "it.keras"
    model = kerasae.models.SparseAutoencoder((4,), latent_dim=2)
    model.compile()
    model.save(path)
    return path


def test_importing_kerasae_imports_nothing_heavy():
    code = "import kerasae, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(python(code, backend=None).stdout.split())
    assert "kerasae" in loaded
    assert loaded.isdisjoint({"keras", "numpy", "scipy", "sklearn", "matplotlib", "h5py", *FRAMEWORKS})


@pytest.mark.parametrize("name", ["data", "layers", "losses", "metrics", "models", "plots", "training", "zoo"])
def test_modules_are_attributes_of_the_package(name):
    import kerasae

    assert getattr(kerasae, name).__name__ == f"kerasae.{name}"
    assert name in dir(kerasae)


EARLIER = [("evaluation", "kerasae.metrics"), ("recipes", "kerasae.zoo.recipes"), ("steps", "kerasae.training")]


@pytest.mark.parametrize(("earlier", "now"), EARLIER)
def test_modules_are_found_under_their_earlier_names(earlier, now):
    import kerasae

    assert getattr(kerasae, earlier).__name__ == now


def test_a_missing_attribute_is_an_attribute_error():
    import kerasae

    with pytest.raises(AttributeError, match="module 'kerasae' has no attribute 'modles'"):
        kerasae.modles  # noqa: B018


@pytest.mark.parametrize(
    "imports",
    [
        "import kerasae, keras",
        "import keras, kerasae",
        "from kerasae import models; import keras",
        "import kerasae; from keras.saving import load_model; import keras",
        "import importlib.util, kerasae; importlib.util.find_spec('keras'); import keras",
    ],
    ids=["kerasae first", "keras first", "models first", "a part of keras", "looked for, then imported"],
)
def test_saved_models_load_whichever_is_imported_first(saved, imports):
    code = f"{imports}; import sys; print(type(keras.saving.load_model(sys.argv[1])).__name__)"
    assert python(LIGHT + code, saved, backend="jax").stdout.split() == ["SparseAutoencoder"]


def test_keras_is_loaded_as_without_the_hook():
    code = (
        "import kerasae, sys, keras\n"
        "assert type(keras.__spec__.loader).__name__ == type(keras.__loader__).__name__ == 'SourceFileLoader'\n"
        "assert not any('kerasae' in type(finder).__module__ for finder in sys.meta_path)\n"
        "import inspect; assert 'keras' in inspect.getsource(keras)"
    )
    python(LIGHT + code, backend="jax")


@pytest.mark.parametrize("module", ["kerasae.losses", "kerasae.training.loop"])
def test_any_module_can_be_the_first_and_registers_all_classes(module):
    code = f"import {module}, keras; assert keras.saving.get_registered_object('kerasae>DenseAutoencoder') is not None"
    python(LIGHT + code, backend="jax")


SHOW = "import kerasae, keras; print(keras.backend.backend())"


@pytest.mark.parametrize(
    ("hidden", "chosen"), [(["tensorflow"], "jax"), (["tensorflow", "jax"], "torch")], ids=["jax", "torch"]
)
def test_the_first_installed_framework_is_used_and_reported_once(hidden, chosen, tmp_path):
    code = without(*hidden) + SHOW + "; kerasae.models; import keras"
    done = python(code, backend=None, KERAS_HOME=str(tmp_path))
    assert done.stdout.split() == [chosen]
    said = [line for line in done.stderr.splitlines() if line.startswith("kerasae:")]
    assert said == [f"kerasae: tensorflow is not installed, using {chosen} (set KERAS_BACKEND to choose)"]


def test_the_backend_of_keras_json_is_used_if_installed(tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))  # without it, TensorFlow is used
    done = python(SHOW, backend=None, KERAS_HOME=str(tmp_path))
    assert done.stdout.split() == ["jax"]
    assert "kerasae:" not in done.stderr


@pytest.mark.parametrize("content", ['{"backend": "tensorflow"}', "{", "[]", "{}"])
def test_the_backend_of_keras_json_is_replaced_if_not_installed(tmp_path, content):
    (tmp_path / "keras.json").write_text(content)
    code = without("tensorflow") + "import os\nfrom kerasae import _import_hook\n_import_hook.choose_backend()\n"
    done = python(code + "print(os.environ['KERAS_BACKEND'])", backend=None, KERAS_HOME=str(tmp_path))
    assert done.stdout.split() == ["jax"]


def test_nothing_is_printed_if_the_user_has_chosen():
    done = python(without("tensorflow") + SHOW, backend="numpy")
    assert done.stdout.split() == ["numpy"]
    assert "kerasae:" not in done.stderr


TWICE = """
for attempt in range(2):
    try:
        {statement}
    except ImportError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize("statement", ["import kerasae, keras", "import kerasae; kerasae.models"])
def test_no_framework_is_an_error_that_says_how_to_install_one(statement):
    done = python(without(*FRAMEWORKS) + TWICE.format(statement=statement), backend=None)
    messages = done.stdout.splitlines()
    assert len(messages) == 2
    for message in messages:
        assert message.startswith("ImportError Keras needs a framework to run on and none is installed.")
        assert all(f"`pip install {name}`" in message for name in FRAMEWORKS)


def test_a_missing_backend_is_an_error_that_lists_installed_ones():
    code = without("jax") + TWICE.format(statement="import kerasae, keras")
    messages = python(code, backend="jax").stdout.splitlines()
    assert len(messages) == 2
    for message in messages:
        assert message.startswith("ImportError KERAS_BACKEND is 'jax', which is not installed. ")
        assert "Installed: torch, tensorflow." in message
        assert "`pip install jax`" in message


def test_a_misspelled_backend_is_not_recommended_for_installation():
    message = python(TWICE.format(statement="import kerasae, keras"), backend="tensorfow").stdout.splitlines()[0]
    assert "KERAS_BACKEND is 'tensorfow'" in message
    assert "tensorflow" in message
    assert "pip install tensorfow" not in message


def test_the_listing_of_entries_imports_no_framework():
    code = "import kerasae, sys; kerasae.zoo.names(); print(*sys.modules)"
    loaded = set(python(code, backend=None).stdout.split())
    assert loaded.isdisjoint({"keras", "numpy", *FRAMEWORKS})


@pytest.mark.parametrize("backend", [None, "tensorfow", "numpy"])
def test_these_tests_do_not_run_without_a_backend_that_trains(backend):
    code = "import pytest, sys; sys.exit(pytest.main(['-q', '--collect-only', sys.argv[1]]))"
    done = python(code, __file__, backend=backend, check=False)
    assert done.returncode == 2
    assert "The tests need KERAS_BACKEND set to an installed one of jax, tensorflow, torch" in done.stdout + done.stderr


def test_hidden_frameworks_are_hidden():
    code = without(*FRAMEWORKS) + "import importlib.util as u; print([u.find_spec(n) for n in sys.argv[1:]])"
    assert python(code, *FRAMEWORKS, backend=None).stdout.strip() == "[None, None, None]"
