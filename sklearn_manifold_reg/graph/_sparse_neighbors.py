"""Exact Euclidean and cosine neighbors of sparse rows, by blocked sparse products."""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays._topk import smallest_k

# Entries of one block of dense squared distances.
_BLOCK_ENTRIES = 4_000_000
# Candidates beyond the neighbors, which absorb rounding near the last one.
_N_SPARE = 6


def sparse_neighbors(
    X: Any, Q: Any, n_neighbors: int, *, cosine: bool, own: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows of a CSR array for each row of another.

    Parameters
    ----------
    X : CSR array or matrix of shape (n, d)
        Rows to search; finite.
    Q : CSR array or matrix of shape (m, d)
        Queries.
    n_neighbors : int
        Neighbors of each query.
    cosine : bool
        Compare directions: rows are divided by their norms, and a row of zeros
        becomes a unit vector orthogonal to all others.
    own : bool
        Whether Q is X, in which case each row leaves itself out.

    Returns
    -------
    indices : ndarray of shape (m, n_neighbors), int32
        Nearest first, ties by index.
    squares : ndarray of shape (m, n_neighbors), float64
        Squared distances, by differences in float64.

    Notes
    -----
    Products are taken in float64, a block of queries at a time; distances of the
    nearest candidates are computed again by differences, so that duplicates are at
    distance exactly 0.
    """
    X = _rows(X, cosine)
    Q = X if own else _rows(Q, cosine)
    n, m = X.shape[0], Q.shape[0]
    norms = _square_norms(X)
    transposed = X.T.tocsr()
    n_candidates = min(n - own, n_neighbors + _N_SPARE)
    indices = np.empty((m, n_neighbors), np.int32)
    squares = np.empty((m, n_neighbors))
    step = max(1, _BLOCK_ENTRIES // n)
    for start in range(0, m, step):
        rows = np.arange(start, min(m, start + step))
        both = norms + _square_norms(Q[rows])[:, None]
        D = both - 2 * (Q[rows] @ transposed).toarray()
        # What rounding leaves of a distance of 0 between duplicates.
        D[16 * np.finfo(float).eps * both >= D] = 0
        if own:
            D[np.arange(len(rows)), rows] = np.inf
        _, candidates = smallest_k(D, n_candidates)
        exact = _exact_squares(X, Q[rows], candidates)
        order = np.lexsort((candidates, exact), axis=1)[:, :n_neighbors]
        indices[rows] = np.take_along_axis(candidates, order, axis=1)
        squares[rows] = np.take_along_axis(exact, order, axis=1)
    return indices, squares


def _rows(X: Any, cosine: bool) -> sparse.csr_array:
    X = sparse.csr_array(X, dtype=np.float64)
    if not cosine:
        return X
    norms = np.sqrt(_square_norms(X))
    zero = norms == 0
    unit = sparse.diags_array(1 / np.where(zero, 1, norms)) @ X
    return sparse.hstack([unit, sparse.csr_array(zero[:, None].astype(float))], "csr")


def _square_norms(X: sparse.csr_array) -> np.ndarray:
    return np.asarray(X.multiply(X).sum(axis=1)).ravel()


def _exact_squares(
    X: sparse.csr_array, Q: sparse.csr_array, candidates: np.ndarray
) -> np.ndarray:
    exact = np.empty(candidates.shape)
    for place in range(candidates.shape[1]):
        exact[:, place] = _square_norms(Q - X[candidates[:, place]])
    return exact
