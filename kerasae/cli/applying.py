"""Commands that apply a model: encode, decode, reconstruct, denoise, generate, interpolate."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerasae import _checks
from kerasae.cli import outputs
from kerasae.cli.inputs import Entry, Inputs, Piece, read_codes, test_data
from kerasae.cli.progress import progress

# End of the default path → name of the results in messages.
_RESULTS = {
    "codes": "codes",
    "reconstructions": "reconstructions",
    "denoised": "denoised inputs",
    "decoded": "decoded codes",
    "samples": "samples",
    "interpolation": "steps",
}


def encode(arguments) -> None:
    """Write the codes of inputs."""
    entry = Entry(arguments.name)

    def rows(piece: Piece) -> outputs.Rows:
        return {"code": entry.model.encode(piece.x, **piece.given)}

    _apply(entry, Inputs(entry, arguments), arguments, "codes", rows)


def reconstruct(arguments) -> None:
    """Reconstruct inputs."""
    entry = Entry(arguments.name)

    def rows(piece: Piece) -> outputs.Rows:
        return {"input": piece.x, "reconstruction": entry.model.reconstruct(piece.x, **piece.given)}

    _apply(entry, Inputs(entry, arguments), arguments, "reconstructions", rows)


def denoise(arguments) -> None:
    """Remove noise from inputs."""
    from kerasae import metrics

    entry = Entry(arguments.name)
    if entry.model.noise is None:
        raise ValueError(
            f"{entry.name} must be a denoising autoencoder, a model with `noise`. Received: {entry.class_name} "
            "without. Use `kerasae reconstruct`, or an entry such as denoise_gauss_mnist."
        )

    def rows(piece: Piece) -> outputs.Rows:
        noisy = metrics.noisy(entry.model, piece.x) if arguments.add_noise else piece.x
        given = {"clean": piece.x, "noisy": noisy} if arguments.add_noise else {"input": noisy}
        return given | {"denoised": entry.model.reconstruct(noisy, **piece.given)}

    inputs = Inputs(entry, arguments)
    suffix = "" if inputs.files and not arguments.add_noise else None
    _apply(entry, inputs, arguments, "denoised", rows, suffix)


def decode(arguments) -> None:
    """Decode codes."""
    entry = Entry(arguments.name)
    names, codes = read_codes(arguments.codes, entry.model.code_shape)
    decoded = entry.model.decode(codes, **_label(arguments))
    with _opened(entry, arguments, "decoded", names) as output:
        output.add(names, {"decoded": entry.raw(decoded)})


def generate(arguments) -> None:
    """Generate new outputs: from the prior of the model, or from a sampler that is fitted to its codes."""
    entry = Entry(arguments.name)
    source = entry.model if arguments.sampler is None else _sampler(entry, arguments)
    if not hasattr(source, "generate"):
        raise ValueError(
            f"{entry.name} must be a model that generates: variational, conditional or adversarial. Received: "
            f"{entry.class_name}. Use an entry such as vae_mnist, or fit a sampler to its codes: --sampler mixture."
        )
    names = _numbered(arguments.n)
    samples = source.generate(arguments.n, seed=arguments.seed, **_label(arguments))
    with _opened(entry, arguments, "samples", names, columns=arguments.columns) as output:
        output.add(names, {"sample": entry.raw(samples)})


def _sampler(entry: Entry, arguments):
    """The sampler of `--sampler`: read from a file, or fitted to inputs."""
    from kerasae import data, samplers

    if arguments.sampler not in samplers.KINDS:
        if not arguments.sampler.endswith(".npz"):
            raise _checks.unknown("sampler", arguments.sampler, [*samplers.KINDS, "PATH.npz"])
        return samplers.load(arguments.sampler, entry.model)
    config = {"components": arguments.components} if arguments.sampler == "mixture" else {}
    sampler = samplers.get(arguments.sampler, **config)
    if arguments.fit_to is None:
        dataset = data.named(test_data(entry, "used"))
        label = None if entry.model.classes is None else dataset.y_train
        return sampler.fit(entry.model, dataset.x_train, label=label)
    settings = argparse.Namespace(inputs=arguments.fit_to, n=None, invert=False, label=arguments.label)
    piece = Inputs(entry, settings).all()
    return sampler.fit(entry.model, piece.x, **piece.given)


def interpolate(arguments) -> None:
    """Interpolate between two inputs and write the steps."""
    entry = Entry(arguments.name)
    inputs = Inputs(entry, arguments)
    ends = inputs.all()
    if len(ends) != 2:
        raise ValueError(f"Expected two inputs to interpolate between. Received: {len(ends)}. Name two files.")
    label = {"label": int(ends.given["label"][0])} if ends.given else {}
    steps = entry.model.interpolate(*ends.x, steps=arguments.steps, space=arguments.space, **label)
    names = _numbered(arguments.steps)
    with _opened(entry, arguments, "interpolation", names, columns=min(arguments.steps, 20)) as output:
        output.add(names, {"interpolation": entry.raw(inputs.inverted(steps))})


def _apply(
    entry: Entry,
    inputs: Inputs,
    arguments,
    what: str,
    function: Callable[[Piece], outputs.Rows],
    suffix: str | None = None,
) -> None:
    """Apply a function to inputs piece by piece and write the results.

    Args:
        entry: Entry with the model.
        inputs: Inputs of the model.
        arguments: Parsed arguments.
        what: Kind of results, a key of `_RESULTS`.
        function: Function of a piece that returns named rows; the last row has the results, the others are drawn with
            it.
        suffix: Suffix of the default path. Default: that of the data.
    """
    with _opened(entry, arguments, what, inputs.names, suffix, sources=inputs.files) as output:
        n = min(len(inputs), output.most or len(inputs))
        for piece in progress(inputs.pieces(np.arange(n)), n):
            rows = function(piece)
            if what != "codes":
                rows = {name: entry.raw(inputs.inverted(values)) for name, values in rows.items()}
            output.add(piece.names, rows)


def _opened(entry: Entry, arguments, what: str, names, suffix: str | None = None, **settings):
    """Open the output of a command: `--out`, or a file in the working directory, for pictures a picture."""
    are_codes = what == "codes"
    kinds = outputs.ARRAYS if are_codes or not entry.is_of_pictures else outputs.KINDS
    if suffix is None:
        suffix = ".png" if ".png" in kinds else ".npy" if are_codes else entry.suffix
    return outputs.opened(
        arguments.out or Path(f"{entry.name}-{what}{suffix}"),
        _RESULTS[what],
        names,
        kinds,
        overwrite=arguments.overwrite,
        value_range=entry.value_range,
        header=None if are_codes else entry.columns,
        **settings,
    )


def _label(arguments) -> dict[str, int]:
    return {} if arguments.label is None else {"label": arguments.label}


def _numbered(n: int) -> list[str]:
    """Names of results without inputs: numbers with leading zeros."""
    return [f"{i:0{len(str(n - 1))}}" for i in range(n)]
