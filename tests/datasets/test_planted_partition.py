import numpy as np
import pytest
from scipy.sparse import csgraph, csr_array
from scipy.stats import chi2

from sklearn_manifold_reg.datasets import _planted_partition as private
from sklearn_manifold_reg.datasets import make_planted_partition

SIZES = [3, 1, 4, 2]
PROBABILITIES = np.array(
    [
        [0.20, 0.70, 0.05, 0.50],
        [0.70, 0.00, 0.90, 0.30],
        [0.05, 0.90, 0.60, 0.00],
        [0.50, 0.30, 0.00, 1.00],
    ]
)


def draw(*args, connected=False, **kwargs):
    A, y = make_planted_partition(*args, connected=connected, **kwargs)
    return A.toarray(), y


def check_adjacency(A):
    assert isinstance(A, csr_array)
    assert A.dtype == np.float64
    assert A.indices.dtype == np.int32
    assert A.has_canonical_format
    assert np.all(A.data == 1)
    assert (A != A.T).nnz == 0
    assert np.all(A.diagonal() == 0)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"sizes": SIZES, "probabilities": PROBABILITIES},
        {"sizes": SIZES, "p_in": 0.8, "p_out": 0.15},
        {"sizes": SIZES, "p_in": 0.3, "p_out": 0.6},
        {"n_samples": 9, "n_classes": 1, "p_in": 0.4},
        {"n_samples": 7, "n_classes": 7, "p_out": 0.4},
    ],
)
@pytest.mark.statistical
def test_every_pair_is_an_independent_draw(kwargs):
    n_draws = 3000
    rng = np.random.RandomState(0)
    draws = [draw(**kwargs, random_state=rng) for _ in range(n_draws)]
    y = draws[0][1]
    n_classes = y.max() + 1
    P = kwargs.get("probabilities")
    if P is None:
        same = np.eye(n_classes, dtype=bool)
        P = np.where(same, kwargs.get("p_in", 0.3), kwargs.get("p_out", 0.1))
    i, j = np.triu_indices(len(y), k=1)
    p = P[y[i], y[j]]
    edges = np.stack([A[i, j] for A, _ in draws])
    random = (p > 0) & (p < 1)
    np.testing.assert_array_equal(edges[:, ~random], np.tile(p[~random], (n_draws, 1)))
    z = (edges - p)[:, random] / np.sqrt(p * (1 - p))[random]
    # Means of z, and of products of two z, are near normal of variance 1 / n_draws;
    # below the bound lie all of m such numbers but in one case of 1e4 or fewer.
    covariance = z.T @ z / n_draws
    deviations = np.concatenate(
        [z.mean(axis=0), covariance[np.triu_indices(len(covariance), k=1)]]
    )
    bound = np.sqrt(2 * np.log(2 * len(deviations) * 1e4) / n_draws)
    assert np.abs(deviations).max() < bound


