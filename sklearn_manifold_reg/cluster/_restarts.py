"""k-means from many starts, of which a criterion of the graph picks one."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.random import sample_without_replacement

# Distances of one cluster that are held at once, over rows and runs.
_BLOCK = 1 << 21


@dataclass(frozen=True, eq=False)
class Partition:
    """A run of k-means.

    Attributes
    ----------
    labels : ndarray of shape (n,), int32
        Cluster of each row, whose center is the nearest.
    centers : ndarray of shape (n_clusters, n_features)
        Centers.
    inertia : float
        Sum of squared distances to the nearest center.
    n_iter : int
        Iterations, the last of which changed no label unless `max_iter` came first.
    """

    labels: np.ndarray
    centers: np.ndarray
    inertia: float
    n_iter: int


def best_partition(
    X: np.ndarray,
    n_clusters: int,
    loss: Callable[[Partition], float],
    *,
    n_init: int,
    max_iter: int,
    random_state: np.random.RandomState,
) -> Partition:
    """Run k-means from random rows as centers, and keep the run of least loss.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Rows.
    n_clusters : int
        Number of clusters.
    loss : callable
        What a run is judged by.
    n_init : int
        Number of runs; many are done side by side, in the same matrix products.
    max_iter : int
        Iterations of a run.
    random_state : RandomState
        Seed of the starts.

    Returns
    -------
    partition : Partition
        The first of the best runs.

    Raises
    ------
    ValueError
        If there are fewer rows than clusters.

    Warns
    -----
    ConvergenceWarning
        If the best run has fewer clusters than asked for, as where rows share a place.
    """
    n = X.shape[0]
    if n < n_clusters:
        raise ValueError(f"n_samples={n} must be at least n_clusters={n_clusters}.")
    best: Any = None
    least = np.inf
    step = max(1, _BLOCK // n)
    for first in range(0, n_init, step):
        n_runs = min(step, n_init - first)
        starts = [
            sample_without_replacement(n, n_clusters, random_state=random_state)
            for _ in range(n_runs)
        ]
        for run in lloyd(X, X[np.stack(starts)], max_iter):
            value = loss(run)
            if best is None or value < least:
                best, least = run, value
    n_found = len(np.unique(best.labels))
    if n_found < n_clusters:
        warnings.warn(
            f"{n_found} clusters were found, n_clusters={n_clusters} were asked for: "
            "rows may share their place in the embedding.",
            ConvergenceWarning,
            stacklevel=4,
        )
    return best


def lloyd(X: np.ndarray, centers: np.ndarray, max_iter: int) -> list[Partition]:
    """Run Lloyd's iteration from several starts side by side.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Rows.
    centers : ndarray of shape (n_runs, n_clusters, n_features)
        Where the runs start.
    max_iter : int
        Largest number of iterations.

    Returns
    -------
    runs : list of Partition
        A cluster that falls empty starts anew at the row farthest from its center.
    """
    n_runs, n_clusters, _ = centers.shape
    squares = np.einsum("ij,ij->i", X, X)[:, None]
    n_iter = np.zeros(n_runs, dtype=np.int64)
    moving = np.ones(n_runs, dtype=bool)
    labels, distances = _assign(X, centers, squares)
    for _ in range(max_iter):
        centers = _means(X, labels, n_clusters, distances)
        previous = labels
        labels, distances = _assign(X, centers, squares)
        n_iter += moving
        moving &= np.any(labels != previous, axis=0)
        if not moving.any():
            break
    inertias = distances.sum(axis=0, dtype=np.float64)
    return [
        Partition(labels[:, r].copy(), centers[r], float(inertias[r]), int(n_iter[r]))
        for r in range(n_runs)
    ]


def _assign(
    X: np.ndarray, centers: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest center of each row in each run, the first of equal ones."""
    n_runs, n_clusters, _ = centers.shape
    labels = np.zeros((X.shape[0], n_runs), dtype=np.int32)
    least = np.full(labels.shape, np.inf, dtype=X.dtype)
    sizes = np.einsum("rkf,rkf->kr", centers, centers)
    for k in range(n_clusters):
        distances = X @ (-2 * centers[:, k].T)
        distances += sizes[k]
        closer = distances < least
        labels[closer] = k
        np.minimum(least, distances, out=least)
    least += squares
    return labels, np.maximum(least, 0, out=least)


def _means(
    X: np.ndarray, labels: np.ndarray, n_clusters: int, distances: np.ndarray
) -> np.ndarray:
    """Average the rows of each cluster; empty ones go to the farthest rows."""
    n, n_runs = labels.shape
    # Columns are rows of X, with one entry a run.
    owners = (labels + n_clusters * np.arange(n_runs, dtype=np.int32)).ravel()
    indptr = np.arange(0, n * n_runs + 1, n_runs)
    ones = np.ones(n * n_runs, dtype=X.dtype)
    members = sparse.csc_array((ones, owners, indptr), shape=(n_runs * n_clusters, n))
    counts = np.bincount(owners, minlength=n_runs * n_clusters)
    centers = (members @ X) / np.maximum(counts, 1)[:, None].astype(X.dtype)
    centers = centers.reshape(n_runs, n_clusters, -1)
    counts = counts.reshape(n_runs, n_clusters)
    for r in np.flatnonzero((counts == 0).any(axis=1)):
        empty = np.flatnonzero(counts[r] == 0)
        centers[r, empty] = X[np.argsort(-distances[:, r], kind="stable")[: len(empty)]]
    return centers
