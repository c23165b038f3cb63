# mypy: disallow-untyped-defs=False
"""Compiled colors of a graph, and descent over the rows of one color."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def color_rows(indptr, indices, colors, last_seen):
    """Give each row, in order, the first color that no neighbor has."""
    for i in range(colors.shape[0]):
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            color = colors[np.uint64(indices[entry])]
            if color >= 0:
                last_seen[np.uint64(color)] = i
        color = 0
        while last_seen[np.uint64(color)] == i:
            color += 1
        colors[i] = color


@kernel
def _descend_orthant(Q, diagonal, c, w, n_passes):
    """Minimize each entry in turn: w_k = max(0, ...)."""
    K = np.uint32(w.shape[0])
    zero = w[0] * 0
    for _ in range(n_passes):
        for k in range(K):
            # Taken out of the sum, as its share of it cancels.
            w[k] = zero
            value = c[k]
            for m in range(K):
                value -= Q[k, m] * w[m]
            curvature = Q[k, k] + diagonal
            if value > 0 and curvature > 0:
                w[k] = value / curvature


@kernel
def _descend_simplex(Q, diagonal, c, w, slope, n_steps, equal):
    """Move weight from the entry of steepest ascent to that of steepest descent.

    An exchange levels two slopes; the first of those that are equal up to rounding is
    taken, so that results do not depend on it.
    """
    K = np.uint32(w.shape[0])
    size = w[0] * 0
    for k in range(K):
        value = diagonal * w[k] - c[k]
        for m in range(K):
            value += Q[k, m] * w[m]
        slope[k] = value
        size = max(size, abs(c[k]))
    margin = equal * size
    for _ in range(n_steps):
        lowest, highest = slope[0], slope.dtype.type(-np.inf)
        for k in range(K):
            lowest = min(lowest, slope[k])
            if w[k] > 0:
                highest = max(highest, slope[k])
        to, source = K, K
        for k in range(K):
            if to == K and slope[k] <= lowest + margin:
                to = np.uint32(k)
            if source == K and w[k] > 0 and slope[k] >= highest - margin:
                source = np.uint32(k)
        gap = slope[source] - slope[to]
        if gap <= margin:
            return
        curvature = Q[to, to] + Q[source, source] - 2 * Q[to, source] + 2 * diagonal
        step = w[source]
        if curvature * step > gap:
            step = gap / curvature
            w[source] -= step
        else:
            w[source] = 0
        w[to] += step
        for k in range(K):
            slope[k] += step * (Q[k, to] - Q[k, source])
        slope[to] += step * diagonal
        slope[source] -= step * diagonal


@kernel
def descend_rows(
    order,
    indptr,
    indices,
    weights,
    degrees,
    Q,
    linear,
    simplex,
    n_passes,
    equal,
    W,
    start,
    stop,
):
    """Descend over rows `order[start:stop]`, no two of which are neighbors."""
    K = np.uint32(W.shape[1])
    c = np.empty(K, W.dtype)
    slope = np.empty(K, W.dtype)
    for place in range(start, stop):
        i = np.uint64(order[place])
        for k in range(K):
            c[k] = linear[i, k]
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
            j = np.uint64(indices[entry])
            for k in range(K):
                c[k] += weights[entry] * W[j, k]
        if simplex:
            _descend_simplex(Q, degrees[i], c, W[i], slope, n_passes * K, equal)
        else:
            _descend_orthant(Q, degrees[i], c, W[i], n_passes)
