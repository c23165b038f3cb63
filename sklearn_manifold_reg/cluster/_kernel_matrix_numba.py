# mypy: disallow-untyped-defs=False
"""Compiled comparison of a matrix with its transpose."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Side of a tile: a tile and its mirror image stay in the first cache.
_TILE = 32


@kernel
def measure_strip(K, start, stop):
    """Largest asymmetry and absolute value of rows and columns of a strip."""
    mirror = np.empty((_TILE, _TILE), dtype=K.dtype)
    # A maximum a column of tiles, since compilers do not reorder that of numbers that
    # might be NaN.
    asymmetry = np.zeros(_TILE, dtype=K.dtype)
    scale = np.zeros(_TILE, dtype=K.dtype)
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        height = np.uint64(bottom - top)
        for left in range(0, bottom, _TILE):
            right = min(left + _TILE, bottom)
            width = np.uint64(right - left)
            # The mirror image is turned first, so that comparison reads rows.
            for j in range(width):
                image = K[np.uint64(left) + j, top:bottom]
                for i in range(height):
                    mirror[i, j] = image[i]
            for i in range(height):
                row = K[np.uint64(top) + i, left:right]
                for j in range(width):
                    a, b = row[j], mirror[i, j]
                    difference = abs(a - b)
                    size = max(abs(a), abs(b))
                    if difference > asymmetry[j]:
                        asymmetry[j] = difference
                    if size > scale[j]:
                        scale[j] = size
    return np.float64(asymmetry.max()), np.float64(scale.max())


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
