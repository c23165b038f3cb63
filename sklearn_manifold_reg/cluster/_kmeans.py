"""k-means of many rows: restarts on a sample, descent on all rows."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of
from sklearn_manifold_reg.cluster._assign import assign_rows, sample_rows, take_rows
from sklearn_manifold_reg.cluster._rotations import pivot_rows

# Relative difference of objectives from which two runs are not the same.
_DIFFERENT = 1e-3
# Squared shift of the centers, relative to the variance of the rows, at which descent
# stops: as in scikit-learn.
_TOL = 1e-4
_MAX_ITER = 300


@dataclass(frozen=True, eq=False)
class Clustering:
    """Result of k-means.

    Attributes
    ----------
    labels : integer array of shape (n,)
        Cluster of each row, int32.
    centers : array of shape (n_clusters, n_components)
        Centers; each row belongs to the nearest.
    inertia : float
        Sum of squared distances to the nearest centers.
    """

    labels: Any
    centers: Any
    inertia: float


def kmeans(
    Z: Any,
    n_clusters: int,
    *,
    n_init: int,
    n_finalists: int = 3,
    rng: np.random.RandomState,
    n_jobs: int | None = None,
) -> Clustering:
    """Find clusters of small sum of squared distances to their means.

    Restarts from k-means++ run on a sample of the rows, 250 a cluster and no fewer
    than 5000. The best that differ go on with all rows, as does, where there are as
    many components as clusters, a start from the pivots of a QR decomposition of all
    rows, which sees clusters too small for the sample. The least sum of all these is
    returned. With fewer rows than twice the sample all restarts take all rows. More
    rows are taken in float32 on the host.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    n_clusters : int
        Number of clusters, at most n.
    n_init : int
        Number of restarts.
    n_finalists : int, default=3
        Number of restarts that go on with all rows.
    rng : RandomState
        Source of starts.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    clustering : Clustering
        Of the least inertia found.
    """
    dtype = Z.dtype
    sample = sample_rows(Z, n_clusters, rng)
    sampled = sample is not Z
    if sampled and isinstance(Z, np.ndarray):
        # Points are known to the tolerance of the eigenvectors, some 1e-6.
        Z, sample = Z.astype(np.float32), sample.astype(np.float32)
    starts = []
    if n_clusters == Z.shape[1]:
        starts.append(take_rows(Z, pivot_rows(Z, n_clusters)))
    seeds = [seed_centers(sample, n_clusters, rng) for _ in range(n_init)]
    if sampled:
        runs = [lloyd(sample, seed, n_jobs=n_jobs) for seed in seeds]
        seeds = [run.centers for run in _finalists(runs, n_finalists)]
    best = min(
        (lloyd(Z, start, n_jobs=n_jobs) for start in [*starts, *seeds]),
        key=lambda run: run.inertia,
    )
    return replace(best, centers=namespace_of(Z).astype(best.centers, dtype))


def _finalists(runs: list[Clustering], n_finalists: int) -> list[Clustering]:
    """Keep the best few whose objectives differ."""
    kept: list[Clustering] = []
    for run in sorted(runs, key=lambda run: run.inertia):
        if not kept or run.inertia > kept[-1].inertia * (1 + _DIFFERENT):
            kept.append(run)
    return kept[:n_finalists]


def seed_centers(Z: Any, n_clusters: int, rng: np.random.RandomState) -> Any:
    """Draw rows that lie apart (greedy k-means++).

    Each next row is the best of `2 + log(n_clusters)` drawn with probability
    proportional to the squared distance to the nearest row drawn before.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    n_clusters : int
        Number of rows to draw.
    rng : RandomState
        Source of random numbers.

    Returns
    -------
    centers : array of shape (n_clusters, n_components)
        The rows.
    """
    xp = namespace_of(Z)
    n = Z.shape[0]
    n_trials = 2 + int(np.log(n_clusters))
    picks = [int(rng.randint(n))]
    squares = xp.sum(Z * Z, axis=1)
    nearest = xp.sum((Z - Z[picks[0], :][None, :]) ** 2, axis=1)
    for _ in range(1, n_clusters):
        bounds = xp.cumulative_sum(nearest)
        targets = asarray_like(rng.uniform(size=n_trials) * float(bounds[-1]), Z)
        candidates = xp.searchsorted(bounds, targets)
        candidates = xp.where(candidates < n, candidates, n - 1)
        chosen = xp.take(Z, candidates, axis=0)
        D = squares[:, None] - 2 * (Z @ xp.matrix_transpose(chosen))
        D = D + xp.take(squares, candidates)[None, :]
        D = xp.minimum(xp.where(D > 0, D, xp.zeros_like(D)), nearest[:, None])
        winner = int(xp.argmin(xp.sum(D, axis=0)))
        nearest = D[:, winner]
        picks.append(int(candidates[winner]))
    return take_rows(Z, np.asarray(picks))


def lloyd(
    Z: Any,
    centers: Any,
    *,
    max_iter: int = _MAX_ITER,
    n_jobs: int | None = None,
) -> Clustering:
    """Move centers to the means of their rows until they stay.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Rows.
    centers : array of shape (n_clusters, n_components)
        Start.
    max_iter : int, default=300
        Largest number of moves.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    clustering : Clustering
        Labels are those of the nearest of the returned centers.
    """
    xp = namespace_of(Z)
    square = float(xp.sum(xp.sum(Z * Z, axis=0)))
    bound = _TOL * float(xp.sum(xp.var(Z, axis=0))) / Z.shape[1]
    found = _nearest(Z, centers, n_jobs)
    for _ in range(max_iter):
        means = _means(Z, centers, found)
        shift = float(xp.sum((means - centers) ** 2))
        centers = means
        found = _nearest(Z, centers, n_jobs)
        if shift <= bound:
            break
    return Clustering(found.labels, centers, max(0.0, square - 2 * found.total))


def _nearest(Z: Any, centers: Any, n_jobs: int | None) -> Any:
    xp = namespace_of(Z)
    # The nearest center is that of largest z·c - |c|² / 2.
    offsets = -xp.sum(centers * centers, axis=1) / 2
    return assign_rows(Z, xp.matrix_transpose(centers), offsets, n_jobs=n_jobs)


def _means(Z: Any, centers: Any, found: Any) -> Any:
    """Means of clusters; those without rows move to the rows farthest from theirs."""
    xp = namespace_of(Z)
    empty = found.counts == 0
    safe = xp.where(empty, xp.ones_like(found.counts), found.counts)
    means = xp.astype(found.sums / safe[:, None], Z.dtype)
    n_empty = int(xp.sum(xp.astype(empty, xp.int32)))
    if n_empty == 0:
        return means
    own = xp.take(centers, found.labels, axis=0)
    distances = xp.sum((Z - own) ** 2, axis=1)
    farthest = xp.argsort(distances, descending=True, stable=True)[:n_empty]
    number = xp.cumulative_sum(xp.astype(empty, farthest.dtype)) - 1
    number = xp.where(empty, number, xp.zeros_like(number))
    moved = xp.take(xp.take(Z, farthest, axis=0), number, axis=0)
    return xp.where(empty[:, None], moved, means)
