"""Neighbors found by other libraries: scikit-learn, pynndescent, fitted objects."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_random_state

from sklearn_manifold_reg.utils._numba import n_threads

# What each search returns: indices (int32), distances, number of repaired rows.
Found = tuple[np.ndarray, np.ndarray, int]


def sklearn_neighbors(
    X: Any,
    Q: Any,
    n_neighbors: int,
    *,
    metric: str | Callable,
    metric_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
) -> Found:
    """Search exactly under any metric of scikit-learn.

    Parameters
    ----------
    X : array or CSR of shape (n, d)
        Rows to search; (n, n) distances for metric="precomputed".
    Q : array or CSR of shape (m, d) or None
        Queries; None for the rows of X themselves, each leaving itself out.
    n_neighbors : int
        Neighbors of each query.
    metric, metric_params
        As in `sklearn.neighbors.NearestNeighbors`.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    indices, distances, n_repaired
        Nearest first, ties by index; no row is ever repaired.
    """
    params = dict(metric_params or {})
    finder = NearestNeighbors(
        n_neighbors=n_neighbors,
        metric=metric,
        p=params.pop("p", 2),
        metric_params=params or None,
        n_jobs=None if metric == "precomputed" else n_threads(n_jobs),
    ).fit(X)
    distances, indices = finder.kneighbors(Q)
    return *_ordered(indices, distances), 0


def pynndescent_neighbors(
    X: Any,
    n_neighbors: int,
    *,
    metric: str | Callable,
    metric_params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> Found:
    """Search approximately under any metric of pynndescent.

    Parameters
    ----------
    X : array or CSR of shape (n, d)
        Rows.
    n_neighbors : int
        Neighbors of each row, which leaves itself out.
    metric, metric_params
        As in `pynndescent.NNDescent`.
    n_jobs : int or None, default=None
        Threads. The result depends on them.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Returns
    -------
    indices, distances, n_repaired
        Nearest first, ties by index; rows that fell short are searched exactly by
        scikit-learn.
    """
    from pynndescent import NNDescent

    index = NNDescent(
        X,
        metric=metric,
        metric_kwds=dict(metric_params or {}),
        n_neighbors=min(n_neighbors + 1, X.shape[0]),
        n_jobs=n_threads(n_jobs),
        random_state=check_random_state(random_state),
    )
    indices, distances = index.neighbor_graph

    def search(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = sklearn_neighbors(
            X, X[rows], n_neighbors + 1, metric=metric, metric_params=metric_params
        )
        return found[0], found[1]

    return _without_self(indices, distances, n_neighbors, search)


def fitted_neighbors(finder: Any, X: Any, n_neighbors: int) -> Found:
    """Ask a fitted object for the neighbors of the rows it was fitted on.

    Parameters
    ----------
    finder : object with `kneighbors`
        Fitted on X.
    X : array or CSR of shape (n, d)
        Rows.
    n_neighbors : int
        Neighbors of each row, which leaves itself out.

    Returns
    -------
    indices, distances, n_repaired
        Nearest first, ties by index.

    Raises
    ------
    ValueError
        If the object names rows that X does not have or too few neighbors.
    """
    indices, distances = _ask(finder, X, n_neighbors + 1, X.shape[0])

    def search(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise ValueError(
            f"{type(finder).__name__}.kneighbors found fewer than {n_neighbors} "
            f"neighbors of {len(rows)} rows, such as row {rows[0]}."
        )

    return _without_self(indices, distances, n_neighbors, search)


def fitted_query(finder: Any, Q: Any, n_neighbors: int, n_rows: int) -> Found:
    """Ask a fitted object for the neighbors of new rows.

    Parameters
    ----------
    finder : object with `kneighbors`
        Fitted on the searched rows.
    Q : array or CSR of shape (m, d)
        Queries.
    n_neighbors, n_rows : int
        Neighbors of each query and number of searched rows.

    Returns
    -------
    indices, distances, n_repaired
        Nearest first, ties by index.
    """
    return *_ordered(*_ask(finder, Q, n_neighbors, n_rows)), 0


def _ask(
    finder: Any, Q: Any, n_neighbors: int, n_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    distances, indices = finder.kneighbors(Q, n_neighbors)
    indices, distances = np.asarray(indices), np.asarray(distances)
    if indices.size and indices.max() >= n_rows:
        raise ValueError(
            f"{type(finder).__name__}.kneighbors names row {indices.max()}, but there "
            f"are {n_rows} rows: fit it on the same rows."
        )
    return indices, distances


def _ordered(
    indices: np.ndarray, distances: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((indices, distances), axis=1)
    return (
        np.take_along_axis(indices, order, axis=1).astype(np.int32),
        np.take_along_axis(distances, order, axis=1),
    )


def _without_self(
    indices: np.ndarray,
    distances: np.ndarray,
    n_neighbors: int,
    search: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Found:
    """Drop each row from its own list; search rows again whose lists fall short."""
    absent = (indices < 0) | (indices == np.arange(len(indices))[:, None])
    # Absent entries go last; of a full list without its row, the last entry goes.
    indices, distances = _ordered(indices, np.where(absent, np.inf, distances))
    indices, distances = indices[:, :n_neighbors], distances[:, :n_neighbors]
    short = np.flatnonzero(np.isinf(distances[:, -1]))
    if len(short):
        found, squares = search(short)
        found_absent = found == short[:, None]
        found, squares = _ordered(found, np.where(found_absent, np.inf, squares))
        indices[short] = found[:, :n_neighbors]
        distances[short] = squares[:, :n_neighbors]
    return np.ascontiguousarray(indices), np.ascontiguousarray(distances), len(short)
