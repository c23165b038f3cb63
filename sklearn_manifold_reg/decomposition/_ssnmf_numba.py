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
def _descend_orthant(Q, diagonal, c, w, n_passes, tol):
    """Minimize each entry in turn: w_k = max(0, ...)."""
    K = np.uint32(w.shape[0])
    zero = w[0] * 0
    for _ in range(n_passes):
        largest = zero
        for k in range(K):
            value = c[k]
            for m in range(K):
                value -= Q[k, m] * w[m]
            value += Q[k, k] * w[k]
            curvature = Q[k, k] + diagonal
            value = value / curvature if value > 0 and curvature > 0 else zero
            largest = max(largest, abs(value - w[k]))
            w[k] = value
        if largest <= tol * np.sum(w):
            return


@kernel
def _descend_simplex(Q, diagonal, c, w, slope, n_steps, tol):
    """Move weight from the entry of steepest ascent to that of steepest descent."""
    K = np.uint32(w.shape[0])
    size = w[0] * 0
    for k in range(K):
        value = diagonal * w[k] - c[k]
        for m in range(K):
            value += Q[k, m] * w[m]
        slope[k] = value
        size = max(size, abs(c[k]))
    for _ in range(n_steps):
        to, source = np.uint32(0), K
        for k in range(K):
            if slope[k] < slope[to]:
                to = np.uint32(k)
            if w[k] > 0 and (source == K or slope[k] > slope[source]):
                source = np.uint32(k)
        gap = slope[source] - slope[to]
        if gap <= tol * size:
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
    tol,
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
            _descend_simplex(Q, degrees[i], c, W[i], slope, n_passes * K, tol)
        else:
            _descend_orthant(Q, degrees[i], c, W[i], n_passes, tol)
