"""A checked right-hand side: one block, unit columns, nothing in the null space."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_norms,
    is_numpy,
    namespace_of,
)
from sklearn_manifold_reg.linalg._null_space import DenseNullSpace, NullSpace
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._result import SolveResult
from sklearn_manifold_reg.linalg._system import widest_dtype

# Part of a right-hand side in the null space from which a user is told.
_INCONSISTENT = 1e-6


@dataclass(frozen=True, eq=False)
class Problem:
    """A system `A X = B` with unit right-hand sides in float64.

    Attributes
    ----------
    operator : Operator
        Square operator.
    B : array of shape (n, n_outputs)
        Right-hand sides without their part in the null space, each of norm 1 or 0.
    sizes : ndarray of shape (n_outputs,)
        Norms they had.
    null_space : NullSpace, DenseNullSpace or None
        Null space of the operator.
    tol : float
        Residual norm wanted.
    original : array of shape (n,) or (n, n_outputs)
        Right-hand side as it was passed.
    """

    operator: Operator
    B: Any
    sizes: np.ndarray
    null_space: NullSpace | DenseNullSpace | None
    tol: float
    original: Any

    @property
    def on_host(self) -> bool:
        """Whether the arrays are NumPy's."""
        return isinstance(self.B, np.ndarray)

    @property
    def bounds(self) -> np.ndarray:
        """Residual norms wanted, of unit right-hand sides."""
        return np.full(len(self.sizes), self.tol)

    def start(self, x0: Any) -> Any:
        """Give a start in the scale of the unit right-hand sides.

        Parameters
        ----------
        x0 : array of the shape of the right-hand side, or None
            Start; None stands for zeros.

        Returns
        -------
        X : array of shape (n, n_outputs)
            New block, float64.
        """
        xp = namespace_of(self.B)
        if x0 is None:
            return xp.zeros_like(self.B)
        if tuple(x0.shape) != tuple(self.original.shape):
            raise ValueError(
                f"x0 has shape {tuple(x0.shape)}, the right-hand side "
                f"{tuple(self.original.shape)}."
            )
        block = xp.astype(asarray_like(x0, self.B), self.B.dtype)
        block = block[:, None] if block.ndim == 1 else block
        block = block / asarray_like(np.where(self.sizes > 0, self.sizes, 1.0), self.B)
        return np.ascontiguousarray(block) if self.on_host else block

    def residual_norms(self, X: Any) -> np.ndarray:
        """Measure residuals, relative to the right-hand sides, in float64.

        Parameters
        ----------
        X : array of shape (n, n_outputs)
            Solution for the unit right-hand sides.

        Returns
        -------
        norms : ndarray of shape (n_outputs,)
            Norms of `B - A X` outside the null space, in which a rounded operator
            leaves what no solution can remove.
        """
        residual = self.B - self.operator.matmat(X)
        if self.null_space is not None:
            residual = self.null_space.project(residual)
        return column_norms(residual)

    def report(
        self, X: Any, n_iter: np.ndarray, norms: np.ndarray, solver: str
    ) -> SolveResult:
        """Scale a solution back and say how good it is.

        Parameters
        ----------
        X : array of shape (n, n_outputs)
            Solution for the unit right-hand sides, float64.
        n_iter : ndarray of shape (n_outputs,)
            Steps taken.
        norms : ndarray of shape (n_outputs,)
            Its residual norms.
        solver : str
            Name of the solver.

        Returns
        -------
        result : SolveResult
            In the shape and dtype of the right-hand side.
        """
        xp = namespace_of(X)
        if self.null_space is not None:
            X = self.null_space.project(X)
        converged = bool(np.all(norms <= self.tol))
        if not converged:
            warnings.warn(
                f"solver={solver!r} stopped after {int(n_iter.max(initial=0))} steps "
                f"at a relative residual of {norms.max():.2g}, above tol="
                f"{self.tol:.2g}. Increase max_iter or tol, or take another solver.",
                ConvergenceWarning,
                stacklevel=4,
            )
        x = X * asarray_like(self.sizes, X)
        dtype = self.original.dtype
        if not xp.isdtype(dtype, "real floating"):
            dtype = X.dtype
        if x.dtype != dtype:
            x = xp.astype(x, dtype)
            safe = asarray_like(np.where(self.sizes > 0, self.sizes, 1.0), X)
            norms = self.residual_norms(xp.astype(x, X.dtype) / safe)
        x = x[:, 0] if self.original.ndim == 1 else x
        return SolveResult(x, n_iter, norms, converged, solver)


def pose(
    operator: Operator,
    B: Any,
    null_space: NullSpace | DenseNullSpace | None,
    tol: float,
) -> Problem:
    """Check a right-hand side and bring it into one form.

    Parameters
    ----------
    operator : Operator
        Square operator.
    B : array of shape (n,) or (n, n_outputs)
        Right-hand sides.
    null_space : NullSpace, DenseNullSpace or None
        Null space of the operator.
    tol : float
        Relative residual norm wanted.

    Returns
    -------
    problem : Problem
        Ready for a solver.

    Raises
    ------
    ValueError
        If shapes do not fit or values are not finite.

    Warns
    -----
    UserWarning
        If more than 1e-6 of a right-hand side lies in the null space.
    """
    if not hasattr(B, "ndim"):
        B = np.asarray(B)
    n = operator.shape[0]
    if operator.shape[0] != operator.shape[1]:
        raise ValueError(f"`operator` must be square, got shape {operator.shape}.")
    if B.ndim not in (1, 2) or B.shape[0] != n:
        raise ValueError(
            f"The right-hand side must have shape ({n},) or ({n}, n_outputs), got "
            f"{tuple(B.shape)}."
        )
    if not tol > 0:
        raise ValueError(f"tol must be positive, got {tol}.")
    xp = namespace_of(B)
    if xp.isdtype(B.dtype, "complex floating"):
        raise ValueError("The right-hand side is complex; solve its parts one by one.")
    block = xp.astype(B, widest_dtype(B) if not is_numpy(xp) else np.float64)
    block = block[:, None] if block.ndim == 1 else block
    if isinstance(block, np.ndarray):
        block = np.ascontiguousarray(block)
    if not bool(xp.all(xp.isfinite(block))):
        raise ValueError("The right-hand side contains NaN or infinity.")
    whole = column_norms(block)
    sizes = whole
    if null_space is not None:
        projected = null_space.project(block)
        removed = column_norms(block - projected)
        block, sizes = projected, column_norms(projected)
        worst = float(np.max(removed / np.where(whole > 0, whole, 1), initial=0))
        if worst > _INCONSISTENT:
            warnings.warn(
                f"A part of {worst:.2g} of a right-hand side lies in the null space of "
                "the operator and was removed: the system has no solution with it.",
                UserWarning,
                stacklevel=4,
            )
        # What rounding leaves of a column inside the null space is nothing.
        sizes = np.where(sizes > 1e-14 * whole, sizes, 0.0)
    inverse = np.where(sizes > 0, 1 / np.where(sizes > 0, sizes, 1.0), 0.0)
    block = block * asarray_like(inverse, block)
    return Problem(operator, block, sizes, null_space, float(tol), B)
