"""Graph builders as estimators."""

import pickle
import warnings

import numpy as np
import pytest
from joblib import Memory
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph import (
    ImageGraph,
    KernelGraph,
    NeighborsGraph,
    PrecomputedGraph,
    RadiusGraph,
    connected_components,
    resolve_graph,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
TWO = np.concatenate([X[:30], X[30:] + 100])

BUILDERS = {
    "neighbors": NeighborsGraph(n_neighbors=8),
    "radius": RadiusGraph(radius=3.0),
    "kernel": KernelGraph(),
    "image": ImageGraph(shape=(6, 10)),
}


@pytest.fixture(params=BUILDERS)
def builder(request):
    return clone(BUILDERS[request.param])


def is_sound(W, dtype=np.float64):
    assert isinstance(W, sparse.csr_array)
    assert W.indices.dtype == W.indptr.dtype == np.int32
    assert W.dtype == dtype
    assert W.has_canonical_format
    assert W.data.min() > 0
    assert not W.diagonal().any()
    assert (W != W.T).nnz == 0
    return True


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("compiled")
def test_affinities_are_symmetric_with_zero_diagonal(builder, dtype):
    W = builder.fit(X.astype(dtype)).affinity_
    assert is_sound(W, dtype)
    assert builder.transform(X[:4].astype(dtype)).dtype == dtype


def test_new_rows_are_answered_one_by_one(builder):
    new = rng.normal(size=(9, 3))
    builder.fit(X)
    whole = builder.transform(new).toarray()
    parts = [builder.transform(new[i : i + 1]).toarray() for i in range(9)]
    # Matrix products of other shapes may round otherwise, in KernelGraph.
    np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-13)


def test_permuted_rows_permute_the_graph():
    order = rng.permutation(60)
    for name in ("neighbors", "radius", "kernel"):
        W = clone(BUILDERS[name]).fit(X).affinity_.toarray()
        P = clone(BUILDERS[name]).fit(X[order]).affinity_.toarray()
        np.testing.assert_allclose(P, W[np.ix_(order, order)], rtol=1e-9, atol=1e-12)


def test_pickled_builders_answer_alike(builder):
    builder.fit(X)
    again = pickle.loads(pickle.dumps(builder))
    np.testing.assert_array_equal(
        again.transform(X[:5]).toarray(), builder.transform(X[:5]).toarray()
    )


@pytest.mark.parametrize(
    "given",
    [
        np.asfortranarray(X),
        np.repeat(X, 2, axis=0)[::2],
        np.repeat(X, 2, axis=1)[:, ::2],
    ],
    ids=["fortran", "strided-rows", "strided-columns"],
)
def test_memory_layout_does_not_matter(builder, given):
    expected = clone(builder).fit(X).affinity_.toarray()
    given.flags.writeable = False
    np.testing.assert_allclose(builder.fit(given).affinity_.toarray(), expected)


def test_integers_and_booleans_are_numbers(builder):
    integers = rng.integers(0, 4, size=(60, 3))
    W = clone(builder).fit(integers).affinity_
    expected = clone(builder).fit(integers.astype(float)).affinity_
    np.testing.assert_array_equal(W.toarray(), expected.toarray())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert is_sound(builder.fit(integers > 1).affinity_)


# NeighborsGraph


def test_neighbors_are_those_of_exact_search():
    graph = NeighborsGraph(n_neighbors=4, weights="connectivity", symmetrize="max")
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(D, np.inf)
    expected = np.zeros((60, 60))
    expected[np.arange(60)[:, None], np.argsort(D, axis=1)[:, :4]] = 1
    expected = np.maximum(expected, expected.T)
    np.testing.assert_array_equal(graph.fit(X).affinity_.toarray(), expected)


def test_duplicates_stay_neighbors():
    doubled = np.concatenate([X, X])
    graph = NeighborsGraph(n_neighbors=5).fit(doubled)
    W = graph.affinity_.toarray()
    np.testing.assert_array_equal(W[np.arange(60), np.arange(60, 120)], 1)


