"""One conjugate gradient iteration for many shifts of an operator."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import column_dots, descend, turn
from sklearn_manifold_reg.linalg._null_space import NullSpace
from sklearn_manifold_reg.linalg._operators import Operator


@dataclass(frozen=True, eq=False)
class ShiftedResult:
    """Rows of the solutions of `(A + shift I) X = B` for several shifts.

    Attributes
    ----------
    x : ndarray of shape (n_shifts, n_rows, n_outputs)
        The rows asked for, in float64, or complex128 if a shift is complex.
    n_iter : int
        Products with A.
    residual_norm : ndarray of shape (n_shifts, n_outputs)
        Residuals of the recurrence, relative to the right-hand sides.
    converged : ndarray of bool, shape (n_shifts, n_outputs)
        Whether they are at most the tolerance.
    """

    x: np.ndarray
    n_iter: int
    residual_norm: np.ndarray
    converged: np.ndarray


def solve_shifted(
    operator: Operator,
    B: np.ndarray,
    shifts: Any,
    rows: np.ndarray,
    *,
    null_space: NullSpace | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    n_jobs: int | None = None,
) -> ShiftedResult:
    """Solve `(A + shift I) X = B` for all shifts at once, at some rows only.

    All shifts share one Krylov space. A shift costs O(n_rows * n_outputs) a step
    beside the product with A, so that many of them cost little more than one.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Symmetric, positive semi-definite A, of NumPy arrays.
    B : ndarray of shape (n, n_outputs)
        Right-hand sides.
    shifts : array-like of shape (n_shifts,)
        Positive shifts, or complex ones off the real axis. Since
        1 / (a² + s²) = Im(1 / (a - i s)) / s, imaginary shifts solve with A².
    rows : ndarray of int, shape (n_rows,)
        Rows of the solutions that are wanted.
    null_space : NullSpace or None, default=None
        Null space of A, on which the answer is B / shift and no iteration is needed.
    tol : float, default=1e-6
        Residual norm wanted, relative to that of B.
    max_iter : int, default=1000
        Largest number of steps.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    result : ShiftedResult
        Rows of the solutions and residuals.

    Raises
    ------
    ValueError
        If a real shift is not positive.

    Warns
    -----
    ConvergenceWarning
        If a column does not meet `tol`.

    Notes
    -----
    There is no preconditioner, since none commutes with shifts. Memory is three
    blocks of the shape of B in float64.

    References
    ----------
    .. [1] B. Jegerlehner, "Krylov space solvers for shifted linear systems", 1996,
       arXiv:hep-lat/9612014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import DiagonalOperator, solve_shifted
    >>> A = DiagonalOperator(np.array([1.0, 2.0, 3.0]))
    >>> result = solve_shifted(A, np.ones((3, 1)), [1.0, 7.0], np.array([0, 2]))
    >>> result.x[:, :, 0].round(4).tolist()
    [[0.5, 0.25], [0.125, 0.1]]
    """
    shifts = np.asarray(shifts)
    if not np.iscomplexobj(shifts):
        shifts = shifts.astype(np.float64)
    bad = shifts[(shifts.imag == 0) & (shifts.real <= 0)]
    if bad.size:
        raise ValueError(f"Real shifts must be positive, got {bad[0]}.")
    B = np.array(B, dtype=np.float64, order="C")
    x = np.zeros((len(shifts), len(rows), B.shape[1]), dtype=shifts.dtype)
    given = np.sqrt(column_dots(B, B, n_jobs=n_jobs))
    if null_space is not None:
        inside = B - null_space.project(B)
        x += inside[rows] / shifts[:, None, None]
        B -= inside
    size = np.sqrt(column_dots(B, B, n_jobs=n_jobs))
    # A column of which only rounding is left is solved already.
    live = size > 1e-12 * given
    scale = np.where(live, size, 1.0)
    R = B / scale * live
    # The least shift is iterated on, the others follow by scalar recurrences.
    base = max(0.0, float(shifts.real.min(initial=1.0)))
    extra = shifts[:, None] - base
    P, X = R.copy(), np.zeros_like(R)
    directions = np.repeat(R[None, rows], len(shifts), axis=0).astype(x.dtype)
    zeta = zeta_old = np.ones((len(shifts), B.shape[1]), dtype=x.dtype)
    alpha_old, beta_old = np.ones(B.shape[1]), np.zeros(B.shape[1])
    squares = column_dots(R, R, n_jobs=n_jobs)
    residual = np.abs(zeta) * np.sqrt(squares)
    steps = 0
    while residual.max(initial=0) > tol and steps < max_iter:
        Q = operator.matmat(P) + base * P
        if null_space is not None and steps % 50 == 49:
            Q, R = null_space.project(Q), null_space.project(R)
        curvature = column_dots(P, Q, n_jobs=n_jobs)
        alpha = np.divide(
            squares, curvature, out=np.zeros_like(squares), where=curvature > 0
        )
        X, R, new_squares = descend(alpha, P, Q, X, R, n_jobs=n_jobs)
        beta = np.divide(
            new_squares, squares, out=np.zeros_like(squares), where=squares > 0
        )
        bottom = alpha_old * zeta_old * (1 + alpha * extra) + alpha * beta_old * (
            zeta_old - zeta
        )
        zeta_new = np.divide(
            zeta * zeta_old * alpha_old,
            bottom,
            out=np.zeros_like(zeta),
            where=np.abs(bottom) > 1e-300,
        )
        ratio = np.divide(zeta_new, zeta, out=np.zeros_like(zeta), where=zeta != 0)
        x += scale * (alpha * ratio)[:, None, :] * directions
        directions *= (beta * ratio**2)[:, None, :]
        directions += zeta_new[:, None, :] * R[None, rows]
        P = turn(R, beta, P, n_jobs=n_jobs)
        zeta_old, zeta = zeta, zeta_new
        alpha_old, beta_old, squares = alpha, beta, new_squares
        residual = np.abs(zeta) * np.sqrt(squares)
        steps += 1
    converged = residual <= tol
    if not converged.all():
        warnings.warn(
            f"Shifted conjugate gradients stopped after {steps} steps at a relative "
            f"residual of {residual.max():.2g}, above tol={tol:.2g}. Raise max_iter.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return ShiftedResult(x, steps, residual, converged)
