"""What `python -m sklearn_manifold_reg` says of the environment."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
import scipy
import sklearn

import sklearn_manifold_reg
from sklearn_manifold_reg import _versions
from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.utils._numba import compiled_kernels, n_threads

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def test_versions_are_those_of_the_modules():
    sections = _versions.describe_environment()
    found = sections["Libraries"]
    for name, module in (("numpy", np), ("scipy", scipy), ("scikit-learn", sklearn)):
        assert found[name] == module.__version__
    assert sections["Threads"]["threads"].startswith(f"{n_threads()} on ")


def test_every_library_of_a_user_is_reported():
    """Dependencies, and extras but those of developers."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    wanted = set(project["dependencies"])
    extras = re.search(r"\[(.*)\]", project["optional-dependencies"]["all"][0])
    for extra in extras.group(1).split(","):
        wanted |= set(project["optional-dependencies"][extra])
    names = {re.match(r"[\w-]+", requirement).group() for requirement in wanted}
    sections = _versions.describe_environment()
    reported = {
        name
        for title in ("Libraries", "Optional libraries", "Array libraries")
        for name in sections[title]
    }
    assert {name.removesuffix("-cpu") for name in names} <= reported


def test_absent_libraries_are_reported_as_such(monkeypatch):
    def nothing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(_versions, "version", nothing)
    monkeypatch.setattr(_versions, "distribution", nothing)
    monkeypatch.setattr(_versions, "distributions", list)
    sections = _versions.describe_environment()
    assert set(sections["Optional libraries"].values()) == {"not installed"}
    assert sections["Array libraries"]["CUDA of torch"] == "not installed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cuda: Optional[str] = None", "built without"),
        ("cuda: Optional[str] = '13.0'", "13.0"),
        ("cuda = '12.8'", "12.8"),
    ],
)
def test_cuda_of_torch_is_read_from_its_file(line, said, tmp_path, monkeypatch):
    path = tmp_path / "version.py"
    path.write_text(f"__version__ = '2.9'\n{line}\nhip: Optional[str] = None\n")

    class Torch:
        def locate_file(self, _):
            return path

    monkeypatch.setattr(_versions, "distribution", lambda name: Torch())
    assert _versions._torch_cuda() == said


def test_kernels_that_have_run_are_found_in_the_cache():
    with compiled_kernels(True):
        NeighborsGraph(3).fit(np.random.default_rng(0).normal(size=(30, 2)))
        said = _versions._kernels()
    folder = Path(said["cache folder"].split("*")[0])
    if not os.access(folder, os.W_OK):
        pytest.skip("no folder for machine code can be written")
    kept, of = map(int, said["in the cache"].split(" of "))
    assert 0 < kept <= of == len(_versions._all_kernels())
    assert any(folder.rglob("*.nbi"))


def test_kernels_turned_off_are_reported():
    with compiled_kernels(False):
        assert _versions._kernels()["compiled"].startswith("no")


@pytest.mark.slow
def test_the_module_prints_it_and_loads_no_array_library():
    package = sklearn_manifold_reg.__name__
    program = (
        f"import runpy, sys; runpy.run_module({package!r}, run_name='__main__'); "
        "print('loaded', *{'torch', 'cupy', 'jax'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, *rest, loaded = done.stdout.splitlines()
    assert first == f"sklearn-manifold-reg {sklearn_manifold_reg.__version__}"
    assert {"System", "Array libraries", "Threads", "Kernels"} <= set(rest)
    assert loaded == "loaded"
