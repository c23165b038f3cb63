"""Least Lipschitz functions: certificates, closed forms, independent solutions."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.csgraph import shortest_path
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import asarray_like, csr_like, to_numpy
from sklearn_manifold_reg.graph import NeighborsGraph, RadiusGraph, laplacian
from sklearn_manifold_reg.semi_supervised import (
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
    ManifoldLipschitzClassifier,
    ManifoldLipschitzRegressor,
)
from sklearn_manifold_reg.semi_supervised._local_gradients import local_gradients

rng = np.random.default_rng(0)
n = 60
X = rng.normal(size=(n, 2))
TRUTH = np.sin(2 * X[:, 0]) + X[:, 1]
LABELED = rng.permutation(n)[:12]
Y = np.full(n, np.nan)
Y[LABELED] = TRUTH[LABELED]
GRAPH = NeighborsGraph(n_neighbors=6, connectivity="mst")
W = GRAPH.fit(X).affinity_
DENSE = W.toarray()
GRADIENTS = ("energy", "dirichlet", "max_slope")


def regressor(graph=GRAPH, **parameters):
    return ManifoldLipschitzRegressor(graph, **parameters)


def certified(**parameters):
    return {"dual_update": "projection", "tol": 1e-7, "max_iter": 3000, **parameters}


def heat_graph(t, least=1e-3):
    """Heat weights exp(-d² / (4 t)), without those below `least`."""
    return RadiusGraph(
        np.sqrt(4 * t * np.log(1 / least)), weights="heat", bandwidth=2 * np.sqrt(t)
    )


def small_problem(seed, size=12):
    """A complete graph of 12 nodes with 4 labels."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(size, 2))
    affinity = np.exp(-np.sum((points[:, None] - points) ** 2, axis=2))
    np.fill_diagonal(affinity, 0)
    y = np.full(size, np.nan)
    y[::3] = random.normal(size=len(y[::3]))
    return affinity, y


def energies(affinity, f):
    """G_i = 1/2 sum_j w_ij (f_i - f_j)², and its Jacobian."""
    apart = f[:, None] - f
    J = -affinity * apart
    J[np.diag_indices_from(J)] = np.sum(affinity * apart, axis=1)
    return 0.5 * np.sum(affinity * apart**2, axis=1), J


def squared_loss(y):
    known = ~np.isnan(y)
    targets = np.where(known, y, 0)
    return (
        lambda f: np.mean((f - targets)[known] ** 2),
        lambda f: 2 * np.where(known, f - targets, 0) / known.sum(),
        np.where(known, y, np.nanmean(y)),
    )


def slsqp(affinity, loss, slope, start, epsilon):
    """Least rho of the whole problem, by sequential quadratic programming."""
    size = len(start)
    constraints = [
        {
            "type": "ineq",
            "fun": lambda x: x[-1] - energies(affinity, x[:-1])[0],
            "jac": lambda x: np.hstack(
                [-energies(affinity, x[:-1])[1], np.ones((size, 1))]
            ),
        },
        {
            "type": "ineq",
            "fun": lambda x: epsilon - loss(x[:-1]),
            "jac": lambda x: np.append(-slope(x[:-1]), 0.0),
        },
    ]
    ahead = np.append(np.zeros(size), 1.0)
    found = minimize(
        lambda x: x[-1],
        np.append(start, energies(affinity, start)[0].max()),
        jac=lambda _: ahead,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-13},
    )
    return found.fun


