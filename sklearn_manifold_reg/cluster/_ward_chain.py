"""Ward's hierarchy from a kernel by chains of nearest neighbors."""

from dataclasses import dataclass

import numpy as np

from sklearn_manifold_reg.cluster._kernel_matrix import SymmetricKernel
from sklearn_manifold_reg.utils._numba import run_rows, use_compiled

# Squared distances, relative to the largest value of the kernel and the rounding of
# its dtype, that are taken for zero.
_ROUNDING = 16.0
# Rows of a strip of the matrix of distances.
_STRIP = 128


@dataclass(frozen=True, eq=False)
class Tree:
    """A hierarchy of clusters.

    Attributes
    ----------
    children : ndarray of shape (n - 1, 2), int64
        Clusters that each merger joins, the smaller number first; numbers below n are
        rows, n + i is the cluster made by merger i.
    heights : ndarray of shape (n - 1,), float64
        Twice the increase of the objective of each merger, ascending.
    """

    children: np.ndarray
    heights: np.ndarray


def ward_tree(kernel: SymmetricKernel, *, overwrite: bool, n_jobs: int | None) -> Tree:
    """Merge the two clusters that raise the sum of squared distances least, again.

    Parameters
    ----------
    kernel : SymmetricKernel
        On the host; indefinite ones too.
    overwrite : bool
        Whether the kernel matrix may be used as working memory.
    n_jobs : int or None
        Threads that compute distances.

    Returns
    -------
    tree : Tree
        The hierarchy.

    Notes
    -----
    With d the squared distance of means times `2 n_k n_l / (n_k + n_l)`, Lance and
    Williams' formula for the union of k and l is

        d(kl, m) = ((n_k + n_m) d(k, m) + (n_l + n_m) d(l, m) - n_m d(k, l)) / n_klm.

    Chains of nearest neighbors find what merging the nearest pair again and again
    finds, because a union is no nearer to m than its parts were (Bruynooghe's
    reducibility): if k and l are nearest neighbors, d(k, l) <= d(k, m), d(l, m), then
    with b the smaller of the two last d(kl, m) >= ((n_k + n_l + 2 n_m) b - n_m b) /
    n_klm = b. No sign of d is used, hence eigenvalues of K may be negative.
    """
    n = kernel.K.shape[0]
    D = _distances(kernel, overwrite, n_jobs)
    pairs = np.empty((n - 1, 2), dtype=np.int64)
    heights = np.empty(n - 1)
    if use_compiled():
        from sklearn_manifold_reg.cluster._ward_chain_numba import merge_pairs

        merge_pairs(D, pairs, heights)
    else:
        _merge_pairs(D, pairs, heights)
    # A union is never lower than its parts, and was found after them.
    order = np.argsort(heights, kind="stable")
    pairs, heights = pairs[order], heights[order]
    bound = _ROUNDING * np.finfo(D.dtype).eps * kernel.scale
    heights[np.abs(heights) <= bound] = 0.0
    return Tree(_number_clusters(pairs), heights)


def cut_tree(children: np.ndarray, n_clusters: int) -> np.ndarray:
    """Stop merging when some number of clusters is left.

    Parameters
    ----------
    children : ndarray of shape (n - 1, 2)
        Mergers.
    n_clusters : int
        From 1 to n.

    Returns
    -------
    labels : ndarray of shape (n,), int64
        Clusters, numbered in the order of their first rows.
    """
    n = len(children) + 1
    n_mergers = n - n_clusters
    union = np.arange(n + n_mergers)
    union[children[:n_mergers]] = np.arange(n, n + n_mergers)[:, None]
    while True:
        above = union[union]
        if np.array_equal(above, union):
            break
        union = above
    _, first, labels = np.unique(union[:n], return_index=True, return_inverse=True)
    numbers = np.empty(n_clusters, dtype=np.int64)
    numbers[np.argsort(first)] = np.arange(n_clusters)
    return numbers[labels]


def _distances(
    kernel: SymmetricKernel, overwrite: bool, n_jobs: int | None
) -> np.ndarray:
    """Compute squared distances of rows, infinite from a row to itself.

    They are symmetric to the last bit, though K may be so up to rounding only: a chain
    of nearest neighbors would not end otherwise.
    """
    K = kernel.K
    D = K if overwrite and K.flags.writeable else np.empty_like(K)
    function = _fill_distances
    if use_compiled():
        from sklearn_manifold_reg.cluster._ward_chain_numba import fill_distances

        function = fill_distances
    n = K.shape[0]
    ranges = [(i, min(i + _STRIP, n)) for i in range(0, n, _STRIP)]
    run_rows(function, n, K, kernel.diagonal, D, n_jobs=n_jobs, ranges=ranges)
    return D


def _fill_distances(
    K: np.ndarray, diagonal: np.ndarray, D: np.ndarray, start: int, stop: int
) -> None:
    values = diagonal[start:stop, None] + diagonal[:stop]
    values -= K[start:stop, :stop] + K[:stop, start:stop].T
    # Rows above the strip have their diagonal already.
    D[start:stop, :stop] = values
    D[:stop, start:stop] = values.T
    rows = np.arange(start, stop)
    D[rows, rows] = np.inf


def _number_clusters(pairs: np.ndarray) -> np.ndarray:
    """Give clusters numbers, from mergers told by a row of each side."""
    n = len(pairs) + 1
    leader = list(range(2 * n - 1))
    children = []
    for merger, pair in enumerate(pairs.tolist()):
        found = []
        for node in pair:
            root = node
            while leader[root] != root:
                root = leader[root]
            while leader[node] != root:
                leader[node], node = root, leader[node]
            leader[root] = n + merger
            found.append(root)
        children.append(sorted(found))
    return np.array(children, dtype=np.int64).reshape(-1, 2)


def _merge_pairs(D: np.ndarray, pairs: np.ndarray, heights: np.ndarray) -> None:
    """Do what the kernel does, without moving what is left together."""
    n = D.shape[0]
    sizes = np.ones(n)
    floors = np.full(n, -np.inf)
    dead = np.zeros(n)
    chain: list[int] = []
    for merger in range(n - 1):
        if not chain:
            chain.append(int(np.argmin(dead)))
        while True:
            x = chain[-1]
            row = D[x].astype(np.float64) + dead
            y = int(np.argmin(row))
            if len(chain) > 1 and row[chain[-2]] <= row[y]:
                y = chain[-2]
                break
            chain.append(y)
        del chain[-2:]
        height = float(D[x, y])
        floors[y] = heights[merger] = max(height, floors[x], floors[y])
        pairs[merger] = x, y
        joined = (sizes[x] + sizes) * D[x] + (sizes[y] + sizes) * D[y]
        joined = (joined - sizes * height) / (sizes[x] + sizes[y] + sizes)
        joined[y] = np.inf
        dead[x] = np.inf
        sizes[y] += sizes[x]
        D[y] = joined
        D[:, y] = joined
