"""Commands that apply a model: encode, decode, reconstruct, denoise, generate, interpolate."""

from collections.abc import Callable
from pathlib import Path

from kerasae.cli import outputs
from kerasae.cli.inputs import Entry, Inputs, Piece, read_codes
from kerasae.cli.progress import progress


def encode(arguments) -> None:
    """Write the codes of inputs."""
    entry = Entry(arguments.name)

    def rows(piece: Piece) -> outputs.Rows:
        return {"code": entry.model.encode(piece.x, **piece.given)}

    _apply(entry, arguments, "codes", rows, kinds=outputs.ARRAYS)


def reconstruct(arguments) -> None:
    """Reconstruct inputs."""
    entry = Entry(arguments.name)

    def rows(piece: Piece) -> outputs.Rows:
        return {"input": piece.x, "reconstruction": entry.raw(entry.model.reconstruct(piece.x, **piece.given))}

    _apply(entry, arguments, "reconstructions", rows)


def denoise(arguments) -> None:
    """Remove noise from inputs."""
    from kerasae import metrics

    entry = Entry(arguments.name)
    if entry.model.noise is None:
        raise ValueError(
            f"{entry.name} must be a denoising autoencoder, a model with `noise`. Received: {entry.class_name} without. "
            "Use `kerasae reconstruct`, or an entry such as denoise_gauss_mnist."
        )

    def rows(piece: Piece) -> outputs.Rows:
        noisy = metrics.noisy(entry.model, piece.x) if arguments.add_noise else piece.x
        given = {"clean": piece.x, "noisy": noisy} if arguments.add_noise else {"input": noisy}
        return given | {"denoised": entry.raw(entry.model.reconstruct(noisy, **piece.given))}

    _apply(entry, arguments, "denoised", rows, folder=not arguments.add_noise)


def decode(arguments) -> None:
    """Decode codes."""
    entry = Entry(arguments.name)
    names, codes = read_codes(arguments.codes, entry.model.code_shape)
    decoded = entry.model.decode(codes, **_label(arguments))
    with _opened(entry, arguments, "decoded", names) as output:
        output.add(names, {"decoded": entry.raw(decoded)})


def generate(arguments) -> None:
    """Generate new outputs."""
    entry = Entry(arguments.name)
    if not hasattr(entry.model, "generate"):
        raise ValueError(
            f"{entry.name} must be a model that generates: variational, conditional or adversarial. Received: "
            f"{entry.class_name}. Use an entry such as vae_mnist."
        )
    names = _numbered(arguments.n)
    samples = entry.model.generate(arguments.n, seed=arguments.seed, **_label(arguments))
    with _opened(entry, arguments, "samples", names, columns=arguments.columns) as output:
        output.add(names, {"sample": entry.raw(samples)})


def interpolate(arguments) -> None:
    """Decode the straight line between the codes of two inputs."""
    entry = Entry(arguments.name)
    ends = Inputs(entry, arguments).all()
    if len(ends) != 2:
        raise ValueError(
            f"Expected two inputs to interpolate between. Received {len(ends)}. Choose them by their paths."
        )
    label = {"label": int(ends.given["label"][0])} if ends.given else {}
    images = entry.model.interpolate(*ends.x, steps=arguments.steps, space=arguments.space, **label)
    names = _numbered(arguments.steps)
    with _opened(entry, arguments, "interpolation", names, columns=min(arguments.steps, 20)) as output:
        output.add(names, {"interpolation": entry.raw(images)})


def _apply(
    entry: Entry,
    arguments,
    what: str,
    function: Callable[[Piece], outputs.Rows],
    kinds=outputs.KINDS,
    folder: bool = False,
) -> None:
    """Apply a function to inputs piece by piece and write the results.

    Args:
        entry: The model.
        arguments: Parsed arguments.
        what: What the results are, in the plural; part of the default path.
        function: Function of a piece: named rows of results, the last one being what was asked for.
        kinds: Suffixes that are allowed.
        folder: Whether pictures go to a folder by default.
    """
    inputs = Inputs(entry, arguments)
    suffix = "" if folder and inputs.files else None
    with _opened(entry, arguments, what, inputs.names, kinds, suffix, sources=inputs.files) as output:
        for piece in progress(inputs, len(inputs)):
            output.add(piece.names, function(piece))
            if output.is_full:
                break


def _opened(entry: Entry, arguments, what: str, names, kinds=outputs.KINDS, suffix: str | None = None, **settings):
    """The output of a command: `--out`, or by default a picture if there is one, in the working directory."""
    kinds = kinds if entry.is_of_pictures else outputs.ARRAYS
    if suffix is None:
        suffix = ".png" if ".png" in kinds else entry.suffix if what != "codes" else ".npy"
    return outputs.opened(
        arguments.out or Path(f"{entry.name}-{what}{suffix}"),
        what,
        names,
        kinds,
        overwrite=arguments.overwrite,
        value_range=entry.value_range,
        header=None if what == "codes" else entry.columns,
        **settings,
    )


def _label(arguments) -> dict[str, int]:
    return {} if arguments.label is None else {"label": arguments.label}


def _numbered(n: int) -> list[str]:
    """Names of results without inputs: their numbers, all of one length."""
    return [f"{i:0{len(str(n - 1))}}" for i in range(n)]
