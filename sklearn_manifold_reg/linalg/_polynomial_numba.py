# mypy: disallow-untyped-defs=False
"""Compiled sums of a few blocks into many."""

from sklearn_manifold_reg.utils._numba import kernel

# Elements for which all blocks are added up while they are in the first cache.
TILE = 512


@kernel
def add_blocks(ring, weights, totals, start, stop):
    """Add `weights @ ring` to `totals` in tiles `start` to `stop` of the columns."""
    for tile in range(start, stop):
        first = tile * TILE
        last = min(first + TILE, ring.shape[1])
        for f in range(totals.shape[0]):
            total = totals[f, first:last]
            if ring.shape[0] == 4:
                w = weights[f]
                a, b = ring[0, first:last], ring[1, first:last]
                c, d = ring[2, first:last], ring[3, first:last]
                for k in range(last - first):
                    total[k] += (w[0] * a[k] + w[1] * b[k]) + (
                        w[2] * c[k] + w[3] * d[k]
                    )
            else:
                for m in range(ring.shape[0]):
                    weight = weights[f, m]
                    block = ring[m, first:last]
                    for k in range(last - first):
                        total[k] += weight * block[k]
