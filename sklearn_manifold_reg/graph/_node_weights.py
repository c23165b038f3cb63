"""Weights of graphs as kernels between nodes take them."""

from typing import Any

import array_api_compat
import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.graph._graph import Graph
from sklearn_manifold_reg.graph._laplacian import as_csr
from sklearn_manifold_reg.graph._node_kernel_functions import to_dense
from sklearn_manifold_reg.graph._precomputed import (
    dense_to_csr,
    symmetric_dense_part,
    symmetric_part,
)

# Above this many nodes a dense matrix fills 3.2 GB.
_LARGEST_GRAPH = 20_000
# Below this order a dense eigenvalue problem is nothing.
_SMALL = 64


def check_weights(affinity: Any) -> CSR:
    """Check the weights of a graph, and make them symmetric.

    Parameters
    ----------
    affinity : array, sparse array or matrix, CSR or Graph of shape (n, n)
        Weights.

    Returns
    -------
    csr : CSR of shape (n, n)
        Without stored zeros, on the host.

    Raises
    ------
    ValueError
        If they are not square, for one node only or more than 20,000, or one is
        negative or not finite.

    Warns
    -----
    UserWarning
        If they are not symmetric.
    """
    if isinstance(affinity, Graph):
        affinity = affinity.affinity
    foreign = array_api_compat.is_array_api_obj(affinity) and not isinstance(
        affinity, np.ndarray
    )
    if foreign and affinity.ndim == 2 and affinity.shape[0] == affinity.shape[1]:
        csr = dense_to_csr(affinity)
        xp = namespace_of(affinity)
        if not bool(xp.all(xp.isfinite(affinity))) or bool(xp.any(affinity < 0)):
            _refuse(float(xp.min(affinity)))
    else:
        csr = as_csr(affinity)
    n = csr.shape[0]
    if n < 2:
        raise ValueError("A kernel between nodes needs two nodes, got 1 sample.")
    if n > _LARGEST_GRAPH:
        raise ValueError(
            f"A kernel between all pairs of {n} nodes does not fit into memory; "
            f"{_LARGEST_GRAPH} nodes are allowed. "
            "sklearn_manifold_reg.kernel.GraphRandomFeatures approximates kernels of "
            "larger graphs."
        )
    xp = namespace_of(csr.data)
    if csr.nnz and not bool(xp.all(xp.isfinite(csr.data) & (csr.data >= 0))):
        _refuse(float(xp.min(csr.data)))
    if not isinstance(csr.data, np.ndarray):
        return dense_to_csr(symmetric_dense_part(to_dense(csr)))
    A = csr.to_scipy()
    if csr.nnz and csr.data.min() == 0:
        A = A.copy()
        A.eliminate_zeros()
    return CSR.from_scipy(symmetric_part(A))


def _refuse(least: float) -> None:
    raise ValueError(
        "Weights of a graph are finite and not negative; the least of the affinity is "
        f"{least:.3g}."
    )


def widest_dtype(csr: CSR) -> Any:
    """Give float64, where the device has it.

    Parameters
    ----------
    csr : CSR
        Matrix.

    Returns
    -------
    dtype : dtype
        Of the library of the matrix.
    """
    xp = namespace_of(csr.data)
    if isinstance(csr.data, np.ndarray):
        return np.dtype(np.float64)
    known = xp.__array_namespace_info__().dtypes(
        device=device(csr.data), kind="real floating"
    )
    return known.get("float64", csr.dtype)


def spectral_radius(csr: CSR) -> float:
    """Compute the largest eigenvalue of symmetric weights, on the host.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Non-negative.

    Returns
    -------
    radius : float
        By a Lanczos method, or a dense decomposition where that does not converge.
    """
    A = csr.to_scipy()
    if csr.nnz == 0:
        return 0.0
    if csr.shape[0] > _SMALL:
        start = np.sqrt(A.sum(axis=1)) + 1e-3
        try:
            values = eigsh(A, 1, which="LA", v0=start, return_eigenvectors=False)
            return float(values[0])
        except ArpackNoConvergence:
            pass
    return float(np.linalg.eigvalsh(A.toarray())[-1])