def test_constant_rows_give_ones():
    graph = NeighborsGraph(n_neighbors=3).fit(np.ones((10, 2)))
    assert set(graph.affinity_.data) <= {0.5, 1.0}


def test_two_rows_are_enough_and_one_is_not():
    with pytest.warns(UserWarning, match="n_neighbors=10 is more than the 1 other"):
        graph = NeighborsGraph().fit(X[:2])
    assert graph.n_neighbors_ == 1
    assert graph.affinity_.nnz == 2
    with pytest.raises(ValueError, match="1 sample"):
        NeighborsGraph().fit(X[:1])


def test_new_row_equal_to_a_training_row_weighs_one_with_it():
    graph = NeighborsGraph(n_neighbors=5).fit(X)
    W = graph.transform(X[7:8]).toarray()[0]
    assert W[7] == 1
    assert np.count_nonzero(W) == 5


def test_two_pieces_are_told():
    with pytest.warns(UserWarning, match="2 connected components"):
        graph = NeighborsGraph(n_neighbors=5).fit(TWO)
    assert graph.n_connected_components_ == 2
    np.testing.assert_array_equal(graph.component_labels_, np.repeat([0, 1], 30))
    with pytest.raises(ValueError, match="2 connected components"):
        NeighborsGraph(n_neighbors=5, connectivity="error").fit(TWO)


def test_mst_adds_the_shortest_edge():
    graph = NeighborsGraph(n_neighbors=5, connectivity="mst").fit(TWO)
    assert graph.n_connected_components_ == 1
    assert is_sound(graph.affinity_)
    D = np.linalg.norm(TWO[:30, None] - TWO[None, 30:], axis=2)
    row, column = np.unravel_index(D.argmin(), D.shape)
    across = graph.affinity_[:30, 30:].tocoo()
    assert (across.row.tolist(), across.col.tolist()) == ([row], [column])


def test_mst_of_many_pieces_is_a_minimum_spanning_tree():
    centers = 50 * rng.normal(size=(7, 2))
    points = (centers[:, None] + 0.1 * rng.normal(size=(7, 6, 2))).reshape(-1, 2)
    graph = NeighborsGraph(n_neighbors=3, connectivity="mst").fit(points)
    piece = np.repeat(np.arange(7), 6)
    coo = graph.affinity_.tocoo()
    across = piece[coo.row] < piece[coo.col]
    assert across.sum() == 6
    lengths = np.linalg.norm(points[coo.row] - points[coo.col], axis=1)[across]
    D = np.linalg.norm(points[:, None] - points[None], axis=2)
    between = [[D[piece == a][:, piece == b].min() for a in range(7)] for b in range(7)]
    tree = sparse.csgraph.minimum_spanning_tree(np.triu(between, 1))
    assert lengths.sum() == pytest.approx(tree.sum())


@pytest.mark.parametrize("weights", ["heat", "self-tuning", "fuzzy", "connectivity"])
def test_every_repair_gives_one_piece(weights):
    for connectivity in ("mst", "regularize"):
        graph = NeighborsGraph(5, weights=weights, connectivity=connectivity)
        assert graph.fit(TWO).n_connected_components_ == 1
        assert is_sound(graph.affinity_)


def test_regularize_adds_weak_edges_only():
    plain = NeighborsGraph(n_neighbors=5, connectivity="regularize", random_state=0)
    graph = plain.fit(TWO)
    across = graph.affinity_[:30, 30:]
    assert across.nnz > 0
    assert across.data.max() < 0.01 * graph.affinity_.data.mean()


def test_cosine_weights_need_cosine_distances():
    with pytest.raises(ValueError, match="use metric='cosine', got metric='euclidean'"):
        NeighborsGraph(weights="cosine").fit(X)
    graph = NeighborsGraph(5, weights="cosine", metric="cosine", symmetrize="max")
    W = graph.fit(X).affinity_.tocoo()
    unit = X / np.linalg.norm(X, axis=1, keepdims=True)
    cosines = np.sum(unit[W.row] * unit[W.col], axis=1)
    np.testing.assert_allclose(W.data, cosines, atol=1e-9)


