"""Approximate Euclidean neighbors of many rows: joins of cells, then descent.

Rows are projected on their leading principal axes, where these suffice, and grouped
in small cells by k-means. Near cells are joined: all pairs of their rows are compared
by matrix products. How many cells count as near is read off the exact neighbors of a
sample of rows. Descent then offers each row the neighbors of its neighbors until the
sample's neighbors are found, and the best candidates are put in exact order.
"""

import threading
from collections import deque

import numpy as np

from sklearn_manifold_reg.graph._cells import Cells, build_cells
from sklearn_manifold_reg.graph._exact import (
    CenteredRows,
    center_rows,
    exact_self_neighbors,
    exact_some_neighbors,
)
from sklearn_manifold_reg.graph._projection import leading_axes
from sklearn_manifold_reg.utils._blas import single_threaded_blas
from sklearn_manifold_reg.utils._numba import row_ranges, run_rows, use_compiled

# Rows whose exact neighbors steer the search; the standard error of their recall
# is below half a percent.
_N_STEERING = 128
# Share of their neighbors to be met by joins alone, and at the end.
_JOIN_RECALL = 0.95
_RECALL = 0.995
_MAX_ROUNDS = 8
# Descent ends when a round finds less than this share of the neighbors.
_MIN_GAIN = 0.002
# Neighbors passed on by a row in descent; all candidates, if that ends with less than
# this share of the neighbors.
_N_PASSED = 12
_WIDEN_BELOW = 0.97
# Candidates beyond the neighbors, to absorb rounding. The blur of a projection takes
# as many again as there are neighbors.
_N_SPARE = 8
# A cell is joined to this share of all cells at most; descent finds the rest.
_MAX_JOINED = 0.15
# Up to so many rows, search is exact instead if joins alone would meet fewer of the
# neighbors than the first share, or if fewer than the second are found in the end.
_MAX_EXACT_ROWS = 200_000
_LEAST_MET = 0.8
_LEAST_FOUND = 0.95
# Rows are shifted, scaled and projected this many at a time.
_BLOCK = 2048
# Cells joined by one task.
_CELLS_PER_TASK = 16


