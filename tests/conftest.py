"""Shared by the tests: the required backend, small data, a small model of every class.

Each run of pytest is one process on one backend, the one that `KERAS_BACKEND` names.
"""

import collections
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest

import kerasae

BACKENDS = ("jax", "tensorflow", "torch")
BACKEND = os.environ.get("KERAS_BACKEND", "")

SHAPE = (6, 5, 1)  # of the images that tests train on

# At least one model of every class, with no argument at its default; a test checks that no class is missing.
MODELS = {
    "linear-vector": lambda: kerasae.models.LinearAutoencoder((17,), latent_dim=3, value_range=(-0.5, 1.5)),
    "dense-image": lambda: kerasae.models.DenseAutoencoder(
        (28, 28, 1),
        (16, 8),
        4,
        activation="tanh",
        output_activation="linear",
        value_range=(-0.5, 1.5),
        code_dropout=0.25,
        weight_penalty=0.1,
        kernel_initializer="he_normal",
        noise=kerasae.layers.AddGaussian(0.1, clip=None),
    ),
    "dense-vector": lambda: kerasae.models.DenseAutoencoder((17,), (), 3, value_range=None),
    "sparse-image": lambda: kerasae.models.SparseAutoencoder(
        (7, 5, 3),
        0.01,
        0.02,
        hidden_units=(8,),
        latent_dim=4,
        activation="elu",
        output_activation="linear",
        value_range=(-0.5, 1.5),
    ),
    "conv-image": lambda: kerasae.models.ConvAutoencoder((28, 28, 1), (4, 3), (7, 2, 3)),
    "conv-odd": lambda: kerasae.models.ConvAutoencoder(
        (30, 45, 3),
        (4, 3),
        3,
        2,
        activation="tanh",
        output_activation="linear",
        value_range=(-0.5, 1.5),
        noise=kerasae.layers.FlipPixels(0.2, seed=3),
    ),
    "vae-image": lambda: kerasae.models.VariationalAutoencoder((28, 28, 1), (16,), 4),
    "vae-vector": lambda: kerasae.models.VariationalAutoencoder(
        (17,), (9, 8), 3, "elu", "linear", value_range=(-0.5, 1.5), kl_weight=0.5, seed=7
    ),
    "iwae-vector": lambda: kerasae.models.VariationalAutoencoder(
        (17,),
        (9,),
        3,
        "elu",
        "linear",
        (-0.5, 1.5),
        0.5,
        7,
        "gaussian",
        "learned",
        importance_samples=3,
        gradient="doubly_reparameterized",
    ),
    "transposed-odd": lambda: kerasae.models.TransposedConvAutoencoder(
        (9, 13, 3), (4, 3), 2, activation="elu", output_activation="linear", value_range=(-0.5, 1.5)
    ),
    "conv-vae-odd": lambda: kerasae.models.ConvVariationalAutoencoder(
        (9, 13, 3), (4, 3), 2, (8,), 4, activation="elu", kl_weight=0.5, seed=7
    ),
    "adversarial-vector": lambda: kerasae.models.AdversarialAutoencoder(
        (17,), (8,), 4, (7,), 0.1, 3, activation="elu", output_activation="linear", value_range=(-0.5, 1.5)
    ),
    "vq-odd": lambda: kerasae.models.VectorQuantizedAutoencoder(
        (9, 13, 3),
        (4, 3),
        2,
        5,
        6,
        "elu",
        "linear",
        (-0.5, 1.5),
        commitment_weight=0.5,
        codebook_update="gradient",
        decay=0.9,
        restart_below=0.2,
        seed=7,
    ),
    "topk-vector": lambda: kerasae.models.TopKAutoencoder(
        (17,), 24, 3, value_range=(-0.5, 1.5), auxiliary_weight=0.5, auxiliary_units=5, dead_after=2
    ),
    "vqvae-odd": lambda: kerasae.models.VQVAE((9, 13, 3), (4,), latent_channels=2, prior_channels=5, prior_layers=2),
    "conv-signal": lambda: kerasae.models.ConvAutoencoder((13, 3), (4, 3), (3, 2, 3), 2, output_activation="linear"),
    "transposed-volume": lambda: kerasae.models.TransposedConvAutoencoder((5, 6, 7, 2), (4, 3), 2, activation="elu"),
    "ensemble-image": lambda: kerasae.models.EnsembleAutoencoder(
        (9, 13, 3), ("pixels", "edges"), 2, 6, 3, 0.3, "elu", 2.0, -0.5, True, 7, value_range=(-0.5, 1.5)
    ),
    "residual-odd": lambda: kerasae.models.ResidualAutoencoder(
        (9, 13, 3), (4, 6), 2, 2, 2, "elu", "sigmoid", value_range=(0.0, 1.0)
    ),
    "residual-vae-odd": lambda: kerasae.models.ResidualVariationalAutoencoder(
        (9, 13, 3), (4,), 2, 2, (8,), 4, "elu", output_activation="linear", value_range=(-0.5, 1.5), seed=7
    ),
    "pca-residual-odd": lambda: kerasae.models.PCAResidualAutoencoder(
        (9, 13, 3), 3, (4,), 2, 2, "elu", value_range=(-0.5, 1.5)
    ),
    "vaegan-odd": lambda: kerasae.models.VAEGAN((9, 13, 1), (4, 3), 2, (8,), 4, (3, 2), 5, 2.0, 0.1, seed=7),
}


