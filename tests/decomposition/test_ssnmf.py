"""Structured sparse factorizations: certificates, limits, new rows, real scenes."""

import warnings

import numpy as np
import pytest
from scipy import optimize
from sklearn.cluster import KMeans
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import normalized_mutual_info_score

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.decomposition import (
    SSNMF,
    GraphRegularizedNMF,
    fully_constrained_least_squares,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._equal_rows import equal_rows
from sklearn_manifold_reg.graph import (
    ImageGraph,
    KernelGraph,
    NeighborsGraph,
    PrecomputedGraph,
)

SHAPE = (9, 8)
N, P, K = 72, 12, 3
GRAPH = ImageGraph(shape=SHAPE)


def mixtures(seed=0, noise=0.02):
    """Pixels of smooth mixtures of three spectra, of about norm one."""
    rng = np.random.default_rng(seed)
    spectra = rng.random((K, P)) ** 2
    rows, columns = np.indices(SHAPE).reshape(2, -1)
    waves = np.column_stack([rows / 8, columns / 7, 0.4 + 0 * rows]) ** 3
    A = waves / waves.sum(axis=1, keepdims=True)
    X = A @ spectra + noise * rng.random((N, P))
    return X / np.linalg.norm(X, axis=1).mean()


X = mixtures()
START = X[[0, 7, 64]]
SETTINGS = {
    "default": {},
    "step by step": {"accelerate": False},
    "soft": {"sum_to_one": "soft", "scaling": "none"},
    "simplex": {"sum_to_one": "simplex", "scaling": "none", "alpha": 0.0},
    "plain": {"alpha": 0.0, "graph_alpha": 0.0, "scaling": "none"},
    "mu": {"solver": "mu", "sum_to_one": "soft", "scaling": "none"},
}


def fitted(X=X, **parameters):
    defaults = {"graph": GRAPH, "init": START, "max_iter": 5000}
    return SSNMF(K, **defaults | parameters).fit(X)


def frozen(affinity):
    return FrozenEstimator(PrecomputedGraph().fit(affinity))


def dense_objective(model, X=X):
    W, H = model.abundances_, model.components_
    value = 0.5 * np.sum((X - W @ H) ** 2)
    if model.graph_alpha:
        S = model.graph_.affinity_.toarray()
        gaps = ((W[:, None, :] - W[None, :, :]) ** 2).sum(axis=2)
        value += 0.25 * model.graph_alpha * np.sum(S * gaps)
    if model.sum_to_one != "simplex":
        value += model.alpha * W.sum()
    if model.sum_to_one == "soft":
        value += 0.5 * model.sum_to_one_weight * np.sum((W.sum(axis=1) - 1) ** 2)
    return value


@pytest.mark.parametrize("name", SETTINGS)
def test_the_objective_falls_and_is_what_it_says(name, compiled):
    settings = {"max_iter": 40, "tol": 0.0, **SETTINGS[name]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = fitted(**settings)
    history = model.objective_history_
    assert np.all(np.diff(history) <= 1e-9 * history[0])
    assert history[-1] < history[0]
    assert len(history) == model.n_iter_ + 1
    np.testing.assert_allclose(model.objective_, dense_objective(model), rtol=1e-9)
    residual = X - model.abundances_ @ model.components_
    np.testing.assert_allclose(model.reconstruction_err_, np.linalg.norm(residual))


@pytest.mark.parametrize("name", ["default", "step by step", "soft", "simplex"])
def test_it_ends_at_a_stationary_point(name):
    model = fitted(tol=1e-11, **SETTINGS[name])
    assert model.projected_gradient_norm_ < 1e-5
    W, H = model.abundances_, model.components_
    assert min(W.min(), H.min()) >= 0
    if model.scaling == "unit_norm":
        np.testing.assert_allclose(np.linalg.norm(H, axis=1), 1)
    if name == "simplex":
        np.testing.assert_allclose(W.sum(axis=1), 1)
    # Moves within the constraints raise the objective, but for the curvature.
    rng = np.random.default_rng(0)
    least = dense_objective(model)
    for _ in range(50):
        W_new = np.maximum(W + 1e-4 * rng.normal(size=W.shape), 0)
        H_new = np.maximum(H + 1e-4 * rng.normal(size=H.shape), 0)
        if model.scaling == "unit_norm":
            H_new /= np.linalg.norm(H_new, axis=1, keepdims=True)
        if name == "simplex":
            W_new /= W_new.sum(axis=1, keepdims=True)
        model.abundances_, model.components_ = W_new, H_new
        assert dense_objective(model) > least


def test_multiplicative_updates_rest_where_descent_ends():
    settings = {**SETTINGS["soft"], "tol": 1e-12}
    model = fitted(**settings)
    with pytest.warns(ConvergenceWarning):
        slow = fitted(**settings | {"solver": "mu", "max_iter": 3000})
    assert slow.objective_ >= model.objective_ * (1 - 1e-3)
    with pytest.warns(ConvergenceWarning):
        again = fitted(
            **settings | {"solver": "mu", "init": model.components_, "max_iter": 300}
        )
    np.testing.assert_allclose(again.objective_, model.objective_, rtol=1e-4)


def test_without_penalties_it_is_plain_factorization():
    model = fitted(**SETTINGS["plain"], tol=1e-9)
    first = fitted(**SETTINGS["plain"], tol=1e9)
    W = first.transform(X)
    peer = NMF(K, init="custom", solver="cd", tol=1e-7, max_iter=5000)
    W = peer.fit_transform(X, W=W.copy(), H=START.copy())
    expected = 0.5 * np.sum((X - W @ peer.components_) ** 2)
    np.testing.assert_allclose(model.objective_, expected, rtol=0.01)
    assert model.graph_ is None


def test_a_graph_without_edges_is_no_graph():
    with pytest.warns(UserWarning, match="connected components"):
        empty = frozen(np.zeros((N, N)))
    alone, none = fitted(graph=empty, graph_alpha=7.0), fitted(graph_alpha=0.0)
    np.testing.assert_allclose(alone.abundances_, none.abundances_, atol=1e-12)
    np.testing.assert_allclose(alone.components_, none.components_, atol=1e-12)


def test_a_heavy_graph_makes_rows_equal():
    W = fitted(graph=KernelGraph(), graph_alpha=1e8, max_iter=500).abundances_
    assert np.ptp(W, axis=0).max() <= 1e-3 * W.max()


def test_more_of_the_graph_is_smoother_and_more_alpha_is_sparser():
    def roughness(model):
        L = np.diag(S.sum(axis=1)) - S
        return np.trace(model.abundances_.T @ L @ model.abundances_)

    S = GRAPH.fit(X).affinity_.toarray()
    rough = [roughness(fitted(graph_alpha=a)) for a in (0.0, 0.1, 1.0)]
    assert rough[0] > rough[1] > rough[2]
    zeros = [np.sum(fitted(alpha=a).abundances_ == 0) for a in (0.0, 0.03, 0.3)]
    assert zeros[0] < zeros[1] < zeros[2]


def test_units_of_the_data():
    """Abundances carry the unit; alpha has it too, graph_alpha has none."""
    model, larger = fitted(), fitted(1000 * X, alpha=30.0)
    np.testing.assert_allclose(larger.components_, model.components_, atol=1e-8)
    np.testing.assert_allclose(larger.abundances_, 1000 * model.abundances_, atol=1e-5)


def test_weights_from_the_data_go_by_size_noise_and_degrees():
    model = fitted(alpha="auto", graph_alpha="auto")
    size = np.sqrt(np.mean(np.sum(X**2, axis=1)))
    np.testing.assert_allclose(model.alpha_, 0.015 * size)
    degrees = model.graph_.affinity_.sum(axis=1)
    np.testing.assert_allclose(model.graph_alpha_ * degrees.mean(), 0.1)
    same = fitted(alpha=model.alpha_, graph_alpha=model.graph_alpha_)
    np.testing.assert_array_equal(same.abundances_, model.abundances_)
    Y = mixtures(seed=1)
    np.testing.assert_array_equal(same.transform(Y), model.transform(Y))

    larger = fitted(1000 * X, alpha="auto", graph_alpha="auto")
    np.testing.assert_allclose(larger.components_, model.components_, atol=1e-8)

    rng = np.random.default_rng(0)
    noisy = np.maximum(X + 0.05 * rng.standard_normal(X.shape), 0)
    values = np.linalg.svd(noisy, compute_uv=False)
    left = np.sqrt(np.sum(values[K:] ** 2) / ((N - K) * (P - K)))
    alpha = fitted(noisy, alpha="auto").alpha_
    np.testing.assert_allclose(alpha, left)
    # Entries cut off at zero have less noise.
    assert 0.03 < alpha < 0.05


def test_weights_from_the_data_where_nothing_is_linked_or_left():
    with pytest.warns(UserWarning, match="72 connected components"):
        empty = frozen(np.zeros((N, N)))
    assert fitted(graph=empty, graph_alpha="auto").graph_alpha_ == 0
    square = np.eye(3) + 0.1
    model = SSNMF(3, alpha="auto", graph_alpha=0.0, random_state=0).fit(square)
    np.testing.assert_allclose(model.alpha_, 0.015 * np.linalg.norm(square) / 3**0.5)
    assert fitted(**SETTINGS["simplex"] | {"alpha": "auto"}).alpha_ == 0


def test_order_of_pixels_does_not_matter_to_the_minimum():
    order = np.random.default_rng(0).permutation(N)
    S = GRAPH.fit(X).affinity_
    model = fitted(tol=1e-12)
    permuted = fitted(X[order], graph=frozen(S[order][:, order]), tol=1e-12)
    np.testing.assert_allclose(
        permuted.abundances_, model.abundances_[order], atol=1e-4
    )


def test_endmembers_that_no_row_uses_find_a_place():
    start = START.copy()
    start[1] = 0
    model = fitted(init=start)
    assert model.abundances_.max(axis=0).min() > 0.1
    np.testing.assert_allclose(np.linalg.norm(model.components_, axis=1), 1)
    history = model.objective_history_
    assert np.all(np.diff(history) <= 1e-9 * history[0])


def test_rows_of_zeros_have_no_abundances():
    dark = X.copy()
    dark[10:14] = 0
    model = fitted(dark, graph_alpha=0.0)
    assert np.all(model.abundances_[10:14] == 0)
    fractions = model.abundance_fractions(dark)
    np.testing.assert_allclose(fractions.sum(axis=1)[:10], 1)
    assert np.all(fractions[10:14] == 0)


def test_new_rows_are_solved_by_themselves():
    model = fitted(alpha=0.05)
    new = mixtures(seed=1)
    W, H = model.transform(new), model.components_
    for x, w in zip(new, W, strict=True):
        expected, _ = optimize.nnls(
            np.linalg.cholesky(H @ H.T).T,
            np.linalg.solve(np.linalg.cholesky(H @ H.T), H @ x - 0.05),
        )
        np.testing.assert_allclose(w, expected, atol=1e-8)
    np.testing.assert_allclose(model.transform(new[20:21]), W[20:21], atol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(W), W @ H)


def test_training_rows_keep_their_abundances():
    model = fitted(graph_alpha=1.0)
    new = mixtures(seed=1)
    both = np.concatenate([new[:5], X[::-1], new[5:6]])
    W = model.transform(both)
    np.testing.assert_array_equal(W[5:-1], model.abundances_[::-1])
    alone = model.transform(X + 1e-12)
    assert np.abs(alone - model.abundances_).max() > 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_rows_are_the_first_of_their_kind(dtype):
    rng = np.random.default_rng(0)
    table = rng.integers(3, size=(40, 3)).astype(dtype)
    queries = np.concatenate([table, table + dtype(0.5)])
    same = (queries[:, None, :] == table[None, :, :]).all(axis=2)
    expected = np.where(same.any(axis=1), same.argmax(axis=1), -1)
    np.testing.assert_array_equal(equal_rows(queries, table), expected)


def test_the_best_of_several_starts_is_taken():
    def objective(n_init):
        model = SSNMF(
            K, GRAPH, init="random", n_init=n_init, random_state=3, max_iter=1000
        )
        return model.fit(X)

    one, five = objective(1), objective(5)
    assert five.objective_ <= one.objective_
    assert len(set(five.component_indices_)) == K


def test_threads_do_not_change_a_bit(monkeypatch):
    from sklearn_manifold_reg.decomposition import _row_descent

    monkeypatch.setattr(_row_descent, "_SERIAL_WORK", 0)
    one, two = fitted(n_jobs=1), fitted(n_jobs=2)
    np.testing.assert_array_equal(one.abundances_, two.abundances_)
    np.testing.assert_array_equal(one.components_, two.components_)


@pytest.mark.parametrize("name", ["default", "soft", "simplex", "mu"])
def test_single_precision_stays(name):
    single = fitted(X.astype(np.float32), **SETTINGS[name])
    double = fitted(**SETTINGS[name])
    for attribute in ("components_", "abundances_"):
        assert getattr(single, attribute).dtype == np.float32
    assert single.transform(X).dtype == np.float32
    np.testing.assert_allclose(single.objective_, double.objective_, rtol=0.02)


def test_graph_regularized_is_the_case_without_sparsity():
    graph = NeighborsGraph(n_neighbors=6)
    parameters = {"graph_alpha": 2.0, "init": START, "max_iter": 2000}
    model = GraphRegularizedNMF(K, graph, **parameters).fit(X)
    expected = fitted(graph=graph, alpha=0.0, **parameters)
    np.testing.assert_array_equal(model.abundances_, expected.abundances_)


def test_multiplicative_updates_on_other_libraries(namespace):
    xp, device = namespace
    settings = {"solver": "mu", "max_iter": 30, "tol": 0.0, "random_state": 0}
    there = xp.asarray(X, device=device)
    for graph in (NeighborsGraph(n_neighbors=6), None):
        kind = {"graph": graph, "init": "random", **settings}
        if graph is None:
            kind["graph_alpha"] = 0.0
        with pytest.warns(ConvergenceWarning):
            model = SSNMF(K, **kind).fit(there)
        with pytest.warns(ConvergenceWarning):
            host = SSNMF(K, **kind).fit(X)
        assert type(model.abundances_) is type(there)
        np.testing.assert_allclose(
            to_numpy(model.abundances_), host.abundances_, atol=1e-8
        )
        new = mixtures(seed=1)
        W = model.transform(xp.asarray(new, device=device))
        np.testing.assert_allclose(to_numpy(W), host.transform(new), atol=1e-8)
        back = model.inverse_transform(W)
        np.testing.assert_allclose(to_numpy(back), to_numpy(W) @ host.components_)


class Watcher:
    """Remember the tasks that began, and stop at the third sweep."""

    def __init__(self):
        self.begun = []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name != "iteration" or fitted_estimator is None:
            return False
        return fitted_estimator.n_iter_ == 3

    def teardown(self, estimator, context):
        pass


def test_callbacks_see_each_sweep_and_may_stop():
    pytest.importorskip("sklearn.callback")
    watcher = Watcher()
    model = SSNMF(K, GRAPH, init=START).set_callbacks(watcher).fit(X)
    assert watcher.begun == ["fit", "graph", "factorize", *["iteration"] * 3]
    assert model.n_iter_ == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"graph": "precomputed"}, "cannot hold the graph: graph='precomputed'"),
        ({"graph": NeighborsGraph(metric="precomputed")}, "cannot hold the graph"),
        ({"scaling": "none"}, "no best factorization"),
        (
            {"scaling": "none", "sum_to_one": "soft", "alpha": "auto"},
            "alpha='auto' is a weight for endmembers of norm one",
        ),
        (
            {"scaling": "none", "sum_to_one": "soft", "alpha": 1.0},
            "got alpha=1.0, graph_alpha=0.03 and a weight of 1.0",
        ),
        (
            {"solver": "mu", "sum_to_one": "simplex", "alpha": 0.0},
            "does not offer sum_to_one='simplex'",
        ),
        ({"init": START[:2]}, r"init has shape \(2, 12\), expected one row for each"),
        ({"init": START * np.nan}, "init contains NaN"),
        ({"graph": ImageGraph((3, 3))}, "has 9 pixels, but X has 72 rows"),
    ],
)
def test_what_has_no_meaning_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(**parameters)


