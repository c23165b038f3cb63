"""Dense systems in mixed precision."""

from typing import Any

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from sklearn_manifold_reg._arrays import namespace_of

# Below this order a factorization in float64 takes milliseconds.
_LEAST_ORDER = 1000
_MAX_REFINEMENTS = 12
# Rows whose norms are taken at once, so that no second matrix is filled.
_BLOCK = 64


def solve_dense(A: Any, B: Any) -> Any:
    """Solve a general dense system, overwriting nothing.

    Large float64 systems are factorized in float32, at half the time, and refined to
    the accuracy of float64. Where refinement does not converge, because the system is
    ill-conditioned, they are factorized again in float64.

    Parameters
    ----------
    A : array of shape (n, n)
        Matrix.
    B : array of shape (n, n_outputs)
        Right-hand sides.

    Returns
    -------
    X : array of shape (n, n_outputs)
        Solution in the dtype of A. Its backward error is that of a factorization in
        this dtype.

    Notes
    -----
    2/3 n³ operations, and n² numbers in float32 beside A.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import solve_dense
    >>> A, B = np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([[3.0], [4.0]])
    >>> solve_dense(A, B).ravel()
    array([1., 1.])
    """
    large = isinstance(A, np.ndarray) and A.dtype == np.float64
    if large and len(A) >= _LEAST_ORDER:
        X = _refined(A, B)
        if X is not None:
            return X
    return namespace_of(A).linalg.solve(A, B)


def _refined(A: np.ndarray, B: np.ndarray) -> np.ndarray | None:
    """Refine a solution in float32; None if that does not converge."""
    norm = max(
        np.abs(A[i : i + _BLOCK]).sum(axis=1).max() for i in range(0, len(A), _BLOCK)
    )
    if not 1e-30 < norm < 1e30:
        return None
    # LAPACK wants columns: a view of the transpose, which costs no copy.
    narrow = A.astype(np.float32, order="C")
    factor = lu_factor(narrow.T, overwrite_a=True, check_finite=False)
    if np.any(np.diagonal(factor[0]) == 0) or not np.isfinite(factor[0][-1, -1]):
        return None
    # As LAPACK's dsgesv: the residual that a backward stable solution has.
    bound = np.sqrt(len(A)) * np.finfo(np.float64).eps * norm
    X = np.zeros_like(B)
    residual, last = B.copy(), np.inf
    for _ in range(_MAX_REFINEMENTS):
        size = np.abs(residual).max()
        # Scaled, so that small residuals do not underflow in float32.
        step = lu_solve(factor, (residual / (size or 1)).astype(np.float32), trans=1)
        X = X + size * step.astype(np.float64)
        residual = B - A @ X
        worst = np.abs(residual).max()
        if worst <= bound * np.abs(X).max():
            return X
        if not worst < last / 2:
            return None
        last = worst
    return None