def pytest_configure(config):
    try:
        if BACKEND not in BACKENDS:
            raise ImportError(f"KERAS_BACKEND is {BACKEND!r}")
        # Small models: threads get in each other's way, and compiling takes longer than running.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        # A third of XLA's time to compile, for JAX and TensorFlow.
        fast = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {fast}"
        config.jax_cache = tempfile.mkdtemp(prefix="kerasae-jax-cache-")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = config.jax_cache
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        # Processes that tests start import Keras in a third to a half less time.
        lean = str(Path(__file__).with_name("lean"))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [lean, os.environ.get("PYTHONPATH")]))
        framework = importlib.import_module(BACKEND)
        if BACKEND == "tensorflow":  # nor does it pay to optimize their graphs
            framework.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    except ImportError as error:
        pytest.exit(f"The tests need KERAS_BACKEND set to an installed one of {', '.join(BACKENDS)}: {error}", 2)


def pytest_unconfigure(config):
    shutil.rmtree(getattr(config, "jax_cache", ""), ignore_errors=True)


def pytest_ignore_collect(collection_path, config):
    """Do not even import files of tests that need no particular backend if these are left out."""
    if "not anybackend" in config.option.markexpr and collection_path.suffix == ".py":
        return "\npytestmark = pytest.mark.anybackend\n" in collection_path.read_text(encoding="utf-8") or None
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Let the cases of a shared test run on one backend in turn; on the others they are slow tests."""
    cases = collections.Counter()
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if "shared" in marks and not {"anybackend", "eachbackend"} & marks:
            # The name decides where the first case runs, so that tests of a single case are spread over the backends.
            turn = zlib.crc32(item.originalname.encode()) + cases[item.originalname]
            cases[item.originalname] += 1
            if BACKENDS[turn % len(BACKENDS)] != BACKEND:
                item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """What the frameworks have imported is there to stay: the garbage collector need not go through it."""
    gc.collect()
    gc.freeze()


def pytest_report_header():
    versions = (f"{name} {importlib.metadata.version(name)}" for name in (BACKEND, "keras", "numpy"))
    return f"backend: {', '.join(versions)}"


@pytest.fixture(autouse=True)
def seeded(request):
    """Seed Keras's initial weights and shuffling, so results do not depend on the order of tests."""
    if "anybackend" not in request.keywords:
        import keras

        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def forgotten():
    """Drop compiled code after each file, since that of hundreds of models would fill the memory."""
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
    if BACKEND == "jax":
        sys.modules["jax"].clear_caches()


