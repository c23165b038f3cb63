"""Conjugate gradients on all columns at once, in low precision with exact residuals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_dots,
    descend,
    namespace_of,
    turn,
)
from sklearn_manifold_reg.linalg._deflation import DeflatedOperator
from sklearn_manifold_reg.linalg._multigrid import MultigridPreconditioner
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator
from sklearn_manifold_reg.linalg._power_system import PowerSystem
from sklearn_manifold_reg.linalg._system import System
from sklearn_manifold_reg.linalg._workspace import Workspace

# Largest fall of the recursive residual between two true ones. The recursion drifts
# by some 1e-7 times the size of the solution in float32, so it is believed for two
# digits; in float64 for six.
_FALL = {"float32": 1e-2, "float64": 1e-6}
# A column counts as converged when its estimated residual is this part of the bound,
# so that the true residual that follows seldom disappoints.
_MARGIN = 0.8

Preconditioner = Callable[[Any], Any]
# Called with the number of steps and with residuals over bounds; True stops.
Monitor = Callable[[int, np.ndarray], bool]


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where conjugate gradients stopped.

    Attributes
    ----------
    Y : array of shape (n, n_outputs)
        Solution of the prepared system, in float64.
    n_iter : ndarray of shape (n_outputs,)
        Steps taken by each column.
    norms : ndarray of shape (n_outputs,)
        True residual norms.
    """

    Y: Any
    n_iter: np.ndarray
    norms: np.ndarray


def conjugate_gradients(
    system: System,
    B: Any,
    Y: Any,
    bounds: np.ndarray,
    *,
    precondition: Preconditioner | None = None,
    max_iter: int = 1000,
    monitor: Monitor | None = None,
    n_jobs: int | None = None,
) -> Iterate:
    """Solve the prepared system for all columns.

    Columns share products but have steps of their own; those that reach their bound
    leave the block. Steps run in the dtype of `system.narrow`. Whenever the recursive
    residual has fallen by a few digits it is replaced by the true one in float64 and
    the iteration goes on along its old directions ("reliable updates" [1]_), so that
    the answer is as good as in float64.

    Parameters
    ----------
    system : System
        Prepared system.
    B : array of shape (n, n_outputs)
        Right-hand side in the system, float64.
    Y : array of shape (n, n_outputs)
        Start, float64.
    bounds : ndarray of shape (n_outputs,)
        Residual norms wanted, measured by `system.norms`.
    precondition : callable, default=None
        Symmetric positive map of residual blocks. None is the identity.
    max_iter : int, default=1000
        Largest number of steps.
    monitor : callable, default=None
        Asked after every step whether to stop.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    iterate : Iterate
        Last iterate, converged or not.

    References
    ----------
    .. [1] M. A. Clark, R. Babich, K. Barros, R. C. Brower, C. Rebbi, "Solving lattice
       QCD systems of equations using mixed precision solvers on GPUs", Computer
       Physics Communications, 2010, doi:10.1016/j.cpc.2010.05.002.
    """
    deflation = system.deflation
    R = system.residual(B, Y)
    if deflation is not None:
        Y = Y + deflation.balance(R)
        R = system.residual(B, Y, out=R)
    norms = system.norms(R)
    n_iter = np.zeros(len(norms), dtype=np.int64)
    active = np.flatnonzero(norms > bounds)
    R, targets = _take(R, active), _take(B, active)
    leg, stalls, workspace = _Leg(), 0, Workspace()
    while len(active) and leg.total < max_iter and not leg.stopped and stalls < 3:
        before = norms[active]
        limits = bounds[active]
        leg = _run_leg(
            system,
            R,
            leg,
            before,
            limits,
            precondition,
            max_iter,
            monitor,
            workspace,
            n_jobs,
        )
        n_iter[active] += leg.steps
        correction = leg.X
        if deflation is not None:
            correction = deflation.complete(correction)
        Y, mine = _add_columns(Y, active, correction)
        R = system.residual(targets, mine, out=R)
        norms[active] = after = system.norms(R)
        left = after > limits
        stalled = leg.fell and bool(np.any(after[left] > 0.5 * before[left]))
        stalls = stalls + 1 if stalled else 0
        if stalled and system.is_mixed:
            # The low precision is exhausted: start afresh in float64.
            system = system.in_float64()
            leg, stalls = _Leg(total=leg.total), 0
        if not left.all():
            keep = np.flatnonzero(left)
            active, R, targets = active[keep], _take(R, keep), _take(targets, keep)
            leg = leg.columns(keep)
    return Iterate(Y, n_iter, norms)


