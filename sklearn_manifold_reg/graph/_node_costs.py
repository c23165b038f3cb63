"""Distances between nodes by the costs of walks between them."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._node_kernel_functions import (
    diagonal_minus,
    positive_inverse,
    symmetric_square,
)

# Entries of a fundamental matrix below this have lost their accuracy, or are gone.
_LEAST_ENTRY = 1e-290


def shortest_path_costs(csr: CSR) -> np.ndarray:
    """Compute the costs of the cheapest paths, an edge costing 1 / weight.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights of a connected graph.

    Returns
    -------
    costs : ndarray of shape (n, n)
        Symmetric.
    """
    costs = csr.with_data(1 / csr.data).to_scipy()
    return csgraph.dijkstra(costs, directed=False)


def randomized_path_costs(csr: CSR, beta: float, *, free_energy: bool) -> np.ndarray:
    """Compute randomized shortest path or free energy distances.

    A walk by P = D^-1 A pays 1 / weight for an edge, and costly walks are discounted by
    exp(-beta cost). The first is the expected cost of a walk to its end, the second the
    work that it takes to get there; either is made symmetric by the mean of both ways.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights of a connected graph.
    beta : float
        Inverse temperature, positive.
    free_energy : bool
        Which of both.

    Returns
    -------
    costs : ndarray of shape (n, n)
        Symmetric, zero on the diagonal.

    Notes
    -----
    The walk is similar to the symmetric matrix N = D^-1/2 (A o exp(-beta C)) D^-1/2,
    and degrees cancel in both distances, so that all there is to compute is
    X = (I - N)^-1, by a Cholesky factorization in which nothing cancels.

    Where beta is so large that an entry of X is less than the least float, or an edge
    is, costs are those of the cheapest way over pairs that are known, with an edge at
    its own cost: that is exact where a single node lies between.
    """
    costs = csr.with_data(1 / csr.data)
    root = csr.row_sums() ** -0.5
    discounted = csr.with_data(csr.data * np.exp(-beta * costs.data))
    N = discounted.scale(left=root, right=root)
    X = positive_inverse(diagonal_minus(np.ones(len(root)), N, 1.0))
    known = X >= _LEAST_ENTRY
    if free_energy:
        np.log(X, out=X, where=known)
        own = np.diagonal(X) / 2
        X *= -1
        X += own[:, None]
        X += own[None, :]
        X /= beta
    else:
        paid = _paid(X, N, costs)
        np.divide(paid, X, out=paid, where=known)
        own = np.diagonal(paid) / 2
        X = paid - own[:, None]
        X -= own[None, :]
    np.fill_diagonal(X, 0)
    if not known.all():
        X = _by_known_pairs(X, known, costs)
    return np.maximum(X, 0, out=X)


def _paid(X: np.ndarray, N: CSR, costs: CSR) -> np.ndarray:
    """X (N o C) X, entries of which over those of X are expected costs."""
    cheapest, dearest = costs.data.min(), costs.data.max()
    if cheapest == dearest:
        # N X = X - I
        return (symmetric_square(X) - X) * cheapest
    return X @ N.with_data(N.data * costs.data).matmat(X)


def _by_known_pairs(X: np.ndarray, known: np.ndarray, costs: CSR) -> np.ndarray:
    """Replace unknown costs by sums of known ones."""
    edges = costs.to_scipy().toarray()
    ways = np.where(known, X, np.where(edges > 0, edges, np.inf))
    np.fill_diagonal(ways, 0)
    # Zero is no edge to csgraph; costs that are zero by rounding stay edges.
    graph = csgraph.csgraph_from_dense(
        np.where((ways == 0) & ~np.eye(len(ways), dtype=bool), 1e-300, ways),
        null_value=0,
        infinity_null=True,
    )
    return csgraph.dijkstra(sparse.csr_array(graph), directed=False)
