"""First clusters of kernel k-means."""

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.cluster._kernel_matrix import SymmetricKernel

# Names of starts, and those that "any" tries.
ALL_STARTS = ("one", "all", "k-means++")
STARTS = {"any": ALL_STARTS} | {name: (name,) for name in ALL_STARTS}


def draw_labels(
    start: str,
    kernel: SymmetricKernel,
    weights: np.ndarray,
    n_clusters: int,
    *,
    power: float,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Draw clusters to start from.

    Parameters
    ----------
    start : {"k-means++", "one", "all"}
        Nearest of rows that lie apart, nearest of any rows, or a random division into
        equal parts.
    kernel : SymmetricKernel
        Kernel.
    weights : ndarray of shape (n,)
        Weights of rows; those of weight zero do not become centers.
    n_clusters : int
        Number of clusters, no more than there are positive weights.
    power : float
        Of squared distances, for "k-means++".
    rng : RandomState
        Source of random numbers.

    Returns
    -------
    labels : ndarray of shape (n,), int32
        Cluster of each row.
    """
    weighty = np.flatnonzero(weights)
    if start == "all":
        labels = np.arange(len(weights), dtype=np.int32) % n_clusters
        # Rows of weight zero do not fill a cluster.
        labels[weighty] = rng.permutation(len(weighty)) % n_clusters
        return labels
    if start == "one":
        picks = rng.choice(weighty, n_clusters, replace=False)
    else:
        picks = _spread(kernel, weights, n_clusters, power, rng)
    offsets = kernel.diagonal[picks][:, None]
    labels = np.argmin(offsets - 2 * _take(kernel, picks), axis=0).astype(np.int32)
    # Distances of an indefinite kernel may be negative: no center leaves its cluster.
    labels[picks] = np.arange(n_clusters, dtype=np.int32)
    return labels


def _spread(
    kernel: SymmetricKernel,
    weights: np.ndarray,
    n_clusters: int,
    power: float,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Draw rows that lie apart, each the best of a few (greedy k-means++)."""
    n = len(weights)
    n_trials = 2 + int(np.log(n_clusters))
    picks = np.empty(n_clusters, dtype=np.int64)
    free = weights > 0
    nearest = np.full(n, np.inf)
    chances = weights
    for place in range(n_clusters):
        bounds = np.cumsum(np.where(free, chances, 0.0))
        if bounds[-1] <= 0:
            # Every row repeats a center: any that is none will do.
            bounds = np.cumsum(free, dtype=np.float64)
        draws = rng.uniform(size=n_trials if place else 1) * bounds[-1]
        candidates = np.searchsorted(bounds, draws, side="right")
        # The largest draw may be rounded up to the last bound.
        candidates = np.minimum(candidates, np.searchsorted(bounds, bounds[-1]))
        D = kernel.diagonal[candidates][:, None] - 2 * _take(kernel, candidates)
        D += kernel.diagonal
        np.minimum(np.maximum(D, 0.0, out=D), nearest, out=D)
        winner = int(np.argmin(D @ weights))
        picks[place] = candidates[winner]
        free[picks[place]] = False
        nearest = D[winner]
        chances = weights * nearest**power
    return picks


def _take(kernel: SymmetricKernel, rows: np.ndarray) -> np.ndarray:
    """Take rows of a kernel, in float64 on the host."""
    if kernel.on_host:
        return kernel.K[rows].astype(np.float64, copy=False)
    taken = namespace_of(kernel.K).take(
        kernel.K, asarray_like(rows.astype(np.int64), kernel.K), axis=0
    )
    return to_numpy(taken).astype(np.float64)