def test_sparse_rows():
    Xs = sparse.random_array((50, 200), density=0.1, rng=0, format="csr")
    for given in (Xs, sparse.csr_matrix(Xs), Xs.tocoo()):
        for metric in ("euclidean", "cosine"):
            graph = NeighborsGraph(6, metric=metric)
            W = graph.fit(given).affinity_.toarray()
            expected = clone(graph).fit(Xs.toarray()).affinity_.toarray()
            np.testing.assert_allclose(W, expected, rtol=1e-7, atol=1e-9)
            new = graph.transform(given.tocsr()[:3]).toarray()
            np.testing.assert_allclose(new[np.arange(3), np.arange(3)], 1)


def test_distances_of_kneighbors_transformer():
    doubled = np.concatenate([X, X[:5]])
    transformer = KNeighborsTransformer(n_neighbors=9, mode="distance")
    D = transformer.fit_transform(doubled)
    graph = NeighborsGraph(n_neighbors=8, metric="precomputed").fit(D)
    expected = NeighborsGraph(n_neighbors=8).fit(doubled)
    # Of two duplicates at the end of a list either may stand there.
    np.testing.assert_allclose(
        graph.neighbors_.distances, expected.neighbors_.distances, atol=1e-12
    )
    np.testing.assert_array_equal(graph.neighbors_.distances[:5, 0], 0)


def test_a_fitted_object_may_search():
    index = NearestNeighbors(algorithm="ball_tree").fit(X)
    graph = NeighborsGraph(n_neighbors=6, algorithm=index).fit(X)
    expected = NeighborsGraph(n_neighbors=6).fit(X).affinity_
    np.testing.assert_allclose(graph.affinity_.toarray(), expected.toarray())
    assert graph.neighbors_.algorithm == "NearestNeighbors"


def test_recall_of_exact_search_is_one():
    assert NeighborsGraph(n_neighbors=6).fit(X).recall_estimate(30) == 1


def test_a_cache_saves_later_searches(tmp_path, monkeypatch):
    from sklearn_manifold_reg.graph import _neighbors_graph

    calls = []
    search = _neighbors_graph.nearest_neighbors
    expected = [
        NeighborsGraph(k, weights=weights).fit(X).affinity_.toarray()
        for k in (12, 5, 16, 8)
        for weights in ("heat", "self-tuning")
    ]

    def nearest_neighbors(X, n_neighbors, n_jobs, **options):
        calls.append(n_neighbors)
        return search(X, n_neighbors, **options)

    monkeypatch.setattr(_neighbors_graph, "nearest_neighbors", nearest_neighbors)
    memory = Memory(tmp_path, verbose=0)
    got = [
        NeighborsGraph(k, weights=weights, memory=memory).fit(X).affinity_.toarray()
        for k in (12, 5, 16, 8)
        for weights in ("heat", "self-tuning")
    ]
    np.testing.assert_array_equal(got, expected)
    assert calls == [16]


def test_device_rows_give_the_same_graph(namespace):
    xp, device = namespace
    Xd = xp.asarray(X.tolist(), dtype=xp.float64, device=device)
    graph = NeighborsGraph(n_neighbors=8).fit(Xd)
    expected = NeighborsGraph(n_neighbors=8).fit(X)
    assert isinstance(graph.affinity_, CSR)
    assert graph.affinity_.data.device == Xd.device
    np.testing.assert_allclose(
        graph.affinity_.to_scipy().toarray(), expected.affinity_.toarray(), atol=1e-9
    )
    new = graph.transform(Xd[:3, :])
    np.testing.assert_allclose(
        new.to_scipy().toarray(), expected.transform(X[:3]).toarray(), atol=1e-9
    )
    with pytest.raises(ValueError, match="must use the same namespace"):
        graph.transform(X)


# The other builders


