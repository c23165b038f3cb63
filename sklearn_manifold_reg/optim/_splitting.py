"""Penalties with corners, and constraints, by alternating directions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.linalg import DiagonalOperator, Operator
from sklearn_manifold_reg.optim._generalized_krylov import RegularizedResult
from sklearn_manifold_reg.optim._gram_diagonal import gram_diagonal, mean_diagonal

# Over-relaxation of the constraints, between 1 and 2.
_RELAX = 1.6
# Part of its residual that each linear system is solved to, and its largest steps.
_INNER_TOL, _INNER_STEPS = 0.1, 4
# Largest factor by which the weight of a constraint changes to balance its gap and the
# movement of its copy, and the round of the first change; others follow at twice the
# rounds.
_CHANGE, _FIRST_CHANGE = 10.0, 20
# Weight of the penalty's constraint against that of the data, relative to A'A over L'L.
_BALANCE = 0.3
# Part of the force of the start that counts as one.
_VANISHED = 1e-2
# Part of A'A below which L'L is nothing.
_NOTHING = 1e-100


def solve_splitting(
    operator: Operator,
    regularizer: Operator,
    y: Any,
    *,
    alpha: float | None = None,
    residual_norm: float | None = None,
    penalty: str = "l1",
    positive: bool = False,
    start: Any = None,
    diagonal: Any = None,
    expected: float | None = None,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> RegularizedResult:
    """Minimize `1/2 ||A x - y||² + alpha P(L x)`, or `P(L x)` with `||A x - y|| <= r`.

    P is the sum of absolute values or half the sum of squares; x may be held
    nonnegative. Copies of L x, of x and, for the second form, of A x take up what is
    not smooth, and are pulled to their originals by the alternating direction method of
    multipliers [1]_ whose linear systems are solved by a few conjugate gradient steps.

    Parameters
    ----------
    operator : Operator of shape (m, n)
        A.
    regularizer : Operator of shape (p, n)
        L.
    y : array of shape (m,)
        Data.
    alpha : float or None, default=None
        Weight of the penalty in the first form.
    residual_norm : float or None, default=None
        The r of the second form: the discrepancy principle. Its multiplier is the
        weight with which the first form has the same solution.
    penalty : {"l1", "l2"}, default="l1"
        P.
    positive : bool, default=False
        Whether x >= 0.
    start : array of shape (n,), default=None
        First guess.
    diagonal : array of shape (n,) or float, default=None
        Diagonal of A'A or its mean, which is computed or estimated otherwise.
    expected : float, default=None
        Weight that `residual_norm` is expected to give: sets how hard the copy of A x
        is pulled. A hundredth of the true one does well.
    tol : float, default=1e-4
        Bound on what is left of the conditions of optimality: the sum of the forces
        on x, relative to them, and the gaps between copies and originals, relative to
        these.
    max_iter : int, default=1000
        Largest number of rounds.

    Returns
    -------
    result : RegularizedResult
        Solution and certificates. The penalty is that of the `x` returned.

    Raises
    ------
    ValueError
        If neither or both of `alpha` and `residual_norm` are given.

    Notes
    -----
    A round takes some ten products with A, A', L and L'.

    References
    ----------
    .. [1] S. Boyd, N. Parikh, E. Chu, B. Peleato, J. Eckstein, "Distributed
       optimization and statistical learning via the alternating direction method of
       multipliers", Foundations and Trends in Machine Learning 3, 2011,
       doi:10.1561/2200000016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import as_operator
    >>> from sklearn_manifold_reg.optim import solve_splitting
    >>> L = as_operator(np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]))
    >>> y = np.array([0.0, 0.1, 1.0])
    >>> result = solve_splitting(as_operator(np.eye(3)), L, y, alpha=0.2, tol=1e-8)
    >>> result.x.round(4)
    array([0.15, 0.15, 0.8 ])
    """
    if (alpha is None) == (residual_norm is None):
        raise ValueError("Give either alpha or residual_norm.")
    xp = namespace_of(y)
    back = operator.adjoint() @ y
    x = xp.zeros_like(back) if start is None else xp.astype(start, back.dtype)
    fit_mean = gram_diagonal(operator, None, back) if diagonal is None else diagonal
    penalty_diagonal = gram_diagonal(regularizer, None, back)
    fit, stiffness = mean_diagonal(fit_mean), mean_diagonal(penalty_diagonal)
    balance = _BALANCE * fit / stiffness if stiffness > _NOTHING * fit else 1.0
    weight = 1.0 if alpha is None else float(alpha)
    rho = balance
    if alpha is None:
        # Squares have no scale; thresholds are of the size of L x.
        typical = mean_diagonal(xp.abs(regularizer @ x)) if penalty == "l1" else 1.0
        rho = weight / (typical or 1.0)
    shrink = _soft_threshold if penalty == "l1" else _shrinkage

    bent = _Constraint(
        regularizer, lambda w, rho: shrink(w, weight / rho), rho, penalty_diagonal, x
    )
    constraints = [bent]
    data: _Constraint | _Data = _Data(operator, y, fit_mean)
    if residual_norm is not None:
        radius = float(residual_norm)
        ball = lambda w, _: _into_ball(w, y, radius)  # noqa: E731
        data = _Constraint(
            operator,
            ball,
            rho / balance if expected is None else weight / expected,
            fit_mean,
            x,
        )
        constraints.append(data)
    if positive:
        identity = DiagonalOperator(xp.ones_like(back))
        own = data.rho * mean_diagonal(fit_mean)
        constraints.append(
            _Constraint(identity, lambda w, _: xp.clip(w, 0.0, None), own, 1.0, x)
        )
    blocks = constraints if data in constraints else [data, *constraints]
    # Forces that vanish beside that of the start, as where the penalty does, are none.
    pull = regularizer @ x
    pull = xp.sign(pull) if penalty == "l1" else pull
    reference = _VANISHED * weight * _norm(regularizer.adjoint() @ pull)
    objectives: list[float] = []
    due = _FIRST_CHANGE
    optimality = float("inf")
    for _ in range(max_iter):
        x = _solve_quadratic(blocks, x)
        for constraint in constraints:
            constraint.update(x)
        forces = [block.force(x) for block in blocks]
        terms = reference + sum(_norm(force) for force in forces)
        stationarity = _norm(sum(forces)) / terms if terms > 0 else 0.0
        gaps = [constraint.gap for constraint in constraints]
        optimality = max(stationarity, *gaps)
        objectives.append(_value(penalty, bent.copy))
        if optimality <= tol:
            break
        # Weights that change for ever would keep the method from converging.
        if len(objectives) == due:
            due *= 2
            for constraint in constraints:
                constraint.rebalance()
    if positive:
        x = xp.clip(x, 0.0, None)
    return RegularizedResult(
        xp.astype(x, y.dtype, copy=False),
        _multiplier(data, y, alpha),
        _norm(operator @ x - y),
        _value(penalty, regularizer @ x),
        optimality,
        len(objectives),
        optimality <= tol,
        np.array(objectives),
    )


@dataclass(eq=False)
class _Data:
    """The misfit, quadratic as it stands."""

    operator: Operator
    target: Any
    diagonal: Any
    rho: float = 1.0

    def __post_init__(self) -> None:
        self.adjoint = self.operator.adjoint()

    def force(self, x: Any) -> Any:
        return self.adjoint @ (self.operator @ x - self.target)


class _Constraint:
    """A copy of an image of x, with its multiplier in units of the weight."""

    def __init__(
        self,
        operator: Operator,
        proximal: Callable[[Any, float], Any],
        rho: float,
        diagonal: Any,
        x: Any,
    ) -> None:
        self.operator, self.adjoint = operator, operator.adjoint()
        self.proximal, self.rho, self.diagonal = proximal, rho, diagonal
        image = operator @ x
        self.copy = proximal(image, rho)
        self.dual = image - self.copy
        self.gap = self._pull = float("inf")

    @property
    def target(self) -> Any:
        return self.copy - self.dual

    def update(self, x: Any) -> None:
        image, old = self.operator @ x, self.copy
        ahead = _RELAX * image + (1 - _RELAX) * old + self.dual
        self.copy = self.proximal(ahead, self.rho)
        self.dual = ahead - self.copy
        size = max(_norm(image), _norm(self.copy))
        self.gap = _norm(image - self.copy) / size if size > 0 else 0.0
        moved, held = _norm(self.copy - old), _norm(self.dual)
        self._pull = moved / held if held > 0 else 0.0

    def force(self, x: Any) -> Any:
        return self.rho * (self.adjoint @ self.dual)

    def rebalance(self) -> None:
        # Zero, as for a bound that is not active, says nothing.
        if not (self.gap > 0 and self._pull > 0):
            return
        change = min(max((self.gap / self._pull) ** 0.5, 1 / _CHANGE), _CHANGE)
        self.rho *= change
        self.dual = self.dual / change


def _solve_quadratic(blocks: list[Any], x: Any) -> Any:
    """Conjugate gradients on sum of rho ||A x - target||², from x on."""
    xp = namespace_of(x)
    scale = sum(block.rho * block.diagonal for block in blocks) + xp.zeros_like(x)
    # What no block sees has no residual either.
    scale = xp.where(scale > 0, scale, xp.ones_like(x))
    residual = sum(
        block.rho * (block.adjoint @ (block.target - block.operator @ x))
        for block in blocks
    )
    given = _norm(residual)
    if not given > 0:
        return x
    preconditioned = residual / scale
    direction, square = preconditioned, _dot(residual, preconditioned)
    for _ in range(_INNER_STEPS):
        image = sum(
            block.rho * (block.adjoint @ (block.operator @ direction))
            for block in blocks
        )
        curvature = _dot(direction, image)
        if not curvature > 0:
            break
        step = square / curvature
        x = x + step * direction
        residual = residual - step * image
        if _norm(residual) <= _INNER_TOL * given:
            break
        preconditioned = residual / scale
        new = _dot(residual, preconditioned)
        direction, square = preconditioned + new / square * direction, new
    return x


def _soft_threshold(w: Any, threshold: float) -> Any:
    xp = namespace_of(w)
    return xp.sign(w) * xp.clip(xp.abs(w) - threshold, 0.0, None)


def _shrinkage(w: Any, weight: float) -> Any:
    return w / (1 + weight)


def _into_ball(w: Any, center: Any, radius: float) -> Any:
    away = w - center
    distance = _norm(away)
    return w if distance <= radius else center + radius / distance * away


def _multiplier(data: Any, y: Any, alpha: float | None) -> float:
    """Weight of the penalty against the misfit."""
    if alpha is not None:
        return float(alpha)
    force = data.rho * _norm(data.dual)
    return _norm(data.copy - y) / force if force > 0 else float("inf")


def _value(penalty: str, Lx: Any) -> float:
    xp = namespace_of(Lx)
    if penalty == "l1":
        return float(xp.sum(xp.abs(Lx)))
    return 0.5 * _norm(Lx) ** 2


def _norm(v: Any) -> float:
    return float(namespace_of(v).linalg.vector_norm(v))


def _dot(a: Any, b: Any) -> float:
    return float(namespace_of(a).sum(a * b))
