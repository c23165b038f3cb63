"""Exact Euclidean neighbors of low-dimensional rows by a balanced k-d tree.

The compiled tree differs from scipy's in what it promises and in its order of work:
neighbors at equal distances are chosen by index, many duplicates cost no more than
distinct rows, and rows are searched leaf by leaf, so that caches serve.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from sklearn_manifold_reg.graph._exact import exact_candidate_neighbors
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

_LEAF = 12


@dataclass(frozen=True)
class KDTree:
    """Rows halved level by level along the widest side of their bounding box.

    Attributes
    ----------
    P : ndarray of shape (n, d)
        Rows in the order of the leaves.
    order : ndarray of shape (n,), int32
        Their places in X.
    bounds : ndarray of shape (n_leaves + 1,), int64
        First row of each leaf.
    lower, upper : ndarray of shape (2 n_leaves - 1, d), float64
        Bounding box of each node; node i has children 2i + 1 and 2i + 2.
    smallest : ndarray of shape (2 n_leaves - 1,), int32
        Smallest place in X of each node's rows.
    """

    P: np.ndarray
    order: np.ndarray
    bounds: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    smallest: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """What the kernels take."""
        return (
            self.P, self.order, self.bounds, self.lower, self.upper, self.smallest
        )  # fmt: skip


def build_kd_tree(X: np.ndarray, *, n_jobs: int | None = None) -> KDTree:
    """Build a balanced tree over rows.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64
        Rows; finite.
    n_jobs : int or None, default=None
        Threads. The tree does not depend on them.

    Returns
    -------
    tree : KDTree
        In O(n d log n) time and O(n d) memory.
    """
    from sklearn_manifold_reg.graph._kd_tree_numba import split_nodes

    n, d = X.shape
    depth = max(0, int(np.ceil(np.log2(n / _LEAF))))
    n_nodes = 2 ** (depth + 1) - 1
    P, order = np.array(X, order="C"), np.arange(n, dtype=np.int32)
    lower, upper = np.empty((n_nodes, d)), np.empty((n_nodes, d))
    smallest = np.empty(n_nodes, np.int32)
    bounds = np.array([0, n])
    for level in range(depth + 1):
        run_rows(
            split_nodes, 2**level, P, order, bounds, lower, upper, smallest,
            2**level - 1, level == depth, n_jobs=n_jobs,
        )  # fmt: skip
        if level < depth:
            bounds = _halve(bounds)
    return KDTree(P, order, bounds, lower, upper, smallest)


def tree_self_neighbors(
    X: np.ndarray, n_neighbors: int, *, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest other rows of each row.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-contiguous and writable
        Rows; finite.
    n_neighbors : int
        Between 1 and n - 1.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices : ndarray of shape (n, n_neighbors), int32
        Nearest first, ties by index.
    squares : ndarray of shape (n, n_neighbors), float64
        Squared distances.
    """
    n = X.shape[0]
    if not use_compiled():
        own = np.arange(n, dtype=np.int32)
        return _search_reference(X, X, n_neighbors, own, n_jobs)
    from sklearn_manifold_reg.graph._kd_tree_numba import search_own

    tree = build_kd_tree(X, n_jobs=n_jobs)
    squares, indices = _room(n, n_neighbors)
    run_rows(search_own, n, *tree.arrays, squares, indices, n_jobs=n_jobs)
    return indices, squares


def tree_query_neighbors(
    X: np.ndarray, Q: np.ndarray, n_neighbors: int, *, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows of X for each row of Q.

    Parameters
    ----------
    X, Q : ndarray of shape (n, d) and (m, d), one dtype, C-contiguous, writable
        Searched rows and queries; finite.
    n_neighbors : int
        Between 1 and n.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices, squares : ndarray of shape (m, n_neighbors)
        As in `tree_self_neighbors`. Each query is answered on its own.
    """
    if not use_compiled():
        return _search_reference(X, Q, n_neighbors, None, n_jobs)
    from sklearn_manifold_reg.graph._kd_tree_numba import search_new

    tree = build_kd_tree(X, n_jobs=n_jobs)
    squares, indices = _room(Q.shape[0], n_neighbors)
    run_rows(search_new, Q.shape[0], *tree.arrays, Q, squares, indices, n_jobs=n_jobs)
    return indices, squares


def _halve(bounds: np.ndarray) -> np.ndarray:
    halved = np.empty(2 * len(bounds) - 1, bounds.dtype)
    halved[::2] = bounds
    halved[1::2] = (bounds[:-1] + bounds[1:]) // 2
    return halved


def _room(n_rows: int, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    return np.empty((n_rows, n_neighbors)), np.empty((n_rows, n_neighbors), np.int32)


def _search_reference(
    X: np.ndarray,
    Q: np.ndarray,
    n_neighbors: int,
    own: np.ndarray | None,
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Search by scipy's tree; ties at the last neighbor are found by radius."""
    tree = cKDTree(X)
    n_asked = n_neighbors + (own is not None)
    distances, _ = tree.query(Q, [n_asked], workers=n_threads(n_jobs))
    # A hair wider, so that rounding loses no tie.
    near = tree.query_ball_point(Q, distances[:, -1] * (1 + 1e-9))
    width = max(len(row) for row in near)
    candidates = np.full((len(Q), width), -1, np.int32)
    for i, row in enumerate(near):
        candidates[i, : len(row)] = row
    if own is not None:
        candidates[candidates == own[:, None]] = -1
    return exact_candidate_neighbors(X, Q, candidates, n_neighbors, n_jobs=n_jobs)
