"""Random graphs with planted classes."""

import math
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.utils import check_array, check_random_state

from sklearn_manifold_reg.graph import connected_components
from sklearn_manifold_reg.utils._sklearn import Interval, validate_params

# A connected graph that all tries together find with less than this probability is
# not looked for.
_HOPELESS = 1e-6
# Blocks of larger probability draw a number for each pair, others for each edge.
_DENSE = 0.5


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_classes": [Interval(Integral, 1, None, closed="left")],
        "p_in": [Interval(Real, 0, 1, closed="both")],
        "p_out": [Interval(Real, 0, 1, closed="both")],
        "sizes": ["array-like", None],
        "probabilities": ["array-like", None],
        "connected": ["boolean"],
        "max_tries": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_planted_partition(
    n_samples=100,
    n_classes=2,
    *,
    p_in=0.3,
    p_out=0.1,
    sizes=None,
    probabilities=None,
    connected=True,
    max_tries=100,
    random_state=None,
):
    """Draw a random graph with classes of nodes: a stochastic block model.

    Every pair of nodes is joined by an edge independently, with probability
    `probabilities[y[i], y[j]]` [1]_. Without `probabilities` this is `p_in` within a
    class and `p_out` between classes, a planted partition [2]_.

    Parameters
    ----------
    n_samples : int, default=100
        Number of nodes. Classes are as equal as can be, the first the larger. Not
        read if `sizes` is given.
    n_classes : int, default=2
        Number of classes. Not read if `sizes` is given.
    p_in : float, default=0.3
        Probability of an edge within a class.
    p_out : float, default=0.1
        Probability of an edge between classes. Above `p_in`, classes are what nodes
        avoid.
    sizes : array-like of int, shape (n_classes,), default=None
        Number of nodes of each class, at least 1.
    probabilities : array-like of shape (n_classes, n_classes), default=None
        Symmetric probabilities of an edge between nodes of two classes, instead of
        `p_in` and `p_out`.
    connected : bool, default=True
        Whether graphs are drawn until one is connected. The graph then follows the
        law of those that are, whose edges are no longer independent.
    max_tries : int, default=100
        Number of graphs to draw at most.
    random_state : int, RandomState instance or None, default=None
        Seed of the edges.

    Returns
    -------
    A : csr_array of shape (n_samples, n_samples), float64
        Symmetric adjacency of ones with zero diagonal, indices sorted.
    y : ndarray of shape (n_samples,), int64
        Class of each node, ascending: classes are blocks of A.

    Raises
    ------
    ValueError
        If a parameter is out of range, `sizes` or `probabilities` do not fit each
        other, or `connected` is asked for and no graph, or as good as none, is.

    See Also
    --------
    sklearn_manifold_reg.metrics.rejection_auc : Score a distance between its nodes.
    sklearn.datasets.make_blobs : Classes of rows instead of nodes.

    Notes
    -----
    Takes time and memory proportional to the edges, the nodes and the blocks: the
    number of classes without `probabilities`, its square with it.

    Each pair is hit a number of times that follows the Poisson law of mean
    `-log(1 - p)`, and becomes an edge if it is hit at all, which has probability p:
    the hits of a whole block are drawn at once. Blocks of p above 0.5 draw a number
    for each pair instead.

    A node is isolated with probability q, the product of 1 - p over its pairs. As an
    edge has two ends, at most one graph in `exp(sum(q) / 2)` has no isolated node, by
    Hölder's inequality [3]_. Where this and `max_tries` leave less than one chance in
    a million, the error comes before the first graph is drawn.

    References
    ----------
    .. [1] P. W. Holland, K. B. Laskey, S. Leinhardt, "Stochastic blockmodels: first
       steps", Social Networks 5, 1983, doi:10.1016/0378-8733(83)90021-7.
    .. [2] A. Condon, R. M. Karp, "Algorithms for graph partitioning on the planted
       partition model", Random Structures and Algorithms 18, 2001,
       doi:10.1002/1098-2418(200103)18:2<116::AID-RSA1001>3.0.CO;2-2.
    .. [3] H. Finner, "A generalization of Hölder's inequality and some probability
       inequalities", Annals of Probability 20, 1992, doi:10.1214/aop/1176989534.

    Examples
    --------
    >>> from sklearn_manifold_reg.datasets import make_planted_partition
    >>> A, y = make_planted_partition(200, 2, random_state=0)
    >>> same = y[:, None] == y
    >>> round(float(A.toarray()[same].sum() / (same.sum() - 200)), 2)
    0.3
    >>> round(float(A.toarray()[~same].mean()), 2)
    0.1
    """
    sizes = _class_sizes(n_samples, n_classes, sizes)
    if probabilities is not None:
        probabilities = _check_probabilities(probabilities, len(sizes))
        blocks = _blocks_of_matrix(sizes, probabilities)
    else:
        blocks = _two_level_blocks(sizes, p_in, p_out)
    y = np.repeat(np.arange(len(sizes)), sizes)
    n = len(y)
    rng = check_random_state(random_state)
    if not connected or n == 1:
        return _adjacency(*_draw_edges(blocks, rng), n), y

    n_isolated = _expect_isolated(sizes, p_in, p_out, probabilities)
    way_out = (
        f"A graph has on average {n_isolated:.3g} nodes without edges. Raise the "
        "probabilities of edges, or set connected=False and, say, keep the largest "
        "component."
    )
    if max_tries * math.exp(-n_isolated / 2) < _HOPELESS:
        raise ValueError(f"Almost no graph is connected. {way_out}")
    for _ in range(max_tries):
        A = _adjacency(*_draw_edges(blocks, rng), n)
        if connected_components(A)[0] == 1:
            return A, y
    raise ValueError(f"None of max_tries={max_tries} graphs is connected. {way_out}")


