"""Moves of single nodes that lower the normalized cut of a partition."""

import numpy as np

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.utils._numba import use_compiled

# Least gain of a move: rounding must not let nodes go to and fro.
_LEAST_GAIN = 1e-12
_MAX_SWEEPS = 10


def refine_partition(csr: CSR, labels: np.ndarray, n_clusters: int) -> np.ndarray:
    """Move nodes to neighboring clusters while that lowers the normalized cut.

    Nodes are visited in their order, at most 10 times. A node moves to the cluster
    that lowers the normalized cut most, if any does. No cluster is emptied.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Symmetric, non-negative weights without self-loops, on the host. Each node has
        an edge.
    labels : integer ndarray of shape (n,)
        Cluster of each node.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    labels : ndarray of int32, shape (n,)
        Of the same or a lower normalized cut.
    """
    labels = np.array(labels, dtype=np.int32)
    weights = csr.data.astype(np.float64, copy=False)
    rows = csr.entry_rows()
    degrees = np.bincount(rows, weights=weights, minlength=len(labels))
    own = labels[rows]
    volumes = np.bincount(own, weights=weights, minlength=n_clusters)
    together = np.where(own == labels[csr.indices], weights, 0.0)
    inside = np.bincount(own, weights=together, minlength=n_clusters)
    counts = np.bincount(labels, minlength=n_clusters)
    parts = (csr.indptr, csr.indices, weights)
    indptr, indices, data = (
        np.require(part, requirements=["C", "A", "W"]) for part in parts
    )
    state = (indptr, indices, data, degrees, labels, volumes, inside, counts)
    if use_compiled():
        from sklearn_manifold_reg.cluster._refine_numba import move_nodes

        move_nodes(*state, _LEAST_GAIN, _MAX_SWEEPS)
    else:
        _move_nodes(*state)
    return labels


def _move_nodes(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    degrees: np.ndarray,
    labels: np.ndarray,
    volumes: np.ndarray,
    inside: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Do what the kernel does, node by node."""
    for _ in range(_MAX_SWEEPS):
        moved = False
        for i, (degree, start, stop) in enumerate(
            zip(degrees, indptr[:-1], indptr[1:], strict=True)
        ):
            own = labels[i]
            if counts[own] < 2 or volumes[own] <= degree:
                continue
            links = np.bincount(
                labels[indices[start:stop]],
                weights=data[start:stop],
                minlength=len(volumes),
            )
            left = (inside[own] - 2 * links[own]) / (volumes[own] - degree)
            share = inside / volumes
            gains = (inside + 2 * links) / (volumes + degree) - share
            gains -= share[own] - left
            gains[(links == 0) | (np.arange(len(volumes)) == own)] = -np.inf
            winner = int(np.argmax(gains))
            if gains[winner] > _LEAST_GAIN:
                inside[[own, winner]] += [-2 * links[own], 2 * links[winner]]
                volumes[[own, winner]] += [-degree, degree]
                counts[[own, winner]] += [-1, 1]
                labels[i], moved = winner, True
        if not moved:
            return
