"""Rows to clusters: the step that k-means and discretization share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import (
    asarray_like,
    device,
    is_numpy,
    namespace_of,
    one_hot,
)
from sklearn_manifold_reg.utils._numba import run_rows, use_compiled

# Rows whose sums are added up before those of others. Chunks do not depend on the
# number of threads, hence neither does the result.
_CHUNK = 2048
# Entries of the matrix of directions up to which the kernel, whose loops then stay in
# the first cache, beats a matrix product.
_KERNEL_SIZE = 1 << 11
# Scores below which a second thread costs more than it saves.
_SERIAL_SIZE = 200_000
# Scores held at once.
_BLOCK = 1 << 22
# Rows of the sample on which starts are compared, in all and for each cluster.
_SAMPLE = 5000
_SAMPLE_PER_CLUSTER = 250


@dataclass(frozen=True, eq=False)
class Assignment:
    """Rows assigned to clusters, and their sums.

    Attributes
    ----------
    labels : integer array of shape (n,)
        Cluster of each row, int32.
    sums : array of shape (n_clusters, n_components)
        Sum of the rows of each cluster; in float64 on the host.
    counts : array of shape (n_clusters,)
        Number of rows of each cluster, in the dtype of `sums`.
    total : float
        Sum over rows of the largest score.
    """

    labels: Any
    sums: Any
    counts: Any
    total: float


def assign_rows(
    Z: Any, directions: Any, offsets: Any, *, n_jobs: int | None = None
) -> Assignment:
    """Assign each row to the column of `Z @ directions + offsets` of largest score.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    directions : array of shape (n_components, n_clusters)
        In the library of Z.
    offsets : array of shape (n_clusters,)
        In the library of Z.
    n_jobs : int or None, default=None
        Threads, for NumPy only. The result does not depend on it.

    Returns
    -------
    assignment : Assignment
        The first of several equal columns wins.
    """
    small = directions.shape[0] * directions.shape[1] <= _KERNEL_SIZE
    if small and isinstance(Z, np.ndarray) and Z.dtype.char in "fd" and use_compiled():
        return _compiled_assignment(Z, directions, offsets, n_jobs)
    return _blocked_assignment(Z, directions, offsets)


def sample_rows(Z: Any, n_clusters: int, rng: np.random.RandomState) -> Any:
    """Draw rows on which several starts are compared.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    n_clusters : int
        Number of clusters sought.
    rng : RandomState
        Source of random numbers.

    Returns
    -------
    sample : array of shape (n_drawn, n_components)
        250 rows a cluster and no fewer than 5000, in their order; Z itself if it has
        less than twice as many.
    """
    size = max(_SAMPLE, _SAMPLE_PER_CLUSTER * n_clusters)
    if Z.shape[0] < 2 * size:
        return Z
    return take_rows(Z, np.sort(rng.choice(Z.shape[0], size, replace=False)))


def take_rows(Z: Any, rows: np.ndarray) -> Any:
    """Take rows whose numbers are on the host.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    rows : integer ndarray of shape (m,)
        Their numbers.

    Returns
    -------
    taken : array of shape (m, n_components)
        In the library of Z.
    """
    return namespace_of(Z).take(Z, asarray_like(rows, Z), axis=0)


def _compiled_assignment(
    Z: np.ndarray, directions: np.ndarray, offsets: np.ndarray, n_jobs: int | None
) -> Assignment:
    from sklearn_manifold_reg.cluster._assign_numba import assign_chunks

    n, m = Z.shape
    k = directions.shape[1]
    width = -(-k // 8) * 8
    padded = np.zeros((m, width), dtype=Z.dtype)
    padded[:, :k] = directions
    shifts = np.full(width, -np.inf, dtype=Z.dtype)
    shifts[:k] = offsets
    n_chunks = -(-n // _CHUNK)
    labels = np.empty(n, dtype=np.int32)
    sums = np.zeros((n_chunks, k, m))
    counts = np.zeros((n_chunks, k))
    totals = np.zeros(n_chunks)
    run_rows(
        assign_chunks,
        n_chunks,
        np.require(Z, requirements=["C", "A", "W"]),
        padded,
        shifts,
        _CHUNK,
        labels,
        sums,
        counts,
        totals,
        n_jobs=1 if n * width < _SERIAL_SIZE else n_jobs,
    )
    return Assignment(labels, sums.sum(axis=0), counts.sum(axis=0), float(totals.sum()))


def _blocked_assignment(Z: Any, directions: Any, offsets: Any) -> Assignment:
    xp = namespace_of(Z)
    n, m = Z.shape
    k = directions.shape[1]
    step = max(1, _BLOCK // k)
    total, labels = 0.0, []
    on_host = is_numpy(xp)
    wide = np.float64 if on_host else Z.dtype
    sums = xp.zeros((k, m), dtype=wide, device=device(Z))
    counts = xp.zeros(k, dtype=wide, device=device(Z))
    for start in range(0, n, step):
        rows = Z[start : min(n, start + step), :]
        scores = rows @ directions + offsets[None, :]
        own = xp.astype(xp.argmax(scores, axis=1), xp.int32)
        total += float(xp.sum(xp.max(scores, axis=1), dtype=wide))
        added, found = _label_sums(rows, own, k)
        sums, counts = sums + added, counts + found
        labels.append(own)
    return Assignment(xp.concat(labels), sums, counts, total)


def _label_sums(rows: Any, labels: Any, n_clusters: int) -> tuple[Any, Any]:
    """Sum and count rows by label."""
    xp = namespace_of(rows)
    if isinstance(rows, np.ndarray):
        columns = [
            np.bincount(labels, weights=column, minlength=n_clusters)
            for column in rows.T
        ]
        return np.stack(columns, axis=1), np.bincount(labels, minlength=n_clusters)
    members = one_hot(labels, n_clusters, rows)
    return xp.matrix_transpose(members) @ rows, xp.sum(members, axis=0)


def cluster_means(Z: Any, labels: Any, n_clusters: int) -> Any:
    """Average the rows of each cluster.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    labels : integer array of shape (n,)
        Cluster of each row; rows of other numbers, such as -1, are passed over.
    n_clusters : int
        Number of clusters, none of them empty.

    Returns
    -------
    means : array of shape (n_clusters, n_components)
        In the dtype of Z.
    """
    xp = namespace_of(Z)
    if isinstance(Z, np.ndarray):
        kept = labels >= 0
        sums, counts = _label_sums(Z[kept], labels[kept], n_clusters)
    else:
        sums, counts = _label_sums(Z, labels, n_clusters)
    return xp.astype(sums / counts[:, None], Z.dtype)
