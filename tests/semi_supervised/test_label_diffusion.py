import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, sparse
from sklearn.datasets import make_circles, make_moons
from sklearn.model_selection import GridSearchCV
from sklearn.semi_supervised import LabelSpreading

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
)

# Graphs in several pieces are meant here; their builder warns of them.
pytestmark = pytest.mark.filterwarnings("ignore:The graph of:UserWarning")

METHODS = [
    "poisson",
    "harmonic",
    "local_global",
    "weighted",
    "nonlocal",
    "poisson_mbo",
    "self_training",
]


def ring_graph(n, seed=0):
    """Connected weighted graph: a ring with random chords."""
    rng = np.random.default_rng(seed)
    W = np.zeros((n, n))
    i = np.arange(n)
    W[i, (i + 1) % n] = rng.uniform(0.5, 2, n)
    chords = rng.integers(0, n, (n, 2))
    W[chords[:, 0], chords[:, 1]] += rng.uniform(0.1, 1, n)
    W = W + W.T
    np.fill_diagonal(W, 0)
    return W


def two_blocks(*sizes):
    return linalg.block_diag(*(ring_graph(n, n) for n in sizes))


def few_labels(truth, per_class, seed=0):
    rng = np.random.default_rng(seed)
    y = np.full(truth.shape, -1)
    for c in np.unique(truth):
        chosen = rng.choice(np.flatnonzero(truth == c), per_class, replace=False)
        y[chosen] = c
    return y


def partly_labeled(n=60, n_classes=3, n_labeled=9, seed=0):
    y = np.full(n, -1)
    chosen = np.random.default_rng(seed).permutation(n)[:n_labeled]
    y[chosen] = np.arange(n_labeled) % n_classes
    return y


def fit(W, y, **params):
    params = {"tol": 1e-12, "max_iter": 10_000, **params}
    return LabelDiffusionClassifier("precomputed", **params).fit(W, y)


def dense_laplacian(W):
    return np.diag(W.sum(axis=1)) - W


def one_hot(y):
    return (y[:, None] == np.unique(y[y >= 0])[None, :]).astype(float)


# ------------------------------------------------------------------ closed forms


def test_harmonic_equals_dense_solve_and_keeps_the_maximum_principle():
    W, y = ring_graph(60), partly_labeled()
    L, Y, free = dense_laplacian(W), one_hot(y), y < 0

    model = fit(W, y, method="harmonic")

    expected = Y.copy()
    expected[free] = np.linalg.solve(L[np.ix_(free, free)], -L[free] @ Y)
    assert_allclose(model.scores_, expected, atol=1e-8)
    assert model.label_distributions_.min() >= 0
    assert model.label_distributions_.max() <= 1
    assert_allclose(model.label_distributions_, expected, atol=1e-8)


def test_local_global_equals_label_spreading_run_to_convergence():
    W, y = ring_graph(60), partly_labeled()
    # scikit-learn marks the unlabeled class by -1 too, and iterates to tol.
    peer = LabelSpreading(
        kernel=lambda A, B=None: sparse.csr_matrix(W),
        alpha=0.9,
        max_iter=10_000,
        tol=1e-12,
    ).fit(np.arange(60.0)[:, None], y)

    model = fit(W, y, method="local_global", graph_alpha=9.0)

    assert_allclose(model.label_distributions_, peer.label_distributions_, atol=1e-6)
    assert_array_equal(model.transduction_, peer.transduction_)


def poisson_sources(y):
    Y = one_hot(y)
    Y = Y * (Y.sum(axis=0).mean() / Y.sum(axis=0))
    return np.where(y[:, None] >= 0, Y - Y[y >= 0].mean(axis=0), 0)


def test_poisson_solves_its_equation():
    W, y = ring_graph(60), partly_labeled(n_labeled=10)

    model = fit(W, y)

    residual = dense_laplacian(W) @ model.scores_ - poisson_sources(y)
    assert np.abs(residual).max() < 1e-8
    assert_allclose(W.sum(axis=1) @ model.scores_, 0, atol=1e-8)


def test_poisson_is_the_limit_of_the_random_walk():
    W, y = ring_graph(60), partly_labeled()
    d, L, B = W.sum(axis=1)[:, None], dense_laplacian(W), poisson_sources(y)
    u = np.zeros_like(B)
    for _ in range(20_000):
        # The lazy walk: the same limit, also on bipartite graphs.
        u = u + 0.5 * (B - L @ u) / d

    model = fit(W, y)

    assert_allclose(model.scores_, u - (d.T @ u) / d.sum(), atol=1e-6)


