"""Compile configs of untrusted files: all of Keras's optimizers, losses and metrics, and nothing else."""

import inspect
import json
import zipfile

import keras
import pytest
from conftest import adversarial, dense

from kerasae import files, models, zoo
from kerasae.files import compiling

pytestmark = pytest.mark.anybackend


def _classes(module):
    return {name: cls for name, cls in vars(module).items() if inspect.isclass(cls)}


def _functions(module):
    return {name for name, found in vars(module).items() if inspect.isfunction(found)}


def _cleaned(model):
    """The model's compile config, cleaned after a round trip through JSON."""
    return compiling.clean_compile_config(json.loads(json.dumps(model.get_compile_config())))


OPTIMIZERS = _classes(keras.optimizers)
# The base class has no update rule; the others are tested below.
NOT_ALONE = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
OPTIONS = [
    {},
    {"clipnorm": 1.0, "weight_decay": 0.01, "use_ema": True, "ema_overwrite_frequency": 10},
    {"global_clipnorm": 1, "gradient_accumulation_steps": 4, "loss_scale_factor": 2.0},
    {"clipvalue": 0.5, "learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9, staircase=True)},
]
SCHEDULES = [
    keras.optimizers.schedules.CosineDecay(0.1, 100, warmup_target=0.2, warmup_steps=10),
    keras.optimizers.schedules.CosineDecayRestarts(0.1, 100),
    keras.optimizers.schedules.ExponentialDecay(0.1, 100, 0.9),
    keras.optimizers.schedules.InverseTimeDecay(0.1, 100, 0.9),
    keras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001]),
    keras.optimizers.schedules.PolynomialDecay(0.1, 100, cycle=True),
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - NOT_ALONE))
def test_every_optimizer_is_restored(name, options):
    model, again = dense(), dense()
    model.compile(OPTIMIZERS[name](**options))
    again.compile_from_config(_cleaned(model))
    assert again.get_compile_config() == model.get_compile_config()


def test_every_schedule_is_restored():
    assert {type(schedule).__name__ for schedule in SCHEDULES} | {"LearningRateSchedule"} == set(
        _classes(keras.optimizers.schedules)
    )
    for schedule in SCHEDULES:
        model, again = dense(), dense()
        model.compile(keras.optimizers.SGD(schedule))
        again.compile_from_config(_cleaned(model))
        assert again.get_compile_config() == model.get_compile_config()


def test_wrapping_optimizers_are_restored():
    model, again = dense(), dense()
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(clipnorm=1.0)))
    again.compile_from_config(_cleaned(model))
    assert again.get_compile_config() == model.get_compile_config()
    model, again = adversarial(), adversarial()
    model.compile("adam", discriminator_optimizer=keras.optimizers.SGD(0.1))
    again.compile_from_config(_cleaned(model))
    assert again.get_compile_config() == model.get_compile_config()


LOSSES = _classes(keras.losses)


NO_LOSSES = {"Loss", "get", "serialize", "deserialize"}
# Keras itself cannot restore these: they are missing from the list of names of `keras.losses.get`.
UNKNOWN_TO_KERAS = {"CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"}


# Their targets are classes: no model takes them.
OF_CLASSES = {"CTC", "Circle", "SparseCategoricalCrossentropy", "ctc", "circle", "sparse_categorical_crossentropy"}
NAMED = (LOSSES.keys() | _functions(keras.losses)) - NO_LOSSES - UNKNOWN_TO_KERAS - OF_CLASSES


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_loss_is_restored(name):
    loss = LOSSES[name]() if name in LOSSES else getattr(keras.losses, name)
    for given in (loss, name):
        model, again = dense(), dense()
        model.compile(loss=given)
        again.compile_from_config(_cleaned(model))
        assert again.get_compile_config() == model.get_compile_config()


METRICS = _classes(keras.metrics)
NEEDED = {
    **{name: {"num_classes": 3, "target_class_ids": [0, 1]} for name in ("IoU", "OneHotIoU")},
    **{name: {"num_classes": 3} for name in ("MeanIoU", "OneHotMeanIoU")},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
    "AUC": {"thresholds": [0.1, 0.5], "multi_label": True, "num_labels": 3},
}
# The base class, the class that takes any function, and objects that are not metrics.
NO_METRICS = {"Metric", "MeanMetricWrapper", "get", "serialize", "deserialize"}


@pytest.mark.parametrize("name", sorted((METRICS.keys() | _functions(keras.metrics)) - NO_METRICS))
def test_every_metric_is_restored(name):
    metric = METRICS[name](**NEEDED.get(name, {})) if name in METRICS else getattr(keras.metrics, name)
    for given in ([metric], [metric, "mse"]):
        model, again = dense(), dense()
        model.compile(metrics=given, weighted_metrics=["mae"])
        again.compile_from_config(_cleaned(model))
        assert again.get_compile_config() == model.get_compile_config()


def _of(kind, name, **config):
    return {"module": f"keras.{kind}", "class_name": name, "config": config, "registered_name": None}


