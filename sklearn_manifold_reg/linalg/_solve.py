"""Solve symmetric positive (semi-)definite systems with many right-hand sides."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of
from sklearn_manifold_reg.linalg._chebyshev import (
    ChebyshevPreconditioner,
    largest_eigenvalue,
)
from sklearn_manifold_reg.linalg._conjugate_gradients import (
    Iterate,
    Monitor,
    conjugate_gradients,
)
from sklearn_manifold_reg.linalg._direct import (
    DenseFactor,
    SparseFactor,
    dense_factor,
    sparse_factor,
)
from sklearn_manifold_reg.linalg._fill import square_fill
from sklearn_manifold_reg.linalg._multigrid import (
    MultigridPreconditioner,
    smoothed_aggregation,
)
from sklearn_manifold_reg.linalg._null_space import (
    DenseNullSpace,
    NullSpace,
    as_null_space,
)
from sklearn_manifold_reg.linalg._operators import (
    DenseOperator,
    Operator,
    SparseOperator,
    as_operator,
)
from sklearn_manifold_reg.linalg._power_system import power_form
from sklearn_manifold_reg.linalg._problem import Problem, pose
from sklearn_manifold_reg.linalg._result import SolveResult
from sklearn_manifold_reg.linalg._system import System, prepare_system

_SOLVERS = ("auto", "cg", "amg", "direct")
_PRECONDITIONERS = ("auto", "jacobi", "chebyshev", "amg")
# Rows up to which "auto" factorizes: a dense Cholesky factorization then takes no
# longer than an iteration.
_AUTO_DENSE_ROWS = 500
# Rows up to which a direct factorization is dense.
_DIRECT_DENSE_ROWS = 2000
# Steps between judgments of a run, and before the first one: residuals hardly fall in
# the beginning, even where a hundred steps suffice. Powers of a matrix take longer.
_TRIAL = 20
_FIRST_TRIAL = 40
_FIRST_POWER_TRIAL = 100
# Steps of conjugate gradients that multigrid takes for a typical solution, measured on
# graphs of 2 to 784 features; those that its set-up takes, divided by the outputs.
_PATIENCE = 200
_SET_UP = 200
# The same for the assembled power of a matrix, divided by the square of its fill.
_POWER_PATIENCE = 50
# Tolerances from which iterations run in float32; residuals are in float64 anyway.
_NARROW_TOL = 1e-9


def solve(
    operator: Any,
    B: Any,
    *,
    solver: str = "auto",
    preconditioner: Any = "auto",
    null_space: Any = None,
    near_null_space: NullSpace | None = None,
    x0: Any = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_jobs: int | None = None,
) -> SolveResult:
    """Solve `A X = B` for a symmetric positive (semi-)definite operator.

    Parameters
    ----------
    operator : Operator, sparse array, LinearOperator or array of shape (n, n)
        Symmetric positive definite, or semi-definite with a known null space.
    B : array of shape (n,) or (n, n_outputs)
        Right-hand sides.
    solver : {"auto", "cg", "amg", "direct"}, default="auto"
        "cg" are conjugate gradients on all columns at once; "amg" the same with a
        multigrid preconditioner; "direct" factorizes (dense up to 2000 rows, else
        sparse). "auto" factorizes small systems and otherwise starts "cg" and
        changes to "amg" if the first steps promise too little.
    preconditioner : str, callable or None, default="auto"
        For "cg": "jacobi", which "auto" takes, "chebyshev" or "amg"; None for none; or
        a symmetric positive map of residual blocks, such as a hierarchy of pyamg
        wrapped in `MultigridPreconditioner.from_pyamg`.
    null_space : NullSpace, array of shape (n, n_vectors) or None, default=None
        Null space of the operator: component labels, or orthonormal columns. It is
        removed from `B` and from the solution, which is then the one of least norm.
    near_null_space : NullSpace or None, default=None
        Vectors that the operator nearly annihilates, such as those of the Laplacian L
        in `S + c L` with few labeled nodes in S. They are taken out of the iteration
        where they are (deflation), and multigrid interpolates them exactly. None tries
        the weights of `null_space`, or constants, on each component.
    x0 : array of the shape of B, default=None
        Start of the iteration. None stands for zeros.
    tol : float, default=1e-6
        Residual norm wanted for each column, relative to that of `B`. It is met by
        true residuals in float64, whatever the dtype of `B`.
    max_iter : int, default=1000
        Largest number of steps.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    result : SolveResult
        Solution, steps and residuals.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, a name is unknown, the operator
        is not positive semi-definite, or a solver that knows NumPy only is asked for
        with arrays of another library.

    Warns
    -----
    UserWarning
        If more than 1e-6 of a right-hand side lies in the null space.
    ConvergenceWarning
        If a column does not meet `tol`.

    See Also
    --------
    factorize : Factorize once, solve often.

    Notes
    -----
    On the host sparse systems are scaled to unit diagonal, renumbered by reverse
    Cuthill-McKee where that pays, and iterated on in float32 with true residuals in
    float64, unless `tol` is below 1e-9. A diagonal plus a power of a sparse matrix is
    multiplied factor by factor, and assembled for multigrid and "direct" only. Cost:
    O((nnz + n) n_outputs) a step.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.linalg import solve
    >>> A = sparse.diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(900, 900))
    >>> result = solve(A, np.ones((900, 2)), tol=1e-8)
    >>> result.x[450].round(4).tolist()
    [2.0, 2.0]
    >>> bool(result.residual_norm.max() <= 1e-8)
    True
    """
    operator = as_operator(operator)
    _check_choice(solver, preconditioner, max_iter)
    problem = pose(operator, B, as_null_space(null_space), tol)
    options = _Options(x0, max_iter, n_jobs, near_null_space)
    if not problem.on_host:
        _refuse_host_solvers(solver, preconditioner, problem)
    if solver == "direct":
        return _solve_directly(problem, factorize(operator, null_space=null_space))
    if solver == "auto" and preconditioner == "auto" and problem.on_host:
        return _solve_automatically(problem, options)
    if solver == "amg":
        preconditioner = "amg"
    return _iterate(problem, preconditioner, options)


def factorize(
    operator: Any, *, null_space: Any = None, method: str = "auto"
) -> "Factorization":
    """Factorize a symmetric positive (semi-)definite operator, to solve often.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Operator that can be assembled on the host.
    null_space : NullSpace, array of shape (n, n_vectors) or None, default=None
        Its null space. A sparse factorization takes component labels only.
    method : {"auto", "dense", "sparse"}, default="auto"
        "dense" is a Cholesky factorization in O(n^3), "sparse" an LU factorization
        with minimum-degree ordering, cheap for graphs of low dimension. "auto" takes
        "dense" up to 2000 rows.

    Returns
    -------
    factorization : Factorization
        Object with `solve(B)`.

    Raises
    ------
    ValueError
        If the operator is singular beyond `null_space`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import factorize
    >>> factorization = factorize(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> factorization.solve(np.array([3.0, 3.0])).x.round(6).tolist()
    [1.0, 1.0]
    """
    operator = as_operator(operator)
    null_space = as_null_space(null_space)
    if method not in ("auto", "dense", "sparse"):
        raise ValueError(f"method must be 'auto', 'dense' or 'sparse', got {method!r}.")
    if method == "auto":
        dense = isinstance(operator, DenseOperator) or (
            operator.shape[0] <= _DIRECT_DENSE_ROWS
            or isinstance(null_space, DenseNullSpace)
        )
        method = "dense" if dense else "sparse"
    make = dense_factor if method == "dense" else sparse_factor
    return Factorization(operator, make(operator, null_space), null_space)


@dataclass(frozen=True, eq=False)
class Factorization:
    """A factorized operator; made by `factorize`.

    Attributes
    ----------
    operator : Operator
        The operator, against which solutions are checked.
    factor : DenseFactor or SparseFactor
        Its factor. The sparse one is rebuilt when it is loaded from a pickle.
    null_space : NullSpace, DenseNullSpace or None
        Its null space.
    """

    operator: Operator
    factor: DenseFactor | SparseFactor
    null_space: NullSpace | DenseNullSpace | None = None

    def solve(self, B: Any, *, tol: float = 1e-6) -> SolveResult:
        """Solve for right-hand sides.

        Parameters
        ----------
        B : ndarray of shape (n,) or (n, n_outputs)
            Right-hand sides.
        tol : float, default=1e-6
            Relative residual norm above which a warning is given; usually some 1e-14
            is reached.

        Returns
        -------
        result : SolveResult
            Solution and residuals.
        """
        return _solve_directly(pose(self.operator, B, self.null_space, tol), self)


@dataclass(frozen=True, eq=False)
class _Options:
    x0: Any
    max_iter: int
    n_jobs: int | None
    near_null_space: NullSpace | None


def _check_choice(solver: str, preconditioner: Any, max_iter: int) -> None:
    if solver not in _SOLVERS:
        raise ValueError(f"solver must be one of {_SOLVERS}, got {solver!r}.")
    known = preconditioner is None or callable(preconditioner)
    if not known and preconditioner not in _PRECONDITIONERS:
        raise ValueError(
            f"preconditioner must be one of {_PRECONDITIONERS}, a callable or None, "
            f"got {preconditioner!r}."
        )
    if max_iter < 1:
        raise ValueError(f"max_iter must be at least 1, got {max_iter}.")


def _refuse_host_solvers(solver: str, preconditioner: Any, problem: Problem) -> None:
    name = namespace_of(problem.B).__name__
    for what, value in (("solver", solver), ("preconditioner", preconditioner)):
        if value in ("direct", "amg"):
            raise ValueError(
                f"{what}={value!r} works on NumPy arrays only, got arrays of {name}. "
                "Take solver='cg' with preconditioner='jacobi' or 'chebyshev', or move "
                "the arrays to NumPy."
            )


def _solve_directly(problem: Problem, factorization: Factorization) -> SolveResult:
    factor = factorization.factor
    X = factor.solve(problem.B)
    # One step of refinement gives back what a factorization without pivoting loses.
    X += factor.solve(problem.B - problem.operator.matmat(X))
    name = "dense" if isinstance(factor, DenseFactor) else "direct"
    steps = np.zeros(len(problem.sizes), dtype=np.int64)
    return problem.report(X, steps, problem.residual_norms(X), name)


def _solve_automatically(problem: Problem, options: _Options) -> SolveResult:
    operator = problem.operator
    if operator.shape[0] <= _AUTO_DENSE_ROWS and options.x0 is None:
        try:
            factorization = factorize(operator, null_space=problem.null_space)
            return _solve_directly(problem, factorization)
        except (ValueError, NotImplementedError):
            # Singular, or known by products only: iterations need less.
            pass
    run = _start(problem, "auto", options)
    form = power_form(operator)
    if form is not None:
        trial = _Trial(
            _POWER_PATIENCE * square_fill(form.base.csr) ** 2, _FIRST_POWER_TRIAL
        )
    elif isinstance(run.system.wide, SparseOperator):
        trial = _Trial(_PATIENCE + _SET_UP / (1 + len(problem.sizes) / 2))
    else:
        return _iterate(problem, "auto", options)
    answer = run.go_on(options.max_iter, monitor=trial)
    done = answer.n_iter.max(initial=0)
    if np.all(answer.norms <= problem.bounds) or done >= options.max_iter:
        return run.report(answer, "cg")
    if form is not None:
        X = run.system.leave(answer.Y)
        problem = replace(problem, operator=operator.to_sparse())
        run = _start(problem, "amg", options)
        answer = replace(answer, Y=run.system.enter_solution(X))
    precondition = _multigrid(run.system, problem, options)
    return run.report(
        run.go_on(options.max_iter - done, answer, precondition=precondition), "amg"
    )


def _iterate(problem: Problem, preconditioner: Any, options: _Options) -> SolveResult:
    if preconditioner == "amg" and power_form(problem.operator) is not None:
        # Multigrid needs the entries.
        problem = replace(problem, operator=problem.operator.to_sparse())
    run = _start(problem, preconditioner, options)
    system = run.system
    precondition = None
    if callable(preconditioner):
        precondition = preconditioner
    elif preconditioner == "amg":
        precondition = _multigrid(system, problem, options)
    elif preconditioner == "chebyshev":
        largest = largest_eigenvalue(system.wide, problem.B)
        precondition = ChebyshevPreconditioner(system.narrow, largest)
    elif preconditioner is not None and system.side is None:
        precondition = _jacobi(problem)
    name = "amg" if preconditioner == "amg" else "cg"
    return run.report(run.go_on(options.max_iter, precondition=precondition), name)


@dataclass(frozen=True, eq=False)
class _Run:
    """A problem inside its prepared system."""

    problem: Problem
    system: System
    B: Any
    start: Any
    n_jobs: int | None

    def go_on(
        self,
        max_iter: int,
        last: Iterate | None = None,
        *,
        precondition: Any = None,
        monitor: Monitor | None = None,
    ) -> Iterate:
        answer = conjugate_gradients(
            self.system,
            self.B,
            self.start if last is None else last.Y,
            self.problem.bounds,
            precondition=precondition,
            max_iter=max_iter,
            monitor=monitor,
            n_jobs=self.n_jobs,
        )
        if last is None:
            return answer
        return Iterate(answer.Y, last.n_iter + answer.n_iter, answer.norms)

    def report(self, answer: Iterate, solver: str) -> SolveResult:
        X = self.system.leave(answer.Y)
        return self.problem.report(X, answer.n_iter, answer.norms, solver)


def _start(problem: Problem, preconditioner: Any, options: _Options) -> _Run:
    """Prepare a system and bring right-hand sides and start into it."""
    if preconditioner is None or callable(preconditioner):
        # A callable knows the operator as the user does: unscaled, in its order.
        system = System(problem.operator, problem.operator)
    else:
        dtype = problem.original.dtype
        if problem.on_host:
            narrow = problem.tol >= _NARROW_TOL
            dtype = np.dtype(np.float32 if narrow else np.float64)
        system = prepare_system(
            problem.operator, problem.B.shape[1], dtype=dtype, n_jobs=options.n_jobs
        )
        near = options.near_null_space
        labels = None if near is None else np.asarray(near.labels)
        system = system.deflated(_smooth_vector(problem, near), labels)
    start = system.enter_solution(problem.start(options.x0))
    return _Run(problem, system, system.enter(problem.B), start, options.n_jobs)


def _smooth_vector(problem: Problem, near: NullSpace | None) -> Any:
    """Vector that the operator (nearly) annihilates on each component."""
    weights = None
    for space in (near, problem.null_space):
        if weights is None and isinstance(space, NullSpace):
            weights = space.weights
    if weights is None:
        weights = np.ones(problem.operator.shape[0])
    vector = asarray_like(weights, problem.B)
    return namespace_of(vector).astype(vector, problem.B.dtype)


def _multigrid(
    system: System, problem: Problem, options: _Options
) -> MultigridPreconditioner:
    """Build a hierarchy that knows the exact and the deflated null vectors."""
    if not isinstance(system.wide, SparseOperator):
        raise ValueError(
            "Multigrid needs the entries of the operator, which is known by its "
            "products only; take preconditioner='jacobi', 'chebyshev' or None."
        )
    vector = _smooth_vector(problem, options.near_null_space)
    components = np.full(len(vector), -1)
    if isinstance(problem.null_space, NullSpace):
        labels = np.asarray(problem.null_space.labels)
        components = labels if system.order is None else labels[system.order]
    if system.deflation is not None:
        taken = system.deflation.labels
        components = np.where(taken >= 0, components.max() + 1 + taken, components)
    return smoothed_aggregation(
        system.wide,
        system.enter_solution(vector[:, None])[:, 0],
        components=components if np.any(components >= 0) else None,
        dtype=system.narrow.dtype,
        n_jobs=options.n_jobs,
    )


class _Trial:
    """Monitor that stops a run which promises to take too long.

    From step `first` on, every 20 steps those that are left are predicted from the
    fall of the worst residual over the last half of the steps. Two predictions beyond
    `patience` in a row end the run: single ones are off where residuals stagnate.
    """

    def __init__(self, patience: float, first: int = _FIRST_TRIAL) -> None:
        self.patience = patience
        self.first = first
        self.history: list[float] = []
        self.doubts = 0

    def __call__(self, step: int, excess: np.ndarray) -> bool:
        worst = max(float(np.max(excess)), np.finfo(float).tiny)
        self.history.append(np.log(worst))
        if step < self.first or step % _TRIAL:
            return False
        now, before = self.history[-1], self.history[step // 2 - 1]
        rate = (before - now) / (step - step // 2)
        self.doubts = self.doubts + 1 if now > self.patience * rate else 0
        return self.doubts == 2


def _jacobi(problem: Problem) -> Any:
    """Jacobi's preconditioner of an operator that cannot be scaled itself."""
    try:
        diagonal = problem.operator.diagonal()
    except NotImplementedError:
        return None
    xp = namespace_of(diagonal)
    usable = diagonal > 0
    inverse = xp.where(usable, 1 / xp.where(usable, diagonal, 1.0), 1.0)[:, None]
    return lambda R: inverse * R
