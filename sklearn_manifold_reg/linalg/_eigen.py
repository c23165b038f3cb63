"""Lowest eigenpairs of a symmetric positive semi-definite operator."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_norms,
    device,
    namespace_of,
)
from sklearn_manifold_reg.linalg._chebyshev import chebyshev_steps, largest_eigenvalue
from sklearn_manifold_reg.linalg._fill import square_fill
from sklearn_manifold_reg.linalg._lobpcg import lobpcg
from sklearn_manifold_reg.linalg._multigrid import smoothed_aggregation
from sklearn_manifold_reg.linalg._null_space import NullSpace
from sklearn_manifold_reg.linalg._operators import (
    Operator,
    SparseOperator,
    as_operator,
)
from sklearn_manifold_reg.linalg._system import System, prepare_system, widest_dtype

_SOLVERS = ("auto", "dense", "lobpcg", "chebyshev")
# Rows up to which "auto" takes all eigenpairs of a dense matrix.
_DENSE_ROWS = 1500
# Fill of the square up to which a graph counts as one of few dimensions, on which
# multigrid is cheap and polynomials need a high degree.
_LOW_FILL = 5.0
# Products of a polynomial preconditioner, and the eigenvalue from which it inverts,
# in units of largest / degree².
_DEGREE = 12
_LOW_END = 4.0


@dataclass(frozen=True, eq=False)
class EigenResult:
    """Eigenpairs with the evidence for them.

    Attributes
    ----------
    values : array of shape (n_pairs,)
        Eigenvalues, ascending.
    vectors : array of shape (n, n_pairs)
        Orthonormal eigenvectors; the entry of largest size is positive.
    residual_norms : ndarray of shape (n_pairs,)
        Norms of `A v - value v`, in float64.
    n_iter : int
        Steps of the iteration; 0 for a dense decomposition.
    converged : bool
        Whether every residual met the tolerance.
    solver : str
        Solver that was used: "dense", "lobpcg" or "chebyshev".
    """

    values: Any
    vectors: Any
    residual_norms: np.ndarray
    n_iter: int
    converged: bool
    solver: str


def lowest_eigenpairs(
    operator: Any,
    n_pairs: int,
    *,
    null_space: NullSpace | None = None,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> EigenResult:
    """Compute the lowest eigenpairs of a positive semi-definite operator.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric positive semi-definite, such as a Laplacian.
    n_pairs : int
        Number of eigenpairs, at most n.
    null_space : NullSpace or None, default=None
        Known eigenvectors of eigenvalue 0. They come first in the result and are not
        computed; all others are searched orthogonally to them.
    solver : {"auto", "dense", "lobpcg", "chebyshev"}, default="auto"
        "dense" decomposes the whole matrix; the others iterate on a block of vectors
        (LOBPCG), preconditioned by multigrid or by a polynomial of the operator. "auto"
        takes "dense" up to 1500 rows or for a fifth of all pairs, "lobpcg" on graphs
        of few dimensions, whose squares fill little, and "chebyshev" elsewhere.
    tol : float, default=1e-6
        Residual norm wanted, relative to the largest eigenvalue.
    max_iter : int or None, default=None
        Largest number of steps; None leaves it to the solver.
    random_state : int, RandomState instance or None, default=0
        Seed of the start.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    result : EigenResult
        Eigenpairs in the library, device and floating dtype of the operator.

    Raises
    ------
    ValueError
        If `n_pairs` is not in 1..n, a name is unknown, or a solver that knows NumPy
        only is asked for with arrays of another library.

    Warns
    -----
    ConvergenceWarning
        If a residual does not meet `tol`.

    Notes
    -----
    A step takes two to `n_pairs` times a dozen products with the operator and
    O(n n_pairs²) operations; memory is O(n n_pairs).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.linalg import lowest_eigenpairs
    >>> n = 2000
    >>> A = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    >>> result = lowest_eigenpairs(A, 3, tol=1e-9)
    >>> exact = 2 - 2 * np.cos(np.pi * np.arange(1, 4) / (n + 1))
    >>> bool(np.allclose(result.values, exact, rtol=1e-6))
    True
    """
    operator = as_operator(operator)
    n = operator.shape[0]
    if operator.shape[1] != n:
        raise ValueError(f"`operator` must be square, got shape {operator.shape}.")
    if not 1 <= n_pairs <= n:
        raise ValueError(f"n_pairs must be in 1..{n}, got {n_pairs}.")
    if solver not in _SOLVERS:
        raise ValueError(f"solver must be one of {_SOLVERS}, got {solver!r}.")
    problem = _Problem(operator, null_space, _reference(operator))
    if not problem.on_host and solver in ("dense", "lobpcg"):
        raise ValueError(
            f"solver={solver!r} works on NumPy arrays only; take solver='chebyshev', "
            "or move the arrays to NumPy."
        )
    if solver == "auto":
        solver = _choose(problem, n_pairs)
    n_known = 0 if null_space is None else min(n_pairs, null_space.n_components)
    n_sought = n_pairs - n_known
    largest = largest_eigenvalue(operator, problem.reference)
    n_iter = 0
    if solver == "dense":
        vectors = _dense(problem, n_sought)
    elif n_sought:
        vectors, n_iter = _iterate(
            problem,
            n_sought,
            solver,
            tol * largest,
            max_iter or 200,
            check_random_state(random_state),
            n_jobs,
        )
    else:
        vectors = problem.reference[:, :0]
    return problem.report(vectors, n_known, n_iter, tol * largest, solver)


@dataclass(frozen=True, eq=False)
class _Problem:
    operator: Operator
    null_space: NullSpace | None
    reference: Any

    @property
    def on_host(self) -> bool:
        return isinstance(self.reference, np.ndarray)

    def known(self, n_known: int) -> Any:
        """Give unit vectors of the null space, as dense columns."""
        xp = namespace_of(self.reference)
        if self.null_space is None:
            return self.reference[:, :0]
        _, columns = self.null_space.basis(self.reference)
        eye = xp.eye(
            self.null_space.n_components,
            n_known,
            dtype=self.reference.dtype,
            device=device(self.reference),
        )
        return columns.matmat(eye)

    def report(
        self, vectors: Any, n_known: int, n_iter: int, bound: float, solver: str
    ) -> EigenResult:
        """Put known vectors first, fix signs and measure residuals."""
        xp = namespace_of(self.reference)
        V = xp.concat([self.known(n_known), vectors], axis=1)
        places = xp.argmax(xp.abs(V), axis=0)
        peaks = xp.take_along_axis(V, places[None, :], axis=0)
        V = V * xp.where(peaks < 0, -xp.ones_like(peaks), xp.ones_like(peaks))
        AV = self.operator.matmat(V)
        values = xp.sum(V * AV, axis=0)
        norms = column_norms(AV - V * values[None, :])
        # Rounding alone leaves this much of vectors of lower precision.
        floor = 10 * float(xp.finfo(V.dtype).eps) * bound / max(bound, 1e-300)
        converged = bool(np.all(norms <= max(bound, floor)))
        if not converged:
            warnings.warn(
                f"solver={solver!r} stopped after {n_iter} steps with a residual norm "
                f"of {norms.max():.2g}, above {bound:.2g}. Increase max_iter or tol.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return EigenResult(values, V, norms, n_iter, converged, solver)


def _reference(operator: Operator) -> Any:
    """Make an empty block of the operator's library."""
    probe = operator.to_sparse().csr.data if _is_sparse(operator) else None
    if probe is None:
        return np.empty((operator.shape[0], 0))
    xp = namespace_of(probe)
    shape = (operator.shape[0], 0)
    if isinstance(probe, np.ndarray):
        return np.empty(shape)
    return xp.empty(shape, dtype=widest_dtype(probe), device=device(probe))


