"""Tests of the kernel between samples by their graph."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import pdist, squareform
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.decomposition import KernelPCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KernelCenterer
from sklearn.svm import SVC
from sklearn.utils import get_tags

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import (
    KernelGraph,
    NeighborsGraph,
    NodeKernels,
    kernel_to_distance,
    node_kernel,
)
from sklearn_manifold_reg.kernel import GraphKernel

OPTIONS = [
    {"kernel": "heat"},
    {"kernel": "log_communicability"},
    {"kernel": "ppr"},
    {"kernel": "commute", "center": True},
    {"kernel": "ppr", "center": True},
    {"kernel": "forest", "normalize": True},
    {"kernel": "heat", "center": True, "normalize": True},
    {"kernel": "heat", "output": "distance"},
    {"kernel": "communicability", "output": "distance"},
    {"kernel": "heat_ppr", "output": "distance", "center": True},
]


@pytest.fixture
def moons():
    X, _ = make_moons(160, noise=0.05, random_state=0)
    return X[:120], X[120:]


def connected(**options):
    return GraphKernel(graph=NeighborsGraph(connectivity="mst"), **options)


def shares(model, X):
    """Weights of the neighbors of new rows, which sum to 1."""
    W = model.graph_.transform(X).toarray()
    return W / W.sum(axis=1)[:, None]


def points_of(K):
    """Points whose inner products are a positive semi-definite matrix."""
    values, V = np.linalg.eigh(K)
    return V * np.sqrt(np.clip(values, 0, None))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_rows_have_the_training_kernel(options, moons):
    X, _ = moons
    model = connected(**options)
    K = model.fit_transform(X)
    np.testing.assert_array_equal(K, model.kernel_matrix_)
    np.testing.assert_array_equal(model.transform(X[::-3]), K[::-3])


def test_the_kernel_is_that_of_the_graph(moons):
    X, _ = moons
    for name in ("heat", "log_forest", "rsp", "katz"):
        model = connected(kernel=name, param=0.4).fit(X)
        expected = node_kernel(model.graph_.affinity_, name, 0.4)
        np.testing.assert_array_equal(model.kernel_matrix_, expected)
        kernels = NodeKernels(model.graph_.affinity_)
        assert model.param_ == kernels.raw_param(name, 0.4)
        np.testing.assert_allclose(model.spectral_radius_, kernels.spectral_radius)
    assert connected(kernel="commute").fit(X).param_ is None


def test_new_rows_are_means_of_their_neighbors(moons):
    X, X_new = moons
    model = connected(kernel="heat").fit(X)
    P = shares(model, X_new)
    np.testing.assert_allclose(
        model.transform(X_new), P @ model.kernel_matrix_, rtol=1e-12
    )


def test_linear_models_of_the_kernel_are_extended_harmonically(moons):
    X, X_new = moons
    y = np.sin(X[:, 0])
    model = make_pipeline(connected(kernel="heat"), KernelRidge(kernel="precomputed"))
    model.fit(X, y)
    mean = shares(model[0], X_new) @ model.predict(X)
    np.testing.assert_allclose(model.predict(X_new), mean, rtol=1e-10)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_new_rows_lie_in_feature_space(options, moons):
    X, X_new = moons
    model = connected(**options).fit(X)
    K = node_kernel(model.graph_.affinity_, options["kernel"])
    # The kernel of all rows, new and old.
    P = np.vstack([np.eye(len(X)), shares(model, X_new)])
    n = len(X)
    if options.get("center"):
        H = np.eye(n) - 1 / n
        K = H @ K @ H
    K = P @ K @ P.T
    if options.get("normalize"):
        root = np.sqrt(np.diag(K))
        K = K / root[:, None] / root[None, :]
    if options.get("output") == "distance":
        rooted = options["kernel"] == "communicability"
        K = kernel_to_distance(K, squared=not rooted)
    atol = 1e-12 * abs(K).max()
    np.testing.assert_allclose(model.kernel_matrix_, K[:n, :n], rtol=1e-9, atol=atol)
    # The root makes rounding errors large where distances are zero.
    if options.get("output") == "distance":
        atol = 1e-7 * abs(K).max()
    np.testing.assert_allclose(model.transform(X_new), K[n:, :n], rtol=1e-7, atol=atol)


def test_distances_are_those_of_points(moons):
    X, _ = moons
    for name, power in (("heat", 2), ("communicability", 1)):
        K = connected(kernel=name).fit_transform(X)
        D = connected(kernel=name, output="distance").fit_transform(X)
        expected = squareform(pdist(points_of(K))) ** power / np.sqrt(2) ** power
        np.testing.assert_allclose(D, expected, atol=1e-6 * D.max())


def test_centering_is_that_of_scikit_learn(moons):
    X, X_new = moons
    plain = connected(kernel="heat").fit(X)
    centered = connected(kernel="heat", center=True).fit(X)
    peer = KernelCenterer().fit(plain.kernel_matrix_)
    for ours, theirs in (
        (centered.kernel_matrix_, peer.transform(plain.kernel_matrix_)),
        (centered.transform(X_new), peer.transform(plain.transform(X_new))),
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)


def test_rows_without_neighbors(moons):
    W = NeighborsGraph(connectivity="mst").fit(moons[0]).affinity_
    nothing = sparse.csr_array((1, W.shape[0]))
    for options in ({}, {"center": True}, {"normalize": True}):
        model = GraphKernel("heat", "precomputed", **options).fit(W)
        np.testing.assert_array_equal(model.transform(nothing), 0)
    # The distance to the mean of all rows.
    model = GraphKernel("heat", "precomputed", output="distance", center=True).fit(W)
    K = GraphKernel("heat", "precomputed", center=True).fit_transform(W)
    np.testing.assert_allclose(model.transform(nothing)[0], np.diag(K) / 2)


def test_normalize_needs_a_positive_diagonal(moons):
    with pytest.raises(ValueError, match="normalize=True divides by the roots"):
        connected(kernel="log_heat", normalize=True).fit(moons[0])


def test_too_large_a_katz_parameter(moons):
    model = connected(kernel="katz", param=10.0, param_scale="raw")
    with pytest.raises(ValueError, match="1 / spectral_radius"):
        model.fit(moons[0])
    assert not hasattr(model, "graph_")


def test_tags_follow_the_graph():
    assert not get_tags(GraphKernel()).input_tags.pairwise
    assert not get_tags(GraphKernel(graph=NeighborsGraph())).input_tags.pairwise
    assert get_tags(GraphKernel(graph="precomputed")).input_tags.pairwise
    distances = NeighborsGraph(metric="precomputed")
    assert get_tags(GraphKernel(graph=distances)).input_tags.pairwise


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_dtypes_are_kept(dtype, options, moons):
    X, X_new = (x.astype(dtype) for x in moons)
    model = connected(**options).fit(X)
    assert model.kernel_matrix_.dtype == dtype
    assert model.transform(X_new).dtype == dtype


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600], y[:600]


@pytest.mark.parametrize(
    "predictor",
    [
        SVC(kernel="precomputed"),
        make_pipeline(KernelPCA(20, kernel="precomputed"), SVC()),
    ],
    ids=["svc", "kernel-pca"],
)
def test_digits_are_read_in_a_pipeline(predictor, digits):
    X, y = digits
    graph = NeighborsGraph(connectivity="mst")
    model = make_pipeline(GraphKernel("heat", graph, param=0.6), clone(predictor))
    model.fit(X[:400], y[:400])
    # The last digits are of other writers.
    rbf = SVC().fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > rbf.score(X[400:], y[400:])


def test_kernel_ridge_on_digits(digits):
    X, y = digits
    model = make_pipeline(
        GraphKernel("forest", param=0.9), KernelRidge(0.1, kernel="precomputed")
    )
    model.fit(X[:400], (y[:400] == 0).astype(float))
    predicted = model.predict(X[400:]) > 0.5
    assert np.mean(predicted == (y[400:] == 0)) > 0.98


def test_searches_over_kernels_and_parameters(digits):
    X, y = digits
    graph = NeighborsGraph(connectivity="mst")
    model = make_pipeline(GraphKernel(graph=graph), SVC(kernel="precomputed"))
    grid = {
        "graphkernel__kernel": ["heat", "log_forest", "commute"],
        "graphkernel__param": [0.3, 0.8],
        "graphkernel__graph__n_neighbors": [6],
    }
    search = GridSearchCV(model, grid, cv=3).fit(X[:300], y[:300])
    assert search.best_score_ > 0.9
    assert search.score(X[300:], y[300:]) > 0.84


def test_searches_over_precomputed_graphs(digits):
    X, y = digits
    # A dense graph stays in one piece when folds are cut out of it.
    W = KernelGraph(gamma=1e-3).fit(X[:300]).affinity_
    model = make_pipeline(GraphKernel(graph="precomputed"), SVC(kernel="precomputed"))
    assert get_tags(model).input_tags.pairwise
    grid = {"graphkernel__kernel": ["heat", "katz"], "graphkernel__param": [0.3, 0.8]}
    for affinity in (W, W.toarray()):
        search = GridSearchCV(model, grid, cv=3).fit(affinity, y[:300])
        assert search.best_score_ > 0.85
    assert search.best_estimator_.n_features_in_ == 300


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_arrays_of_other_libraries_stay_and_agree(options, moons, namespace):
    xp, device = namespace
    X, X_new = moons
    # Denser, since trees between components are built on the host only.
    model = GraphKernel(graph=NeighborsGraph(20), **options)
    host = clone(model).fit(X)
    ours = clone(model).fit(xp.asarray(X, device=device))
    new = ours.transform(xp.asarray(X_new, device=device))
    for array, expected in (
        (ours.kernel_matrix_, host.kernel_matrix_),
        (new, host.transform(X_new)),
    ):
        assert isinstance(array, type(xp.asarray(0.0)))
        scale = abs(expected).max()
        np.testing.assert_allclose(
            to_numpy(array), expected, rtol=1e-6, atol=2e-6 * scale
        )
    again = ours.transform(xp.asarray(X[:5], device=device))
    np.testing.assert_array_equal(to_numpy(again), to_numpy(ours.kernel_matrix_)[:5])
