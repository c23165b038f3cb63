"""Lowest eigenpairs of a Hermitian positive semi-definite operator."""

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_dots,
    column_norms,
    device,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.linalg._arpack import krylov_pairs, shift_invert_pairs
from sklearn_manifold_reg.linalg._canonical import canonical_basis
from sklearn_manifold_reg.linalg._eigen_block import Projection
from sklearn_manifold_reg.linalg._fill import square_fill
from sklearn_manifold_reg.linalg._filtered_krylov import (
    filtered_krylov,
    plan_filter,
)
from sklearn_manifold_reg.linalg._lobpcg import lobpcg
from sklearn_manifold_reg.linalg._multigrid import smoothed_aggregation
from sklearn_manifold_reg.linalg._null_space import NullSpace
from sklearn_manifold_reg.linalg._operators import (
    DenseOperator,
    Operator,
    SparseOperator,
    as_operator,
)
from sklearn_manifold_reg.linalg._probes import projection
from sklearn_manifold_reg.linalg._spectral_interval import spectral_interval
from sklearn_manifold_reg.linalg._system import System, prepare_system
from sklearn_manifold_reg.linalg._tall import adjoint
from sklearn_manifold_reg.utils._blas import single_threaded_blas

_SOLVERS = ("auto", "dense", "lobpcg", "chebyshev", "arpack", "shift-invert")
_HOST_ONLY = ("lobpcg", "arpack", "shift-invert")
# Rows up to which "auto" takes all eigenpairs of a dense matrix, and the largest matrix
# that it makes dense because many pairs are wanted.
_DENSE_ROWS = 1500
_MOST_DENSE_ROWS = 10_000
# Degree of the filter above which multigrid is faster, where it coarsens well: where
# the square of the matrix fills up to this. Measured on rolls, cubes of one to eight
# dimensions and images, see benchmarks/RESULTS.md.
_HIGH_DEGREE = 160
_LOW_FILL = 5.0
# Random vectors from which the degree is estimated, to about a tenth.
_N_PROBES = 4
# Lanczos steps for the upper end of the spectrum: they find it to a few percent.
_N_BOUND_STEPS = 10
# Eigenvalues this close, relative to an upper bound, count as one.
_EQUAL = 1e-8
# Noise in the start of "lobpcg", relative to the rough eigenvectors it starts from.
_NOISE = 0.02
_MAX_ITER = {"chebyshev": 100, "lobpcg": 200}


@dataclass(frozen=True, eq=False)
class EigenResult:
    """Eigenpairs with the evidence for them.

    Attributes
    ----------
    values : array of shape (n_pairs,)
        Eigenvalues, ascending.
    vectors : array of shape (n, n_pairs)
        Orthonormal eigenvectors; with a mass matrix M, `vectors' M vectors` is the
        identity.
    residual_norms : ndarray of shape (n_pairs,)
        Norms of `A v - value v`, in float64. With a mass matrix those of
        `M^-1/2 (A v - value M v)`.
    n_iter : int
        Steps of the iteration; 0 for a dense decomposition and for ARPACK, which does
        not tell.
    converged : bool
        Whether every residual met the tolerance.
    solver : str
        Solver that was used.
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
    mass: Any = None,
    null_space: NullSpace | None = None,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> EigenResult:
    """Compute the lowest eigenpairs of a positive semi-definite operator.

    Solves `A v = value v`, or `A v = value M v` with a diagonal mass matrix M.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Hermitian positive semi-definite, such as a Laplacian.
    n_pairs : int
        Number of eigenpairs, at most n.
    mass : array of shape (n,) or None, default=None
        Positive diagonal of M, such as the areas that the vertices of a mesh stand for.
    null_space : NullSpace or None, default=None
        Known eigenvectors of eigenvalue 0. They come first in the result and are not
        computed; all others are searched orthogonally to them.
    solver : {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}, \
