"""Clustering with attributes: augmented graph, coordinates, planted truths, queries."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.cluster import AttributedSpectralClustering
from sklearn_manifold_reg.cluster._augmented_graph import (
    AttributeNodes,
    augment_graph,
    average_neighbors,
    definite_laplacian,
)
from sklearn_manifold_reg.cluster._restarts import best_partition, lloyd
from sklearn_manifold_reg.graph import (
    NeighborsGraph,
    attribute_entropy,
    laplacian_eigenpairs,
    modularity,
)
from sklearn_manifold_reg.utils._attributes import Attribute

EMBEDDINGS = ("bootstrap_amg", "eigen")


def planted(n, n_blocks, degree, ratio, corrupted, seed=0):
    """Blocks with edges, `ratio` as many between two as inside, and an attribute."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_blocks
    inside = degree / (n / n_blocks * (1 + (n_blocks - 1) * ratio))
    chances = np.where(y[:, None] == y, inside, ratio * inside)
    upper = np.triu(rng.random((n, n)) < chances, 1)
    attribute = y.copy()
    wrong = rng.random(n) < corrupted
    attribute[wrong] = rng.integers(n_blocks, size=wrong.sum())
    return sparse.csr_array((upper | upper.T).astype(float)), attribute, y


def fit(W, attributes=None, n_clusters=4, **parameters):
    model = AttributedSpectralClustering(
        n_clusters,
        "precomputed",
        **{"random_state": 0, "embedding": "bootstrap_amg", **parameters},
    )
    return model.fit(W, attributes=attributes)


def blobs(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, 2)) + 2.5 * y[:, None], y


def test_augmented_graph_counts():
    W, first, _ = planted(60, 3, 8, 0.3, 0.2)
    codes = np.stack([first, np.arange(60) % 5], axis=1)
    codes[7, 1] = -1
    numbering = AttributeNodes(
        [Attribute("a", list("uvw")), Attribute("b", list(range(5)))], [0, 1], 60
    )
    nodes = numbering.number(codes)
    augmented = augment_graph(W, nodes, numbering.n_nodes, 2.0)
    assert augmented.shape == (68, 68)
    assert augmented.nnz == W.nnz + 2 * (2 * 60 - 1)
    assert abs(augmented - augmented.T).max() == 0
    rise = augmented.sum(axis=1)[:60] - W.sum(axis=1)
    np.testing.assert_allclose(rise, np.where(np.arange(60) == 7, 2.0, 4.0))
    counts = [*np.bincount(first), *np.bincount(np.delete(codes[:, 1], 7))]
    np.testing.assert_allclose(augmented.sum(axis=1)[60:], 2.0 * np.array(counts))


def test_rank_one_terms_make_each_component_definite():
    rng = np.random.default_rng(0)
    pieces = [np.triu(rng.random((k, k)) + 0.1, 1) for k in (5, 7, 1)]
    W = sparse.block_diag([sparse.csr_array(p + p.T) for p in pieces], format="csr")
    W.eliminate_zeros()
    L, _, n_components = definite_laplacian(W)
    assert n_components == 3
    c = W.data.mean()
    expected = np.diag(W.sum(axis=1)) - W.toarray()
    for ends in ([0, 1], [5, 6], [12]):
        e = np.zeros(13)
        e[ends] = 1
        expected += c * np.outer(e, e)
    np.testing.assert_allclose(L.toarray(), expected, atol=1e-12)
    assert np.linalg.eigvalsh(expected).min() > 0
    np.testing.assert_allclose(
        definite_laplacian(1000 * W)[0].toarray(), 1000 * expected
    )


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_clear_blocks_are_found(embedding):
    W, attribute, y = planted(300, 5, 12, 0.02, 0.0)
    for attributes in (attribute, None):
        model = fit(W, attributes, 5, embedding=embedding)
        assert adjusted_rand_score(y, model.labels_) == 1.0


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_attributes_help_where_edges_say_little(embedding):
    gains = []
    for seed in range(3):
        W, attribute, y = planted(200, 4, 10, 0.3, 0.2, seed)
        scores = [
            adjusted_rand_score(y, fit(W, a, embedding=embedding).labels_)
            for a in (attribute, None)
        ]
        gains.append(scores[0] - scores[1])
    assert np.mean(gains) >= 0.3


