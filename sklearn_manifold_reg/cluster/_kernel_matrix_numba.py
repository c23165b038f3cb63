# mypy: disallow-untyped-defs=False
"""Compiled comparison of a matrix with its transpose."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Side of a tile: a tile and its mirror image stay in the first cache.
_TILE = 32


@kernel(reassociate=True)
def measure_strip(K, start, stop):
    """Largest asymmetry and absolute value of rows and columns of a strip."""
    asymmetry, scale = 0.0, 0.0
    mirror = np.empty((_TILE, _TILE), dtype=K.dtype)
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        for left in range(0, bottom, _TILE):
            right = min(left + _TILE, bottom)
            # A tile is turned first, so that comparison reads rows.
            for j in range(np.uint64(left), np.uint64(right)):
                for i in range(np.uint64(top), np.uint64(bottom)):
                    mirror[i - np.uint64(top), j - np.uint64(left)] = K[j, i]
            for i in range(np.uint64(top), np.uint64(bottom)):
                row = i - np.uint64(top)
                for j in range(np.uint64(left), np.uint64(right)):
                    a, b = K[i, j], mirror[row, j - np.uint64(left)]
                    asymmetry = max(asymmetry, abs(a - b))
                    scale = max(scale, abs(a), abs(b))
    return asymmetry, scale


@kernel
def average_strip(K, mean, start, stop):
    """Average rows of a strip with the columns of the same numbers."""
    n = K.shape[0]
    half = K.dtype.type(0.5)
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        for left in range(0, n, _TILE):
            right = min(left + _TILE, n)
            for i in range(np.uint64(top), np.uint64(bottom)):
                for j in range(np.uint64(left), np.uint64(right)):
                    mean[i, j] = half * (K[i, j] + K[j, i])