def test_data_without_meaning_are_refused():
    with pytest.raises(ValueError, match="Negative values in data passed to SSNMF"):
        fitted(-X)
    with pytest.raises(ValueError, match="X holds zeros only; SSNMF has nothing"):
        fitted(np.zeros_like(X))
    with pytest.raises(ValueError, match="NaN"):
        fitted(np.where(X > 0.5, np.nan, X))
    with pytest.raises(ValueError, match="Negative values in data passed"):
        fitted().transform(-X)


def test_a_graph_of_other_rows_is_refused():
    graph = FrozenEstimator(KernelGraph().fit(X[:20]))
    with pytest.raises(ValueError, match="has 20 nodes, but X has 72 rows"):
        fitted(graph=graph)


def test_what_is_ignored_or_unfinished_is_told():
    with pytest.warns(ConvergenceWarning, match="after max_iter=2 sweeps"):
        fitted(max_iter=2)
    with pytest.warns(UserWarning, match="alpha=0.03 has no effect"):
        fitted(sum_to_one="simplex", scaling="none")
    with pytest.warns(UserWarning, match="n_components=20 is more than the smaller"):
        model = SSNMF(20, GRAPH, init="random", random_state=0, tol=0.1).fit(X)
    assert model.components_.shape == (P, P)


def real_scene(data):
    """Pixels of norm one, true abundances and endmembers."""
    X = data["image"].reshape(-1, data["image"].shape[2]) / data["scale"]
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X, data["abundances"].reshape(len(X), -1), data["endmembers"]