def _is_sparse(operator: Operator) -> bool:
    try:
        operator.to_sparse()
    except NotImplementedError:
        return False
    return True


def _choose(problem: _Problem, n_pairs: int) -> str:
    n = problem.operator.shape[0]
    if not problem.on_host:
        return "chebyshev"
    if not _is_sparse(problem.operator):
        return "chebyshev"
    if n <= _DENSE_ROWS or n_pairs > n / 5:
        return "dense"
    fill = square_fill(problem.operator.to_sparse().csr)
    return "lobpcg" if fill <= _LOW_FILL else "chebyshev"


def _dense(problem: _Problem, n_sought: int) -> np.ndarray:
    n = problem.operator.shape[0]
    A = problem.operator.matmat(np.eye(n))
    A = (A + A.T) / 2
    if problem.null_space is not None:
        # Known vectors are moved out of the way.
        known = problem.known(problem.null_space.n_components)
        A += 2 * np.linalg.norm(A, 1) * (known @ known.T)
    _, vectors = linalg.eigh(A, subset_by_index=[0, max(n_sought, 1) - 1])
    return vectors[:, :n_sought]


def _iterate(
    problem: _Problem,
    n_sought: int,
    solver: str,
    bound: float,
    max_iter: int,
    rng: np.random.RandomState,
    n_jobs: int | None,
) -> tuple[Any, int]:
    reference, n = problem.reference, problem.operator.shape[0]
    xp = namespace_of(reference)
    # A few more vectors than wanted: the last ones converge by the gap after them.
    n_free = n - (0 if problem.null_space is None else problem.null_space.n_components)
    size = min(n_free, n_sought + max(3, n_sought // 5))
    system = prepare_system(
        problem.operator,
        size,
        dtype=np.dtype(np.float32) if problem.on_host else problem.operator.dtype,
        scaled=False,
        n_jobs=n_jobs,
    )
    project = _projection(problem, system)
    if solver == "lobpcg":
        precondition = _multigrid(problem, system, n_jobs)
    else:
        precondition = _polynomial(problem, system)
    start = xp.asarray(
        rng.standard_normal((n, size)), dtype=reference.dtype, device=device(reference)
    )
    block = lobpcg(
        system.wide,
        system.enter(start),
        precondition=precondition,
        project=project,
        n_wanted=n_sought,
        bound=bound,
        max_iter=max_iter,
    )
    return system.leave(block.vectors[:, :n_sought]), block.n_iter


def _projection(problem: _Problem, system: System) -> Callable[[Any], Any]:
    """Projection orthogonal to the null space, in the order of the system."""
    space = problem.null_space
    if space is None:
        return lambda B: B
    if system.order is not None:
        weights = None if space.weights is None else space.weights[system.order]
        space = NullSpace(np.asarray(space.labels)[system.order], weights)
    rows, columns = space.basis(problem.reference)
    return lambda B: B - columns.matmat(rows.matmat(B))


def _multigrid(
    problem: _Problem, system: System, n_jobs: int | None
) -> Callable[[Any], Any]:
    if not isinstance(system.wide, SparseOperator):
        raise ValueError(
            "solver='lobpcg' needs the entries of the operator, which is known by its "
            "products only; take solver='chebyshev'."
        )
    A = system.wide
    diagonal = A.diagonal()
    side = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 1)
    own = None if A.diagonal_part is None else A.diagonal_part * side**2
    scaled = SparseOperator(A.csr.scale(side, side), own, A.scale, n_jobs)
    vector, labels = np.ones(len(side)), None
    if problem.null_space is not None:
        if problem.null_space.weights is not None:
            vector = np.asarray(problem.null_space.weights, dtype=np.float64)
        labels = np.asarray(problem.null_space.labels)
        if system.order is not None:
            vector, labels = vector[system.order], labels[system.order]
    hierarchy = smoothed_aggregation(
        scaled, vector / side, components=labels, dtype=np.float32, n_jobs=n_jobs
    )
    hierarchy = replace(hierarchy, side=side.astype(np.float32))

    def precondition(R: np.ndarray) -> np.ndarray:
        # Low precision serves as well here; rows of single blocks keep their scale.
        sizes = np.linalg.norm(R, axis=0)
        unit = np.ascontiguousarray(R / sizes, dtype=np.float32)
        return hierarchy(unit).astype(np.float64)

    return precondition


def _polynomial(problem: _Problem, system: System) -> Callable[[Any], Any]:
    largest = largest_eigenvalue(problem.operator, problem.reference)
    low = _LOW_END * largest / _DEGREE**2
    xp = namespace_of(problem.reference)
    wide, narrow = problem.reference.dtype, system.narrow.dtype

    def precondition(R: Any) -> Any:
        # Columns of norm one: small residuals would leave the range of float32.
        sizes = asarray_like(np.maximum(column_norms(R), 1e-300), R)
        unit = xp.astype(R / sizes, narrow)
        if isinstance(unit, np.ndarray):
            unit = np.ascontiguousarray(unit)
        Z = chebyshev_steps(system.narrow, unit, low, largest, _DEGREE)
        return xp.astype(Z, wide)

    return precondition