def test_edges_and_attributes_together_beat_each_alone():
    together, edges, attributes = [], [], []
    for seed in range(3):
        W, attribute, y = planted(400, 4, 12, 0.25, 0.4, seed)
        scores = [
            adjusted_rand_score(y, fit(W, a, embedding="eigen").labels_)
            for a in (attribute, None)
        ]
        together.append(scores[0])
        edges.append(scores[1])
        attributes.append(adjusted_rand_score(y, attribute))
    assert np.mean(together) > np.mean(edges) + 0.05
    assert np.mean(together) > np.mean(attributes) + 0.05


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_without_edges_to_attributes_there_are_none(embedding):
    W, attribute, _ = planted(100, 4, 10, 0.1, 0.2)
    alone = fit(W, embedding=embedding)
    other = fit(W, attribute, embedding=embedding, attribute_edge_weight=0.0)
    np.testing.assert_array_equal(alone.embedding_, other.embedding_)
    np.testing.assert_array_equal(alone.labels_, other.labels_)
    assert other.entropy_ == pytest.approx(attribute_entropy(attribute, alone.labels_))
    assert alone.entropy_ == 0.0


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_unit_of_weights_does_not_matter(embedding):
    W, attribute, _ = planted(150, 3, 10, 0.1, 0.2)
    W.data = np.round(np.random.default_rng(0).uniform(1, 2, W.nnz), 2)
    W = sparse.csr_array(W + W.T)
    results = [fit(c * W, attribute, 3, embedding=embedding) for c in (1, 1024)]
    np.testing.assert_array_equal(results[0].labels_, results[1].labels_)
    np.testing.assert_allclose(results[0].embedding_, results[1].embedding_, atol=1e-8)


def test_unweighted_graph():
    W, attribute, _ = planted(100, 4, 10, 0.1, 0.2)
    heavy = W.copy()
    heavy.data = heavy.data * 3
    heavy[0, W.indices[0]] = heavy[W.indices[0], 0] = 50.0
    np.testing.assert_array_equal(
        fit(W, attribute).embedding_, fit(heavy, attribute, weighted=False).embedding_
    )


def test_eigenvectors_of_the_augmented_graph_are_the_coordinates():
    W, attribute, _ = planted(100, 4, 10, 0.1, 0.2)
    model = fit(W, attribute, embedding="eigen", n_components=3, attribute_weight=0.25)
    numbering = AttributeNodes([Attribute("a", [0, 1, 2, 3])], [0], 100)
    nodes = numbering.number(attribute[:, None])
    augmented = augment_graph(W, nodes, 104, 1.0)
    F = laplacian_eigenpairs(augmented, 4).functions
    expected = np.hstack([F[:100], 0.5 * F[nodes[:, 0]]])
    # Distances do not know the signs of eigenvectors.
    np.testing.assert_allclose(
        model.embedding_ @ model.embedding_.T, expected @ expected.T, atol=1e-5
    )
    assert model.n_vectors_ == 4


def test_fitted_measures_are_those_of_the_labels():
    W, attribute, _ = planted(120, 4, 10, 0.2, 0.3)
    attributes = np.stack([attribute, np.arange(120) % 3], axis=1)
    models = {s: fit(W, attributes, select=s) for s in ("modularity", "inertia")}
    models["entropy"] = fit(W, attributes, select="entropy")
    for model in models.values():
        labels = model.labels_
        assert model.modularity_ == pytest.approx(modularity(W, labels))
        assert model.entropy_ == pytest.approx(attribute_entropy(attributes, labels))
        rest = model.embedding_ - model.cluster_centers_[labels]
        assert model.inertia_ == pytest.approx(np.sum(rest**2))
        assert 1 <= model.n_iter_ <= 10
    # All chose among the same runs.
    for other in models.values():
        assert models["modularity"].modularity_ >= other.modularity_
        assert models["inertia"].inertia_ <= other.inertia_
        assert models["entropy"].entropy_ <= other.entropy_


