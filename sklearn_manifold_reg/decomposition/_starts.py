"""First endmembers of a factorization, and abundances of rows by themselves."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import KMeans

from sklearn_manifold_reg.decomposition._endmembers import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._quadratic import solve_nonnegative_rows


def initial_endmembers(
    X: np.ndarray, init: Any, n_components: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray | None]:
    """Choose endmembers to start from.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Data.
    init : str or array-like of shape (n_components, p)
        Name in `STARTS`, or the endmembers themselves.
    n_components : int
        Number of endmembers.
    rng : RandomState
        For random choices.

    Returns
    -------
    H : ndarray of shape (n_components, p)
        Non-negative, in the dtype of X.
    indices : ndarray of shape (n_components,) or None
        Rows of X that were taken, if rows were.

    Raises
    ------
    ValueError
        If given endmembers have another shape or are not finite.
    """
    if isinstance(init, str):
        H, indices = STARTS[init](X, n_components, rng)
    else:
        H, indices = np.array(init, dtype=X.dtype), None
        if H.shape != (n_components, X.shape[1]):
            raise ValueError(
                f"init has shape {H.shape}, expected one row for each of "
                f"{n_components} components and one column for each of {X.shape[1]} "
                "features."
            )
        if not np.all(np.isfinite(H)):
            raise ValueError("init contains NaN or infinity.")
    return np.ascontiguousarray(np.maximum(H, 0), dtype=X.dtype), indices


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
    X: np.ndarray, n_components: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    return vertex_component_analysis(X, n_components, random_state=rng)


def _long_rows(
    X: np.ndarray, n_components: int, _: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    return successive_projection(X, n_components)


def _widest_rows(
    X: np.ndarray, n_components: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    return n_findr(X, n_components, random_state=rng)


def _random_rows(
    X: np.ndarray, n_components: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Take different rows, those that are not zero first."""
    order = rng.permutation(X.shape[0])
    zero = ~np.any(X[order], axis=1)
    indices = order[np.argsort(zero, kind="stable")][:n_components]
    return X[indices], indices


def _cluster_centers(
    X: np.ndarray, n_components: int, rng: np.random.RandomState
) -> tuple[np.ndarray, None]:
    model = KMeans(n_components, n_init=1, random_state=rng).fit(X)
    return model.cluster_centers_, None


STARTS: dict[str, Callable] = {
    "vca": _extreme_rows,
    "spa": _long_rows,
    "nfindr": _widest_rows,
    "random": _random_rows,
    "kmeans": _cluster_centers,
}
