"""scipy's Lanczos method (ARPACK), on an operator and on its inverse."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, splu

from sklearn_manifold_reg.linalg._eigen_block import Projection
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator

# Shift below zero that makes a Laplacian invertible, relative to the upper end.
_SHIFT = 1e-6


def krylov_pairs(
    operator: Operator,
    upper: float,
    n_wanted: int,
    project: Projection,
    *,
    tol: float,
    max_iter: int | None,
    start: np.ndarray,
) -> np.ndarray:
    """Find the lowest eigenvectors as the highest ones of `upper I - A`.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Hermitian positive semi-definite, on the host.
    upper : float
        Bound of its spectrum.
    n_wanted : int
        Number of vectors.
    project : callable
        Projection orthogonal to known eigenvectors.
    tol : float
        Accuracy of the eigenvalues relative to `upper`.
    max_iter : int or None
        Largest number of restarts.
    start : ndarray of shape (n,)
        Start vector.

    Returns
    -------
    vectors : ndarray of shape (n, n_wanted)
        As far as they have converged.
    """

    def flipped(v: np.ndarray) -> np.ndarray:
        block = project(v.reshape(-1, 1))
        return project(upper * block - operator.matmat(block))[:, 0]

    return _lanczos(flipped, operator, n_wanted, project, tol, max_iter, start)


def shift_invert_pairs(
    operator: SparseOperator,
    upper: float,
    n_wanted: int,
    project: Projection,
    *,
    tol: float,
    max_iter: int | None,
    start: np.ndarray,
) -> np.ndarray:
    """Find the lowest eigenvectors as the highest ones of `(A + shift I)^-1`.

    Parameters
    ----------
    operator : SparseOperator of shape (n, n)
        Hermitian positive semi-definite, on the host.
    upper : float
        Bound of its spectrum.
    n_wanted : int
        Number of vectors.
    project : callable
        Projection orthogonal to known eigenvectors.
    tol : float
        Accuracy of the eigenvalues of the inverse.
    max_iter : int or None
        Largest number of restarts.
    start : ndarray of shape (n,)
        Start vector.

    Returns
    -------
    vectors : ndarray of shape (n, n_wanted)
        As far as they have converged.
    """
    n = operator.shape[0]
    A = sparse.csc_array(operator.to_csr().to_scipy())
    shifted = sparse.csc_array(A + _SHIFT * upper * sparse.eye_array(n))
    factor = splu(
        shifted,
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )

    def inverse(v: np.ndarray) -> np.ndarray:
        block = project(v.reshape(-1, 1))
        return project(factor.solve(block[:, 0]).reshape(-1, 1))[:, 0]

    return _lanczos(inverse, operator, n_wanted, project, tol, max_iter, start)


def _lanczos(
    product: Any,
    operator: Operator,
    n_wanted: int,
    project: Projection,
    tol: float,
    max_iter: int | None,
    start: np.ndarray,
) -> np.ndarray:
    n, dtype = operator.shape[0], operator.dtype
    if n_wanted >= n - 1:
        raise ValueError(
            f"ARPACK finds at most n - 2 = {n - 2} eigenpairs beside the known ones, "
            f"got {n_wanted}; take solver='dense'."
        )
    linear = LinearOperator((n, n), matvec=product, dtype=np.result_type(dtype, "f8"))
    v0 = project(start.reshape(-1, 1))[:, 0]
    options = {"which": "LA", "tol": tol / 4, "maxiter": max_iter, "v0": v0}
    try:
        values, vectors = eigsh(linear, n_wanted, **options)
    except ArpackNoConvergence as stopped:
        values, vectors = stopped.eigenvalues, stopped.eigenvectors
        missing = np.random.default_rng(0).standard_normal(
            (n, n_wanted - vectors.shape[1])
        )
        vectors = np.concatenate([vectors, project(missing)], axis=1)
        vectors, _ = np.linalg.qr(vectors)
        return vectors
    return vectors[:, np.argsort(-values)]