default="auto"
        - "dense" decomposes the whole matrix;
        - "chebyshev" builds a block Krylov space of a polynomial filter: fast unless
          eigenvalues crowd at zero;
        - "lobpcg" iterates on a block of vectors with a multigrid preconditioner: fast
          on large graphs of curves and surfaces, whose eigenvalues crowd at zero;
        - "arpack" is scipy's Lanczos method on `c I - A` with the product of this
          package; of an eigenvalue of high multiplicity it may miss copies;
        - "shift-invert" is the same on the inverse, by a sparse factorization.

        "auto" takes "dense" up to 1500 rows, or where more than a fifth of the unknown
        pairs of up to 10,000 rows are wanted; "lobpcg" where an estimate of the
        spectrum's lower end asks for filters of a degree above 160, and the square of
        the matrix has at most 5 times as many entries as the matrix, as on large graphs
        of one or two dimensions; and "chebyshev" elsewhere. Device arrays know "dense"
        and "chebyshev" only.
    tol : float, default=1e-6
        Residual norm wanted, relative to an upper bound of the spectrum.
    max_iter : int or None, default=None
        Largest number of steps. None stands for 100 with "chebyshev", whose steps are
        blocks of filter products, for 200 with "lobpcg", and for scipy's default.
    random_state : int, RandomState instance or None, default=0
        Seed of the start.
    n_jobs : int or None, default=None
        Threads, for NumPy only. The result does not depend on it.

    Returns
    -------
    result : EigenResult
        In the library, device and dtype of the operator. The entry of largest size of
        a vector is positive, and among those within a thousandth of it the first;
        vectors of one eigenvalue are rotated to a basis that depends on their span
        only. So the same operator gives the same vectors, if the last eigenvalue is
        not one of several equal ones.

    Raises
    ------
    ValueError
        If the operator is not Hermitian, `n_pairs` is not in 1..n, `mass` is not
        positive, a name is unknown, or a solver that knows NumPy only is asked for
        with arrays of another library.

    Warns
    -----
    ConvergenceWarning
        If a residual does not meet `tol`.

    Notes
    -----
    float32 operators are solved with float64 products where it matters; iterations run
    in float32 as far as its accuracy goes. "chebyshev" keeps up to eight blocks of
    vectors in float32, each of `n_pairs` rounded up to a multiple of 16; "lobpcg" six
    blocks of about 1.2 `n_pairs` in float64.

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
    problem = _pose(operator, mass, null_space)
    if not problem.on_host and solver in _HOST_ONLY:
        raise ValueError(
            f"solver={solver!r} works on NumPy arrays only; take solver='chebyshev', "
            "or move the arrays to NumPy."
        )
    rng = check_random_state(random_state)
    if solver == "auto":
        solver = _choose(problem, n_pairs, rng)
    n_known = 0 if null_space is None else min(n_pairs, null_space.n_components)
    n_iter, vectors = 0, problem.reference[:, :0]
    if n_pairs > n_known:
        iterates = problem.on_host and solver != "dense"
        with single_threaded_blas() if iterates else nullcontext():
            vectors, n_iter = _SEARCHES[solver](
                problem,
                n_pairs - n_known,
                tol,
                max_iter or _MAX_ITER.get(solver),
                rng,
                n_jobs,
            )
    return _report(problem, vectors, n_known, n_iter, tol, solver)


@dataclass(frozen=True, eq=False)
class _Problem:
    """A standard eigenproblem, and how its vectors become those asked for.

    Attributes
    ----------
    operator : Operator
        `M^-1/2 A M^-1/2`.
    side : array of shape (n,) or None
        Diagonal of `M^-1/2`.
    null_space : NullSpace or None
        Of this operator.
    reference : array of shape (n, 0)
        In the widest dtype of the library and device.
    dtype : dtype
        Dtype of the result.
    upper : float
        Bound of the spectrum.
    """

    operator: Operator
    side: Any
    null_space: NullSpace | None
    reference: Any
    dtype: Any
    upper: float

    @property
    def on_host(self) -> bool:
        return isinstance(self.reference, np.ndarray)

    @property
    def n_free(self) -> int:
        known = 0 if self.null_space is None else self.null_space.n_components
        return int(self.operator.shape[0]) - known

    def known(self, n_known: int) -> Any:
        """Give unit vectors of the null space, as dense columns."""
        if self.null_space is None:
            return self.reference[:, :0]
        xp = namespace_of(self.reference)
        _, columns = self.null_space.basis(self.reference)
        where, dtype = device(self.reference), self.reference.dtype
        eye = xp.eye(columns.shape[1], n_known, dtype=dtype, device=where)
        return columns.matmat(eye)


def _pose(operator: Operator, mass: Any, null_space: NullSpace | None) -> _Problem:
    if isinstance(operator, DenseOperator):
        probe = operator.array
    else:
        try:
            probe = operator.to_sparse().csr.data
        except NotImplementedError:
            probe = np.empty(0)
    xp, dtype = namespace_of(probe), operator.dtype
    where = device(probe)
    if xp.isdtype(dtype, "complex floating"):
        wide = xp.complex128
    else:
        kinds = xp.__array_namespace_info__().dtypes(device=where, kind="real floating")
        wide = kinds.get("float64", kinds["float32"])
        if not xp.isdtype(dtype, "real floating"):
            dtype = wide
    reference = xp.empty((operator.shape[0], 0), dtype=wide, device=where)
    if mass is None:
        upper = _upper_end(operator)
        return _Problem(operator, None, null_space, reference, dtype, upper)
    weights = asarray_like(to_numpy(mass).astype(np.float64), reference)
    n = operator.shape[0]
    if weights.shape != (n,):
        raise ValueError(
            "`mass` is the positive diagonal of a mass matrix, an array of shape "
            f"({n},), got shape {tuple(weights.shape)}."
        )
    if not bool(xp.all(weights > 0)):
        raise ValueError(f"`mass` must be positive, got {float(xp.min(weights)):.3g}.")
    side = 1 / xp.sqrt(weights)
    matrix = operator.to_sparse()
    own = matrix.diagonal_part
    own = None if own is None else xp.astype(own, wide) * side**2
    csr = matrix.csr.astype(wide).scale(side, side)
    if null_space is not None:
        old = null_space.weights
        old = np.ones(len(null_space.labels)) if old is None else to_numpy(old)
        null_space = NullSpace(null_space.labels, old / to_numpy(side))
    scaled = SparseOperator(csr, own, matrix.scale, matrix.n_jobs)
    upper = _upper_end(scaled)
    return _Problem(scaled, side, null_space, reference, dtype, upper)