@pytest.fixture
def tool(monkeypatch):
    """Function that imports one of the maintainers' commands in `tools/`."""

    def imported(name):
        path = Path(__file__).parents[1] / "tools"
        monkeypatch.syspath_prepend(path)
        spec = importlib.util.spec_from_file_location(f"tools_{name}", path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return imported


@pytest.fixture(params=MODELS, scope="module")
def model(request):
    """One model for all tests of a file that change nothing in it, so that they share its compiled functions."""
    return MODELS[request.param]()


def dense(**kwargs):
    return kerasae.models.DenseAutoencoder(SHAPE, (8,), 3, **kwargs)


def denoising(**kwargs):
    return dense(noise=kerasae.layers.MaskPixels(0.3, seed=1), weight_penalty=0.1, **kwargs)


def sparse(**kwargs):
    return kerasae.models.SparseAutoencoder(SHAPE, 0.05, 0.02, hidden_units=(8,), latent_dim=3, **kwargs)


def conv(**kwargs):
    return kerasae.models.ConvAutoencoder(SHAPE, (3, 2), 1, **kwargs)


def vae(**kwargs):
    return kerasae.models.VariationalAutoencoder(SHAPE, (8,), 3, **kwargs)


def conditional(**kwargs):
    return kerasae.models.ConditionalVariationalAutoencoder(SHAPE, 3, hidden_units=(8,), latent_dim=4, **kwargs)


def quantized(**kwargs):
    return kerasae.models.VectorQuantizedAutoencoder(SHAPE, (3, 2), latent_channels=3, codebook_size=5, **kwargs)


def adversarial(**kwargs):
    return kerasae.models.AdversarialAutoencoder(SHAPE, (8,), 3, (6,), adversarial_weight=0.5, **kwargs)


def vaegan(**kwargs):
    return kerasae.models.VAEGAN(
        SHAPE, (3, 2), 3, (8,), 3, (3, 2), 5, feature_precision=2.0, feature_weight=0.5, **kwargs
    )


def images(n=20, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).random((n, *shape), dtype="float32")


def images_for(model, n=6):
    return images(n, model.data_shape)


STREAMS = ("tf.data", "DataLoader", "PyDataset", "generator")


def stream(kind, *arrays, batch_size=8):
    """A source of batches `x`, `(x, y)` or `(x, y, weights)` of the arrays in order; None stands for no y."""
    starts = range(0, len(arrays[0]), batch_size)
    parts = [tuple(a if a is None else a[i : i + batch_size] for a in arrays) for i in starts]
    if kind == "generator":
        return (part for part in parts)
    if kind == "PyDataset":
        return py_dataset([part if len(part) > 1 else part[0] for part in parts])
    return _tf_dataset(arrays, batch_size) if kind == "tf.data" else _data_loader(arrays, batch_size)


def py_dataset(batches):
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(batches)

        def __getitem__(self, index):
            return batches[index]

    return Batches()


def _tf_dataset(arrays, batch_size):
    import tensorflow as tf

    given = tuple(a for a in arrays if a is not None)
    dataset = tf.data.Dataset.from_tensor_slices(given if len(given) > 1 else given[0]).batch(batch_size)
    return dataset.map(lambda x, w: (x, None, w)) if len(given) < len(arrays) else dataset


def _data_loader(arrays, batch_size):
    import torch

    def with_none(samples):
        x, w = (torch.stack(column) for column in zip(*samples, strict=True))
        return x, None, w

    given = [torch.as_tensor(a) for a in arrays if a is not None]
    collate = with_none if len(given) < len(arrays) else None
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*given), batch_size, collate_fn=collate)


def tensor(array):
    """Convert an array to a tensor of the backend."""
    import keras

    return keras.ops.convert_to_tensor(array)


def gradient(function, x):
    """`∂ Σ function(x) / ∂x` for an array x, by the backend's own differentiation."""
    import keras

    if BACKEND == "jax":
        import jax

        return np.asarray(jax.jit(jax.grad(lambda x: function(x).sum()))(tensor(x)))
    if BACKEND == "torch":
        x = tensor(x).requires_grad_()
        function(x).sum().backward()
        return keras.ops.convert_to_numpy(x.grad)
    import tensorflow as tf

    x = tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x).numpy()


def python(code, *args, backend=BACKEND, check=True, **env):
    """Run Python code in a new process, on any backend (None: without `KERAS_BACKEND`)."""
    env = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | env
    env.pop("KERAS_BACKEND", None)
    if backend:
        env["KERAS_BACKEND"] = backend
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], env=env, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done
