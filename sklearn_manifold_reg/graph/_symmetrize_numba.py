# mypy: disallow-untyped-defs=False
"""Compiled symmetrization of neighbor lists in linear passes."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def sort_rows(indices, weights, start, stop):
    """Sort the neighbors of rows `start` to `stop` by index, in place."""
    k = indices.shape[1]
    for i in range(start, stop):
        for s in range(1, k):
            column = indices[i, s]
            weight = weights[i, s]
            t = s - 1
            while t >= 0 and indices[i, t] > column:
                indices[i, t + 1] = indices[i, t]
                weights[i, t + 1] = weights[i, t]
                t -= 1
            indices[i, t + 1] = column
            weights[i, t + 1] = weight


@kernel
def count_incoming(indices, starts, start, stop):
    """Count the edges into rows `start` to `stop`, in `starts[j + 1]`.

    Each range of rows looks through all edges, which come in order; what takes time
    are the places that they lead to.
    """
    for i in range(indices.shape[0]):
        for s in range(indices.shape[1]):
            j = indices[i, s]
            if start <= j < stop:
                starts[np.uint32(j + 1)] += 1


@kernel
def scatter_incoming(indices, weights, places, sources, incoming, start, stop):
    """List the edges into rows `start` to `stop` by source; `places` is used up."""
    for i in range(indices.shape[0]):
        for s in range(indices.shape[1]):
            j = indices[i, s]
            if start <= j < stop:
                place = np.uint64(places[np.uint32(j)])
                sources[place] = i
                incoming[place] = weights[i, s]
                places[np.uint32(j)] += 1


@kernel
def _joined(a, b, mode):
    # Adding in one order keeps both triangles equal to the bit.
    low = min(a, b)
    high = max(a, b)
    if mode == 0:
        return (low + high) / 2
    if mode == 1:
        return high
    if mode == 2:
        return low
    return low + high - low * high


@kernel
def count_merged(
    indices, weights, starts, sources, incoming, mode, counts, start, stop
):
    """Count the undirected edges of positive weight at rows `start` to `stop`."""
    k = indices.shape[1]
    zero = weights.dtype.type(0)
    for i in range(start, stop):
        s = 0
        t = starts[i]
        end = starts[i + 1]
        total = 0
        while s < k or t < end:
            a = zero
            b = zero
            if t == end or (s < k and indices[i, s] < sources[t]):
                a = weights[i, s]
                s += 1
            elif s == k or sources[t] < indices[i, s]:
                b = incoming[t]
                t += 1
            else:
                a = weights[i, s]
                b = incoming[t]
                s += 1
                t += 1
            if _joined(a, b, mode) > 0:
                total += 1
        counts[i] = total


@kernel
def merge_rows(
    indices,
    weights,
    starts,
    sources,
    incoming,
    mode,
    indptr,
    columns,
    data,
    start,
    stop,
):
    """Write the undirected edges of rows `start` to `stop`."""
    k = indices.shape[1]
    zero = weights.dtype.type(0)
    for i in range(start, stop):
        s = 0
        t = starts[i]
        end = starts[i + 1]
        place = indptr[i]
        while s < k or t < end:
            a = zero
            b = zero
            if t == end or (s < k and indices[i, s] < sources[t]):
                column = indices[i, s]
                a = weights[i, s]
                s += 1
            elif s == k or sources[t] < indices[i, s]:
                column = sources[t]
                b = incoming[t]
                t += 1
            else:
                column = sources[t]
                a = weights[i, s]
                b = incoming[t]
                s += 1
                t += 1
            weight = _joined(a, b, mode)
            if weight > 0:
                columns[place] = column
                data[place] = weight
                place += 1
