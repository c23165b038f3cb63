# mypy: ignore-errors
"""Compiled tables that neighbors are drawn from by weight."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

_WORD = np.uint64(32)
_LOW_WORD = np.uint64((1 << 32) - 1)


@kernel
def sum_rows(indptr, shares, cumulative, start, stop):
    """Sum up probabilities from the first entry of each row on; last ones are 2."""
    for i in range(start, stop):
        total = 0.0
        for e in range(indptr[i], indptr[i + 1]):
            total += shares[e]
            cumulative[e] = total
        if indptr[i + 1] > indptr[i]:
            cumulative[indptr[i + 1] - 1] = 2.0


@kernel
def build_alias(indptr, indices, shares, alias, start, stop):
    """Make tables of slots that hold two neighbors each (Walker, Vose).

    Slot e belongs to neighbor e up to a threshold, in the high word, and to the
    neighbor in the low word beyond it.
    """
    longest = 0
    for i in range(start, stop):
        longest = max(longest, indptr[i + 1] - indptr[i])
    excess = np.empty(longest)
    order = np.empty(longest, dtype=np.int64)
    for i in range(start, stop):
        begin = np.int64(indptr[i])
        degree = np.int64(indptr[i + 1]) - begin
        # Small ones fill the order from the left, large ones from the right.
        left = 0
        right = degree
        for e in range(degree):
            excess[e] = shares[begin + e] * degree
            if excess[e] < 1:
                order[left] = e
                left += 1
            else:
                right -= 1
                order[right] = e
        while left > 0 and right < degree:
            left -= 1
            small = order[left]
            large = order[right]
            threshold = np.uint64(excess[small] * 2.0**32)
            node = np.uint64(indices[begin + large])
            alias[begin + small] = (threshold << _WORD) | node
            excess[large] -= 1 - excess[small]
            if excess[large] < 1:
                order[left] = large
                left += 1
                right += 1
        # What is left has excess 1 up to rounding.
        for k in range(left):
            own = begin + order[k]
            alias[own] = (_LOW_WORD << _WORD) | np.uint64(indices[own])
        for k in range(right, degree):
            own = begin + order[k]
            alias[own] = (_LOW_WORD << _WORD) | np.uint64(indices[own])
