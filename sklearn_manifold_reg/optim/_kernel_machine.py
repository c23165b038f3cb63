"""Kernel machines on a given Gram matrix, certified by their duality gap."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from sklearn_manifold_reg.optim._losses import HingeLoss, MarginLoss

# Halvings of a Newton step before it counts as too small.
_MAX_HALVINGS = 40


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
        Largest number of Newton steps a problem.

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
    Smooth losses take some ten Newton steps of O(n³) each, the hinge loss libsvm.

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
    hinge = isinstance(loss, HingeLoss)
    columns = []
    for y in np.asarray(Y, dtype=np.float64).T:
        if hinge:
            beta, intercept, n_iter = _solve_hinge(G, y, share, tol)
        else:
            beta, n_iter = _solve_newton(G, y, loss, share, tol, max_iter)
            intercept = 0.0
        gap = _relative_gap(G, y, loss, share, beta, intercept)
        columns.append((beta, intercept, n_iter, gap))
    x, intercepts, steps, gaps = (
        np.array(part) for part in zip(*columns, strict=True)
    )
    converged = gaps <= tol
    if not converged.all():
        warnings.warn(
            f"A kernel machine stopped at a relative duality gap of {gaps.max():.2g}, "
            f"above tol={tol:.2g}. Raise max_iter or the ridge.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return KernelMachineResult(x.T, intercepts, steps, gaps, converged)


def _objective(
    G: np.ndarray,
    y: np.ndarray,
    loss: MarginLoss,
    share: np.ndarray,
    beta: np.ndarray,
    f: np.ndarray,
) -> float:
    return share @ loss.value(y * f) + beta @ (G @ beta)


def _relative_gap(
    G: np.ndarray,
    y: np.ndarray,
    loss: MarginLoss,
    share: np.ndarray,
    beta: np.ndarray,
    intercept: float,
) -> float:
    f = G @ beta + intercept
    primal = _objective(G, y, loss, share, beta, f)
    # Slopes that beta stands for: beta_i = share_i y_i p_i / 2.
    slopes = 2 * y * beta / share
    dual = -share @ loss.conjugate(slopes) - beta @ (G @ beta)
    return float((primal - dual) / max(abs(primal), np.finfo(float).tiny))


def _solve_newton(
    G: np.ndarray,
    y: np.ndarray,
    loss: MarginLoss,
    share: np.ndarray,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, int]:
    """Newton's method in the coefficients, with step halving."""
    n = len(y)
    beta = np.zeros(n)
    f = np.zeros(n)
    value = _objective(G, y, loss, share, beta, f)
    for n_iter in range(1, max_iter + 1):
        # Gradient G r and Hessian G (h G + 2 I) of the objective.
        r = share * y * loss.derivative(y * f) + 2 * beta
        h = share * loss.curvature(y * f)
        system = h[:, None] * G
        system.flat[:: n + 1] += 2
        step = -np.linalg.solve(system, r)
        slope = r @ (G @ step)
        if -slope <= 0.01 * tol * max(value, np.finfo(float).tiny):
            # Settled: the full step meets the optimality conditions of its piece.
            beta = beta + step
            return beta, n_iter
        length, Gstep = 1.0, G @ step
        for _ in range(_MAX_HALVINGS):
            new = beta + length * step
            new_value = _objective(G, y, loss, share, new, f + length * Gstep)
            if new_value <= value + 1e-4 * length * slope:
                break
            length /= 2
        beta, f, value = new, G @ new, new_value
    return beta, max_iter


def _solve_hinge(
    G: np.ndarray, y: np.ndarray, share: np.ndarray, tol: float
) -> tuple[np.ndarray, float, int]:
    machine = SVC(C=1.0, kernel="precomputed", tol=min(1e-3, tol))
    machine.fit(G, y, sample_weight=share / 2)
    beta = np.zeros(len(y))
    beta[machine.support_] = machine.dual_coef_[0]
    return beta, float(machine.intercept_[0]), int(np.max(machine.n_iter_))
