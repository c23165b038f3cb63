"""Numbers of clusters."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of


def first_appearance(labels: Any, n_clusters: int) -> np.ndarray:
    """Order clusters by the first row that belongs to them.

    Parameters
    ----------
    labels : integer array of shape (n,)
        Cluster of each row, or -1.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    order : ndarray of int64, shape (n_found,)
        Numbers of the clusters that any row has, on the host.
    """
    xp = namespace_of(labels)
    first = np.full(n_clusters, labels.shape[0])
    for c in range(n_clusters):
        own = labels == c
        place = int(xp.argmax(xp.astype(own, xp.int8)))
        if bool(own[place]):
            first[c] = place
    order = np.argsort(first, kind="stable")
    return order[first[order] < labels.shape[0]]


def renumber(labels: Any, order: np.ndarray, n_clusters: int) -> Any:
    """Give clusters new numbers.

    Parameters
    ----------
    labels : integer array of shape (n,)
        Cluster of each row, or -1, which stays.
    order : ndarray of shape (n_found,)
        Old numbers in their new order.
    n_clusters : int
        Number of old clusters.

    Returns
    -------
    labels : integer array of shape (n,)
        New numbers, int64.
    """
    numbers = np.full(n_clusters + 1, -1, dtype=np.int64)
    numbers[order] = np.arange(len(order))
    xp = namespace_of(labels)
    codes = xp.where(labels >= 0, labels, xp.full_like(labels, n_clusters))
    return xp.take(asarray_like(numbers, labels), codes)
