"""Rows that repeat training rows, found without distances."""

import numpy as np

# Odd numbers from a fixed stream: keys are the same in every process.
_SEED = 20_140_318


def equal_rows(X: np.ndarray, X_fit: np.ndarray) -> np.ndarray:
    """Find for each row a training row with the same entries.

    Rows are compared by a hash of their bits first, then entry by entry. That takes
    O(p) for a row, where a search for neighbors takes O(n p).

    Parameters
    ----------
    X : ndarray of shape (n_queries, p)
        Rows, float32 or float64.
    X_fit : ndarray of shape (n, p)
        Training rows.

    Returns
    -------
    matches : int64 ndarray of shape (n_queries,)
        The first training row that is the same; -1 where there is none.
    """
    X = np.asarray(X, dtype=X_fit.dtype, order="C")
    keys, fitted = _keys(X), _keys(np.ascontiguousarray(X_fit))
    order = np.argsort(fitted, kind="stable")
    place = np.searchsorted(fitted[order], keys)
    candidates = order[np.minimum(place, len(order) - 1)]
    (rows,) = np.nonzero(fitted[candidates] == keys)
    same = np.all(X[rows] == X_fit[candidates[rows]], axis=1)
    matches = np.full(len(X), -1, dtype=np.int64)
    matches[rows[same]] = candidates[rows[same]]
    return matches


def _keys(X: np.ndarray) -> np.ndarray:
    """Sum the bits of entries, times odd numbers, modulo 2^64."""
    # Halves of float64: low bits are often all zero, and products lose high ones.
    bits = X.view(np.uint32)
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(1 << 63, size=bits.shape[1], dtype=np.uint64)
    factors = 2 * factors + 1
    return np.einsum("ij,j->i", bits, factors, dtype=np.uint64, casting="safe")