def spectral_errors(truth, spectra, A, W):
    """Mean angle of matched spectra, and the error of fractions."""
    truth = truth / np.linalg.norm(truth, axis=1, keepdims=True)
    spectra = spectra / np.linalg.norm(spectra, axis=1, keepdims=True)
    angles = np.arccos(np.clip(truth @ spectra.T, -1, 1))
    rows, columns = optimize.linear_sum_assignment(angles)
    fractions = W / np.maximum(W.sum(axis=1, keepdims=True), 1e-300)
    rmse = np.sqrt(np.mean((A - fractions[:, columns]) ** 2))
    return angles[rows, columns].mean(), rmse


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_materials_of_a_real_scene(shared_data, seed):
    X, A, E = real_scene(shared_data("samson"))
    found, _ = vertex_component_analysis(X, 3, random_state=seed)
    W = fully_constrained_least_squares(X, found)
    extremes = spectral_errors(E, found, A, W)
    graph = ImageGraph(shape=(95, 95))
    model = SSNMF(3, graph, random_state=seed).fit(X)
    structured = spectral_errors(E, model.components_, A, model.abundances_)
    free = SSNMF(3, alpha=0.0, graph_alpha=0.0, random_state=seed, max_iter=2000)
    free.fit(X)
    plain = spectral_errors(E, free.components_, A, free.abundances_)
    assert structured[0] <= 0.032
    assert structured[1] <= 0.050
    assert structured[0] < extremes[0] < plain[0]
    assert model.projected_gradient_norm_ < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["samson", "jasper_ridge"])