def test_poisson_with_every_row_labeled_smooths_the_labels():
    W = ring_graph(30)
    y = np.arange(30) % 3

    model = fit(W, y)

    Y = one_hot(y)
    u = np.linalg.pinv(dense_laplacian(W), rcond=1e-10) @ (Y - Y.mean(axis=0))
    d = W.sum(axis=1)
    assert_allclose(model.scores_, u - d @ u / d.sum(), atol=1e-8)


def test_weighted_is_harmonic_on_heavier_edges_near_labels():
    W, y = ring_graph(60), partly_labeled()
    weighted = fit(W, y, method="weighted").scores_

    known = (y >= 0).astype(float)
    gamma = np.linalg.pinv(dense_laplacian(W), rcond=1e-10) @ (known - known.mean())
    gamma = (gamma - gamma.min()) / np.ptp(gamma) + 1e-3
    # Same minimum and spread whatever the constant of gamma.
    by_hand = fit(gamma[:, None] * W * gamma[None, :], y, method="harmonic").scores_

    assert_allclose(weighted, by_hand, atol=1e-6)


def test_nonlocal_minimizes_the_sum_of_both_gradients():
    W, y = ring_graph(60), partly_labeled()
    scores = fit(W, y, method="nonlocal").scores_

    # Equation (7) of Shi, Osher and Zhu, with symmetric weights.
    free, ratio = y < 0, 60 / np.sum(y >= 0)
    own = W[free][:, free]
    to_labels = (2 + ratio - 1) * W[free][:, ~free]
    system = np.diag(2 * own.sum(axis=1) + to_labels.sum(axis=1)) - 2 * own
    expected = np.linalg.solve(system, to_labels @ one_hot(y[~free]))
    assert_allclose(scores[free], expected, atol=1e-9)


@pytest.mark.parametrize("balance", [True, False])
def test_classes_or_labels_inject_equal_mass(balance):
    W = ring_graph(60)
    y = np.full(60, -1)
    y[[0, 20, 25, 30, 40, 50]] = [0, 0, 0, 0, 1, 2]
    scores = fit(W, y, balance=balance).scores_

    masses = one_hot(y)[y >= 0]
    if balance:
        masses = masses * 2 / masses.sum(axis=0)
    sources = np.zeros((60, 3))
    sources[y >= 0] = masses - masses.mean(axis=0)
    assert_allclose(dense_laplacian(W) @ scores, sources, atol=1e-9)


# ------------------------------------------------------------------- invariances


