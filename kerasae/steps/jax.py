"""Steps on JAX: pure functions of a state, which holds everything that training changes."""

import functools
import itertools

import jax
import keras
import numpy as np

_BUFFER = 2**26  # bytes of batches that go into one call


class Steps:
    """Training and test steps for `keras.Model`, and runs of many training steps in one compiled call."""

    compiled_runs = True

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:  # type: ignore[has-type]
            return
        super().make_train_function(force)  # type: ignore[misc]
        compiled = self.jit_compile and not self.run_eagerly and keras.distribution.distribution() is None
        if self.steps_per_execution > 1 and compiled:
            self.train_function = _run_function(self.train_step, self.steps_per_execution)

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

        trained_by = self.trained_by()

        def losses_of(trainable):
            terms, x_hat, updated = _stateless_terms(self, trainable, non_trainable, x, y, sample_weight, True)
            with keras.StatelessScope(list(zip(self.optimizer.variables, optimizer, strict=True))):
                losses = {name: self.optimizer.scale_loss(terms[name]) for name in trained_by}
            return losses, (terms, x_hat, updated)

        losses, pull_back, (terms, x_hat, non_trainable) = jax.vjp(losses_of, trainable, has_aux=True)
        # One pass back for each loss; what no variable needs, the compiler leaves out.
        gradients_of = {
            name: pull_back({other: jax.numpy.full_like(loss, other == name) for other, loss in losses.items()})[0]
            for name in losses
        }
        gradients = [gradients_of[name][i] for i, name in enumerate(trained_by)]
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        logs, metrics = _stateless_track(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        terms, x_hat, non_trainable = _stateless_terms(self, trainable, non_trainable, x, y, sample_weight, False)
        logs, metrics = _stateless_track(self, metrics, terms, x, y, x_hat, sample_weight)
        return logs, (trainable, non_trainable, metrics)

    def remember(self):
        """All variables with their values: until `fit` has made a step, Keras keeps them nowhere else."""
        optimizer = getattr(self, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.trainable_variables)
        variables = [*self.variables, *self.metrics_variables, *(optimizer.variables if optimizer else ())]
        return [(variable, variable.value) for variable in variables]

    def recover(self, remembered):
        """Give the model back the weights that Keras takes from it while `fit` runs."""
        self.jax_state_sync()
        for variable, value in remembered:
            if variable._value is None:
                variable.assign(value)


def _run_function(train_step, most: int):
    """A function of `(state, iterator)` that makes up to `most` steps: of batches of one shape in one call."""
    step = jax.jit(train_step, donate_argnums=0)

    @functools.partial(jax.jit, donate_argnums=0)
    def run(state, batches, count):
        def next_step(i, carry):
            return train_step(carry[1], jax.tree.map(lambda array: array[i], batches))

        logs, state = train_step(state, jax.tree.map(lambda array: array[0], batches))
        return jax.lax.fori_loop(1, count, next_step, (logs, state))

    def function(state, iterator):
        batches = list(itertools.islice(iterator, most))
        if not batches:
            raise StopIteration
        # The buffer is always as long, so that the last run of an epoch needs no code of its own.
        length = min(most, max(1, _BUFFER // sum(array.nbytes for array in jax.tree.leaves(batches[0]))))
        for alike in _alike(batches, length):
            single = len(alike) == 1
            logs, state = step(state, alike[0]) if single else run(state, _buffer(alike, length), np.int32(len(alike)))
        return logs, state

    return function


def _alike(batches, most: int):
    """Consecutive batches of one shape, as lists of at most so many."""
    for _, group in itertools.groupby(batches, lambda batch: jax.tree.map(np.shape, batch)):
        while alike := list(itertools.islice(group, most)):
            yield alike


def _buffer(batches, length: int):
    """Batches as arrays `(length, n, ...)`, the end of which is left as it came."""

    def fill(*arrays):
        buffer = np.empty((length, *np.shape(arrays[0])), arrays[0].dtype)
        for i, array in enumerate(arrays):
            buffer[i] = array
        return buffer

    return jax.tree.map(fill, *batches)


def _stateless_terms(model, trainable, non_trainable, x, y, sample_weight, training):
    """`model.loss_terms` with the given values for its variables, and the non-trainable ones it leaves."""
    mapping = [
        *zip(model.trainable_variables, trainable, strict=True),
        *zip(model.non_trainable_variables, non_trainable, strict=True),
    ]
    with keras.StatelessScope(mapping, collect_losses=True) as scope:
        terms, x_hat = model.loss_terms(x, y, sample_weight, training=training)
    return terms, x_hat, [scope.get_current_value(variable) for variable in model.non_trainable_variables]


def _stateless_track(model, metrics, *step):
    with keras.StatelessScope(list(zip(model.metrics_variables, metrics, strict=True))) as scope:
        logs = model._track(*step)
    return logs, [scope.get_current_value(variable) for variable in model.metrics_variables]


def infer(function, *arrays):
    """`function(*arrays)` as an array, or a tuple of arrays if it gives one."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, function(*map(keras.ops.convert_to_tensor, arrays)))
