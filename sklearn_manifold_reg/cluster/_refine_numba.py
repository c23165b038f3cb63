# mypy: disallow-untyped-defs=False
"""Compiled moves of single nodes that lower the normalized cut."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def move_nodes(
    indptr,
    indices,
    data,
    degrees,
    labels,
    volumes,
    inside,
    counts,
    least_gain,
    max_sweeps,
):
    """Move nodes in turn while that pays; give the number of moves."""
    n = labels.shape[0]
    links = np.zeros(volumes.shape[0])
    touched = np.empty(volumes.shape[0], dtype=np.int32)
    n_moves = 0
    for _ in range(max_sweeps):
        before = n_moves
        for i in range(n):
            own = np.uint32(labels[i])
            degree = degrees[i]
            rest = volumes[own] - degree
            if counts[own] < 2 or rest <= 0:
                continue
            n_touched = 0
            for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
                if data[entry] == 0:
                    continue
                other = np.uint32(labels[np.uint64(indices[entry])])
                if links[other] == 0:
                    touched[n_touched] = other
                    n_touched += 1
                links[other] += data[entry]
            loss = inside[own] / volumes[own] - (inside[own] - 2 * links[own]) / rest
            best, winner = least_gain, own
            for place in range(n_touched):
                c = np.uint32(touched[place])
                if c == own:
                    continue
                gain = (inside[c] + 2 * links[c]) / (volumes[c] + degree)
                gain -= inside[c] / volumes[c] + loss
                if gain > best:
                    best, winner = gain, c
            if winner != own:
                inside[own] -= 2 * links[own]
                inside[winner] += 2 * links[winner]
                volumes[own] -= degree
                volumes[winner] += degree
                counts[own] -= 1
                counts[winner] += 1
                labels[i] = winner
                n_moves += 1
            for place in range(n_touched):
                links[np.uint32(touched[place])] = 0.0
        if n_moves == before:
            break
    return n_moves
