"""Regularized least squares in a growing space, the weight of the penalty included."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of, to_numpy
from sklearn_manifold_reg.linalg import Operator
from sklearn_manifold_reg.optim._gram_diagonal import gram_diagonal, mean_diagonal
from sklearn_manifold_reg.optim._projected_pair import ProjectedPair, projected_pair

# Earlier iterates that are kept when the space is full. With one of them it goes on
# at the pace of conjugate gradients if the weight has settled; more serve a weight
# that still moves.
_KEPT = 4
# Part of a new direction that is left outside the space, below which it is rounding.
_NEW = 1e-10
# Tolerance of the systems that a trace is estimated with.
_TRACE_TOL = 1e-2


@dataclass(frozen=True, eq=False)
class RegularizedResult:
    """Solution of a regularized least-squares problem with the evidence for it.

    Attributes
    ----------
    x : array of shape (n,)
        Solution, of the library, device and dtype of the data.
    alpha : float
        Weight of the penalty.
    residual_norm : float
        Norm of `A x - y`, computed from the `x` that is returned.
    penalty : float
        Value of the penalty without its weight.
    optimality : float
        What is left of the conditions of optimality at `x`, relative to the terms that
        cancel there.
    n_iter : int
        Steps taken.
    converged : bool
        Whether the tolerance was met.
    objectives : ndarray of shape (n_iter,)
        Objective after each step, at the weight of that step.
    """

    x: Any
    alpha: float
    residual_norm: float
    penalty: float
    optimality: float
    n_iter: int
    converged: bool
    objectives: np.ndarray = field(repr=False)


def solve_generalized_krylov(
    operator: Operator,
    regularizer: Operator,
    y: Any,
    *,
    alpha: float | str | None = None,
    residual_norm: float | None = None,
    q: float = 2.0,
    smoothing: float = 0.0,
    start: Any = None,
    diagonal: Any = None,
    tol: float = 1e-4,
    max_iter: int = 200,
    restart: int = 30,
) -> RegularizedResult:
    """Minimize `1/2 ||A x - y||² + alpha/q sum_i (|L x|_i² + smoothing²)^(q/2)`.

    The solution is sought in a space that grows by one preconditioned gradient a step.
    There the quadratic that touches the penalty from above at the last iterate is
    minimized exactly, for the `alpha` that is given or for the one that the rule takes
    within the space. For q = 2 the quadratic is the objective itself.

    Parameters
    ----------
    operator : Operator of shape (m, n)
        A.
    regularizer : Operator of shape (p, n)
        L.
    y : array of shape (m,)
        Data.
    alpha : float, "gcv" or None, default=None
        Weight of the penalty, not negative. "gcv" takes the one of least generalized
        cross-validation, its trace estimated with random signs. None follows
        `residual_norm`.
    residual_norm : float or None, default=None
        Residual norm that `alpha` is to give: the discrepancy principle.
    q : float, default=2.0
        Power of the penalty, above 0 and at most 2. Not convex below 1.
    smoothing : float, default=0.0
        Rounds the penalty off near 0, in units of L x; positive if q < 2.
    start : array of shape (n,), default=None
        Guess that the space starts with.
    diagonal : array of shape (n,) or float, default=None
        Diagonal of A'A or its mean, which is computed or estimated otherwise.
    tol : float, default=1e-4
        Bound on the change of x in a step, relative to x, and on the norm of the
        gradient, relative to those of A'y and of alpha diag(L'L) x. Its root bounds the
        relative change of alpha.
    max_iter : int, default=200
        Largest number of steps.
    restart : int, default=30
        Largest dimension of the space. A full space is cut to the last iterates.

    Returns
    -------
    result : RegularizedResult
        Solution and certificates. Where no `alpha` reaches `residual_norm` from above
        it is 0; that is not told otherwise.

    Raises
    ------
    ValueError
        If neither or both of `alpha` and `residual_norm` are given, or q < 2 without
        smoothing.

    Notes
    -----
    A step takes a product with A, A', L and L' and O((m + n + p) restart) operations,
    for q < 2 O(p restart²). Memory is (m + n + p) restart numbers.

    Differs from [1]_ in three points. The quadratic has its own curvature in each
    entry of L x in place of the largest for all, which needs fewer steps. Gradients are
    preconditioned by the diagonal of A'A + alpha L'L, or its estimated mean. A full
    space is cut to the last five iterates in place of the last one: conjugate
    gradients are what the best points of the last iterate, the step before and the
    gradient give, so that nothing is lost once `alpha` has settled.

    References
    ----------
    .. [1] A. Buccini, M. Donatelli, "Graph Laplacian in l2-lq regularization for image
       reconstruction", 2021 21st International Conference on Computational Science and
       Its Applications (ICCSA), 2021, doi:10.1109/ICCSA54496.2021.00015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import as_operator
    >>> from sklearn_manifold_reg.optim import solve_generalized_krylov
    >>> A, L = np.eye(3), np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]])
    >>> y = np.array([0.0, 0.1, 1.0])
    >>> result = solve_generalized_krylov(
    ...     as_operator(A), as_operator(L), y, residual_norm=0.2
    ... )
    >>> result.x.round(2)
    array([0.04, 0.21, 0.84])
    >>> round(result.residual_norm, 3)
    0.2
    """
    if (alpha is None) == (residual_norm is None):
        raise ValueError("Give either alpha or residual_norm.")
    if q < 2 and smoothing <= 0:
        raise ValueError(f"smoothing={smoothing} must be positive for q={q} below 2.")
    problem = _Problem(operator, regularizer, q, smoothing, y, diagonal)
    if problem.size == 0:
        zero = operator.adjoint() @ y
        return problem.certify(zero, _given(alpha), [], tol)
    space = _Space(problem, restart)
    sides = [_Side(y, tol)]
    if alpha == "gcv":
        # An estimate of the trace is rough in any case.
        sides.append(_Side(_random_signs(y), max(tol, _TRACE_TOL)))
    if start is None or not space.append(start):
        space.append(operator.adjoint() @ y)
    weights, chosen, objectives = None, 0.0, []
    for _ in range(max_iter):
        pair = projected_pair(space.fit_gram(), space.penalty_gram(weights))
        before = chosen
        chosen = _choose(pair, space, sides, alpha, residual_norm)
        for side in sides:
            side.move(pair.solution(space.products(side.y), chosen))
        Ax, Lx = space.images(sides[0].z)
        weights = problem.curvatures(Lx)
        objectives.append(problem.objective(Ax, Lx, chosen))
        gradients = [problem.gradient(Ax - y, Lx, weights, chosen)]
        if len(sides) > 1:
            Aw, Lw = space.images(sides[1].z)
            gradients.append(problem.gradient(Aw - sides[1].y, Lw, weights, chosen))
        scale = problem.diagonal(weights, chosen)
        done = abs(chosen - before) <= tol**0.5 * chosen and all(
            side.change <= side.tol
            and problem.norm(gradient)
            <= side.tol * problem.terms(side.size(problem), chosen, side.z)
            for side, gradient in zip(sides, gradients, strict=True)
        )
        if done or len(objectives) == max_iter:
            break
        if space.n_columns + len(sides) > restart:
            space.cut(sides)
        grown = [space.append(gradient / scale) for gradient in gradients]
        if not any(grown):
            break
    return problem.certify(space.point(sides[0].z), chosen, objectives, tol)


def _choose(
    pair: ProjectedPair,
    space: "_Space",
    sides: "list[_Side]",
    alpha: float | str | None,
    residual_norm: float | None,
) -> float:
    """Weight of the penalty, by rule or as given."""
    if isinstance(alpha, (int, float)):
        return float(alpha)
    y = sides[0].y
    b = space.products(y)
    least = space.misfit(pair.solution(b, 0.0), y) ** 2
    if residual_norm is not None:
        return pair.discrepancy_weight(b, residual_norm**2 - least)
    return pair.gcv_weight(b, space.products(sides[1].y), least, y.shape[0])


class _Side:
    """A right-hand side and the coordinates of its last iterates."""

    def __init__(self, y: Any, tol: float) -> None:
        self.y, self.tol = y, tol
        self.z = np.zeros(0)
        self.path: list[np.ndarray] = []
        self.change = float("inf")
        self._size: float | None = None

    def move(self, z: np.ndarray) -> None:
        if self.path:
            old = np.pad(self.z, (0, len(z) - len(self.z)))
            moved, size = np.linalg.norm(z - old), np.linalg.norm(z)
            self.change = float(moved / size) if size > 0 else 0.0
        self.z = z
        self.path = [*self.path[-_KEPT:], z]

    def size(self, problem: "_Problem") -> float:
        if self._size is None:
            self._size = problem.norm(problem.adjoint @ self.y)
        return self._size

    def turn(self, T: np.ndarray) -> None:
        self.path = [T.T @ _padded(z, len(T)) for z in self.path]
        self.z = self.path[-1]


class _Problem:
    """The two maps with their adjoints, and the penalty between them."""

    def __init__(
        self,
        operator: Operator,
        regularizer: Operator,
        q: float,
        smoothing: float,
        y: Any,
        diagonal: Any,
    ) -> None:
        self.xp = namespace_of(y)
        self.operator, self.adjoint = operator, operator.adjoint()
        self.regularizer, self.penalty_adjoint = regularizer, regularizer.adjoint()
        self.q, self.smoothing, self.y = q, smoothing, y
        self._given = self.adjoint @ y
        self.size = self.norm(self._given)
        self._fit_diagonal = diagonal
        self._penalty_diagonal: Any = None

    def norm(self, v: Any) -> float:
        return float(self.xp.linalg.vector_norm(v))

    def curvatures(self, Lx: Any) -> Any:
        if self.q == 2:
            return None
        return (Lx**2 + self.smoothing**2) ** (self.q / 2 - 1)

    def penalty(self, Lx: Any) -> float:
        if self.q == 2:
            return 0.5 * self.norm(Lx) ** 2
        terms = (Lx**2 + self.smoothing**2) ** (self.q / 2)
        return float(self.xp.sum(terms)) / self.q

    def objective(self, Ax: Any, Lx: Any, alpha: float) -> float:
        return 0.5 * self.norm(Ax - self.y) ** 2 + alpha * self.penalty(Lx)

    def gradient(self, residual: Any, Lx: Any, weights: Any, alpha: float) -> Any:
        bent = Lx if weights is None else weights * Lx
        return self.adjoint @ residual + alpha * (self.penalty_adjoint @ bent)

    def diagonal(self, weights: Any, alpha: float) -> Any:
        """Diagonal of the Hessian; ones where it has no positive mean."""
        if self._fit_diagonal is None:
            self._fit_diagonal = gram_diagonal(self.operator, None, self._given)
        if self._penalty_diagonal is None or weights is not None:
            self._penalty_diagonal = gram_diagonal(
                self.regularizer, weights, self._given
            )
        diagonal = self._fit_diagonal + alpha * self._penalty_diagonal
        if isinstance(diagonal, float):
            return diagonal if diagonal > 0 else 1.0
        # Pixels that nothing holds would get all of the step.
        floor = 1e-3 * float(self.xp.mean(diagonal))
        return self.xp.clip(diagonal, floor, None) if floor > 0 else 1.0

    def terms(self, size: float, alpha: float, x: Any) -> float:
        """Size of what cancels in the gradient: A'y, and alpha L'L of x.

        The gradient over this is the relative change of the problem that makes x its
        solution. For the second term the mean of the diagonal stands for L'L.
        """
        if alpha == 0:
            return size
        mean = mean_diagonal(self._penalty_diagonal)
        return size + alpha * mean * float(np.linalg.norm(x))

    def certify(
        self, x: Any, alpha: float, objectives: list[float], tol: float
    ) -> RegularizedResult:
        residual, Lx = self.operator @ x - self.y, self.regularizer @ x
        weights = self.curvatures(Lx)
        gradient = self.gradient(residual, Lx, weights, alpha)
        self.diagonal(weights, alpha)
        terms = self.terms(self.size, alpha, [self.norm(x)])
        optimality = self.norm(gradient) / terms if terms > 0 else 0.0
        return RegularizedResult(
            x,
            alpha,
            self.norm(residual),
            self.penalty(Lx),
            optimality,
            len(objectives),
            # Images were combined from earlier ones; here they are computed afresh.
            optimality <= 2 * tol,
            np.array(objectives),
        )


class _Space:
    """Orthonormal vectors, as rows, with their images under both maps."""

    def __init__(self, problem: _Problem, n_columns: int) -> None:
        y, xp = problem.y, problem.xp
        self._problem = problem
        self.n_columns = 0
        lengths = (problem.operator.shape[1], y.shape[0], problem.regularizer.shape[0])
        self._rows = tuple(
            xp.empty((n_columns, length), dtype=y.dtype, device=device(y))
            for length in lengths
        )

    def _parts(self) -> Any:
        return (rows[: self.n_columns, :] for rows in self._rows)

    def append(self, v: Any) -> bool:
        """Add a direction; False if the space holds it already."""
        problem, xp = self._problem, self._problem.xp
        size = problem.norm(v)
        if not size > 0:
            return False
        v = v / size
        if self.n_columns:
            V, _, _ = self._parts()
            for _ in range(2):
                v = v - xp.matmul(xp.matmul(V, v), V)
        size = problem.norm(v)
        if size <= _NEW:
            return False
        v = v / size
        images = v, problem.operator @ v, problem.regularizer @ v
        for rows, image in zip(self._rows, images, strict=True):
            rows[self.n_columns, :] = xp.astype(image, rows.dtype)
        self.n_columns += 1
        return True

    def fit_gram(self) -> np.ndarray:
        _, AV, _ = self._parts()
        return _wide(self._problem.xp.matmul(AV, AV.T))

    def penalty_gram(self, weights: Any) -> np.ndarray:
        _, _, LV = self._parts()
        if weights is not None:
            LV = LV * self._problem.xp.sqrt(weights)
        return _wide(self._problem.xp.matmul(LV, LV.T))

    def products(self, y: Any) -> np.ndarray:
        _, AV, _ = self._parts()
        return _wide(self._problem.xp.matmul(AV, y))

    def images(self, z: np.ndarray) -> tuple[Any, Any]:
        _, AV, LV = self._parts()
        return self._combine(z, AV), self._combine(z, LV)

    def misfit(self, z: np.ndarray, y: Any) -> float:
        _, AV, _ = self._parts()
        return self._problem.norm(self._combine(z, AV) - y)

    def point(self, z: np.ndarray) -> Any:
        V, _, _ = self._parts()
        return self._combine(z, V)

    def _combine(self, z: np.ndarray, rows: Any) -> Any:
        return self._problem.xp.matmul(asarray_like(z, rows), rows)

    def cut(self, sides: list[_Side]) -> None:
        """Keep the span of the last iterates."""
        k = self.n_columns
        kept = [_padded(z, k) for side in sides for z in reversed(side.path)]
        T, R = np.linalg.qr(np.array(kept).T)
        sizes = np.abs(np.diagonal(R))
        T = T[:, sizes > 1e-12 * sizes.max()]
        for rows in self._rows:
            part = self._problem.xp.matmul(asarray_like(T.T, rows), rows[:k, :])
            rows[: T.shape[1], :] = part
        self.n_columns = T.shape[1]
        for side in sides:
            side.turn(T)


def _padded(z: np.ndarray, length: int) -> np.ndarray:
    return np.pad(z, (0, length - len(z)))


def _wide(small: Any) -> np.ndarray:
    return to_numpy(small).astype(np.float64)


def _random_signs(y: Any) -> Any:
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=y.shape[0])
    return asarray_like(signs, y)


def _given(alpha: float | str | None) -> float:
    return float(alpha) if isinstance(alpha, (int, float)) else 0.0