@pytest.mark.parametrize("method", METHODS)
def test_order_of_nodes_does_not_matter(method):
    W, y = ring_graph(60), partly_labeled()
    order = np.random.default_rng(1).permutation(60)

    plain = fit(W, y, method=method)
    shuffled = fit(W[np.ix_(order, order)], y[order], method=method)

    assert_allclose(shuffled.scores_, plain.scores_[order], atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_renaming_classes_permutes_columns(method):
    W, y = ring_graph(60), partly_labeled()
    renamed = np.where(y >= 0, (y + 1) % 3, -1)

    plain = fit(W, y, method=method)
    other = fit(W, renamed, method=method)

    if method == "poisson_mbo":
        # Sizes are met to one row, which one depends on the order of the classes.
        moved = plain.transduction_ != (other.transduction_ - 1) % 3
        assert np.sum(moved) <= 2
    else:
        assert_allclose(other.scores_[:, [1, 2, 0]], plain.scores_, atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
def test_scaling_all_weights_keeps_the_answer(method):
    W, y = ring_graph(60), partly_labeled()

    plain = fit(W, y, method=method)
    scaled = fit(100 * W, y, method=method)

    assert_allclose(scaled.label_distributions_, plain.label_distributions_, atol=1e-6)


@pytest.mark.parametrize("method", METHODS[:4])
def test_components_are_solved_alone(method):
    W = two_blocks(40, 30)
    y = np.concatenate([partly_labeled(40), partly_labeled(30)])

    together = fit(W, y, method=method)
    first = fit(W[:40, :40], y[:40], method=method)
    second = fit(W[40:, 40:], y[40:], method=method)

    alone = np.concatenate([first.scores_, second.scores_])
    assert_allclose(together.scores_, alone, atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_matrix_array_and_wide_indices_agree(method):
    W, y = ring_graph(60), partly_labeled()
    wide = sparse.csr_array(W)
    wide.indices = wide.indices.astype(np.int64)
    wide.indptr = wide.indptr.astype(np.int64)

    expected = fit(W, y, method=method).scores_

    for affinity in (sparse.csr_matrix(W), sparse.csc_array(W), wide):
        assert_allclose(fit(affinity, y, method=method).scores_, expected, atol=1e-8)


# -------------------------------------------------------------- class sizes, scores


@pytest.mark.parametrize("method", METHODS)
def test_class_sizes_are_met(method):
    X, truth = make_moons(300, noise=0.1, random_state=0)
    y = few_labels(truth, 3)
    priors = [1 / 3, 2 / 3]

    model = LabelDiffusionClassifier(method=method, class_priors=priors).fit(X, y)

    counts = np.bincount(model.transduction_, minlength=2)
    assert np.abs(counts - [100, 200]).max() <= 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("class_priors", [None, "uniform", "labels", "centered"])
def test_distributions_agree_with_decisions(method, class_priors):
    W, y = ring_graph(60), partly_labeled(n_labeled=10)

    model = fit(W, y, method=method, class_priors=class_priors)

    P = model.label_distributions_
    assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    assert P.min() >= 0
    assert_array_equal(model.classes_[P.argmax(axis=1)], model.transduction_)


@pytest.mark.parametrize("method", METHODS)
def test_centered_scores_have_degree_weighted_mean_zero(method):
    W, y = ring_graph(60), partly_labeled(n_labeled=10)

    model = fit(W, y, method=method, class_priors="centered")

    assert_allclose(W.sum(axis=1) @ model.scores_, 0, atol=1e-8)


def test_self_training_keeps_labels_and_has_few_undecided_rows():
    X, truth = make_moons(300, noise=0.15, random_state=0)
    y = few_labels(truth, 2)

    start = LabelDiffusionClassifier().fit(X, y)
    model = LabelDiffusionClassifier(method="self_training").fit(X, y)

    assert model.n_iter_ == model.n_rounds
    assert_array_equal(model.transduction_[y >= 0], y[y >= 0])

    def undecided(P):
        return np.mean(P.max(axis=1) < 0.6)

    assert undecided(model.label_distributions_) <= undecided(
        start.label_distributions_
    )


def test_poisson_mbo_gives_fixed_sizes_and_improves_the_energy():
    X, truth = make_moons(300, noise=0.12, random_state=1)
    y = few_labels(truth, 1)

    model = LabelDiffusionClassifier(method="poisson_mbo", class_priors="uniform")
    model.fit(X, y)

    def cut(labels):
        rows, columns = model.graph_.affinity_.nonzero()
        weights = np.asarray(model.graph_.affinity_[rows, columns]).ravel()
        return weights[labels[rows] != labels[columns]].sum()

    start = LabelDiffusionClassifier(class_priors="uniform").fit(X, y)
    assert np.abs(np.bincount(model.transduction_) - 150).max() <= 1
    assert cut(model.transduction_) <= cut(start.transduction_)


# ---------------------------------------------------------------------- components


@pytest.mark.parametrize("method", METHODS)
def test_rows_without_labels_get_the_prior_answer(method):
    W = two_blocks(40, 20)
    y = np.concatenate([partly_labeled(40, n_labeled=10), np.full(20, -1)])
    # 4, 3, 3 labels.
    with pytest.warns(UserWarning, match="20 of 60 rows lie in components"):
        model = fit(W, y, method=method)

    assert_array_equal(model.unreached_, np.arange(60) >= 40)
    assert_allclose(model.label_distributions_[40:], [[0.4, 0.3, 0.3]] * 20)
    assert np.all(np.isfinite(model.scores_))


@pytest.mark.parametrize("method", METHODS)
def test_classes_absent_from_a_component_are_impossible_there(method):
    W = two_blocks(40, 20)
    y = np.concatenate([partly_labeled(40), np.full(20, -1)])
    y[45] = 2

    model = fit(W, y, method=method)

    assert_array_equal(model.transduction_[40:], 2)
    assert model.label_distributions_[40:, :2].max() < 1e-6


def test_isolated_nodes_are_survived():
    W = np.zeros((42, 42))
    W[:40, :40] = ring_graph(40)
    y = np.concatenate([partly_labeled(40), [1, -1]])

    for method in METHODS:
        with pytest.warns(UserWarning, match="1 of 42 rows"):
            model = fit(W, y, method=method)
        assert model.transduction_[40] == 1
        assert_allclose(model.label_distributions_[41], model.prior_)


# ------------------------------------------------------------------------ new rows


@pytest.mark.parametrize("method", METHODS)
def test_new_rows_average_their_neighbors(method):
    W, y = ring_graph(60), partly_labeled()
    model = fit(W, y, method=method)
    query = np.zeros((2, 60))
    query[0, [3, 7]] = [1, 3]

    P = model.predict_proba(query)

    averaged = (model.scores_[3] + 3 * model.scores_[7]) / 4
    expected = model._distributions(averaged[None, :], np.array([[True]]))
    assert_allclose(P[0], expected[0], atol=1e-12)
    assert_allclose(P[1], model.prior_)
    assert_array_equal(model.predict(query), model.classes_[P.argmax(axis=1)])


@pytest.mark.parametrize("method", METHODS)
def test_held_out_rows_of_moons_are_right(method):
    X, truth = make_moons(500, noise=0.04, random_state=0)
    y = few_labels(truth[:400], 1)
    model = LabelDiffusionClassifier(method=method).fit(X[:400], y)

    assert np.mean(model.predict(X[400:]) == truth[400:]) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "make", [make_moons, lambda *a, **k: make_circles(*a, factor=0.5, **k)]
)
def test_moons_and_circles_are_solved_with_one_label_a_class(make, method):
    X, truth = make(300, noise=0.03, random_state=0)

    # Where the graph falls into one piece a class, harmonic answers are exact too.
    model = LabelDiffusionClassifier(NeighborsGraph(7), method=method)
    model.fit(X, few_labels(truth, 1))

    assert np.mean(model.transduction_ == truth) == 1


# ------------------------------------------------------------------- the estimator


@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_float32(method):
    X, truth = make_moons(200, noise=0.05, random_state=0)
    y = few_labels(truth, 3)

    single = LabelDiffusionClassifier(method=method).fit(X.astype(np.float32), y)
    double = LabelDiffusionClassifier(method=method).fit(X, y)

    assert single.scores_.dtype == np.float32
    assert single.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert_array_equal(single.transduction_, double.transduction_)
    assert_allclose(single.label_distributions_, double.label_distributions_, atol=1e-3)


def test_strings_and_unlabeled_objects():
    X, truth = make_moons(100, noise=0.05, random_state=0)
    y = np.array(["low", "high"], dtype=object)[truth]
    y[10:] = -1

    model = LabelDiffusionClassifier().fit(X, y)

    assert_array_equal(model.classes_, ["high", "low"])
    assert set(model.predict(X)) == {"high", "low"}


def test_grid_search_over_the_graph():
    X, truth = make_moons(120, noise=0.1, random_state=0)
    search = GridSearchCV(
        LabelDiffusionClassifier(NeighborsGraph()),
        {"graph__n_neighbors": [5, 8], "method": ["poisson", "harmonic"]},
        cv=3,
    )
    search.fit(X, truth)

    assert search.best_score_ > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_pickle_gives_the_same_predictions(method):
    X, truth = make_moons(100, noise=0.05, random_state=0)
    model = LabelDiffusionClassifier(method=method).fit(X, few_labels(truth, 2))

    copy = pickle.loads(pickle.dumps(model))

    assert_array_equal(copy.predict_proba(X), model.predict_proba(X))


def test_callbacks_hear_of_stages_and_iterations():
    pytest.importorskip("sklearn.callback")
    names = []

    class Listener:
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            names.append(context.task_name)

        def on_fit_task_end(self, estimator, context):
            return False

        def teardown(self, estimator, context):
            pass

    X, truth = make_moons(100, noise=0.05, random_state=0)
    model = LabelDiffusionClassifier(method="poisson_mbo")
    model.set_callbacks(Listener()).fit(X, few_labels(truth, 2))

    assert {"graph", "solve", "threshold", "iteration"} <= set(names)


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(60, -1), "no labeled sample"),
        (np.where(np.arange(60) < 3, 2, -1), "class"),
    ],
)
def test_bad_labels_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        fit(ring_graph(60), y)


