"""Rows that repeat training rows, found without distances."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of

# Odd numbers from a fixed stream: keys are the same in every process.
_SEED = 20_140_318


def equal_rows(X: Any, X_fit: Any) -> Any:
    """Find for each row a training row with the same entries.

    Rows are compared by a key made of their entries first, then entry by entry. That
    takes O(p) for a row, where a search for neighbors takes O(n p).

    Parameters
    ----------
    X : array of shape (n_queries, p)
        Rows, float32 or float64.
    X_fit : array of shape (n, p)
        Training rows, of the same library and dtype.

    Returns
    -------
    matches : int64 array of shape (n_queries,)
        The first training row that is the same; -1 where there is none.
    """
    xp = namespace_of(X, X_fit)
    keys, fitted = _keys(X), _keys(X_fit)
    order = xp.argsort(fitted, stable=True)
    fitted = xp.take(fitted, order)
    place = xp.searchsorted(fitted, keys)
    matches = xp.full(X.shape[0], -1, dtype=xp.int64, device=device(X))
    # Different rows may share a key, by rounding; few do.
    while True:
        inside = place < X_fit.shape[0]
        at = xp.where(inside, place, xp.zeros_like(place))
        alike = inside & (matches < 0) & (xp.take(fitted, at) == keys)
        (rows,) = xp.nonzero(alike)
        if rows.shape[0] == 0:
            return matches
        candidates = xp.take(order, at)
        training = xp.take(X_fit, xp.take(candidates, rows), axis=0)
        same = xp.all(xp.take(X, rows, axis=0) == training, axis=1)
        # Back to the places of these rows: their numbers count up along the mask.
        number = xp.clip(xp.cumulative_sum(xp.astype(alike, xp.int64)) - 1, min=0)
        found = alike & xp.take(same, number)
        matches = xp.where(found, xp.astype(candidates, xp.int64), matches)
        place = place + 1


def _keys(X: Any) -> Any:
    """Sum entries times odd numbers: of NumPy their bits, modulo 2^64."""
    rng = np.random.default_rng(_SEED)
    if isinstance(X, np.ndarray):
        # Halves of float64: low bits are often all zero, and products lose high ones.
        bits = np.ascontiguousarray(X).view(np.uint32)
        factors = rng.integers(1 << 63, size=bits.shape[1], dtype=np.uint64)
        factors = 2 * factors + 1
        return np.einsum("ij,j->i", bits, factors, dtype=np.uint64, casting="safe")
    xp = namespace_of(X)
    factors = asarray_like(rng.uniform(1, 2, size=X.shape[1]), X)
    # Halves are added to halves: equal rows get equal bits, as products need not.
    width = X.shape[1] // 2
    total = X * factors
    while total.shape[1] > 1:
        width = total.shape[1] // 2
        rest = total[:, 2 * width :]
        total = total[:, :width] + total[:, width : 2 * width]
        total = xp.concat([total, rest], axis=1)
    return total[:, 0]