# The weighted Laplacian


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_weighted_laplacian_is_the_weighted_sum_of_gradients(gradient, compiled):
    L = laplacian(W, normalization=None)
    gradients = local_gradients(gradient, L, X, bandwidth=None)
    random = np.random.default_rng(1)
    F = random.normal(size=(n, 3))
    weights = random.random(gradients.n_terms)
    if gradient == "max_slope":
        weights = (
            weights
            + sparse.csr_array((weights, W.indices, W.indptr), shape=(n, n))
            .T.tocsr()
            .data
        )
    G = gradients.squares(F)
    energy = np.sum(F * gradients.weighted(weights).matmat(F))
    np.testing.assert_allclose(energy, weights @ G, rtol=1e-12)
    np.testing.assert_allclose(gradients.node_weights(weights).sum(), weights.sum())
    apart = np.sum((F[:, None] - F) ** 2, axis=2)
    lengths = np.sum((X[:, None] - X) ** 2, axis=2)
    if gradient == "dirichlet":
        expected = np.sum(DENSE * apart, axis=1) / 2
    elif gradient == "energy":
        expected = np.sum(DENSE * apart, axis=1) / np.sum(DENSE * lengths, axis=1)
    else:
        rows, columns = W.nonzero()
        expected = apart[rows, columns] / lengths[rows, columns]
    np.testing.assert_allclose(G, expected, rtol=1e-10)
    steepest = gradients.steepness(F) ** 2
    if gradient == "max_slope":
        slopes = np.where(DENSE > 0, apart / np.where(DENSE > 0, lengths, 1), 0)
        np.testing.assert_allclose(steepest, slopes.max(axis=1), rtol=1e-10)
    else:
        np.testing.assert_allclose(steepest, G, rtol=1e-10)


def test_weighted_laplacian_is_rebuilt_in_place():
    L = laplacian(W, normalization=None)
    for gradient in GRADIENTS:
        gradients = local_gradients(gradient, L, X)
        first = gradients.weighted(np.ones(gradients.n_terms)).csr
        second = gradients.weighted(np.full(gradients.n_terms, 2.0)).csr
        assert first.data is second.data
        assert second.indices is L.csr.indices


def test_published_programs_form_differs_by_a_known_term():
    """tr (lambda f)' L f is what we have plus 1/2 sum |f_i|² (L lambda)_i."""
    L = laplacian(W, normalization=None)
    gradients = local_gradients("dirichlet", L, X)
    random = np.random.default_rng(2)
    F, weights = random.normal(size=(n, 2)), random.random(n)
    theirs = np.sum((weights[:, None] * F) * L.matmat(F))
    ours = np.sum(F * gradients.weighted(weights).matmat(F))
    difference = 0.5 * np.sum(F**2, axis=1) @ L.matmat(weights)
    np.testing.assert_allclose(theirs - ours, difference, rtol=1e-12)


@pytest.mark.parametrize("measured", [False, True])
def test_energy_is_the_squared_gradient_on_a_circle(measured):
    """sin(k theta) has the largest gradient k on the unit circle."""
    t = 1e-3
    theta = 2 * np.pi * np.arange(2000) / 2000
    circle = np.column_stack([np.cos(theta), np.sin(theta)])
    L = laplacian(heat_graph(t, 1e-12).fit(circle).affinity_, normalization=None)
    bandwidth = None if measured else 2 * np.sqrt(t)
    gradients = local_gradients("energy", L, circle, bandwidth=bandwidth)
    for k, within in ((1, 0.002), (3, 0.02), (5, 0.05)):
        largest = gradients.squares(np.sin(k * theta)[:, None]).max() / k**2
        assert 1 - within <= largest <= 1.0005


# Certificates and independent solutions


@pytest.mark.parametrize("seed", range(4))
def test_twelve_nodes_match_sequential_quadratic_programming(seed):
    affinity, y = small_problem(seed)
    model = regressor("precomputed", gradient="dirichlet", epsilon=0.05, **certified())
    model.fit(affinity, y)
    rho = slsqp(affinity, *squared_loss(y), 0.05)
    np.testing.assert_allclose(model.rho_, rho, rtol=1e-6)
    assert model.dual_gap_ <= 1e-7
    assert model.loss_ <= 0.05
    # The function itself, by other arithmetic than the estimator's.
    loss, _, _ = squared_loss(y)
    assert loss(model.transduction_) <= 0.05 * (1 + 1e-9)
    largest = energies(affinity, model.transduction_)[0].max()
    np.testing.assert_allclose(largest, model.rho_, rtol=1e-9)


