"""Learning on data manifolds and graphs, as scikit-learn estimators.

Subpackages are loaded when first touched, so that importing the package costs
next to nothing and loads neither numba nor scikit-learn.
"""

from importlib import import_module

from sklearn_manifold_reg._version import __version__

_SUBPACKAGES = (
    "cluster",
    "datasets",
    "decomposition",
    "graph",
    "inverse",
    "kernel",
    "linalg",
    "manifold",
    "metrics",
    "model_selection",
    "plotting",
    "semi_supervised",
)

_FUNCTIONS = {"show_versions": "_versions", "warm_up": "_warm_up"}

__all__ = ["__version__", *_SUBPACKAGES, *_FUNCTIONS]


def __getattr__(name):
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name in _FUNCTIONS:
        return getattr(import_module(f"{__name__}.{_FUNCTIONS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
