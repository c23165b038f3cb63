"""Search on hidden labels with shared graphs."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, make_moons
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.model_selection import LabeledSplit, TransductiveSearchCV
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
)

# Clouds and moons fall into pieces, which is not the matter here.
pytestmark = pytest.mark.filterwarnings("ignore:The graph of NeighborsGraph has")

X, TRUTH = make_moons(150, noise=0.12, random_state=0)
LABELED = np.random.default_rng(0).permutation(150)[:24]
Y = np.full(150, -1)
Y[LABELED] = TRUTH[LABELED]
GRID = {
    "graph__n_neighbors": [4, 8],
    "method": ["poisson", "harmonic", "local_global"],
}
MODEL = LabelDiffusionClassifier(NeighborsGraph())


class CountingGraph(NeighborsGraph):
    """Counts how often any instance is fitted."""

    fits = 0

    def fit(self, X, y=None):
        CountingGraph.fits += 1
        return super().fit(X)


def test_scores_are_those_of_a_plain_loop():
    search = TransductiveSearchCV(MODEL, GRID, cv=4).fit(X, Y)
    for number, settings in enumerate(search.cv_results_["params"]):
        for split, (_, test) in enumerate(LabeledSplit(4).split(X, Y)):
            y = Y.copy()
            y[test] = -1
            model = clone(MODEL).set_params(**settings).fit(X, y)
            expected = accuracy_score(Y[test], model.transduction_[test])
            assert search.cv_results_[f"split{split}_test_score"][number] == expected


def test_each_graph_is_built_once():
    CountingGraph.fits = 0
    model = LabelDiffusionClassifier(CountingGraph())
    search = TransductiveSearchCV(model, GRID, cv=4, refit=False).fit(X, Y)
    assert CountingGraph.fits == search.n_graphs_ == 2


def test_hidden_labels_do_not_leak():
    # Wrong labels in one fold change the scores of that fold, not what was said.
    (_, test), *_ = LabeledSplit(4).split(X, Y)
    said = []

    def remember(model, rows, truth):
        if np.array_equal(rows, test):
            said.append(model.predict(rows))
        return 0.0

    options = {"cv": _Fixed(X, Y), "scoring": remember, "refit": False}
    TransductiveSearchCV(MODEL, {"method": ["poisson"]}, **options).fit(X, Y)
    wrong = Y.copy()
    wrong[test] = 1 - wrong[test]
    TransductiveSearchCV(MODEL, {"method": ["poisson"]}, **options).fit(X, wrong)
    np.testing.assert_array_equal(*said)


class _Fixed:
    """The folds of one set of labels, whatever the labels are later."""

    def __init__(self, X, Y):
        rows = {row: place for place, row in enumerate(np.flatnonzero(Y >= 0))}
        self.tests = [
            np.array([rows[r] for r in test]) for _, test in LabeledSplit(4).split(X, Y)
        ]

    def split(self, X, y=None, groups=None):
        for test in self.tests:
            yield np.setdiff1d(np.arange(len(X)), test), test

    def get_n_splits(self, X=None, y=None, groups=None):
        return len(self.tests)


def test_results_have_the_form_of_grid_search():
    search = TransductiveSearchCV(MODEL, GRID, cv=3).fit(X, Y)
    results = search.cv_results_
    assert len(results["params"]) == 6
    best = search.best_index_
    assert results["rank_test_score"][best] == 1
    assert results["mean_test_score"][best] == search.best_score_
    assert results["params"][best] == search.best_params_
    assert list(results["param_method"][:3]) == ["poisson", "harmonic", "local_global"]
    assert search.n_splits_ == 3
    assert search.best_estimator_.graph.n_neighbors in (4, 8)
    np.testing.assert_array_equal(search.predict(X[:5]), search.predict(X)[:5])
    np.testing.assert_allclose(search.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_array_equal(search.classes_, [0, 1])
    hits = accuracy_score(TRUTH, search.predict(X))
    assert search.score(X, TRUTH) == hits > 0.8
    assert search.n_features_in_ == 2


def test_refit_is_an_ordinary_fit():
    search = TransductiveSearchCV(MODEL, GRID, cv=3).fit(X, Y)
    model = clone(MODEL).set_params(**search.best_params_).fit(X, Y)
    np.testing.assert_array_equal(
        search.best_estimator_.transduction_, model.transduction_
    )
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


@pytest.mark.parametrize("labels", [(-1, 1), ("no", "yes"), (5, 9)])
def test_any_class_labels(labels):
    known = np.array(labels)[TRUTH]
    if labels != (-1, 1):
        known = known.astype(object)
        known[Y < 0] = -1
    model = LabelDiffusionClassifier(NeighborsGraph(6))
    search = TransductiveSearchCV(model, {"method": ["poisson", "harmonic"]}, cv=3)
    if labels == (-1, 1):
        with pytest.warns(UserWarning, match="exactly the labels -1 and 1"):
            search.fit(X, known)
    else:
        search.fit(X, known)
    assert search.best_score_ > 0.85
    assert set(search.predict(X)) == set(labels)


def test_pipelines():
    pipeline = make_pipeline(StandardScaler(), MODEL)
    grid = {
        "standardscaler__with_std": [True, False],
        "labeldiffusionclassifier__method": ["poisson", "harmonic"],
        "labeldiffusionclassifier__graph__n_neighbors": [5],
    }
    search = TransductiveSearchCV(pipeline, grid, cv=3).fit(X, Y)
    assert search.n_graphs_ == 2
    Z = StandardScaler().fit_transform(X)
    own = TransductiveSearchCV(
        MODEL, {"graph__n_neighbors": [5], "method": ["poisson", "harmonic"]}, cv=3
    ).fit(Z, Y)
    scaled = [p["standardscaler__with_std"] for p in search.cv_results_["params"]]
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"][scaled],
        own.cv_results_["mean_test_score"],
    )


def test_precomputed_graphs():
    W = NeighborsGraph(6).fit(X).affinity_
    grid = {"method": ["poisson", "harmonic"]}
    given = LabelDiffusionClassifier("precomputed")
    search = TransductiveSearchCV(given, grid, cv=3).fit(W, Y)
    expected = TransductiveSearchCV(
        LabelDiffusionClassifier(NeighborsGraph(6)), grid, cv=3
    ).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


def test_regression():
    digits = load_digits().data[:120]
    values = digits @ np.linspace(-1, 1, 64)
    y = np.where(np.arange(120) < 60, values, np.nan)
    grid = {"method": ["harmonic", "poisson"], "graph__n_neighbors": [5]}
    model = LabelDiffusionRegressor(NeighborsGraph())
    search = TransductiveSearchCV(model, grid, cv=KFold(3)).fit(digits, y)
    _, test = list(LabeledSplit(KFold(3)).split(digits, y))[1]
    hidden = y.copy()
    hidden[test] = np.nan
    fitted = clone(model).set_params(**search.cv_results_["params"][0])
    said = fitted.fit(digits, hidden).transduction_[test]
    assert search.cv_results_["split1_test_score"][0] == r2_score(y[test], said)


def test_several_scores():
    scoring = {"hits": make_scorer(accuracy_score), "loss": "neg_log_loss"}
    grid = {"method": ["poisson", "harmonic"]}
    search = TransductiveSearchCV(MODEL, grid, cv=3, scoring=scoring, refit="hits")
    search.fit(X, Y)
    assert search.multimetric_
    assert {"mean_test_hits", "mean_test_loss"} <= set(search.cv_results_)
    assert np.all(search.cv_results_["mean_test_loss"] <= 0)
    with pytest.raises(ValueError, match="refit names the one that decides"):
        TransductiveSearchCV(MODEL, grid, scoring=scoring).fit(X, Y)


def test_failed_fits_are_told():
    grid = {"class_priors": [None, [1.0, 2.0, 3.0]]}
    with pytest.warns(FitFailedWarning, match="class_priors"):
        search = TransductiveSearchCV(MODEL, grid, cv=3).fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    assert search.best_index_ == 0
    with pytest.raises(ValueError, match="class_priors has shape"):
        TransductiveSearchCV(MODEL, grid, cv=3, error_score="raise").fit(X, Y)
    bad = {"class_priors": [[1.0, 2.0, 3.0]]}
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match="Every fit of TransductiveSearchCV failed"),
    ):
        TransductiveSearchCV(MODEL, bad, cv=3).fit(X, Y)


def test_failing_scorers_are_told():
    def broken(model, rows, truth):
        raise ZeroDivisionError("broken scorer")

    regularized = LaplacianRegularizedClassifier(NeighborsGraph())
    for model in (MODEL, regularized):
        search = TransductiveSearchCV(model, {}, cv=3, scoring=broken, refit=False)
        with (
            pytest.warns(FitFailedWarning, match="broken scorer"),
            pytest.raises(ValueError, match="Every fit"),
        ):
            search.fit(X, Y)
        with pytest.raises(ZeroDivisionError):
            search.set_params(error_score="raise").fit(X, Y)


def test_a_list_of_one_score_is_a_list():
    search = TransductiveSearchCV(
        MODEL, {"method": ["poisson"]}, cv=3, scoring=["accuracy"], refit="accuracy"
    ).fit(X, Y)
    assert search.multimetric_
    assert search.best_score_ == search.cv_results_["mean_test_accuracy"][0]


def test_threads_change_nothing():
    one = TransductiveSearchCV(MODEL, GRID, cv=3).fit(X, Y)
    two = TransductiveSearchCV(MODEL, GRID, cv=3, n_jobs=2).fit(X, Y)
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )


def test_estimators_without_a_graph_are_refused():
    search = TransductiveSearchCV(LogisticRegression(), {"C": [1.0]})
    with pytest.raises(TypeError, match=r"parameter `graph`.*got LogisticRegression"):
        search.fit(X, Y)


def test_without_refit_there_is_no_model():
    search = TransductiveSearchCV(MODEL, {"method": ["poisson"]}, cv=3, refit=False)
    search.fit(X, Y)
    with pytest.raises(AttributeError, match="refit=False"):
        search.predict(X)


def test_missing_targets():
    with pytest.raises(ValueError, match="requires y to be passed"):
        TransductiveSearchCV(MODEL, GRID).fit(X)


@pytest.mark.parametrize("scaling", ["mean", "sum"])
@pytest.mark.parametrize("priors", ["auto", None])
@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("alpha", [0.0, "auto", 0.5])
def test_settings_solved_at_once_say_what_single_fits_say(
    scaling, priors, alpha, power
):
    model = LaplacianRegularizedClassifier(
        NeighborsGraph(6), class_priors=priors, scaling=scaling, power=power, tol=1e-10
    )
    grid = {"alpha": [alpha], "graph_alpha": [1e-2, 1.0, 300.0, "auto"]}
    search = TransductiveSearchCV(model, grid, cv=4, refit=False).fit(X, Y)
    for number, settings in enumerate(search.cv_results_["params"]):
        for split, (_, test) in enumerate(LabeledSplit(4).split(X, Y)):
            y = Y.copy()
            y[test] = -1
            fitted = clone(model).set_params(**settings).fit(X, y)
            expected = accuracy_score(Y[test], fitted.transduction_[test])
            assert search.cv_results_[f"split{split}_test_score"][number] == expected


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("power", [1, 2])
def test_regressions_solved_at_once_say_what_single_fits_say(fit_intercept, power):
    y = np.where(Y >= 0, X[:, 0] ** 2, np.nan)
    model = LaplacianRegularizedRegressor(
        NeighborsGraph(6), fit_intercept=fit_intercept, power=power, tol=1e-10
    )
    grid = {"alpha": [1e-4, 1e-2, "auto"], "graph_alpha": [1e-3, 1.0]}
    search = TransductiveSearchCV(model, grid, cv=KFold(3), refit=False).fit(X, y)
    for number, settings in enumerate(search.cv_results_["params"]):
        for split, (_, test) in enumerate(LabeledSplit(KFold(3)).split(X, y)):
            hidden = y.copy()
            hidden[test] = np.nan
            fitted = clone(model).set_params(**settings).fit(X, hidden)
            expected = r2_score(y[test], fitted.transduction_[test])
            got = search.cv_results_[f"split{split}_test_score"][number]
            assert got == pytest.approx(expected, abs=1e-4)


def test_other_settings_are_fitted_one_by_one():
    model = LaplacianRegularizedClassifier(NeighborsGraph(6))
    grid = {"power": [1, 3], "graph_alpha": [1.0]}
    search = TransductiveSearchCV(model, grid, cv=3, refit=False).fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
