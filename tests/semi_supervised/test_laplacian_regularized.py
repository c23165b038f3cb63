"""Manifold regularization: identities, limits and published figures."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, make_moons, make_swiss_roll
from sklearn.exceptions import NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.model_selection import LabeledSplit
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
)

pytestmark = pytest.mark.filterwarnings("ignore:The graph of NeighborsGraph has")

rng = np.random.default_rng(0)
n = 80
X = rng.normal(size=(n, 3))
LABELED = rng.permutation(n)[:20]
TRUTH = np.sin(X[:, 0]) + 0.3 * X[:, 1]
Y = np.full(n, np.nan)
Y[LABELED] = TRUTH[LABELED]
GRAPH = NeighborsGraph(n_neighbors=8)
CLASSES = np.full(n, -1)
CLASSES[LABELED] = (TRUTH[LABELED] > 0).astype(int)
L = laplacian(GRAPH.fit(X).affinity_, normalization=None)
DENSE_L = L.matmat(np.eye(n))
S = np.diag((~np.isnan(Y)).astype(float))
Y0 = np.nan_to_num(Y)


def regressor(**parameters):
    plain = {"tol": 1e-10, "power": 1, "fit_intercept": False}
    return LaplacianRegularizedRegressor(GRAPH, **{**plain, **parameters})


def dense_penalty(penalty, power, tau):
    values, vectors = np.linalg.eigh(DENSE_L)
    values = np.maximum(values, 0)
    f = values**power if penalty == "laplacian" else (1 + tau * values) ** power
    return vectors @ (f[:, None] * vectors.T)


# Identities


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_without_graph_it_is_ridge_on_labeled_rows(kernel):
    model = regressor(kernel=kernel, alpha=0.02, graph_alpha=0, gamma=0.5).fit(X, Y)
    ridge = KernelRidge(alpha=0.02 * len(LABELED), kernel=kernel, gamma=0.5)
    ridge.fit(X[LABELED], Y[LABELED])
    np.testing.assert_allclose(model.predict(X), ridge.predict(X), atol=1e-8)
    if kernel == "rbf":
        others = np.setdiff1d(np.arange(n), LABELED)
        np.testing.assert_allclose(model.dual_coef_[others], 0, atol=1e-12)


def test_linear_form_with_intercept_is_ridge_with_intercept():
    model = regressor(kernel="linear", alpha=0.02, graph_alpha=0, fit_intercept=True)
    ridge = Ridge(alpha=0.02 * len(LABELED)).fit(X[LABELED], Y[LABELED])
    np.testing.assert_allclose(model.fit(X, Y).predict(X), ridge.predict(X), atol=1e-8)


@pytest.mark.parametrize(
    ("penalty", "power", "tau"),
    [
        ("laplacian", 1, 1.0),
        ("laplacian", 2, 1.0),
        ("laplacian", 3, 1.0),
        ("sobolev", 0, 1.0),
        ("sobolev", 1, 0.7),
        ("sobolev", 2, 0.7),
        ("sobolev", 1.5, 0.7),
    ],
)
@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
def test_closed_form(penalty, power, tau, kernel):
    a, g, s = 0.05, 0.3, len(LABELED)
    P = dense_penalty(penalty, power, tau)
    model = regressor(
        alpha=a, graph_alpha=g, kernel=kernel, gamma=0.4, penalty=penalty,
        power=power, tau=tau,
    ).fit(X, Y)  # fmt: skip
    if kernel is None:
        f = np.linalg.solve(S / s + a / n * np.eye(n) + g / n * P, S @ Y0 / s)
    elif kernel == "rbf":
        K = rbf_kernel(X, gamma=0.4)
        M = S @ K / s + a * np.eye(n) + g / n * P @ K
        f = K @ np.linalg.solve(M, S @ Y0 / s)
    else:
        M = X.T @ (S / s + g / n * P) @ X + a * np.eye(3)
        f = X @ np.linalg.solve(M, X.T @ S @ Y0 / s)
    np.testing.assert_allclose(model.transduction_, f, atol=1e-7)


def test_three_scales():
    mean = regressor(alpha=0.1, graph_alpha=2.0, kernel="rbf").fit(X, Y)
    paper = regressor(alpha=0.1, graph_alpha=2.0 * n, kernel="rbf", scaling="paper")
    s = len(LABELED)
    total = regressor(
        alpha=0.1 * s, graph_alpha=2.0 * s / n, kernel="rbf", scaling="sum"
    )
    for other in (paper, total):
        np.testing.assert_allclose(
            other.fit(X, Y).transduction_, mean.transduction_, atol=1e-9
        )


@pytest.mark.parametrize("normalization", [None, "symmetric", "density"])
def test_normalizations(normalization):
    P = laplacian(GRAPH.fit(X).affinity_, normalization=normalization)
    P = P.matmat(np.eye(n))
    model = regressor(alpha=0.1, graph_alpha=3.0, normalization=normalization)
    M = S / len(LABELED) + 0.1 / n * np.eye(n) + 3.0 / n * P
    f = np.linalg.solve(M, S @ Y0 / len(LABELED))
    np.testing.assert_allclose(model.fit(X, Y).transduction_, f, atol=1e-7)


# Limits


def test_strong_graph_gives_the_mean_of_the_labels():
    assert L.n_components == 1
    # The condition number is 1e10: residuals below 1e-7 are out of reach.
    model = regressor(alpha=0, graph_alpha=1e8 * n, tol=1e-6).fit(X, Y)
    np.testing.assert_allclose(model.transduction_, Y0.sum() / 20, atol=1e-6)


def test_weak_graph_gives_the_harmonic_extension():
    model = regressor(alpha=0, graph_alpha=1e-8 * n, tol=1e-12).fit(X, Y)
    u = np.isnan(Y)
    f = Y.copy()
    f[u] = np.linalg.solve(DENSE_L[np.ix_(u, u)], -DENSE_L[np.ix_(u, ~u)] @ Y[~u])
    np.testing.assert_allclose(model.transduction_, f, atol=1e-6)
    harmonic = LabelDiffusionRegressor(GRAPH, method="harmonic", tol=1e-10).fit(X, Y)
    np.testing.assert_allclose(model.transduction_, harmonic.transduction_, atol=1e-5)


def test_strong_graph_classifies_as_poisson_learning():
    y = np.where(np.isnan(Y), -1, CLASSES)
    for c in (0, 1):
        # As many labels of both classes, so that both methods center alike.
        extra = np.flatnonzero(y == c)[5:]
        y[extra] = -1
    model = LaplacianRegularizedClassifier(
        GRAPH, alpha=0, graph_alpha=1e7, power=1, tol=1e-10
    )
    poisson = LabelDiffusionClassifier(GRAPH, method="poisson", tol=1e-10).fit(X, y)
    scores = model.fit(X, y).scores_
    ratio = scores / poisson.scores_
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


# Weights, outputs, new rows


@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
def test_weight_zero_is_unlabeled_and_weights_are_relative(kernel):
    weight = rng.uniform(0.5, 2, n)
    weight[LABELED[:6]] = 0
    hidden = Y.copy()
    hidden[LABELED[:6]] = np.nan
    first = regressor(kernel=kernel).fit(X, Y, sample_weight=weight)
    second = regressor(kernel=kernel).fit(X, hidden, sample_weight=3 * weight)
    np.testing.assert_allclose(first.transduction_, second.transduction_, atol=1e-9)


@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_outputs_are_fitted_each_with_its_own_labels(kernel, fit_intercept):
    Y3 = np.column_stack([Y, 2 * Y + 1, np.roll(Y, 1)])
    model = regressor(kernel=kernel, fit_intercept=fit_intercept).fit(X, Y3)
    for c in range(3):
        one = regressor(kernel=kernel, fit_intercept=fit_intercept).fit(X, Y3[:, c])
        np.testing.assert_allclose(
            model.transduction_[:, c], one.transduction_, atol=1e-8
        )
        np.testing.assert_allclose(
            model.predict(X[:7] + 0.1)[:, c], one.predict(X[:7] + 0.1), atol=1e-8
        )


def test_new_rows_average_their_neighbors():
    model = regressor().fit(X, Y)
    new = rng.normal(size=(5, 3))
    W = model.graph_.transform(new).toarray()
    expected = W @ model.transduction_ / W.sum(axis=1)
    np.testing.assert_allclose(model.predict(new), expected, rtol=1e-10)


@pytest.mark.parametrize("kernel", ["rbf", "polynomial", "linear", "cosine"])
def test_inductive_forms_know_training_rows_as_new_ones(kernel):
    model = regressor(kernel=kernel, fit_intercept=True).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), model.transduction_, atol=1e-8)


@pytest.mark.parametrize("approximation", ["nystroem", "random_features"])
def test_features_approximate_the_kernel(approximation):
    exact = regressor(kernel="rbf", gamma=0.1, alpha=1e-2).fit(X, Y)
    model = regressor(
        kernel="rbf", gamma=0.1, alpha=1e-2, approximation=approximation,
        n_components=80 if approximation == "nystroem" else 4000, random_state=0,
    ).fit(X, Y)  # fmt: skip
    atol = 1e-6 if approximation == "nystroem" else 0.05
    np.testing.assert_allclose(model.predict(X), exact.predict(X), atol=atol)


@pytest.mark.slow
def test_many_rows_get_nystroem_features_with_a_warning():
    big = rng.normal(size=(5001, 2))
    y = np.where(np.arange(5001) < 100, big[:, 0], np.nan)
    model = LaplacianRegularizedRegressor(kernel="rbf", n_components=50, random_state=0)
    with pytest.warns(
        UserWarning, match="approximation='nystroem' with n_components=50"
    ):
        model.fit(big, y)
    assert model.coef_.shape == (50,)
    assert np.corrcoef(model.transduction_, big[:, 0])[0, 1] > 0.95


# Losses


def machine(loss, kernel="rbf", **parameters):
    return LaplacianRegularizedClassifier(
        GRAPH, loss=loss, kernel=kernel, alpha=0.02, graph_alpha=0.5, gamma=0.3,
        power=1, tol=1e-6, **parameters,
    )  # fmt: skip


def deformed_kernel():
    K = rbf_kernel(X, gamma=0.3)
    M = 0.5 / n / 0.02 * DENSE_L
    return K - K @ np.linalg.solve(np.eye(n) + M @ K, M @ K)


def test_hinge_is_the_svm_on_the_deformed_kernel():
    rows = np.flatnonzero(CLASSES >= 0)
    model = machine("hinge").fit(X, CLASSES)
    Kt = deformed_kernel()[np.ix_(rows, rows)]
    svm = SVC(C=1 / (2 * 0.02 * len(rows)), kernel="precomputed", tol=1e-8)
    svm.fit(Kt, CLASSES[rows])
    np.testing.assert_allclose(
        model.decision_function(X)[rows], svm.decision_function(Kt), atol=1e-4
    )


@pytest.mark.parametrize("loss", ["squared_hinge", "hinge", "log_loss"])
@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
def test_no_perturbation_of_the_function_is_better(loss, kernel):
    from sklearn_manifold_reg.optim import LOSSES

    model = machine(loss, kernel, class_priors=None).fit(X, CLASSES)
    f = model.decision_function(X) if kernel else model.scores_[:, 1] * 2
    rows = np.flatnonzero(CLASSES >= 0)
    y = 2 * CLASSES[rows] - 1.0
    if kernel == "rbf":
        parameters, values = model.dual_coef_[:, 1] * 2, rbf_kernel(X, gamma=0.3)
        norm = values
    elif kernel == "linear":
        parameters, values, norm = model.coef_[:, 1] * 2, X, np.eye(3)
    else:
        parameters, values, norm = f, np.eye(n), np.eye(n) / n
    constant = float(np.mean(f - values @ parameters))

    def objective(c):
        g = values @ c + constant
        loss_value = LOSSES[loss].value(y * g[rows]).mean()
        own = g - constant
        return loss_value + 0.02 * c @ norm @ c + 0.5 / n * own @ DENSE_L @ own

    best = objective(parameters)
    for size in (1e-2, 1e-3, 1e-4):
        for _ in range(10):
            moved = parameters + size * rng.normal(size=parameters.shape)
            assert objective(moved) >= best - 1e-7


def test_probabilities():
    X3, y3 = load_digits(n_class=3, return_X_y=True)
    y = np.where(np.arange(len(y3)) < 60, y3, -1)
    model = LaplacianRegularizedClassifier(loss="log_loss", kernel="rbf").fit(X3, y)
    P = model.predict_proba(X3[100:110])
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(P.argmax(axis=1), model.predict(X3[100:110]))
    squared = LaplacianRegularizedClassifier().fit(X3, y)
    with pytest.raises(AttributeError, match="predict_proba"):
        squared.predict_proba(X3)


# One label a class


def test_one_label_a_class_does_not_collapse(shared_data):
    usps = shared_data("usps")
    rows = np.random.default_rng(0).permutation(len(usps["y"]))[:4000]
    U, truth = usps["X"][rows].astype(np.float32), usps["y"][rows].astype(int)
    accuracy = {"auto": [], None: []}
    for seed in range(3):
        draw = np.random.default_rng(seed)
        y = np.full(len(truth), -1)
        for digit in range(10):
            y[draw.choice(np.flatnonzero(truth == digit))] = digit
        for priors, record in accuracy.items():
            model = LaplacianRegularizedClassifier(
                class_priors=priors, graph_alpha=1e5, power=1
            )
            record.append(np.mean(model.fit(U, y).transduction_ == truth))
    assert np.mean(accuracy["auto"]) > 0.6
    assert np.mean(accuracy["auto"]) > np.mean(accuracy[None]) + 0.2


@pytest.mark.parametrize("power", [1, 2])
def test_values_do_not_fade_between_few_labels_among_many_rows(power):
    roll, position = make_swiss_roll(20_000, random_state=0)
    truth = np.sin(0.6 * position)
    known = np.random.default_rng(0).permutation(len(truth)) < 40
    model = LaplacianRegularizedRegressor(power=power)
    model.fit(roll, np.where(known, truth, np.nan))
    assert r2_score(truth[~known], model.transduction_[~known]) > 0.9
    fading = LaplacianRegularizedRegressor(power=power, alpha=1e-3)
    fading.fit(roll, np.where(known, truth, np.nan))
    assert r2_score(truth[~known], fading.transduction_[~known]) < 0.5
    bands = np.digitize(position, np.quantile(position, [0.25, 0.5, 0.75]))
    classifier = LaplacianRegularizedClassifier(power=power)
    classifier.fit(roll, np.where(known, bands, -1))
    assert np.mean(classifier.transduction_ == bands) > 0.85


def test_automatic_alpha_is_what_its_documentation_says():
    share = len(LABELED) / n
    for power, graph_alpha in ((1, 0.01), (3, 0.01), (2, 50.0)):
        bound = min(1e-3, graph_alpha * share ** max(2, power))
        auto = regressor(power=power, graph_alpha=graph_alpha).fit(X, Y)
        given = regressor(power=power, graph_alpha=graph_alpha, alpha=bound).fit(X, Y)
        np.testing.assert_allclose(auto.transduction_, given.transduction_, atol=1e-7)
    auto = regressor(kernel="rbf", graph_alpha=0.01).fit(X, Y)
    given = regressor(kernel="rbf", graph_alpha=0.01, alpha=1e-3).fit(X, Y)
    np.testing.assert_allclose(auto.dual_coef_, given.dual_coef_)


def test_class_sizes_are_met():
    X2, truth = make_moons(120, noise=0.2, random_state=0)
    y = np.where(np.arange(120) < 10, truth, -1)
    model = LaplacianRegularizedClassifier(class_priors=[0.25, 0.75]).fit(X2, y)
    assert abs(np.sum(model.transduction_ == 1) - 90) <= 1


# Published figures


@pytest.mark.slow
def test_two_moons_with_one_label_a_class():
    # Belkin, Niyogi and Sindhwani (2006), figure 2, in the scale of their program.
    errors = {0: [], 1: [], 10: []}
    for seed in range(20):
        X2, truth = make_moons(200, noise=0.05, random_state=seed)
        draw = np.random.default_rng(seed)
        y = np.full(200, -1)
        for c in (0, 1):
            y[draw.choice(np.flatnonzero(truth == c))] = c
        D = NeighborsGraph(6).fit(X2).neighbors_.distances
        graph = NeighborsGraph(
            6, weights="heat", bandwidth=float(np.sqrt(2) * D.mean()), symmetrize="max"
        )
        for graph_alpha, record in errors.items():
            model = LaplacianRegularizedClassifier(
                graph, kernel="rbf", gamma=1 / (2 * 0.35**2), alpha=0.03125,
                graph_alpha=graph_alpha, normalization="symmetric", scaling="sum",
                power=1,
            ).fit(X2, y)  # fmt: skip
            record.append(np.mean(model.transduction_ != truth) * 200 / 198)
    assert 0.19 <= np.mean(errors[0]) <= 0.26
    assert np.mean(errors[1]) <= 0.03
    assert np.mean(errors[10]) <= 0.02


@pytest.mark.slow
def test_two_gaussians_in_fifty_dimensions():
    # After the table of g50c in the same paper, on data drawn anew.
    manifold, supervised = [], []
    for seed in range(5):
        draw = np.random.default_rng(seed)
        truth = np.arange(550) % 2
        centers = np.where(truth, 1, -1)[:, None] * 1.64485 / np.sqrt(50)
        X2 = draw.normal(size=(550, 50)) + centers
        y = np.where(draw.permutation(550) < 50, truth, -1)
        known = y >= 0
        model = LaplacianRegularizedClassifier(
            NeighborsGraph(50, weights="heat"), kernel="rbf", gamma=1 / (2 * 17.5**2),
            alpha=1e-6, graph_alpha=5.5, normalization="symmetric", power=5,
        ).fit(X2, y)  # fmt: skip
        manifold.append(np.mean(model.transduction_[~known] != truth[~known]))
        svm = (SVC(C=C, gamma=1 / (2 * 17.5**2)) for C in (0.1, 1, 10, 100))
        wrong = [
            np.mean(s.fit(X2[known], y[known]).predict(X2[~known]) != truth[~known])
            for s in svm
        ]
        supervised.append(min(wrong))
    assert np.mean(manifold) <= 0.085
    assert np.mean(manifold) <= 0.7 * np.mean(supervised)


# In use


def test_grid_search_pipeline_and_pickle():
    pipeline = make_pipeline(StandardScaler(), LaplacianRegularizedRegressor(GRAPH))
    grid = {"laplacianregularizedregressor__graph__n_neighbors": [4, 8]}
    search = GridSearchCV(pipeline, grid, cv=LabeledSplit(3)).fit(X, Y)
    assert np.isfinite(search.best_score_)
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda A: np.repeat(A, 2, axis=0)[::2],
        lambda A: A[::-1][::-1],
    ],
    ids=["fortran", "strided", "reversed"],
)
def test_memory_layout_does_not_matter(kernel, convert):
    given = convert(X)
    given.flags.writeable = False
    model = regressor(kernel=kernel).fit(given, Y)
    expected = regressor(kernel=kernel).fit(X, Y)
    np.testing.assert_allclose(model.predict(given), expected.predict(X), atol=1e-8)


@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
def test_float32_stays(kernel):
    model = LaplacianRegularizedRegressor(GRAPH, kernel=kernel)
    model.fit(X.astype(np.float32), Y)
    assert model.transduction_.dtype == np.float32
    assert model.predict(X.astype(np.float32)).dtype == np.float32
    exact = LaplacianRegularizedRegressor(GRAPH, kernel=kernel).fit(X, Y)
    np.testing.assert_allclose(model.transduction_, exact.transduction_, atol=1e-3)


def test_integers_are_numbers():
    integers = rng.integers(0, 9, size=(n, 3))
    model = LaplacianRegularizedRegressor(GRAPH).fit(integers, Y)
    expected = LaplacianRegularizedRegressor(GRAPH).fit(integers.astype(float), Y)
    np.testing.assert_array_equal(model.transduction_, expected.transduction_)


@pytest.mark.parametrize("kernel", [None, "linear", "rbf"])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
def test_sparse_rows(kernel, make):
    Xs = sparse.random_array((n, 40), density=0.2, rng=0, format="csr")
    given = make(Xs)
    given.indices = given.indices.astype(np.int64)
    given.indptr = given.indptr.astype(np.int64)
    model = regressor(kernel=kernel).fit(given, Y)
    expected = regressor(kernel=kernel).fit(Xs.toarray(), Y)
    np.testing.assert_allclose(
        model.predict(given), expected.predict(Xs.toarray()), atol=1e-7
    )


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, sparse.csr_matrix])
def test_precomputed_graph(make):
    W = GRAPH.fit(X).affinity_
    given = make(W.toarray())
    model = regressor().set_params(graph="precomputed").fit(given, Y)
    np.testing.assert_allclose(
        model.transduction_, regressor().fit(X, Y).transduction_, atol=1e-8
    )
    assert model.predict(given[:3]).shape == (3,)
    with pytest.raises(ValueError, match="80 features"):
        model.predict(given[:3, :7])


def test_rows_without_labels_in_reach_get_the_prior():
    two = np.concatenate([X, X + 100])
    y = np.concatenate([Y, np.full(n, np.nan)])
    with pytest.warns(UserWarning, match="80 of 160 rows lie in components"):
        model = LaplacianRegularizedRegressor(GRAPH).fit(two, y)
    np.testing.assert_array_equal(model.unreachable_, np.arange(160) >= n)
    np.testing.assert_allclose(model.transduction_[n:], Y0.sum() / 20)
    np.testing.assert_allclose(model.predict(two[n : n + 3]), Y0.sum() / 20)
    c = np.concatenate([CLASSES, np.full(n, -1)])
    with pytest.warns(UserWarning, match="80 of 160 rows lie in components"):
        model = LaplacianRegularizedClassifier(GRAPH).fit(two, c)
    frequent = np.bincount(CLASSES[CLASSES >= 0]).argmax()
    np.testing.assert_array_equal(model.transduction_[n:], frequent)


def test_refitting_another_form_forgets_the_first():
    model = regressor(kernel="rbf").fit(X, Y)
    model.set_params(kernel=None).fit(X, Y)
    assert not hasattr(model, "dual_coef_")
    model.set_params(kernel="linear").fit(X, Y)
    assert not hasattr(model, "X_fit_")
    assert model.coef_.shape == (3,)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kernel": "rbf", "alpha": 0}, "alpha must be > 0 for a kernel expansion"),
        ({"graph": "precomputed", "kernel": "rbf"}, "leaves no features for a kernel"),
        ({"approximation": "nystroem"}, "is one of a kernel"),
        (
            {"approximation": "random_features", "kernel": "cosine"},
            "approximates kernel='rbf'",
        ),
        ({"power": 1.5}, "power must be an integer"),
        ({"power": 0}, "power must be an integer"),
        (
            {"kernel": "linear", "fit_intercept": True, "normalization": "symmetric"},
            "fit_intercept=True needs normalization=None",
        ),
        ({"graph": "nonsense"}, "'graph' parameter"),
        ({"kernel": "nonsense"}, "'kernel' parameter"),
        ({"graph_alpha": -1.0}, "'graph_alpha' parameter"),
    ],
)
def test_parameters_that_contradict_each_other(parameters, message):
    model = LaplacianRegularizedRegressor(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(n, np.nan), "no labeled sample"),
        (np.where(np.arange(n) == 3, np.inf, 1.0), "infinity"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        LaplacianRegularizedRegressor(GRAPH).fit(X, y)


def test_bad_rows():
    with pytest.raises(ValueError, match="NaN"):
        LaplacianRegularizedRegressor(GRAPH).fit(np.where(X > 2, np.nan, X), Y)
    model = LaplacianRegularizedRegressor(GRAPH).fit(X, Y)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(X[:, :2])
    with pytest.raises(NotFittedError):
        LaplacianRegularizedRegressor().predict(X)
    with pytest.raises(ValueError, match="all zero"):
        LaplacianRegularizedRegressor(GRAPH).fit(X, Y, np.isnan(Y).astype(float))
    with pytest.raises(ValueError, match="Negative values in data passed to `sample_w"):
        LaplacianRegularizedRegressor(GRAPH).fit(X, Y, np.full(n, -1.0))
    with pytest.raises(ValueError, match="1 sample"):
        LaplacianRegularizedRegressor(GRAPH).fit(X[:1], [1.0])


# Other array libraries


@pytest.mark.parametrize("kernel", [None, "rbf"])
@pytest.mark.parametrize(("dtype", "atol"), [("float32", 1e-5), ("float64", 1e-9)])
def test_device_arrays_give_the_same_answers(kernel, dtype, atol, namespace):
    xp, device = namespace
    host = X.astype(dtype)
    Xd = xp.asarray(host.tolist(), dtype=getattr(xp, dtype), device=device)
    parameters = {"kernel": kernel, "tol": 1e-7 if dtype == "float32" else 1e-12}
    model = LaplacianRegularizedRegressor(GRAPH, **parameters).fit(Xd, Y)
    expected = LaplacianRegularizedRegressor(GRAPH, **parameters).fit(host, Y)
    for got, want in (
        (model.transduction_, expected.transduction_),
        (model.predict(Xd[:9, :]), expected.predict(host[:9])),
    ):
        assert got.dtype == Xd.dtype
        assert got.device == Xd.device
        np.testing.assert_allclose([float(v) for v in got], want, atol=atol)
    classifier = LaplacianRegularizedClassifier(GRAPH, **parameters).fit(Xd, CLASSES)
    wanted = LaplacianRegularizedClassifier(GRAPH, **parameters).fit(host, CLASSES)
    np.testing.assert_array_equal(
        [int(v) for v in classifier.predict(Xd)], wanted.predict(host)
    )


def test_what_knows_numpy_only_says_so(namespace):
    xp, device = namespace
    Xd = xp.asarray(X.tolist(), device=device)
    with pytest.raises(ValueError, match=r"know NumPy only.*kernel=None"):
        LaplacianRegularizedRegressor(GRAPH, kernel="linear").fit(Xd, Y)
    with pytest.raises(ValueError, match=r"knows NumPy only.*loss='squared'"):
        LaplacianRegularizedClassifier(GRAPH, loss="hinge").fit(Xd, CLASSES)
    with pytest.raises(ValueError, match=r"(?i)numpy"):
        LaplacianRegularizedRegressor(GRAPH, solver="amg").fit(Xd, Y)
    model = LaplacianRegularizedRegressor(GRAPH).fit(Xd, Y)
    with pytest.raises(ValueError, match="must use the same namespace"):
        model.predict(X)
