# mypy: disallow-untyped-defs=False
"""Compiled column-wise updates of blocks, read once and written in place.

Blocks come flattened; `step` repeats the factors of the columns over a tile of whole
rows, so that loops over a tile are long and vectorize whatever the number of columns.
Sums run over chunks of a fixed number of tiles, in float64, so that they do not
depend on the threads.
"""

from sklearn_manifold_reg.utils._numba import kernel

# Tiles added up before the sums leave for memory.
TILES_PER_CHUNK = 16


@kernel
def block_dots(A, B, sums, start, stop):
    """Add products of `A` and `B` into rows `start` to `stop` of `sums`."""
    tile = sums.shape[1]
    for chunk in range(start, stop):
        total = sums[chunk]
        first = chunk * TILES_PER_CHUNK * tile
        for begin in range(first, first + TILES_PER_CHUNK * tile, tile):
            length = max(0, min(tile, A.shape[0] - begin))
            a = A[begin : begin + length]
            b = B[begin : begin + length]
            for k in range(length):
                total[k] += a[k] * b[k]


@kernel
def block_descend(P, Q, X, R, step, sums, start, stop):
    """Add `step P` to X, take `step Q` from R, add squares of R into `sums`."""
    tile = sums.shape[1]
    for chunk in range(start, stop):
        total = sums[chunk]
        first = chunk * TILES_PER_CHUNK * tile
        for begin in range(first, first + TILES_PER_CHUNK * tile, tile):
            length = max(0, min(tile, X.shape[0] - begin))
            p = P[begin : begin + length]
            q = Q[begin : begin + length]
            x = X[begin : begin + length]
            r = R[begin : begin + length]
            for k in range(length):
                x[k] += step[k] * p[k]
            for k in range(length):
                r[k] -= step[k] * q[k]
            for k in range(length):
                total[k] += r[k] * r[k]


@kernel
def block_subtract(Q, R, step, sums, start, stop):
    """Take `step Q` from R and add squares of R into rows of `sums`."""
    tile = sums.shape[1]
    for chunk in range(start, stop):
        total = sums[chunk]
        first = chunk * TILES_PER_CHUNK * tile
        for begin in range(first, first + TILES_PER_CHUNK * tile, tile):
            length = max(0, min(tile, R.shape[0] - begin))
            q = Q[begin : begin + length]
            r = R[begin : begin + length]
            for k in range(length):
                r[k] -= step[k] * q[k]
            for k in range(length):
                total[k] += r[k] * r[k]


@kernel
def block_turn(Z, step, P, tile, start, stop):
    """Replace P by `Z + step P` in tiles `start` to `stop`."""
    for number in range(start, stop):
        begin = number * tile
        length = min(tile, P.shape[0] - begin)
        z = Z[begin : begin + length]
        p = P[begin : begin + length]
        for k in range(length):
            p[k] = z[k] + step[k] * p[k]
