"""Exact Euclidean neighbors of dense rows, by matrix products and sorted lists.

Products of blocks of rows give approximate squared distances at the speed of BLAS;
compiled lists keep a few more candidates than asked for; their distances are then
computed by differences in float64. A row is done when no row outside its list can
be nearer, given a bound on the rounding of the products; the others are searched
again in float64, and what is still undecided (more duplicates than candidates) by
differences alone. So the answer is exact and depends on the data only.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from sklearn_manifold_reg._arrays._topk import smallest_k
from sklearn_manifold_reg.utils._blas import single_threaded_blas
from sklearn_manifold_reg.utils._numba import row_ranges, run_rows, use_compiled

# Rows of a tile: two packed blocks and a tile of this size share the L2 cache,
# and products run near their peak speed.
_BLOCK = 1024
# Candidates kept beyond the neighbors: they absorb rounding near the last one.
_N_SPARE = 6
# Below this many multiplications per search (per query, with `rows` of queries)
# differences in float64 take milliseconds, and no compiled kernel need be loaded.
_SMALL_SELF = 2e7
_SMALL_QUERY = 1e5
# Above this share of undecided rows all of them are searched again together.
_JOIN_AGAIN = 0.2


@dataclass(frozen=True)
class CenteredRows:
    """Rows as `(X - center) * scale`, which neither cancel nor overflow.

    Attributes
    ----------
    X : ndarray of shape (n, d)
        Rows as they came; blocks of them are shifted and scaled when needed.
    center : ndarray of shape (d,), float64
        Their mean.
    scale : float
        A power of two.
    norms : ndarray of shape (n,), float32 or float64
        Squared norms of the shifted and scaled rows.
    """

    X: np.ndarray
    center: np.ndarray
    scale: float
    norms: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.shape[0]

    def with_dtype(self, dtype: Any) -> "CenteredRows":
        """Measure the rows for products of another precision."""
        if self.norms.dtype == dtype:
            return self
        return center_rows(self.X, dtype, None, self.center, self.scale)


def exact_self_neighbors(
    X: np.ndarray, n_neighbors: int, *, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest other rows of each row.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-contiguous and writable
        Rows; finite.
    n_neighbors : int
        Between 1 and n - 1.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices : ndarray of shape (n, n_neighbors), int32
        Nearest first, ties by index.
    squares : ndarray of shape (n, n_neighbors), float64
        Squared distances.

    Notes
    -----
    n² d / 2 multiplications and additions in float32 and n²/2 comparisons for each
    of two lists; O(n k) memory and one tile a thread.
    """
    n, d = X.shape
    skip = np.arange(n, dtype=np.int32)
    if not use_compiled() or n * n * d <= _SMALL_SELF:
        return _search_reference(X, X, n_neighbors, skip)
    n_candidates = min(n - 1, n_neighbors + _N_SPARE)
    undecided = np.arange(n)
    indices = np.empty((n, n_neighbors), np.int32)
    squares = np.empty((n, n_neighbors))
    rows = center_rows(X, np.float32, n_jobs)
    for dtype in (np.float32, np.float64):
        if len(undecided) > _JOIN_AGAIN * n:
            rows = rows.with_dtype(dtype)
            values, items = _join(rows, n_candidates, n_jobs)
            undecided = _settle(
                X, rows, rows, values, items, indices, squares, n - 1, n_jobs
            )
    _search_all(rows, X, skip, undecided, indices, squares, n_jobs)
    return indices, squares


