"""Column-wise operations on blocks of vectors, as iterative solvers need them.

NumPy blocks are updated in place by compiled code that reads each block once; blocks
of other libraries by standard functions that return new ones. Callers go on with what
is returned. A factor per column, shape (n_columns,), is a host array in float64.
"""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays._namespace import asarray_like, device, namespace_of
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Elements in a tile, rounded to whole rows: some blocks of it fit the first cache.
_TILE = 512
# Elements below which a second thread costs more than it saves.
_SERIAL_SIZE = 200_000


def column_dots(A: Any, B: Any, *, n_jobs: int | None = None) -> np.ndarray:
    """Compute inner products of matching columns, accumulated in float64.

    Parameters
    ----------
    A, B : array of shape (n, n_columns)
        Blocks of one library and dtype. Of complex ones the real parts of the
        products are given.
    n_jobs : int or None, default=None
        Threads, for NumPy only. The value does not depend on it.

    Returns
    -------
    dots : ndarray of shape (n_columns,)
        On the host, in float64.
    """
    if not isinstance(A, np.ndarray):
        xp = namespace_of(A, B)
        if xp.isdtype(A.dtype, "complex floating"):
            real = column_dots(xp.real(A), xp.real(B))
            return real + column_dots(xp.imag(A), xp.imag(B))
        wide = _widest(xp, A)
        dots = xp.sum(xp.astype(A, wide) * xp.astype(B, wide), axis=0)
        return np.asarray([float(value) for value in dots])
    if np.iscomplexobj(A):
        # Real and imaginary parts are columns side by side.
        pairs = column_dots(_as_real(A), _as_real(B), n_jobs=n_jobs)
        return pairs.reshape(-1, 2).sum(axis=1)
    if not _compiled(A, B):
        return np.einsum("ij,ij->j", A, B, dtype=np.float64)
    from sklearn_manifold_reg._arrays._block_numba import block_dots

    sums = _chunk_sums(A)
    _run(block_dots, A.size, n_jobs, sums, A.reshape(-1), B.reshape(-1), sums)
    return _fold(sums, A.shape[1])


def column_norms(A: Any, *, n_jobs: int | None = None) -> np.ndarray:
    """Compute Euclidean norms of the columns, accumulated in float64.

    Parameters
    ----------
    A : array of shape (n, n_columns)
        Real or complex block.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    norms : ndarray of shape (n_columns,)
        On the host, in float64.
    """
    return np.sqrt(column_dots(A, A, n_jobs=n_jobs))


def descend(
    step: np.ndarray, P: Any, Q: Any, X: Any, R: Any, *, n_jobs: int | None = None
) -> tuple[Any, Any, np.ndarray]:
    """Go `step` along P: `X + step P`, `R - step Q`, and the squared norms of R.

    Parameters
    ----------
    step : ndarray of shape (n_columns,)
        Step of each column.
    P, Q : array of shape (n, n_columns)
        Directions and their images.
    X, R : array of shape (n, n_columns)
        Iterates and residuals; NumPy arrays are overwritten.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    X, R : array of shape (n, n_columns)
        The updated blocks.
    squares : ndarray of shape (n_columns,)
        Squared norms of the columns of R, in float64.
    """
    if not _compiled(P, Q, X, R):
        alpha = asarray_like(step, X)
        X = _assign(X, X + alpha * P)
        R = _assign(R, R - alpha * Q)
        return X, R, column_dots(R, R)
    from sklearn_manifold_reg._arrays._block_numba import block_descend

    sums = _chunk_sums(X)
    blocks = (block.reshape(-1) for block in (P, Q, X, R))
    factors = _tiled(step, X)
    _run(block_descend, X.size, n_jobs, sums, *blocks, factors, sums)
    return X, R, _fold(sums, X.shape[1])


