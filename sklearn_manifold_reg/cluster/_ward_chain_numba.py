# mypy: disallow-untyped-defs=False
"""Compiled chains of nearest neighbors for Ward's hierarchy."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Columns whose minimum is taken at once, in as many lanes as registers hold.
_BLOCK = 512
_LANES = 32
# Side of a tile of the matrix of distances.
_TILE = 32
# Clusters below which they are no more moved together.
_FEW = 64


@kernel
def _nearest(row, dead, width, lanes):
    """Find the first smallest entry of a row among clusters that live."""
    best, place = np.inf, 0
    for first in range(0, width, _BLOCK):
        last = min(first + _BLOCK, width)
        n_full = (last - first) // _LANES
        lanes[:] = np.inf
        for part in range(n_full):
            begin = np.uint64(first + part * _LANES)
            for i in range(np.uint64(_LANES)):
                value = row[begin + i] + dead[begin + i]
                lanes[i] = value if value < lanes[i] else lanes[i]
        for j in range(np.uint64(first + n_full * _LANES), np.uint64(last)):
            value = row[j] + dead[j]
            lanes[0] = value if value < lanes[0] else lanes[0]
        low = lanes.min()
        if low < best:
            best = low
            for j in range(np.uint64(first), np.uint64(last)):
                if row[j] + dead[j] == low:
                    place = j
                    break
    return np.int64(place)


@kernel
def merge_pairs(D, pairs, heights):
    """Merge nearest neighbors until one cluster is left; D is overwritten.

    Mergers are given by a row of each cluster, in the order in which they are found.
    """
    n = D.shape[0]
    sizes = np.ones(n)
    floors = np.full(n, -np.inf)
    dead = np.zeros(n, dtype=D.dtype)
    rows = np.arange(n)
    lanes = np.empty(_LANES, dtype=D.dtype)
    chain = np.empty(n, dtype=np.int64)
    places = np.empty(n, dtype=np.int64)
    length, width, n_left = 0, n, n
    for merger in range(n - 1):
        if 2 * n_left <= width and width > _FEW:
            # Half of the clusters are gone: move the others together.
            n_kept = 0
            for i in range(width):
                if dead[i] == 0:
                    places[i] = n_kept
                    sizes[n_kept] = sizes[i]
                    floors[n_kept] = floors[i]
                    rows[n_kept] = rows[i]
                    column = 0
                    for j in range(width):
                        if dead[j] == 0:
                            D[n_kept, column] = D[i, j]
                            column += 1
                    n_kept += 1
            for i in range(length):
                chain[i] = places[chain[i]]
            dead[:n_kept] = 0
            width = n_kept
        if length == 0:
            while dead[length] != 0:
                length += 1
            chain[0] = length
            length = 1
        while True:
            x = chain[length - 1]
            y = _nearest(D[x], dead, width, lanes)
            if length > 1 and D[x, chain[length - 2]] <= D[x, y]:
                y = chain[length - 2]
                break
            chain[length] = y
            length += 1
        length -= 2
        height = np.float64(D[x, y])
        floor = max(height, floors[x], floors[y])
        floors[y] = floor
        heights[merger] = floor
        pairs[merger, 0] = rows[x]
        pairs[merger, 1] = rows[y]
        a, b = sizes[x], sizes[y]
        gone, kept = D[x], D[y]
        for m in range(np.uint64(width)):
            size = sizes[m]
            joined = (a + size) * gone[m] + (b + size) * kept[m] - size * height
            kept[m] = joined / (a + b + size)
        kept[y] = np.inf
        dead[x] = np.inf
        n_left -= 1
        sizes[y] = a + b
        for m in range(np.uint64(width)):
            if dead[m] == 0:
                D[m, y] = kept[m]


@kernel
def fill_distances(K, diagonal, D, start, stop):
    """Compute squared distances of some rows to rows up to them, and mirror them.

    D may be K: an entry and its mirror image are read before they are written.
    """
    for top in range(start, stop, _TILE):
        bottom = min(top + _TILE, stop)
        for left in range(0, bottom, _TILE):
            for i in range(top, bottom):
                for j in range(np.uint64(left), np.uint64(min(i + 1, left + _TILE))):
                    row = np.uint64(i)
                    value = diagonal[row] + diagonal[j] - (K[row, j] + K[j, row])
                    D[row, j] = value
                    D[j, row] = value
    for i in range(start, stop):
        D[i, i] = np.inf