def _upper_end(operator: Operator) -> float:
    _, upper = spectral_interval(operator, n_steps=_N_BOUND_STEPS)
    # An operator of zeros has any number for a bound.
    return upper if upper > 0 else 1.0


def _choose(problem: _Problem, n_pairs: int, rng: np.random.RandomState) -> str:
    n, n_free = problem.operator.shape[0], problem.n_free
    n_wanted = max(1, n_pairs - (n - n_free))
    many = n <= _MOST_DENSE_ROWS and n_wanted > n_free / 5
    if n <= _DENSE_ROWS or many:
        return "dense"
    dense = isinstance(problem.operator, DenseOperator)
    if dense or not problem.on_host or _is_complex(problem.reference):
        return "chebyshev"
    try:
        operator = problem.operator.to_sparse()
    except NotImplementedError:
        return "chebyshev"
    if square_fill(operator.csr) > _LOW_FILL:
        return "chebyshev"
    B = rng.standard_normal((n, _N_PROBES)).astype(np.float32)
    B = _projection(problem, System(operator, operator))(B)
    narrow = operator.astype(np.float32)
    plan = plan_filter(narrow, B, problem.upper, n_wanted, n_free)
    return "lobpcg" if plan.degree > _HIGH_DEGREE else "chebyshev"


def _report(
    problem: _Problem, vectors: Any, n_known: int, n_iter: int, tol: float, solver: str
) -> EigenResult:
    """Put known vectors first, fix bases and signs, and measure residuals."""
    xp = namespace_of(problem.reference)
    upper, operator = problem.upper, problem.operator
    V = xp.astype(vectors, problem.reference.dtype)
    values = column_dots(V, operator.matmat(V))
    V = canonical_basis(V, values, _EQUAL * upper)
    V = xp.concat([problem.known(n_known), V], axis=1)
    AV = operator.matmat(V)
    values = column_dots(V, AV)
    norms = column_norms(AV - V * asarray_like(values, V))
    values[:n_known] = 0
    bound = max(tol, 50 * float(xp.finfo(V.dtype).eps)) * upper
    converged = bool(np.all(norms <= bound))
    if not converged:
        warnings.warn(
            f"solver={solver!r} stopped with a residual norm of {norms.max():.2g}, "
            f"above {bound:.2g}, after {n_iter} steps. Increase max_iter or tol, or "
            "take another solver.",
            ConvergenceWarning,
            stacklevel=3,
        )
    if problem.side is not None:
        V = problem.side[:, None] * V
    V = xp.astype(V, problem.dtype)
    return EigenResult(
        asarray_like(values, xp.real(V) if _is_complex(V) else V),
        V,
        norms,
        n_iter,
        converged,
        solver,
    )


def _is_complex(V: Any) -> bool:
    return bool(namespace_of(V).isdtype(V.dtype, "complex floating"))


def _dense(problem: _Problem, n_sought: int, *_: Any) -> tuple[Any, int]:
    xp = namespace_of(problem.reference)
    n = problem.operator.shape[0]
    eye = xp.eye(n, dtype=problem.reference.dtype, device=device(problem.reference))
    A = problem.operator.matmat(eye)
    A = (A + adjoint(A)) / 2
    if problem.null_space is not None:
        # Known vectors are moved out of the way.
        known = problem.known(problem.null_space.n_components)
        A = A + 2 * float(xp.max(xp.sum(xp.abs(A), axis=0))) * (known @ known.T)
    if problem.on_host:
        _, vectors = linalg.eigh(A, subset_by_index=[0, n_sought - 1])
        return vectors, 0
    return xp.linalg.eigh(A).eigenvectors[:, :n_sought], 0


