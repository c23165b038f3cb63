"""Squared gradients of a function on a graph, and the Laplacian of a sum of them."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of
from sklearn_manifold_reg.graph import GraphOperator
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

GRADIENTS = ("energy", "dirichlet", "max_slope")

# Squared lengths of edges are at least this share of the typical one, so that
# duplicates do not have infinite slopes between them.
_LEAST_LENGTH = 1e-6
# Operations below which a second thread costs more than it saves.
_SERIAL_WORK = 200_000
# Entries of rows that are compared at once where nothing is compiled.
_BLOCK = 1 << 22


class LocalGradients(ABC):
    """Quadratic forms G_1, ..., G_m of a function F on the nodes.

    Any weights lambda make a graph Laplacian of them: `sum lambda_k G_k(F) =
    tr F' L_lambda F`. Its values are written into the same memory each time.

    Parameters
    ----------
    laplacian : GraphOperator
        Combinatorial Laplacian of the graph, in the widest dtype.
    weights : array of shape (nnz,)
        Symmetric weights of the squared differences, in the pattern of the graph.
    n_jobs : int or None, default=None
        Threads.
    """

    def __init__(
        self, laplacian: GraphOperator, weights: Any, *, n_jobs: int | None = None
    ) -> None:
        self.laplacian = laplacian
        self.pattern = laplacian.csr.with_data(weights)
        self.n_jobs = n_jobs
        self._data = namespace_of(weights).empty_like(weights)
        self._degrees = namespace_of(weights).empty_like(laplacian.degrees)

    @property
    @abstractmethod
    def n_terms(self) -> int:
        """Number m of quadratic forms."""

    @abstractmethod
    def squares(self, F: Any) -> Any:
        """Evaluate the forms.

        Parameters
        ----------
        F : array of shape (n, n_outputs)
            Function on the nodes.

        Returns
        -------
        G : array of shape (m,)
            Squared gradients.
        """

    @abstractmethod
    def node_weights(self, weights: Any) -> Any:
        """Hand the weights of the forms to the nodes.

        Parameters
        ----------
        weights : array of shape (m,)
            Weights lambda.

        Returns
        -------
        shares : array of shape (n,)
            With the same sum.
        """

    @abstractmethod
    def steepness(self, F: Any) -> Any:
        """Estimate the length of the gradient at each node.

        Parameters
        ----------
        F : array of shape (n, n_outputs)
            Function on the nodes.

        Returns
        -------
        lengths : array of shape (n,)
            Square roots; at a node with several forms the largest.
        """

    @abstractmethod
    def _spread(self, weights: Any) -> tuple[Any, Any]:
        """Entries of the weighted graph and their sums over rows."""

    def weighted(self, weights: Any) -> GraphOperator:
        """Build L_lambda; what this gave before is overwritten.

        Parameters
        ----------
        weights : array of shape (m,)
            Weights lambda >= 0.

        Returns
        -------
        operator : GraphOperator
            Laplacian on the pattern of the graph.
        """
        data, degrees = self._spread(weights)
        own = self.laplacian
        return GraphOperator(
            own.csr.with_data(data),
            degrees,
            degrees,
            None,
            own.component_labels,
            own.n_components,
        )


class NodeGradients(LocalGradients):
    """One form a node: `G_i = factor_i sum_j w_ij |F_i - F_j|²`.

    Parameters
    ----------
    laplacian : GraphOperator
        Combinatorial Laplacian of the weights w.
    factors : array of shape (n,)
        Factors of the nodes.
    n_jobs : int or None, default=None
        Threads.
    """

    def __init__(
        self, laplacian: GraphOperator, factors: Any, *, n_jobs: int | None = None
    ) -> None:
        super().__init__(laplacian, laplacian.csr.data, n_jobs=n_jobs)
        self.factors = factors

    @property
    def n_terms(self) -> int:
        """Number of nodes."""
        return self.laplacian.shape[0]

    def squares(self, F: Any) -> Any:
        """Evaluate the forms."""
        csr = self.pattern
        if _compiled(csr, F):
            from sklearn_manifold_reg.semi_supervised._local_gradients_numba import (
                node_energies,
            )

            out = np.empty(csr.shape[0])
            _run(node_energies, csr, F.shape[1], self.n_jobs, csr.data, F, out)
            return self.factors * out
        return self.factors * csr.with_data(squared_edges(csr, F)).row_sums()

    def node_weights(self, weights: Any) -> Any:
        """Give the weights themselves."""
        return weights

    def steepness(self, F: Any) -> Any:
        """Give the square roots of the forms."""
        return namespace_of(F).sqrt(self.squares(F))

    def _spread(self, weights: Any) -> tuple[Any, Any]:
        csr, u = self.pattern, self.factors * weights
        if _compiled(csr, u):
            from sklearn_manifold_reg.semi_supervised._local_gradients_numba import (
                add_node_weights,
            )

            arrays = (csr.data, u, self._data, self._degrees)
            _run(add_node_weights, csr, 1, self.n_jobs, *arrays)
            return self._data, self._degrees
        xp = namespace_of(u)
        ends = xp.take(u, csr.entry_rows()) + xp.take(u, csr.indices)
        data = csr.data * ends
        return data, csr.with_data(data).row_sums()


class EdgeGradients(LocalGradients):
    """One form for each end of an edge: `G_ij = |F_i - F_j|² / length_ij²`.

    Parameters
    ----------
    laplacian : GraphOperator
        Laplacian whose pattern tells the edges.
    lengths : array of shape (nnz,)
        Squared lengths of the edges, symmetric and positive.
    n_jobs : int or None, default=None
        Threads.
    """

    def __init__(
        self, laplacian: GraphOperator, lengths: Any, *, n_jobs: int | None = None
    ) -> None:
        super().__init__(laplacian, 1 / lengths, n_jobs=n_jobs)

    @property
    def n_terms(self) -> int:
        """Number of stored entries."""
        return self.pattern.nnz

    def squares(self, F: Any) -> Any:
        """Evaluate the forms."""
        return squared_edges(self.pattern, F, n_jobs=self.n_jobs)

    def node_weights(self, weights: Any) -> Any:
        """Add up the weights at each node."""
        return self.pattern.with_data(weights).row_sums()

    def steepness(self, F: Any) -> Any:
        """Give the largest slope of the edges at each node."""
        xp, csr, squares = namespace_of(F), self.pattern, self.squares(F)
        lengths = csr.indptr[1:] - csr.indptr[:-1]
        largest = xp.zeros_like(self.laplacian.degrees)
        for slot in range(int(xp.max(lengths)) if csr.nnz else 0):
            entries = xp.where(
                lengths > slot, csr.indptr[:-1] + slot, xp.zeros_like(lengths)
            )
            own = xp.take(squares, entries)
            own = xp.where(lengths > slot, own, xp.zeros_like(own))
            largest = xp.maximum(largest, own)
        return xp.sqrt(largest)

    def _spread(self, weights: Any) -> tuple[Any, Any]:
        # Both ends of an edge have the same weight.
        data = 2 * self.pattern.data * weights
        if isinstance(data, np.ndarray):
            self._data[...] = data
            data = self._data
        return data, self.pattern.with_data(data).row_sums()


def local_gradients(
    kind: str,
    laplacian: GraphOperator,
    X: Any,
    *,
    bandwidth: float | None = None,
    intrinsic_dim: float = 1,
    n_jobs: int | None = None,
) -> LocalGradients:
    """Choose how gradients are measured.

    Parameters
    ----------
    kind : {"energy", "dirichlet", "max_slope"}
        Estimator of the squared gradient.
    laplacian : GraphOperator
        Combinatorial Laplacian of the graph.
    X : array or sparse array of shape (n, n_features) or None
        Rows, whose distances are the lengths of edges. None if there are none.
    bandwidth : float or None, default=None
        Width h of weights `exp(-d² / h²)`, for "energy".
    intrinsic_dim : float, default=1
        Dimension of the manifold, for "energy" without `bandwidth`.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    gradients : LocalGradients
        The forms.

    Raises
    ------
    ValueError
        If lengths of edges are needed and there are no features.
    """
    degrees = laplacian.degrees
    xp = namespace_of(degrees)
    if kind == "dirichlet":
        return NodeGradients(laplacian, xp.full_like(degrees, 0.5), n_jobs=n_jobs)
    if kind == "energy" and bandwidth is not None:
        # The weight of a node with itself, 1, counts as well.
        factors = 2 / (bandwidth**2 * (1 + degrees))
        return NodeGradients(laplacian, factors, n_jobs=n_jobs)
    if X is None:
        raise ValueError(
            f"gradient={kind!r} measures distances between rows, of which "
            "graph='precomputed' tells nothing; use gradient='dirichlet', or "
            "gradient='energy' with the bandwidth of heat weights."
        )
    lengths = _squared_lengths(laplacian.csr, X, n_jobs)
    if kind == "max_slope":
        return EdgeGradients(laplacian, lengths, n_jobs=n_jobs)
    csr = laplacian.csr
    spread = csr.with_data(csr.data * lengths).row_sums()
    tied = spread > 0
    safe = xp.where(tied, spread, xp.ones_like(spread))
    factors = xp.where(tied, intrinsic_dim / safe, xp.zeros_like(spread))
    return NodeGradients(laplacian, factors, n_jobs=n_jobs)


def squared_edges(csr: CSR, F: Any, *, n_jobs: int | None = None) -> Any:
    """Compute `w_ij |F_i - F_j|²` for each entry of a matrix.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Weights w.
    F : array or sparse array of shape (n, n_outputs)
        Rows.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    squares : array of shape (nnz,)
        In the order and the dtype of the entries.
    """
    if _compiled(csr, F):
        from sklearn_manifold_reg.semi_supervised._local_gradients_numba import (
            edge_energies,
        )

        out = np.empty(csr.nnz)
        _run(edge_energies, csr, F.shape[1], n_jobs, csr.data, F, out)
        return out
    rows = csr.entry_rows()
    if sparse.issparse(F):
        step = max(1, _BLOCK // max(1, F.nnz // F.shape[0]))
        parts = []
        for begin in range(0, csr.nnz, step):
            entries = slice(begin, min(begin + step, csr.nnz))
            difference = F[rows[entries]] - F[csr.indices[entries]]
            parts.append(np.asarray(difference.multiply(difference).sum(axis=1)))
        return csr.data * np.concatenate([part.reshape(-1) for part in parts])
    xp = namespace_of(csr.data)
    step = max(1, _BLOCK // F.shape[1])
    parts = []
    for begin in range(0, csr.nnz, step):
        entries = slice(begin, min(begin + step, csr.nnz))
        difference = xp.take(F, rows[entries], axis=0) - xp.take(
            F, csr.indices[entries], axis=0
        )
        parts.append(xp.sum(xp.astype(difference, csr.dtype) ** 2, axis=1))
    return csr.data * xp.concat(parts)


def _squared_lengths(csr: CSR, X: Any, n_jobs: int | None) -> Any:
    """Squared distances along edges, those of duplicates raised a little."""
    xp = namespace_of(csr.data)
    if csr.nnz == 0:
        return csr.data
    if not sparse.issparse(X):
        X = asarray_like(X, csr.data)
    ones = csr.with_data(xp.ones_like(csr.data))
    squares = squared_edges(ones, X, n_jobs=n_jobs)
    positive = xp.sort(squares[squares > 0])
    typical = float(positive[positive.shape[0] // 2]) if positive.shape[0] else 1.0
    least = xp.full_like(squares, _LEAST_LENGTH * typical)
    return xp.maximum(squares, least)


def _compiled(csr: CSR, F: Any) -> bool:
    return isinstance(F, np.ndarray) and csr.dtype == np.float64 and use_compiled()


def _run(
    function: Any, csr: CSR, n_columns: int, n_jobs: int | None, *arrays: Any
) -> None:
    threads = 1 if csr.nnz * n_columns < _SERIAL_WORK else n_threads(n_jobs)
    ready = [np.require(a, np.float64, ["C", "A", "W"]) for a in arrays]
    # Kernels write into the last arrays, which must not be copies.
    pattern = [
        np.require(a, np.int32, ["C", "A", "W"]) for a in (csr.indptr, csr.indices)
    ]
    run_rows(function, csr.shape[0], *pattern, *ready, n_jobs=threads)