def test_bad_priors_are_named():
    W, y = ring_graph(60), partly_labeled()
    with pytest.raises(ValueError, match=r"class_priors has shape \(2,\)"):
        fit(W, y, class_priors=[1, 1])
    with pytest.raises(ValueError, match="class_priors must hold positive"):
        fit(W, y, class_priors=[1, 1, -1])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "laplace"),
        ("solver", "lu"),
        ("graph", "knn"),
        ("graph", 3),
        ("graph_alpha", 0),
        ("tol", 0),
        ("max_iter", 0),
        ("class_priors", "equal"),
    ],
)
def test_bad_parameters_are_named(name, value):
    W, y = ring_graph(60), partly_labeled()
    model = LabelDiffusionClassifier("precomputed").set_params(**{name: value})
    with pytest.raises((ValueError, TypeError), match=name):
        model.fit(W, y)
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize("name", ["classifier", "regressor"])
def test_bad_precomputed_graphs_are_refused(name):
    W, y = ring_graph(60), partly_labeled()
    if name == "classifier":
        model = LabelDiffusionClassifier("precomputed")
    else:
        model, y = LabelDiffusionRegressor("precomputed"), np.where(y < 0, np.nan, y)

    asymmetric, negative, nan = W.copy(), W.copy(), W.copy()
    asymmetric[0, 1] += 1
    negative[0, 1] = negative[1, 0] = -1
    nan[0, 1] = nan[1, 0] = np.nan
    with pytest.warns(UserWarning, match="not symmetric"):
        model.fit(asymmetric, y)
    for bad, message in (
        (W[:, :50], "square"),
        (negative, "Negative values"),
        (nan, "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(bad, y)


def test_wrong_width_at_predict_is_refused():
    W, y = ring_graph(60), partly_labeled()
    with pytest.raises(ValueError, match="60 features"):
        fit(W, y).predict(W[:, :50])


def test_two_rows_are_enough():
    X = np.array([[0.0], [1.0]])
    with warnings.catch_warnings():
        # Two rows cannot have ten neighbors.
        warnings.simplefilter("ignore", UserWarning)
        model = LabelDiffusionClassifier().fit(X, [0, 1])
    assert_array_equal(model.classes_, [0, 1])


# ----------------------------------------------------------------- the regressor


def some_values(n=60, n_labeled=9, seed=0):
    rng = np.random.default_rng(seed)
    y = np.full(n, np.nan)
    y[rng.permutation(n)[:n_labeled]] = rng.normal(size=n_labeled)
    return y


def regress(W, y, **params):
    params = {"tol": 1e-12, "max_iter": 10_000, **params}
    return LabelDiffusionRegressor("precomputed", **params).fit(W, y)


def test_harmonic_values_equal_a_dense_solve():
    W, y = ring_graph(60), some_values()
    L, free = dense_laplacian(W), np.isnan(y)

    model = regress(W, y)

    known = np.where(free, 0, y)
    expected = known.copy()
    expected[free] = np.linalg.solve(L[np.ix_(free, free)], -L[free] @ known)
    assert_allclose(model.transduction_, expected, atol=1e-8)
    assert model.transduction_.min() >= np.nanmin(y)
    assert model.transduction_.max() <= np.nanmax(y)


@pytest.mark.parametrize("method", ["harmonic", "weighted", "nonlocal", "poisson"])
def test_adding_a_constant_to_labels_adds_it_to_values(method):
    W, y = ring_graph(60), some_values()

    plain = regress(W, y, method=method).transduction_
    moved = regress(W, y + 5, method=method).transduction_

    assert_allclose(moved, plain + 5, atol=1e-7)


def test_poisson_values_have_the_least_labeled_residual():
    W, y = ring_graph(60), some_values()
    known = ~np.isnan(y)
    model = regress(W, y, method="poisson")

    mean = y[known].mean()
    direction = (model.transduction_ - mean)[known]
    residual = (y - model.transduction_)[known]
    assert abs(direction @ residual) < 1e-8
    source = np.where(known, y - mean, 0)
    flow = dense_laplacian(W) @ model.transduction_
    scale = (flow @ source) / (source @ source)
    assert_allclose(flow, scale * source, atol=1e-8)


@pytest.mark.parametrize("method", ["harmonic", "weighted", "nonlocal", "poisson"])
def test_outputs_are_independent(method):
    W = ring_graph(60)
    Y = np.column_stack([some_values(), some_values(), some_values(seed=1)])
    Y[:, 1] *= 2

    together = regress(W, Y, method=method).transduction_

    for c in range(3):
        alone = regress(W, Y[:, c], method=method).transduction_
        assert_allclose(together[:, c], alone, atol=1e-7)


def test_regression_on_unreached_rows_gives_the_mean():
    W = two_blocks(40, 20)
    y = np.concatenate([some_values(40), np.full(20, np.nan)])

    with pytest.warns(UserWarning, match="20 of 60 rows"):
        model = regress(W, y)

    assert_allclose(model.transduction_[40:], np.nanmean(y))
    assert_array_equal(model.unreached_, np.arange(60) >= 40)
    query = np.zeros((2, 60))
    query[0, [3, 50]] = 1
    assert_allclose(model.predict(query), [model.transduction_[3], np.nanmean(y)])


def test_a_label_of_zero_counts():
    W = two_blocks(40, 20)
    y = np.concatenate([some_values(40), np.full(20, np.nan)])
    y[50] = 0.0

    model = regress(W, y)

    assert not model.unreached_.any()
    assert_allclose(model.transduction_[40:], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "no labeled sample"), (np.inf, "infinity")]
)
def test_bad_values_are_named(value, message):
    with pytest.raises(ValueError, match=message):
        regress(ring_graph(60), np.full(60, value))


