# mypy: ignore-errors
"""Compiled matching of nodes in pairs, and the V-cycle on what it makes."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def pair_nodes(order, rows, columns, mates, hosts):
    """Match the ends of edges in the given order.

    An unmatched node with edges gets the other end of its first one as a host. Where
    there is no mate or host, -1 is written.
    """
    for i in range(mates.shape[0]):
        mates[i] = -1
        hosts[i] = -1
    for place in range(order.shape[0]):
        edge = np.uint64(order[place])
        i, j = np.uint64(rows[edge]), np.uint64(columns[edge])
        if mates[i] < 0 and mates[j] < 0:
            mates[i] = j
            mates[j] = i
    for place in range(order.shape[0]):
        edge = np.uint64(order[place])
        i, j = np.uint64(rows[edge]), np.uint64(columns[edge])
        if mates[i] < 0 and hosts[i] < 0:
            hosts[i] = j
        if mates[j] < 0 and hosts[j] < 0:
            hosts[j] = i


@kernel
def v_cycle(
    indptr,
    indices,
    data,
    splits,
    inverse_diagonal,
    coarse_indptr,
    coarse_indices,
    coarse_data,
    coarse_splits,
    coarse_inverse_diagonal,
    starts,
    aggregates,
    weights,
    inverse,
    b,
    x,
    behind,
    coarse_b,
    coarse_x,
    coarse_behind,
):
    """Improve `x` as a solution of `A x = b` by one V-cycle.

    Matrices come without their diagonals; row i goes from what lies before the
    diagonal to what lies behind it at `splits[i]`. Levels below the finest lie one
    after another in the `coarse` arrays, in one numbering: level l has the rows
    `starts[l]` to `starts[l + 1]`, the last one is solved by `inverse`. `aggregates`
    and `weights` begin with those of the finest level.
    """
    n = x.shape[0]
    last = starts.shape[0] - 2
    coarse_b[:] = 0.0
    coarse_x[:] = 0.0
    _forward(indptr, indices, data, splits, inverse_diagonal, 0, n, b, x, behind, False)
    _restrict(
        indptr, indices, data, splits, 0, n, x, behind, aggregates, weights, coarse_b
    )
    for level in range(last):
        start, stop = starts[level], starts[level + 1]
        _forward(
            coarse_indptr,
            coarse_indices,
            coarse_data,
            coarse_splits,
            coarse_inverse_diagonal,
            start,
            stop,
            coarse_b,
            coarse_x,
            coarse_behind,
            True,
        )
        _restrict(
            coarse_indptr,
            coarse_indices,
            coarse_data,
            coarse_splits,
            start,
            stop,
            coarse_x,
            coarse_behind,
            aggregates[n:],
            weights[n:],
            coarse_b,
        )
    first = starts[last]
    for i in range(inverse.shape[0]):
        total = 0.0
        for j in range(inverse.shape[0]):
            total += inverse[i, j] * coarse_b[first + j]
        coarse_x[first + i] = total
    for step in range(last):
        level = last - 1 - step
        start, stop = starts[level], starts[level + 1]
        for i in range(start, stop):
            coarse_x[i] += weights[n + i] * coarse_x[aggregates[n + i]]
        _backward(
            coarse_indptr,
            coarse_indices,
            coarse_data,
            coarse_splits,
            coarse_inverse_diagonal,
            start,
            stop,
            coarse_b,
            coarse_x,
        )
    if coarse_x.shape[0] > 0:
        for i in range(n):
            x[i] += weights[i] * coarse_x[np.uint32(aggregates[i])]
    _backward(indptr, indices, data, splits, inverse_diagonal, 0, n, b, x)


@kernel
def _forward(
    indptr,
    indices,
    data,
    splits,
    inverse_diagonal,
    start,
    stop,
    b,
    x,
    behind,
    from_zero,
):
    """Run one Gauss-Seidel sweep; keep what was behind the diagonal meanwhile."""
    for i in range(start, stop):
        split = np.uint64(splits[i])
        before = 0.0
        for entry in range(np.uint64(indptr[i]), split):
            before += data[entry] * x[np.uint32(indices[entry])]
        after = 0.0
        if not from_zero:
            for entry in range(split, np.uint64(indptr[i + 1])):
                after += data[entry] * x[np.uint32(indices[entry])]
        behind[i] = after
        x[i] = (b[i] - before - after) * inverse_diagonal[i]


@kernel
def _restrict(
    indptr, indices, data, splits, start, stop, x, behind, aggregates, weights, out
):
    """Add residuals to those of the aggregates.

    After a forward sweep, row i is wrong only by what changed behind its diagonal.
    """
    for i in range(start, stop):
        if weights[i] == 0.0:
            continue
        residual = behind[i]
        for entry in range(np.uint64(splits[i]), np.uint64(indptr[i + 1])):
            residual -= data[entry] * x[np.uint32(indices[entry])]
        out[np.uint32(aggregates[i])] += weights[i] * residual


@kernel
def _backward(indptr, indices, data, splits, inverse_diagonal, start, stop, b, x):
    for step in range(stop - start):
        i = stop - 1 - step
        split = np.uint64(splits[i])
        after = 0.0
        for entry in range(split, np.uint64(indptr[i + 1])):
            after += data[entry] * x[np.uint32(indices[entry])]
        before = 0.0
        for entry in range(np.uint64(indptr[i]), split):
            before += data[entry] * x[np.uint32(indices[entry])]
        x[i] = (b[i] - before - after) * inverse_diagonal[i]
