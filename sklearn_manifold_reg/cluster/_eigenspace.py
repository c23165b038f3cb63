"""The eigenvectors that clusters are read from, and the number of clusters."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import (
    CSR,
    asarray_like,
    namespace_of,
    one_hot,
    to_numpy,
)
from sklearn_manifold_reg.cluster._components import (
    drop_nodes,
    drop_rows,
    merge_components,
    spread_rows,
)
from sklearn_manifold_reg.cluster._embedding import n_clusters_by_gap
from sklearn_manifold_reg.cluster._landmarks import landmark_pairs
from sklearn_manifold_reg.graph import (
    GraphOperator,
    LaplacianEigenpairs,
    laplacian,
    laplacian_eigenpairs,
    normalized_cut,
)

# Distance from one at which the second eigenvalue counts as one.
_ROUNDING = 1e-10


@dataclass(frozen=True, eq=False)
class Eigenspace:
    """Lowest eigenpairs of the graph of the rows that have edges.

    Attributes
    ----------
    all_values : array of shape (n_values,)
        Eigenvalues that were computed.
    values : array of shape (n_components,)
        Those of the eigenvectors kept.
    functions : array of shape (n_tied, n_components)
        Eigenfunctions of the random walk.
    vectors : array of shape (n_tied, n_components)
        Eigenvectors of the symmetric Laplacian, up to one factor.
    n_clusters : int
        Number of clusters.
    labels : ndarray of shape (n_tied,) or None
        Clusters, where components of the graph give them.
    tied : array of bool, shape (n,)
        Rows that have edges.
    csr : CSR of shape (n_tied, n_tied), or (n_tied, n_landmarks)
        Weights between these rows, or to landmarks.
    n_iter : int
        Steps of the eigensolver.
    landmark_sums : array of shape (n_landmarks,) or None
        Column sums of the weights to landmarks.
    """

    all_values: Any
    values: Any
    functions: Any
    vectors: Any
    n_clusters: int
    labels: np.ndarray | None
    tied: Any
    csr: CSR
    n_iter: int
    landmark_sums: Any = None

    def narrowed(self, n_components: int) -> "Eigenspace":
        """Keep the lowest eigenpairs.

        Parameters
        ----------
        n_components : int
            How many are kept.

        Returns
        -------
        space : Eigenspace
            Of the same graph.
        """
        return replace(
            self,
            values=self.values[:n_components],
            functions=self.functions[:, :n_components],
            vectors=self.vectors[:, :n_components],
        )

    def normalized_cut(self, labels: Any, n_clusters: int) -> float:
        """Compute the normalized cut, `sum_c cut(c) / volume(c)`.

        Parameters
        ----------
        labels : integer array of shape (n_tied,)
            Cluster of each row with edges.
        n_clusters : int
            Number of clusters, none of them empty.

        Returns
        -------
        normalized_cut : float
            That of the graph, or of the graph through the landmarks.
        """
        xp = namespace_of(self.csr.data)
        if self.landmark_sums is None and isinstance(labels, np.ndarray):
            return normalized_cut(self.csr, labels)
        members = one_hot(labels, n_clusters, self.csr.data)
        if self.landmark_sums is None:
            inside = xp.sum(members * self.csr.matmat(members), axis=0)
            volumes = xp.sum(members * self.csr.row_sums()[:, None], axis=0)
        else:
            parts = self.csr.transpose().matmat(members)
            sums = self.landmark_sums
            safe = xp.where(sums > 0, sums, xp.ones_like(sums))
            inside = xp.sum(parts * parts / safe[:, None], axis=0)
            volumes = xp.sum(members, axis=0)
        return float(xp.sum(1 - inside / volumes))


def graph_eigenspace(
    affinity: Any,
    n_clusters: int | str,
    *,
    widths: Callable[[int], list[int]],
    max_clusters: int,
    X: Any,
    **options: Any,
) -> tuple[Eigenspace, LaplacianEigenpairs]:
    """Compute as many eigenpairs of a graph as clusters take.

    Parameters
    ----------
    affinity : csr_array or CSR of shape (n, n)
        Symmetric weights.
    n_clusters : int or "eigengap"
        Number of clusters, at most n.
    widths : callable
        Gives, for a number of clusters, the numbers of eigenvectors to be tried.
    max_clusters : int
        Largest number that "eigengap" chooses.
    X : array or sparse array of shape (n, n_features) or None
        Rows of the nodes, by which components are merged.
    **options : dict
        Passed to `laplacian_eigenpairs`.

    Returns
    -------
    space : Eigenspace
        With labels if there are as many components as clusters, or more.
    pairs : LaplacianEigenpairs
        The same for all nodes, zero at those without edges.

    Raises
    ------
    ValueError
        If the graph has no edges.
    """
    csr = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    tied = csr.row_sums() > 0
    xp = namespace_of(tied)
    n = int(xp.count_nonzero(tied))
    if n == 0:
        raise ValueError("The graph has no edges, so there is nothing to cut.")
    whole = n == csr.shape[0]
    if not whole:
        csr = drop_nodes(csr, tied)
        X = None if X is None else X[to_numpy(tied) if sparse.issparse(X) else tied]
    operator = laplacian(csr)
    by_gap = isinstance(n_clusters, str)
    most = min(max_clusters, n - 1) if by_gap else min(int(n_clusters), n)
    labels, values = None, None
    if operator.n_components < most:
        n_pairs = most + 1 if by_gap else min(n, widths(most)[-1])
        pairs = laplacian_eigenpairs(operator, n_pairs, **options)
        values = pairs.values
        _warn_without_structure(values)
        most = n_clusters_by_gap(values) if by_gap else most
        pairs = leading_pairs(pairs, min(n_pairs, widths(most)[-1]))
    if operator.n_components >= most:
        labels = _component_clusters(operator, most, X)
        pairs = _indicator_pairs(operator, labels)
    functions, vectors = (
        xp.astype(part, csr.dtype) for part in (pairs.functions, pairs.vectors)
    )
    space = Eigenspace(
        pairs.values if values is None else values,
        pairs.values,
        functions,
        vectors,
        most,
        labels,
        tied,
        csr,
        pairs.n_iter,
    )
    if not whole:
        pairs = replace(pairs, functions=spread_rows(pairs.functions, tied, 0.0))
    return space, pairs


def landmark_eigenspace(
    weights: CSR,
    n_clusters: int | str,
    *,
    widths: Callable[[int], list[int]],
    max_clusters: int,
) -> tuple[Eigenspace, Any]:
    """Compute as many eigenpairs of a graph through landmarks as clusters take.

    Parameters
    ----------
    weights : CSR of shape (n, n_landmarks)
        From `landmark_weights`.
    n_clusters : int or "eigengap"
        Number of clusters.
    widths : callable
        Gives, for a number of clusters, the numbers of eigenvectors to be tried.
    max_clusters : int
        Largest number that "eigengap" chooses.

    Returns
    -------
    space : Eigenspace
        Of the rows that have landmarks.
    basis : array of shape (n_landmarks, n_components)
        Eigenfunctions of any rows are their weights times it.

    Raises
    ------
    ValueError
        If all weights are zero.
    """
    tied = weights.row_sums() > 0
    xp = namespace_of(tied)
    if not bool(xp.any(tied)):
        raise ValueError(
            "No row is near a landmark: all weights are zero. Use other weights, such "
            "as graph=NeighborsGraph(weights='self-tuning')."
        )
    by_gap = isinstance(n_clusters, str)
    most = max_clusters if by_gap else int(n_clusters)
    n_pairs = most + 1 if by_gap else min(widths(most)[-1], weights.shape[1])
    values, basis, sums = landmark_pairs(weights, n_pairs)
    if by_gap:
        most = n_clusters_by_gap(values)
    kept = min(n_pairs, widths(most)[-1])
    basis = basis[:, :kept]
    functions = weights.matmat(basis)
    if not bool(xp.all(tied)):
        functions = functions[tied, :]
        weights = drop_rows(weights, tied)
    space = Eigenspace(
        values,
        values[:kept],
        functions,
        functions,
        most,
        None,
        tied,
        weights,
        1,
        sums,
    )
    return space, basis


def _warn_without_structure(values: Any) -> None:
    if values.shape[0] > 1 and float(values[1]) > 1 - _ROUNDING:
        warnings.warn(
            "No cluster structure: the second eigenvalue of the Laplacian is "
            f"{float(values[1]):.3g}, so partitions cut as much as random ones. The "
            "labels say nothing.",
            UserWarning,
            stacklevel=5,
        )


def leading_pairs(pairs: LaplacianEigenpairs, n_pairs: int) -> LaplacianEigenpairs:
    """Keep the lowest eigenpairs.

    Parameters
    ----------
    pairs : LaplacianEigenpairs
        All of them.
    n_pairs : int
        How many are kept.

    Returns
    -------
    pairs : LaplacianEigenpairs
        The lowest ones.
    """
    return replace(
        pairs,
        values=pairs.values[:n_pairs],
        vectors=pairs.vectors[:, :n_pairs],
        functions=pairs.functions[:, :n_pairs],
        residual_norms=pairs.residual_norms[:n_pairs],
    )


def _component_clusters(operator: GraphOperator, n_clusters: int, X: Any) -> np.ndarray:
    if operator.n_components > n_clusters > 1:
        warnings.warn(
            f"The graph has {operator.n_components} connected components, more than "
            f"the {n_clusters} clusters: the smallest components are merged with "
            "others, and none is divided. More neighbors, or connectivity='mst' "
            "where the graph builder has it, make it one piece.",
            UserWarning,
            stacklevel=5,
        )
    components = np.asarray(operator.component_labels)
    return merge_components(components, operator.degrees, n_clusters, X)


def _indicator_pairs(
    operator: GraphOperator, labels: np.ndarray
) -> LaplacianEigenpairs:
    """Make eigenvectors of eigenvalue 0 of the indicators of unions of components."""
    degrees = operator.degrees
    xp = namespace_of(degrees)
    n_clusters = int(labels.max()) + 1
    members = one_hot(asarray_like(labels, degrees), n_clusters, degrees)
    volumes = xp.sum(members * degrees[:, None], axis=0)
    vectors = members * xp.sqrt(degrees[:, None] / volumes[None, :])
    functions = members * xp.sqrt(xp.sum(volumes) / volumes)[None, :]
    return LaplacianEigenpairs(
        xp.zeros_like(volumes),
        vectors,
        functions,
        operator,
        np.zeros(n_clusters),
        0,
        True,
        "components",
    )
