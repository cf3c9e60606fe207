"""The shell commands: parse, call, print."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasae import _import_hook, export, zoo


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status says whether it did what it was asked."""
    arguments = _parser().parse_args(argv)
    arguments.argv = sys.argv[1:] if argv is None else argv
    if getattr(arguments, "backend", None):
        os.environ["KERAS_BACKEND"] = arguments.backend
    try:
        return arguments.run(arguments) or 0
    except (ValueError, FileNotFoundError, FileExistsError, ImportError) as error:
        print(f"kerasae: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kerasae: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kerasae", description="A zoo of trained and trainable Keras autoencoders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, *names: str, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(function.__name__.strip("_"), help=help, description=help)
        for name in names:
            sub.add_argument(name)
        sub.set_defaults(run=function)
        return sub

    command(_list, help="name the entries")
    command(_info, "name", help="show an entry's card")
    demo = command(_demo, help="reconstruct real handwritten digits and write a picture")
    demo.add_argument("--out", type=Path, default=Path("demo.png"), help="where to (default: %(default)s)")
    train = command(_train, "name", help="train an entry and write its directory")
    train.add_argument("--schedule", choices=("written", "shipped"), default="written", help="default: %(default)s")
    train.add_argument("--epochs", type=int, help="instead of the schedule's")
    train.add_argument("--seed", type=int, help="instead of the recipe's")
    train.add_argument("--hold-out", type=int, default=0, metavar="N", help="validate on the last N training examples")
    train.add_argument("--devices", type=int, default=1, metavar="N", help="share each batch among so many")
    train.add_argument("--out", type=Path, help="the entry's directory (default: zoo/NAME)")
    evaluate = command(_evaluate, help="measure entries' figures again and compare them with those on their cards")
    evaluate.add_argument("names", nargs="*", metavar="NAME", help="all unless given")
    evaluate.add_argument(
        "--data",
        type=Path,
        metavar="PATH",
        help="a directory with mnist.npz and fashion_mnist.npz, as KERASAE_DATA; or a .npy or .npz file of inputs of "
        "your own, to measure on instead",
    )
    evaluate.add_argument(
        "--quick", action="store_true", help="only on the first 1000 test images, of which cards have figures too"
    )
    evaluate.add_argument("--update", type=Path, metavar="DIR", help="write the entry to DIR with a card made anew")
    verify = command(_verify, help="compare entries' outputs on this backend with those on their cards")
    verify.add_argument("names", nargs="*", metavar="NAME", help="all unless given")
    judge = command(
        _classifier, "name", help="train the judge of samples: a small classifier of mnist or fashion_mnist"
    )
    judge.add_argument("--hold-out", type=int, default=0, metavar="N", help="measure on the last N training images")
    judge.add_argument("--out", type=Path, metavar="DIR", help="where to (default: the package's own)")
    export_ = command(_export, "name", help="write an entry's model for others to run, without Keras")
    export_.add_argument("--format", choices=export.FORMATS, default="onnx", help="default: %(default)s")
    export_.add_argument("--part", choices=export.PARTS, default="whole", help="default: %(default)s")
    export_.add_argument("--out", type=Path, help="where to (default: NAME-PART, with the format's suffix)")
    export_.add_argument("--overwrite", action="store_true", help="replace what is there")
    for sub in (demo, train, evaluate, verify, export_):
        choices = _import_hook.TRAINING_BACKENDS if sub is train else _import_hook.FRAMEWORKS
        sub.add_argument("--backend", choices=choices, help="instead of KERAS_BACKEND's")
    table = command(_table, help="write the table of entries into a Markdown file, between its markers")
    results = command(_results, help="write the page of all results, and a chart beside it")
    for sub in (table, results):
        sub.add_argument("file", type=Path)
        sub.add_argument("--check", action="store_true", help="only say whether it is current")
    return parser


def _list(arguments) -> None:
    names = zoo.names()
    width = max(map(len, names), default=0)
    for name in names:
        with zoo.reading(name) as metadata:
            print(f"{name:{width}}  {metadata['description']}")


def _info(arguments) -> None:
    from kerasae import text

    with zoo.reading(arguments.name) as metadata:
        print(text.card(metadata))


def _demo(arguments) -> None:
    from kerasae import demo

    result = demo.run()
    print(f"{result.images} images reconstructed: {result.source}")
    width = max(map(len, result.errors))
    for label, error in result.errors.items():
        print(f"  {label:{width}}  mean squared error {error:.4f}")
    result.figure.savefig(arguments.out)
    print(f"picture: {arguments.out}")


def _train(arguments) -> int | None:
    import keras

    if arguments.devices > 1 and keras.backend.backend() == "torch" and "RANK" not in os.environ:
        return _under_torchrun(arguments.devices, arguments.argv)
    _train_here(arguments)
    return None


def _under_torchrun(processes: int, argv: Sequence[str]) -> int:
    """The same command in so many processes, which is how PyTorch trains on several devices."""
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m", "kerasae.cli"]
    return subprocess.run([sys.executable, "-m", *launch, *argv]).returncode


def _train_here(arguments) -> None:
    from kerasae.training import checkpoints
    from kerasae.zoo import card, recipes

    recipe = recipes.find(arguments.name)
    plan = recipes.plan(arguments.name, arguments.schedule, arguments.epochs)
    seed = recipe.seed if arguments.seed is None else arguments.seed
    out = arguments.out or Path("zoo", arguments.name)
    partial = checkpoints.directory(out, plan, seed, arguments.hold_out)
    is_first = recipes.process(arguments.devices) == 0
    model, _ = recipes.train(
        arguments.name,
        plan,
        seed=seed,
        hold_out=arguments.hold_out,
        checkpoints=partial / "state",
        verbose="auto" if is_first else 0,
        devices=arguments.devices,
    )
    if not is_first:
        return
    metadata = card.describe(recipe, plan, seed, model, arguments.hold_out)
    zoo.save(out, model, metadata, card.preview(recipe, model))
    shutil.rmtree(partial)
    print(f"{out}: {metadata['headline']} {metadata['figures'][metadata['headline']]}")


def _evaluate(arguments) -> int:
    names = arguments.names or zoo.names()
    if arguments.update and (len(arguments.names) != 1 or arguments.data or arguments.quick):
        raise ValueError("--update makes one entry's card anew: expected one NAME and no other option.")
    if arguments.data and not arguments.data.is_dir():
        return _evaluate_on_own(arguments.names, arguments.data)
    if arguments.data:
        os.environ["KERASAE_DATA"] = str(arguments.data)
    if arguments.update:
        return _update(arguments.names[0], arguments.update)

    def lines(compared):
        return "".join(
            f"\n  {key:20} {comparison.measured:12.6g}   card {_beside(comparison)}"
            for key, comparison in compared.items()
        )

    return _check_each(names, lambda name: _compared(name, arguments.quick), lines)


def _check_each(names: Sequence[str], check, text) -> int:
    """Check one entry after the other and show what came of it; one bad entry doesn't hide the others.

    Args:
        names: Of the entries.
        check: A function of a name; its result's values have `is_tolerable`.
        text: A function of such a result: what to print after the name and the verdict.

    Returns:
        The exit status: 1 if a check failed or anything is not tolerable.
    """
    width, failed = max(map(len, names), default=0), False
    for name in names:
        try:
            found = check(name)
        except Exception as error:
            failed = True
            print(f"{name:{width}}  FAILED: {error}")
            continue
        tolerable = all(value.is_tolerable for value in found.values())
        failed |= not tolerable
        print(f"{name:{width}}  {'ok' if tolerable else 'DIFFERS'}{text(found)}", flush=True)
    return int(failed)


def _compared(name: str, quick: bool) -> dict:
    from kerasae import data, metrics
    from kerasae.zoo import card

    with zoo.reading(name) as metadata:
        dataset = data.named(metadata["data"])
    measured = metrics.figures(zoo.load(name), dataset, card.FIRST if quick else None)
    with zoo.reading(name) as metadata:
        return card.compare(measured, metadata["figures_of_first"][str(card.FIRST)] if quick else metadata["figures"])


def _beside(comparison) -> str:
    """What the card states, how far it is from what was measured, and how far it may be."""
    if comparison.stated is None:  # a card of an earlier version
        return f"{'none':>12}"
    kind = "absolute" if comparison.is_absolute else "relative"
    mark = "" if comparison.is_tolerable else "  DIFFERS"
    return f"{comparison.stated:12.6g}   {kind} {comparison.difference:.1e} of {comparison.tolerance:.0e}{mark}"


def _evaluate_on_own(names: Sequence[str], path: Path) -> int:
    from kerasae import data, metrics

    if not names:
        raise ValueError(f"Whose figures on {path}? Expected the names of entries that take such inputs.")
    x, y = data.own(path)
    for name in names:
        print(f"{name}: {len(x)} inputs of {path}")
        for key, value in metrics.figures_of(zoo.load(name), x, y).items():
            print(f"  {key:20} {value:12.6g}")
    return 0


def _update(name: str, directory: Path) -> int:
    from kerasae.zoo import card, recipes

    model = zoo.load(name)
    with zoo.reading(name) as metadata:
        recipe, plan = recipes.find(metadata["name"]), recipes.Schedule(**metadata["recipe"])
        kept = {key: metadata[key] for key in ("hold_out", "versions")}  # these are of the training
        seed = metadata["seed"]
    again = card.describe(recipe, plan, seed, model)
    zoo.save(directory, model, again | kept, card.preview(recipe, model))
    return 0


def _verify(arguments) -> int:
    def line(differences):
        return "".join(f"  {key} {found:.1e} of {allowed:.1e}" for key, (found, allowed) in differences.items())

    return _check_each(arguments.names or zoo.names(), zoo.verify, line)


def _export(arguments) -> None:
    suffix = export.FORMATS[arguments.format].suffix
    out = arguments.out or Path(f"{Path(arguments.name).name}-{arguments.part}{suffix}")
    path = export.export(zoo.load(arguments.name), out, arguments.part, arguments.format, overwrite=arguments.overwrite)
    print(f"{path}: the {arguments.part} of {arguments.name}")


def _classifier(arguments) -> None:
    from kerasae.metrics import classifier

    judge, card = classifier.train(arguments.name, arguments.hold_out)
    path = classifier.save(judge, card, arguments.out or classifier.DIRECTORY)
    print(f"{path}: accuracy {card['accuracy']:.4f} after {card['epochs']} epochs")


def _table(arguments) -> int:
    from kerasae import text

    return _write_page(arguments, "table", text.with_table(arguments.file.read_text(), _cards()))


def _results(arguments) -> int:
    from kerasae import results

    cards = _cards()
    status = _write_page(arguments, "results", results.page(cards))
    chart = None if arguments.check else results.chart(cards)
    if chart is not None:
        chart.savefig(arguments.file.parent / results.CHART, dpi=100, metadata={"Software": None})
    return status


def _cards() -> list[dict]:
    return [zoo.card(name) for name in zoo.names()]


def _write_page(arguments, command: str, page: str) -> int:
    """Write the page, or only say whether the file is the same: 1 if it isn't."""
    if not arguments.check:
        arguments.file.write_text(page)
    elif not arguments.file.exists() or arguments.file.read_text() != page:
        print(f"{arguments.file} is not current: run `kerasae {command} {arguments.file}`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
