"""Small cells of near rows, and which pairs of cells to search."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from sklearn_manifold_reg.utils._blas import single_threaded_blas
from sklearn_manifold_reg.utils._numba import run_rows

# Rows drawn for each center, and rounds of averaging: more of either moves recall
# by less than a percent.
_ROWS_PER_CENTER = 20
_N_ROUNDS = 2
# A cell of more than this many times the mean size is cut in pieces.
_MAX_EXCESS = 4
_MAX_CELLS = 8192
# Rows whose products with all centers are taken at once.
_BLOCK = 512


@dataclass(frozen=True)
class Cells:
    """Rows grouped by their nearest center.

    Attributes
    ----------
    order : ndarray of shape (n,), int32
        Rows, cell by cell.
    starts : ndarray of shape (c + 1,), int32
        First place of each cell in `order`.
    labels : ndarray of shape (n,), int32
        Cell of each place of `order`.
    nearest : ndarray of shape (c, c), int32
        Cells by the distance of their centers, each cell first in its own row.
    """

    order: np.ndarray
    starts: np.ndarray
    labels: np.ndarray
    nearest: np.ndarray


def build_cells(
    Z: np.ndarray, rng: np.random.RandomState, *, n_jobs: int | None = None
) -> Cells:
    """Group rows in about 4 sqrt(n) cells of bounded size.

    Parameters
    ----------
    Z : ndarray of shape (n, q), float32
        Rows.
    rng : RandomState
        Draws the first centers.
    n_jobs : int or None, default=None
        Threads. The cells do not depend on them.

    Returns
    -------
    cells : Cells
        After a few rounds of k-means on a sample; n c q multiplications.
    """
    n = Z.shape[0]
    n_cells = int(min(_MAX_CELLS, max(1, 4 * np.sqrt(n)), max(1, n // 8)))
    sample = Z[rng.choice(n, min(n, _ROWS_PER_CENTER * n_cells), replace=False)]
    centers = sample[:n_cells].copy()
    for _ in range(_N_ROUNDS):
        centers = _averages(sample, _assign(sample, centers, n_jobs), centers)
    labels = _cut(Z, _assign(Z, centers, n_jobs), _MAX_EXCESS * n / n_cells)
    order = np.argsort(labels, kind="stable").astype(np.int32)
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    labels = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    centers = np.add.reduceat(Z[order], starts[:-1], axis=0) / counts[:, None]
    return Cells(order, starts, labels, _nearest(centers))


def _assign(Z: np.ndarray, centers: np.ndarray, n_jobs: int | None) -> np.ndarray:
    """Nearest center of each row."""
    labels = np.empty(len(Z), np.int64)
    half_norms = np.einsum("ij,ij->i", centers, centers) / 2
    columns = np.ascontiguousarray(-centers.T)

    free: deque = deque()

    def assign(start: int, stop: int) -> None:
        room = free.pop() if free else np.empty((_BLOCK, len(centers)), np.float32)
        tile = np.matmul(Z[start:stop], columns, out=room[: stop - start])
        tile += half_norms
        np.argmin(tile, axis=1, out=labels[start:stop])
        free.append(room)

    ranges = [(a, min(len(Z), a + _BLOCK)) for a in range(0, len(Z), _BLOCK)]
    with single_threaded_blas():
        run_rows(assign, len(Z), n_jobs=n_jobs, ranges=ranges)
    return labels


def _averages(Z: np.ndarray, labels: np.ndarray, centers: np.ndarray) -> np.ndarray:
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels, minlength=len(centers))
    filled = np.flatnonzero(counts)
    starts = np.cumsum(counts) - counts
    centers = centers.copy()
    sums = np.add.reduceat(Z[order], starts[filled], axis=0)
    centers[filled] = sums / counts[filled, None]
    return centers


def _cut(Z: np.ndarray, labels: np.ndarray, largest: float) -> np.ndarray:
    """Cut large cells in slices of equal size along their widest feature."""
    counts = np.bincount(labels)
    labels = labels.copy()
    n_labels = len(counts)
    for cell in np.flatnonzero(counts > largest):
        rows = np.flatnonzero(labels == cell)
        widest = np.argmax(np.ptp(Z[rows], axis=0))
        rows = rows[np.argsort(Z[rows, widest], kind="stable")]
        pieces = np.array_split(rows, int(np.ceil(len(rows) / (largest / 2))))
        for piece in pieces[1:]:
            labels[piece] = n_labels
            n_labels += 1
    return labels


def _nearest(centers: np.ndarray) -> np.ndarray:
    norms = np.einsum("ij,ij->i", centers, centers)
    with single_threaded_blas():
        D = norms[:, None] + norms - 2 * (centers @ centers.T)
    np.fill_diagonal(D, -np.inf)
    return np.argsort(D, axis=1, kind="stable").astype(np.int32)