def test_lower_bounds_hold_on_the_way():
    affinity, y = small_problem(7)
    rho = slsqp(affinity, *squared_loss(y), 0.05)
    for update in ("normalize", "projection"):
        parameters = certified(dual_update=update, gradient="dirichlet", epsilon=0.05)
        model = regressor("precomputed", **parameters).fit(affinity, y)
        assert np.all(model.history_["dual"] <= rho * (1 + 1e-7))
        feasible = model.history_["loss"] <= 0.05
        assert np.all(model.history_["max_gradient"][feasible] >= rho * (1 - 1e-7))
        assert (1 - model.dual_gap_) * model.rho_ <= rho * (1 + 1e-7)
        assert model.rho_ >= rho * (1 - 1e-7)


def test_path_of_three_nodes():
    path = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
    model = regressor("precomputed", gradient="dirichlet", epsilon=1e-6, **certified())
    model.fit(path, np.array([0, np.nan, 1]))
    # Labels give way by sqrt(epsilon) each: (1/2 (1 - 2e-3)²) / 2.
    np.testing.assert_allclose(model.transduction_, [0.001, 0.5, 0.999], atol=1e-5)
    np.testing.assert_allclose(model.rho_, 0.25 * 0.998**2, rtol=1e-6)
    np.testing.assert_allclose(model.lambda_, [0, 1, 0], atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_normalize_minimizes_the_sum_of_squares_of_squared_gradients(seed):
    affinity, y = small_problem(seed)
    model = regressor("precomputed", gradient="dirichlet", epsilon=0.05, tol=1e-6)
    model.fit(affinity, y)
    loss, slope, start = squared_loss(y)
    found = minimize(
        lambda f: np.sum(energies(affinity, f)[0] ** 2),
        start,
        jac=lambda f: 2 * energies(affinity, f)[0] @ energies(affinity, f)[1],
        constraints={
            "type": "ineq",
            "fun": lambda f: 0.05 - loss(f),
            "jac": lambda f: -slope(f),
        },
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    G, _ = energies(affinity, model.transduction_)
    # The loss is a thousandth of epsilon off.
    np.testing.assert_allclose(np.sum(G**2), found.fun, rtol=1e-3)
    assert np.abs(model.lambda_ - G / G.sum()).sum() <= 1e-3
    assert model.dual_gap_ > 0.01


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_weights_in_proportion_to_gradients(gradient):
    model = regressor(gradient=gradient, tol=1e-5).fit(X, Y)
    L = laplacian(W, normalization=None)
    gradients = local_gradients(gradient, L, X)
    G = gradients.squares(model.transduction_[:, None])
    shares = gradients.node_weights(G / G.sum())
    assert np.abs(model.lambda_ - shares).sum() <= 1e-3
    np.testing.assert_allclose(model.lambda_.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(model.rho_, G.max(), rtol=1e-10)
    np.testing.assert_allclose(model.lipschitz_**2, model.rho_, rtol=1e-12)
    np.testing.assert_allclose(model.gradient_.max(), model.lipschitz_, rtol=1e-12)


def test_max_slope_is_the_lipschitz_constant_between_labels():
    """The least one is the largest slope over shortest paths between labels."""
    lengths = np.where(DENSE > 0, np.linalg.norm(X[:, None] - X, axis=2), 0)
    between = shortest_path(sparse.csr_array(lengths), directed=False)
    apart = np.abs(Y[LABELED, None] - Y[LABELED])
    off = ~np.eye(len(LABELED), dtype=bool)
    slopes = apart[off] / between[np.ix_(LABELED, LABELED)][off]
    model = regressor(
        gradient="max_slope", epsilon=1e-10, **certified(tol=1e-3, max_iter=500)
    ).fit(X, Y)
    np.testing.assert_allclose(model.lipschitz_, slopes.max(), rtol=1e-3)
    assert model.dual_gap_ <= 1e-3


def test_logistic_loss_matches_sequential_quadratic_programming():
    affinity, targets = small_problem(3)
    known = ~np.isnan(targets)
    signs = np.where(targets > np.nanmedian(targets), 1, -1)
    y = np.where(known, signs > 0, -1)

    def loss(f):
        return np.mean(np.logaddexp(0, -signs * f)[known])

    def slope(f):
        own = -signs / (1 + np.exp(np.clip(signs * f, -500, 500)))
        return np.where(known, own, 0) / known.sum()

    rho = slsqp(affinity, loss, slope, np.where(known, 3.0 * signs, 0), 0.1)
    parameters = certified(tol=1e-4, loss="log_loss", epsilon=0.1)
    model = ManifoldLipschitzClassifier(
        "precomputed", gradient="dirichlet", **parameters
    ).fit(affinity, y)
    np.testing.assert_allclose(model.rho_, rho, rtol=2e-4)
    margins = model.scores_[:, 1] - model.scores_[:, 0]
    assert loss(margins) <= 0.1 * (1 + 1e-9)
    np.testing.assert_allclose(model.predict_proba(affinity).sum(axis=1), 1, rtol=1e-12)


# Limits and invariances


def test_equal_weights_are_the_ordinary_laplacian():
    model = regressor(gradient="dirichlet", max_iter=0).fit(X, Y)
    other = LaplacianRegularizedRegressor(
        GRAPH, alpha=0, graph_alpha=1 / model.mu_, power=1, fit_intercept=False
    ).fit(X, Y)
    np.testing.assert_allclose(model.transduction_, other.transduction_, atol=1e-8)
    assert np.all(model.lambda_ == 1 / n)
    assert model.n_iter_ <= 2


@pytest.mark.parametrize("update", ["normalize", "projection"])
def test_scaled_targets_scale_the_gradient(update):
    plain = regressor(epsilon=0.02, dual_update=update, tol=1e-3).fit(X, Y)
    scaled = regressor(epsilon=0.02 * 9, dual_update=update, tol=1e-3).fit(X, 3 * Y)
    np.testing.assert_allclose(scaled.rho_, 9 * plain.rho_, rtol=1e-6)
    np.testing.assert_allclose(scaled.transduction_, 3 * plain.transduction_, atol=1e-5)


@pytest.mark.parametrize("gradient", ["energy", "max_slope"])
def test_scaled_rows_scale_the_gradient(gradient):
    plain = regressor(gradient=gradient).fit(X, Y)
    scaled = regressor(gradient=gradient).fit(10 * X, Y)
    np.testing.assert_allclose(scaled.lipschitz_, plain.lipschitz_ / 10, rtol=1e-5)


def test_permuted_rows_and_number_of_threads_change_nothing():
    order = np.random.default_rng(3).permutation(n)
    plain = regressor(dual_update="projection").fit(X, Y)
    other = regressor(dual_update="projection", n_jobs=2).fit(X[order], Y[order])
    np.testing.assert_allclose(
        other.transduction_, plain.transduction_[order], atol=1e-6
    )
    np.testing.assert_allclose(other.lambda_, plain.lambda_[order], atol=1e-6)


def test_weight_zero_is_no_label():
    weights = np.ones(n)
    weights[LABELED[:4]] = 0
    fewer = Y.copy()
    fewer[LABELED[:4]] = np.nan
    np.testing.assert_allclose(
        regressor().fit(X, Y, sample_weight=weights).transduction_,
        regressor().fit(X, fewer).transduction_,
        atol=1e-9,
    )


def test_outputs_have_their_own_labels():
    """Outputs that are copies of one another share its solution."""
    both = np.column_stack([Y, Y])
    model = regressor(epsilon=0.04, tol=1e-4).fit(X, both)
    one = regressor(epsilon=0.02, tol=1e-4).fit(X, Y)
    np.testing.assert_allclose(model.transduction_[:, 1], one.transduction_, atol=1e-6)
    np.testing.assert_allclose(model.rho_, 2 * one.rho_, rtol=1e-6)
    both[LABELED[:5], 1] = np.nan
    model = regressor(epsilon=0.04, dual_update="projection").fit(X, both)
    loss = np.nanmean((model.transduction_ - both) ** 2, axis=0).sum()
    np.testing.assert_allclose(loss, model.loss_, rtol=1e-9)
    assert loss <= 0.04
    assert model.dual_gap_ <= 0.01


# Kernels, features, new rows


def test_linear_function_of_one_feature_in_closed_form():
    """The flattest line of loss epsilon: the smaller root of a quadratic."""
    x = np.linspace(0, 1, 30)[:, None]
    y = np.full(30, np.nan)
    y[::6] = 2 * x[::6, 0] + [0.1, -0.1, 0.1, -0.1, 0.1]
    known = ~np.isnan(y)
    C = np.cov(x[known, 0], y[known], bias=True)
    slope = (C[0, 1] - np.sqrt(C[0, 1] ** 2 - C[0, 0] * (C[1, 1] - 0.05))) / C[0, 0]
    for update in ("normalize", "projection"):
        model = ManifoldLipschitzRegressor(
            NeighborsGraph(3),
            kernel="linear",
            epsilon=0.05,
            dual_update=update,
            tol=1e-4,
        ).fit(x, y)
        np.testing.assert_allclose(model.coef_, [slope], rtol=2e-3)
        np.testing.assert_allclose(model.lipschitz_, slope, rtol=2e-3)
        np.testing.assert_allclose(
            model.predict(x), model.coef_ * x[:, 0] + model.intercept_
        )


@pytest.mark.parametrize("update", ["normalize", "projection"])
def test_rich_kernel_is_the_graph_alone(update):
    parameters = {"dual_update": update, "tol": 1e-3, "epsilon": 0.02}
    alone = regressor(**parameters).fit(X, Y)
    kernel = regressor(kernel="rbf", gamma=50.0, alpha=1e-10, **parameters).fit(X, Y)
    np.testing.assert_allclose(kernel.rho_, alone.rho_, rtol=3e-3)
    np.testing.assert_allclose(kernel.predict(X), kernel.transduction_, atol=1e-6)


def test_kernel_pays_for_its_norm():
    """The bound is one of gradient and norm; a larger alpha shrinks the norm."""
    norms = []
    for alpha in (1e-4, 1e-1):
        parameters = certified(kernel="rbf", gamma=0.5, alpha=alpha, tol=1e-3)
        model = regressor(epsilon=0.05, **parameters).fit(X, Y)
        K = np.exp(-0.5 * np.sum((X[:, None] - X) ** 2, axis=2))
        norms.append(model.dual_coef_ @ K @ model.dual_coef_)
        assert model.dual_gap_ <= 1e-3
        assert model.loss_ <= 0.05
    assert norms[1] < norms[0]


def test_new_rows_average_their_neighbors():
    model = regressor().fit(X, Y)
    new = X[:5] + 0.01
    weights = model.graph_.transform(new).toarray()
    expected = weights @ model.transduction_ / weights.sum(axis=1)
    np.testing.assert_allclose(model.predict(new), expected, rtol=1e-10)


# Published figures


MOONS = [
    # Largest G with equal weights, with "normalize", and with "projection".
    (0.188, 0.085, 0.031),
    (0.139, 0.065, 0.025),
    (0.210, None, 0.026),
    (0.127, 0.068, 0.028),
]


@pytest.mark.parametrize("seed", range(4))
def test_two_moons(seed):
    points, classes = make_moons(200, noise=0.05, random_state=seed)
    random = np.random.default_rng(seed)
    y = np.full(200, np.nan)
    for c in (0, 1):
        y[random.choice(np.flatnonzero(classes == c))] = 2 * c - 1
    graph = heat_graph(0.01)
    settings = ({"max_iter": 0}, {}, {"dual_update": "projection"})
    for parameters, published in zip(settings, MOONS[seed], strict=True):
        model = regressor(graph, gradient="dirichlet", epsilon=1e-3, **parameters)
        model.fit(points, y)
        if published is not None:
            np.testing.assert_allclose(model.rho_, published, rtol=0.1)
    assert model.dual_gap_ <= 0.01
    assert model.n_iter_ <= 50


@pytest.mark.slow
def test_digits_with_five_labels_a_class(shared_data):
    data = shared_data("usps")
    digits, truth = data["X"] / data["scale"], data["y"].astype(int)
    random = np.random.default_rng(0)
    y = np.full(len(truth), -1)
    for digit in range(10):
        y[random.choice(np.flatnonzero(truth == digit), 5, replace=False)] = digit
    hidden = y == -1
    accuracy, lipschitz = {}, {}
    for name, parameters in (
        ("uniform", {"max_iter": 0}),
        ("normalize", {}),
        ("projection", {"dual_update": "projection", "tol": 0.05}),
    ):
        model = ManifoldLipschitzClassifier(gradient="dirichlet", **parameters)
        model.fit(digits, y)
        accuracy[name] = np.mean(model.transduction_[hidden] == truth[hidden])
        lipschitz[name] = model.lipschitz_
    assert lipschitz["projection"] < 0.6 * lipschitz["normalize"]
    assert lipschitz["normalize"] < 0.6 * lipschitz["uniform"]
    other = LaplacianRegularizedClassifier().fit(digits, y)
    reference = np.mean(other.transduction_[hidden] == truth[hidden])
    assert reference - 0.05 <= accuracy["normalize"] <= reference + 0.02


# Dtypes, libraries, bad input


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_sparse_rows_and_float32(gradient):
    plain = regressor(gradient=gradient).fit(X, Y)
    of_sparse = regressor(gradient=gradient).fit(sparse.csr_array(X), Y)
    np.testing.assert_allclose(of_sparse.transduction_, plain.transduction_, atol=1e-7)
    narrow = regressor(gradient=gradient).fit(X.astype(np.float32), Y)
    assert narrow.transduction_.dtype == narrow.lambda_.dtype == np.float32
    np.testing.assert_allclose(narrow.transduction_, plain.transduction_, atol=1e-3)


@pytest.mark.parametrize("update", ["normalize", "projection"])
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_other_libraries_agree(namespace, gradient, update):
    xp, device = namespace
    rows = xp.asarray(X, device=device)
    model = regressor(
        NeighborsGraph(6), gradient=gradient, dual_update=update, tol=0.03
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The graph of NeighborsGraph has")
        plain = ManifoldLipschitzRegressor(**model.get_params(deep=False)).fit(X, Y)
        model.fit(rows, xp.asarray(Y, device=device))
    predicted = model.predict(rows[:4, :])
    assert type(model.lambda_) is type(predicted) is type(rows)
    # Where weights vanish a function is known to its solver's tolerance only.
    atol, rtol = (1e-4, 1e-3) if update == "normalize" else (0.05, 0.03)
    np.testing.assert_allclose(model.rho_, plain.rho_, rtol=rtol)
    np.testing.assert_allclose(model.dual_gap_, plain.dual_gap_, atol=rtol)
    for name in ("transduction_", "lambda_", "gradient_"):
        own = to_numpy(getattr(model, name))
        np.testing.assert_allclose(own, getattr(plain, name), atol=atol)
    np.testing.assert_allclose(to_numpy(predicted), plain.predict(X[:4]), atol=atol)


def test_classifier_on_other_libraries(namespace):
    xp, device = namespace
    points, classes = make_moons(60, noise=0.05, random_state=0)
    y = np.where(np.arange(60) < 8, classes, -1)
    model = ManifoldLipschitzClassifier(tol=0.1)
    plain = ManifoldLipschitzClassifier(tol=0.1).fit(points, y)
    model.fit(xp.asarray(points, device=device), xp.asarray(y, device=device))
    np.testing.assert_allclose(to_numpy(model.scores_), plain.scores_, atol=1e-5)
    assert np.all(to_numpy(model.transduction_) == plain.transduction_)
    with pytest.raises(ValueError, match="loss='log_loss' knows NumPy only"):
        ManifoldLipschitzClassifier(loss="log_loss").fit(
            xp.asarray(points, device=device), xp.asarray(y, device=device)
        )


def test_gradients_of_other_libraries_agree(namespace):
    xp, device = namespace
    reference = xp.asarray(np.ones(1), device=device)
    L = laplacian(W, normalization=None)
    other = laplacian(csr_like(W, reference), normalization=None)
    F = np.random.default_rng(5).normal(size=(n, 2))
    for gradient in GRADIENTS:
        own = local_gradients(gradient, other, asarray_like(X, reference))
        expected = local_gradients(gradient, L, X)
        G = expected.squares(F)
        np.testing.assert_allclose(to_numpy(own.squares(asarray_like(F, reference))), G)
        weighted = own.weighted(asarray_like(G, reference)).csr
        np.testing.assert_allclose(
            to_numpy(weighted.data), expected.weighted(G).csr.data
        )


def test_duplicates_have_no_infinite_slope():
    doubled = np.vstack([X, X[:10]])
    y = np.append(Y, np.full(10, np.nan))
    model = regressor(gradient="max_slope").fit(doubled, y)
    assert np.isfinite(model.lipschitz_)
    np.testing.assert_allclose(
        model.transduction_[n:], model.transduction_[:10], atol=1e-3
    )


@pytest.mark.parametrize("kernel", [None, "rbf", "linear"])
def test_epsilon_above_the_variance_gives_the_mean(kernel):
    with pytest.warns(UserWarning, match="is not below") as told:
        model = regressor(epsilon=100.0, kernel=kernel).fit(X, Y)
    assert len(told) == 1
    np.testing.assert_allclose(model.transduction_, np.nanmean(Y))
    np.testing.assert_allclose(model.predict(X[:3]), np.nanmean(Y))
    assert model.rho_ == model.lipschitz_ == model.dual_gap_ == 0


def test_epsilon_must_be_positive():
    for epsilon in (0, -1.0):
        with pytest.raises(ValueError, match="'epsilon' parameter"):
            regressor(epsilon=epsilon).fit(X, Y)


@pytest.mark.filterwarnings("ignore:The graph of")
def test_component_without_label_gets_the_mean():
    apart = np.vstack([X, X[:20] + 1000])
    y = np.append(Y, np.full(20, np.nan))
    with pytest.warns(UserWarning, match="20 of 80 rows lie in components"):
        model = regressor(NeighborsGraph(6)).fit(apart, y)
    np.testing.assert_allclose(model.transduction_[n:], np.nanmean(Y))
    assert np.array_equal(model.unreachable_, np.arange(80) >= n)
    alone = regressor(NeighborsGraph(6)).fit(X, Y)
    np.testing.assert_allclose(model.rho_, alone.rho_, rtol=1e-2)


@pytest.mark.filterwarnings("ignore:The graph of")
def test_each_component_has_its_own_constant():
    apart = np.vstack([X, X + 1000])
    y = np.full(2 * n, np.nan)
    y[[0, 5, n, n + 5]] = [1, 1, 2, 2]
    with pytest.warns(UserWarning, match="is not below"):
        model = regressor(NeighborsGraph(6)).fit(apart, y)
    np.testing.assert_allclose(model.transduction_, np.repeat([1.0, 2.0], n))


def test_loss_that_no_line_attains():
    with pytest.warns(ConvergenceWarning, match="no function of kernel='linear'"):
        model = regressor(kernel="linear", epsilon=1e-4).fit(X, Y)
    assert model.loss_ > 1e-4
    assert np.isnan(model.dual_gap_)


def test_too_few_steps_are_told():
    with pytest.warns(ConvergenceWarning, match="after max_iter=2 changes"):
        model = regressor(dual_update="projection", max_iter=2, tol=1e-6).fit(X, Y)
    assert model.dual_gap_ > 1e-6
    assert len(model.history_["dual"]) >= 3


def test_contradictory_parameters():
    with pytest.raises(ValueError, match="is the scale of gradient='energy'"):
        regressor(gradient="dirichlet", bandwidth=1.0).fit(X, Y)
    with pytest.raises(ValueError, match="gradient='energy' measures distances"):
        regressor("precomputed").fit(W, Y)
    with pytest.raises(ValueError, match="leaves no features for a kernel"):
        regressor("precomputed", kernel="rbf").fit(W, Y)
    assert not hasattr(ManifoldLipschitzClassifier(), "predict_proba")
    regressor("precomputed", bandwidth=1.0).fit(W, Y)
