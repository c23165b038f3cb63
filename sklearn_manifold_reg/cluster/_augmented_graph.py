"""Graphs with a node for each value of an attribute."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_manifold_reg.graph import connected_components


@dataclass(frozen=True, eq=False)
class AttributeNodes:
    """Numbering of the values of attributes as nodes behind the rows.

    Attributes
    ----------
    attributes : list of Attribute
        All attributes that rows come with.
    kept : list of int
        Those whose values are nodes.
    n_rows : int
        Number of rows.
    """

    attributes: list
    kept: list
    n_rows: int

    @property
    def values(self) -> list:
        """Values of the kept attributes."""
        return [self.attributes[k].values for k in self.kept]

    @property
    def n_nodes(self) -> int:
        """Number of rows and values."""
        return self.n_rows + sum(len(values) for values in self.values)

    def number(self, codes: np.ndarray) -> np.ndarray:
        """Turn numbers of values into numbers of nodes.

        Parameters
        ----------
        codes : integer ndarray of shape (m, n_attributes)
            Numbers of values of all attributes, -1 where missing.

        Returns
        -------
        nodes : integer ndarray of shape (m, n_kept)
            Numbers of nodes, -1 where missing.
        """
        sizes = [len(values) for values in self.values]
        firsts = np.cumsum([self.n_rows, *sizes])[:-1]
        codes = codes[:, self.kept]
        return np.where(codes >= 0, codes + firsts, -1)


def augment_graph(
    affinity: sparse.csr_array, nodes: np.ndarray, n_nodes: int, tie: float
) -> sparse.csr_array:
    """Join rows to the nodes of their attributes.

    Parameters
    ----------
    affinity : csr_array of shape (n, n)
        Symmetric weights.
    nodes : integer ndarray of shape (n, n_attributes)
        Attribute nodes of each row, from n on, -1 where missing.
    n_nodes : int
        Number of rows and attribute nodes.
    tie : float
        Weight of the new edges.

    Returns
    -------
    augmented : csr_array of shape (n_nodes, n_nodes)
        Symmetric weights.
    """
    n = affinity.shape[0]
    if n_nodes == n:
        return affinity
    rows, places = np.nonzero(nodes >= 0)
    columns = nodes[rows, places] - n
    data = np.full(len(rows), tie, dtype=affinity.dtype)
    ties = sparse.coo_array((data, (rows, columns)), shape=(n, n_nodes - n)).tocsr()
    blocks = [[affinity, ties], [ties.T, None]]
    return sparse.csr_array(sparse.block_array(blocks, format="csr"))


def definite_laplacian(
    affinity: sparse.csr_array,
) -> tuple[sparse.csr_array, np.ndarray, int]:
    """Make the Laplacian positive definite by a rank-one term a component.

    The term is `c e e'` with e one at the first node of a component and at its first
    neighbor, and c the mean weight of the edges; so no entries are added.

    Parameters
    ----------
    affinity : csr_array of shape (n, n)
        Symmetric weights without self-loops, with sorted indices.

    Returns
    -------
    laplacian : csr_array of shape (n, n)
        `D - W` with its terms, in float64.
    labels : ndarray of shape (n,)
        Component of each node.
    n_components : int
        Number of components.
    """
    n = affinity.shape[0]
    W = sparse.csr_array(affinity, dtype=np.float64)
    n_components, labels = connected_components(W)
    first = np.unique(labels, return_index=True)[1]
    lonely = W.indptr[first] == W.indptr[first + 1]
    joined = first[~lonely]
    second = W.indices[W.indptr[joined]]
    c = mean_weight(W)
    ends = np.concatenate([first, second, joined, second])
    others = np.concatenate([first, second, second, joined])
    terms = sparse.coo_array((np.full(len(ends), c), (ends, others)), shape=(n, n))
    degrees = sparse.diags_array(W.sum(axis=1))
    L = sparse.csr_array(degrees - W + terms)
    L.sort_indices()
    return L, labels, n_components


def component_indicators(
    labels: np.ndarray, n_components: int, at_most: int
) -> np.ndarray:
    """Give the indicators of the largest components that have edges.

    Parameters
    ----------
    labels : integer ndarray of shape (n,)
        Component of each node.
    n_components : int
        Number of components.
    at_most : int
        Number of them to give at most.

    Returns
    -------
    indicators : ndarray of shape (n, n_indicators)
        Zeros and ones.
    """
    sizes = np.bincount(labels, minlength=n_components)
    largest = np.argsort(-sizes, kind="stable")[:at_most]
    largest = largest[sizes[largest] > 1]
    return (labels[:, None] == largest).astype(np.float64)


def mean_weight(affinity: sparse.csr_array) -> float:
    """Average the weights of edges; 1 where there are none.

    Parameters
    ----------
    affinity : csr_array
        Weights.

    Returns
    -------
    mean : float
        Positive.
    """
    return float(affinity.data.mean(dtype=np.float64)) if affinity.nnz else 1.0


def block_means(coordinates: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Average the coordinates of attribute nodes over rows.

    Parameters
    ----------
    coordinates : ndarray of shape (n_nodes, n_vectors)
        Coordinates of all nodes of the augmented graph.
    nodes : integer ndarray of shape (n, n_attributes)
        Attribute node of each row, -1 where it is missing.

    Returns
    -------
    means : ndarray of shape (n_attributes, n_vectors)
        Over the rows that have a node; zeros where none has.
    """
    means = np.zeros((nodes.shape[1], coordinates.shape[1]))
    for k, column in enumerate(nodes.T):
        if np.any(column >= 0):
            means[k] = coordinates[column[column >= 0]].mean(axis=0)
    return means