def exact_query_neighbors(
    X: np.ndarray, Q: np.ndarray, n_neighbors: int, *, n_jobs: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest rows of X for each row of Q.

    Parameters
    ----------
    X : ndarray of shape (n, d), float32 or float64, C-contiguous and writable
        Rows to search; finite.
    Q : ndarray of shape (m, d), dtype of X, C-contiguous and writable
        Queries.
    n_neighbors : int
        Between 1 and n.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices, squares : ndarray of shape (m, n_neighbors)
        As in `exact_self_neighbors`. Each query is answered on its own.
    """
    m = Q.shape[0]
    skip = np.full(m, -1, np.int32)
    if not use_compiled() or X.size <= _SMALL_QUERY:
        return _search_reference(X, Q, n_neighbors, skip)
    indices = np.empty((m, n_neighbors), np.int32)
    squares = np.empty((m, n_neighbors))
    rows = center_rows(X, np.float32, n_jobs)
    _search_all(rows, Q, skip, np.arange(m), indices, squares, n_jobs)
    return indices, squares


def exact_some_neighbors(
    rows: CenteredRows,
    which: np.ndarray,
    n_neighbors: int,
    *,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest other rows of some rows.

    Parameters
    ----------
    rows : CenteredRows
        All rows, measured for float32 products.
    which : ndarray of shape (m,), integer
        Rows to answer for.
    n_neighbors : int
        Between 1 and n - 1.
    n_jobs : int or None, default=None
        Threads. The result does not depend on them.

    Returns
    -------
    indices, squares : ndarray of shape (m, n_neighbors)
        As in `exact_self_neighbors`.
    """
    X, m = rows.X, len(which)
    indices = np.empty((m, n_neighbors), np.int32)
    squares = np.empty((m, n_neighbors))
    if m:
        Q, skip = X[which], which.astype(np.int32)
        _search_all(rows, Q, skip, np.arange(m), indices, squares, n_jobs)
    return indices, squares


def exact_candidate_neighbors(
    X: np.ndarray,
    Q: np.ndarray,
    candidates: np.ndarray,
    n_neighbors: int,
    *,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the nearest of given candidates by exact distances.

    Parameters
    ----------
    X, Q : ndarray of shape (n, d) and (m, d), one dtype, C-contiguous, writable
        Searched rows and queries.
    candidates : ndarray of shape (m, c), int32
        Rows of X, each at most once; negative entries are empty.
    n_neighbors : int
        At most c.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    indices : ndarray of shape (m, n_neighbors), int32
        Nearest first, ties by index; -1 where candidates ran out.
    squares : ndarray of shape (m, n_neighbors), float64
        Squared distances, infinite at empty places.
    """
    m = Q.shape[0]
    candidates = np.require(candidates, np.int32, ["C", "A", "W"])
    if not use_compiled():
        return _rerank_reference(X, Q, candidates, n_neighbors)
    from sklearn_manifold_reg.graph._exact_numba import rerank

    indices = np.empty((m, n_neighbors), np.int32)
    squares = np.empty((m, n_neighbors))
    run_rows(rerank, m, Q, X, candidates, squares, indices, n_jobs=n_jobs)
    return indices, squares


def center_rows(
    X: np.ndarray,
    dtype: Any,
    n_jobs: int | None,
    center: np.ndarray | None = None,
    scale: float | None = None,
) -> CenteredRows:
    """Measure how rows are to be shifted and scaled.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    dtype : dtype
        Precision of the products to come.
    n_jobs : int or None
        Threads. The result does not depend on them.
    center : ndarray of shape (d,), default=None
        Shift; the mean by default.
    scale : float, default=None
        Scale; by default one that brings entries to 1 at most.

    Returns
    -------
    rows : CenteredRows
        After one or two passes over X.
    """
    from sklearn_manifold_reg.graph._exact_numba import centered_norms

    if center is None or scale is None:
        center, largest = _column_statistics(X, n_jobs)
        span = np.max(np.abs(center) + largest)
        # A power of two leaves the digits alone.
        scale = float(2.0 ** -np.ceil(np.log2(span))) if span > 0 else 1.0
    norms = np.empty(X.shape[0])
    run_rows(centered_norms, X.shape[0], X, center, scale, norms, n_jobs=n_jobs)
    return CenteredRows(X, center, scale, norms.astype(dtype))


def _column_statistics(
    X: np.ndarray, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and largest size of each column's entries, summed part by part."""
    from sklearn_manifold_reg.graph._exact_numba import column_sums

    n, d = X.shape
    # The parts are fixed by n: so is the rounding of their sums.
    parts = row_ranges(n, 16)
    sums, largest = np.zeros((len(parts), d)), np.zeros((len(parts), d))

    def add(first: int, last: int) -> None:
        for part in range(first, last):
            column_sums(X, sums[part], largest[part], *parts[part])

    run_rows(add, len(parts), n_jobs=n_jobs)
    return sums.sum(axis=0) / n, largest.max(axis=0)


def _join(
    rows: CenteredRows, n_candidates: int, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Approximate nearest candidates of all rows: each pair of blocks once.

    Blocks meet as in a round-robin tournament. Within a round no two tiles share
    a block, so threads update the lists of both sides without meeting, and each
    list sees its tiles in one order, whatever the number of threads.
    """
    from sklearn_manifold_reg.graph._exact_numba import update_both, update_rows

    n, dtype = rows.n_rows, rows.norms.dtype
    values = np.full((n, n_candidates), np.inf, dtype)
    items = np.full((n, n_candidates), -1, np.int32)
    names = np.arange(n, dtype=np.int32)
    blocks = _blocks(n)
    workspace = _Workspace(blocks, rows.X.shape[1], dtype)

    def inside(first: int, last: int) -> None:
        for a in blocks[first:last]:
            with workspace.products(rows, a, rows, a) as tile:
                update_rows(
                    tile, rows.norms[a], rows.norms[a], names[a], values[a], items[a],
                    names[a],
                )  # fmt: skip

    def across(pairs: list[tuple[int, int]], first: int, last: int) -> None:
        for p, q in pairs[first:last]:
            a, b = blocks[p], blocks[q]
            with workspace.products(rows, a, rows, b) as tile:
                update_both(
                    tile, rows.norms[a], rows.norms[b], values[a], items[a],
                    values[b], items[b], a.start, b.start,
                    np.empty(tile.shape[1], dtype),
                )  # fmt: skip

    with single_threaded_blas():
        run_rows(
            inside, len(blocks), n_jobs=n_jobs, ranges=_single(len(blocks))
        )  # fmt: skip
        for pairs in tournament(len(blocks)):
            run_rows(
                across, len(pairs), pairs, n_jobs=n_jobs, ranges=_single(len(pairs))
            )
    return values, items


def _search_all(
    rows: CenteredRows,
    Q: np.ndarray,
    skip: np.ndarray,
    queries: np.ndarray,
    indices: np.ndarray,
    squares: np.ndarray,
    n_jobs: int | None,
) -> None:
    """Answer some queries exactly: in float32, float64, and then by differences."""
    from sklearn_manifold_reg.graph._exact_numba import scan_all

    for dtype in (np.float32, np.float64):
        if len(queries) and rows.norms.dtype <= dtype:
            rows = rows.with_dtype(dtype)
            queries = _search_rows(rows, Q, skip, queries, indices, squares, n_jobs)
    queries = np.require(queries, np.int32, ["C", "A", "W"])
    if len(queries):
        run_rows(
            scan_all, len(queries), Q, rows.X, skip, queries, squares, indices,
            n_jobs=n_jobs,
        )  # fmt: skip


def _search_rows(
    rows: CenteredRows,
    Q: np.ndarray,
    skip: np.ndarray,
    queries: np.ndarray,
    indices: np.ndarray,
    squares: np.ndarray,
    n_jobs: int | None,
) -> np.ndarray:
    """Search some queries through all rows by products; return the undecided."""
    from sklearn_manifold_reg.graph._exact_numba import update_rows

    X, dtype = rows.X, rows.norms.dtype
    n, k = X.shape[0], indices.shape[1]
    own = int(skip[0] >= 0)
    n_candidates = min(n - own, k + _N_SPARE)
    chosen = center_rows(Q[queries], dtype, n_jobs, rows.center, rows.scale)
    m = chosen.n_rows
    blocks, query_blocks = _blocks(n), _blocks(m)
    # Few queries: each part of the searched rows keeps lists of its own.
    n_parts = min(len(blocks), -(-8 // len(query_blocks)))
    values = np.full((n_parts, m, n_candidates), np.inf, dtype)
    items = np.full((n_parts, m, n_candidates), -1, np.int32)
    names, left_out = np.arange(n, dtype=np.int32), np.ascontiguousarray(skip[queries])
    workspace = _Workspace(blocks + query_blocks, X.shape[1], dtype)
    tasks = [(a, part) for a in query_blocks for part in range(n_parts)]

    def search(first: int, last: int) -> None:
        for a, part in tasks[first:last]:
            for b in blocks[part::n_parts]:
                with workspace.products(chosen, a, rows, b) as tile:
                    update_rows(
                        tile, chosen.norms[a], rows.norms[b], names[b],
                        values[part, a], items[part, a], left_out[a],
                    )  # fmt: skip

    with single_threaded_blas():
        run_rows(search, len(tasks), n_jobs=n_jobs, ranges=_single(len(tasks)))
    values, items = _merge(values, items)
    found, distances = np.empty((m, k), np.int32), np.empty((m, k))
    left = _settle(X, chosen, rows, values, items, found, distances, n - own, n_jobs)
    indices[queries], squares[queries] = found, distances
    return queries[left]


def _merge(values: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join the lists of all parts to one list a query."""
    if len(values) == 1:
        return values[0], items[0]
    n_candidates = values.shape[2]
    both = [np.concatenate(list(array), axis=1) for array in (values, items)]
    order = np.lexsort((both[1], both[0]), axis=1)[:, :n_candidates]
    joined, named = (np.take_along_axis(array, order, axis=1) for array in both)
    return np.ascontiguousarray(joined), np.ascontiguousarray(named)


def _settle(
    X: np.ndarray,
    chosen: CenteredRows,
    rows: CenteredRows,
    values: np.ndarray,
    items: np.ndarray,
    indices: np.ndarray,
    squares: np.ndarray,
    n_searched: int,
    n_jobs: int | None,
) -> np.ndarray:
    """Compute exact distances of candidates; return which queries are undecided.

    Every row that is no candidate of a query has an approximate square of at
    least the list's last one, so its exact square is at least that minus the
    rounding error. A row so far out that its rounding could be larger than this
    bound is farther than the last neighbor by the triangle inequality.
    """
    from sklearn_manifold_reg.graph._exact_numba import rerank

    run_rows(rerank, chosen.n_rows, chosen.X, X, items, squares, indices, n_jobs=n_jobs)
    if items.shape[1] == n_searched:
        return np.empty(0, np.intp)
    # Products of d terms err like a random walk: 4 sqrt(d) units lie far beyond
    # what any order of summation gives; 8 units more for norms and conversions.
    unit = np.finfo(values.dtype).eps
    n_terms = rows.X.shape[1]
    last = squares[:, -1] * rows.scale**2
    norms = chosen.norms.astype(np.float64)
    reach = (np.sqrt(norms) + np.sqrt(last)) ** 2
    error = (8 + 4 * np.sqrt(n_terms)) * unit * (norms + reach)
    decided = last < values[:, -1] - error
    return np.flatnonzero(~decided)


class _Workspace:
    """Buffers for packed blocks and tiles, one set a thread, reused throughout."""

    def __init__(self, blocks: list[slice], n_features: int, dtype: Any) -> None:
        self._size = max(block.stop - block.start for block in blocks)
        self._n_features = n_features
        self._dtype = dtype
        self._free: deque = deque()
        self._lock = threading.Lock()

    @contextmanager
    def products(
        self, left: CenteredRows, a: slice, right: CenteredRows, b: slice
    ) -> Iterator[np.ndarray]:
        """Give the tile `-2 x_i.y_j` of two blocks of centered rows."""
        from sklearn_manifold_reg.graph._exact_numba import pack

        with self._lock:
            buffers = self._free.pop() if self._free else self._allocate()
        first, second, room = buffers
        n, m = a.stop - a.start, b.stop - b.start
        pack(left.X, left.center, -2.0 * left.scale, first, a.start, a.stop)
        pack(right.X, right.center, right.scale, second, b.start, b.stop)
        tile = room[: n * m].reshape(n, m)
        np.matmul(first[:n], second[:m].T, out=tile)
        try:
            yield tile
        finally:
            with self._lock:
                self._free.append(buffers)

    def _allocate(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        size, d = self._size, self._n_features
        return (
            np.empty((size, d), self._dtype),
            np.empty((size, d), self._dtype),
            np.empty(size * size, self._dtype),
        )


def tournament(n_players: int) -> list[list[tuple[int, int]]]:
    """Pair all players in rounds in which each plays once at most.

    Parameters
    ----------
    n_players : int
        At least 1.

    Returns
    -------
    rounds : list of list of (int, int)
        Each pair (a, b) with a < b stands in exactly one round.
    """
    n = n_players + n_players % 2
    rounds = []
    for turn in range(n - 1):
        # The last player stays, the others turn around a circle.
        pairs = [(n - 1, turn)]
        for step in range(1, n // 2):
            pairs.append(((turn + step) % (n - 1), (turn - step) % (n - 1)))
        rounds.append(
            [(min(p), max(p)) for p in pairs if max(p) < n_players]
        )  # fmt: skip
    return rounds


def _blocks(n_rows: int) -> list[slice]:
    """Cut rows evenly into blocks that fit the tiles; the cut is fixed by `n_rows`."""
    n_blocks = max(-(-n_rows // _BLOCK), min(8, -(-n_rows // 128)))
    if n_blocks > 2:
        # Every round of the tournament then has an even number of tiles.
        n_blocks += -n_blocks % 4
    cuts = [n_rows * block // n_blocks for block in range(n_blocks + 1)]
    return [slice(a, b) for a, b in pairwise(cuts)]


def _single(n_tasks: int) -> list[tuple[int, int]]:
    return [(task, task + 1) for task in range(n_tasks)]


def _search_reference(
    X: np.ndarray, Q: np.ndarray, n_neighbors: int, skip: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Search by differences in float64, a block of queries at a time."""
    m = Q.shape[0]
    indices = np.empty((m, n_neighbors), np.int32)
    squares = np.empty((m, n_neighbors))
    step = max(1, 4_000_000 // X.shape[0])
    for start in range(0, m, step):
        rows = slice(start, min(m, start + step))
        D = cdist(Q[rows], X, "sqeuclidean")
        own = np.flatnonzero(skip[rows] >= 0)
        D[own, skip[rows][own]] = np.inf
        squares[rows], indices[rows] = smallest_k(D, n_neighbors)
    return indices, squares


def _rerank_reference(
    X: np.ndarray, Q: np.ndarray, candidates: np.ndarray, n_neighbors: int
) -> tuple[np.ndarray, np.ndarray]:
    D = np.empty(candidates.shape)
    for i, row in enumerate(candidates):
        D[i] = cdist(Q[i : i + 1], X[row], "sqeuclidean")[0]
    D[candidates < 0] = np.inf
    order = np.lexsort((candidates, D), axis=1)[:, :n_neighbors]
    return np.take_along_axis(candidates, order, 1), np.take_along_axis(D, order, 1)