SLOW = "(.*.*.*.*.*.*.*.*.*.*.*)*x"  # a regular expression that takes forever to match
SGD = _of("optimizers", "SGD", learning_rate=0.1)
DENSE = _of("layers", "Dense", units=10**4)
SHIELDED = {"class_name": "function", "module": "builtins", "registered_name": "function", "config": "relu"}
MAP = {"default_optimizer": SGD, "optimizer_map": {SLOW: SGD}}
REFUSED = [
    (
        {"optimizer": _of("optimizers", "MultiOptimizer", optimizer_map=_of("optimizers", "OptimizerMap", **MAP))},
        "alone",
    ),
    (
        {
            "optimizer": _of(
                "optimizers", "MultiOptimizer", optimizer_map=_of("optimizers", "OptimizerMap", **MAP, **SHIELDED)
            )
        },
        "is not allowed among the arguments",
    ),
    ({"optimizer": _of("optimizers", "Muon", exclude_layers=[SLOW])}, "exclude_layers of Muon is out of bounds"),
    ({"optimizer": _of("optimizers", "Muon", ns_steps=10**9)}, "ns_steps of Muon is out of bounds"),
    ({"optimizer": _of("optimizers", "Optimizer", learning_rate=1.0)}, "is not allowed there"),
    ({"optimizer": _of("optimizers", "SGD", learning_rate=DENSE)}, "is not allowed there"),
    ({"optimizer": _of("optimizers", "SGD", learning_rate=-1.0)}, "learning_rate of SGD is out of bounds"),
    ({"optimizer": _of("optimizers", "SGD", learning_rate=True)}, "learning_rate of SGD is out of bounds"),
    ({"optimizer": _of("optimizers", "SGD", momentum=2.0)}, "momentum of SGD is out of bounds"),
    ({"optimizer": _of("optimizers", "SGD", gradient_accumulation_steps=10**9)}, "out of bounds"),
    ({"optimizer": _of("optimizers", "SGD", unheard_of=1)}, "'unheard_of' is not a plain argument of SGD"),
    ({"optimizer": {**SGD, "registered_name": "kerasae>PerImage"}}, "is not allowed there"),
    ({"optimizer": "../adam"}, "is not a Keras optimizer"),
    ({"optimizer": SHIELDED}, "is not allowed there"),
    ({"optimizer": 3}, "expected an optimizer of Keras"),
    ({"loss": DENSE}, "is not allowed there"),
    ({"loss": SHIELDED}, "is not a function in keras.losses"),
    (
        {"loss": {**SHIELDED, "config": "mean_squared_error", "fn": DENSE}},
        "fn is not allowed in the config of the function",
    ),
    ({"loss": _of("losses", "Loss")}, "is not allowed there"),
    ({"loss": _of("losses", "Huber", delta=DENSE)}, "delta of Huber is out of bounds"),
    ({"metrics": [_of("metrics", "MeanIoU", num_classes=1000) for _ in range(100)]}, "numbers in their state"),
    ({"metrics": [["mse"] * 60] * 2}, "expected at most 100 metrics"),
    ({"metrics": ["mse"] * 101}, "lists of at most 100 items"),
    ({"metrics": [_of("metrics", "AUC", num_thresholds=10**6)]}, "num_thresholds of AUC is out of bounds"),
    ({"metrics": [_of("metrics", "MeanMetricWrapper", fn=SHIELDED)]}, "is not allowed there"),
    # Weights of labels are stored as a tensor, which is not a plain argument.
    (
        {"metrics": [_of("metrics", "AUC", label_weights={"class_name": "__tensor__"})]},
        "label_weights of AUC is out of",
    ),
    ({"metrics": {"a": "mse"}}, "is not allowed there"),
    ({"steps_per_execution": 10**9}, "steps_per_execution of compile_config is out of bounds"),
    ({"steps_per_execution": True}, "out of bounds"),
    ({"run_eagerly": 1}, "out of bounds"),
    ({"jit_compile": 1}, "out of bounds"),
    ({"jit_compile": "maybe"}, "out of bounds"),
    ({"loss_weights": [1.0]}, "out of bounds"),
    ({"class_name": "function", **SHIELDED}, "is not a plain argument of compile_config"),
    ({"unheard_of": DENSE}, "'unheard_of' is not a plain argument"),
]


@pytest.mark.parametrize(("config", "message"), REFUSED)
def test_objects_that_are_not_allowed_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        compiling.clean_compile_config(config)


@pytest.mark.parametrize("shield", [SHIELDED, {"class_name": "function"}])
def test_model_config_is_not_shielded_by_a_function(shield):
    config = keras.saving.serialize_keras_object(dense())
    config["config"] |= {"noise": DENSE, **shield}
    with pytest.raises(ValueError, match="is not allowed among the arguments"):
        files.clean_config(json.loads(json.dumps(config)))


def test_slow_pattern_in_a_keras_file_is_refused_at_once(tmp_path):
    model, path = dense(), tmp_path / "own.keras"
    model.compile()
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents[zoo.CONFIG])
    config["compile_config"]["optimizer"] = REFUSED[1][0]["optimizer"]
    contents[zoo.CONFIG] = json.dumps(config)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="is not allowed among the arguments"):
        zoo.load(path)


def test_compiled_models_of_every_kind_are_loaded_from_files(tmp_path):
    model = models.DenseAutoencoder((4,), (3,), 2, kernel_initializer="he_normal", dtype="mixed_bfloat16")
    model.compile(keras.optimizers.AdamW(clipnorm=1.0), metrics=["mse", keras.metrics.AUC()], steps_per_execution=10)
    model.save(tmp_path / "own.keras")
    again = zoo.load(tmp_path / "own.keras")
    assert again.get_config() == model.get_config()
    assert again.get_compile_config() == model.get_compile_config()