class _Blocks(NamedTuple):
    """Pairs of nodes of one probability each, in arrays with an entry a block.

    The pairs are those of node i in `start, ..., start + height - 1` with node j in
    `other, ..., other + width - 1`, or, where width is 0, with another node of the
    same range.
    """

    start: np.ndarray
    height: np.ndarray
    other: np.ndarray
    width: np.ndarray
    p: np.ndarray

    def n_pairs(self) -> np.ndarray:
        triangle = self.height * (self.height - 1) // 2
        return np.where(self.width == 0, triangle, self.height * self.width)


def _class_sizes(n_samples: int, n_classes: int, sizes: Any) -> np.ndarray:
    if sizes is None:
        if n_classes > n_samples:
            raise ValueError(
                f"n_classes={n_classes} classes need as many nodes, got "
                f"n_samples={n_samples}."
            )
        whole, rest = divmod(n_samples, n_classes)
        return whole + (np.arange(n_classes) < rest).astype(np.int64)
    sizes = np.asarray(sizes)
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" or np.any(sizes < 1):
        raise ValueError(
            "sizes must be the numbers of nodes of the classes, whole and at least 1, "
            f"got {sizes.tolist()}."
        )
    if not len(sizes):
        raise ValueError("sizes is empty, which leaves no class.")
    return sizes.astype(np.int64)


def _check_probabilities(probabilities: Any, n_classes: int) -> np.ndarray:
    probabilities = check_array(
        probabilities, dtype=np.float64, input_name="probabilities"
    )
    if probabilities.shape != (n_classes, n_classes):
        raise ValueError(
            f"probabilities must have shape ({n_classes}, {n_classes}), a row and a "
            f"column a class, got {probabilities.shape}; n_classes or sizes sets the "
            "number of classes."
        )
    if np.any(probabilities < 0) or np.any(probabilities > 1):
        raise ValueError("probabilities must lie in [0, 1].")
    if np.any(probabilities != probabilities.T):
        raise ValueError("probabilities must be symmetric, as edges are undirected.")
    return probabilities


