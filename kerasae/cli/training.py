"""The command train: trains with the recipe of an entry, or on the user's own data."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasae import zoo
from kerasae.cli import detecting


def train(arguments) -> int | None:
    """Train with the recipe of an entry, or on the user's own data."""
    if arguments.data is not None:
        _train_own(arguments)
        return None
    if arguments.name is None:
        raise ValueError("train needs the NAME of a recipe, or your own data with --data. Received neither.")
    if given := [f"--{name.replace('_', '-')}" for name in _OWN if getattr(arguments, name) not in (None, False)]:
        raise ValueError(f"A recipe does not take the options {', '.join(given)}. Leave them out, or add --data.")
    import keras

    if arguments.devices > 1 and keras.backend.backend() == "torch" and "RANK" not in os.environ:
        return _under_torchrun(arguments.devices, arguments.argv)
    _train(arguments)
    return None


# Options for the user's own data: arguments of `kerasae.train` and options of `data.load`.
_TRAINING = ("hold_out", "epochs", "seed", "batch_size", "learning_rate", "patience", "loss", "code_size")
_ENTRY = ("out", "name", "overwrite", "description", "license", "source", "author")
_READING = ("size", "color", "fit", "on_error", "length", "stride", "label", "columns")
_BOTH = ("out", "name", "hold_out", "epochs", "seed", "batch_size", "learning_rate")  # also options for recipes
_OWN = tuple(name for name in (*_TRAINING, *_ENTRY, *_READING, "model", "set", "dry_run") if name not in _BOTH)


def _train_own(arguments) -> None:
    from kerasae.zoo import own

    def given(names):
        return {name: value for name in names if (value := getattr(arguments, name)) not in (None, False)}

    if arguments.model == detecting.NAME:
        facts = {key: value for key, value in given(_ENTRY).items() if key not in ("out", "name", "overwrite")}
        detecting.train(arguments, given(_READING), facts)
        return
    options = {"arguments": dict(arguments.set or ()), "options": given(_READING), **given(_TRAINING)}
    if arguments.dry_run:
        print(own.prepare(arguments.data, arguments.model, **options))
        return
    with contextlib.redirect_stdout(sys.stderr):  # the plan and the progress bar
        command = shlex.join(["kerasae", *arguments.argv])
        trained = own.run(arguments.data, arguments.model, command=command, **options, **given(_ENTRY))
    print(own.report(trained))


def _under_torchrun(processes: int, argv: Sequence[str]) -> int:
    """Run the same command in several processes, one per device, for PyTorch."""
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m", "kerasae"]
    return subprocess.run([sys.executable, "-m", *launch, *argv]).returncode


def _train(arguments) -> None:
    from kerasae import backends
    from kerasae.training import checkpoints
    from kerasae.zoo import recipes, train

    changes = arguments.epochs, arguments.batch_size, arguments.learning_rate
    plan = recipes.plan(arguments.name, arguments.schedule, *changes)
    hold_out = arguments.hold_out or 0
    if not isinstance(hold_out, int):
        raise ValueError(f"--hold-out must be a number of examples for a recipe. Received: {hold_out}.")
    recipe = recipes.find(arguments.name)
    seed = recipe.seed if arguments.seed is None else arguments.seed
    out = _target(arguments)
    partial = checkpoints.directory(out, plan, seed, hold_out)
    is_first = arguments.devices == 1 or backends.process_index() == 0
    if is_first and arguments.schedule == "shipped" and (other := _other_command(arguments.name)):
        print(f"The weights in the package were trained by another command, `{other}`.", end=" ", file=sys.stderr)
        print(f"Figures may differ: see `kerasae info {arguments.name}`.", file=sys.stderr)
    with contextlib.redirect_stdout(sys.stderr):  # progress
        model, _ = train.train(
            arguments.name,
            plan,
            seed=seed,
            hold_out=hold_out,
            checkpoints=partial / "state",
            verbose="auto" if is_first else 0,
            devices=arguments.devices,
        )
    if is_first:
        card = _save(arguments, out, recipe, plan, seed, model)
        shutil.rmtree(partial)
        print(f"{out}: {card.headline} {card.figures[card.headline]}")


def _other_command(name: str) -> str | None:
    """The command that trained a pretrained entry, if it was not `kerasae train`."""
    provenance = zoo.card(name).provenance
    return provenance.command if provenance and not provenance.command.startswith("kerasae train ") else None


def _target(arguments) -> Path:
    """Directory of the new entry. An existing entry is replaced only if `--out` names it and kerasae wrote it."""
    out = arguments.out or Path("entries", arguments.name)
    if arguments.out is None and out.exists():
        raise FileExistsError(f"{out} exists. Choose a directory with --out, or `--out {out}` to replace this entry.")
    zoo.check_target(out, replace_shipped=arguments.out is not None)
    return out


def _save(arguments, out: Path, recipe, plan, seed: int, model):
    """Measure the model and write its entry."""
    from kerasae import data
    from kerasae.zoo import describe, previews, writing
    from kerasae.zoo.cards import Provenance

    command = shlex.join(["kerasae", *arguments.argv])
    provenance = Provenance(data=f"kerasae.data.{recipe.data}", command=command)
    card = describe.describe_entry(recipe, plan, seed, model, arguments.hold_out or 0, provenance)
    picture = previews.preview(recipe.name, model, data.named(recipe.data), recipe.shown)
    writing.write(out, model, card, picture, replace_shipped=arguments.out is not None)
    return card
