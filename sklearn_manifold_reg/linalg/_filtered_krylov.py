"""Lowest eigenpairs from a block Krylov space of a Chebyshev filter."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of
from sklearn_manifold_reg.linalg._eigen_block import (
    EigenBlock,
    Projection,
    rayleigh_ritz,
)
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._recurrence import chebyshev_blocks
from sklearn_manifold_reg.linalg._spectral_level import level_of_count
from sklearn_manifold_reg.linalg._tall import combine, inner_products, orthonormalize

# A block has at least as many columns as pairs are wanted, so that none of an
# eigenvalue of high multiplicity is missed, and a multiple of this: products with 16
# columns cost about as much as with 4.
_BLOCK = 16
# Eigenvalues that the filter leaves, as a multiple of those wanted: more make it
# shorter and the space larger. From 2.5 to 4 the time is the same within a tenth.
_KEPT = 3
# Degree of the filter times the square root of the share of the spectrum it leaves.
# From 3 to 5 the time is the same within a tenth.
_SHARPNESS = 4.0
_MAX_DEGREE = 1000
# Where a filter ends, as a multiple of the level below which enough eigenvalues lie,
# or of the last wanted Ritz value: eigenvalues may crowd there.
_MARGIN = 1.25
# Blocks of a space before it is restarted.
_BLOCKS = 6
# Iterations in float32 leave residuals of about 4e-7 of the upper end. They go on to
# the first limit; a pass of the filter in float64 then gains a factor of 50 and more,
# which is worth while down to the second.
_FLOAT32_RESIDUAL = 2e-6
_FLOAT32_TOL = 1e-8
# Columns whose residuals are looked at before those of all are computed.
_N_LAST = 2
# Passes of orthogonalization at most; share of the Gram matrix and overlap with the
# basis that make a pass the last one.
_N_PASSES = 6
_WELL_CONDITIONED = 1e-3
_SMALL_OVERLAP = 0.1


def filtered_krylov(
    wide: Operator,
    narrow: Operator,
    upper: float,
    *,
    n_wanted: int,
    n_free: int,
    project: Projection,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    reference: Any,
    n_jobs: int | None = None,
) -> EigenBlock:
    """Improve a growing space until the residuals of its lowest Ritz pairs are small.

    A polynomial that is large on the lowest eigenvalues and small on the rest is
    applied to the last block of the space, again and again: a block Lanczos method
    for the polynomial, with all blocks kept orthonormal and Ritz pairs taken of the
    operator itself. Compared with Lanczos on the operator, products cost less, since
    they are on blocks, and there are few blocks to be kept orthogonal.

    Parameters
    ----------
    wide, narrow : Operator of shape (n, n)
        The same Hermitian operator, positive semi-definite, in the precision of the
        result and in that of the iteration.
    upper : float
        Bound of the spectrum.
    n_wanted : int
        Number of eigenpairs.
    n_free : int
        Dimension of the space that `project` projects on.
    project : callable
        Projection orthogonal to known eigenvectors.
    tol : float
        Residual norm wanted, relative to the upper end of the spectrum.
    max_iter : int
        Largest number of blocks.
    rng : RandomState
        Source of the start.
    reference : array of shape (n, 0)
        Array whose library, device and dtype the result has.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    block : EigenBlock
        `n_wanted` pairs.

    References
    ----------
    H.-R. Fang, Y. Saad, "A filtered Lanczos procedure for extreme and interior
    eigenvalue problems", SIAM Journal on Scientific Computing 34, 2012,
    doi:10.1137/110836535.

    K. Wu, H. Simon, "Thick-restart Lanczos method for large symmetric eigenvalue
    problems", SIAM Journal on Matrix Analysis and Applications 22, 2000,
    doi:10.1137/S0895479898334605.
    """
    operator = narrow if tol >= _FLOAT32_TOL else wide
    size = min(n_free, -(-n_wanted // _BLOCK) * _BLOCK)
    space = _Space(operator, size, n_free, project, rng, reference, n_jobs)
    B = space.random_block(size)
    plan = plan_filter(operator, B, upper, n_wanted, n_free)
    for n_iter in range(1, max_iter + 1):
        restarted = space.extend(_filtered(operator, B, plan), n_wanted + size)
        B = space.last_block
        final = space.is_full or n_iter == max_iter
        limit = tol if operator is wide else max(tol, _FLOAT32_RESIDUAL)
        if not final and space.last_residual(wide, n_wanted) > limit * upper:
            if restarted:
                # Eigenvalues crowd where the filter ends: a sharper one, beyond them,
                # applied to the Ritz vectors themselves.
                plan = plan.sharper(space.ritz_value(n_wanted - 1))
                first = max(0, n_wanted - 3 * size // 4)
                B = space.ritz_vectors(first, first + size, operator.dtype)
            continue
        X = project(space.ritz_vectors(0, n_wanted, wide.dtype))
        block = rayleigh_ritz(wide, X, n_iter=n_iter, n_jobs=n_jobs)
        if block.norms.max() > tol * upper and operator is not wide:
            # Filtering loses the rounding errors of the lower precision.
            operator = wide
            space = _Space(operator, size, n_free, project, rng, reference, n_jobs)
            space.extend(_filtered(operator, block.vectors, plan), n_wanted)
            X = B = space.last_block
            block = rayleigh_ritz(wide, X, n_iter=n_iter, n_jobs=n_jobs)
        if final or block.norms.max() <= tol * upper:
            break
    return block


@dataclass(frozen=True)
class FilterPlan:
    """Which polynomial separates the lowest eigenvalues from the rest.

    Attributes
    ----------
    upper : float
        Bound of the spectrum.
    level : float
        Lower end of the interval on which the polynomial is at most one.
    degree : int
        Degree of the polynomial.
    """

    upper: float
    level: float
    degree: int

    def sharper(self, value: float) -> "FilterPlan":
        """Give a polynomial of twice the degree that grows well above a value.

        Parameters
        ----------
        value : float
            Eigenvalue that is to be found.

        Returns
        -------
        plan : FilterPlan
            For the same spectrum.
        """
        level = min(max(self.level, _MARGIN * value), self.upper / 2)
        return FilterPlan(self.upper, level, min(2 * self.degree, _MAX_DEGREE))


def plan_filter(
    operator: Operator, B: Any, upper: float, n_wanted: int, n_free: int
) -> FilterPlan:
    """Choose a polynomial by an estimate of where the wanted eigenvalues end.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Hermitian positive semi-definite.
    B : array of shape (n, m)
        Random block of the operator's dtype.
    upper : float
        Bound of the spectrum.
    n_wanted : int
        Number of eigenpairs.
    n_free : int
        Number of eigenvalues in all.

    Returns
    -------
    plan : FilterPlan
        Its degree tells the cost beforehand.
    """
    kept = min(_KEPT * n_wanted + _BLOCK / 2, n_free / 2)
    level = _MARGIN * level_of_count(operator, B, upper, kept, n_free)
    level = min(max(level, upper * (_SHARPNESS / _MAX_DEGREE) ** 2), upper / 2)
    return FilterPlan(upper, level, int(np.ceil(_SHARPNESS * np.sqrt(upper / level))))


def _filtered(operator: Operator, B: Any, plan: FilterPlan) -> Any:
    """Apply the polynomial of a plan to a block."""
    interval = (plan.level, plan.upper)
    for block, _ in chebyshev_blocks(operator, B, plan.degree, interval):
        last = block
    return last


class _Space:
    """Orthonormal basis that grows by blocks, with the operator's section on it."""

    def __init__(
        self,
        operator: Operator,
        size: int,
        n_free: int,
        project: Projection,
        rng: np.random.RandomState,
        reference: Any,
        n_jobs: int | None,
    ) -> None:
        self._operator = operator
        self._size = size
        self._n_free = n_free
        self._project = project
        self._rng = rng
        self._reference = reference
        self._n_jobs = n_jobs
        self._vectors: Any = None
        self._section = np.zeros((0, 0))
        self.n_vectors = 0
        self.last_block: Any = None

    @property
    def is_full(self) -> bool:
        """Whether there is no direction left."""
        return self.n_vectors >= self._n_free

    def random_block(self, n_columns: int) -> Any:
        """Draw a block in the space to search."""
        n = self._reference.shape[0]
        xp, where = namespace_of(self._reference), device(self._reference)
        B = xp.asarray(self._rng.standard_normal((n, n_columns)), device=where)
        return self._project(xp.astype(B, self._operator.dtype))

    def extend(self, B: Any, n_kept: int) -> bool:
        """Add what of a block lies outside; tell if the basis was cut down before."""
        n_columns = min(B.shape[1], self._n_free - self.n_vectors)
        B = self._orthonormal(B[:, :n_columns])
        restarted = self.n_vectors + n_columns > self._capacity
        if restarted:
            self._set(self.ritz_vectors(0, n_kept, self._operator.dtype))
        self._append(B)
        return restarted

    @property
    def _capacity(self) -> int:
        """Number of vectors beyond which there is a restart."""
        if self._n_free <= (_BLOCKS + 2) * self._size:
            return self._n_free
        return _BLOCKS * self._size

    def ritz_vectors(self, first: int, last: int, dtype: Any) -> Any:
        """Give some Ritz vectors, by rising Ritz values."""
        _, C = np.linalg.eigh(self._section)
        X = combine(self._basis(), C[:, first:last], n_jobs=self._n_jobs)
        return namespace_of(X).astype(X, dtype, copy=False)

    def ritz_value(self, number: int) -> float:
        """Give one of the Ritz values, by their order."""
        return float(np.linalg.eigvalsh(self._section)[number])

    def last_residual(self, operator: Operator, n_wanted: int) -> float:
        """Compute the largest residual of the last wanted Ritz pairs."""
        first = max(0, n_wanted - _N_LAST)
        X = self._project(self.ritz_vectors(first, n_wanted, operator.dtype))
        return float(rayleigh_ritz(operator, X, n_jobs=self._n_jobs).norms.max())

    def _basis(self) -> Any:
        return self._vectors[:, : self.n_vectors]

    def _orthonormal(self, B: Any) -> Any:
        """Make a block orthonormal, and orthogonal to the basis."""
        xp, overlaps = namespace_of(B), 0.0
        least = 10 * float(xp.finfo(B.dtype).eps)
        for n_passes in range(1, _N_PASSES + 1):
            # Each time: what is left of known vectors grows as columns are normalized.
            B = self._project(B)
            if self.n_vectors:
                overlap = inner_products(self._basis(), B, n_jobs=self._n_jobs)
                overlaps = np.abs(overlap).max() if n_passes > 1 else np.inf
                B = combine(
                    self._basis(), overlap, subtract_from=B, n_jobs=self._n_jobs
                )
            B, share, empty = orthonormalize(B, least=least, n_jobs=self._n_jobs)
            if np.any(empty):
                # An invariant space: go on outside it.
                fresh = self.random_block(B.shape[1])
                B = xp.where(asarray_like(empty, B)[None, :], fresh, B)
            elif share > _WELL_CONDITIONED and overlaps < _SMALL_OVERLAP:
                break
        return B

    def _append(self, B: Any) -> None:
        xp, n_old = namespace_of(B), self.n_vectors
        self.n_vectors += B.shape[1]
        if not isinstance(B, np.ndarray):
            old = self._vectors
            self._vectors = B if old is None else xp.concat([old, B], axis=1)
        else:
            if self._vectors is None:
                self._vectors = np.empty((B.shape[0], self._capacity), dtype=B.dtype)
            self._vectors[:, n_old : self.n_vectors] = B
        images = self._operator.matmat(B)
        columns = inner_products(self._basis(), images, n_jobs=self._n_jobs)
        section = np.zeros((self.n_vectors, self.n_vectors), dtype=columns.dtype)
        section[:n_old, :n_old] = self._section
        section[:, n_old:] = columns
        section[n_old:, :] = columns.conj().T
        own = columns[n_old:]
        section[n_old:, n_old:] = (own + own.conj().T) / 2
        self._section = section
        self.last_block = B

    def _set(self, B: Any) -> None:
        """Put a basis of a smaller space in place of this one."""
        values = np.linalg.eigvalsh(self._section)[: B.shape[1]]
        self._section = np.diag(values)
        self.n_vectors = B.shape[1]
        if isinstance(B, np.ndarray):
            self._vectors[:, : self.n_vectors] = B
        else:
            self._vectors = B
