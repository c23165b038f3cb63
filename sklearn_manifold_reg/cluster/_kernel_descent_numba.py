# mypy: disallow-untyped-defs=False
"""Compiled moves of single rows that lower the objective of kernel k-means."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def move_in_turn(
    K, diagonal, weights, order, least, fill, S, labels, sizes, counts, inner
):
    """Move rows in the given order where that pays; give the number of moves."""
    n_clusters = sizes.shape[0]
    n_moves = 0
    for place in range(np.uint64(order.shape[0])):
        i = np.uint64(order[place])
        own = np.uint32(labels[i])
        w, square = weights[i], diagonal[i]
        rest = sizes[own] - w
        if counts[own] < 2 or rest <= 0:
            continue
        size = sizes[own]
        distance = square - 2 * S[own, i] / size + inner[own] / size**2
        best, winner = size / rest * distance - least, own
        for cluster in range(n_clusters):
            c = np.uint32(cluster)
            if c == own:
                continue
            size = sizes[c]
            if counts[c] > 0:
                distance = square - 2 * S[c, i] / size + inner[c] / size**2
                cost = size / (size + w) * distance
            elif fill:
                cost = 0.0
            else:
                continue
            if cost < best:
                best, winner = cost, c
        if winner == own:
            continue
        inner[own] += w * (w * square - 2 * S[own, i])
        inner[winner] += w * (w * square + 2 * S[winner, i])
        row, source, target = K[i], S[own], S[winner]
        for j in range(np.uint64(row.shape[0])):
            change = w * row[j]
            source[j] -= change
            target[j] += change
        sizes[own] -= w
        sizes[winner] += w
        counts[own] -= 1
        counts[winner] += 1
        labels[i] = winner
        n_moves += 1
    return n_moves
