"""What importing the package loads, and what it must not."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_manifold_reg

ROOT = Path(sklearn_manifold_reg.__file__).parent
HEAVY = ["numba", "pynndescent", "matplotlib", "torch", "sklearn", "scipy", "pyamg"]
OPTIONAL = ["matplotlib", "torch", "cupy", "pandas", "faiss", "rich", "pooch"]
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
    for path in ROOT.rglob("*.py")
    if path.name != "__init__.py" and path.name != "__main__.py"
)


def loaded_after(code):
    names = ",".join(HEAVY)
    program = (
        f"import sys; {code}; "
        f"print(*[m for m in '{names}'.split(',') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import sklearn_manifold_reg") == []


@pytest.mark.parametrize(
    "name", ["semi_supervised", "graph", "plotting", "metrics", "datasets"]
)
def test_subpackages_load_neither_kernels_nor_optional_packages(name):
    loaded = loaded_after(f"from sklearn_manifold_reg import {name}")
    assert not {"numba", "pynndescent", "matplotlib", "torch", "pyamg"} & set(loaded)


def test_every_public_name_resolves():
    for subpackage in sklearn_manifold_reg.__all__:
        module = getattr(sklearn_manifold_reg, subpackage)
        for name in getattr(module, "__all__", []):
            assert getattr(module, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = sklearn_manifold_reg.nonsense


BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.slow
def test_every_module_imports_without_optional_packages():
    imports = "\n".join(f"import {name}" for name in MODULES)
    code = BLOCKER.format(blocked=set(OPTIONAL)) + imports
    subprocess.run([sys.executable, "-c", code], check=True)


def test_private_scikit_learn_names_exist():
    module = import_module("sklearn_manifold_reg.utils._sklearn")
    for name in module.__all__:
        assert getattr(module, name) is not None
