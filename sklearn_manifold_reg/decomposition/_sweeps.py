"""Sweeps over abundances and endmembers, and their repetition until F rests."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import device, namespace_of, to_numpy
from sklearn_manifold_reg.decomposition._products import (
    row_products,
    row_scores,
    weighted_sums,
)
from sklearn_manifold_reg.decomposition._row_descent import ColoredRows
from sklearn_manifold_reg.decomposition._structured_problem import StructuredProblem

# Keeps divisors of multiplicative updates from zero, and least entry they start at:
# they cannot leave zero.
_TINY = 1e-12
_LEAST_ENTRY = 1e-6
# Passes over the endmembers, and over the entries of a row, in one sweep.
_N_PASSES = 2
# Multiples of the rounding error that count as zero.
_ROUNDING = 16
# Consecutive sweeps that change F little before the repetition ends.
_RESTING = 2


@dataclass
class Run:
    """Where the sweeps have come to.

    Attributes
    ----------
    W, H : arrays of shape (n, K) and (K, p)
        Abundances and endmembers.
    history : list of float
        F at the start and after each sweep.
    converged : bool
        Whether F rests.
    """

    W: Any
    H: Any
    history: list[float]
    converged: bool = False

    @classmethod
    def begin(cls, sweeps: Any, W: Any, H: Any) -> "Run":
        """Start at a first guess.

        Parameters
        ----------
        sweeps : MultiplicativeSweeps or BlockSweeps
            What will be repeated.
        W, H : arrays of shape (n, K) and (K, p)
            First guess.

        Returns
        -------
        run : Run
            Without a sweep.
        """
        W, H = sweeps.start(W, H)
        problem = sweeps.problem
        B = row_scores(problem.X, H, n_jobs=problem.n_jobs)
        return cls(W, H, [problem.objective(W, H @ H.T, B)])

    @property
    def n_iter(self) -> int:
        """Number of sweeps."""
        return len(self.history) - 1


class MultiplicativeSweeps:
    """Multiplicative updates: entries are scaled by a ratio of non-negative terms.

    Parameters
    ----------
    problem : StructuredProblem
        Without the constraint `simplex`; on any array library.
    """

    def __init__(self, problem: StructuredProblem) -> None:
        self.problem = problem

    @property
    def monotone(self) -> bool:
        """Whether F never rises: scaling after the sweep may lift it."""
        return not self.problem.unit_norm

    def start(self, W: Any, H: Any) -> tuple[Any, Any]:
        """Lift entries from zero, which updates could not leave.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            First guess.

        Returns
        -------
        W, H : arrays
            With positive entries.
        """
        xp = namespace_of(W)
        return xp.clip(W, min=_LEAST_ENTRY), xp.clip(H, min=_LEAST_ENTRY)

    def sweep(self, W: Any, H: Any) -> tuple[Any, Any, float]:
        """Update the endmembers, then the abundances.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            Abundances and endmembers, positive.

        Returns
        -------
        W, H : arrays
            New ones.
        objective : float
            F there.
        """
        problem = self.problem
        xp = namespace_of(W)
        V, C = (weighted_sums(W, A, n_jobs=problem.n_jobs) for A in (W, problem.X))
        H = H * (C / (V @ H + _TINY))
        B, G = row_scores(problem.X, H, n_jobs=problem.n_jobs), H @ H.T
        gain = B + problem.row_weight
        cost = W @ G + problem.alpha + _TINY
        if problem.row_weight:
            cost = cost + problem.row_weight * xp.sum(W, axis=1, keepdims=True)
        if problem.affinity is not None:
            gain = gain + problem.graph_alpha * problem.affinity.matmat(W)
            cost = cost + problem.graph_alpha * problem.degrees[:, None] * W
        W = W * (gain / cost)
        if problem.unit_norm:
            norms = xp.sqrt(xp.sum(H * H, axis=1))
            norms = xp.where(norms > 0, norms, xp.ones_like(norms))
            W, H, B = W * norms, H / norms[:, None], B / norms
            G = H @ H.T
        return W, H, problem.objective(W, G, B)


class BlockSweeps:
    """Block coordinate descent with exact minima over endmembers and entries.

    Parameters
    ----------
    problem : StructuredProblem
        On any array library.
    """

    monotone = True

    def __init__(self, problem: StructuredProblem) -> None:
        self.problem = problem
        affinity = problem.affinity
        if affinity is None:
            self.rows = ColoredRows.uncoupled(problem.X)
        else:
            coupling = affinity.with_data(affinity.data * problem.graph_alpha)
            self.rows = ColoredRows.from_affinity(coupling)

    def start(self, W: Any, H: Any) -> tuple[Any, Any]:
        """Take the first guess, without weights on the simplex that are rounding.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            First guess.

        Returns
        -------
        W, H : arrays
            Where descent begins. It chooses among positive weights, so that it would
            depend on those of rounding.
        """
        if not self.problem.simplex:
            return W, H
        xp = namespace_of(W)
        W = xp.where(_ROUNDING * xp.finfo(W.dtype).eps < W, W, xp.zeros_like(W))
        return W / xp.sum(W, axis=1, keepdims=True), H

    def sweep(self, W: Any, H: Any) -> tuple[Any, Any, float]:
        """Update the endmembers, then the abundances.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            Abundances and endmembers.

        Returns
        -------
        W, H : arrays
            New ones.
        objective : float
            F there, not above F before.
        """
        problem = self.problem
        H = _update_endmembers(problem, W, H)
        B, G = row_scores(problem.X, H, n_jobs=problem.n_jobs), H @ H.T
        W = self.rows.descend(
            W,
            G + problem.row_weight,
            B + (problem.row_weight - problem.alpha),
            simplex=problem.simplex,
            n_passes=_N_PASSES,
            n_jobs=problem.n_jobs,
        )
        return W, H, problem.objective(W, G, B)


def factorize(
    run: Run,
    sweeps: Any,
    iterations: Iterable[int],
    *,
    tol: float,
    accelerate: bool,
) -> None:
    """Repeat sweeps until F rests.

    Parameters
    ----------
    run : Run
        Where to start; it is carried on.
    sweeps : MultiplicativeSweeps or BlockSweeps
        What to repeat.
    iterations : iterable of int
        At most so many sweeps.
    tol : float
        F rests if two sweeps in a row lower it by this share or less, or by what is
        rounding beside ||X||².
    accelerate : bool
        Whether sweeps begin at extrapolated abundances.
    """
    momentum = Momentum() if accelerate else None
    resting = 0
    rounding = _ROUNDING * float(np.finfo(np.float64).eps) * sweeps.problem.squared_norm
    for _ in iterations:
        before = run.history[-1]
        if momentum is None:
            run.W, run.H, value = sweeps.sweep(run.W, run.H)
        else:
            run.W, run.H, value = momentum.sweep(sweeps, run.W, run.H, before)
        run.history.append(value)
        fall = before - value if sweeps.monotone else abs(before - value)
        resting = resting + 1 if fall <= max(tol * abs(value), rounding) else 0
        if resting == _RESTING:
            run.converged = True
            break


class Momentum:
    """Extrapolation of abundances, given up where F would rise.

    The step grows with success and shrinks with failure, as in the accelerated
    alternating least squares of [1]_.

    References
    ----------
    .. [1] A. M. S. Ang, N. Gillis, "Accelerating nonnegative matrix factorization
       algorithms using extrapolation", Neural Computation 31 (2019),
       doi:10.1162/neco_a_01157.
    """

    _GROWTH, _LIMIT_GROWTH, _DECAY = 1.05, 1.01, 1.5

    def __init__(self) -> None:
        self.size, self.limit = 0.5, 1.0
        self.previous: Any = None

    def sweep(
        self, sweeps: Any, W: Any, H: Any, objective: float
    ) -> tuple[Any, Any, float]:
        """Sweep from extrapolated abundances, or else from the present ones.

        Parameters
        ----------
        sweeps : BlockSweeps or MultiplicativeSweeps
            Whose F never rises.
        W, H : arrays of shape (n, K) and (K, p)
            Abundances and endmembers.
        objective : float
            F there.

        Returns
        -------
        W, H : arrays
            New ones.
        objective : float
            F there.
        """
        previous, self.previous = self.previous, W
        if previous is not None:
            xp = namespace_of(W)
            ahead = xp.clip(W + self.size * (W - previous), min=0)
            if sweeps.problem.simplex:
                ahead = ahead / xp.sum(ahead, axis=1, keepdims=True)
            result = sweeps.sweep(ahead, H)
            if result[2] <= objective:
                self.size = min(self.limit, self._GROWTH * self.size)
                self.limit = min(1.0, self._LIMIT_GROWTH * self.limit)
                return result
            self.limit = self.size
            self.size /= self._DECAY
            # They have the size of W each, and the next sweep needs as much again.
            del ahead, result
        return sweeps.sweep(W, H)


def _update_endmembers(problem: StructuredProblem, W: Any, H: Any) -> Any:
    """Give each endmember its best place, the others held.

    With unit norms that is the non-negative part of the residual's direction: the
    quadratic term is constant on the sphere.
    """
    xp = namespace_of(W)
    V, C = (weighted_sums(W, A, n_jobs=problem.n_jobs) for A in (W, problem.X))
    sizes = to_numpy(xp.linalg.diagonal(V))
    H = xp.asarray(H, copy=True)
    if not np.all(sizes):
        _revive(problem, W, H, np.flatnonzero(sizes == 0))
    columns = xp.arange(H.shape[1], device=device(H))
    for _ in range(_N_PASSES):
        for k in np.flatnonzero(sizes).tolist():
            H[k, :] = 0
            target = C[k, :] - V[k, :] @ H
            best = xp.clip(target, min=0)
            if not problem.unit_norm:
                H[k, :] = best / V[k, k]
                continue
            norm = xp.linalg.vector_norm(best)
            peak = xp.astype(columns == xp.argmax(target), H.dtype)
            scale = xp.where(norm > 0, norm, xp.ones_like(norm))
            H[k, :] = xp.where(norm > 0, best / scale, peak)
    return H


def _revive(problem: StructuredProblem, W: Any, H: Any, dead: np.ndarray) -> None:
    """Put endmembers that no row uses at the rows that are explained worst.

    F does not depend on them, so it stays what it was.
    """
    X = problem.X
    xp = namespace_of(X)
    residuals = row_products(X, X) + xp.sum(W * (W @ (H @ H.T) - 2 * (X @ H.T)), axis=1)
    worst = xp.argsort(-residuals, stable=True)
    for k, i in zip(dead.tolist(), to_numpy(worst[: len(dead)]).tolist(), strict=True):
        norm = float(xp.linalg.vector_norm(X[i, :]))
        if norm > 0:
            H[k, :] = X[i, :] / norm if problem.unit_norm else X[i, :]
