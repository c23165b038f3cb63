# mypy: ignore-errors
"""Compiled sums of squared differences along the edges of a graph."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def node_energies(indptr, indices, weights, F, out, start, stop):
    """Write `out[i] = sum_j w_ij |F_i - F_j|²`."""
    for i in range(np.uint64(start), np.uint64(stop)):
        total = 0.0
        for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
            j = np.uint32(indices[e])
            square = 0.0
            for c in range(np.uint64(F.shape[1])):
                difference = F[i, c] - F[j, c]
                square += difference * difference
            total += weights[e] * square
        out[i] = total


@kernel
def edge_energies(indptr, indices, weights, F, out, start, stop):
    """Write `out[e] = w_e |F_i - F_j|²` for each entry e = (i, j)."""
    for i in range(np.uint64(start), np.uint64(stop)):
        for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
            j = np.uint32(indices[e])
            square = 0.0
            for c in range(np.uint64(F.shape[1])):
                difference = F[i, c] - F[j, c]
                square += difference * difference
            out[e] = weights[e] * square


@kernel
def add_node_weights(indptr, indices, weights, u, out, degrees, start, stop):
    """Write `out[e] = w_e (u_i + u_j)` and the sums over rows."""
    for i in range(np.uint64(start), np.uint64(stop)):
        total = 0.0
        for e in range(np.uint64(indptr[i]), np.uint64(indptr[i + np.uint64(1)])):
            value = weights[e] * (u[i] + u[np.uint32(indices[e])])
            out[e] = value
            total += value
        degrees[i] = total
