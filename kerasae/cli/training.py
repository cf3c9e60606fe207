"""The command that trains an entry."""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasae import zoo


def train(arguments) -> int | None:
    """Train an entry, in this process or, on several devices with PyTorch, under torchrun."""
    import keras

    if arguments.devices > 1 and keras.backend.backend() == "torch" and "RANK" not in os.environ:
        return _under_torchrun(arguments.devices, arguments.argv)
    _train(arguments)
    return None


def _under_torchrun(processes: int, argv: Sequence[str]) -> int:
    """Run the same command in several processes, as PyTorch trains on several devices."""
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m", "kerasae"]
    return subprocess.run([sys.executable, "-m", *launch, *argv]).returncode


def _train(arguments) -> None:
    from kerasae.training import checkpoints
    from kerasae.zoo import recipes, train

    plan = recipes.plan(arguments.name, arguments.schedule, arguments.epochs)
    recipe = recipes.find(arguments.name)
    seed = recipe.seed if arguments.seed is None else arguments.seed
    out = _target(arguments)
    partial = checkpoints.directory(out, plan, seed, arguments.hold_out)
    is_first = train.process_index(arguments.devices) == 0
    with contextlib.redirect_stdout(sys.stderr):  # progress
        model, _ = train.train(
            arguments.name,
            plan,
            seed=seed,
            hold_out=arguments.hold_out,
            checkpoints=partial / "state",
            verbose="auto" if is_first else 0,
            devices=arguments.devices,
        )
    if is_first:
        card = _save(arguments, out, recipe, plan, seed, model)
        shutil.rmtree(partial)
        print(f"{out}: {card.headline} {card.figures[card.headline]}")


def _target(arguments) -> Path:
    """The directory of the new entry: an existing one is replaced only if it was named, and kerasae wrote it."""
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
    card = describe.describe_entry(recipe, plan, seed, model, arguments.hold_out, provenance)
    picture = previews.preview(recipe.name, model, data.named(recipe.data))
    writing.write(out, model, card, picture, replace_shipped=arguments.out is not None)
    return card
