# mypy: disallow-untyped-defs=False
"""Compiled kernels of approximate search: joins of cells, descent, exact order."""

import numpy as np

from sklearn_manifold_reg.graph._exact_numba import insert, squared_distance
from sklearn_manifold_reg.utils._numba import kernel


@kernel
def gather_cells(Z, norms, starts, cells, out, out_norms, out_items):
    """Copy the rows of some cells one after another; return their number."""
    size = 0
    for c in range(cells.shape[0]):
        for place in range(starts[cells[c]], starts[cells[c] + 1]):
            out[size] = Z[place]
            out_norms[size] = norms[place]
            out_items[size] = place
            size += 1
    return size


@kernel(reassociate=True)
def _dot(a, b):
    total = a[0] * b[0]
    for j in range(1, a.shape[0]):
        total += a[j] * b[j]
    return total


@kernel
def reverse_lists(items, n_forward, out, counts):
    """Rows that have each row among their first `n_forward` entries.

    A row takes as many as `out` has columns, those at the smallest ranks first.
    """
    counts[:] = 0
    for rank in range(n_forward):
        for i in range(items.shape[0]):
            j = items[i, rank]
            if j >= 0 and counts[j] < out.shape[1]:
                out[j, counts[j]] = i
                counts[j] += 1


@kernel
def _is_listed(items, item):
    found = False
    for p in range(items.shape[0]):
        found |= items[p] == item
    return found


@kernel
def expand(
    Z, norms, labels, joined, items, values, fresh, n_forward, reverse, counts,
    new_items, new_values, new_fresh, start, stop,
):  # fmt: skip
    """Offer each row the neighbors of its neighbors, both ways; return the inserts.

    Lists are read from `items` and written to `new_items`, so a row's result
    depends on no other row's. Pairs in joined cells were compared before, and so
    were pairs met through two entries that are not fresh.
    """
    seen = np.full(Z.shape[0], -1, np.int32)
    last = values.shape[1] - 1
    n_inserted = 0
    for i in range(start, stop):
        own_items, own_values, own_fresh = new_items[i], new_values[i], new_fresh[i]
        own_items[:] = items[i]
        own_values[:] = values[i]
        own_fresh[:] = 0
        seen[i] = i
        known = joined[labels[i]]
        for side in range(2):
            n_near = n_forward if side == 0 else counts[i]
            for a in range(n_near):
                near = items[i, a] if side == 0 else reverse[i, a]
                if near < 0:
                    continue
                new_here = side == 1 or fresh[i, a] != 0
                for other_side in range(2):
                    n_far = n_forward if other_side == 0 else counts[near]
                    for b in range(n_far):
                        if other_side == 0:
                            far = items[near, b]
                            if far < 0 or not (new_here or fresh[near, b] != 0):
                                continue
                        else:
                            far = reverse[near, b]
                        if seen[far] == i:
                            continue
                        seen[far] = i
                        if known[labels[far]]:
                            continue
                        value = norms[i] + (norms[far] - 2 * _dot(Z[i], Z[far]))
                        if value < own_values[last] and not _is_listed(own_items, far):
                            insert(own_values, own_items, value, far)
                            n_inserted += 1
        for p in range(last + 1):
            own_fresh[p] = not _is_listed(items[i], own_items[p])
    return n_inserted


@kernel
def settle(
    X, order, items, values, errors, scale, out_squares, out_indices, start, stop
):
    """Put candidates in exact order.

    Candidates come in the order of their distance along the axes, which bounds
    the true one from below, so the rest is passed over once the bound, less its
    rounding error, exceeds the last neighbor's distance.
    """
    last = out_squares.shape[1] - 1
    for place in range(start, stop):
        row = order[place]
        squares, indices = out_squares[row], out_indices[row]
        squares[:] = np.inf
        indices[:] = -1
        for c in range(items.shape[1]):
            if items[place, c] < 0:
                break
            if values[place, c] - errors[place] > squares[last] * scale:
                break
            item = order[items[place, c]]
            square = squared_distance(X[row], X[item])
            if square < squares[last] or (
                square == squares[last] and item < indices[last]
            ):
                insert(squares, indices, square, item)
