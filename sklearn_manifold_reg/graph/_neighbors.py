"""Nearest neighbors of the rows of a data set, by the search that suits it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array, check_random_state

from sklearn_manifold_reg._arrays._namespace import device, get_namespace, is_numpy
from sklearn_manifold_reg.graph._device_neighbors import device_neighbors
from sklearn_manifold_reg.graph._exact import (
    exact_query_neighbors,
    exact_self_neighbors,
)
from sklearn_manifold_reg.graph._kd_tree import (
    tree_query_neighbors,
    tree_self_neighbors,
)
from sklearn_manifold_reg.graph._nn_descent import descent_neighbors
from sklearn_manifold_reg.graph._other_neighbors import (
    Found,
    fitted_neighbors,
    fitted_query,
    pynndescent_neighbors,
    sklearn_neighbors,
)
from sklearn_manifold_reg.graph._sparse_neighbors import sparse_neighbors

# Metrics that are searched as Euclidean distances of (transformed) rows, each with
# what turns a squared distance into the metric's value.
_EUCLIDEAN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "euclidean": np.sqrt,
    "l2": np.sqrt,
    "sqeuclidean": np.copy,
    "cosine": lambda squares: squares / 2,
}
_ALGORITHMS = ("auto", "brute", "kd_tree", "nn_descent", "pynndescent")

# Measured on 2 cores, see benchmarks/bench_neighbors.py.
_MAX_TREE_FEATURES = 10
_MAX_BRUTE_WORK = 1e11
# Other metrics: pynndescent pays half a minute of compilation in each process.
_MAX_OTHER_BRUTE_WORK = 3e10


@dataclass(frozen=True)
class Neighbors:
    """Nearest neighbors, each row's in ascending order of distance, ties by index.

    Attributes
    ----------
    indices : array of shape (n, k), int32
        Rows of the searched data.
    distances : array of shape (n, k)
        Distances in the data's floating dtype.
    algorithm : str
        What was used: "kd_tree", "brute", "nn_descent", "pynndescent" or the class
        name of a fitted object.
    n_repaired : int
        Rows for which an approximate search fell short of k neighbors and that
        were searched again exactly.
    """

    indices: Any
    distances: Any
    algorithm: str
    n_repaired: int = 0


def nearest_neighbors(
    X: Any,
    n_neighbors: int,
    *,
    metric: str | Callable = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    algorithm: Any = "auto",
    n_jobs: int | None = None,
    random_state: Any = None,
) -> Neighbors:
    """Find the nearest other rows of each row.

    Parameters
    ----------
    X : array of shape (n, d)
        Rows: dense, CSR, or an array of another library while scikit-learn's
        `array_api_dispatch` is on. Integers are read as float64.
    n_neighbors : int
        Neighbors of each row, 1 to n - 1. The row itself is left out by its index,
        so that duplicates are neighbors of each other.
    metric : str or callable, default="euclidean"
        "euclidean" ("l2"), "sqeuclidean", "cosine" (one minus the cosine; a row of
        zeros is at distance 1 from all others and 0 from its like), or any metric
        that scikit-learn or pynndescent knows.
    metric_params : mapping, default=None
        Further arguments of the metric.
    algorithm : str or object with `kneighbors`, default="auto"
        - "kd_tree": exact, for up to about 10 features;
        - "brute": exact, blocked matrix products;
        - "nn_descent": approximate; this package's own for the metrics named above
          on dense rows, pynndescent otherwise;
        - "pynndescent": approximate, by that package whatever the metric;
        - "auto": "kd_tree" up to 10 features, "brute" while that is fast,
          "nn_descent" beyond;
        - an object fitted on `X`, whose `kneighbors(X, n_neighbors)` is called.
    n_jobs : int or None, default=None
        Threads. Results depend on them with pynndescent only.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximate searches.

    Returns
    -------
    neighbors : Neighbors
        Indices, distances, the algorithm used and the number of repaired rows.

    Raises
    ------
    ValueError
        If `n_neighbors` is not in 1..n-1, `X` is not finite, or an argument is
        unknown.
    TypeError
        If `algorithm` is neither a string nor has `kneighbors`.

    Notes
    -----
    Memory is O(n k) beside X. "brute" takes n² d / 2 multiplications on dense rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph._neighbors import nearest_neighbors
    >>> found = nearest_neighbors(np.array([[0.0], [1.0], [3.0]]), 1)
    >>> found.indices.ravel().tolist(), found.distances.ravel().tolist()
    ([1, 0, 1], [1.0, 1.0, 2.0])
    """
    xp = _namespace(X)
    if not is_numpy(xp):
        return _on_device(X, X, n_neighbors, metric, algorithm, own=True)
    X = _validate(X, metric)
    _check_count(n_neighbors, X.shape[0] - 1, "fewer than the number of rows")
    algorithm = _resolve(algorithm, X, metric, metric_params)
    other: dict[str, Any] = {
        "metric": metric,
        "metric_params": metric_params,
        "n_jobs": n_jobs,
    }
    if not isinstance(algorithm, str):
        found = fitted_neighbors(algorithm, X, n_neighbors)
        return _as_neighbors(found, X.dtype, type(algorithm).__name__)
    if algorithm == "pynndescent":
        found = pynndescent_neighbors(
            X, n_neighbors, **other, random_state=random_state
        )
        return _as_neighbors(found, X.dtype, algorithm)
    if metric not in _EUCLIDEAN:
        found = sklearn_neighbors(X, None, n_neighbors, **other)
        return _as_neighbors(found, X.dtype, algorithm)
    n_repaired = 0
    if sparse.issparse(X):
        indices, squares = sparse_neighbors(
            X, X, n_neighbors, cosine=metric == "cosine", own=True
        )
    else:
        (Z,) = _as_euclidean(metric, X)
        if algorithm == "kd_tree":
            indices, squares = tree_self_neighbors(Z, n_neighbors, n_jobs=n_jobs)
        elif algorithm == "brute":
            indices, squares = exact_self_neighbors(Z, n_neighbors, n_jobs=n_jobs)
        else:
            seed = check_random_state(random_state).randint(2**31 - 1)
            indices, squares, n_repaired = descent_neighbors(
                Z, n_neighbors, seed=seed, n_jobs=n_jobs
            )
    return _finish(indices, squares, metric, X.dtype, algorithm, n_repaired)


def query_neighbors(
    X_train: Any,
    X: Any,
    n_neighbors: int,
    *,
    metric: str | Callable = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    algorithm: Any = "auto",
    n_jobs: int | None = None,
) -> Neighbors:
    """Find the nearest training rows of new rows.

    Each new row is answered on its own: any division into batches gives the same
    answer. A new row equal to a training row has it at distance exactly 0.

    Parameters
    ----------
    X_train : array of shape (n, d)
        Rows to search, as in `nearest_neighbors`.
    X : array of shape (m, d)
        New rows, of the same library.
    n_neighbors : int
        Neighbors of each new row, 1 to n.
    metric, metric_params, n_jobs
        As in `nearest_neighbors`.
    algorithm : str or object with `kneighbors`, default="auto"
        As in `nearest_neighbors`; the approximate ones are answered exactly, as
        building their index costs more than a few queries.

    Returns
    -------
    neighbors : Neighbors
        Arrays of shape (m, n_neighbors).

    Raises
    ------
    ValueError
        If `n_neighbors` is not in 1..n, the widths differ, a row is not finite, or
        an argument is unknown.
    TypeError
        If `algorithm` is neither a string nor has `kneighbors`.
    """
    xp = _namespace(X_train, X)
    if not is_numpy(xp):
        return _on_device(X_train, X, n_neighbors, metric, algorithm, own=False)
    X_train, X = _validate(X_train, metric), _validate(X, metric)
    if X.shape[1] != X_train.shape[1]:
        raise ValueError(
            f"X has {X.shape[1]} features, but the searched rows have "
            f"{X_train.shape[1]} features."
        )
    _check_count(n_neighbors, X_train.shape[0], "at most the number of training rows")
    if algorithm in ("nn_descent", "pynndescent"):
        algorithm = "brute"
    algorithm = _resolve(algorithm, X_train, metric, metric_params, exact=True)
    if not isinstance(algorithm, str):
        found = fitted_query(algorithm, X, n_neighbors, X_train.shape[0])
        return _as_neighbors(found, X.dtype, type(algorithm).__name__)
    if metric not in _EUCLIDEAN:
        found = sklearn_neighbors(
            X_train, X, n_neighbors, metric=metric, metric_params=metric_params,
            n_jobs=n_jobs,
        )  # fmt: skip
        return _as_neighbors(found, X.dtype, algorithm)
    if sparse.issparse(X_train) != sparse.issparse(X):
        X_train, X = sparse.csr_array(X_train), sparse.csr_array(X)
    if sparse.issparse(X):
        indices, squares = sparse_neighbors(
            X_train, X, n_neighbors, cosine=metric == "cosine", own=False
        )
    else:
        dtype = np.result_type(X_train, X)
        Z_train, Z = _as_euclidean(
            metric, X_train.astype(dtype, copy=False), X.astype(dtype, copy=False)
        )
        query = (
            tree_query_neighbors if algorithm == "kd_tree" else exact_query_neighbors
        )
        indices, squares = query(Z_train, Z, n_neighbors, n_jobs=n_jobs)
    return _finish(indices, squares, metric, X.dtype, algorithm, 0)


def recall_estimate(
    X: Any,
    neighbors: Neighbors,
    *,
    n_samples: int = 1000,
    metric: str | Callable = "euclidean",
    metric_params: Mapping[str, Any] | None = None,
    random_state: Any = None,
) -> float:
    """Estimate the share of true neighbors that a search found.

    Parameters
    ----------
    X : array of shape (n, d)
        The rows that were searched.
    neighbors : Neighbors
        What `nearest_neighbors` returned.
    n_samples : int, default=1000
        Rows that are searched exactly, drawn without replacement. The standard
        error is below `0.5 / sqrt(n_samples)`.
    metric, metric_params
        Those of the search.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    recall : float
        Between 0 and 1. A neighbor as near as the last true one counts as found,
        since either choice between ties is right.
    """
    n, k = neighbors.indices.shape
    rng = check_random_state(random_state)
    rows = np.sort(rng.choice(n, min(n, n_samples), replace=False))
    if not is_numpy(xp := _namespace(X)):
        rows = xp.asarray(rows, device=device(X))
        sample, found = (
            xp.take(X, rows, axis=0),
            xp.take(neighbors.distances, rows, axis=0),
        )
    else:
        X = X.tocsr() if sparse.issparse(X) else np.asarray(X)
        sample, found = X[rows], neighbors.distances[rows]
    exact = query_neighbors(
        X, sample, min(k + 1, n), metric=metric, metric_params=metric_params
    )
    # The row itself is among its k + 1 nearest, or as many duplicates are.
    limit = exact.distances[:, k : k + 1]
    eps = float(xp.finfo(found.dtype).eps)
    hits = xp.astype(found <= limit * (1 + 8 * eps), xp.float64)
    return float(xp.mean(hits))


def _namespace(*arrays: Any) -> Any:
    if any(sparse.issparse(array) for array in arrays):
        return np
    return get_namespace(*(a if hasattr(a, "shape") else np.asarray(a) for a in arrays))


def _validate(X: Any, metric: str | Callable) -> Any:
    if metric == "precomputed":
        return check_array(X, accept_sparse="csr", ensure_min_samples=2)
    X = check_array(
        X, accept_sparse="csr", dtype=[np.float64, np.float32], ensure_min_samples=1
    )
    return X if sparse.issparse(X) else np.require(X, requirements=["C", "A", "W"])


def _check_count(n_neighbors: int, largest: int, bound: str) -> None:
    if not 1 <= n_neighbors <= largest:
        raise ValueError(
            f"n_neighbors must be at least 1 and {bound}: expected a number in "
            f"1..{largest}, got {n_neighbors}."
        )


def _resolve(
    algorithm: Any,
    X: Any,
    metric: str | Callable,
    metric_params: Mapping[str, Any] | None,
    *,
    exact: bool = False,
) -> Any:
    """Choose the algorithm, or check the one that was asked for."""
    if not isinstance(algorithm, str):
        if not hasattr(algorithm, "kneighbors"):
            raise TypeError(
                "algorithm must be a string or a fitted object with `kneighbors`, "
                f"got {algorithm!r}."
            )
        return algorithm
    if algorithm not in _ALGORITHMS:
        raise ValueError(
            f"algorithm={algorithm!r} is unknown; choose one of {_ALGORITHMS} or pass "
            "a fitted object with `kneighbors`."
        )
    if metric_params and metric in _EUCLIDEAN:
        raise ValueError(
            f"metric={metric!r} takes no metric_params, got {dict(metric_params)!r}."
        )
    dense = not sparse.issparse(X)
    n, d = X.shape
    if algorithm == "kd_tree" and not (dense and metric in _EUCLIDEAN):
        raise ValueError(
            "algorithm='kd_tree' searches dense rows under a Euclidean or cosine "
            f"metric; for metric={metric!r} on {'dense' if dense else 'sparse'} rows "
            "use algorithm='auto'."
        )
    if algorithm == "nn_descent":
        own = dense and metric in _EUCLIDEAN
        return "nn_descent" if own else "pynndescent"
    if algorithm != "auto":
        return algorithm
    if metric not in _EUCLIDEAN:
        fast = n * n * d <= _MAX_OTHER_BRUTE_WORK
        return "brute" if exact or fast or metric == "precomputed" else "pynndescent"
    if dense and d <= _MAX_TREE_FEATURES:
        return "kd_tree"
    if exact or not dense or n * n * d <= _MAX_BRUTE_WORK:
        return "brute"
    return "nn_descent"


def _as_euclidean(metric: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    """Rows whose Euclidean distances give the metric; unit rows for the cosine.

    A row of zeros has no direction. It becomes the unit vector of one further
    coordinate, orthogonal to all others.
    """
    if metric != "cosine":
        return [np.require(X, requirements=["C", "A", "W"]) for X in arrays]
    unit_rows = []
    for X in arrays:
        norms = _row_norms(X)
        zero = norms == 0
        Z = np.zeros((X.shape[0], X.shape[1] + 1), X.dtype)
        divisors = np.where(zero, 1, norms)[:, None]
        np.divide(X, divisors, out=Z[:, :-1], casting="same_kind")
        Z[zero, -1] = 1
        unit_rows.append(Z)
    return unit_rows


def _row_norms(X: np.ndarray) -> np.ndarray:
    # Rows are scaled by their largest entry, so that squares stay in range.
    largest = np.maximum(X.max(axis=1), -X.min(axis=1)).astype(np.float64)
    scale = np.where(largest > 0, largest, 1)
    step = max(1, 1_000_000 // X.shape[1])
    norms = np.empty(X.shape[0])
    for start in range(0, X.shape[0], step):
        rows = slice(start, start + step)
        scaled = X[rows] / scale[rows, None]
        norms[rows] = np.sqrt(np.einsum("ij,ij->i", scaled, scaled)) * largest[rows]
    return norms


def _finish(
    indices: np.ndarray,
    squares: np.ndarray,
    metric: Any,
    dtype: Any,
    algorithm: str,
    n_repaired: int,
) -> Neighbors:
    distances = _EUCLIDEAN[metric](squares).astype(dtype, copy=False)
    return Neighbors(indices, distances, algorithm, n_repaired)


def _as_neighbors(found: Found, dtype: Any, algorithm: str) -> Neighbors:
    indices, distances, n_repaired = found
    return Neighbors(
        indices, distances.astype(dtype, copy=False), algorithm, n_repaired
    )


def _on_device(
    X: Any, Q: Any, n_neighbors: int, metric: Any, algorithm: Any, *, own: bool
) -> Neighbors:
    if metric not in _EUCLIDEAN or algorithm not in ("auto", "brute"):
        raise ValueError(
            f"metric={metric!r} with algorithm={algorithm!r} works on NumPy arrays "
            f"only; arrays of other libraries take one of {sorted(_EUCLIDEAN)} with "
            "algorithm='auto' or 'brute'."
        )
    bound = "fewer than the number of rows" if own else "at most the number of rows"
    _check_count(n_neighbors, X.shape[0] - own, bound)
    indices, squares = device_neighbors(
        X, Q, n_neighbors, cosine=metric == "cosine", own=own
    )
    if metric == "cosine":
        return Neighbors(indices, squares / 2, "brute")
    if metric == "sqeuclidean":
        return Neighbors(indices, squares, "brute")
    return Neighbors(indices, squares**0.5, "brute")
