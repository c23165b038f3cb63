"""What a bug report should say of the environment."""

import ctypes
import os
import platform
import re
import sys
from importlib import import_module
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    distributions,
    version,
)
from pathlib import Path
from typing import Any

from sklearn_manifold_reg._version import __version__
from sklearn_manifold_reg.utils._numba import n_threads, use_compiled

_REQUIRED = ("numpy", "scipy", "scikit-learn", "numba", "pynndescent", "pyamg")
_OPTIONAL = (
    "matplotlib",
    "pandas",
    "polars",
    "faiss",
    "rich",
    "pooch",
    "distributed",
    "scikit-image",
)
_ARRAYS = ("array-api-compat", "array-api-strict", "torch", "cupy", "jax")
_BUILDS = ("cupy", "faiss")
_VARIABLES = (
    "SKLEARN_MANIFOLD_REG_NUMBA",
    "NUMBA_CACHE_DIR",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "SCIPY_ARRAY_API",
)
_MISSING = "not installed"
_ROOT = Path(__file__).parent


def show_versions() -> None:
    """Print what a bug report should say of the environment.

    That is versions of the package, of Python and of the libraries that are used where
    they are installed, the array libraries and whether there is a CUDA device, threads
    and threading layers, and where compiled kernels are kept. Array libraries are
    looked up without being imported. `python -m sklearn_manifold_reg` prints the same.

    Examples
    --------
    >>> import sklearn_manifold_reg
    >>> sklearn_manifold_reg.show_versions()
    sklearn-manifold-reg ...
    <BLANKLINE>
    System...
    """
    lines = [f"sklearn-manifold-reg {__version__}"]
    for title, entries in describe_environment().items():
        width = max(map(len, entries))
        lines += ["", title]
        lines += [f"  {name:<{width}}  {value}" for name, value in entries.items()]
    sys.stdout.write("\n".join(lines) + "\n")


def describe_environment() -> dict[str, dict[str, str]]:
    """Collect what `show_versions` prints.

    Returns
    -------
    sections : dict of dict of str
        Names and values, by title.
    """
    return {
        "System": {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "platform": platform.platform(),
            "package": str(_ROOT),
        },
        "Libraries": {name: _installed(name) for name in _REQUIRED},
        "Optional libraries": {name: _installed(name) for name in _OPTIONAL},
        "Array libraries": {
            **{name: _installed(name) for name in _ARRAYS},
            "CUDA of torch": _torch_cuda(),
            "CUDA devices": _cuda_devices(),
        },
        "Threads": {
            "threads": f"{n_threads()} on {os.cpu_count()} cores",
            "threading layer": "the package's own pool; numba's is not used",
            **_thread_pools(),
        },
        "Kernels": _kernels(),
        "Environment": {name: os.environ.get(name, "not set") for name in _VARIABLES},
    }


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _build_of(name) if name in _BUILDS else _MISSING


def _build_of(name: str) -> str:
    """Find a library that has a package for each platform, as cupy-cuda13x."""
    builds = (d for d in distributions() if d.name.startswith(f"{name}-"))
    return next((f"{d.version} ({d.name})" for d in builds), _MISSING)


def _torch_cuda() -> str:
    """Read from PyTorch's own file what CUDA it was built for."""
    try:
        path = distribution("torch").locate_file("torch/version.py")
        text = Path(str(path)).read_text()
    except (PackageNotFoundError, OSError):
        return _MISSING
    found = re.search(r"^cuda\b[^=\n]*=\s*'([^'\n]+)'", text, flags=re.MULTILINE)
    return found.group(1) if found else "built without"


def _cuda_devices() -> str:
    """Count the devices that the driver knows; no array library is needed."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return "no driver"
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return "a driver without devices"
    return str(count.value)


def _thread_pools() -> dict[str, str]:
    """List what numpy, scipy and scikit-learn load of BLAS and OpenMP."""
    for module in ("numpy", "scipy.linalg", "sklearn.utils"):
        import_module(module)
    from threadpoolctl import threadpool_info

    pools = {}
    for pool in threadpool_info():
        facts = [pool["version"], f"{pool['num_threads']} threads"]
        if "threading_layer" in pool:
            facts.append(f"threading layer {pool['threading_layer']}")
        folder = Path(pool["filepath"]).parent.name
        pools[f"{pool['internal_api']} in {folder}"] = ", ".join(filter(None, facts))
    return pools


def _kernels() -> dict[str, str]:
    """Tell whether kernels are compiled, and where machine code is kept."""
    if not use_compiled():
        return {"compiled": "no, NumPy references run in their place"}
    try:
        kernels = _all_kernels()
    except ImportError as error:
        return {"compiled": f"no, numba cannot be imported: {error}"}
    folders = [kernel.stats.cache_path for kernel in kernels]
    kept = sum(_is_cached(kernel) for kernel in kernels)
    return {
        "compiled": "yes, when first called",
        "in the cache": f"{kept} of {len(kernels)}",
        "cache folder": _common_folder([folder for folder in folders if folder]),
    }


def _all_kernels() -> list[Any]:
    """List every compiled function of the package, compiling none."""
    kernels = []
    for path in sorted(_ROOT.glob("*/_*_numba.py")):
        name = ".".join((_ROOT.name, path.parent.name, path.stem))
        kernels += [
            thing
            for thing in vars(import_module(name)).values()
            if hasattr(thing, "py_func") and thing.py_func.__module__ == name
        ]
    return kernels


def _is_cached(kernel: Any) -> bool:
    """Tell whether numba has written machine code for this Python."""
    folder, function = kernel.stats.cache_path, kernel.py_func
    if folder is None:
        return False
    module = function.__module__.rpartition(".")[2]
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    pattern = f"{module}.{function.__qualname__}-*.{python}*.nbi"
    return any(Path(folder).glob(pattern))


def _common_folder(folders: list[str]) -> str:
    if not folders:
        return "none: no folder can be written, set NUMBA_CACHE_DIR"
    common = os.path.commonpath(folders)
    ends = {os.path.basename(folder) for folder in folders}
    return os.path.join(common, "*", ends.pop()) if len(ends) == 1 else common
