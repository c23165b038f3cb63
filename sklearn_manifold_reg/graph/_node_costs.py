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


def fundamental_matrix(csr: CSR, beta: float) -> np.ndarray:
    """Sum the probabilities of walks, discounted by what they cost.

    A walk by P = D^-1 A pays 1 / weight for an edge, and costs are discounted by
    exp(-beta cost). The walk is similar to the symmetric matrix
    N = D^-1/2 (A o exp(-beta C)) D^-1/2.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights of a connected graph.
    beta : float
        Inverse temperature, positive.

    Returns
    -------
    X : ndarray of shape (n, n)
        (I - N)^-1, by a Cholesky factorization in which nothing cancels.
    """
    N = _discounted(csr, beta)
    return positive_inverse(diagonal_minus(np.ones(csr.shape[0]), N, 1.0))


def randomized_path_costs(
    csr: CSR, beta: float, X: np.ndarray, *, free_energy: bool
) -> np.ndarray:
    """Compute randomized shortest path or free energy distances.

    The first is the expected cost of a discounted walk to its end, the second the work
    that it takes to get there; either is made symmetric by the mean of both ways.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights of a connected graph.
    beta : float
        Inverse temperature, positive.
    X : ndarray of shape (n, n)
        `fundamental_matrix(csr, beta)`; overwritten.
    free_energy : bool
        Which of both.

    Returns
    -------
    costs : ndarray of shape (n, n)
        Symmetric, zero on the diagonal.

    Notes
    -----
    Degrees, by which X differs from the sum over walks by P, cancel in both distances.

    Where beta is so large that an entry of X is less than the least float, or an edge
    is, costs are those of the cheapest way over pairs that are known, with an edge at
    its own cost: that is exact where a single node lies between.
    """
    known = X >= _LEAST_ENTRY
    if free_energy:
        np.log(X, out=X, where=known)
        own = np.diagonal(X) / 2
        X *= -1
        X += own[:, None]
        X += own[None, :]
        X /= beta
    else:
        paid = _paid(csr, beta, X)
        np.divide(paid, X, out=paid, where=known)
        own = np.diagonal(paid) / 2
        X = paid
        X -= own[:, None]
        X -= own[None, :]
    np.fill_diagonal(X, 0)
    if not known.all():
        X = _by_known_pairs(X, known, csr)
    return np.maximum(X, 0, out=X)


def _discounted(csr: CSR, beta: float) -> CSR:
    root = csr.row_sums() ** -0.5
    weights = csr.data * np.exp(-beta / csr.data)
    return csr.with_data(weights).scale(left=root, right=root)


def _paid(csr: CSR, beta: float, X: np.ndarray) -> np.ndarray:
    """X (N o C) X, entries of which over those of X are expected costs."""
    if csr.data.min() == csr.data.max():
        # N X = X - I
        return (symmetric_square(X) - X) / csr.data[0]
    N = _discounted(csr, beta)
    return X @ N.with_data(N.data / csr.data).matmat(X)


def _by_known_pairs(X: np.ndarray, known: np.ndarray, csr: CSR) -> np.ndarray:
    """Replace unknown costs by sums of known ones."""
    edges = csr.with_data(1 / csr.data).to_scipy().toarray()
    ways = np.where(known, X, np.where(edges > 0, edges, np.inf))
    np.fill_diagonal(ways, 0)
    # Zero is no edge to csgraph; costs that are zero by rounding stay edges.
    graph = csgraph.csgraph_from_dense(
        np.where((ways == 0) & ~np.eye(len(ways), dtype=bool), 1e-300, ways),
        null_value=0,
        infinity_null=True,
    )
    return csgraph.dijkstra(sparse.csr_array(graph), directed=False)
