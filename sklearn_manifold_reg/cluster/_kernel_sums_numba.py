# mypy: disallow-untyped-defs=False
"""Compiled sums of a kernel over clusters."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

_BLOCK = 512


@kernel
def add_rows(K, rows, sources, targets, amounts, S, block, start, stop):
    """Add rows of K to rows of S, and subtract them from others, in some columns."""
    for first in range(start, stop, block):
        last = min(first + block, stop)
        for entry in range(np.uint64(rows.shape[0])):
            row = K[np.uint32(rows[entry]), first:last]
            amount = amounts[entry]
            target = S[np.uint32(targets[entry]), first:last]
            for i in range(np.uint64(row.shape[0])):
                target[i] += amount * row[i]
            if sources[entry] >= 0:
                source = S[np.uint32(sources[entry]), first:last]
                for i in range(np.uint64(row.shape[0])):
                    source[i] -= amount * row[i]


@kernel
def nearest_centers(S, labels, slopes, offsets, shift, found, start, stop):
    """Find the cluster of least `offsets - slopes * S` for some columns."""
    n_runs, n_clusters = slopes.shape
    best = np.empty(_BLOCK)
    winner = np.empty(_BLOCK, dtype=np.int32)
    for first in range(start, stop, _BLOCK):
        width = np.uint64(min(_BLOCK, stop - first))
        begin = np.uint64(first)
        for run in range(n_runs):
            best[:] = np.inf
            winner[:] = 0
            for c in range(n_clusters):
                slope, offset = slopes[run, c], offsets[run, c]
                sums = S[run, c]
                own = labels[run]
                code = np.int32(c)
                if shift == 0:
                    for i in range(width):
                        score = offset - slope * sums[begin + i]
                        nearer = score < best[i]
                        best[i] = score if nearer else best[i]
                        winner[i] = code if nearer else winner[i]
                else:
                    for i in range(width):
                        inside = shift if own[begin + i] == code else 0.0
                        score = offset - slope * (sums[begin + i] + inside)
                        nearer = score < best[i]
                        best[i] = score if nearer else best[i]
                        winner[i] = code if nearer else winner[i]
            for i in range(width):
                found[run, begin + i] = winner[i]
