"""Kernel machines on a given Gram matrix, certified by their duality gap."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from sklearn_manifold_reg.optim._losses import HingeLoss, MarginLoss

# Halvings of a Newton step before it counts as too small.
_MAX_HALVINGS = 40
# Steps that refine the answer of libsvm, whose kernel values are single precision.
_MAX_REFINEMENTS = 50
# Largest sum of coefficients beside an intercept, relative to their size: rounding.
_BALANCE = 1e-10
# At tolerances near rounding libsvm may never stop by itself.
_MAX_LIBSVM_ITER = 1_000_000


@dataclass(frozen=True, eq=False)
class KernelMachineResult:
    """Solution of a kernel machine, one column a problem.

    Attributes
    ----------
    x : ndarray of shape (n, n_problems)
        Coefficients beta.
    intercept : ndarray of shape (n_problems,)
        Unpenalized constants; zeros for smooth losses.
    n_iter : ndarray of shape (n_problems,)
        Newton steps, or iterations of libsvm.
    gap : ndarray of shape (n_problems,)
        Duality gaps, relative to the objective.
    converged : ndarray of bool, shape (n_problems,)
        Whether the gap is at most the tolerance.
    """

    x: np.ndarray
    intercept: np.ndarray
    n_iter: np.ndarray
    gap: np.ndarray
    converged: np.ndarray


def solve_kernel_machine(
    G: np.ndarray,
    Y: np.ndarray,
    loss: MarginLoss,
    weights: np.ndarray,
    *,
    tol: float = 1e-6,
    max_iter: int = 1000,
) -> KernelMachineResult:
    """Minimize `1/s sum_i w_i V(y_i f_i) + beta' G beta` with `f = G beta`.

    Parameters
    ----------
    G : ndarray of shape (n, n)
        Symmetric, positive semi-definite Gram matrix.
    Y : ndarray of shape (n, n_problems)
        Targets -1 and 1.
    loss : MarginLoss
        V. The hinge loss is given an unpenalized intercept, `f = G beta + b`.
    weights : ndarray of shape (n,)
        Positive weights w, with sum s.
    tol : float, default=1e-6
        Relative duality gap at which a problem counts as solved.
    max_iter : int, default=1000
        Largest number of Newton steps a problem. The hinge loss takes none.

    Returns
    -------
    result : KernelMachineResult
        Coefficients and certificates.

    Warns
    -----
    ConvergenceWarning
        If a duality gap stays above `tol`.

    Notes
    -----
    Smooth losses take some ten Newton steps, each a Cholesky factorization of the rows
    where the loss is curved: n³/3 operations at most. The hinge loss takes libsvm,
    whose kernel values are single precision, and active-set steps from there. All
    stop at the relative duality gap (P - D) / P of the answer, P being the objective
    and D its Fenchel dual at the slopes that beta stands for.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.optim import LOSSES, solve_kernel_machine
    >>> G, y, w = np.eye(2), np.array([[1.0], [-1.0]]), np.ones(2)
    >>> result = solve_kernel_machine(G, y, LOSSES["squared_hinge"], w)
    >>> result.x.ravel().round(4).tolist()
    [0.3333, -0.3333]
    """
    share = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    G = np.asarray(G, dtype=np.float64)
    columns = []
    for y in np.asarray(Y, dtype=np.float64).T:
        problem = _Problem(G, y, loss, share)
        if isinstance(loss, HingeLoss):
            columns.append(_solve_hinge(problem, tol))
        else:
            columns.append(_solve_newton(problem, tol, max_iter))
    x, intercepts, steps, gaps = (np.array(part) for part in zip(*columns, strict=True))
    converged = gaps <= tol
    if not converged.all():
        warnings.warn(
            f"A kernel machine stopped at a relative duality gap of {gaps.max():.2g}, "
            f"above tol={tol:.2g}. Raise max_iter or the ridge.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return KernelMachineResult(x.T, intercepts, steps, gaps, converged)


@dataclass(frozen=True, eq=False)
class _Problem:
    """One column: minimize `share @ V(y f) + beta' G beta`, share having sum 1."""

    G: np.ndarray
    y: np.ndarray
    loss: MarginLoss
    share: np.ndarray

    def value(self, beta: np.ndarray, Gbeta: np.ndarray, intercept: float) -> float:
        losses = self.loss.value(self.y * (Gbeta + intercept))
        return float(self.share @ losses + beta @ Gbeta)

    def relative_gap(
        self, beta: np.ndarray, Gbeta: np.ndarray, intercept: float
    ) -> float:
        # beta = share y p / 2 stands for slopes -p of the loss. Rounding may put them
        # beside their range, where the dual is infinite: any slopes within give a
        # bound, so the nearest ones do.
        p = np.clip(2 * self.y * beta / self.share, 0, self.loss.steepest)
        bound = self.share * self.y * p / 2
        # Beside an intercept, balance is a condition of the dual.
        unbalanced = abs(bound.sum()) > _BALANCE * np.abs(bound).sum()
        if isinstance(self.loss, HingeLoss) and unbalanced:
            return np.inf
        dual = -(self.share @ self.loss.conjugate(p)) - bound @ (self.G @ bound)
        primal = self.value(beta, Gbeta, intercept)
        return float((primal - dual) / max(primal, np.finfo(float).tiny))


def _solve_newton(
    problem: _Problem, tol: float, max_iter: int
) -> tuple[np.ndarray, float, int, float]:
    """Newton's method with step halving, until the duality gap is closed."""
    G, y, loss, share = problem.G, problem.y, problem.loss, problem.share
    beta, f = np.zeros(len(y)), np.zeros(len(y))
    value = problem.value(beta, f, 0.0)
    gap = problem.relative_gap(beta, f, 0.0)
    n_iter = 0
    while gap > tol and n_iter < max_iter:
        n_iter += 1
        first = share * y * loss.derivative(y * f)
        step = _newton_point(G, first, share * loss.curvature(y * f), f) - beta
        Gstep = G @ step
        # The gradient is G (first + 2 beta).
        slope = (first + 2 * beta) @ Gstep
        length = 1.0
        for _ in range(_MAX_HALVINGS):
            new = beta + length * step
            new_value = problem.value(new, f + length * Gstep, 0.0)
            if new_value <= value + 1e-4 * length * slope:
                break
            length /= 2
        stalled = not new_value < value
        new_f = G @ new
        new_gap = problem.relative_gap(new, new_f, 0.0)
        if stalled and new_gap >= gap:
            break
        beta, f, value, gap = new, new_f, new_value, new_gap
    return beta, 0.0, n_iter, gap


