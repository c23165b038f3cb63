"""Rules of the house, read from the source."""

import ast
from pathlib import Path

import pytest

import sklearn_manifold_reg

ROOT = Path(sklearn_manifold_reg.__file__).parent
PACKAGE = "sklearn_manifold_reg"
# From the bottom up; every other folder is a family.
LAYERS = ["utils", "_arrays", "linalg", "optim", "graph"]
TOP = "plotting"
SOURCES = sorted(ROOT.rglob("*.py"))


def identify(path):
    return str(path.relative_to(ROOT))


def layer(parts):
    """Height of a module in the house; top-level modules stand above all."""
    if len(parts) < 2:
        return len(LAYERS) + 2
    folder = parts[0]
    if folder in LAYERS:
        return LAYERS.index(folder)
    return len(LAYERS) + (folder == TOP)


def imported_modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node
            yield from ((f"{node.module}.{a.name}", node) for a in node.names)


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_imports_point_down_only(path):
    here = path.relative_to(ROOT).parts
    for name, _ in imported_modules(ast.parse(path.read_text())):
        if not name.startswith(f"{PACKAGE}."):
            continue
        there = tuple(name.split(".")[1:])
        if not (ROOT / there[0]).is_dir() or there[0] == here[0]:
            continue
        assert layer((there[0], "x")) < layer(here), f"{here} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_private_scikit_learn_modules_are_named_in_one_place(path):
    if identify(path) == str(Path("utils", "_sklearn.py")):
        return
    for name, _ in imported_modules(ast.parse(path.read_text())):
        if name.startswith("sklearn."):
            assert not any(p.startswith("_") for p in name.split(".")), name


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_kernels_are_called_in_their_own_folder(path):
    folder = ".".join((PACKAGE, *path.relative_to(ROOT).parts[:-1]))
    for name, node in imported_modules(ast.parse(path.read_text())):
        module = node.module if isinstance(node, ast.ImportFrom) else name
        if module.startswith(PACKAGE) and module.endswith("_numba"):
            if module == f"{PACKAGE}.utils._numba":
                continue
            assert module.rpartition(".")[0] == folder, f"{path} calls {module}"


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_kernel_files_hold_kernels_and_others_none(path):
    tree = ast.parse(path.read_text())
    compiled = any(
        isinstance(node, ast.FunctionDef)
        and any("kernel" in ast.unparse(d) for d in node.decorator_list)
        for node in ast.walk(tree)
    )
    assert compiled == path.stem.endswith("_numba") or path.parent.name == "utils"


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_no_public_module_and_no_drawer(path):
    if path.name in ("__init__.py", "__main__.py"):
        return
    assert path.name.startswith("_")
    assert path.stem not in {"_helpers", "_common", "_misc", "_utils"}


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if p.name == "__init__.py" and p.parent != ROOT],
    ids=identify,
)
def test_public_folders_list_their_names(path):
    folder = path.parent.name
    if folder in ("utils", "_arrays"):
        return
    assert "__all__" in path.read_text(), f"{folder} has no __all__"
