"""Exact neighbors by the standard functions of an array library."""

from typing import Any

from sklearn_manifold_reg._arrays._namespace import device, namespace_of
from sklearn_manifold_reg._arrays._topk import smallest_k

# Entries of one block of squared distances.
_BLOCK_ENTRIES = 16_000_000
# Candidates beyond the neighbors, which absorb rounding near the last one.
_N_SPARE = 6


def device_neighbors(
    X: Any, Q: Any, n_neighbors: int, *, cosine: bool, own: bool
) -> tuple[Any, Any]:
    """Find the nearest rows of X for each row of Q on their device.

    Parameters
    ----------
    X : array of shape (n, d), floating
        Rows to search.
    Q : array of shape (m, d), dtype and device of X
        Queries.
    n_neighbors : int
        Neighbors of each query.
    cosine : bool
        Compare directions; a row of zeros is orthogonal to all others.
    own : bool
        Whether Q is X, in which case each row leaves itself out.

    Returns
    -------
    indices : array of shape (m, n_neighbors), int32
        Nearest first.
    squares : array of shape (m, n_neighbors)
        Squared distances, by differences in the dtype of X.
    """
    xp = namespace_of(X, Q)
    center = xp.mean(X, axis=0, keepdims=True)
    Z, Y = _rows(X, center, cosine, xp), _rows(Q, center, cosine, xp)
    norms = xp.sum(Z * Z, axis=1)
    m = Y.shape[0]
    step = max(1, _BLOCK_ENTRIES // Z.shape[0])
    found = [
        _block(Z, Y[a:b, :], norms, n_neighbors, a if own else None, xp)
        for a, b in ((a, min(m, a + step)) for a in range(0, m, step))
    ]
    indices = xp.concat([indices for indices, _ in found], axis=0)
    squares = xp.concat([squares for _, squares in found], axis=0)
    return xp.astype(indices, xp.int32), squares


def _rows(X: Any, center: Any, cosine: bool, xp: Any) -> Any:
    if not cosine:
        return X - center
    norms = xp.sqrt(xp.sum(X * X, axis=1, keepdims=True))
    zero = norms == 0
    unit = X / xp.where(zero, xp.ones_like(norms), norms)
    return xp.concat([unit, xp.astype(zero, X.dtype)], axis=1)


def _block(
    Z: Any, Y: Any, norms: Any, n_neighbors: int, first_row: int | None, xp: Any
) -> tuple[Any, Any]:
    n, m = Z.shape[0], Y.shape[0]
    D = norms[None, :] - 2 * (Y @ xp.matrix_transpose(Z))
    n_candidates = min(n, n_neighbors + _N_SPARE)
    if first_row is not None:
        n_candidates = min(n - 1, n_candidates)
        columns = xp.arange(n, device=device(Z))[None, :]
        rows = xp.arange(first_row, first_row + m, device=device(Z))[:, None]
        never = xp.full((1, 1), xp.inf, dtype=D.dtype, device=device(Z))
        D = xp.where(columns == rows, never, D)
    candidates = xp.sort(smallest_k(D, n_candidates)[1], axis=1)
    near = xp.take(Z, xp.reshape(candidates, (-1,)), axis=0)
    gaps = xp.reshape(near, (m, n_candidates, Z.shape[1])) - Y[:, None, :]
    squares, order = smallest_k(xp.sum(gaps * gaps, axis=2), n_neighbors)
    return xp.take_along_axis(candidates, order, axis=1), squares
