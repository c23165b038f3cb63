"""Functions of symmetric graph matrices, as dense arrays with accurate entries."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import linalg

from sklearn_manifold_reg._arrays import CSR, device, namespace_of, to_numpy

# Rows or columns of tiles in which a triangle is copied to the other one.
_TILE = 128
# Columns whose factor is below this share of the largest add less than rounding does.
_NEGLIGIBLE = 2.0**-60


@dataclass(frozen=True, eq=False)
class Decomposition:
    """Eigenvalues and eigenvectors of a symmetric matrix.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Ascending, on the host.
    vectors : array of shape (n, n)
        Orthonormal columns.
    """

    values: np.ndarray
    vectors: Any


def to_dense(csr: CSR, out: np.ndarray | None = None) -> Any:
    """Write a sparse matrix as a dense array.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Matrix.
    out : ndarray of shape (n, n), default=None
        Where to write, for NumPy only.

    Returns
    -------
    dense : array of shape (n, n)
        In the library and dtype of the matrix.
    """
    if isinstance(csr.data, np.ndarray):
        return csr.to_scipy().toarray(out=out)
    xp = namespace_of(csr.data)
    return csr.dense_block(xp.arange(csr.shape[0], device=device(csr.data)))


def diagonal_minus(
    diagonal: Any, csr: CSR, factor: float, out: np.ndarray | None = None
) -> Any:
    """Write `diag(diagonal) - factor * csr` as a dense array.

    Parameters
    ----------
    diagonal : array of shape (n,)
        Diagonal part.
    csr : CSR of shape (n, n)
        Matrix.
    factor : float
        Its factor.
    out : ndarray of shape (n, n), default=None
        Where to write, for NumPy only.

    Returns
    -------
    dense : array of shape (n, n)
        The difference.
    """
    dense = to_dense(csr.with_data(csr.data * -factor), out)
    if isinstance(dense, np.ndarray):
        dense.reshape(-1)[:: len(dense) + 1] += diagonal
        return dense
    xp = namespace_of(dense)
    own = xp.eye(dense.shape[0], dtype=dense.dtype, device=device(dense))
    return dense + own * diagonal[:, None]


def decompose(matrix: Any) -> Decomposition:
    """Compute all eigenpairs of a symmetric dense matrix, overwriting it.

    Parameters
    ----------
    matrix : array of shape (n, n)
        Symmetric.

    Returns
    -------
    decomposition : Decomposition
        On the host by divide and conquer.
    """
    if isinstance(matrix, np.ndarray):
        values, vectors = linalg.eigh(
            matrix.T, driver="evd", overwrite_a=True, check_finite=False
        )
        return Decomposition(values, vectors)
    values, vectors = namespace_of(matrix).linalg.eigh(matrix)
    return Decomposition(to_numpy(values), vectors)


def spectral_product(
    decomposition: Decomposition, factors: np.ndarray, out: np.ndarray | None = None
) -> Any:
    """Compute `V diag(factors) V'`.

    Parameters
    ----------
    decomposition : Decomposition
        With eigenvectors V.
    factors : ndarray of shape (n,)
        Factors; columns with negligible ones are left out.
    out : ndarray of shape (n, n), default=None
        Where to write, for NumPy only: C-contiguous.

    Returns
    -------
    product : array of shape (n, n)
        Exactly symmetric on the host, where one triangle is computed and copied: n³
        operations, half of those of a product.
    """
    V = decomposition.vectors
    if not isinstance(V, np.ndarray):
        xp = namespace_of(V)
        row = xp.asarray(factors, dtype=V.dtype, device=device(V))
        return (V * row) @ xp.matrix_transpose(V)
    n = len(V)
    K = np.empty((n, n)) if out is None else out
    least = _NEGLIGIBLE * np.abs(factors).max(initial=0.0)
    started = False
    for sign in (1.0, -1.0):
        (kept,) = np.nonzero(sign * factors > least)
        if len(kept) == 0:
            continue
        # Factors of one sign are mostly those of neighboring eigenvalues.
        run = slice(kept[0], kept[-1] + 1)
        columns = run if len(kept) == kept[-1] + 1 - kept[0] else kept
        scaled = np.asfortranarray(V[:, columns] * np.sqrt(np.abs(factors[columns])))
        _add_gram(K, scaled, sign, overwrite=not started)
        started = True
    if not started:
        K[:] = 0
    return mirror(K)


def symmetric_square(X: Any, out: np.ndarray | None = None) -> Any:
    """Multiply a symmetric dense matrix by itself.

    Parameters
    ----------
    X : array of shape (n, n)
        Symmetric.
    out : ndarray of shape (n, n), default=None
        Where to write, for NumPy only: C-contiguous, not X.

    Returns
    -------
    square : array of shape (n, n)
        X @ X; one triangle is computed, in n³ operations, on the host.
    """
    if not isinstance(X, np.ndarray):
        return X @ X
    K = np.empty_like(X) if out is None else out
    _add_gram(K, X.T, 1.0, overwrite=True)
    return mirror(K)


def positive_inverse(M: Any) -> Any:
    """Invert a symmetric positive definite dense matrix, overwriting it.

    Of a matrix without positive entries beside the diagonal, off-diagonal entries come
    from sums of numbers of one sign: each is accurate relative to itself, however
    small.

    Parameters
    ----------
    M : array of shape (n, n)
        Matrix; C-contiguous on the host.

    Returns
    -------
    inverse : array of shape (n, n)
        By a Cholesky factorization, n³ operations, on the host; exactly symmetric.

    Raises
    ------
    ValueError
        If the matrix is not positive definite to working accuracy.
    """
    if not isinstance(M, np.ndarray):
        return namespace_of(M).linalg.inv(M)
    factor, info = linalg.lapack.dpotrf(M.T, lower=1, overwrite_a=1, clean=0)
    if info == 0:
        inverse, info = linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    if info != 0:
        raise ValueError(
            "The matrix of the kernel is singular to working accuracy; choose a "
            "parameter farther from the end of its range, or a graph whose weights "
            "differ less."
        )
    return mirror(inverse.T)


def _add_gram(K: np.ndarray, B: np.ndarray, factor: float, *, overwrite: bool) -> None:
    """Add `factor * B @ B.T` to the upper triangle of K, or overwrite it."""
    linalg.blas.dsyrk(
        factor,
        B,
        beta=0.0 if overwrite else 1.0,
        c=K.T,
        lower=1,
        overwrite_c=1,
    )


def mirror(K: np.ndarray) -> np.ndarray:
    """Copy the upper triangle to the lower one, in place.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Matrix.

    Returns
    -------
    K : ndarray of shape (n, n)
        The same array, symmetric.
    """
    n = len(K)
    for start in range(0, n, _TILE):
        rows = slice(start, min(start + _TILE, n))
        K[rows, :start] = K[:start, rows].T
        own = K[rows, rows]
        np.copyto(own, own.T, where=_below_diagonal(len(own)))
    return K


@lru_cache(maxsize=4)
def _below_diagonal(n: int) -> np.ndarray:
    return np.tri(n, k=-1, dtype=bool)


def double_centered(K: Any) -> Any:
    """Compute `H K H`, H = I - 11'/n, in place on the host.

    Parameters
    ----------
    K : array of shape (n, n)
        Matrix.

    Returns
    -------
    centered : array of shape (n, n)
        With rows and columns that sum to zero.
    """
    xp = namespace_of(K)
    rows, columns = xp.mean(K, axis=1), xp.mean(K, axis=0)
    columns = columns - xp.mean(rows)
    if not isinstance(K, np.ndarray):
        return K - rows[:, None] - columns[None, :]
    K -= rows[:, None]
    K -= columns[None, :]
    return K