# ---------------------------------------------------------------------- real data


@pytest.mark.slow
def test_usps_at_few_labels(shared_data):
    data = shared_data("usps")
    X = (data["X"] / data["scale"]).astype(np.float32)
    truth = data["y"].astype(int)
    graph = NeighborsGraph().fit(X)
    shares = np.bincount(truth) / truth.size

    def accuracy(y, **params):
        model = LabelDiffusionClassifier("precomputed", **params)
        model.fit(graph.affinity_, y)
        return np.mean((model.transduction_ == truth)[y < 0])

    scores = {}
    for per_class in (1, 5):
        draws = [few_labels(truth, per_class, seed) for seed in range(3)]
        for method in ("poisson", "harmonic"):
            scores[method, per_class] = np.mean(
                [accuracy(y, method=method) for y in draws]
            )
        scores["mbo", per_class] = np.mean(
            [accuracy(y, method="poisson_mbo", class_priors=shares) for y in draws]
        )

    assert scores["poisson", 1] > scores["harmonic", 1] + 0.2
    assert scores["mbo", 1] >= scores["poisson", 1]
    assert scores["mbo", 5] >= scores["poisson", 5]


# ---------------------------------------------------------------------- array API


@pytest.mark.parametrize("method", METHODS)
def test_other_array_libraries_give_the_same_answer(namespace, method):
    xp, device = namespace
    X, truth = make_moons(80, noise=0.1, random_state=0)
    y = few_labels(truth, 3)
    expected = LabelDiffusionClassifier(method=method, tol=1e-12).fit(X, y)

    model = LabelDiffusionClassifier(method=method, tol=1e-12).fit(
        xp.asarray(X, device=device), xp.asarray(y, device=device)
    )

    assert_allclose(to_numpy(model.scores_), expected.scores_, atol=1e-9)
    assert_array_equal(to_numpy(model.transduction_), expected.transduction_)
    P = model.predict_proba(xp.asarray(X[:20] + 0.01, device=device))
    assert str(P.device) == str(model.scores_.device)
    assert_allclose(to_numpy(P), expected.predict_proba(X[:20] + 0.01), atol=1e-8)


@pytest.mark.parametrize("method", ["harmonic", "weighted", "nonlocal", "poisson"])
def test_other_array_libraries_give_the_same_values(namespace, method):
    xp, device = namespace
    X, _ = make_moons(80, noise=0.1, random_state=0)
    y = some_values(80)
    expected = LabelDiffusionRegressor(method=method, tol=1e-12).fit(X, y)

    model = LabelDiffusionRegressor(method=method, tol=1e-12).fit(
        xp.asarray(X, device=device), xp.asarray(y, device=device)
    )

    values = model.predict(xp.asarray(X + 0.01, device=device))
    assert_allclose(to_numpy(model.transduction_), expected.transduction_, atol=1e-9)
    assert_allclose(to_numpy(values), expected.predict(X + 0.01), atol=1e-8)
