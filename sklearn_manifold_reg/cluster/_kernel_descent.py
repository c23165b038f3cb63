"""Descent of kernel k-means: all rows at once, and one row at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from sklearn_manifold_reg.cluster._kernel_matrix import SymmetricKernel
from sklearn_manifold_reg.cluster._kernel_sums import (
    DeviceSums,
    HostSums,
    center_terms,
)
from sklearn_manifold_reg.utils._numba import run_rows, use_compiled

# Changes of the objective, relative to the largest value of the kernel a row, that
# are taken for rounding: it must not let rows go to and fro.
_ROUNDING = 1e-12
# Rows below which a run takes less time than to hand it to a thread.
_SERIAL_ROWS = 2000


@dataclass(frozen=True, eq=False)
class Problem:
    """What is divided, and into how many clusters.

    Attributes
    ----------
    kernel : SymmetricKernel
        Kernel.
    weights : ndarray of shape (n,), float64
        Weights of rows, not negative.
    n_clusters : int
        Number of clusters.
    shift : float
        What Lloyd's iteration adds to the diagonal, divided by the weights.
    reseed : bool
        Whether an empty cluster gets a row.
    max_iter : int
        Largest number of passes over all rows.
    n_jobs : int or None
        Threads. The result does not depend on it.
    """

    kernel: SymmetricKernel
    weights: np.ndarray
    n_clusters: int
    shift: float
    reseed: bool
    max_iter: int
    n_jobs: int | None

    @property
    def slack(self) -> float:
        """What rounding may add to the objective."""
        return _ROUNDING * self.kernel.scale * float(self.weights.sum())

    def sums(self, labels: np.ndarray) -> HostSums | DeviceSums:
        """Sum the kernel over clusters, labels of shape (n_runs, n)."""
        state = (self.kernel, self.weights, labels, self.n_clusters)
        if self.kernel.on_host:
            return HostSums(*state, self.n_jobs)
        return DeviceSums(*state)

    def sizes(self, labels: np.ndarray) -> np.ndarray:
        """Weights of clusters, of shape (n_runs, n_clusters)."""
        return np.stack(
            [
                np.bincount(label, weights=self.weights, minlength=self.n_clusters)
                for label in labels
            ]
        )

    def objectives(self, sizes: np.ndarray, inner: np.ndarray) -> np.ndarray:
        """Sum squared distances to the centers, shape (n_runs,)."""
        shares = np.divide(inner, sizes, out=np.zeros_like(inner), where=sizes > 0)
        return self.weights @ self.kernel.diagonal - shares.sum(axis=1)


@dataclass(eq=False)
class Run:
    """A run of the descent.

    Attributes
    ----------
    labels : ndarray of shape (n,), int32
        Best clusters so far.
    objective : float
        Their sum of squared distances.
    n_iter : int
        Passes over all rows.
    converged : bool
        Whether the last pass changed nothing, or led back to clusters seen before.
    """

    labels: np.ndarray
    objective: float = np.inf
    n_iter: int = 0
    converged: bool = False
    _seen: set = field(default_factory=set)

    def note(self, labels: np.ndarray, objective: float, slack: float) -> None:
        """Keep clusters if they are no worse than those before, up to rounding."""
        self._seen.add(_digest(labels))
        if objective <= self.objective + slack:
            self.labels, self.objective = labels.copy(), float(objective)

    def has_seen(self, labels: np.ndarray) -> bool:
        """Whether clusters came up before."""
        return _digest(labels) in self._seen


def lloyd(problem: Problem, sums: Any, labels: np.ndarray) -> list[Run]:
    """Move all rows to their nearest centers until clusters stay or come back.

    Parameters
    ----------
    problem : Problem
        What is divided.
    sums : HostSums or DeviceSums
        Sums over the clusters `labels`; changed.
    labels : ndarray of shape (n_runs, n), int32
        Where the runs start.

    Returns
    -------
    runs : list of Run
        The clusters of least objective that each run has met. With a kernel that is
        positive semidefinite these are the last.
    """
    runs = [Run(label) for label in labels]
    active = np.ones(len(runs), dtype=bool)
    for iteration in range(problem.max_iter + 1):
        sizes, inner = problem.sizes(labels), sums.inner(labels)
        objectives = problem.objectives(sizes, inner)
        for r in np.flatnonzero(active):
            runs[r].note(labels[r], objectives[r], problem.slack)
        if iteration == problem.max_iter:
            break
        slopes, offsets = center_terms(sizes, inner + problem.shift * sizes)
        found = sums.nearest(labels, slopes, offsets, problem.shift)
        if problem.reseed:
            for r in np.flatnonzero(active):
                terms = (slopes[r], offsets[r], problem.shift)
                _reseed(problem, sums, int(r), labels[r], found[r], terms)
        for r in np.flatnonzero(active):
            runs[r].n_iter += 1
            if runs[r].has_seen(found[r]):
                runs[r].converged = True
                active[r] = False
        found[~active] = labels[~active]
        if not active.any():
            break
        sums.move(labels, found)
        labels = found
    return runs


def _digest(labels: np.ndarray) -> bytes:
    return blake2b(labels.tobytes(), digest_size=16).digest()


def _reseed(
    problem: Problem,
    sums: Any,
    run: int,
    old: np.ndarray,
    labels: np.ndarray,
    terms: tuple,
) -> None:
    """Give each empty cluster the row that gains most by being alone."""
    weights, k = problem.weights, problem.n_clusters
    counts = np.bincount(labels[weights > 0], minlength=k)
    empty = np.flatnonzero(counts == 0)
    if len(empty) == 0:
        return
    slopes, offsets, shift = terms
    distances = problem.kernel.diagonal + sums.scores(run, labels, slopes, offsets)
    if shift:
        safe = np.where(weights > 0, weights, 1.0)
        distances += shift / safe - np.where(labels == old, slopes[labels] * shift, 0.0)
    gains = np.where(weights > 0, weights * distances, -np.inf)
    for row in np.argsort(-gains, kind="stable"):
        # Rows that lie on their centers stay there: they are duplicates.
        if gains[row] <= _ROUNDING * problem.kernel.scale * weights[row]:
            return
        if counts[labels[row]] > 1:
            counts[labels[row]] -= 1
            labels[row], empty = empty[0], empty[1:]
            counts[labels[row]] = 1
            if len(empty) == 0:
                return


def move_rows(
    problem: Problem,
    sums: Any,
    labels: np.ndarray,
    rngs: Sequence[np.random.RandomState],
) -> list[Run]:
    """Move single rows in random order while that lowers the objective.

    A move from cluster l to c changes it by
    `w s_c / (s_c + w) d_c - w s_l / (s_l - w) d_l`, with w the weight of the row, s
    those of the clusters and d the squared distances to their centers, whatever the
    sign of the kernel's eigenvalues.

    Parameters
    ----------
    problem : Problem
        What is divided.
    sums : HostSums
        Sums over the clusters `labels`; changed.
    labels : ndarray of shape (n_runs, n), int32
        Where the runs start. Threads take one run each.
    rngs : sequence of RandomState
        Sources of the orders, one a run.

    Returns
    -------
    runs : list of Run
        Clusters that no single move improves.
    """

    def work(start: int, _: int) -> Run:
        return _move_rows_of_run(
            problem, sums.S[start], labels[start].copy(), rngs[start]
        )

    n_runs, n = labels.shape
    ranges = [(r, r + 1) for r in range(n_runs)]
    n_jobs = 1 if n < _SERIAL_ROWS else problem.n_jobs
    return run_rows(work, n_runs, n_jobs=n_jobs, ranges=ranges)


def _move_rows_of_run(
    problem: Problem, S: np.ndarray, labels: np.ndarray, rng: np.random.RandomState
) -> Run:
    kernel, weights = problem.kernel, problem.weights
    weighty = np.flatnonzero(weights)
    sizes = problem.sizes(labels[None])[0]
    counts = np.bincount(labels[weighty], minlength=problem.n_clusters)
    own = np.take_along_axis(S, labels[None, :], axis=0)[0]
    inner = np.bincount(labels, weights=weights * own, minlength=problem.n_clusters)
    state = (S, labels, sizes, counts, inner)
    least = _ROUNDING * kernel.scale
    function = _move_in_turn
    if use_compiled():
        from sklearn_manifold_reg.cluster._kernel_descent_numba import move_in_turn

        function = move_in_turn
    run = Run(labels)
    for _ in range(problem.max_iter):
        order = rng.permutation(weighty)
        n_moves = function(
            kernel.K, kernel.diagonal, weights, order, least, problem.reseed, *state
        )
        run.n_iter += 1
        if n_moves == 0:
            run.converged = True
            break
    run.objective = float(problem.objectives(sizes[None], inner[None])[0])
    _settle_ties(problem, S, labels, *center_terms(sizes, inner))
    return run


def _settle_ties(
    problem: Problem,
    S: np.ndarray,
    labels: np.ndarray,
    slopes: np.ndarray,
    offsets: np.ndarray,
) -> None:
    """Label rows that the objective leaves open, as nearest centers would.

    Rows of weight zero go to the nearest center, and of several centers on which a row
    lies the first is taken, so that rows that repeat each other share a cluster.
    """
    diagonal = problem.kernel.diagonal
    rounding = _ROUNDING * problem.kernel.scale
    own = offsets[labels] - slopes[labels] * S[labels, np.arange(len(labels))]
    open_rows = np.abs(diagonal + own) <= rounding
    open_rows |= problem.weights == 0
    rows = np.flatnonzero(open_rows)
    if len(rows) == 0:
        return
    scores = offsets[:, None] - slopes[:, None] * S[:, rows]
    nearest = np.argmin(scores, axis=0)
    on_center = np.abs(diagonal[rows] + scores) <= rounding
    first = np.where(on_center.any(axis=0), np.argmax(on_center, axis=0), nearest)
    labels[rows] = np.where(problem.weights[rows] == 0, nearest, first)


def _move_in_turn(
    K: np.ndarray,
    diagonal: np.ndarray,
    weights: np.ndarray,
    order: np.ndarray,
    least: float,
    fill: bool,
    S: np.ndarray,
    labels: np.ndarray,
    sizes: np.ndarray,
    counts: np.ndarray,
    inner: np.ndarray,
) -> int:
    """Do what the kernel does, row by row."""
    n_moves = 0
    for i in order:
        own, w = labels[i], weights[i]
        rest = sizes[own] - w
        if counts[own] < 2 or rest <= 0:
            continue
        safe = np.where(counts > 0, sizes, 1.0)
        distances = diagonal[i] - 2 * S[:, i] / safe + inner / safe**2
        costs = sizes / (sizes + w) * distances
        costs[counts == 0] = 0.0 if fill else np.inf
        costs[own] = sizes[own] / rest * distances[own] - least
        winner = int(np.argmin(costs))
        if costs[winner] < costs[own]:
            row = w * K[i].astype(np.float64)
            inner[own] += w * (w * diagonal[i] - 2 * S[own, i])
            inner[winner] += w * (w * diagonal[i] + 2 * S[winner, i])
            S[own] -= row
            S[winner] += row
            sizes[[own, winner]] += [-w, w]
            counts[[own, winner]] += [-1, 1]
            labels[i] = winner
            n_moves += 1
    return n_moves