@dataclass(frozen=True, eq=False)
class _Leg:
    """Steps between two true residuals.

    `P` and `rho` let the next leg go on along the last directions. `fell` tells
    whether the recursive residual fell as far as it is believed.
    """

    P: Any = None
    rho: Any = None
    X: Any = None
    steps: int = 0
    total: int = 0
    fell: bool = False
    stopped: bool = False

    def columns(self, keep: np.ndarray) -> "_Leg":
        if self.P is None:
            return self
        return replace(self, P=_take(self.P, keep), rho=self.rho[keep], X=None)


def _run_leg(
    system: System,
    R: Any,
    last: _Leg,
    norms: np.ndarray,
    bounds: np.ndarray,
    precondition: Preconditioner | None,
    max_iter: int,
    monitor: Monitor | None,
    workspace: Workspace,
    n_jobs: int | None,
) -> _Leg:
    fall = _FALL["float32" if system.is_mixed else "float64"]
    R = workspace.copy("residual", R, system.narrow.dtype)
    X, Q = workspace.zeros("solution", R), workspace.zeros("image", R)
    squares = column_dots(R, R, n_jobs=n_jobs)
    start = np.sqrt(squares)
    # Norms of the system's residual over those of the residual that counts.
    limits = _MARGIN * bounds * start / norms
    Z, rho = _preconditioned(precondition, R, squares, workspace, n_jobs)
    if last.P is None:
        P = workspace.copy("direction", Z, Z.dtype)
    else:
        P = turn(Z, _ratio(rho, last.rho), last.P, n_jobs=n_jobs)
    total, stopped = last.total, False
    while True:
        Q = _product(system.narrow, P, Q)
        step = _ratio(rho, column_dots(P, Q, n_jobs=n_jobs))
        X, R, squares = descend(step, P, Q, X, R, n_jobs=n_jobs)
        total += 1
        size = np.sqrt(squares)
        done = (size <= limits) | (step == 0)
        fell = bool(np.all(done | (size <= fall * start)))
        if monitor is not None:
            stopped = monitor(total, size / limits)
        if fell or stopped or total >= max_iter or 3 * done.sum() >= len(done):
            return _Leg(P, rho, X, total - last.total, total, fell, stopped)
        Z, new = _preconditioned(precondition, R, squares, workspace, n_jobs)
        P = turn(Z, _ratio(new, rho), P, n_jobs=n_jobs)
        rho = new


def _preconditioned(
    precondition: Preconditioner | None,
    R: Any,
    squares: np.ndarray,
    workspace: Workspace,
    n_jobs: int | None,
) -> tuple[Any, np.ndarray]:
    if precondition is None:
        return R, squares
    if isinstance(precondition, MultigridPreconditioner):
        Z = precondition.apply(R, workspace)
    else:
        Z = precondition(R)
    return Z, column_dots(R, Z, n_jobs=n_jobs)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, giving 0 where a column has nowhere left to go."""
    usable = (below > 0) & np.isfinite(above)
    return np.where(usable, above / np.where(usable, below, 1.0), 0.0)


def _product(operator: Operator, P: Any, out: Any) -> Any:
    kinds = SparseOperator | DeflatedOperator | PowerSystem
    if isinstance(operator, kinds) and isinstance(P, np.ndarray):
        return operator.matmat(P, out=out)
    return operator.matmat(P)


def _take(block: Any, columns: np.ndarray) -> Any:
    if len(columns) == block.shape[1]:
        return block
    if isinstance(block, np.ndarray):
        return np.ascontiguousarray(block[:, columns])
    xp = namespace_of(block)
    return xp.take(block, asarray_like(columns, block), axis=1)


def _add_columns(Y: Any, columns: np.ndarray, correction: Any) -> tuple[Any, Any]:
    """Add to some columns; give the block and those columns of it."""
    if isinstance(Y, np.ndarray):
        if len(columns) == Y.shape[1]:
            Y += correction
            return Y, Y
        Y[:, columns] += correction
        return Y, np.ascontiguousarray(Y[:, columns])
    xp = namespace_of(Y)
    where = {int(column): place for place, column in enumerate(columns)}
    mine = _take(Y, columns) + xp.astype(correction, Y.dtype)
    parts = [mine[:, where[c]] if c in where else Y[:, c] for c in range(Y.shape[1])]
    return xp.stack(parts, axis=1), mine