def _chebyshev(
    problem: _Problem,
    n_sought: int,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    n_jobs: int | None,
) -> tuple[Any, int]:
    system = _system(problem, n_sought, n_jobs)
    block = filtered_krylov(
        system.wide,
        system.narrow,
        problem.upper,
        n_wanted=n_sought,
        n_free=problem.n_free,
        project=_projection(problem, system),
        tol=tol,
        max_iter=max_iter,
        rng=rng,
        reference=problem.reference,
        n_jobs=n_jobs,
    )
    return system.leave(block.vectors), block.n_iter


def _lobpcg(
    problem: _Problem,
    n_sought: int,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    n_jobs: int | None,
) -> tuple[Any, int]:
    # A few more vectors than wanted: the last ones converge by the gap after them.
    size = min(problem.n_free, n_sought + max(3, n_sought // 5))
    system = _system(problem, size, n_jobs)
    precondition, start = _multigrid(problem, system, size, n_jobs)
    # Some noise: a start may be orthogonal to an eigenvector, by some symmetry.
    noise = rng.standard_normal((problem.operator.shape[0], size))
    sizes = column_norms(start, n_jobs=n_jobs) / np.sqrt(len(noise))
    noise[:, : start.shape[1]] *= _NOISE * sizes
    noise[:, : start.shape[1]] += start
    block = lobpcg(
        system.wide,
        noise,
        precondition=precondition,
        project=_projection(problem, system),
        n_wanted=n_sought,
        bound=tol * problem.upper,
        max_iter=max_iter,
        n_jobs=n_jobs,
    )
    return system.leave(block.vectors), block.n_iter


def _arpack(
    problem: _Problem,
    n_sought: int,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    n_jobs: int | None,
) -> tuple[Any, int]:
    system = _system(problem, 1, n_jobs)
    project = _projection(problem, system)
    start = rng.standard_normal(problem.operator.shape[0])
    vectors = krylov_pairs(
        system.wide,
        problem.upper,
        n_sought,
        project,
        tol=tol,
        max_iter=max_iter,
        start=start,
    )
    return system.leave(vectors), 0


def _shift_invert(
    problem: _Problem,
    n_sought: int,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    _: int | None,
) -> tuple[Any, int]:
    start = rng.standard_normal(problem.operator.shape[0])
    project = _projection(problem, System(problem.operator, problem.operator))
    vectors = shift_invert_pairs(
        _entries(problem.operator, "shift-invert"),
        problem.upper,
        n_sought,
        project,
        tol=tol,
        max_iter=max_iter,
        start=start,
    )
    return vectors, 0


_SEARCHES: dict[str, Callable[..., tuple[Any, int]]] = {
    "dense": _dense,
    "chebyshev": _chebyshev,
    "lobpcg": _lobpcg,
    "arpack": _arpack,
    "shift-invert": _shift_invert,
}


def _entries(operator: Operator, solver: str) -> SparseOperator:
    try:
        return operator.to_sparse()
    except NotImplementedError:
        raise ValueError(
            f"solver={solver!r} needs the entries of the operator, which is known by "
            "its products only; take solver='chebyshev'."
        ) from None


def _system(problem: _Problem, n_columns: int, n_jobs: int | None) -> System:
    """Renumber the operator and give it in two precisions, where that can be done."""
    operator, dtype = problem.operator, problem.reference.dtype
    if isinstance(operator, DenseOperator) or _is_complex(problem.reference):
        return System(operator, operator)
    narrow = np.dtype(np.float32) if problem.on_host else dtype
    return prepare_system(
        operator, n_columns, dtype=narrow, scaled=False, n_jobs=n_jobs
    )


def _projection(problem: _Problem, system: System) -> Projection:
    """Projection orthogonal to the null space, for blocks of any precision."""
    prepared: dict[Any, Projection | None] = {}

    def project(B: Any) -> Any:
        if B.dtype not in prepared:
            prepared[B.dtype] = projection(problem.null_space, B, system.order)
        function = prepared[B.dtype]
        return B if function is None else function(B)

    return project


def _multigrid(
    problem: _Problem, system: System, n_vectors: int, n_jobs: int | None
) -> tuple[Callable[[Any], Any], np.ndarray]:
    """Preconditioner of residual blocks, and rough eigenvectors to start from."""
    A = _entries(system.wide, "lobpcg")
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
        scaled,
        vector / side,
        components=labels,
        mass=side**2,
        dtype=np.float32,
        n_jobs=n_jobs,
    )
    hierarchy = replace(hierarchy, side=side.astype(np.float32))

    def precondition(R: np.ndarray) -> np.ndarray:
        # Columns of norm one: small residuals would leave the range of float32.
        sizes = column_norms(R, n_jobs=n_jobs)
        unit = (R / np.maximum(sizes, 1e-300)).astype(np.float32)
        return hierarchy(unit).astype(np.float64)

    return precondition, hierarchy.smooth_vectors(n_vectors).astype(np.float64)
