"""Fixtures shared by all tests."""

import os
import re
from textwrap import dedent

# scipy and scikit-learn read this when they are first imported.
os.environ["SCIPY_ARRAY_API"] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

from pathlib import Path

import numpy as np
import pytest

DOC = Path(__file__).resolve().parents[1] / "doc"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Load one of the real data sets by name, or skip where they are absent."""

    def load(name):
        path = SHARED_DATA / f"{name}.npz"
        if not path.exists():
            pytest.skip(f"the data set {name} is not beside this checkout")
        return np.load(path, allow_pickle=False)

    return load


@pytest.fixture(scope="session")
def code_blocks():
    """Give the blocks of Python of a page of the documentation, in their order."""

    def read(page):
        found = re.findall(
            r"^\.\. code-block:: python\n\n((?:[ ]{4}.*\n|\n)+)",
            (DOC / page).read_text(),
            flags=re.MULTILINE,
        )
        return [dedent(block) for block in found]

    return read


@pytest.fixture(params=[True, False], ids=["compiled", "numpy"])
def compiled(request):
    """Run a test with the compiled kernels and with their NumPy references."""
    from sklearn_manifold_reg.utils._numba import compiled_kernels

    with compiled_kernels(request.param):
        yield request.param


NAMESPACES = [
    pytest.param(("array_api_strict", None), id="strict"),
    pytest.param(("array_api_strict", "device1"), id="strict-device1"),
    pytest.param(("torch", "cpu"), id="torch"),
    pytest.param(("torch", "cuda"), id="torch-cuda", marks=pytest.mark.gpu),
]


@pytest.fixture(params=NAMESPACES)
def namespace(request):
    """Array library and device, `(xp, device)`, with array API dispatch turned on."""
    from sklearn import config_context

    name, device = request.param
    xp = pytest.importorskip(name)
    if name == "array_api_strict" and device is not None:
        device = xp.Device(device)
    if device == "cuda" and not xp.cuda.is_available():
        pytest.skip("no CUDA device")
    with config_context(array_api_dispatch=True):
        yield xp, device
