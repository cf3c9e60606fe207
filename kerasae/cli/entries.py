"""Commands that show, export and share entries: list, info, demo, export, push, pull."""

import json
from pathlib import Path

from kerasae import text, zoo


def list_entries(arguments) -> None:
    """Print the names and descriptions of the pretrained entries in the package."""
    cards = [zoo.card(name) for name in zoo.names()]
    if arguments.json:
        print(_json([{"name": card.name, "description": card.description} for card in cards]))
        return
    width = max((len(card.name) for card in cards), default=0)
    for card in cards:
        print(f"{card.name:{width}}  {card.description}")


def info(arguments) -> None:
    """Print the card of an entry."""
    card = zoo.card(arguments.name)
    print(_json(card.to_json()) if arguments.json else text.card(card))


def demo(arguments) -> None:
    """Reconstruct digits, print the errors and write the picture."""
    from kerasae import demo

    result = demo.run()
    print(f"{result.images} images reconstructed: {result.source}")
    width = max(map(len, result.errors))
    for label, error in result.errors.items():
        print(f"  {label:{width}}  mean squared error {error:.4f}")
    result.figure.savefig(arguments.out)
    print(f"picture: {arguments.out}")


def export(arguments) -> None:
    """Export a model or a part of it."""
    from kerasae import export

    suffix = export.FORMATS[arguments.format].suffix
    name = Path(arguments.name).name.removesuffix(".keras")
    out = arguments.out or Path(f"{name}-{arguments.part}{suffix}")
    path = export.export(
        arguments.name,
        out,
        arguments.part,
        arguments.format,
        overwrite=arguments.overwrite,
        preprocess=arguments.preprocess,
    )
    print(f"{path}: the {arguments.part} of {arguments.name}")


def push(arguments) -> None:
    """Upload an entry to the Hugging Face hub."""
    from kerasae.zoo import hub

    print(hub.push(arguments.directory, arguments.repository, private=arguments.private))


def pull(arguments) -> None:
    """Download an entry from the Hugging Face hub."""
    from kerasae.zoo import hub

    out = arguments.out or Path(arguments.repository.rpartition("/")[2].partition("@")[0])
    path = hub.pull(arguments.repository, out, overwrite=arguments.overwrite)
    print(f"{path}: {zoo.card(path).description or arguments.repository}")


def _json(content) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False)
