"""Batches of arrays and of streams, in blocks."""

import threading
import time
import weakref

import keras
import numpy as np
import pytest
from conftest import conditional, dense, images

from kerasae import backends, keras_private, models
from kerasae.training import batches
from kerasae.training.batches import ArrayBatches, StreamBatches

X = images(103)
COUNT = np.arange(10.0, dtype="float32")[:, None]


def rows_of(source, epoch=0, most_steps=2):
    """Rows of an epoch in the order of the steps, and sizes of the batches."""
    found = []
    for block in source.blocks(epoch, most_steps):
        table = [keras.ops.convert_to_numpy(array) for array in block.table]
        assert 1 <= block.steps <= len(block.batches) and block.total <= most_steps
        found += [block.layout.batch(table, rows, reshape=np.reshape) for part in block.parts for rows in part]
    return np.concatenate(found)[:, 0].tolist(), [len(batch) for batch in found]


def test_the_order_is_a_function_of_seed_and_epoch():
    def order(epoch, seed, most_steps=2):
        rows, sizes = rows_of(ArrayBatches(COUNT, 4, shuffle=True, seed=seed), epoch, most_steps)
        assert sizes == [4, 4, 2]
        return rows

    assert order(1, seed=0) == order(1, seed=0, most_steps=1) == order(1, seed=0, most_steps=5)
    assert sorted(order(1, seed=0)) == list(range(10))
    assert len({tuple(order(*each)) for each in ((1, 0), (2, 0), (1, 1))}) == 3
    assert order(2, seed=3) == np.random.default_rng([3, 2]).permutation(10).tolist()


@pytest.mark.parametrize(("most_steps", "expected"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (9, [3])])
def test_a_short_epoch_is_one_block_with_its_smaller_last_batch(most_steps, expected):
    assert [block.total for block in ArrayBatches(COUNT, 4).blocks(0, most_steps)] == expected
    assert [block.total for block in ArrayBatches(COUNT[:3], 4).blocks(0, most_steps)] == [1]
    assert sum(block.total for block in ArrayBatches(COUNT[:8], 4).blocks(0, most_steps)) == 2


def test_a_seed_is_for_arrays():
    with pytest.raises(ValueError, match="`seed` determines the order of arrays"):
        dense().fit((each for each in X), seed=0)


def test_arrays_too_large_for_the_device_are_copied_in_parts(monkeypatch):
    expected = rows_of(ArrayBatches(COUNT, 2, shuffle=True, seed=3), most_steps=4)
    monkeypatch.setattr(batches, "_RESIDENT", 10)
    monkeypatch.setattr(batches, "_BUFFER", 16)
    parts = ArrayBatches(COUNT, 2, shuffle=True, seed=3)
    assert rows_of(parts, most_steps=4) == expected
    assert max(len(block.table[0]) for block in parts.blocks(0, 4)) == 4


class Stream:
    """A minimal stream for `StreamBatches`: the batches of each epoch."""

    num_batches = None

    def __init__(self, *parts):
        self.parts, self.threads = parts, set()

    def restart(self):
        pass

    def epoch(self, number):
        for part in self.parts:
            self.threads.add(threading.get_ident())
            yield part


def test_a_stream_comes_in_blocks_in_its_own_order():
    source = StreamBatches(Stream(*(COUNT[i : i + 3] for i in range(0, 10, 3))), lambda batch: batch)
    for most_steps in (1, 2, 8):
        assert rows_of(source, most_steps=most_steps) == (list(range(10)), [3, 3, 3, 1])


def test_a_thread_collects_ahead_unless_every_batch_is_observed():
    for most_steps, expected in ((1, True), (4, False)):
        stream = Stream(COUNT[:5], COUNT[5:])
        rows_of(StreamBatches(stream, lambda batch: batch), most_steps=most_steps)
        assert (stream.threads == {threading.get_ident()}) is expected


def test_blocks_of_a_stream_are_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(batches, "_STREAMED", 3 * X[:10].nbytes)
    source = StreamBatches(Stream(*(X[i : i + 10] for i in range(0, 100, 10))), lambda batch: batch)
    assert [block.steps for block in source.blocks(0, 100)] == [3, 3, 3, 1]


def test_the_layout_of_batches_may_change_between_fits():
    model = dense()
    model.compile(keras.optimizers.Adam(0.01))
    weights = np.linspace(0, 2, len(X), dtype="float32")
    fits = [((X,), {}), ((X, 1 - X), {}), ((X[:50],), {}), ((X, 1 - X), {"sample_weight": weights})]
    for data, options in fits:
        assert np.isfinite(model.fit(*data, batch_size=10, verbose=0, **options).history["loss"]).all()
    assert int(model.optimizer.iterations) == 38