def _blocks_of_matrix(sizes: np.ndarray, probabilities: np.ndarray) -> _Blocks:
    """One block for each two classes, and one within each class."""
    starts = np.cumsum(sizes) - sizes
    a, b = np.triu_indices(len(sizes))
    width = np.where(a == b, 0, sizes[b])
    return _Blocks(starts[a], sizes[a], starts[b], width, probabilities[a, b])


def _two_level_blocks(sizes: np.ndarray, p_in: float, p_out: float) -> _Blocks:
    """One block within each class, and one of it and all nodes behind it."""
    ends = np.cumsum(sizes)
    starts = ends - sizes
    inside = (starts, sizes, starts, np.zeros_like(sizes), np.full(len(sizes), p_in))
    behind = (starts, sizes, ends, ends[-1] - ends, np.full(len(sizes), p_out))
    # The last class has nobody behind it, and width 0 would mean the class itself.
    return _Blocks(
        *(np.concatenate([x, z[:-1]]) for x, z in zip(inside, behind, strict=True))
    )


def _expect_isolated(
    sizes: np.ndarray, p_in: float, p_out: float, probabilities: np.ndarray | None
) -> float:
    """Expect the number of nodes without edges; refuse classes that nothing joins."""
    if probabilities is None:
        joined = len(sizes) == 1 or p_out > 0
        q = (1 - p_in) ** (sizes - 1) * (1 - p_out) ** (sizes.sum() - sizes)
    else:
        joined = csgraph.connected_components(probabilities, directed=False)[0] == 1
        others = sizes - np.eye(len(sizes), dtype=np.int64)
        q = np.prod((1 - probabilities) ** others, axis=1)
    if not joined:
        raise ValueError(
            "No graph is connected: no edge may join some classes to the rest. Raise "
            "p_out, or zeros of probabilities, or set connected=False."
        )
    return float(sizes @ q)


def _draw_edges(
    blocks: _Blocks, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs i, j of nodes; some come more than once."""
    n_pairs = blocks.n_pairs()
    dense = blocks.p > _DENSE
    means = np.where(dense, 0.0, -np.log1p(-np.where(dense, 0.0, blocks.p)))
    hit = np.repeat(np.arange(len(n_pairs)), rng.poisson(means * n_pairs))
    places = rng.randint(0, n_pairs[hit], dtype=np.int64)

    every = np.repeat(np.flatnonzero(dense), n_pairs[dense])
    first = np.cumsum(n_pairs[dense]) - n_pairs[dense]
    kept = np.flatnonzero(rng.random_sample(len(every)) < blocks.p[every])
    every_place = kept - np.repeat(first, n_pairs[dense])[kept]

    hit = np.concatenate([hit, every[kept]])
    places = np.concatenate([places, every_place])
    start, other, width = blocks.start[hit], blocks.other[hit], blocks.width[hit]
    triangle = width == 0
    # Pair number j (j - 1) / 2 + i of a triangle is that of i < j. The root is exact
    # to its whole part for some 4e7 nodes, as 8 places + 1 is a square where it jumps.
    j = ((1 + np.sqrt(8.0 * places + 1)) // 2).astype(np.int64)
    i = places - j * (j - 1) // 2
    row, column = np.divmod(places, np.maximum(width, 1))
    i, j = np.where(triangle, i, row), np.where(triangle, j, column)
    return start + i, other + j


def _adjacency(i: np.ndarray, j: np.ndarray, n: int) -> sparse.csr_array:
    """Join each pair once, in both directions."""
    # Not by numpy.unique, which hashes first: a hundred times as long as the sort.
    pairs = np.sort(i * n + j)
    i, j = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], n)
    # Rows stay in this order: of each, the entries left of the diagonal come first.
    kind = np.int32 if max(n, 2 * len(i)) < 2**31 else np.int64
    i, j = i.astype(kind), j.astype(kind)
    ends = (np.concatenate([j, i]), np.concatenate([i, j]))
    return sparse.coo_array((np.ones(2 * len(i)), ends), shape=(n, n)).tocsr()
