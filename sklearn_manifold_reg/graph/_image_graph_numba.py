# mypy: disallow-untyped-defs=False
"""Compiled distances within windows of an image."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def window_rows(X, height, width, radius, indptr, indices, data, start, stop):
    """Write distances from pixels `start` to `stop` to those in their windows."""
    n_bands = X.shape[1]
    for i in range(start, stop):
        y = i // width
        x = i % width
        place = indptr[i]
        for v in range(max(y - radius, 0), min(y + radius, height - 1) + 1):
            for u in range(max(x - radius, 0), min(x + radius, width - 1) + 1):
                j = v * width + u
                if j == i:
                    continue
                total = 0.0
                for band in range(n_bands):
                    gap = np.float64(X[i, band]) - np.float64(X[j, band])
                    total += gap * gap
                indices[place] = j
                data[place] = np.sqrt(total)
                place += 1
