"""Multigrid by smoothed aggregation, applied to all columns at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from sklearn_manifold_reg._arrays import CSR, turn
from sklearn_manifold_reg.linalg._chebyshev import largest_eigenvalue
from sklearn_manifold_reg.linalg._operators import SparseOperator
from sklearn_manifold_reg.linalg._workspace import Workspace
from sklearn_manifold_reg.utils._numba import use_compiled

# Measured on nearest-neighbor graphs of 3 and 784 features: steps fall little below.
_STRENGTH = 0.25
# Damping of the smoother over the largest eigenvalue; any value below 2 converges.
_DAMPING = 1.6
# Rows from which a level is solved by its dense inverse, and share of filled entries
# above which larger levels are too.
_COARSE_ROWS = 500
_DENSE_ROWS = 3000
_DENSE_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Level:
    """One level of a hierarchy, scaled to unit diagonal.

    Attributes
    ----------
    smooth : SparseOperator of shape (n, n)
        `I - omega A`, one damped Jacobi step on the error.
    prolong : CSR of shape (n, n_coarse)
        Interpolation from the next level.
    restrict : CSR of shape (n_coarse, n)
        Its transpose over omega.
    """

    smooth: SparseOperator
    prolong: CSR
    restrict: CSR


@dataclass(frozen=True, eq=False)
class MultigridPreconditioner:
    """A symmetric V-cycle with one Jacobi step before and after.

    Attributes
    ----------
    levels : sequence of Level
        From fine to coarse.
    coarse : ndarray of shape (n_coarsest, n_coarsest)
        Inverse of the coarsest matrix, over the last omega.
    side : ndarray of shape (n,) or None
        Scale that the finest level was given, if `__call__` is to undo it.
    coarse_mass : ndarray of shape (n_coarsest,) or None
        Squared norms on the finest level of what the coarsest unknowns stand for,
        lumped; None if not known.

    Notes
    -----
    One application costs two products with the finest matrix and two with the
    interpolation, each for the whole block on all cores.

    References
    ----------
    P. Vanek, J. Mandel, M. Brezina, "Algebraic multigrid by smoothed aggregation for
    second and fourth order elliptic problems", Computing, 1996,
    doi:10.1007/BF02238511.
    """

    levels: Sequence[Level]
    coarse: np.ndarray
    side: np.ndarray | None = None
    coarse_mass: np.ndarray | None = None

    @classmethod
    def from_pyamg(
        cls, hierarchy: Any, *, dtype: Any = np.float64, n_jobs: int | None = None
    ) -> "MultigridPreconditioner":
        """Take over a hierarchy that pyamg has made.

        Parameters
        ----------
        hierarchy : pyamg.multilevel.MultilevelSolver
            For a symmetric matrix; its levels are used, its smoothers are not.
        dtype : dtype, default=float64
            Dtype of the cycle.
        n_jobs : int or None, default=None
            Threads.

        Returns
        -------
        preconditioner : MultigridPreconditioner
            For `solve(operator, B, preconditioner=...)`.
        """
        matrices = [sparse.csr_array(level.A) for level in hierarchy.levels]
        sides = [_unit_side(A.diagonal()) for A in matrices]
        levels = []
        for k, level in enumerate(hierarchy.levels[:-1]):
            S = sparse.diags_array(sides[k])
            P = sparse.diags_array(1 / sides[k]) @ sparse.csr_array(level.P)
            P = sparse.csr_array(P @ sparse.diags_array(sides[k + 1]))
            A = sparse.csr_array(S @ matrices[k] @ S)
            levels.append(_level(A, P, _spectral_bound(A), dtype, n_jobs))
        S = np.diag(sides[-1])
        coarse = _dense_inverse(S @ matrices[-1].toarray() @ S)
        return cls(levels, coarse.astype(dtype), sides[0])

    def __call__(self, R: Any) -> Any:
        """Apply one cycle.

        Parameters
        ----------
        R : ndarray of shape (n, n_outputs)
            Residuals.

        Returns
        -------
        Z : ndarray of shape (n, n_outputs)
            Approximate solutions of `A Z = R`, up to a positive factor.
        """
        return self.apply(R, Workspace())

    def apply(self, R: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Apply one cycle in given buffers.

        Parameters
        ----------
        R : ndarray of shape (n, n_outputs)
            Residuals.
        workspace : Workspace
            Owner of the result and of what is needed on the way.

        Returns
        -------
        Z : ndarray of shape (n, n_outputs)
            Approximate solutions, valid until the next call with this workspace.
        """
        if self.side is None:
            return self._cycle(0, R, workspace)
        return self.side[:, None] * self._cycle(0, self.side[:, None] * R, workspace)

    def smooth_vectors(self, n_vectors: int) -> np.ndarray:
        """Interpolate the lowest eigenvectors of the coarsest level.

        Parameters
        ----------
        n_vectors : int
            Number wanted.

        Returns
        -------
        vectors : ndarray of shape (n, at most n_vectors)
            Rough eigenvectors of the matrix before it was scaled, a good start for an
            iteration.
        """
        if self.coarse_mass is None:
            raise ValueError("A hierarchy of pyamg does not tell the coarse mass.")
        root = np.sqrt(self.coarse_mass)
        inverse = root[:, None] * self.coarse.astype(np.float64) * root
        last = len(root) - 1
        first = max(0, len(root) - n_vectors)
        _, vectors = linalg.eigh(inverse, subset_by_index=[first, last])
        vectors = (vectors / root[:, None])[:, ::-1]
        vectors = np.ascontiguousarray(vectors, dtype=self.coarse.dtype)
        for level in reversed(self.levels):
            vectors = level.smooth.matmat(level.prolong.matmat(vectors))
        return vectors if self.side is None else self.side[:, None] * vectors

    def _cycle(self, depth: int, R: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Run `R + (I - omega A) (R + P coarse(P^T (I - omega A) R) / omega)`.

        That is the V-cycle over omega, which conjugate gradients cannot tell from it.
        """
        if depth == len(self.levels):
            return self.coarse @ R
        level = self.levels[depth]
        dtype = np.result_type(R.dtype, level.smooth.dtype)
        first = workspace.empty(f"smoothed {depth}", R.shape, dtype)
        second = workspace.empty(f"corrected {depth}", R.shape, dtype)
        ones = np.ones(R.shape[1])
        smoothed = level.smooth.matmat(R, out=first)
        below = self._cycle(depth + 1, level.restrict.matmat(smoothed), workspace)
        corrected = turn(R, ones, level.prolong.matmat(below, out=second))
        return turn(R, ones, level.smooth.matmat(corrected, out=first))


def smoothed_aggregation(
    operator: SparseOperator,
    smooth_vector: np.ndarray,
    *,
    components: np.ndarray | None = None,
    mass: np.ndarray | None = None,
    dtype: Any = np.float32,
    n_jobs: int | None = None,
) -> MultigridPreconditioner:
    """Build a hierarchy for a symmetric matrix with unit diagonal.

    Parameters
    ----------
    operator : SparseOperator of shape (n, n)
        Positive semi-definite, on the host.
    smooth_vector : ndarray of shape (n,)
        Vector that the operator nearly annihilates, such as the scaled constants.
    components : integer ndarray of shape (n,), default=None
        Labels of the components if the operator annihilates `smooth_vector` exactly
        on each of them, -1 where it does not.
    mass : ndarray of shape (n,), default=None
        Squared norms of the unit vectors, for `smooth_vectors`; ones by default.
    dtype : dtype, default=float32
        Dtype of the cycle.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    preconditioner : MultigridPreconditioner
        Its set-up takes about as long as 50 products with a block of 10 columns.
    """
    A = _assembled(operator)
    v = np.asarray(smooth_vector, dtype=np.float64)
    if components is None:
        v = _relaxed(A, v)
    levels = []
    mass = np.ones(len(v)) if mass is None else mass
    while not _is_coarse(A):
        bound = _spectral_bound(A)
        n_coarse, aggregates = _aggregates(A)
        if n_coarse > 0.7 * A.shape[0] and n_coarse > 0:
            break
        T, v_coarse = _tentative(aggregates, n_coarse, v)
        P = sparse.csr_array(T - (4 / 3 / bound) * (A @ T))
        coarse = sparse.csr_array(sparse.csr_array(P.T.tocsr()) @ (A @ P))
        side = _unit_side(coarse.diagonal())
        P = _scaled(P, right=side)
        levels.append(_level(A, P, bound, dtype, n_jobs))
        coarse_v = v_coarse / side
        mass = _lumped(P, mass * v, coarse_v)
        A, v = _scaled(coarse, side, side), coarse_v
        if components is not None:
            components = _inherited(components, aggregates, n_coarse)
    inverse = _dense_inverse(A.toarray(), v, components)
    return MultigridPreconditioner(levels, inverse.astype(dtype), coarse_mass=mass)


def _assembled(operator: SparseOperator) -> sparse.csr_array:
    A = operator.to_csr().to_scipy()
    return A if A.dtype == np.float64 else A.astype(np.float64)


def _is_coarse(A: sparse.csr_array) -> bool:
    n = A.shape[0]
    return n <= _COARSE_ROWS or (n <= _DENSE_ROWS and A.nnz > _DENSE_SHARE * n * n)


def _spectral_bound(A: sparse.csr_array) -> float:
    return largest_eigenvalue(SparseOperator(CSR.from_scipy(A)), np.empty(0))


def _relaxed(A: sparse.csr_array, v: np.ndarray, n_steps: int = 5) -> np.ndarray:
    """Smooth a vector by Jacobi steps, so that it follows the operator locally."""
    csr = CSR.from_scipy(A)
    for _ in range(n_steps):
        v = v - 0.6 * csr.matmat(v)
    return v


def _aggregates(A: sparse.csr_array) -> tuple[int, np.ndarray]:
    from sklearn_manifold_reg.linalg import _multigrid_numba

    function = _multigrid_numba.aggregate
    if not use_compiled():
        function = getattr(function, "py_func", function)
    aggregates = np.empty(A.shape[0], dtype=np.int32)
    strongest = np.empty(A.shape[0])
    arrays = (A.indptr, A.indices, A.data)
    count = function(*arrays, _STRENGTH, strongest, aggregates)
    return int(count), aggregates


def _tentative(
    aggregates: np.ndarray, n_coarse: int, v: np.ndarray
) -> tuple[sparse.csr_array, np.ndarray]:
    """Orthonormal columns, one an aggregate, that reproduce `v`."""
    kept = aggregates >= 0
    owners = aggregates[kept]
    squares = np.bincount(owners, weights=v[kept] ** 2, minlength=n_coarse)
    sizes = np.sqrt(np.where(squares > 0, squares, 1.0))
    indptr = np.zeros(len(v) + 1, dtype=np.int32)
    np.cumsum(kept, out=indptr[1:])
    data = v[kept] / sizes[owners]
    return sparse.csr_array((data, owners, indptr), shape=(len(v), n_coarse)), sizes


def _inherited(
    components: np.ndarray, aggregates: np.ndarray, n_coarse: int
) -> np.ndarray:
    coarse = np.full(n_coarse, -1, dtype=components.dtype)
    kept = aggregates >= 0
    coarse[aggregates[kept]] = components[kept]
    return coarse


def _lumped(P: sparse.csr_array, weighted: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Diagonal with the same product with `v` as the coarse mass matrix."""
    sums = P.T @ weighted
    usable = np.abs(v) > 1e-8 * np.abs(v).max(initial=0)
    lumped = np.where(usable, sums / np.where(usable, v, 1), 0)
    typical = np.median(lumped[lumped > 0]) if np.any(lumped > 0) else 1.0
    return np.where(lumped > 1e-6 * typical, lumped, typical)


def _unit_side(diagonal: np.ndarray) -> np.ndarray:
    positive = diagonal > 0
    return np.where(positive, 1 / np.sqrt(np.where(positive, diagonal, 1.0)), 1.0)


def _scaled(
    A: sparse.csr_array, left: np.ndarray | None = None, right: np.ndarray | None = None
) -> sparse.csr_array:
    return CSR.from_scipy(A).scale(left, right).to_scipy()


def _level(
    A: sparse.csr_array,
    P: sparse.csr_array,
    bound: float,
    dtype: Any,
    n_jobs: int | None,
) -> Level:
    omega = _DAMPING / bound
    csr = CSR.from_scipy(A.astype(dtype))
    ones = np.ones(A.shape[0], dtype=dtype)
    smooth = SparseOperator(csr, diagonal=ones, scale=-omega, n_jobs=n_jobs)
    prolong = CSR.from_scipy(P.astype(dtype))
    restrict = prolong.transpose()
    return Level(
        smooth, prolong, restrict.with_data(restrict.data / csr.dtype.type(omega))
    )


def _dense_inverse(
    A: np.ndarray, v: np.ndarray | None = None, components: np.ndarray | None = None
) -> np.ndarray:
    """Invert the coarsest matrix, orthogonally to its null space."""
    if A.shape[0] == 0:
        return A
    if v is not None and components is not None:
        A = A + _null_projector(v, components)
    try:
        factor = linalg.cholesky(A, check_finite=False)
    except linalg.LinAlgError:
        return linalg.pinvh(A, rtol=1e-10)
    diagonal = np.diagonal(factor)
    if diagonal.min() < 1e-5 * diagonal.max():
        return linalg.pinvh(A, rtol=1e-10)
    half = linalg.solve_triangular(factor, np.eye(A.shape[0]), check_finite=False)
    return half @ half.T


def _null_projector(v: np.ndarray, components: np.ndarray) -> np.ndarray:
    inside = components >= 0
    squares = np.bincount(components[inside], weights=v[inside] ** 2)
    sizes = np.sqrt(np.where(squares > 0, squares, 1.0))
    unit = np.where(inside, v / sizes[np.where(inside, components, 0)], 0.0)
    same = components[:, None] == components[None, :]
    return same * np.outer(unit, unit)
