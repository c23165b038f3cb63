# mypy: disallow-untyped-defs=False
"""Compiled search for connected components."""

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
        for entry in range(indptr[i], indptr[i + 1]):
            if data[entry] == 0:
                continue
            a = i
            b = indices[entry]
            while labels[a] != a:
                labels[a] = labels[labels[a]]
                a = labels[a]
            while labels[b] != b:
                labels[b] = labels[labels[b]]
                b = labels[b]
            if a < b:
                labels[b] = a
            elif b < a:
                labels[a] = b
    n_components = 0
    for i in range(n):
        # Roots come before all others of their set, and hold their number already.
        if labels[i] == i:
            labels[i] = n_components
            n_components += 1
        else:
            labels[i] = labels[labels[i]]
    return n_components
