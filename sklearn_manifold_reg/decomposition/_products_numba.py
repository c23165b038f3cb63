# mypy: disallow-untyped-defs=False
"""Compiled products of a tall array with few columns: it is read once, as it lies."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel(reassociate=True)
def score_rows(X, H, out, start, stop):
    """Write rows `start` to `stop` of X H'."""
    n_features = np.uint64(X.shape[1])
    for i in range(np.uint64(start), np.uint64(stop)):
        for k in range(np.uint64(H.shape[0])):
            total = X.dtype.type(0)
            for j in range(n_features):
                total += X[i, j] * H[k, j]
            out[i, k] = total


@kernel(reassociate=True)
def sum_rows(W, X, n_rows, sums, start, stop):
    """Add W' X of every `n_rows` rows to the sums of parts `start` to `stop`."""
    n_features = np.uint64(X.shape[1])
    for part in range(np.uint64(start), np.uint64(stop)):
        first = part * np.uint64(n_rows)
        last = min(first + np.uint64(n_rows), np.uint64(X.shape[0]))
        for i in range(first, last):
            for k in range(np.uint64(W.shape[1])):
                weight = W[i, k]
                if weight != 0:
                    for j in range(n_features):
                        sums[part, k, j] += weight * X[i, j]
