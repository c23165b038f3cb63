"""From each row's neighbors to a symmetric sparse affinity."""

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

SYMMETRIZATIONS = ("mean", "max", "mutual", "union")

_SERIAL_SIZE = 50_000


def symmetric_affinity(
    indices: Any,
    weights: Any,
    symmetrize: str = "mean",
    *,
    n_jobs: int | None = None,
) -> Any:
    """Join the edges i → j and j → i into one.

    Parameters
    ----------
    indices : integer array of shape (n, k)
        Neighbors of each row, without the row itself and without repetition.
    weights : array of shape (n, k)
        Weights of the edges to them.
    symmetrize : {"mean", "max", "mutual", "union"}, default="mean"
        With a and b the weights of both directions, 0 where there is no edge:
        (a + b) / 2, max(a, b), min(a, b) or a + b - a b.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    affinity : csr_array or CSR of shape (n, n)
        Symmetric to the bit, sorted, with int32 indices on the host. Zero weights
        are left out. A CSR for arrays of other libraries.

    Notes
    -----
    Takes O(n k) time and memory on the host, O(n k log(n k)) elsewhere.
    """
    if not isinstance(weights, np.ndarray):
        return _sorted_on_device(indices, weights, symmetrize)
    if not use_compiled():
        return _reference(indices, weights, symmetrize)
    from sklearn_manifold_reg.graph._symmetrize_numba import (
        count_incoming,
        count_merged,
        merge_rows,
        scatter_incoming,
        sort_rows,
    )

    n, k = indices.shape
    mode = SYMMETRIZATIONS.index(symmetrize)
    threads = 1 if indices.size < _SERIAL_SIZE else n_threads(n_jobs)
    indices = np.array(indices, dtype=np.int32, order="C")
    weights = np.array(weights, order="C")
    run_rows(sort_rows, n, indices, weights, n_jobs=threads)

    # Transposition by counting: sources arrive in ascending order.
    starts = np.zeros(n + 1, dtype=np.int64)
    run_rows(count_incoming, n, indices, starts, n_jobs=threads)
    np.cumsum(starts, out=starts)
    sources = np.empty(n * k, dtype=np.int32)
    incoming = np.empty(n * k, dtype=weights.dtype)
    places = starts[:-1].copy()
    run_rows(
        scatter_incoming, n, indices, weights, places, sources, incoming,
        n_jobs=threads,
    )  # fmt: skip

    given = (indices, weights, starts, sources, incoming, mode)
    indptr = np.zeros(n + 1, dtype=np.int64)
    run_rows(count_merged, n, *given, indptr[1:], n_jobs=threads)
    np.cumsum(indptr, out=indptr)
    nnz = int(indptr[-1])
    kind = np.int32 if nnz < np.iinfo(np.int32).max else np.int64
    columns = np.empty(nnz, dtype=kind)
    data = np.empty(nnz, dtype=weights.dtype)
    run_rows(merge_rows, n, *given, indptr, columns, data, n_jobs=threads)
    parts = (data, columns, indptr.astype(kind, copy=False))
    affinity = sparse.csr_array(parts, shape=(n, n))
    # Known, and a pass over all entries to find out.
    affinity.has_canonical_format = True
    return affinity


def neighbor_csr(indices: Any, weights: Any, n_columns: int) -> Any:
    """Put the neighbors of new rows into a sparse matrix.

    Parameters
    ----------
    indices : integer array of shape (m, k)
        Neighbors, without repetition.
    weights : array of shape (m, k)
        Their weights.
    n_columns : int
        Number of training rows.

    Returns
    -------
    affinity : csr_array or CSR of shape (m, n_columns)
        Sorted within rows.
    """
    xp = namespace_of(weights)
    m, k = indices.shape
    order = xp.argsort(indices, axis=1)
    columns = xp.reshape(xp.take_along_axis(indices, order, axis=1), (-1,))
    data = xp.reshape(xp.take_along_axis(weights, order, axis=1), (-1,))
    indptr = xp.arange(m + 1, dtype=columns.dtype, device=device(columns)) * k
    if isinstance(data, np.ndarray):
        kind = np.int32 if m * k < np.iinfo(np.int32).max else np.int64
        indptr = np.arange(m + 1, dtype=kind) * k
        columns = columns.astype(kind, copy=False)
        return sparse.csr_array((data, columns, indptr), shape=(m, n_columns))
    return CSR(indptr, columns, data, (m, n_columns))


def combine(a: Any, b: Any, symmetrize: str, xp: Any) -> Any:
    """Weight of an undirected edge from those of its two directions.

    Parameters
    ----------
    a, b : array
        Weights, 0 for no edge.
    symmetrize : str
        See `symmetric_affinity`.
    xp : module
        Namespace of the arrays.

    Returns
    -------
    weights : array
        Of the shape of a and b.
    """
    if symmetrize == "mean":
        return (a + b) / 2
    if symmetrize == "union":
        return a + b - a * b
    return xp.minimum(a, b) if symmetrize == "mutual" else xp.maximum(a, b)


def _edge_keys(indices: Any, xp: Any) -> tuple[Any, Any]:
    """Numbers i n + j of the given edges, and of the same edges turned round."""
    n, k = indices.shape
    places = {"device": device(indices)}
    rows = xp.repeat(xp.arange(n, dtype=xp.int64, **places), k)
    columns = xp.astype(xp.reshape(indices, (-1,)), xp.int64)
    return rows * n + columns, columns * n + rows


def _sorted_on_device(indices: Any, weights: Any, symmetrize: str) -> CSR:
    """Sort both directions of all edges; what meets is combined."""
    xp = namespace_of(weights)
    n = indices.shape[0]
    forward, backward = _edge_keys(indices, xp)
    keys = xp.concat([forward, backward])
    values = xp.reshape(weights, (-1,))
    zeros = xp.zeros_like(values)
    # Weights as seen from the row and as seen from the column.
    own, other = xp.concat([values, zeros]), xp.concat([zeros, values])
    order = xp.argsort(keys, stable=True)
    keys = xp.take(keys, order)
    own, other = xp.take(own, order), xp.take(other, order)
    new = xp.concat([xp.ones_like(keys[:1]) > 0, keys[1:] != keys[:-1]])
    twin = xp.concat([~new[1:], xp.zeros_like(new[:1])])
    (next_place,) = (xp.concat([other[1:], other[:1]]),)
    other = xp.where(twin, next_place, other)
    data = combine(own, other, symmetrize, xp)
    (kept,) = xp.nonzero(new & (data > 0))
    keys, data = xp.take(keys, kept), xp.take(data, kept)
    bounds = xp.arange(n + 1, dtype=xp.int64, device=device(keys)) * n
    indptr = xp.astype(xp.searchsorted(keys, bounds), xp.int32)
    return CSR(indptr, xp.astype(keys % n, xp.int32), data, (n, n))


def _reference(
    indices: np.ndarray, weights: np.ndarray, symmetrize: str
) -> sparse.csr_array:
    csr = _sorted_on_device(np.asarray(indices), weights, symmetrize)
    parts = (csr.data, csr.indices, csr.indptr)
    return sparse.csr_array(parts, shape=csr.shape)
