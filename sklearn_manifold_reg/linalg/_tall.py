"""Products of tall blocks: what subspace methods do beside applying the operator.

NumPy blocks are cut into ranges of rows that threads of our own multiply, one BLAS
thread each: BLAS's own threads keep spinning after a product and slow down what
follows. Sums over ranges are added in a fixed order, so bits do not depend on threads.
"""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.utils._numba import run_rows

# Rows of a range: of 16 columns it fits a core's second-level cache.
_ROWS = 8192


def inner_products(V: Any, B: Any, *, n_jobs: int | None = None) -> np.ndarray:
    """Multiply the adjoint of a block with a block.

    Parameters
    ----------
    V : array of shape (n, m)
        Left factor.
    B : array of shape (n, r)
        Right factor.
    n_jobs : int or None, default=None
        Threads, for NumPy only. The value does not depend on it.

    Returns
    -------
    products : ndarray of shape (m, r)
        On the host, in float64 or complex128.
    """
    if not isinstance(B, np.ndarray):
        host = to_numpy(adjoint(V) @ B)
        return host.astype(np.result_type(host.dtype, np.float64), copy=False)
    wide = np.result_type(B.dtype, np.float64)
    n_ranges = max(1, -(-B.shape[0] // _ROWS))
    sums = np.zeros((n_ranges, V.shape[1], B.shape[1]), np.result_type(V, B))

    def multiply(start: int, stop: int) -> None:
        for number in range(start, stop):
            rows = slice(number * _ROWS, (number + 1) * _ROWS)
            np.matmul(adjoint(V[rows]), B[rows], out=sums[number])

    _run(multiply, n_ranges, n_jobs)
    return sums.sum(axis=0, dtype=wide)


def combine(
    V: Any,
    coefficients: np.ndarray,
    *,
    out: Any = None,
    subtract_from: Any = None,
    n_jobs: int | None = None,
) -> Any:
    """Combine the columns of a block: `V @ coefficients`.

    Parameters
    ----------
    V : array of shape (n, m)
        Block.
    coefficients : ndarray of shape (m, r)
        On the host.
    out : ndarray of shape (n, r), default=None
        Where to write, for NumPy only; shares no memory with `V`.
    subtract_from : array of shape (n, r), default=None
        Block from which the combination is taken; a NumPy array is overwritten.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    combination : array of shape (n, r)
        In the dtype of `V`, or of what it is written into.
    """
    if not isinstance(V, np.ndarray):
        total = V @ asarray_like(coefficients, V)
        return total if subtract_from is None else subtract_from - total
    C = np.ascontiguousarray(coefficients, dtype=V.dtype)
    target = out
    if subtract_from is not None:
        target = subtract_from
    elif out is None:
        target = np.empty((V.shape[0], C.shape[1]), dtype=V.dtype)
    n_ranges = max(1, -(-V.shape[0] // _ROWS))

    def multiply(start: int, stop: int) -> None:
        for number in range(start, stop):
            rows = slice(number * _ROWS, (number + 1) * _ROWS)
            if subtract_from is None:
                target[rows] = V[rows] @ C
            else:
                target[rows] -= V[rows] @ C

    _run(multiply, n_ranges, n_jobs)
    return target


def orthonormalize(
    B: Any, *, least: float, n_jobs: int | None = None
) -> tuple[Any, float, np.ndarray]:
    """Make a block more orthonormal, by the eigenvectors of its Gram matrix.

    Parameters
    ----------
    B : array of shape (n, r)
        Block.
    least : float
        Shares below this count as this: what they belong to is raised by the next
        call. Rounding makes smaller ones meaningless.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    Q : array of shape (n, r)
        Of the same span, orthonormal up to rounding over the returned share.
    share : float
        Smallest eigenvalue of the Gram matrix of the columns scaled to norm one, over
        the largest.
    empty : ndarray of bool, shape (r,)
        Columns of Q that are zero.

    References
    ----------
    A. Stathopoulos, K. Wu, "A block orthogonalization procedure with constant
    synchronization requirements", SIAM Journal on Scientific Computing 23, 2002,
    doi:10.1137/S1064827500370883.
    """
    G = inner_products(B, B, n_jobs=n_jobs)
    squares = np.maximum(np.diag(G).real, 0)
    scale = np.where(squares > 0, 1 / np.sqrt(np.where(squares > 0, squares, 1)), 0)
    G = scale[:, None] * G * scale
    values, C = np.linalg.eigh((G + G.conj().T) / 2)
    raised = np.maximum(values, least * values[-1])
    empty = raised <= 0 if values[-1] <= 0 else values <= 1e-3 * least * values[-1]
    C = scale[:, None] * C / np.sqrt(np.where(raised > 0, raised, 1))
    share = float(values[0] / values[-1]) if values[-1] > 0 else 0.0
    return combine(B, C, n_jobs=n_jobs), share, empty


def _run(function: Any, n_ranges: int, n_jobs: int | None) -> None:
    ranges = [(number, number + 1) for number in range(n_ranges)]
    run_rows(function, n_ranges, n_jobs=n_jobs, ranges=ranges)


def adjoint(V: Any) -> Any:
    """Transpose a block and conjugate it, if it is complex.

    Parameters
    ----------
    V : array of shape (n, m)
        Block.

    Returns
    -------
    adjoint : array of shape (m, n)
        A view where the block is real.
    """
    xp = namespace_of(V)
    return xp.conj(V).T if xp.isdtype(V.dtype, "complex floating") else V.T