@pytest.mark.statistical
def test_numbers_of_edges_are_binomial():
    # Of sparse blocks, in which hits on the same pair are rare but count.
    sizes, p_in, p_out, n_draws = np.array([40, 25]), 0.04, 0.3, 2000
    rng = np.random.RandomState(0)
    counts = []
    for _ in range(n_draws):
        A, y = draw(sizes=sizes, p_in=p_in, p_out=p_out, random_state=rng)
        same = y[:, None] == y
        counts.append([A[same].sum() / 2, A[~same].sum() / 2])
    n_pairs = np.array([np.sum(sizes * (sizes - 1) // 2), np.prod(sizes)])
    p = np.array([p_in, p_out])
    variance = n_pairs * p * (1 - p)
    z = (np.array(counts) - n_pairs * p) / np.sqrt(variance)
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(n_draws)
    limits = chi2.ppf([3e-5, 1 - 3e-5], n_draws)
    spread = np.sum(z**2, axis=0)
    assert np.all((limits[0] < spread) & (spread < limits[1]))


def test_certain_edges():
    for kwargs in (
        {"sizes": SIZES, "p_in": 1.0, "p_out": 0.0},
        {"sizes": SIZES, "probabilities": np.eye(4)},
    ):
        A, y = draw(**kwargs)
        np.testing.assert_array_equal(A, (y[:, None] == y) - np.eye(len(y)))
    A, y = draw(sizes=SIZES, p_in=0, p_out=1)
    np.testing.assert_array_equal(A, y[:, None] != y)
    A, y = make_planted_partition(6, 6, p_out=1, p_in=1)
    np.testing.assert_array_equal(A.toarray(), 1 - np.eye(6))
    A, _ = make_planted_partition(6, 3, p_out=0, p_in=0, connected=False)
    check_adjacency(A)
    assert A.nnz == 0
    A, y = make_planted_partition(1, 1)
    assert (A.shape, A.nnz, y.tolist()) == ((1, 1), 0, [0])


def test_the_adjacency_is_canonical():
    for seed in range(5):
        A, y = make_planted_partition(
            sizes=[30, 1, 17], p_in=0.6, p_out=0.2, random_state=seed
        )
        check_adjacency(A)
        np.testing.assert_array_equal(np.bincount(y), [30, 1, 17])
        assert np.all(np.diff(y) >= 0)


def test_pairs_of_a_block_are_numbered_once():
    blocks = private._two_level_blocks(np.array([5, 1, 4]), 1.0, 1.0)
    i, j = private._draw_edges(blocks, np.random.RandomState(0))
    assert len(i) == blocks.n_pairs().sum() == 45
    assert len(set(zip(i.tolist(), j.tolist(), strict=True))) == 45
    assert np.all(i < j)


def test_far_pairs_of_a_large_class_are_numbered_right():
    n = 40_000_000
    last = n * (n - 1) // 2 - 1

    class Corners:
        def poisson(self, means):
            return np.array([4])

        def randint(self, low, high, dtype):
            assert np.all(high == last + 1)
            return np.array([0, last, last - (n - 2), last - (n - 1)])

        def random_sample(self, size):
            return np.empty(size)

    blocks = private._two_level_blocks(np.array([n]), 1e-9, 0.0)
    i, j = private._draw_edges(blocks, Corners())
    np.testing.assert_array_equal(i, [0, n - 2, 0, n - 3])
    np.testing.assert_array_equal(j, [1, n - 1, n - 1, n - 2])


def test_classes_are_as_equal_as_can_be():
    _, y = draw(11, 3)
    np.testing.assert_array_equal(np.bincount(y), [4, 4, 3])
    assert y.dtype == np.int64


def test_the_seed_decides():
    one, other, third = (
        make_planted_partition(random_state=seed)[0] for seed in (3, 3, 4)
    )
    assert (one != other).nnz == 0
    assert (one != third).nnz > 0


def test_two_levels_and_their_matrix_are_one_model():
    sizes = np.array([4, 1, 3])
    P = np.full((3, 3), 0.2) + 0.5 * np.eye(3)
    expected = [
        blocks.n_pairs() @ blocks.p
        for blocks in (
            private._two_level_blocks(sizes, 0.7, 0.2),
            private._blocks_of_matrix(sizes, P),
        )
    ]
    assert expected == pytest.approx([9 * 0.7 + 19 * 0.2] * 2)
    isolated = [private._expect_isolated(sizes, 0.7, 0.2, M) for M in (None, P)]
    by_hand = 4 * 0.3**3 * 0.8**4 + 0.8**7 + 3 * 0.3**2 * 0.8**5
    assert isolated == pytest.approx([by_hand] * 2)


@pytest.mark.parametrize("n_samples", [2, 8])
@pytest.mark.statistical
def test_a_connected_graph_follows_the_law_of_connected_ones(n_samples):
    kwargs = {"n_classes": 2, "p_in": 0.45, "p_out": 0.35}
    rng = np.random.RandomState(0)
    drawn, free = [], []
    for _ in range(400):
        A, _ = make_planted_partition(n_samples, **kwargs, random_state=rng)
        assert csgraph.connected_components(A)[0] == 1
        drawn.append(A.nnz)
    while len(free) < 400:
        A, _ = make_planted_partition(
            n_samples, **kwargs, connected=False, random_state=rng
        )
        if csgraph.connected_components(A)[0] == 1:
            free.append(A.nnz)
    error = np.sqrt((np.var(drawn) + np.var(free)) / 400)
    assert abs(np.mean(drawn) - np.mean(free)) <= 4 * error


def test_disconnected_graphs_are_returned_on_demand():
    A, _ = make_planted_partition(60, 3, p_out=0, connected=False, random_state=0)
    assert csgraph.connected_components(A)[0] >= 3


def test_impossible_connection_is_refused():
    with pytest.raises(ValueError, match="no edge may join some classes"):
        make_planted_partition(p_out=0.0)
    P = np.kron(np.eye(2), np.full((2, 2), 0.9))
    with pytest.raises(ValueError, match="no edge may join some classes"):
        make_planted_partition(40, 4, probabilities=P)
    with pytest.raises(ValueError, match=r"Almost no graph.*55\.4 nodes without"):
        # 10^6 nodes of mean degree 9.8: 10^6 exp(-9.8) are isolated.
        make_planted_partition(1_000_000, 10, p_in=8e-5, p_out=2e-6)
    for kwargs in ({"p_in": 0.004, "p_out": 0.004}, {"p_in": 0, "p_out": 1e-9}):
        with pytest.raises(ValueError, match="Almost no graph is connected"):
            make_planted_partition(**kwargs)
    with pytest.raises(ValueError, match=r"None of max_tries=2 .* nodes without edges"):
        make_planted_partition(20, 2, p_in=0.06, p_out=0.06, max_tries=2)


@pytest.mark.statistical
def test_the_bound_on_connected_graphs_holds():
    # Both sides are equal for two nodes, where the bound cannot be lower.
    rng = np.random.RandomState(0)
    for sizes, p_in, p_out in (([1, 1], 0.0, 0.3), ([4, 3], 0.4, 0.2)):
        sizes = np.array(sizes)
        q = (1 - p_in) ** (sizes - 1) * (1 - p_out) ** (sizes.sum() - sizes)
        bound = np.prod((1 - q) ** (sizes / 2))
        whole = [
            np.all(
                draw(sizes=sizes, p_in=p_in, p_out=p_out, random_state=rng)[0].sum(0)
            )
            for _ in range(1000)
        ]
        assert np.mean(whole) < bound + 4 * np.sqrt(bound * (1 - bound) / 1000)


def test_bad_parameters_are_refused():
    for kwargs, message in (
        ({"p_in": 1.1}, "'p_in' parameter"),
        ({"p_out": np.nan}, "'p_out' parameter"),
        ({"n_samples": 0}, "'n_samples' parameter"),
        ({"max_tries": 0}, "'max_tries' parameter"),
        ({"n_samples": 3, "n_classes": 4}, "n_classes=4 classes need as many nodes"),
        ({"sizes": [3, 0]}, r"at least 1, got \[3, 0\]"),
        ({"sizes": [3.5, 2]}, "whole and at least 1"),
        ({"sizes": [[3, 2]]}, "sizes must be"),
        ({"sizes": np.array([], dtype=int)}, "sizes is empty"),
        ({"probabilities": np.eye(3)}, r"shape \(2, 2\).*got \(3, 3\)"),
        ({"probabilities": [[0.1, 0.2], [0.3, 0.1]]}, "must be symmetric"),
        ({"probabilities": [[0.1, -0.2], [-0.2, 0.1]]}, r"lie in \[0, 1\]"),
        ({"probabilities": [[0.1, 1.2], [1.2, 0.1]]}, r"lie in \[0, 1\]"),
        ({"probabilities": [[0.1, np.nan], [np.nan, 0.1]]}, "contains NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            make_planted_partition(**kwargs)
