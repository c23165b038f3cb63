# mypy: disallow-untyped-defs=False
"""Compiled weights of edges."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def gaussian_rows(distances, indices, row_scales, column_scales, out, start, stop):
    """Write `exp(-d² / (r_i c_j))` for rows `start` to `stop`."""
    k = distances.shape[1]
    for i in range(start, stop):
        own = row_scales[i]
        for s in range(k):
            d = distances[i, s]
            out[i, s] = np.exp(
                -(d / own) * (d / column_scales[np.uint32(indices[i, s])])
            )


@kernel
def fuzzy_rows(distances, out, n_bisections, floor_share, start, stop):
    """Write UMAP's memberships of rows `start` to `stop`."""
    k = distances.shape[1]
    target = np.log2(k)
    for i in range(start, stop):
        rho = 0.0
        mean = 0.0
        for s in range(k):
            d = np.float64(distances[i, s])
            mean += d / k
            if rho == 0.0:
                rho = d
        floor = floor_share * mean if mean > 0 else 1.0
        low = np.log(floor)
        high = np.log(1e4 * (mean if mean > 0 else floor))
        for _ in range(n_bisections):
            middle = 0.5 * (low + high)
            width = np.exp(middle)
            total = 0.0
            for s in range(k):
                total += np.exp(-max(0.0, distances[i, s] - rho) / width)
            if total < target:
                low = middle
            else:
                high = middle
        width = np.exp(high)
        for s in range(k):
            out[i, s] = np.exp(-max(0.0, distances[i, s] - rho) / width)
