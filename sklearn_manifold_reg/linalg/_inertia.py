"""Certified inertia of sparse symmetric matrices by factorization."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu


@dataclass(frozen=True, eq=False)
class Pivots:
    """Diagonal D of a factorization `P A P' = L D L'` and how far to trust it.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Real, non-zero pivots. By Sylvester's law as many are negative as `A + E` has
        negative eigenvalues.
    error : float
        Bound of the norm of E, from the computed factors.
    """

    values: np.ndarray
    error: float


def symmetric_pivots(A: sparse.csc_array) -> Pivots | None:
    """Factorize a symmetric matrix with its pivots on the diagonal.

    Parameters
    ----------
    A : csc_array of shape (n, n)
        Symmetric or complex Hermitian matrix in double precision, which may be
        indefinite.

    Returns
    -------
    pivots : Pivots or None
        None if a pivot off the diagonal had to be taken.

    Notes
    -----
    SuperLU exchanges rows where a pivot on the diagonal is zero; then there is no such
    factorization, and the permutations of rows and columns differ. Otherwise its
    factors are L and `U = D L'` up to rounding. Without a choice of pivots entries may
    grow, so that the error `E = L D L' - P A P'` is bounded afterwards: it is at most
    `gamma |L| |U| + |L| |U - D L'|`, entry by entry, with gamma some rounding errors
    for each entry of a row of L.

    References
    ----------
    N. J. Higham, "Accuracy and stability of numerical algorithms", SIAM, 2002, theorem
    9.3, doi:10.1137/1.9780898718027.
    """
    n = A.shape[0]
    if n == 0:
        return Pivots(np.zeros(0), 0.0)
    try:
        factors = splu(
            A,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError:
        return None
    if not np.array_equal(factors.perm_r, factors.perm_c):
        return None
    L, U = factors.L.tocsr(), factors.U.tocsr()
    values = np.real(U.diagonal())
    if np.any(values == 0) or not np.all(np.isfinite(values)):
        return None
    ideal = sparse.diags_array(values) @ L.conj().T
    ones = np.ones(n)
    gamma = 2 * int(np.diff(L.indptr).max()) * np.finfo(np.float64).eps
    rounding = gamma * (abs(L) @ (abs(U) @ ones))
    asymmetry = abs(L) @ (abs(U - ideal) @ ones)
    return Pivots(values, float(np.max(rounding + asymmetry)))