def average_neighbors(
    weights: sparse.csr_array, coordinates: np.ndarray, nodes: np.ndarray, tie: float
) -> np.ndarray:
    """Give new rows the mean coordinates of what they are joined to.

    That is what a Gauss-Seidel step on the augmented graph would give them.

    Parameters
    ----------
    weights : csr_array of shape (m, n)
        Weights of edges to the rows of the graph.
    coordinates : ndarray of shape (n_nodes, n_vectors)
        Coordinates of all nodes of the augmented graph, rows first.
    nodes : integer ndarray of shape (m, n_attributes)
        Attribute node of each new row, -1 where it is missing.
    tie : float
        Weight of edges to attribute nodes.

    Returns
    -------
    own : ndarray of shape (m, n_vectors)
        Zero for rows that are joined to nothing.
    """
    sums = weights @ coordinates[: weights.shape[1]]
    total = np.asarray(weights.sum(axis=1), dtype=np.float64)
    for column in nodes.T:
        known = column >= 0
        sums[known] += tie * coordinates[column[known]]
        total[known] += tie
    return sums / np.where(total > 0, total, 1.0)[:, None]


def stack_blocks(
    own: np.ndarray,
    coordinates: np.ndarray,
    nodes: np.ndarray,
    means: np.ndarray,
    weight: float,
) -> np.ndarray:
    """Put the coordinates of rows and those of their attribute nodes side by side.

    Squared distances of the result are `|own|² + weight * sum_l |block_l|²`.

    Parameters
    ----------
    own : ndarray of shape (m, n_vectors)
        Coordinates of the rows themselves.
    coordinates : ndarray of shape (n_nodes, n_vectors)
        Coordinates of all nodes of the augmented graph.
    nodes : integer ndarray of shape (m, n_attributes)
        Attribute node of each row, -1 where it is missing.
    means : ndarray of shape (n_attributes, n_vectors)
        Coordinates to take where a node is missing.
    weight : float
        Weight of the blocks of attributes.

    Returns
    -------
    blocks : ndarray of shape (m, n_vectors * (1 + n_attributes))
        Coordinates.
    """
    blocks = [own]
    for column, mean in zip(nodes.T, means, strict=True):
        known = column >= 0
        block = coordinates[np.where(known, column, 0)]
        blocks.append(np.sqrt(weight) * np.where(known[:, None], block, mean))
    return np.hstack(blocks)
