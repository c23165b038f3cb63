# mypy: disallow-untyped-defs=False
"""Compiled kernels of exact neighbor search: tiles, sorted lists, exact distances."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Columns tested at once before any of them is looked at on its own.
CHUNK = 64


@kernel
def insert(values, items, value, item):
    """Put (value, item) into ascending lists, dropping the last entry."""
    p = values.shape[0] - 1
    while p > 0 and (
        value < values[p - 1] or (value == values[p - 1] and item < items[p - 1])
    ):
        values[p] = values[p - 1]
        items[p] = items[p - 1]
        p -= 1
    values[p] = value
    items[p] = item


@kernel
def _any_below(products, shift, norms, bound):
    hit = np.int32(0)
    for j in range(products.shape[0]):
        hit |= np.int32(products[j] + (shift + norms[j]) <= bound)
    return hit


@kernel
def _any_below_either(products, shift, norms, bound, bounds):
    hit = np.int32(0)
    for j in range(products.shape[0]):
        value = products[j] + (shift + norms[j])
        hit |= np.int32(value <= bound) | np.int32(value <= bounds[j])
    return hit


@kernel
def _precedes(value, item, values, items):
    last = values.shape[0] - 1
    return value < values[last] or (value == values[last] and item < items[last])


@kernel
def update_rows(tile, norms, column_norms, column_items, values, items, skip):
    """Merge a tile into the lists of its rows.

    `tile[i, j] = -2 x_i.y_j`; column j is `column_items[j]`, left out where it
    equals `skip[i]`.
    """
    n_columns = tile.shape[1]
    last = values.shape[1] - 1
    for i in range(tile.shape[0]):
        products = tile[i]
        shift = norms[i]
        row_values, row_items = values[i], items[i]
        for start in range(0, n_columns, CHUNK):
            stop = min(start + CHUNK, n_columns)
            if not _any_below(
                products[start:stop], shift, column_norms[start:stop], row_values[last]
            ):
                continue
            for j in range(start, stop):
                value = products[j] + (shift + column_norms[j])
                item = column_items[j]
                if item != skip[i] and _precedes(value, item, row_values, row_items):
                    insert(row_values, row_items, value, item)


@kernel
def update_both(
    tile,
    norms,
    column_norms,
    values,
    items,
    column_values,
    column_items,
    first_row,
    first_column,
    bounds,
):
    """Merge a tile into the lists of its rows and of its columns.

    `tile[i, j] = -2 x_i.x_j` between two disjoint blocks of the same rows;
    `bounds` is room for one number a column.
    """
    n_columns = tile.shape[1]
    last = values.shape[1] - 1
    for j in range(n_columns):
        bounds[j] = column_values[j, last]
    for i in range(tile.shape[0]):
        products = tile[i]
        shift = norms[i]
        row_values, row_items = values[i], items[i]
        for start in range(0, n_columns, CHUNK):
            stop = min(start + CHUNK, n_columns)
            if not _any_below_either(
                products[start:stop],
                shift,
                column_norms[start:stop],
                row_values[last],
                bounds[start:stop],
            ):
                continue
            for j in range(start, stop):
                value = products[j] + (shift + column_norms[j])
                if _precedes(value, first_column + j, row_values, row_items):
                    insert(row_values, row_items, value, first_column + j)
                if value <= bounds[j] and _precedes(
                    value, first_row + i, column_values[j], column_items[j]
                ):
                    insert(column_values[j], column_items[j], value, first_row + i)
                    bounds[j] = column_values[j, last]


@kernel
def pack(X, center, scale, out, start, stop):
    """Write `(X[start:stop] - center) * scale` to the first rows of `out`."""
    for i in range(stop - start):
        source, target = X[start + i], out[i]
        for j in range(target.shape[0]):
            target[j] = (source[j] - center[j]) * scale


@kernel
def column_sums(X, sums, largest, start, stop):
    """Add the rows' entries to `sums` and their sizes' maxima to `largest`."""
    for i in range(start, stop):
        row = X[i]
        for j in range(row.shape[0]):
            value = np.float64(row[j])
            sums[j] += value
            largest[j] = max(largest[j], abs(value))


@kernel(reassociate=True)
def centered_norms(X, center, scale, norms, start, stop):
    """Squared norms of `(X - center) * scale`, accumulated in float64."""
    for i in range(start, stop):
        row = X[i]
        total = 0.0
        for j in range(row.shape[0]):
            difference = np.float64(row[j]) - center[j]
            total += difference * difference
        norms[i] = total * scale * scale


@kernel(reassociate=True)
def squared_distance(a, b):
    """Squared distance of two rows by differences, accumulated in float64."""
    total = 0.0
    for j in range(a.shape[0]):
        difference = np.float64(a[j]) - np.float64(b[j])
        total += difference * difference
    return total


@kernel
def rerank(Q, X, candidates, out_squares, out_indices, start, stop):
    """Keep the nearest candidates of each query, by exact squared distances.

    Entries of `candidates` below 0 are passed over; places that stay empty hold
    infinity and -1.
    """
    for i in range(start, stop):
        squares, indices = out_squares[i], out_indices[i]
        squares[:] = np.inf
        indices[:] = -1
        for c in range(candidates.shape[1]):
            item = candidates[i, c]
            if item < 0:
                continue
            square = squared_distance(Q[i], X[item])
            if _precedes(square, item, squares, indices) or (
                indices[indices.shape[0] - 1] < 0
            ):
                insert(squares, indices, square, item)


@kernel
def scan_all(Q, X, skip, rows, out_squares, out_indices, start, stop):
    """Search the neighbors of some queries through every row, by differences.

    Rows come in ascending order, so a row is left as soon as all its neighbors
    are at distance 0: no later one precedes them.
    """
    for r in range(start, stop):
        i = rows[r]
        squares, indices = out_squares[i], out_indices[i]
        squares[:] = np.inf
        indices[:] = -1
        last = squares.shape[0] - 1
        for item in range(X.shape[0]):
            if item == skip[i]:
                continue
            square = squared_distance(Q[i], X[item])
            if square < squares[last] or indices[last] < 0:
                insert(squares, indices, square, item)
                if indices[last] >= 0 and squares[last] == 0.0:
                    break
