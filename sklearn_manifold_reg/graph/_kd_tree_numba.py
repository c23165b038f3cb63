# mypy: disallow-untyped-defs=False
"""Compiled kernels of a balanced k-d tree over rows sorted in place."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def _less(P, order, axis, i, value, item):
    return P[i, axis] < value or (P[i, axis] == value and order[i] < item)


@kernel
def _swap(P, order, i, j):
    for axis in range(P.shape[1]):
        held = P[i, axis]
        P[i, axis] = P[j, axis]
        P[j, axis] = held
    held_item = order[i]
    order[i] = order[j]
    order[j] = held_item


@kernel
def _select(P, order, axis, start, stop, middle):
    """Partition rows so that those before `middle` precede those from it on."""
    low, high = start, stop - 1
    while low < high:
        center = (low + high) // 2
        # The median of three goes to the center: sorted input stays fast.
        if _less(P, order, axis, center, P[low, axis], order[low]):
            _swap(P, order, center, low)
        if _less(P, order, axis, high, P[low, axis], order[low]):
            _swap(P, order, high, low)
        if _less(P, order, axis, high, P[center, axis], order[center]):
            _swap(P, order, high, center)
        value, item = P[center, axis], order[center]
        i, j = low, high
        while i <= j:
            while _less(P, order, axis, i, value, item):
                i += 1
            while value < P[j, axis] or (value == P[j, axis] and item < order[j]):
                j -= 1
            if i <= j:
                _swap(P, order, i, j)
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@kernel
def split_nodes(
    P, order, bounds, lower, upper, smallest, first_node, leaves, low, high
):
    """Box the nodes of one level and halve each along its widest side.

    `bounds[node]` and `bounds[node + 1]` delimit the rows of the level's nodes.
    """
    n_features = P.shape[1]
    for position in range(low, high):
        start, stop = bounds[position], bounds[position + 1]
        node = first_node + position
        lowest, highest = lower[node], upper[node]
        lowest[:] = P[start]
        highest[:] = P[start]
        item = order[start]
        for i in range(start + 1, stop):
            item = min(item, order[i])
            for axis in range(n_features):
                lowest[axis] = min(lowest[axis], P[i, axis])
                highest[axis] = max(highest[axis], P[i, axis])
        smallest[node] = item
        if leaves:
            continue
        widest, side = 0, highest[0] - lowest[0]
        for axis in range(1, n_features):
            if highest[axis] - lowest[axis] > side:
                widest, side = axis, highest[axis] - lowest[axis]
        _select(P, order, widest, start, stop, (start + stop) // 2)


@kernel
def _square_to_box(query, lowest, highest):
    # Rounding is monotone and sums run in the order of `_square_between`, so this
    # never exceeds the computed square to any row in the box.
    total = 0.0
    for axis in range(query.shape[0]):
        gap = max(lowest[axis] - query[axis], query[axis] - highest[axis])
        gap = max(gap, 0.0)
        total += gap * gap
    return total


@kernel
def _square_between(query, row):
    total = 0.0
    for axis in range(query.shape[0]):
        gap = np.float64(row[axis]) - query[axis]
        total += gap * gap
    return total


@kernel
def _search(P, order, bounds, lower, upper, smallest, query, own, nodes, gaps,
            squares, items):  # fmt: skip
    first_leaf = bounds.shape[0] - 2
    last = squares.shape[0] - 1
    squares[:] = np.inf
    items[:] = -1
    nodes[0] = 0
    gaps[0] = 0.0
    size = 1
    while size > 0:
        size -= 1
        node, gap = nodes[size], gaps[size]
        if gap > squares[last] or (
            gap == squares[last] and smallest[node] > items[last]
        ):
            continue
        if node < first_leaf:
            left = 2 * node + 1
            left_gap = _square_to_box(query, lower[left], upper[left])
            right_gap = _square_to_box(query, lower[left + 1], upper[left + 1])
            near = left if left_gap <= right_gap else left + 1
            nodes[size] = 2 * left + 1 - near
            gaps[size] = max(left_gap, right_gap)
            nodes[size + 1] = near
            gaps[size + 1] = min(left_gap, right_gap)
            size += 2
            continue
        leaf = node - first_leaf
        for i in range(bounds[leaf], bounds[leaf + 1]):
            square = _square_between(query, P[i])
            item = order[i]
            if item == own or square > squares[last]:
                continue
            if square == squares[last] and item > items[last]:
                continue
            p = last
            while p > 0 and (
                square < squares[p - 1]
                or (square == squares[p - 1] and item < items[p - 1])
            ):
                squares[p] = squares[p - 1]
                items[p] = items[p - 1]
                p -= 1
            squares[p] = square
            items[p] = item


@kernel
def search_own(P, order, bounds, lower, upper, smallest, squares, items, start, stop):
    """Search the neighbors of the tree's own rows, in the order of its leaves."""
    query = np.empty(P.shape[1])
    nodes, gaps = np.empty(128, np.int64), np.empty(128)
    for i in range(start, stop):
        row = order[i]
        query[:] = P[i]
        _search(
            P, order, bounds, lower, upper, smallest, query, row, nodes, gaps,
            squares[row], items[row],
        )  # fmt: skip


@kernel
def search_new(
    P, order, bounds, lower, upper, smallest, Q, squares, items, start, stop
):
    """Search the neighbors of other rows."""
    query = np.empty(P.shape[1])
    nodes, gaps = np.empty(128, np.int64), np.empty(128)
    for i in range(start, stop):
        query[:] = Q[i]
        _search(
            P, order, bounds, lower, upper, smallest, query, np.int32(-1), nodes, gaps,
            squares[i], items[i],
        )  # fmt: skip
