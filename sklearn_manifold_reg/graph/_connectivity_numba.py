# mypy: ignore-errors
"""Compiled search for connected components."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def label_components(indptr, indices, data, labels):
    """Label components in the order of their first nodes, and count them.

    Union-find with path halving: the root of a set is its least node.
    """
    n = labels.shape[0]
    for i in range(n):
        labels[i] = i
    for i in range(n):
        root = i
        while labels[root] != root:
            labels[root] = labels[labels[root]]
            root = labels[root]
        for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            b = np.uint64(indices[entry])
            if labels[b] == root or data[entry] == 0:
                continue
            while labels[b] != b:
                labels[b] = labels[labels[b]]
                b = np.uint64(labels[b])
            if root < b:
                labels[b] = root
            elif b < root:
                labels[root] = b
                root = np.int64(b)
    n_components = 0
    for i in range(n):
        # Roots come before all others of their set, and hold their number already.
        if labels[i] == i:
            labels[i] = n_components
            n_components += 1
        else:
            labels[i] = labels[labels[i]]
    return n_components