def test_runs_of_k_means_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    starts = X[np.stack([rng.choice(200, 5, replace=False) for _ in range(6)])]
    for run, start in zip(lloyd(X, starts, 300), starts, strict=True):
        expected = KMeans(5, init=start, n_init=1, tol=0, algorithm="lloyd").fit(X)
        np.testing.assert_array_equal(run.labels, expected.labels_)
        np.testing.assert_allclose(run.centers, expected.cluster_centers_)
        assert run.inertia == pytest.approx(expected.inertia_)


def test_clusters_that_fall_empty_start_anew_at_the_farthest_row():
    X = np.array([[0.0], [0.1], [0.2], [9.0]])
    same = np.array([[[0.0], [0.0]]])
    (run,) = lloyd(X, same, 10)
    np.testing.assert_array_equal(run.labels == run.labels[3], [False] * 3 + [True])


def test_fewer_places_than_clusters():
    X = np.repeat([[0.0], [1.0]], 5, axis=0)
    with pytest.warns(ConvergenceWarning, match="2 clusters were found, n_clusters=3"):
        best_partition(
            X,
            3,
            lambda run: run.inertia,
            n_init=4,
            max_iter=10,
            random_state=np.random.RandomState(0),
        )


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.filterwarnings("ignore:The graph of")
def test_components_are_told_apart(embedding):
    first, _, _ = planted(60, 1, 8, 1.0, 0.0)
    second, _, _ = planted(40, 1, 8, 1.0, 0.0, seed=1)
    W = sparse.csr_array(sparse.block_diag([first, second], format="csr"))
    model = fit(W, n_clusters=2, embedding=embedding)
    assert adjusted_rand_score(np.repeat([0, 1], [60, 40]), model.labels_) == 1.0


@pytest.mark.filterwarnings("ignore:The graph of")
def test_rows_without_edges_go_by_their_attributes():
    W, attribute, y = planted(100, 2, 10, 0.05, 0.0)
    W = W.tolil()
    W[:4] = 0
    W[:, :4] = 0
    W = sparse.csr_array(W)
    model = fit(W, attribute, 2, attribute_weight=1.0)
    assert adjusted_rand_score(y, model.labels_) == 1.0
    with pytest.warns(UserWarning, match="4 rows have neither neighbors nor"):
        alone = fit(W, n_clusters=2)
    assert np.all(alone.embedding_[:4] == 0)


def test_missing_attributes_get_the_mean_block():
    W, attribute, _ = planted(100, 4, 10, 0.1, 0.0)
    holes = attribute.astype(object)
    holes[::7] = None
    model = fit(W, holes, attribute_weight=1.0)
    blocks = model.embedding_[:, model.n_vectors_ :]
    known = np.arange(100) % 7 != 0
    mean = blocks[known].mean(axis=0)
    np.testing.assert_allclose(blocks[~known], np.tile(mean, (15, 1)), atol=1e-12)


def test_constant_attributes():
    W, attribute, _ = planted(60, 3, 10, 0.1, 0.0)
    attributes = np.stack([attribute, np.zeros(60, dtype=int)], axis=1)
    with pytest.warns(UserWarning, match=r"\['attribute 1'\] have at most one value"):
        model = fit(W, attributes, 3)
    np.testing.assert_array_equal(model.embedding_, fit(W, attribute, 3).embedding_)
    assert model.attribute_nodes_ == [[0, 1, 2]]
    kept = fit(W, attributes, 3, drop_constant=False)
    assert kept.attribute_nodes_ == [[0, 1, 2], [0]]
    assert model.predict(W, attributes=attributes).shape == (60,)


def test_data_frames_and_arrays_are_the_same():
    pd = pytest.importorskip("pandas")
    W, attribute, _ = planted(80, 2, 10, 0.1, 0.1)
    heights = np.random.default_rng(0).normal(attribute, 0.3)
    frame = pd.DataFrame({"kind": attribute, "height": heights})
    rows = [[k, h] for k, h in zip(attribute.tolist(), heights, strict=True)]
    models = [fit(W, a, 2) for a in (frame, rows)]
    np.testing.assert_array_equal(models[0].embedding_, models[1].embedding_)
    assert len(models[0].attribute_nodes_[1]) == 5