def test_radius_graph_links_all_within():
    graph = RadiusGraph(radius=1.0, weights="connectivity", connectivity="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        W = graph.fit(X).affinity_.toarray()
    D = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.testing.assert_array_equal(W, (D <= 1) & ~np.eye(60, dtype=bool))


def test_radius_graph_counts_isolated_rows():
    far = np.concatenate([X, [[50.0, 0, 0]]])
    with (
        pytest.warns(UserWarning, match="1 rows have no other row within radius=3"),
        pytest.warns(UserWarning, match="2 connected components"),
    ):
        graph = RadiusGraph(radius=3.0).fit(far)
    assert graph.n_isolated_ == 1


def test_kernel_graph_refuses_large_data_and_negative_kernels():
    with pytest.raises(ValueError, match="takes at most 10000 rows, got 10001"):
        KernelGraph().fit(np.zeros((10_001, 1)))
    with pytest.raises(ValueError, match="kernel='linear' is negative"):
        KernelGraph("linear").fit(X)


@pytest.mark.parametrize("radius", [1, 2, 4])
@pytest.mark.parametrize("spatial_bandwidth", [None, 1.5])
@pytest.mark.usefixtures("compiled")
def test_image_graph_against_all_pairs(radius, spatial_bandwidth):
    h, w = 6, 10
    graph = ImageGraph(
        (h, w), radius=radius, bandwidth=2.0, spatial_bandwidth=spatial_bandwidth
    ).fit(X)
    place = np.stack(np.divmod(np.arange(h * w), w), axis=1)
    gap = np.abs(place[:, None] - place[None])
    linked = (gap.max(axis=2) <= radius) & (gap.max(axis=2) > 0)
    D = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    expected = np.where(linked, np.exp(-D / 4), 0)
    if spatial_bandwidth:
        expected *= np.exp(-(gap**2).sum(axis=2) / spatial_bandwidth**2)
    np.testing.assert_allclose(graph.affinity_.toarray(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "builder",
    [
        ImageGraph((6, 10)),
        ImageGraph((6, 10), radius=2, spatial_bandwidth=1.5),
        ImageGraph((6, 10), weights="connectivity"),
    ],
)
def test_image_on_a_device(builder, namespace):
    xp, device = namespace
    there = clone(builder).fit(xp.asarray(X, device=device))
    host = clone(builder).fit(X)
    there_matrix = there.affinity_.to_scipy()
    np.testing.assert_allclose(there_matrix.toarray(), host.affinity_.toarray())
    assert there.bandwidth_ == pytest.approx(host.bandwidth_)
    new = X[:5] + 0.01
    links = there.transform(xp.asarray(new, device=device))
    np.testing.assert_allclose(
        links.to_scipy().toarray(), host.transform(new).toarray(), atol=1e-12
    )
    assert there.component_labels_.shape == (60,)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((5, 10), "has 50 pixels, but X has 60 rows"),
        ((6, 10, 4), "has 4 bands, but X has 3 columns"),
        ((6,), "height and the width"),
        ((6, 10.5), "positive integers"),
        ((-6, -10), "positive integers"),
    ],
)
def test_image_shapes_that_do_not_fit(shape, message):
    with pytest.raises(ValueError, match=message):
        ImageGraph(shape).fit(X)


def test_image_without_shape_is_a_signal():
    W = ImageGraph(weights="connectivity").fit(X).affinity_
    assert W.nnz == 2 * 59
    np.testing.assert_array_equal(W.diagonal(1), 1)


# Affinities that the user brings


def affinity():
    return NeighborsGraph(n_neighbors=6).fit(X).affinity_


@pytest.mark.parametrize(
    "convert",
    [
        lambda W: W.toarray(),
        sparse.csr_matrix,
        sparse.coo_array,
        lambda W: sparse.csr_array(
            (W.data, W.indices.astype(np.int64), W.indptr.astype(np.int64)), W.shape
        ),
    ],
    ids=["dense", "matrix", "coo", "int64"],
)
def test_precomputed_affinities_of_any_make(convert):
    W = affinity()
    graph = PrecomputedGraph().fit(convert(W))
    assert is_sound(graph.affinity_)
    np.testing.assert_array_equal(graph.affinity_.toarray(), W.toarray())
    new = graph.transform(convert(W)[:7] if convert is not sparse.coo_array else W[:7])
    np.testing.assert_array_equal(new.toarray(), W[:7].toarray())


