"""Graphs in pieces: isolated nodes, and more components than clusters."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances

from sklearn_manifold_reg._arrays import (
    CSR,
    asarray_like,
    device,
    namespace_of,
    one_hot,
    to_numpy,
)


def drop_nodes(csr: CSR, kept: Any) -> CSR:
    """Leave out nodes that have no edges.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights.
    kept : array of bool, shape (n,)
        Which nodes stay; the others have weights of zero only.

    Returns
    -------
    csr : CSR of shape (n_kept, n_kept)
        Without stored zeros.
    """
    csr = drop_rows(csr, kept)
    xp = namespace_of(csr.data)
    columns = xp.take(_positions(kept), csr.indices)
    indices = xp.astype(columns, csr.indices.dtype)
    return replace(csr, indices=indices, shape=(csr.shape[0], csr.shape[0]))


def drop_rows(csr: CSR, kept: Any) -> CSR:
    """Leave out rows of zeros.

    Parameters
    ----------
    csr : CSR of shape (n, n_columns)
        Weights.
    kept : array of bool, shape (n,)
        Which rows stay; the others have weights of zero only.

    Returns
    -------
    csr : CSR of shape (n_kept, n_columns)
        Without stored zeros.
    """
    xp = namespace_of(csr.data)
    stored = csr.data > 0
    rows = xp.take(_positions(kept), csr.entry_rows()[stored])
    n = int(xp.count_nonzero(kept))
    bounds = xp.arange(n + 1, dtype=rows.dtype, device=device(rows))
    indptr = xp.astype(xp.searchsorted(rows, bounds), csr.indptr.dtype)
    return CSR(indptr, csr.indices[stored], csr.data[stored], (n, csr.shape[1]))


def _positions(kept: Any) -> Any:
    """Give kept rows their numbers among themselves, others any number."""
    xp = namespace_of(kept)
    numbers = xp.cumulative_sum(xp.astype(kept, xp.int64)) - 1
    return xp.where(kept, numbers, xp.zeros_like(numbers))


def spread_rows(values: Any, kept: Any, fill: float) -> Any:
    """Undo `drop_nodes` for values on the nodes.

    Parameters
    ----------
    values : array of shape (n_kept, ...)
        Values of the nodes that stayed.
    kept : array of bool, shape (n,)
        Which nodes these are.
    fill : float
        Value of the others.

    Returns
    -------
    values : array of shape (n, ...)
        Values of all nodes.
    """
    xp = namespace_of(values)
    if bool(xp.all(kept)):
        return values
    taken = xp.take(values, _positions(kept), axis=0)
    mask = kept if taken.ndim == 1 else kept[:, None]
    return xp.where(mask, taken, xp.full_like(taken, fill))


def merge_components(
    components: np.ndarray, degrees: Any, n_clusters: int, X: Any
) -> np.ndarray:
    """Merge components until as many are left as clusters are wanted.

    No edge joins components, and every union of them has a normalized cut of zero.
    The components of largest volume are therefore kept apart. Each other one joins
    the kept one whose mean row is nearest, or without rows the cluster of least
    volume so far.

    Parameters
    ----------
    components : ndarray of shape (n,)
        Component of each node.
    degrees : array of shape (n,)
        Degrees of the nodes.
    n_clusters : int
        Number of clusters, no more than there are components.
    X : array or sparse array of shape (n, n_features) or None
        Rows of the nodes, if there are any.

    Returns
    -------
    labels : ndarray of shape (n,)
        Cluster of each node.
    """
    volumes = np.bincount(components, weights=to_numpy(degrees).astype(np.float64))
    n_components = len(volumes)
    if n_components == n_clusters:
        return components
    by_size = np.argsort(-volumes, kind="stable")
    kept, rest = by_size[:n_clusters], by_size[n_clusters:]
    target = np.empty(n_components, dtype=components.dtype)
    target[kept] = np.arange(n_clusters)
    if X is not None:
        means = feature_means(X, components, n_components)
        target[rest] = _nearest(_rows(means, rest), _rows(means, kept))
    else:
        sums = volumes[kept]
        for component in rest:
            target[component] = smallest = int(np.argmin(sums))
            sums[smallest] += volumes[component]
    return target[components]


def join_nearest(labels: Any, X: Any, means: Any) -> Any:
    """Give rows without a cluster to that of nearest mean.

    Parameters
    ----------
    labels : integer array of shape (n,)
        Clusters; -1 where there is none.
    X : array or sparse array of shape (n, n_features)
        Rows.
    means : array or sparse array of shape (n_clusters, n_features)
        Means of the clusters.

    Returns
    -------
    labels : integer array of shape (n,)
        Clusters of all rows.
    """
    xp = namespace_of(labels)
    lost = labels < 0
    if not bool(xp.any(lost)):
        return labels
    rows = X[to_numpy(lost)] if sparse.issparse(X) else X[lost]
    nearest = asarray_like(_nearest(rows, means), labels)
    nearest = xp.astype(nearest, labels.dtype)
    return xp.where(lost, xp.take(nearest, _positions(lost)), labels)


def feature_means(X: Any, labels: Any, n_clusters: int) -> Any:
    """Average rows of features by cluster.

    Parameters
    ----------
    X : array or sparse array of shape (n, n_features)
        Rows.
    labels : integer array of shape (n,)
        Clusters; -1 counts for none.
    n_clusters : int
        Number of clusters, none of them empty.

    Returns
    -------
    means : array or sparse array of shape (n_clusters, n_features)
        Sparse if X is.
    """
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        (rows,) = np.nonzero(to_numpy(labels) >= 0)
        own = to_numpy(labels)[rows]
        counts = np.bincount(own, minlength=n_clusters)
        members = sparse.coo_array(
            (1 / counts[own], (own, rows)), shape=(n_clusters, X.shape[0])
        )
        return members.tocsr() @ X
    xp = namespace_of(X)
    members = one_hot(asarray_like(labels, X), n_clusters, X)
    return (xp.matrix_transpose(members) @ X) / xp.sum(members, axis=0)[:, None]


def _rows(X: Any, rows: np.ndarray) -> Any:
    if sparse.issparse(X) or isinstance(X, np.ndarray):
        return X[rows]
    return namespace_of(X).take(X, asarray_like(rows, X), axis=0)


def _nearest(rows: Any, means: Any) -> np.ndarray:
    if sparse.issparse(rows) or isinstance(rows, np.ndarray):
        return np.argmin(euclidean_distances(rows, means), axis=1)
    xp = namespace_of(rows)
    squares = xp.sum(means * means, axis=1)
    scores = rows @ xp.matrix_transpose(means) - squares[None, :] / 2
    return to_numpy(xp.argmax(scores, axis=1))