def test_weights_from_the_data_on_pixels_as_they_are(shared_data, scene):
    """Reflectances up to 1: rows have norms of 0.4 to 12."""
    data = shared_data(scene)
    image = data["image"] / data["scale"]
    X = image.reshape(-1, image.shape[2])
    truth = data["endmembers"], data["abundances"].reshape(len(X), -1)
    found, _ = vertex_component_analysis(X, len(truth[0]), random_state=0)
    W = fully_constrained_least_squares(X, found)
    extremes = spectral_errors(truth[0], found, truth[1], W)
    weights = {"alpha": "auto", "graph_alpha": "auto"}
    graph = ImageGraph(shape=image.shape[:2])
    model = SSNMF(len(found), graph, random_state=0, **weights).fit(X)
    structured = spectral_errors(
        truth[0], model.components_, truth[1], model.abundances_
    )
    assert max(structured) < 0.13
    assert structured[0] < 0.5 * extremes[0]
    assert structured[1] < 0.5 * extremes[1]


@pytest.mark.slow
def test_codes_of_a_graph_tell_objects_apart(shared_data):
    """Views of 20 objects: the gain over plain codes that the method was made for."""
    data = shared_data("coil20")
    views = data["X"].reshape(len(data["y"]), -1) / 255.0
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    graph = NeighborsGraph(5, weights="connectivity", connectivity="regularize")

    def agreement(graph_alpha):
        model = GraphRegularizedNMF(
            20, graph, graph_alpha=graph_alpha, tol=1e-5, max_iter=1000, random_state=0
        )
        codes = model.fit_transform(views)
        groups = KMeans(20, n_init=5, random_state=0).fit_predict(codes)
        return normalized_mutual_info_score(data["y"], groups)

    assert agreement(0.0) < 0.78 < 0.84 < agreement(100.0)
