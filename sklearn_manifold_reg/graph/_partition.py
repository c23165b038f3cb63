"""How well a partition of the nodes fits a graph, and their attributes."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, to_numpy
from sklearn_manifold_reg.graph._laplacian import as_csr
from sklearn_manifold_reg.utils._attributes import (
    code_entropy,
    encode_attributes,
    learn_attributes,
)


def normalized_cut(affinity: Any, labels: Any) -> float:
    """Compute the normalized cut, `sum_c cut(c) / volume(c)`.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights.
    labels : array-like of shape (n,)
        Cluster of each node.

    Returns
    -------
    normalized_cut : float
        Between 0, for unions of connected components, and the number of clusters.
        Never below the sum of as many lowest eigenvalues of the symmetric Laplacian
        as there are clusters with edges. Clusters without edges count as 0.

    References
    ----------
    J. Shi, J. Malik, "Normalized cuts and image segmentation", IEEE Transactions on
    Pattern Analysis and Machine Intelligence 22, 2000, doi:10.1109/34.868688.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import normalized_cut
    >>> path = csr_array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> round(normalized_cut(path, [0, 0, 1]), 4)
    1.3333
    """
    inside, volumes = _cluster_sums(affinity, labels)
    used = volumes > 0
    return float(np.sum(1 - inside[used] / volumes[used]))


def modularity(affinity: Any, labels: Any) -> float:
    """Compute Newman's modularity, `sum_c (inside(c) / v - (volume(c) / v)²)`.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR or Graph of shape (n, n)
        Symmetric, non-negative weights.
    labels : array-like of shape (n,)
        Cluster of each node.

    Returns
    -------
    modularity : float
        At most 1; 0 if all nodes are in one cluster, or if there are no edges.

    References
    ----------
    M. E. J. Newman, M. Girvan, "Finding and evaluating community structure in
    networks", Physical Review E 69, 2004, doi:10.1103/PhysRevE.69.026113.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from sklearn_manifold_reg.graph import modularity
    >>> pairs = csr_array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    >>> modularity(pairs, [0, 0, 1, 1])
    0.5
    """
    inside, volumes = _cluster_sums(affinity, labels)
    total = volumes.sum()
    if total == 0:
        return 0.0
    return float(np.sum(inside / total - (volumes / total) ** 2))


def attribute_entropy(attributes: Any, labels: Any, *, n_bins: int | None = 5) -> float:
    """Compute the entropy of attributes within clusters, in bits.

    It is `sum_c (n_c / n) sum_l H_lc`, the sum over attributes of the entropy H of
    their values in a cluster, averaged over rows.

    Parameters
    ----------
    attributes : array-like or data frame of shape (n,) or (n, n_attributes)
        Categories of each row, `NaN` or None where missing; floating numbers are cut
        into bins.
    labels : array-like of shape (n,)
        Cluster of each row.
    n_bins : int or None, default=5
        Bins of columns of floating numbers, each with about as many rows. None
        refuses such columns.

    Returns
    -------
    entropy : float
        0 if each cluster has one value of each attribute. Rows with a missing value
        do not count in the entropy of that attribute.

    Examples
    --------
    >>> from sklearn_manifold_reg.graph import attribute_entropy
    >>> attribute_entropy(["a", "b", "a", "a"], [0, 0, 1, 1])
    0.5
    """
    labels = to_numpy(labels)
    learned = learn_attributes(attributes, len(labels), n_bins)
    return code_entropy(encode_attributes(learned, attributes, len(labels)), labels)


def _cluster_sums(affinity: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Sum weights inside clusters and of all edges of clusters, in float64."""
    csr: CSR = as_csr(affinity)
    labels = to_numpy(labels)
    if labels.shape != (csr.shape[0],):
        raise ValueError(
            f"labels has one entry a node, shape ({csr.shape[0]},), got {labels.shape}."
        )
    codes = np.unique(labels, return_inverse=True)[1]
    n_clusters = int(codes.max(initial=-1)) + 1
    rows, columns, weights = (
        to_numpy(part) for part in (csr.entry_rows(), csr.indices, csr.data)
    )
    weights = weights.astype(np.float64, copy=False)
    own = codes[rows]
    volumes = np.bincount(own, weights=weights, minlength=n_clusters)
    together = np.where(own == codes[columns], weights, 0.0)
    return np.bincount(own, weights=together, minlength=n_clusters), volumes
