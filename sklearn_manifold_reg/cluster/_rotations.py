"""Rotations of eigenvectors towards indicators of clusters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.cluster._assign import assign_rows, sample_rows, take_rows

# Relative change of the objective at which alternation stops, and its longest run.
_TOL = 1e-8
_MAX_ITER = 30


@dataclass(frozen=True, eq=False)
class Rotated:
    """Rows assigned by rotated eigenvectors.

    Attributes
    ----------
    labels : integer array of shape (n,)
        Column of `Z @ rotation` that is largest, of absolute values for
        `cluster_qr`.
    rotation : array of shape (n_clusters, n_clusters)
        Orthogonal.
    objective : float
        Sum over rows of that largest entry.
    objectives : list of float
        What it was before each change of the rotation.
    """

    labels: Any
    rotation: Any
    objective: float
    objectives: list[float]


def discretize(
    Z: Any, *, n_init: int, rng: np.random.RandomState, n_jobs: int | None = None
) -> Rotated:
    """Rotate unit rows to the indicators that they fit best [1]_.

    Maximizes `sum_i max_c (Z R)_ic` over orthogonal R by turns: labels are the
    largest entries of the rows of `Z R`, and R is the polar factor of the sums of the
    rows of Z by label. Neither lowers the objective. Starts are rotations through
    nearly orthogonal rows [1]_ from `n_init` random first rows. They are compared on
    a sample, and the best goes on with all rows.

    Parameters
    ----------
    Z : array of shape (n, n_clusters)
        Rows of norm one, or zero.
    n_init : int
        Number of starts.
    rng : RandomState
        Source of starts.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    rotated : Rotated
        Of the largest objective.

    References
    ----------
    .. [1] S. X. Yu, J. Shi, "Multiclass spectral clustering", ICCV 2003,
       doi:10.1109/ICCV.2003.1238361.
    """
    sample = sample_rows(Z, Z.shape[1], rng)
    runs = [
        alternate(sample, start_rotation(sample, rng), n_jobs=n_jobs)
        for _ in range(n_init)
    ]
    best = max(runs, key=lambda run: run.objective)
    return best if sample is Z else alternate(Z, best.rotation, n_jobs=n_jobs)


def start_rotation(Z: Any, rng: np.random.RandomState) -> Any:
    """Pick a random row, then rows as orthogonal as possible to those before.

    Parameters
    ----------
    Z : array of shape (n, n_clusters)
        Rows of norm one, or zero.
    rng : RandomState
        Source of the first row.

    Returns
    -------
    rotation : array of shape (n_clusters, n_clusters)
        The orthogonal matrix nearest to the picked rows as columns.
    """
    xp = namespace_of(Z)
    picks = [int(rng.randint(Z.shape[0]))]
    overlap = xp.zeros_like(Z[:, 0])
    for _ in range(1, Z.shape[1]):
        overlap = overlap + xp.abs(Z @ Z[picks[-1], :])
        picks.append(int(xp.argmin(overlap)))
    rows = to_numpy(take_rows(Z, np.asarray(picks)))
    return asarray_like(_polar(rows).T, Z)


def alternate(Z: Any, rotation: Any, *, n_jobs: int | None = None) -> Rotated:
    """Alternate labels and rotations until the objective stays.

    Parameters
    ----------
    Z : array of shape (n, n_clusters)
        Rows.
    rotation : array of shape (n_clusters, n_clusters)
        Start.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    rotated : Rotated
        Labels are those of the returned rotation.
    """
    xp = namespace_of(Z)
    zeros = xp.zeros_like(rotation[0, :])
    found = assign_rows(Z, rotation, zeros, n_jobs=n_jobs)
    objectives: list[float] = []
    for _ in range(_MAX_ITER):
        objectives.append(found.total)
        # The sums have few rows and columns: their decomposition is done on the host.
        turned = asarray_like(_polar(to_numpy(found.sums)).T, Z)
        again = assign_rows(Z, turned, zeros, n_jobs=n_jobs)
        if again.total - found.total <= _TOL * abs(found.total):
            break
        rotation, found = turned, again
    return Rotated(found.labels, rotation, found.total, objectives)


def cluster_qr(Z: Any, V: Any) -> Rotated:
    """Rotate rows to indicators through pivots of a QR decomposition [1]_.

    The pivots of `V'` are one row near the middle of each cluster. R is the orthogonal
    factor of the polar decomposition of these rows of Z; labels are the largest
    absolute entries of the rows of `Z R`. Nothing is random, nothing iterates.

    Parameters
    ----------
    Z : array of shape (n, n_clusters)
        Rows to label.
    V : array of shape (n, n_clusters)
        The same rows with the lengths by which pivots are chosen: orthonormal
        eigenvectors.

    Returns
    -------
    rotated : Rotated
        Labels and rotation.

    References
    ----------
    .. [1] A. Damle, V. Minden, L. Ying, "Simple, direct and efficient multi-way
       spectral clustering", Information and Inference 8, 2019,
       doi:10.1093/imaiai/iay008.
    """
    xp = namespace_of(Z)
    chosen = to_numpy(take_rows(Z, pivot_rows(V, V.shape[1])))
    rotation = asarray_like(_polar(chosen).T, Z)
    scores = xp.abs(Z @ rotation)
    labels = xp.astype(xp.argmax(scores, axis=1), xp.int32)
    return Rotated(labels, rotation, float(xp.sum(xp.max(scores, axis=1))), [])


def pivot_rows(V: Any, n_pivots: int) -> np.ndarray:
    """Choose rows by the pivoting of a QR decomposition of the transpose.

    Each next row is the longest after projection orthogonal to those before.

    Parameters
    ----------
    V : array of shape (n, n_components)
        Rows.
    n_pivots : int
        Number of rows, at most n_components.

    Returns
    -------
    pivots : ndarray of shape (n_pivots,)
        Their numbers, on the host.
    """
    xp = namespace_of(V)
    lengths = xp.sum(V * V, axis=1)
    basis = np.zeros((V.shape[1], 0))
    pivots: list[int] = []
    for _ in range(n_pivots):
        pivots.append(int(xp.argmax(lengths)))
        q = to_numpy(V[pivots[-1], :]).astype(np.float64)
        for _ in range(2):
            # Twice is enough for orthogonality to rounding.
            q = q - basis @ (basis.T @ q)
        norm = np.linalg.norm(q)
        if norm > 0:
            q = q / norm
        basis = np.column_stack([basis, q])
        lengths = lengths - (V @ asarray_like(q, V)) ** 2
    return np.asarray(pivots)


def _polar(A: np.ndarray) -> np.ndarray:
    """Orthogonal matrix nearest to a square matrix."""
    U, _, Vt = np.linalg.svd(A.astype(np.float64))
    return U @ Vt
