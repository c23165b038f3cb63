"""Kernels compiled ahead of use."""

import subprocess
import sys

import pytest

CODE = """
import sys
from numba.core.dispatcher import Dispatcher
import sklearn_manifold_reg
sklearn_manifold_reg.warm_up()
idle = [
    f"{name}.{attribute}"
    for name, module in list(sys.modules.items())
    if name.startswith("sklearn_manifold_reg") and name.endswith("_numba")
    for attribute, value in vars(module).items()
    # Private kernels are parts of others, and loaded with them.
    if isinstance(value, Dispatcher) and attribute[0] != "_" and not value.signatures
]
print(*idle)
"""


@pytest.mark.slow
def test_every_kernel_is_compiled():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
