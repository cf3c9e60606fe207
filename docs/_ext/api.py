"""Pages of the API: one per public module, with a page for each class and function made by autosummary."""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import files

# Title → modules. A test checks that no public module is missing.
SECTIONS = {
    "Models": ("models", "samplers", "layers", "losses", "random"),
    "Data": ("data", "preprocessing"),
    "Zoo": ("zoo", "recipes", "export"),
    "Training": ("training", "callbacks", "metrics"),
    "Look and use": ("plots", "explorer", "sklearn", "exercises"),
}
NAMES = {"recipes": "zoo.recipes"}  # where a module of `kerasae` is found, if not under its own name


def modules() -> dict[str, list[ModuleType]]:
    """Title of a section → its modules, as far as this version has them."""
    found = {}
    for title, names in SECTIONS.items():
        paths = [f"kerasae.{NAMES.get(name, name)}" for name in names]
        found[title] = [importlib.import_module(path) for path in paths if _exists(path)]
    return found


def _exists(path: str) -> bool:
    return importlib.util.find_spec(path) is not None


def public(module: ModuleType) -> dict[str, object]:
    """The public names of a module: `__all__`, or what the module itself defines."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__}
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return {name: value for name, value in own.items() if getattr(value, "__module__", None) == module.__name__}


def page(module: ModuleType) -> str:
    """The page of a module: its docstring, and tables of its classes, functions and constants."""
    names = public(module)
    classes = [name for name, value in names.items() if inspect.isclass(value)]
    functions = [name for name, value in names.items() if inspect.isroutine(value)]
    constants = {name: value for name, value in names.items() if isinstance(value, str | int | float | tuple | dict)}
    title = f"``{module.__name__}``"
    lines = [title, "=" * len(title), "", f".. automodule:: {module.__name__}", "   :no-members:", ""]
    for kind, members in (("Classes", classes), ("Functions", functions)):
        if members:
            lines += [kind, "-" * len(kind), "", f".. currentmodule:: {module.__name__}", "", ".. autosummary::"]
            lines += ["   :toctree: generated", "   :nosignatures:", "", *(f"   {name}" for name in members), ""]
    if constants:
        lines += ["Constants", "---------", ""]
        lines += [f"- ``{name}`` = ``{_short(value)}``" for name, value in constants.items()]
    return "\n".join(lines) + "\n"


def _short(value) -> str:
    shown = repr(tuple(value)) if isinstance(value, dict) else repr(value)
    return shown if len(shown) <= 90 else f"{shown[:87]}…"


def _index(sections: dict[str, list[ModuleType]]) -> str:
    lines = ["# API", "", "Every public class and function, from its docstring. The tests run each example.", ""]
    for title, found in sections.items():
        lines += [f"## {title}", "", *(f"- {{doc}}`{_stem(module)}`: {_first_line(module)}" for module in found), ""]
    pages = [_stem(module) for found in sections.values() for module in found]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *pages, "```", ""])


def _first_line(module: ModuleType) -> str:
    return inspect.getdoc(module).partition("\n")[0]


def _stem(module: ModuleType) -> str:
    return module.__name__.removeprefix("kerasae.").replace(".", "_")


def write(docs: Path) -> None:
    """Write `docs/api`."""
    sections = modules()
    pages = {f"{_stem(module)}.rst": page(module) for found in sections.values() for module in found}
    for name, text in (pages | {"index.md": _index(sections)}).items():
        files.write(docs / "api" / name, text)
    files.keep_only(docs / "api", {*pages, "index.md", "generated"})


def public_bases(app, name, cls, options, bases: list[type]) -> None:
    """Show of a class's bases those that a reader can look up: public ones of kerasae, and others' classes."""
    known = {id(value) for found in modules().values() for module in found for value in public(module).values()}
    bases[:] = [base for base in cls.__mro__[1:] if id(base) in known or not base.__module__.startswith("kerasae")][:1]


def constructor(app, what, name, obj, options, signature, annotation):
    """The signature of a class's constructor: `__new__` of Keras's classes takes and hides everything."""
    if what != "class" or "__init__" not in {key for cls in obj.__mro__[:-1] for key in vars(cls)}:
        return None
    parameters = list(inspect.signature(obj.__init__).parameters.values())[1:]
    plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(plain)), None


def prepare(app, what, name, obj, options, lines: list[str]) -> None:
    """Adapt a docstring for napoleon.

    It escapes `**kwargs` only if it is the first of a list of arguments, and makes one paragraph of all references.
    Angle brackets in `<model>_<data>` would be the target of a link.
    """
    in_references = False
    for i, line in enumerate(lines):
        lines[i] = re.sub(r"(?<=, )\*\*(?=\w+:)", r"\*\*", line)
        lines[i] = re.sub(r"(?<!`)`([^`]*<[^`]*>)`(?!`)", r"``\1``", lines[i])
        if in_references and re.match(r" {4}\S", line):
            lines[i] = f"    - {line.strip()}"
        elif line.strip():
            in_references = line.strip() == "References:"
