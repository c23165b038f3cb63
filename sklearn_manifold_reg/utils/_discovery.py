"""List of the estimators of the package."""

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
        module = getattr(sklearn_manifold_reg, subpackage)
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            concrete = isclass(thing) and not isabstract(thing)
            if concrete and issubclass(thing, BaseEstimator):
                found[name] = thing
    return sorted(found.items())