def test_batches_may_be_dicts():
    model, x = conditional(), {"x": X, "label": np.arange(len(X)) % 3}
    model.fit(x, batch_size=10, verbose=0)
    assert int(model.optimizer.iterations) == 11
    assert int(model.sampling.step) == 11


def test_fit_runs_the_steps_of_train_on_batch():
    model, stepped = dense(), dense()
    stepped.set_weights(model.get_weights())
    for each in (model, stepped):
        each.compile(keras.optimizers.Adam(0.01))
    model.fit(X, batch_size=10, shuffle=False, verbose=0)
    for start in range(0, len(X), 10):
        stepped.train_on_batch(X[start : start + 10], X[start : start + 10])
    for one, other in zip(model.get_weights(), stepped.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", ["train", "test"])
def test_a_second_fit_or_evaluation_compiles_nothing(kind, monkeypatch):
    model = dense()
    model.fit(X, batch_size=10, verbose=0, validation_data=X)
    model.evaluate(X, batch_size=10, verbose=0)
    monkeypatch.setattr(backends, f"{kind}_run", None)
    model.fit(X, batch_size=10, verbose=0, validation_data=X)
    model.evaluate(X, batch_size=10, verbose=0)


@pytest.mark.parametrize(("num_batches", "expected"), [(7, 7), (50, 50), (938, 46), (6667, 333), (None, 32)])
def test_an_epoch_takes_few_calls(num_batches, expected):
    assert batches.steps_per_call(num_batches) == expected


def test_fit_restores_the_handling_of_denormal_numbers():
    """PyTorch's steps flush denormal numbers to 0; the user's own computations must not."""
    tiny = keras.ops.convert_to_tensor(np.float32(1e-39))
    before = float(tiny * 1.0)
    assert before > 0 or keras.backend.backend() != "torch"  # otherwise an earlier fit has left it changed
    dense().fit(X, verbose=0)
    assert float(tiny * 1.0) == before


def test_an_array_that_occurs_twice_in_a_batch_is_stored_once():
    x = images(40)
    arrays = ArrayBatches((x, x), 8)
    streamed = StreamBatches(Stream(*((part, part) for part in (x[:8], x[8:16]))), lambda batch: batch)
    for source in (arrays, streamed):
        block = next(source.blocks(0, 2))
        assert len(block.table) == 1
        table = [keras.ops.convert_to_numpy(array) for array in block.table]
        for first, second in [block.layout.batch(table, block.batches[0], reshape=np.reshape)]:
            np.testing.assert_array_equal(first, x[:8])
            np.testing.assert_array_equal(second, x[:8])
    different = ArrayBatches((x, x.copy()), 8)
    assert len(next(different.blocks(0, 2)).table) == 2


def test_targets_that_equal_the_inputs_are_stored_once_until_they_differ():
    x, weights = images(8), np.ones(8, "float32")
    parts = [(x, x.copy(), weights), (x, x + 1, weights), (x, x.copy(), weights), (x, x + np.nan, weights)]
    source = StreamBatches(Stream(*parts), lambda batch: batch)
    blocks = list(source.blocks(0, 4))
    assert [len(block.table) for block in blocks] == [2, 3]
    assert [block.steps for block in blocks] == [1, 3]
    found = []
    for block in blocks:
        table = [keras.ops.convert_to_numpy(array) for array in block.table]
        found += [block.layout.batch(table, rows, reshape=np.reshape) for rows in block.batches[: block.steps]]
    for batch, expected in zip(found, parts, strict=True):
        np.testing.assert_array_equal(batch[0], expected[0])
        np.testing.assert_array_equal(batch[1], expected[1])
    one_of_several_processes = StreamBatches(Stream(parts[0]), lambda batch: batch, patience=np.inf)
    assert len(next(one_of_several_processes.blocks(0, 4)).table) == 3


def test_a_stream_may_change_which_arrays_are_equal():
    x, y = images(8), images(8, seed=1)
    source = StreamBatches(Stream((x, x), (x, y), (y, y)), lambda batch: batch)
    found = []
    for block in source.blocks(0, 4):
        table = [keras.ops.convert_to_numpy(array) for array in block.table]
        found += [block.layout.batch(table, rows, reshape=np.reshape) for rows in block.batches[: block.steps]]
    for batch, expected in zip(found, [(x, x), (x, y), (y, y)], strict=True):
        np.testing.assert_array_equal(batch, expected)


def test_a_stream_may_yield_one_array_again_with_new_values():
    def parts():
        batch = np.empty((2, 1), "float32")
        for i in range(0, 10, 2):
            batch[...] = COUNT[i : i + 2]
            yield batch

    for most_steps in (1, 3, 8):
        source = StreamBatches(Stream(*[None]), lambda batch: batch)
        source._stream.epoch = lambda number: parts()
        assert rows_of(source, most_steps=most_steps) == (list(range(10)), [2] * 5)


@pytest.mark.eachbackend
def test_tensors_of_a_dataset_become_arrays_of_the_same_values():
    import tensorflow as tf

    kinds = ["float32", "float64", "uint8", "int32", "int64", "bool", "float16", "bfloat16"]
    given = {kind: tf.cast(COUNT % 2, kind) for kind in kinds} | {"ragged": tf.ragged.constant([[1.0], [2.0, 3.0]] * 5)}
    source = keras_private.Stream(x=tf.data.Dataset.from_tensors((given, None)))
    ((found, nothing),) = source.epoch()
    assert nothing is None and set(found) == set(given)
    for kind in kinds:
        assert type(found[kind]) is np.ndarray and found[kind].dtype == kind
        np.testing.assert_array_equal(found[kind].astype("float32"), COUNT % 2)
    assert found["float32"].flags.owndata == (keras.backend.backend() == "torch")
    assert found["ragged"].shape == (10, 2)


def test_tensors_of_a_loader_become_arrays_of_the_same_values():
    import torch

    class Given(torch.utils.data.IterableDataset):
        def __iter__(self):
            yield [
                torch.arange(3.0),
                {"a": torch.ones(2, dtype=torch.uint8)},
                (torch.zeros(1, dtype=torch.int64), None),
            ]

    source = keras_private.Stream(x=torch.utils.data.DataLoader(Given(), batch_size=None))
    (batch,) = source.epoch()
    x, nested, (z, nothing) = batch
    assert type(batch) is tuple and nothing is None
    for array, expected in ((x, [0, 1, 2]), (nested["a"], [1, 1]), (z, [0])):
        assert type(array) is np.ndarray
        np.testing.assert_array_equal(array, expected)
    assert (x.dtype, nested["a"].dtype, z.dtype) == ("float32", "uint8", "int64")


class Slow:
    """A data set whose iterator takes as long to delete as the test wants."""

    def __init__(self, error=None):
        self.may_end, self.thread, self.error = threading.Event(), None, error

    def __iter__(self):
        return SlowIterator(self)


class SlowIterator:
    def __init__(self, dataset):
        self.dataset, self.left = dataset, [3, 2, 1]

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise self.dataset.error or StopIteration
        return self.left.pop()

    def __del__(self):
        self.dataset.thread = threading.current_thread()
        self.dataset.may_end.wait(60)


def test_nothing_waits_for_the_deletion_of_a_dataset_iterator():
    for read in (list, next):  # to its end, and given up after the first batch
        dataset = Slow()
        batches = keras_private.deleted_by_thread(dataset)
        assert read(batches) == ([1, 2, 3] if read is list else 1)
        del batches
        dataset.may_end.set()
        wait_for(lambda dataset=dataset: dataset.thread is not None)
        assert dataset.thread is not threading.current_thread()
        assert dataset.thread.daemon  # so that a program can end meanwhile
    broken = Slow(OSError("the source's own"))
    broken.may_end.set()
    with pytest.raises(OSError, match="the source's own"):
        list(keras_private.deleted_by_thread(broken))


def wait_for(condition, seconds=10):
    for _ in range(100 * seconds):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("nothing happened")


def test_only_a_few_blocks_of_a_fast_stream_are_in_memory(monkeypatch):
    tables, alive = [], []

    def adopted(table, batch_size, adopt=backends.adopt):
        tables.append(weakref.ref(table.base))  # owns the memory
        alive.append(sum(table() is not None for table in tables))
        return adopt(table, batch_size)

    model, batch = models.DenseAutoencoder((28, 28, 1), (500,), 8), np.zeros((64, 28, 28, 1), "float32")
    model.compile("adam")
    model.fit(((batch, batch) for _ in range(4)), shuffle=False, verbose=0)  # compiles before the thread runs ahead
    monkeypatch.setattr(backends, "adopt", adopted)
    model.fit(((batch, batch) for _ in range(640)), shuffle=False, verbose=0)
    assert len(tables) >= 20
    assert max(alive) <= 4
