"""Random walks: exact cases, unbiasedness, random numbers, parts of graphs."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse, stats

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph import Graph, partition_walks, random_walks
from sklearn_manifold_reg.graph._random_walks_reference import draw, subkey
from sklearn_manifold_reg.graph._random_walks_rows import _visits
from sklearn_manifold_reg.graph._random_walks_tables import walk_tables
from sklearn_manifold_reg.utils._numba import compiled_kernels

COUPLINGS = ["iid", "antithetic", "repelling", "reinforced"]
TRANSITIONS = ["uniform", "weighted"]
SERIES = 0.5 ** np.arange(40)


def some_graph(n=30, weighted=True, share=0.2, seed=0):
    """Weights of a random graph whose node 5 has no edges."""
    rng = np.random.default_rng(seed)
    W = np.triu(rng.random((n, n)) < share, 1) * (rng.random((n, n)) + 0.1)
    W = W if weighted else (W > 0).astype(float)
    W[5] = W[:, 5] = 0
    return sparse.csr_array(W + W.T)


def normalized(W):
    W = W.toarray()
    roots = np.sqrt(W.sum(axis=1))
    return W / np.where(roots > 0, roots, 1) / np.where(roots > 0, roots, 1)[:, None]


def series_of(A, coefficients):
    powers = [np.eye(len(A))]
    for _ in coefficients[1:]:
        powers.append(powers[-1] @ A)
    return np.tensordot(coefficients, powers, axes=1)


def assert_same(a, b):
    """Equal to the bit, and stored alike."""
    assert_array_equal(a.indptr, b.indptr)
    assert_array_equal(a.indices, b.indices)
    assert_array_equal(a.data, b.data)


def ring(n, reach=1):
    steps = np.concatenate([np.arange(1, reach + 1), -np.arange(1, reach + 1)])
    rows = np.repeat(np.arange(n), len(steps))
    columns = (rows + np.tile(steps, n)) % n
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))


# ------------------------------------------------------------------- exact cases


@pytest.mark.parametrize("reach", [1, 2])
def test_repelling_walks_enumerate_a_regular_graph(reach, compiled):
    """With k^T walks each of the k^T ways is taken once, if no walk halts."""
    T = 4
    coefficients = np.arange(1.0, T + 2)
    walks = random_walks(
        ring(12, reach),
        n_walks=(2 * reach) ** T,
        p_halt=1e-9,
        coupling="repelling",
        random_state=0,
    )
    Phi = walks.features(coefficients).matrix.toarray()
    assert_allclose(Phi, series_of(normalized(ring(12, reach)), coefficients), 1e-7)


def test_repelling_walks_enumerate_a_star(compiled):
    n_leaves = 5
    W = np.zeros((n_leaves + 1, n_leaves + 1))
    W[0, 1:] = W[1:, 0] = 1
    coefficients = np.array([1.0, -2.0, 0.5, 3.0])
    walks = random_walks(
        sparse.csr_array(W),
        n_walks=n_leaves**2,
        p_halt=1e-9,
        coupling="repelling",
        random_state=0,
    )
    Phi = walks.features(coefficients).matrix.toarray()
    # A^2 is the projection on the center and on the mean of the leaves, A^3 = A.
    A = normalized(sparse.csr_array(W))
    assert_allclose(A @ A @ A, A, atol=1e-12)
    expected = np.eye(len(W)) + A + 0.5 * A @ A
    assert_allclose(Phi, expected, atol=1e-7)


def test_walks_by_weight_have_loads_known_by_their_ends():
    W = some_graph()
    coefficients = [0, 0, 1.0]
    roots = np.sqrt(W.sum(axis=1))
    Phi = random_walks(W, n_walks=1, p_halt=0.3, random_state=0).features(coefficients)
    matrix = Phi.matrix.tocoo()
    expected = roots[matrix.row] / roots[matrix.col] / 0.7**2
    seen = matrix.data != 0
    assert_allclose(matrix.data[seen], expected[seen])


def test_nodes_without_edges(compiled):
    walks = random_walks(some_graph(), random_state=0)
    for isolated, expected in ((None, 2.0), (7.0, 7.0)):
        row = walks.features([2.0, 1.0], isolated=isolated).matrix[[5]].tocoo()
        assert_array_equal(row.col, [5])
        assert_array_equal(row.data, [expected])
    assert walks.apply([2.0, 1.0], np.arange(30)).values[5] == 10


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_components_are_orthogonal(coupling):
    W = sparse.block_diag([ring(5), ring(7)], format="csr")
    Phi = random_walks(W, coupling=coupling, random_state=0).features(SERIES).matrix
    assert (Phi @ Phi.T)[:5, 5:].nnz == 0


def test_graph_without_edges(compiled):
    W = sparse.csr_array((4, 4))
    walks = random_walks(W, random_state=0)
    assert_array_equal(walks.features([3.0, 1.0]).matrix.toarray(), 3 * np.eye(4))
    parts = partition_walks(W, [0, 0, 1, 1], [3.0, 1.0], random_state=0)
    assert_array_equal(parts.matrix.toarray(), 3 * np.eye(4))


def test_columns_and_products_with_features():
    W = some_graph()
    walks = random_walks(W, random_state=0)
    Phi = walks.features(SERIES).matrix
    kept = np.array([2, 3, 11])
    assert_same(walks.features(SERIES, columns=kept).matrix, Phi[:, kept])
    right = np.random.default_rng(0).normal(size=(30, 4))
    product = walks.features(SERIES, right=right).matrix
    assert_allclose(product, Phi @ right, atol=1e-12)


def test_apply_is_features_times_a_block(compiled):
    W = some_graph()
    B = np.random.default_rng(0).normal(size=(30, 3))
    for coupling in COUPLINGS:
        walks = random_walks(W, coupling=coupling, random_state=0)
        product = walks.apply(SERIES, B)
        assert_allclose(product.values, walks.features(SERIES).matrix @ B, atol=1e-12)
        assert_allclose(walks.apply(SERIES, B[:, 0]).values, product.values[:, 0])


def test_stored_zeros_are_no_edges():
    explicit = some_graph()
    rows = np.repeat(np.arange(30), np.diff(explicit.indptr))
    removed = (rows % 3 == 0) & (explicit.indices % 3 == 0)
    assert removed.any()
    explicit.data[removed] = 0
    W = explicit.copy()
    W.eliminate_zeros()
    a, b = (random_walks(M, random_state=0).features(SERIES) for M in (W, explicit))
    assert_same(a.matrix, b.matrix)


# ------------------------------------------------ one answer, however it is computed


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_kernels_and_numpy_agree_to_the_bit(coupling, transition, weighted):
    W = some_graph(weighted=weighted)
    new = sparse.random(6, 30, density=0.2, random_state=1, format="csr")
    later = np.concatenate([[0], SERIES[1:]])
    B = np.random.default_rng(0).normal(size=(30, 2))
    found = []
    for compiled in (True, False):
        with compiled_kernels(compiled):
            walks = random_walks(
                W, n_walks=6, coupling=coupling, transition=transition, random_state=0
            )
            run = walks.features(SERIES)
            fresh = walks.features(later, affinity=new)
            found.append((run, fresh, walks.apply(SERIES, B)))
    (a, new_a, product_a), (b, new_b, product_b) = found
    assert a.n_steps == b.n_steps == product_a.n_steps
    assert_same(a.matrix, b.matrix)
    assert_same(new_a.matrix, new_b.matrix)
    assert_allclose(product_a.values, product_b.values, atol=1e-12)
    errors = product_a.standard_errors, product_b.standard_errors
    assert_allclose(*errors, atol=1e-12)


@pytest.mark.parametrize("coupling", COUPLINGS[:3])
@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("weighted", [True, False])
def test_parts_give_the_features_of_the_whole(coupling, transition, weighted, compiled):
    W = some_graph(weighted=weighted)
    options = {
        "coupling": coupling,
        "transition": transition,
        "n_walks": 6,
        "random_state": 0,
    }
    whole = random_walks(W, **options).features(SERIES)
    rng = np.random.default_rng(0)
    for n_parts in (1, 2, 5, 30):
        labels = rng.permutation(np.arange(30) % n_parts)
        parts = partition_walks(W, labels, SERIES, **options)
        assert parts.n_steps == whole.n_steps
        assert_same(parts.matrix, whole.matrix)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_threads_do_not_matter(coupling):
    W = some_graph(n=3000, share=0.003)
    walks = random_walks(W, coupling=coupling, random_state=0)
    a, b = (walks.features(SERIES, n_jobs=n) for n in (1, 3))
    assert_same(a.matrix, b.matrix)
    B = np.random.default_rng(0).normal(size=3000)
    a, b = (walks.apply(SERIES, B, n_jobs=n).values for n in (1, 3))
    assert_array_equal(a, b)


def test_rows_that_overflow_their_buffer(monkeypatch):
    from sklearn_manifold_reg.graph import _random_walks_rows

    W = some_graph(n=400, share=0.05)
    walks = random_walks(W, n_walks=40, random_state=0)
    expected = walks.features(SERIES).matrix
    # Most rows do not fit into what is expected to be one row.
    monkeypatch.setattr(_random_walks_rows, "_BUFFER", 1)
    monkeypatch.setattr(_random_walks_rows, "_SERIAL_STEPS", 0)
    assert_same(walks.features(SERIES, n_jobs=2).matrix, expected)


def test_rows_do_not_depend_on_other_rows():
    W = some_graph()
    walks = random_walks(W, random_state=0)
    new = sparse.random(6, 30, density=0.2, random_state=1, format="csr")
    later = np.concatenate([[0], SERIES[1:]])
    together = walks.features(later, affinity=new).matrix
    for i in range(6):
        assert_same(walks.features(later, affinity=new[[i]]).matrix, together[[i]])


def test_float32_weights_give_float32_features_of_the_same_walks():
    W = some_graph(weighted=False)
    a = random_walks(W, random_state=0).features(SERIES).matrix
    b = random_walks(W.astype(np.float32), random_state=0).features(SERIES).matrix
    assert b.dtype == np.float32
    assert_array_equal(a.data.astype(np.float32), b.data)


def test_slots_hold_the_probabilities(compiled):
    """Thresholds are rounded to 32 bits."""
    W = some_graph()
    tables = walk_tables(CSR.from_scipy(W), "weighted", equal=False, sums=False)
    word = 2.0**32
    thresholds = (tables.alias >> np.uint64(32)).astype(float)
    thresholds[thresholds == word - 1] = word
    others = (tables.alias & np.uint64(2**32 - 1)).astype(np.int64)
    degrees = np.diff(W.indptr)
    rows = np.repeat(np.arange(30), degrees)
    shares = np.zeros((30, 30))
    np.add.at(shares, (rows, W.indices), thresholds / word / degrees[rows])
    np.add.at(shares, (rows, others), (1 - thresholds / word) / degrees[rows])
    totals = W.sum(axis=1)
    expected = W.toarray() / np.where(totals > 0, totals, 1)[:, None]
    assert_allclose(shares, expected, atol=1e-9)


# ------------------------------------------------------------------ random numbers


def numbers_of_neighbors(kind):
    """Pairs of draws whose keys or counters are neighbors, 2^16 of them."""
    seed = np.array([12345], dtype=np.uint64)
    i = np.arange(2**16)
    if kind == "step":
        key = subkey(subkey(seed, 7), 3)
        return draw(key, i), draw(key, i + 1)
    if kind == "walk":
        key = subkey(seed, 7)
        return tuple(draw(subkey(key, j), 4) for j in (i, i + 1))
    if kind == "source":
        return tuple(draw(subkey(subkey(seed, j), 3), 4) for j in (i, i + 1))
    seeds = (subkey(subkey(j.astype(np.uint64), 7), 3) for j in (i, i + 1))
    return tuple(draw(key, 4) for key in seeds)


@pytest.mark.statistical
@pytest.mark.parametrize("shift", [60, 30, 0])
@pytest.mark.parametrize("kind", ["step", "walk", "source", "seed"])
def test_draws_are_uniform_and_independent(kind, shift):
    """Chi-square of four bits of each number, and of the pairs of them."""
    bits = [(x >> np.uint64(shift)) & np.uint64(15) for x in numbers_of_neighbors(kind)]
    single = np.bincount(bits[0].astype(int), minlength=16)
    pairs = np.bincount((bits[0] * np.uint64(16) + bits[1]).astype(int), minlength=256)
    # 24 tests in all.
    assert stats.chisquare(single).pvalue > 1e-4
    assert stats.chisquare(pairs).pvalue > 1e-4


@pytest.mark.statistical
@pytest.mark.parametrize("coupling", ["antithetic", "repelling"])
def test_each_walk_halts_with_its_probability(coupling):
    """Lengths of the second walk of each source are geometric."""
    p, n = 0.3, 4000
    walks = random_walks(
        ring(n), n_walks=2, p_halt=p, coupling=coupling, random_state=0
    )
    visits = _visits(walks.sources(np.ones(walks.horizon)))
    lengths = np.bincount(visits.source[visits.walk == 1], minlength=n)
    counts = np.bincount(np.minimum(lengths, 8), minlength=9)
    expected = n * p * (1 - p) ** np.arange(9)
    expected[8] = n * (1 - p) ** 8
    assert stats.chisquare(counts, expected).pvalue > 1e-4
    if coupling == "antithetic":
        first = np.bincount(visits.source[visits.walk == 0], minlength=n)
        assert not np.any(first == lengths)


# ------------------------------------------------------------------ unbiasedness


@pytest.mark.statistical
@pytest.mark.parametrize("transition", TRANSITIONS)
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_features_are_unbiased(coupling, transition):
    """Means of 400 runs lie within 4.5 standard errors, after random rotations.

    Single entries may owe their value to events that are rare in all runs.
    """
    W = some_graph(n=12, share=0.4)
    runs = np.array([
        random_walks(
            W, n_walks=4, p_halt=0.3, coupling=coupling, transition=transition,
            random_state=seed,
        ).features(SERIES).matrix.toarray()
        for seed in range(400)
    ])  # fmt: skip
    left, right = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 12, 12)))[0]
    deviations = left @ (runs - series_of(normalized(W), SERIES)) @ right
    errors = deviations.std(axis=0) / np.sqrt(len(runs))
    assert np.all(np.abs(deviations.mean(axis=0)) < 4.5 * errors)


@pytest.mark.statistical
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_standard_errors(coupling):
    """Claimed variances are those of 300 runs; of repelling walks they are larger."""
    W = some_graph(n=12, share=0.4)
    B = np.random.default_rng(0).normal(size=12)
    products = [
        random_walks(
            W, n_walks=8, p_halt=0.3, coupling=coupling, random_state=seed
        ).apply(SERIES, B)
        for seed in range(300)
    ]
    actual = np.var([p.values for p in products], axis=0).sum()
    claimed = np.mean([p.standard_errors**2 for p in products], axis=0).sum()
    # A variance of 300 values has a relative deviation of sqrt(2 / 300) = 0.08, and
    # there are 11 of them.
    if coupling == "repelling":
        assert actual < claimed
    else:
        assert abs(actual / claimed - 1) < 0.12


@pytest.mark.statistical
def test_repelling_walks_have_smaller_errors():
    W = some_graph(n=12, share=0.4)
    exact = series_of(normalized(W), SERIES)
    errors = {}
    for coupling in ("iid", "repelling"):
        runs = (
            random_walks(W, n_walks=32, coupling=coupling, random_state=seed)
            for seed in range(20)
        )
        deviations = [r.features(SERIES).matrix.toarray() - exact for r in runs]
        errors[coupling] = np.sqrt(np.mean(np.square(deviations)))
    assert errors["repelling"] < 0.5 * errors["iid"]


@pytest.mark.parametrize("weighted", [True, False])
def test_second_moment(weighted):
    """Largest eigenvalue of the matrix of A_uv² / ((1 - p) q_uv)."""
    W = some_graph(weighted=weighted)
    squares = normalized(W) ** 2
    degrees = np.diff(W.indptr)
    uniform = squares * degrees[:, None] / 0.8
    walks = random_walks(W, transition="uniform", p_halt=0.2)
    expected = np.max(np.abs(np.linalg.eigvals(uniform)))
    assert_allclose(walks.second_moment(), expected, rtol=1e-6)
    assert random_walks(W, p_halt=0.2).second_moment() == 1.25


# ------------------------------------------------------------------------ failures


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p_halt": 0.0}, "p_halt=0.0 is no probability"),
        ({"p_halt": 1.0}, "p_halt=1.0 is no probability"),
        ({"n_walks": 0}, "n_walks=0 must be"),
        ({"n_walks": 5, "coupling": "antithetic"}, "n_walks=5 is odd"),
        ({"coupling": "other"}, "coupling='other' is unknown"),
        ({"transition": "other"}, "transition='other' is unknown"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        random_walks(some_graph(), **options)


def test_wrong_input():
    W = some_graph()
    with pytest.raises(ValueError, match="Weights are not negative"):
        random_walks(-W)
    walks = random_walks(W)
    with pytest.raises(ValueError, match="B has a row for each of the 30 nodes"):
        walks.apply(SERIES, np.ones(7))
    with pytest.raises(ValueError, match="modulation has to begin with 0"):
        walks.features(SERIES, affinity=W[:3])
    with pytest.raises(ValueError, match="earlier walks of a source in one place"):
        partition_walks(W, np.zeros(30), SERIES, coupling="reinforced")
    with pytest.raises(ValueError, match="one number for each of the 30 nodes"):
        partition_walks(W, np.zeros(7), SERIES)


def test_graphs_in_other_forms(namespace):
    xp, device = namespace
    W = some_graph()
    edges = np.stack(W.nonzero(), axis=1)
    once = edges[edges[:, 0] < edges[:, 1]]
    plain = Graph.from_edges(once, W[once[:, 0], once[:, 1]], n_nodes=30)
    host = CSR.from_scipy(W)
    there = CSR(
        *(xp.asarray(a.tolist(), dtype=getattr(xp, a.dtype.name), device=device)
          for a in (host.indptr, host.indices, host.data)),
        host.shape,
    )  # fmt: skip
    expected = random_walks(W, random_state=0).features(SERIES).matrix
    for graph in (plain, host, there):
        found = random_walks(graph, random_state=0).features(SERIES).matrix
        assert_same(found, expected)
    with pytest.raises(ValueError, match="An affinity is square"):
        random_walks(W[:3])


def test_a_single_walk_has_no_standard_error(compiled):
    walks = random_walks(some_graph(), n_walks=1, random_state=0)
    product = walks.apply(SERIES, np.ones(30))
    linked = np.arange(30) != 5
    assert np.all(np.isnan(product.standard_errors[linked]))
    pair = replace(walks, n_walks=2, coupling="antithetic")
    assert np.all(np.isnan(pair.apply(SERIES, np.ones(30)).standard_errors[linked]))
