"""A graph as plain data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR


@dataclass(frozen=True, eq=False)
class Graph:
    """Weighted graph: nodes 0 .. n - 1 and an affinity between them.

    Parameters
    ----------
    affinity : csr_array or CSR of shape (n, n)
        Weights of the edges.
    directed : bool, default=False
        Whether an edge from i to j says nothing of one from j to i.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import Graph
    >>> graph = Graph.from_edges(np.array([[0, 1], [1, 2]]), n_nodes=4)
    >>> graph.n_nodes, graph.n_edges
    (4, 2)
    """

    affinity: Any
    directed: bool = False

    @classmethod
    def from_edges(
        cls,
        edges: Any,
        weights: Any = None,
        *,
        n_nodes: int | None = None,
        directed: bool = False,
    ) -> "Graph":
        """Build a graph from a list of edges.

        Parameters
        ----------
        edges : integer array of shape (n_edges, 2)
            Ends of each edge. Repeated edges add up.
        weights : array of shape (n_edges,), default=None
            Positive weights; ones by default.
        n_nodes : int, default=None
            Number of nodes; by default the largest end plus one.
        directed : bool, default=False
            Whether edges lead from the first to the second end only.

        Returns
        -------
        graph : Graph
            With an affinity on the host.

        Raises
        ------
        ValueError
            If an end is not in 0 .. n_nodes - 1, or a weight is negative or NaN.
        """
        edges = np.asarray(edges)
        if edges.ndim != 2 or edges.shape[1] != 2:
            raise ValueError(f"edges has shape (n_edges, 2), got {edges.shape}.")
        n = int(edges.max(initial=-1)) + 1 if n_nodes is None else n_nodes
        if edges.size and not (edges.min() >= 0 and edges.max() < n):
            raise ValueError(f"Ends of edges lie in 0..{n - 1}, got {edges.max()}.")
        values = np.ones(len(edges)) if weights is None else np.asarray(weights)
        if not np.all(values >= 0):
            raise ValueError("Weights of edges are non-negative numbers.")
        rows, columns = edges[:, 0], edges[:, 1]
        if not directed:
            loop = rows == columns
            rows, columns = (
                np.concatenate([rows, columns[~loop]]),
                np.concatenate([columns, rows[~loop]]),
            )
            values = np.concatenate([values, values[~loop]])
        matrix = sparse.coo_array((values, (rows, columns)), shape=(n, n)).tocsr()
        return cls(CSR.from_scipy(matrix).to_scipy(), directed)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.affinity.shape[0])

    @property
    def n_edges(self) -> int:
        """Number of edges; both directions of an undirected one count once."""
        if self.directed:
            return int(self.affinity.nnz)
        host = self.affinity
        host = host.to_scipy() if isinstance(host, CSR) else host
        loops = int(np.count_nonzero(host.diagonal()))
        return (int(host.nnz) + loops) // 2
