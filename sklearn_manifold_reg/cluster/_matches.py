"""Nodes of a graph among new rows that are known by their affinities only."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, asarray_like, device, namespace_of

# Relative difference of sums that rounding explains.
_ROUNDING = 1e-11


def match_nodes(affinity: CSR, graph: Any) -> Any:
    """Find rows of affinities that are those of a node of the graph.

    Parameters
    ----------
    affinity : CSR of shape (m, n)
        Affinities of new rows to the nodes. The affinity of a node to itself, which
        the graph does not hold, may be there.
    graph : csr_array or CSR of shape (n, n)
        Affinities of the nodes.

    Returns
    -------
    matches : integer array of shape (m,)
        A node with the same affinities; -1 where there is none.

    Notes
    -----
    Rows are compared by two random combinations of their entries in float64, in
    O(nnz + n log n) time. Where a device has no float64, nothing matches.
    """
    csr = graph if isinstance(graph, CSR) else CSR.from_scipy(graph)
    xp = namespace_of(csr.data)
    where = device(csr.data)
    n, m = csr.shape[0], affinity.shape[0]
    matches = xp.full(m, -1, dtype=xp.int64, device=where)
    wide = xp.__array_namespace_info__().dtypes(device=where).get("float64")
    if wide is None or affinity.nnz == 0:
        return matches
    affinity, csr = affinity.astype(wide), csr.astype(wide)
    random = np.random.default_rng(0).uniform(1, 2, (n, 2))
    R = asarray_like(random, csr.data)
    new, old = affinity.matmat(R), csr.matmat(R)

    # Rows without an affinity to the node itself, by the order of the combinations.
    order = xp.argsort(old[:, 0])
    least = new[:, 0] * (1 - _ROUNDING)
    place = xp.searchsorted(xp.take(old[:, 0], order), least)
    place = xp.where(place < n, place, xp.full_like(place, n - 1))
    found = xp.astype(xp.take(order, place), xp.int64)
    matches = xp.where(_same(new, xp.take(old, found, axis=0)), found, matches)

    # Rows with one: every entry may be it.
    rows, columns = affinity.entry_rows(), affinity.indices
    own = affinity.data[:, None] * xp.take(R, columns, axis=0)
    others = xp.take(new, rows, axis=0) - own
    equal = _same(others, xp.take(old, columns, axis=0))
    if bool(xp.any(equal)):
        # One entry a row that has any: the last, by the bounds of the rows.
        hits = xp.astype(columns[equal], xp.int64)
        numbers = xp.arange(m, dtype=rows.dtype, device=where)
        stop = xp.searchsorted(rows[equal], numbers, side="right")
        start = xp.searchsorted(rows[equal], numbers)
        last = xp.where(stop > start, stop - 1, xp.zeros_like(stop))
        matches = xp.where(stop > start, xp.take(hits, last), matches)
    return matches


def _same(A: Any, B: Any) -> Any:
    xp = namespace_of(A)
    return xp.all(xp.abs(A - B) <= _ROUNDING * B, axis=1) & (B[:, 0] > 0)