def _newton_point(
    G: np.ndarray, first: np.ndarray, h: np.ndarray, f: np.ndarray
) -> np.ndarray:
    """Solve `(diag(h) G + 2 I) beta = h f - first`, h >= 0, as a symmetric system.

    Rows with h = 0 are known at once: those of the squared hinge beyond the margin
    are 0. On the others beta = sqrt(h) v with
    `(sqrt(h) G sqrt(h) + 2 I) v = (h f - first - h G beta_known) / sqrt(h)`.
    """
    beta = np.where(h > 0, 0.0, -first / 2)
    curved = np.flatnonzero(h > 0)
    if curved.size == 0:
        return beta
    root = np.sqrt(h[curved])
    right = root * (f - G @ beta)[curved] - first[curved] / root
    system = root[:, None] * G[np.ix_(curved, curved)] * root
    system.flat[:: curved.size + 1] += 2
    try:
        v = cho_solve(cho_factor(system, lower=True), right)
    except np.linalg.LinAlgError:
        # Kernels such as "sigmoid" are not positive semi-definite.
        v = np.linalg.solve(system, right)
    beta[curved] = root * v
    return beta


def _solve_hinge(problem: _Problem, tol: float) -> tuple[np.ndarray, float, int, float]:
    """libsvm, made stricter until the duality gap is closed."""
    G, y = problem.G, problem.y
    if np.all(y == y[0]):
        # The constant alone has no loss.
        return np.zeros(len(y)), float(y[0]), 0, 0.0
    machine = SVC(
        C=1.0, kernel="precomputed", tol=min(1e-3, tol), max_iter=_MAX_LIBSVM_ITER
    )
    with warnings.catch_warnings():
        # The gap says it better.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine.fit(G, y, sample_weight=problem.share / 2)
    n_iter = int(np.max(machine.n_iter_))
    beta = np.zeros(len(y))
    beta[machine.support_] = machine.dual_coef_[0]
    intercept = float(machine.intercept_[0])
    f = G @ beta
    gap = problem.relative_gap(beta, f, intercept)
    best = beta, intercept, n_iter, gap
    for _ in range(_MAX_REFINEMENTS):
        if best[3] <= tol:
            break
        n_iter += 1
        beta, intercept = _hinge_active_set_step(problem, beta, f, intercept)
        f = G @ beta
        gap = problem.relative_gap(beta, f, intercept)
        if gap < best[3]:
            best = beta, intercept, n_iter, gap
    return best


def _hinge_active_set_step(
    problem: _Problem, beta: np.ndarray, f: np.ndarray, intercept: float
) -> tuple[np.ndarray, float]:
    """Guess which slopes are 0, 1 or between; solve for those between."""
    G, y, share = problem.G, problem.y, problem.share
    scale = 2 / (share * np.maximum(np.diag(G), np.finfo(float).tiny))
    p = 2 * y * beta / share + scale * (1 - y * (f + intercept))
    free = np.flatnonzero((p > 0) & (p < 1))
    new = np.where(p >= 1, share * y / 2, 0.0)
    if free.size == 0:
        return new, intercept
    # Margins are 1 where slopes are between, and the coefficients sum to 0.
    size = free.size
    system = np.ones((size + 1, size + 1))
    system[:size, :size] = G[np.ix_(free, free)]
    system[size, size] = 0
    right = np.append(y[free] - G[free] @ new, -new.sum())
    solution = np.linalg.lstsq(system, right, rcond=None)[0]
    new[free] = solution[:size]
    return new, float(solution[size])