def test_training_rows_keep_their_clusters():
    X, y = blobs()
    for attributes in (y, None):
        model = AttributedSpectralClustering(3, random_state=0)
        model.fit(X, attributes=attributes)
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        np.testing.assert_array_equal(
            model.predict(X, attributes=attributes), model.labels_
        )


def test_new_rows_average_what_they_are_joined_to():
    rng = np.random.default_rng(0)
    Q = rng.normal(size=(7, 3))  # five rows and two values
    weights = sparse.csr_array([[0.5, 0, 0, 1.5, 0], [0.0, 0, 0, 0, 0]])
    nodes = np.array([[6], [-1]])
    own = average_neighbors(weights, Q, nodes, 2.0)
    np.testing.assert_allclose(own[0], (0.5 * Q[0] + 1.5 * Q[3] + 2 * Q[6]) / 4)
    np.testing.assert_array_equal(own[1], 0)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_new_rows_go_by_place_and_by_attribute(embedding):
    X, y = blobs(200)
    X = X + y[:, None]
    colors = np.array(["red", "blue"])[y]
    model = AttributedSpectralClustering(
        2,
        NeighborsGraph(10, connectivity="mst"),
        embedding=embedding,
        attribute_weight=1.0,
        random_state=0,
    ).fit(X, attributes=colors)
    assert adjusted_rand_score(y, model.labels_) == 1.0
    cluster = {c: model.labels_[colors == c][0] for c in ("red", "blue")}
    far = np.array([[-1.0, -1.0], [4.5, 4.5]])
    np.testing.assert_array_equal(model.predict(far), [cluster["red"], cluster["blue"]])
    # Half way the color decides.
    half = np.full((2, 2), 1.75)
    np.testing.assert_array_equal(
        model.predict(half, attributes=["red", "blue"]),
        [cluster["red"], cluster["blue"]],
    )
    np.testing.assert_array_equal(
        model.predict(far, attributes=["green", None]), model.predict(far)
    )


def test_attributes_are_routed():
    X, y = blobs()
    with config_context(enable_metadata_routing=True):
        model = AttributedSpectralClustering(2, random_state=0)
        pipeline = make_pipeline(
            StandardScaler(), model.set_fit_request(attributes=True)
        )
        pipeline.fit(X, attributes=y)
    assert pipeline[-1].attribute_nodes_ == [[0, 1]]


def test_single_precision():
    X, y = blobs()
    model = AttributedSpectralClustering(2, random_state=0)
    model.fit(X.astype(np.float32), attributes=y)
    assert model.embedding_.dtype == model.cluster_centers_.dtype == np.float32
    twin = AttributedSpectralClustering(2, random_state=0).fit(X, attributes=y)
    assert adjusted_rand_score(model.labels_, twin.labels_) == 1.0


def test_failures():
    W, attribute, _ = planted(30, 2, 10, 0.1, 0.0)
    with pytest.raises(ValueError, match="select='entropy' needs attributes"):
        fit(W, select="entropy")
    with pytest.raises(ValueError, match="n_samples=30 must be at least n_clusters=31"):
        fit(W, n_clusters=31)
    with pytest.raises(ValueError, match="set n_bins"):
        fit(W, np.linspace(0, 1, 30), n_bins=None)
    model = fit(W, attribute, 2)
    with pytest.raises(ValueError, match="2 columns, expected 1"):
        model.predict(W, attributes=np.zeros((30, 2), dtype=int))


def test_arrays_of_other_libraries_are_refused():
    xp = pytest.importorskip("array_api_strict")
    X = xp.asarray(blobs()[0])
    with (
        config_context(array_api_dispatch=True),
        pytest.raises(TypeError, match="works on NumPy arrays"),
    ):
        AttributedSpectralClustering(2).fit(X)
