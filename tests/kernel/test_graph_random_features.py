"""Graph random features: series, exact cases, statistics, new rows, failures."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import expm
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.graph import NeighborsGraph, RadiusGraph
from sklearn_manifold_reg.kernel import GraphRandomFeatures
from sklearn_manifold_reg.kernel._walk_series import (
    binomial_series,
    cosine_series,
    exponential_series,
    new_row_modulation,
    walk_series,
)

COUPLINGS = ["iid", "antithetic", "repelling", "reinforced"]
DEFAULTS = {"order": 2.0, "sigma2": 1.0, "tau": 1.0, "modulation": None, "alpha": None}
ALPHA = np.array([2.0, 1.0, 0.5, 0.2])


def series(kernel, n_terms=80, **given):
    return walk_series(kernel, n_terms, **{**DEFAULTS, **given})


def adjacency(n, edges):
    W = np.zeros((n, n))
    edges = np.asarray(edges)
    W[edges[:, 0], edges[:, 1]] = W[edges[:, 1], edges[:, 0]] = 1
    return W


def karate(shared_data):
    data = shared_data("karate")
    return adjacency(int(data["n_nodes"]), data["edges"])


def binary_tree(n=127):
    children = np.arange(1, n)
    return adjacency(n, np.column_stack([(children - 1) // 2, children]))


def ladder(n=100):
    left = np.arange(n // 2)
    rungs = np.column_stack([left, left + n // 2])
    rails = np.column_stack([left[:-1], left[1:]])
    return adjacency(n, np.concatenate([rungs, rails, rails + n // 2]))


def weighted_graph(n=14, seed=0):
    rng = np.random.default_rng(seed)
    W = np.triu(rng.random((n, n)) < 0.4, 1) * (rng.random((n, n)) + 0.1)
    return W + W.T


def normalized(W):
    roots = np.sqrt(W.sum(axis=1))
    return W / np.where(roots > 0, roots, 1) / np.where(roots > 0, roots, 1)[:, None]


def laplacian_of(W):
    linked = W.sum(axis=1) > 0
    return np.diag(linked.astype(float)) - normalized(W)


def regularized(W, sigma2, order=2):
    n = len(W)
    K = np.linalg.inv(np.eye(n) + sigma2 * laplacian_of(W))
    return np.linalg.matrix_power(K, order)


def fit(W, seed=0, **params):
    params = {"graph": "precomputed", "random_state": seed, **params}
    return GraphRandomFeatures(**params).fit(W)


def mean_error(W, K, n_runs, **params):
    runs = [fit(W, seed, **params).kernel_approximation() for seed in range(n_runs)]
    return np.mean([np.linalg.norm(K - run) / np.linalg.norm(K) for run in runs])


def assert_unbiased(runs, exact):
    """The mean lies within 4.5 standard errors of what it estimates.

    Single entries may owe their value to events that are rare in all runs, and their
    errors are then not known; so all are mixed by random rotations first.
    """
    deviations = np.array(runs) - exact
    for axis, size in enumerate(deviations.shape[1:], start=1):
        turn = np.linalg.qr(np.random.default_rng(axis).normal(size=(size, size)))[0]
        deviations = np.moveaxis(np.tensordot(deviations, turn, (axis, 0)), -1, axis)
    errors = deviations.std(axis=0) / np.sqrt(len(runs))
    assert np.all(np.abs(deviations.mean(axis=0)) < 4.5 * errors)


# -------------------------------------------------------------------------- series


@pytest.mark.parametrize("order", [1, 2, 3, 0.5, 2.7])
def test_roots_convolve_to_their_series(order):
    n = 80
    c = 0.6 / 1.6
    kernels = {
        "regularized_laplacian": (1 - c) ** order * binomial_series(-order, n, -1.0),
        "p_step": binomial_series(order, n),
        "diffusion": np.exp(-order) * exponential_series(order, n),
        "cosine": cosine_series(n),
    }
    for kernel, alpha in kernels.items():
        f = series(kernel, n, order=order, sigma2=0.6, tau=order).modulation
        # Terms that do not matter are left out of f.
        squared = np.convolve(f, f)[: len(f)]
        assert_allclose(squared, alpha[: len(f)], rtol=1e-12, atol=1e-12)
    f = series("custom", n, alpha=ALPHA).modulation
    padded = np.concatenate([ALPHA, np.zeros(n)])
    assert_allclose(np.convolve(f, f)[: len(f)], padded[: len(f)], atol=1e-12)


def test_closed_forms_of_roots():
    f = series("regularized_laplacian", 30, order=2).modulation
    assert_allclose(f, np.full(30, 0.5))
    f = series("regularized_laplacian", 30, order=1).modulation
    # (2t - 1)!! / (2t)!!
    t = np.arange(1, 30)
    assert_allclose(f, 0.5**0.5 * np.cumprod(np.append(1.0, (2 * t - 1) / (2 * t))))
    f = series("p_step", 30, order=4).modulation
    assert_allclose(f, [1, 2, 1])


@pytest.mark.parametrize(
    ("kernel", "given", "function"),
    [
        ("regularized_laplacian", {"order": 3.5}, lambda x: (1 + 0.6 * x) ** -3.5),
        ("diffusion", {"tau": 2.0}, lambda x: np.exp(-2 * x)),
        ("p_step", {"order": 3}, lambda x: (1 + 0.375 * (1 - x)) ** 3),
        ("cosine", {}, lambda x: np.cos(np.pi / 4 * x)),
        ("custom", {"modulation": [1, 0.5]}, lambda x: (1 + 0.1875 * (1 - x)) ** 2),
        ("custom", {"modulation": lambda t: 0.5**t},
         lambda x: (1 - 0.1875 * (1 - x)) ** -2.0),
    ],
)  # fmt: skip
def test_squares_of_roots_are_the_kernels(kernel, given, function):
    """On the spectrum of the Laplacian, but for the end that converges last."""
    found = series(kernel, 400, sigma2=0.6, **given)
    x = np.linspace(0, 1.9, 20)
    roots = np.polynomial.polynomial.polyval(1 - x, found.steps)
    assert_allclose(roots**2, function(x), atol=1e-4 if kernel == "cosine" else 1e-12)
    assert_allclose(found.at_zero**2, function(0.0))


@pytest.mark.parametrize("kernel", ["regularized_laplacian", "p_step", "cosine"])
def test_modulation_of_new_rows(kernel):
    """g * f is f * f, without the terms that lead to a new row."""
    f = series(kernel, 60, order=3).modulation
    g = new_row_modulation(f, 60)
    product, squared = (np.convolve(h, f)[: len(f)] for h in (g, f))
    assert g[0] == 0
    assert_allclose(product[1:], squared[1:], atol=1e-12)
    # Of a polynomial it is a series without end: here 2 z - z² + z³ - ...
    g = new_row_modulation(np.array([1.0, 1.0]), 5)
    assert_allclose(g, [0, 2, -1, 1, -1])


# --------------------------------------------------------------------- exact cases


def test_repelling_walks_give_the_exact_p_step_kernel():
    """(I + U)² has a root of one step: four walks take each way on a circle once."""
    n = 9
    W = adjacency(n, np.column_stack([np.arange(n), (np.arange(n) + 1) % n]))
    model = fit(
        W, kernel="p_step", order=2, coupling="repelling", n_walks=4, p_halt=1e-9
    )
    U = 0.5 * normalized(W)
    exact = np.linalg.matrix_power(np.eye(n) + U, 2)
    assert_allclose(model.kernel_approximation(), exact, atol=1e-8)
    assert model.U_scale_ == 0.5
    assert_array_equal(model.modulation_, [1, 1])


@pytest.mark.parametrize(
    ("params", "value"),
    [
        ({}, 1.0),
        ({"kernel": "diffusion", "tau": 3.0}, 1.0),
        ({"kernel": "p_step", "order": 3, "sigma2": 0.5}, (4 / 3) ** 3),
        ({"kernel": "cosine", "p_halt": 1e-2, "max_steps": 5}, 1.0),
    ],
)
@pytest.mark.filterwarnings("ignore:The graph of:UserWarning")
@pytest.mark.filterwarnings("ignore:max_steps=:UserWarning")
def test_nodes_without_edges(params, value):
    W = weighted_graph()
    W[4] = W[:, 4] = 0
    K = fit(W, **params).kernel_approximation()
    assert_allclose(K[4], value * (np.arange(14) == 4))


@pytest.mark.filterwarnings("ignore:The graph of:UserWarning")
def test_components_are_orthogonal():
    W = np.zeros((20, 20))
    W[:12, :12], W[12:, 12:] = weighted_graph(12), weighted_graph(8, seed=1)
    K = fit(W).kernel_approximation()
    assert not K[:12, 12:].any()


def test_products_and_entries_of_the_kernel():
    X = np.random.default_rng(0).normal(size=(60, 3))
    x = np.random.default_rng(1).normal(size=(60, 2))
    for params in ({}, {"n_copies": 2}, {"projection": 7}, {"anchors": 20}):
        model = GraphRandomFeatures(random_state=0, **params).fit(X)
        K = model.kernel_approximation()
        assert_allclose(model.kernel_matvec(x), K @ x, atol=1e-12)
        assert_allclose(model.kernel_matvec(x[:, 0]), K @ x[:, 0], atol=1e-12)
        part = model.kernel_approximation([3, 5], [7, 3, 3])
        assert_allclose(part, K[[3, 5]][:, [7, 3, 3]], atol=1e-14)


def test_first_copy_is_the_same_with_and_without_a_second():
    W = weighted_graph()
    one, two = fit(W), fit(W, n_copies=2)
    assert (one.features_ != two.features_).nnz == 0
    assert (two.features_ != two.features_second_).nnz > 0
    assert two.n_steps_ > one.n_steps_


def test_all_anchors_change_nothing():
    W = weighted_graph()
    assert (fit(W, anchors=14).features_ != fit(W).features_).nnz == 0


@pytest.mark.parametrize("max_steps", [1, 4])
@pytest.mark.parametrize(
    "params",
    [
        {"order": 1},
        {"order": 2, "sigma2": 5.0},
        {"kernel": "diffusion", "tau": 4.0},
        {"kernel": "p_step", "order": 5},
        {"kernel": "cosine"},
    ],
)
def test_bound_of_the_truncation(params, max_steps):
    """The kernel of the first terms of the root is as near as the warning says."""
    W = weighted_graph()
    with pytest.warns(UserWarning, match=f"max_steps={max_steps} cuts off") as record:
        model = fit(W, max_steps=max_steps, **params)
    # Two digits are printed.
    bound = 1.06 * float(str(record[0].message).split("by up to ")[1].split()[0])
    A, L = normalized(W), laplacian_of(W)
    c, s = model.U_scale_, model.sigma2
    exact = {
        "regularized_laplacian": lambda: regularized(W, s, model.order),
        "diffusion": lambda: expm(-model.tau * L),
        "p_step": lambda: np.linalg.matrix_power(np.eye(14) + c * A, model.order),
        "cosine": lambda: (expm(0.25j * np.pi * L)).real,
    }[model.kernel]()
    powers = [np.linalg.matrix_power(c * A, t) for t in range(max_steps + 1)]
    root = np.tensordot(model.modulation_, powers, axes=1)
    error = np.linalg.norm(root @ root - exact, 2)
    assert 0.01 * bound < error < bound


def test_no_warning_where_nothing_is_cut_off():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(weighted_graph(), kernel="p_step", order=4, max_steps=2)
        fit(weighted_graph(), max_steps=5000)


# ---------------------------------------------------------------------- statistics


@pytest.mark.statistical
@pytest.mark.slow
def test_two_copies_are_unbiased_and_one_is_too_large_on_the_diagonal(shared_data):
    W = karate(shared_data)
    K = regularized(W, 0.25)
    params = {"sigma2": 0.25, "n_walks": 4}
    runs = [fit(W, s, n_copies=2, **params) for s in range(300)]
    both = np.array([run.kernel_approximation() for run in runs])
    assert_unbiased(both, K)
    bias = np.linalg.norm(both.mean(axis=0) - K) / np.linalg.norm(K)
    errors = np.linalg.norm(both.std(axis=0)) / np.sqrt(300) / np.linalg.norm(K)
    # 0.008 is the figure of an independent implementation.
    assert bias < 3 * errors < 0.04
    assert 0.5 * 0.008 < bias < 2 * 0.008
    single = np.array([(run.features_ @ run.features_.T).toarray() for run in runs])
    off = ~np.eye(34, dtype=bool)
    assert_unbiased(single[:, off], K[off])
    excess = np.diagonal(single.mean(axis=0) - K)
    # The variance of the features: E |phi|² = |E phi|² + sum of variances.
    features = np.array([run.features_.toarray() for run in runs])
    assert_allclose(excess.mean(), features.var(axis=0).sum(axis=1).mean(), rtol=0.1)
    assert np.all(excess > 0)


@pytest.mark.statistical
@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize(
    ("params", "function"),
    [
        ({"order": 1}, lambda W: regularized(W, 1.0, 1)),
        ({"kernel": "diffusion"}, lambda W: expm(-laplacian_of(W))),
    ],
)
def test_kernels_are_unbiased(coupling, params, function):
    W = weighted_graph()
    runs = [
        fit(W, s, n_copies=2, n_walks=4, coupling=coupling, **params)
        for s in range(200)
    ]
    assert_unbiased([run.kernel_approximation() for run in runs], function(W))


@pytest.mark.statistical
@pytest.mark.parametrize("side", [{"anchors": 6}, {"projection": 6}])
def test_fewer_columns_are_unbiased(side):
    W = weighted_graph()
    runs = [fit(W, s, n_copies=2, **side) for s in range(300)]
    assert_unbiased([r.kernel_approximation() for r in runs], regularized(W, 1.0))
    assert runs[0].features_.shape == (14, 6)


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize(
    ("graph", "params", "expected"),
    [
        ("karate", {"p_halt": 0.5}, [0.296, 0.205, 0.143, 0.073]),
        ("karate", {"p_halt": 0.5, "n_copies": 2}, [0.281, 0.198, 0.139, 0.070]),
        ("karate", {"p_halt": 0.5, "n_copies": 2, "coupling": "antithetic"},
         [0.263, 0.188, 0.132, 0.066]),
        ("karate", {"p_halt": 0.1}, [0.205, 0.139, 0.097, 0.050]),
        ("tree", {"p_halt": 0.5, "n_copies": 2}, [0.274, 0.189, 0.131, 0.066]),
        ("tree", {"p_halt": 0.5, "n_copies": 2, "coupling": "antithetic"},
         [0.220, 0.155, 0.109, 0.055]),
        ("ladder", {"p_halt": 0.5, "n_copies": 2}, [0.284, 0.194, 0.137, 0.069]),
        ("ladder", {"p_halt": 0.5, "n_copies": 2, "coupling": "antithetic"},
         [0.243, 0.168, 0.120, 0.059]),
    ],
)  # fmt: skip
def test_errors_of_an_independent_implementation(graph, params, expected, shared_data):
    """Within 7 %; means of 100 errors have a standard error of about 1.5 %."""
    W = {"tree": binary_tree, "ladder": ladder}.get(
        graph, lambda: karate(shared_data)
    )()
    K = regularized(W, 0.25)
    counts = [2, 4, 8, 32]
    errors = [
        mean_error(W, K, 100 if m < 8 else 40, sigma2=0.25, n_walks=m, **params)
        for m in counts
    ]
    assert_allclose(errors, expected, rtol=0.07)
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(slope + 0.5) < 0.05


@pytest.mark.statistical
def test_solve():
    """Errors are as large as claimed, and the claims fall with the number of walks."""
    W = weighted_graph()
    b = np.random.default_rng(0).normal(size=(14, 2))
    exact = 2 * np.linalg.solve(np.eye(14) + laplacian_of(W), b)
    runs = [fit(W, s, n_walks=50).solve(b) for s in range(100)]
    assert_unbiased([r.values for r in runs], exact)
    scores = np.array([(r.values - exact) / r.standard_errors for r in runs])
    # Root of a mean of 2800 squares, of which 14 rows of each run are independent.
    assert abs(np.sqrt(np.mean(scores**2)) - 1) < 0.1
    few, many = (
        fit(W, 0, n_walks=m).solve(b[:, 0]).standard_errors.mean() for m in (100, 6400)
    )
    assert_allclose(few / many, 8, rtol=0.2)


@pytest.mark.statistical
@pytest.mark.slow
def test_kmeans_of_features_is_as_good_as_of_the_kernel():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 100)
    share = np.where(truth[:, None] == truth, 0.2, 0.02)
    W = np.triu(rng.random((400, 400)) < share, 1).astype(float)
    W = W + W.T
    K = regularized(W, 4.0)
    values, vectors = np.linalg.eigh(K)
    exact = vectors * np.sqrt(values)

    def score(embedding):
        means = KMeans(4, n_init=10, random_state=0).fit(embedding)
        return adjusted_rand_score(truth, means.labels_)

    reference = score(exact)
    found = [
        score(fit(W, s, sigma2=4.0, n_walks=64).features_.toarray()) for s in range(3)
    ]
    assert np.mean(found) > reference - 0.03


# ------------------------------------------------------------------------ new rows


@pytest.mark.statistical
@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("kernel", ["regularized_laplacian", "diffusion", "p_step"])
def test_products_of_new_and_training_rows_are_unbiased(coupling, kernel):
    """They are entries of the kernel of the graph with edges from the new row."""
    W = weighted_graph()
    new = np.array([[0, 1.0, 0, 0, 0.3, 0, 2.0, 0, 0, 0, 0, 0, 0, 0]])
    model = fit(W, kernel=kernel, coupling=coupling)
    c, f = model.U_scale_, model.modulation_
    step = new / np.sqrt(new.sum()) / np.sqrt(W.sum(axis=1))
    A = normalized(W)
    alpha = np.convolve(f, f)
    powers = [np.linalg.matrix_power(c * A, t) for t in range(len(alpha) - 1)]
    exact = c * step @ np.tensordot(alpha[1:], powers, axes=1)
    runs = []
    for seed in range(200):
        model = fit(W, seed, kernel=kernel, coupling=coupling)
        runs.append((model.transform(new) @ model.features_.T).toarray())
    assert_unbiased(runs, exact)


@pytest.mark.parametrize("params", [{}, {"projection": 5}, {"anchors": 30}])
@pytest.mark.parametrize("builder", [NeighborsGraph(), RadiusGraph(1.5)])
def test_training_rows_keep_their_features(builder, params):
    X = np.random.default_rng(0).normal(size=(80, 3))
    X = X[np.linalg.norm(X, axis=1) < 2]
    model = GraphRandomFeatures(graph=builder, random_state=0, **params).fit(X)
    mixed = np.concatenate([X[[7]], X[[5]] + 1e-3, X[[3]]])
    found, fitted = model.transform(mixed), model.features_
    if sparse.issparse(found):
        found, fitted = found.toarray(), fitted.toarray()
    assert_array_equal(found[[0, 2]], fitted[[7, 3]])
    assert found[1].any()


def test_new_rows_without_neighbors_have_no_features():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = GraphRandomFeatures(
        graph=RadiusGraph(1.5, connectivity="mst"), random_state=0
    ).fit(X)
    assert model.transform([[100.0, 100.0]]).nnz == 0


@pytest.mark.filterwarnings("ignore:The features have an infinite:UserWarning")
def test_kernels_without_a_series_for_new_rows():
    W = weighted_graph()
    model = fit(W, kernel="custom", modulation=[1.0, 3.0])
    with pytest.raises(ValueError, match="no series for new rows"):
        model.transform(W[:2])


# -------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype):
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(dtype)
    for params in ({}, {"projection": 5}, {"anchors": 5}):
        model = GraphRandomFeatures(random_state=0, n_copies=2, **params)
        assert model.fit_transform(X).dtype == dtype
        assert model.features_second_.dtype == dtype
        assert model.transform(X[:3] + dtype(0.01)).dtype == dtype


def test_sparse_and_dense_affinities_agree():
    W = weighted_graph()
    a, b = fit(W), fit(sparse.csr_array(W))
    assert (a.features_ != b.features_).nnz == 0


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_threads_do_not_matter(coupling):
    X = np.random.default_rng(0).normal(size=(3000, 3))
    model = GraphRandomFeatures(coupling=coupling, random_state=0, n_jobs=1).fit(X)
    other = clone(model).set_params(n_jobs=2).fit(X)
    assert (model.features_ != other.features_).nnz == 0
    new = X[:50] + 0.01
    assert (model.transform(new) != other.transform(new)).nnz == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kernel": "custom"}, "either modulation or alpha"),
        ({"alpha": [1.0, 0.5]}, "either modulation or alpha"),
        (
            {"kernel": "custom", "alpha": [1.0], "modulation": [1.0]},
            "either modulation",
        ),
        ({"anchors": 3, "projection": 3}, "two ways to fewer columns"),
        ({"n_walks": 5, "coupling": "antithetic"}, "n_walks=5 is odd"),
        ({"sigma2": 1e20}, "spectral radius of U 1"),
        ({"kernel": "custom", "alpha": [0.0, 1.0]}, r"alpha\[0\]=0 is not positive"),
        ({"kernel": "custom", "alpha": [1.0, 10.0]}, "diverges on the spectrum"),
        (
            {"kernel": "custom", "modulation": lambda t: 3.0**t},
            "diverges on the spectr",
        ),
        ({"kernel": "custom", "modulation": [[1.0]]}, "modulation holds the coeffici"),
        ({"kernel": "cosine", "p_halt": 1e-4}, "set max_steps"),
        ({"p_halt": 1.0}, "The 'p_halt' parameter"),
        ({"order": 0}, "The 'order' parameter"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        fit(weighted_graph(), **params)


def test_warning_of_infinite_variance():
    W = weighted_graph()
    with pytest.warns(UserWarning, match="Choose p_halt below 0.17,"):
        fit(W, sigma2=10.0, p_halt=0.3)
    with pytest.warns(UserWarning, match="Choose max_steps,"):
        fit(W, kernel="cosine")
    hub = np.zeros((14, 14))
    hub[0, 1:] = hub[1:, 0] = np.geomspace(1, 1e4, 13)
    fit(hub, sigma2=3.0)
    with pytest.warns(UserWarning, match='transition="weighted"'):
        fit(hub, sigma2=3.0, transition="uniform")


@pytest.mark.filterwarnings("ignore:The features have an infinite:UserWarning")
def test_wrong_arguments():
    model = fit(weighted_graph())
    with pytest.raises(ValueError, match="x has a row for each of the 14"):
        model.kernel_matvec(np.ones(3))
    with pytest.raises(ValueError, match="B has a row for each of the 14"):
        model.solve(np.ones(3))
    with pytest.raises(ValueError, match="I - U is singular for kernel='diffusion'"):
        fit(weighted_graph(), kernel="diffusion").solve(np.ones(14))


def test_large_kernels_are_refused(monkeypatch):
    from sklearn_manifold_reg.kernel import _graph_random_features

    monkeypatch.setattr(_graph_random_features, "_LARGEST_KERNEL", 100)
    model = fit(weighted_graph())
    with pytest.raises(ValueError, match="196 entries, more than 100"):
        model.kernel_approximation()
    assert model.kernel_approximation([0]).shape == (1, 14)


def test_arrays_on_a_device_are_refused(namespace):
    xp, device = namespace
    X = np.random.RandomState(0).normal(size=(30, 3))
    with pytest.raises(ValueError, match="walks on the host: pass NumPy arrays"):
        GraphRandomFeatures().fit(xp.asarray(X, device=device))