def descent_neighbors(
    X: np.ndarray, n_neighbors: int, *, seed: int, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Find most of the nearest other rows of each row.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-contiguous and writable
        Rows; finite.
    n_neighbors : int
        Between 1 and n - 1.
    seed : int
        Seed of all draws.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices : ndarray of shape (n, n_neighbors), int32
        Nearest first, ties by index.
    squares : ndarray of shape (n, n_neighbors), float64
        Exact squared distances.
    n_repaired : int
        Rows that met fewer than `n_neighbors` others and were searched exactly.

    Notes
    -----
    Recall is 0.97 to 0.99. Where rows have no structure that cells could use, such as
    noise in many dimensions, up to 200,000 rows are searched exactly instead. Time
    is O(n^1.5), with a factor of BLAS speed; memory is O(n (k + q)) for q axes.
    """
    if not use_compiled() or X.shape[0] <= 4 * _N_STEERING:
        return *exact_self_neighbors(X, n_neighbors, n_jobs=n_jobs), 0
    n = X.shape[0]
    rng = np.random.RandomState(seed)
    rows = center_rows(X, np.float32, n_jobs)
    steering = np.sort(rng.choice(n, _N_STEERING, replace=False))
    truth, squares = exact_some_neighbors(rows, steering, n_neighbors, n_jobs=n_jobs)
    reach = float(np.median(squares[:, -1])) * rows.scale**2
    sample = (X[rng.choice(n, min(n, 2000), replace=False)] - rows.center) * rows.scale
    axes = leading_axes(sample, reach, rng)
    Z = _project(rows, axes, n_jobs)
    cells = build_cells(Z, rng, n_jobs=n_jobs)
    joined, met = _choose_joins(cells, steering, truth)
    found = 0.0
    if met >= _LEAST_MET or n > _MAX_EXACT_ROWS:
        Z = Z[cells.order]
        norms = np.einsum("ij,ij->i", Z, Z)
        spare = _N_SPARE if axes is None else _N_SPARE + n_neighbors
        n_candidates = min(n - 1, n_neighbors + spare)
        values, items = _join(Z, norms, cells, joined, n_candidates, n_jobs)
        values, items, found = _descend(
            Z, norms, cells, joined, values, items, steering, truth, n_jobs
        )
    if found < _LEAST_FOUND and n <= _MAX_EXACT_ROWS:
        return *exact_self_neighbors(X, n_neighbors, n_jobs=n_jobs), 0
    indices, squares = _settle(rows, norms, cells, values, items, n_neighbors, n_jobs)
    short = np.flatnonzero(indices[:, -1] < 0)
    if len(short):
        exact = exact_some_neighbors(rows, short, n_neighbors, n_jobs=n_jobs)
        indices[short], squares[short] = exact
    return indices, squares, len(short)


def _project(
    rows: CenteredRows, axes: np.ndarray | None, n_jobs: int | None
) -> np.ndarray:
    """Coordinates of the centered rows along the axes, in float32."""
    from sklearn_manifold_reg.graph._exact_numba import pack

    X = rows.X
    n, d = X.shape
    if axes is None:
        Z = np.empty((n, d), np.float32)

        def write(start: int, stop: int) -> None:
            pack(X, rows.center, rows.scale, Z[start:stop], start, stop)

        run_rows(write, n, n_jobs=n_jobs)
        return Z
    axes = np.ascontiguousarray(axes, np.float32)
    Z = np.empty((n, axes.shape[1]), np.float32)
    free: deque = deque()

    def project(start: int, stop: int) -> None:
        buffer = free.pop() if free else np.empty((_BLOCK, d), np.float32)
        pack(X, rows.center, rows.scale, buffer, start, stop)
        np.matmul(buffer[: stop - start], axes, out=Z[start:stop])
        free.append(buffer)

    ranges = [(a, min(n, a + _BLOCK)) for a in range(0, n, _BLOCK)]
    with single_threaded_blas():
        run_rows(project, n, n_jobs=n_jobs, ranges=ranges)
    return Z


def _choose_joins(
    cells: Cells, steering: np.ndarray, truth: np.ndarray
) -> tuple[np.ndarray, float]:
    """Choose pairs of cells to join, so that steering rows meet most neighbors.

    Gives the pairs, and the share of neighbors that steering rows meet so.
    """
    n_cells = len(cells.nearest)
    label_of = np.empty(len(cells.order), np.int32)
    label_of[cells.order] = cells.labels
    rank_of = np.argsort(cells.nearest[label_of[steering]], axis=1)
    ranks = np.take_along_axis(rank_of, label_of[truth], axis=1)
    n_near = 1 + int(np.quantile(ranks, _JOIN_RECALL, method="higher"))
    n_near = max(2, min(n_near, int(_MAX_JOINED * n_cells)))
    joined = np.zeros((n_cells, n_cells), np.bool_)
    np.put_along_axis(joined, cells.nearest[:, :n_near], True, axis=1)
    return joined | joined.T, float(np.mean(ranks < n_near))


def _join(
    Z: np.ndarray,
    norms: np.ndarray,
    cells: Cells,
    joined: np.ndarray,
    n_candidates: int,
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compare each cell's rows with those of the cells joined to it."""
    from sklearn_manifold_reg.graph._exact_numba import update_rows
    from sklearn_manifold_reg.graph._nn_descent_numba import gather_cells

    n, q = Z.shape
    values = np.full((n, n_candidates), np.inf, np.float32)
    items = np.full((n, n_candidates), -1, np.int32)
    names = np.arange(n, dtype=np.int32)
    sizes = np.diff(cells.starts)
    n_met = joined @ sizes.astype(np.int64)
    n_columns, n_products = int(n_met.max()), int((n_met * sizes).max())
    free: deque = deque()
    lock = threading.Lock()

    def allocate() -> tuple[np.ndarray, ...]:
        return (
            np.empty((n_columns, q), np.float32),
            np.empty(n_columns, np.float32),
            np.empty(n_columns, np.int32),
            np.empty(n_products, np.float32),
        )

    def compare(first: int, last: int) -> None:
        with lock:
            buffers = free.pop() if free else allocate()
        met, met_norms, met_items, room = buffers
        for cell in range(first, last):
            near = cells.nearest[cell]
            near = near[joined[cell, near]]
            size = gather_cells(
                Z, norms, cells.starts, near, met, met_norms, met_items
            )  # fmt: skip
            own = slice(cells.starts[cell], cells.starts[cell + 1])
            shape = (int(sizes[cell]), size)
            tile = room[: shape[0] * shape[1]].reshape(shape)
            np.matmul(-2 * Z[own], met[:size].T, out=tile)
            update_rows(
                tile, norms[own], met_norms[:size], met_items[:size], values[own],
                items[own], names[own],
            )  # fmt: skip
        with lock:
            free.append(buffers)

    n_cells = len(sizes)
    ranges = [
        (a, min(n_cells, a + _CELLS_PER_TASK))
        for a in range(0, n_cells, _CELLS_PER_TASK)
    ]
    with single_threaded_blas():
        run_rows(compare, n_cells, n_jobs=n_jobs, ranges=ranges)
    return values, items


def _descend(
    Z: np.ndarray,
    norms: np.ndarray,
    cells: Cells,
    joined: np.ndarray,
    values: np.ndarray,
    items: np.ndarray,
    steering: np.ndarray,
    truth: np.ndarray,
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Offer each row the neighbors of its neighbors, round by round.

    Gives the candidates, and the share of the steering rows' neighbors among them.
    """
    from sklearn_manifold_reg.graph._nn_descent_numba import expand, reverse_lists

    n, n_candidates = items.shape
    n_passed = min(n_candidates, _N_PASSED)
    place_of = np.empty(n, np.int32)
    place_of[cells.order] = np.arange(n, dtype=np.int32)
    places, wanted = place_of[steering], place_of[truth]
    recall = _recall(items[places], wanted)
    fresh = np.ones((n, n_candidates), np.uint8)
    reverse, counts = np.empty((n, n_passed), np.int32), np.empty(n, np.int32)
    spare = values.copy(), items.copy(), fresh.copy()
    for _ in range(_MAX_ROUNDS):
        if recall >= _RECALL:
            break
        reverse_lists(items, n_passed, reverse, counts)
        new_values, new_items, new_fresh = spare
        run_rows(
            expand, n, Z, norms, cells.labels, joined, items, values, fresh, n_passed,
            reverse, counts, new_items, new_values, new_fresh,
            n_jobs=n_jobs, ranges=row_ranges(n, 16),
        )  # fmt: skip
        spare = values, items, fresh
        values, items, fresh = new_values, new_items, new_fresh
        gain = _recall(items[places], wanted) - recall
        recall += gain
        if gain >= _MIN_GAIN:
            continue
        if recall >= _WIDEN_BELOW or n_passed == n_candidates:
            break
        n_passed = n_candidates
        reverse = np.empty((n, n_passed), np.int32)
        fresh[:] = 1
    return values, items, recall


def _recall(items: np.ndarray, wanted: np.ndarray) -> float:
    return float((wanted[:, :, None] == items[:, None, :]).any(axis=2).mean())


def _settle(
    rows: CenteredRows,
    norms: np.ndarray,
    cells: Cells,
    values: np.ndarray,
    items: np.ndarray,
    n_neighbors: int,
    n_jobs: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Order candidates by exact distances of the rows themselves."""
    from sklearn_manifold_reg.graph._nn_descent_numba import settle

    n = len(items)
    squares = np.empty((n, n_neighbors))
    indices = np.empty((n, n_neighbors), np.int32)
    # The rounding of float32 products and projections, far beyond its usual size.
    unit = np.finfo(np.float32).eps
    worst = np.where(items >= 0, norms[items], 0).max(axis=1)
    errors = (8 + 4 * np.sqrt(rows.X.shape[1])) * unit * (norms + worst)
    run_rows(
        settle, n, rows.X, cells.order, items, values, errors.astype(np.float64),
        rows.scale**2, squares, indices, n_jobs=n_jobs, ranges=row_ranges(n, 16),
    )  # fmt: skip
    return indices, squares
