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

__all__ = ["__version__", *_SUBPACKAGES, "warm_up"]


def __getattr__(name):
    if name in _SUBPACKAGES:
        return import_module(f"{__name__}.{name}")
    if name == "warm_up":
        return import_module(f"{__name__}._warm_up").warm_up
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
