"""Graphs in the form in which walks draw the next node."""

from typing import NamedTuple

import numpy as np

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

_WORD = np.uint64(32)
_FULL = 2**32 - 1
# Entries below which a second thread does not pay.
_SERIAL_SIZE = 100_000


class WalkTables(NamedTuple):
    """Rows of a graph as walks use them.

    Attributes
    ----------
    indptr, indices : integer ndarray
        Rows and neighbors. The other arrays are empty or as long as `indices`.
    cumulative : float64 ndarray
        Probabilities of the neighbors of a node, summed up; above 1 at the end.
    alias : uint64 ndarray
        Slots of equal probability: a threshold in the high word, beyond which the slot
        belongs to the node in the low word.
    ratios : float64 ndarray
        Entries of D^-1 W over the probabilities, where they differ.
    """

    indptr: np.ndarray
    indices: np.ndarray
    cumulative: np.ndarray
    alias: np.ndarray
    ratios: np.ndarray


def walk_tables(
    csr: CSR,
    transition: str,
    *,
    equal: bool,
    sums: bool,
    n_jobs: int | None = None,
) -> WalkTables:
    """Prepare the rows of a graph for walks.

    Parameters
    ----------
    csr : CSR of shape (n_rows, n_columns)
        Positive weights, on the host.
    transition : {"uniform", "weighted"}
        Whether neighbors are drawn alike or by weight.
    equal : bool
        Whether all weights of the graph are equal: the rule then makes no difference.
    sums : bool
        Whether weights are summed up, which keeps the order of the neighbors, instead
        of being put into slots, which are faster to draw from.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    tables : WalkTables
        Depends on nothing but the rows themselves.
    """
    indptr = np.require(csr.indptr, requirements=["C", "A", "W"])
    indices = np.require(csr.indices, requirements=["C", "A", "W"])
    nothing, no_slots = np.empty(0), np.empty(0, dtype=np.uint64)
    degrees = np.diff(indptr)
    if equal or csr.nnz == 0:
        return WalkTables(indptr, indices, nothing, no_slots, nothing)
    weights = csr.data.astype(np.float64)
    rows = np.repeat(np.arange(len(degrees)), degrees)
    totals = np.bincount(rows, weights=weights, minlength=len(degrees))
    shares = weights / totals[rows]
    if transition == "uniform":
        return WalkTables(indptr, indices, nothing, no_slots, shares * degrees[rows])
    if use_compiled():
        from sklearn_manifold_reg.graph._random_walks_tables_numba import (
            build_alias,
            sum_rows,
        )
    else:
        build_alias, sum_rows = _build_alias, _sum_rows
    threads = 1 if csr.nnz < _SERIAL_SIZE else n_threads(n_jobs)
    if sums:
        cumulative = np.empty(csr.nnz)
        given = (indptr, shares, cumulative)
        run_rows(sum_rows, len(degrees), *given, n_jobs=threads)
        return WalkTables(indptr, indices, cumulative, no_slots, nothing)
    alias = np.empty(csr.nnz, dtype=np.uint64)
    slots = (indptr, indices, shares, alias)
    run_rows(build_alias, len(degrees), *slots, n_jobs=threads)
    return WalkTables(indptr, indices, nothing, alias, nothing)


def has_equal_weights(csr: CSR) -> bool:
    """Whether a graph is one without weights.

    Parameters
    ----------
    csr : CSR
        Weights.

    Returns
    -------
    equal : bool
        True also for a graph without edges.
    """
    return csr.nnz == 0 or bool(csr.data.min() == csr.data.max())


def _sum_rows(
    indptr: np.ndarray,
    shares: np.ndarray,
    cumulative: np.ndarray,
    start: int,
    stop: int,
) -> None:
    for i in range(start, stop):
        row = slice(indptr[i], indptr[i + 1])
        cumulative[row] = np.cumsum(shares[row])
        cumulative[row][-1:] = 2.0


def _build_alias(
    indptr: np.ndarray,
    indices: np.ndarray,
    shares: np.ndarray,
    alias: np.ndarray,
    start: int,
    stop: int,
) -> None:
    for i in range(start, stop):
        begin, end = indptr[i], indptr[i + 1]
        excess = shares[begin:end] * (end - begin)
        small = [e for e, x in enumerate(excess) if x < 1]
        large = [e for e, x in enumerate(excess) if x >= 1]
        thresholds = np.full(end - begin, _FULL, dtype=np.uint64)
        others = indices[begin:end].astype(np.uint64)
        own = others.copy()
        while small and large:
            low, high = small.pop(), large[-1]
            thresholds[low] = np.uint64(excess[low] * 2.0**32)
            others[low] = own[high]
            excess[high] -= 1 - excess[low]
            if excess[high] < 1:
                small.append(large.pop())
        alias[begin:end] = (thresholds << _WORD) | others
