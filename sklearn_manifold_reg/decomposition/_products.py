"""Products of tall arrays with few columns, which take most of the time of a sweep."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Columns up to which a compiled loop is faster than BLAS, which first copies the tall
# array to another layout, and whose threads go on spinning after each product.
_FEW = 8
# Entries of rows at a time: 2 MB, which stays in the cache.
_BLOCK = 1 << 18
# Rows of a partial sum: sums are added in a fixed order, whatever the threads.
_ROWS = 1024
# Multiplications below which a second thread costs more than it saves.
_SERIAL_WORK = 400_000


def row_scores(X: Any, H: Any, *, n_jobs: int | None = None) -> Any:
    """Multiply rows with few others: X H'.

    Parameters
    ----------
    X : array of shape (n, p)
        Rows.
    H : array of shape (K, p)
        Few rows.
    n_jobs : int or None, default=None
        Threads, for few columns of NumPy only. The value does not depend on it.

    Returns
    -------
    products : array of shape (n, K)
        In the dtype of X.
    """
    if not _is_for_kernel(X, H.shape[0]):
        return X @ H.T
    from sklearn_manifold_reg.decomposition._products_numba import score_rows

    out = np.empty((X.shape[0], H.shape[0]), dtype=X.dtype)
    H = np.require(H, dtype=X.dtype, requirements=["C", "A", "W"])
    threads = n_threads(n_jobs) if X.size * H.shape[0] > _SERIAL_WORK else 1
    run_rows(score_rows, X.shape[0], X, H, out, n_jobs=threads)
    return out


def weighted_sums(W: Any, X: Any, *, n_jobs: int | None = None) -> Any:
    """Sum rows with few weights each: W' X.

    Parameters
    ----------
    W : array of shape (n, K)
        Weights.
    X : array of shape (n, p)
        Rows.
    n_jobs : int or None, default=None
        Threads, for few columns of NumPy only. The value does not depend on it.

    Returns
    -------
    sums : array of shape (K, p)
        In the dtype of X.
    """
    n_columns = W.shape[1]
    if not _is_for_kernel(X, n_columns):
        # In this order BLAS takes 0.6 of the time that W' X takes.
        return (X.T @ W).T
    from sklearn_manifold_reg.decomposition._products_numba import sum_rows

    n_parts = -(-X.shape[0] // _ROWS)
    parts = np.zeros((n_parts, n_columns, X.shape[1]), dtype=X.dtype)
    W = np.require(W, dtype=X.dtype, requirements=["C", "A", "W"])
    threads = n_threads(n_jobs) if X.size * n_columns > _SERIAL_WORK else 1
    ranges = [(part, part + 1) for part in range(n_parts)]
    run_rows(sum_rows, n_parts, W, X, _ROWS, parts, n_jobs=threads, ranges=ranges)
    return parts.sum(axis=0, dtype=np.float64).astype(X.dtype, copy=False)


def row_products(A: Any, B: Any) -> Any:
    """Sum products of entries in each row, without arrays of the size of `A`.

    Parameters
    ----------
    A, B : arrays of shape (n, p)
        Real.

    Returns
    -------
    values : array of shape (n,)
        Inner products of rows.
    """
    xp = namespace_of(A)
    parts = (xp.sum(A[rows, :] * B[rows, :], axis=1) for rows in row_blocks(A))
    return xp.concat(list(parts))


def row_blocks(A: Any) -> Iterator[slice]:
    """Cut rows into blocks that stay in the cache.

    Parameters
    ----------
    A : array of shape (n, p)
        Any array.

    Yields
    ------
    rows : slice
        Consecutive rows.
    """
    n_rows, step = A.shape[0], max(1, _BLOCK // A.shape[1])
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def _is_for_kernel(X: Any, n_columns: int) -> bool:
    """Whether compiled code takes `X` as it is: copies cost more than it saves."""
    fits = isinstance(X, np.ndarray) and X.flags.carray and X.dtype.char in "fd"
    return fits and n_columns <= _FEW and use_compiled()