def test_precomputed_integers_and_loops():
    W = np.array([[5, 1, 0], [1, 0, 1], [0, 1, 0]])
    graph = PrecomputedGraph().fit(W)
    expected = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]
    np.testing.assert_array_equal(graph.affinity_.toarray(), expected)
    assert W[0, 0] == 5
    again = PrecomputedGraph().fit(W > 0)
    np.testing.assert_array_equal(again.affinity_.toarray(), expected)


def test_asymmetric_affinity_is_averaged_with_a_warning():
    W = np.array([[0.0, 1.0, 0.5], [3.0, 0.0, 0.5], [0.5, 0.5, 0.0]])
    with pytest.warns(UserWarning, match=r"entries \(0, 1\) and \(1, 0\) differ by 2"):
        graph = PrecomputedGraph().fit(W)
    np.testing.assert_array_equal(graph.affinity_.toarray(), (W + W.T) / 2)


@pytest.mark.parametrize(
    ("W", "message"),
    [
        (np.ones((3, 4)), "must be a square matrix"),
        (np.array([[0, -1.0], [-1, 0]]), "Negative values in data"),
        (np.array([[0, np.nan], [np.nan, 0]]), "NaN"),
        (np.array([[0, np.inf], [np.inf, 0]]), "infinity"),
    ],
    ids=["square", "negative", "nan", "inf"],
)
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
def test_bad_affinities(W, message, make):
    with pytest.raises(ValueError, match=message):
        PrecomputedGraph().fit(make(W))


def test_width_of_new_affinities():
    graph = PrecomputedGraph().fit(affinity())
    with pytest.raises(ValueError, match="60 features"):
        graph.transform(np.ones((2, 59)))


def test_precomputed_on_a_device(namespace):
    xp, device = namespace
    W = affinity().toarray()
    Wd = xp.asarray(W.tolist(), dtype=xp.float64, device=device)
    graph = PrecomputedGraph().fit(Wd)
    np.testing.assert_array_equal(graph.affinity_.to_scipy().toarray(), W)
    np.testing.assert_array_equal(graph.transform(Wd).to_scipy().toarray(), W)


# What `graph=` may be


def test_resolve_graph():
    assert isinstance(resolve_graph(None), NeighborsGraph)
    assert isinstance(resolve_graph("precomputed"), PrecomputedGraph)
    mine = NeighborsGraph(n_neighbors=3).fit(X)
    resolved = resolve_graph(mine)
    assert resolved.n_neighbors == 3
    assert not hasattr(resolved, "affinity_")
    frozen = resolve_graph(FrozenEstimator(mine))
    assert frozen.fit(TWO).affinity_ is mine.affinity_


@pytest.mark.parametrize("graph", [3, object(), NeighborsGraph, NearestNeighbors()])
def test_what_is_no_builder_is_refused(graph):
    with pytest.raises(TypeError, match="graph must be a graph builder"):
        resolve_graph(graph)


def test_unknown_string_is_refused():
    with pytest.raises(ValueError, match="graph='nonsense' is unknown"):
        resolve_graph("nonsense")


@pytest.mark.usefixtures("compiled")
def test_components_are_numbered_by_their_first_node():
    W = np.zeros((5, 5))
    W[0, 3] = W[3, 0] = W[1, 2] = W[2, 1] = 1
    n, labels = connected_components(sparse.csr_array(W))
    assert n == 3
    assert labels.tolist() == [0, 1, 1, 0, 2]


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("density", [0.0, 0.001, 0.005, 0.02])
def test_components_are_those_of_scipy(density):
    W = sparse.random_array((300, 300), density=density, rng=1, format="csr")
    W = sparse.csr_array(W + W.T)
    W.data[::7] = 0
    W = sparse.csr_array(W.maximum(W.T))
    edges = W.copy()
    edges.eliminate_zeros()
    n, labels = connected_components(W)
    expected, others = sparse.csgraph.connected_components(edges, directed=False)
    assert n == expected
    np.testing.assert_array_equal(labels, others)