def subtract(
    step: np.ndarray, Q: Any, R: Any, *, n_jobs: int | None = None
) -> tuple[Any, np.ndarray]:
    """Take a part of Q from R: `R - step Q`, and the squared norms of the result.

    Parameters
    ----------
    step : ndarray of shape (n_columns,)
        Real factor of each column.
    Q, R : array of shape (n, n_columns)
        Real or complex blocks; a NumPy array R is overwritten.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    R : array of shape (n, n_columns)
        The updated block.
    squares : ndarray of shape (n_columns,)
        Squared norms of its columns, in float64.
    """
    if isinstance(R, np.ndarray) and np.iscomplexobj(R) and _contiguous(Q, R):
        pairs = subtract(np.repeat(step, 2), _as_real(Q), _as_real(R), n_jobs=n_jobs)
        return R, pairs[1].reshape(-1, 2).sum(axis=1)
    if not _compiled(Q, R):
        factor = namespace_of(R).astype(asarray_like(step, R), R.dtype)
        R = _assign(R, R - factor * Q)
        return R, column_dots(R, R)
    from sklearn_manifold_reg._arrays._block_numba import block_subtract

    sums = _chunk_sums(R)
    arrays = (Q.reshape(-1), R.reshape(-1), _tiled(step, R), sums)
    _run(block_subtract, R.size, n_jobs, sums, *arrays)
    return R, _fold(sums, R.shape[1])


def turn(Z: Any, step: np.ndarray, P: Any, *, n_jobs: int | None = None) -> Any:
    """Turn directions: `Z + step P`.

    Parameters
    ----------
    Z : array of shape (n, n_columns)
        Preconditioned residuals.
    step : ndarray of shape (n_columns,)
        Weight of the old direction.
    P : array of shape (n, n_columns)
        Old directions; a NumPy array is overwritten.
    n_jobs : int or None, default=None
        Threads, for NumPy only.

    Returns
    -------
    P : array of shape (n, n_columns)
        New directions.
    """
    if not _compiled(Z, P):
        return _assign(P, Z + asarray_like(step, P) * P)
    from sklearn_manifold_reg._arrays._block_numba import block_turn

    tile = _tile(P)
    n_tiles = -(-P.size // tile)
    threads = 1 if P.size < _SERIAL_SIZE else n_threads(n_jobs)
    arrays = (Z.reshape(-1), _tiled(step, P), P.reshape(-1))
    run_rows(block_turn, n_tiles, *arrays, tile, n_jobs=threads)
    return P


def _compiled(*blocks: Any) -> bool:
    first = blocks[0]
    return (
        isinstance(first, np.ndarray)
        and first.size > 0
        and first.dtype.char in "fd"
        and all(b.dtype == first.dtype and b.flags.c_contiguous for b in blocks)
        and all(b.flags.writeable for b in blocks)
        and use_compiled()
    )


def _contiguous(*blocks: np.ndarray) -> bool:
    return all(b.flags.c_contiguous and b.dtype == blocks[0].dtype for b in blocks)


def _as_real(block: np.ndarray) -> np.ndarray:
    """View of complex columns as pairs of real ones."""
    block = np.ascontiguousarray(block)
    return block.view(block.real.dtype)


def _assign(target: Any, value: Any) -> Any:
    if isinstance(target, np.ndarray):
        target[...] = value
        return target
    return value


def _widest(xp: Any, array: Any) -> Any:
    info = xp.__array_namespace_info__()
    known = info.dtypes(device=device(array), kind="real floating")
    return known.get("float64", array.dtype)


def _tile(block: np.ndarray) -> int:
    n_columns = block.shape[1]
    return n_columns * max(1, -(-_TILE // n_columns))


def _tiled(step: np.ndarray, block: np.ndarray) -> np.ndarray:
    repeats = _tile(block) // block.shape[1]
    return np.tile(np.asarray(step, dtype=block.dtype), repeats)


def _chunk_sums(block: np.ndarray) -> np.ndarray:
    from sklearn_manifold_reg._arrays._block_numba import TILES_PER_CHUNK

    tile = _tile(block)
    n_chunks = -(-block.size // (tile * TILES_PER_CHUNK))
    return np.zeros((n_chunks, tile))


def _fold(sums: np.ndarray, n_columns: int) -> np.ndarray:
    return sums.reshape(-1, n_columns).sum(axis=0)


def _run(
    function: Any, size: int, n_jobs: int | None, sums: np.ndarray, *args: Any
) -> None:
    threads = 1 if size < _SERIAL_SIZE else n_threads(n_jobs)
    run_rows(function, len(sums), *args, n_jobs=threads)
