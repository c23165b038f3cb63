# mypy: disallow-untyped-defs=False
"""Compiled assignment of rows to the column of largest score."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def assign_chunks(
    Z, directions, offsets, chunk, labels, sums, counts, totals, start, stop
):
    """Label the rows of chunks `start` to `stop`, and sum them by label.

    Scores are `Z @ directions + offsets`. `directions` and `offsets` are padded to
    a multiple of eight columns, whose offsets are minus infinity: loops over them
    vectorize without a rest.
    """
    n, m = Z.shape
    width = directions.shape[1]
    scores = np.empty(width, dtype=Z.dtype)
    for c in range(start, stop):
        total = 0.0
        for i in range(np.uint64(c * chunk), np.uint64(min(n, (c + 1) * chunk))):
            for column in range(width):
                scores[column] = offsets[column]
            for j in range(m):
                z = Z[i, j]
                for column in range(width):
                    scores[column] += z * directions[j, column]
            best = scores[0]
            for column in range(1, width):
                best = max(best, scores[column])
            winner = np.uint64(0)
            while scores[winner] != best:
                winner += np.uint64(1)
            labels[i] = winner
            total += best
            counts[c, winner] += 1
            for j in range(m):
                sums[c, winner, j] += Z[i, j]
        totals[c] = total
