"""First endmembers of a factorization, and abundances of rows by themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.decomposition._endmembers import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._quadratic import solve_nonnegative_rows


def initial_endmembers(
    X: Any, init: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    """Choose endmembers to start from.

    Parameters
    ----------
    X : array of shape (n, p)
        Data.
    init : str or array-like of shape (n_components, p)
        Name in `STARTS`, or the endmembers themselves.
    n_components : int
        Number of endmembers.
    rng : RandomState
        For random choices.

    Returns
    -------
    H : array of shape (n_components, p)
        Non-negative, of the library and dtype of X.
    indices : array of shape (n_components,) or None
        Rows of X that were taken, if rows were.

    Raises
    ------
    ValueError
        If given endmembers have another shape or are not finite.
    """
    if isinstance(init, str):
        H, indices = STARTS[init](X, n_components, rng)
    else:
        H, indices = asarray_like(init, X), None
        expected = (n_components, X.shape[1])
        if tuple(H.shape) != expected:
            raise ValueError(
                f"init has shape {tuple(H.shape)}, expected one row for each of "
                f"{n_components} components and one column for each of {X.shape[1]} "
                "features."
            )
        if not bool(namespace_of(H).all(namespace_of(H).isfinite(H))):
            raise ValueError("init contains NaN or infinity.")
    xp = namespace_of(H)
    return xp.clip(xp.astype(H, X.dtype), min=0), indices


def row_abundances(
    X: Any,
    H: Any,
    *,
    alpha: float,
    row_weight: float,
    simplex: bool,
    n_jobs: int | None = None,
) -> Any:
    """Give each row by itself the best abundances of fixed endmembers.

    Parameters
    ----------
    X, H : arrays of shape (n, p) and (K, p)
        Rows and endmembers.
    alpha, row_weight : float
        Weights of the sum of a row, and of its squared distance from one.
    simplex : bool
        Whether rows sum to one.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    W : array of shape (n, K)
        Minimizers, of the library and dtype of X.
    """
    offset = np.full(H.shape[0], alpha - row_weight)
    return solve_nonnegative_rows(
        H @ H.T + row_weight,
        X @ H.T,
        sum_to_one=simplex,
        offset=offset,
        n_jobs=n_jobs,
    )


def _extreme_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    return vertex_component_analysis(X, n_components, random_state=rng)


def _long_rows(X: Any, n_components: int, _: np.random.RandomState) -> tuple[Any, Any]:
    return successive_projection(X, n_components)


def _widest_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    return n_findr(X, n_components, random_state=rng)


def _random_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    """Take different rows, those that are not zero first."""
    xp = namespace_of(X)
    order = rng.permutation(X.shape[0])
    zero = to_numpy(xp.max(X, axis=1) == 0)[order]
    chosen = order[np.argsort(zero, kind="stable")][:n_components]
    indices = asarray_like(chosen, X)
    return xp.take(X, indices, axis=0), indices


def _cluster_centers(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, None]:
    model = KMeans(n_components, n_init=1, random_state=rng).fit(to_numpy(X))
    return asarray_like(model.cluster_centers_, X), None


STARTS: dict[str, Callable] = {
    "vca": _extreme_rows,
    "spa": _long_rows,
    "nfindr": _widest_rows,
    "random": _random_rows,
    "kmeans": _cluster_centers,
}
