"""List of the estimators of the package."""

from importlib import import_module
from inspect import isabstract, isclass

from sklearn.base import BaseEstimator

import sklearn_manifold_reg


def all_estimators() -> list[tuple[str, type]]:
    """Every public estimator class of the package.

    Returns
    -------
    estimators : list of (name, class)
        Sorted by name.

    Examples
    --------
    >>> from sklearn_manifold_reg.utils import all_estimators
    >>> "NeighborsGraph" in dict(all_estimators())
    True
    """
    found = {}
    for subpackage in sklearn_manifold_reg.__all__:
        if subpackage.startswith("_"):
            continue
        module = import_module(f"{sklearn_manifold_reg.__name__}.{subpackage}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            concrete = isclass(thing) and not isabstract(thing)
            if concrete and issubclass(thing, BaseEstimator):
                found[name] = thing
    return sorted(found.items())
