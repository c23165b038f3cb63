"""Connected components of a graph, and what to do when there are several."""

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.utils._numba import use_compiled

# Weight of the background edges of "regularize", relative to the mean edge.
_BACKGROUND = 1e-3


def connected_components(affinity: Any) -> tuple[int, np.ndarray]:
    """Find the connected components of an undirected graph.

    Parameters
    ----------
    affinity : sparse array or CSR of shape (n, n)
        Symmetric weights. Stored zeros are no edges. Of a graph on a device, the
        weights and the pattern are copied to the host.

    Returns
    -------
    n_components : int
        Number of components. A node without edges is one of its own.
    labels : ndarray of shape (n,), int32
        Component of each node, numbered in the order of their first nodes.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import connected_components
    >>> W = csr_array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> n_components, labels = connected_components(W)
    >>> n_components, labels.tolist()
    (2, [0, 0, 1])
    """
    csr = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    affinity = csr.to_scipy()
    if use_compiled():
        from sklearn_manifold_reg.graph._connectivity_numba import label_components

        parts = (affinity.indptr, affinity.indices, affinity.data)
        labels = np.empty(affinity.shape[0], dtype=np.int32)
        arrays = (np.require(part, requirements=["C", "A", "W"]) for part in parts)
        return int(label_components(*arrays, labels)), labels
    affinity = affinity.copy()
    affinity.eliminate_zeros()
    n_components, labels = csgraph.connected_components(affinity, directed=False)
    return int(n_components), labels.astype(np.int32, copy=False)


def report_components(n_components: int, connectivity: str, builder: str) -> None:
    """Tell the user of a graph in several pieces.

    Parameters
    ----------
    n_components : int
        Number of components.
    connectivity : str
        "error" raises, anything else warns.
    builder : str
        Name of the class that built the graph.

    Raises
    ------
    ValueError
        If `connectivity` is "error" and there are several components.

    Warns
    -----
    UserWarning
        If there are several components.
    """
    if n_components < 2:
        return
    message = (
        f"The graph of {builder} has {n_components} connected components, which know "
        "nothing of each other. More neighbors, or connectivity='mst' or "
        "'regularize' where the builder has it, make it one piece."
    )
    if connectivity == "error":
        raise ValueError(message)
    warnings.warn(message, UserWarning, stacklevel=3)


def add_edges(
    affinity: sparse.csr_array, rows: Any, columns: Any, weights: Any
) -> sparse.csr_array:
    """Add undirected edges; where one exists already, the larger weight stays.

    Parameters
    ----------
    affinity : csr_array of shape (n, n)
        Symmetric weights.
    rows, columns : integer array of shape (m,)
        Ends of the new edges.
    weights : array of shape (m,)
        Their positive weights.

    Returns
    -------
    affinity : csr_array of shape (n, n)
        Symmetric, sorted, in the dtype of the old one.
    """
    n = affinity.shape[0]
    ends = (np.concatenate([rows, columns]), np.concatenate([columns, rows]))
    values = np.concatenate([weights, weights]).astype(affinity.dtype)
    added = sparse.coo_array((values, ends), shape=(n, n)).tocsr()
    joined = sparse.csr_array(affinity.maximum(added))
    joined.sort_indices()
    kind = affinity.indices.dtype
    joined.indices = joined.indices.astype(kind, copy=False)
    joined.indptr = joined.indptr.astype(kind, copy=False)
    return joined


def background_edges(
    affinity: sparse.csr_array, random_state: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw weak edges that join everything: a cycle through all rows.

    A sparse stand-in for the same small weight between all pairs, which would take
    n² entries.

    Parameters
    ----------
    affinity : csr_array of shape (n, n)
        Weights that the new edges are to be weak beside.
    random_state : int, RandomState instance or None
        Seed of the order of the cycle.

    Returns
    -------
    rows, columns, weights : ndarray of shape (n,) or (1,) if n is 2
        The edges.
    """
    n = affinity.shape[0]
    order = check_random_state(random_state).permutation(n)
    rows, columns = order, np.roll(order, -1)
    if n == 2:
        rows, columns = rows[:1], columns[:1]
    mean = affinity.data.mean() if affinity.nnz else 1.0
    return rows, columns, np.full(len(rows), _BACKGROUND * mean)


def bridging_pairs(
    X: Any, labels: np.ndarray, search: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the shortest edges that join components: a minimum spanning tree of them.

    Every component but the largest takes its shortest edge to a row outside, until
    one component is left (Borůvka).

    Parameters
    ----------
    X : array of shape (n, n_features)
        Rows.
    labels : ndarray of shape (n,)
        Component of each row.
    search : callable
        `search(X_others, X_own)` gives the nearest other row of each own row as
        (indices, distances), each of shape (n_own,).

    Returns
    -------
    rows, columns : ndarray of shape (n_components - 1,), int64
        Ends of the edges.
    distances : ndarray of shape (n_components - 1,)
        Their lengths.

    Notes
    -----
    Takes O(log n_components) rounds of searches from all rows outside the largest
    component.
    """
    edges: list[tuple[int, int, float]] = []
    labels = labels.copy()
    while len(sizes := np.unique(labels, return_counts=True)[1]) > 1:
        largest = int(np.argmax(sizes))
        found = []
        for component in range(len(sizes)):
            if component == largest:
                continue
            own = np.flatnonzero(labels == component)
            others = np.flatnonzero(labels != component)
            indices, distances = search(X[others], X[own])
            best = int(np.argmin(distances))
            pair = (int(own[best]), int(others[indices[best]]))
            found.append((*pair, float(distances[best])))
        # Two components may have chosen each other.
        for i, j, distance in sorted(found, key=lambda edge: edge[2]):
            if labels[i] != labels[j]:
                edges.append((i, j, distance))
                labels[labels == labels[j]] = labels[i]
        labels = np.unique(labels, return_inverse=True)[1]
    rows, columns, distances = (np.array(part) for part in zip(*edges, strict=True))
    return rows, columns, distances
