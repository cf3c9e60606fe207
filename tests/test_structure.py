"""Structure of the package: small files, no import cycles, private names of Keras and frameworks in two files."""

import ast
import graphlib
from pathlib import Path

import pytest

pytestmark = pytest.mark.anybackend

PACKAGE = Path(__file__).parents[1] / "kerasae"
FILES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
# Files that may use private names of Keras, and of PyTorch's graphs.
PRIVATE = {"keras_private.py", "torch_trace.py"}
FOREIGN = ("keras.src", "torch._", "tensorflow.python", "jax._src")


def short(path):
    return str(path.relative_to(PACKAGE))


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_file_is_long():
    lines = {short(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: n for name, n in lines.items() if n > 300} == {}


def own_names():
    """All names that kerasae itself defines."""
    names = set()
    for tree in FILES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
    return names


def private_names(tree, own):
    """Private names of other packages that a module uses: attributes and imported modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            if node.attr not in own:
                yield node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(FOREIGN):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(FOREIGN))


# Methods of named tuples are public; the leading underscore avoids clashes with fields.
PUBLIC = {"_asdict", "_fields", "_make", "_replace"}
# There are no public names for PyTorch's fused Adam, and for whether a module is being imported.
NAMED_WHERE_USED = {"backends/torch_adam.py": {"_fused_adam_"}}


def test_private_names_of_others_are_used_in_two_files_only():
    own = own_names() | PUBLIC
    found = {short(path): set(private_names(tree, own)) for path, tree in FILES.items() if path.name not in PRIVATE}
    found = {name: names - NAMED_WHERE_USED.get(name, set()) for name, names in found.items()}
    assert {name: names for name, names in found.items() if names} == {}


def imports_of(path, tree):
    """Modules of kerasae that a module imports at import time."""
    known = {name_of(other) for other in FILES}
    for node in tree.body:
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        for part in ast.walk(node) if isinstance(node, ast.If) else [node]:
            if isinstance(part, ast.ImportFrom) and (part.module or "").startswith("kerasae"):
                for alias in part.names:
                    full = f"{part.module}.{alias.name}"
                    yield full if full in known else part.module
            elif isinstance(part, ast.Import):
                yield from (alias.name for alias in part.names if alias.name in known)


def test_imports_have_no_cycles():
    graph = {name_of(path): set(imports_of(path, tree)) - {name_of(path), "kerasae"} for path, tree in FILES.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


FRAMEWORKS = {"jax", "torch", "tensorflow", "openvino"}


def test_only_backends_and_exports_import_a_framework():
    found = {}
    for path, tree in FILES.items():
        if path.parent.name == "backends" or short(path) == "export/writers.py":  # which writes their files
            continue
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = {(getattr(node, "module", None) or node.names[0].name).partition(".")[0] for node in imported}
        if names & FRAMEWORKS:
            found[short(path)] = names & FRAMEWORKS
    assert found == {}
