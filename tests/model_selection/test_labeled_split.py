"""Splits of partly labeled data."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    StratifiedShuffleSplit,
    cross_validate,
    learning_curve,
)

from sklearn_manifold_reg.model_selection import LabeledSplit
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
)

# Clouds and moons fall into pieces, which is not the matter here.
pytestmark = pytest.mark.filterwarnings("ignore:The graph of NeighborsGraph has")

rng = np.random.default_rng(0)
CLASSES = np.where(rng.random(60) < 0.5, rng.integers(0, 3, 60), -1)
VALUES = np.where(rng.random(60) < 0.5, rng.normal(size=60), np.nan)


@pytest.mark.parametrize(
    ("y", "labeled"), [(CLASSES, CLASSES >= 0), (VALUES, ~np.isnan(VALUES))]
)
@pytest.mark.parametrize("cv", [3, KFold(4, shuffle=True, random_state=0)])
def test_labeled_rows_are_divided_and_the_others_train(y, labeled, cv):
    tests = []
    for train, test in LabeledSplit(cv).split(y, y):
        assert labeled[test].all()
        np.testing.assert_array_equal(
            np.sort(np.concatenate([train, test])), np.arange(60)
        )
        tests.append(test)
    np.testing.assert_array_equal(
        np.sort(np.concatenate(tests)), np.flatnonzero(labeled)
    )
    assert len(tests) == LabeledSplit(cv).get_n_splits(y, y)


def test_classes_are_stratified():
    y = np.concatenate([np.zeros(20, int), np.ones(10, int), np.full(70, -1)])
    for _, test in LabeledSplit(5).split(y, y):
        assert np.bincount(y[test]).tolist() == [4, 2]


def test_strings_and_objects():
    y = np.array(["a", "b"] * 4 + [-1] * 5, dtype=object)
    tests = [test for _, test in LabeledSplit(2).split(y, y)]
    assert sorted(np.concatenate(tests)) == list(range(8))


def test_two_outputs():
    Y = np.full((10, 2), np.nan)
    Y[:3, 0] = Y[2:5, 1] = 1
    tests = [test for _, test in LabeledSplit(5).split(Y, Y)]
    assert sorted(np.concatenate(tests)) == [0, 1, 2, 3, 4]


def test_groups_stay_together():
    groups = np.arange(60) // 10
    for train, test in LabeledSplit(GroupKFold(3)).split(CLASSES, CLASSES, groups):
        known = train[CLASSES[train] >= 0]
        assert not set(groups[known]) & set(groups[test])


def test_number_of_folds_may_depend_on_the_labels():
    n_labeled = np.sum(CLASSES >= 0)
    assert LabeledSplit(LeaveOneOut()).get_n_splits(CLASSES, CLASSES) == n_labeled
    assert LabeledSplit(7).get_n_splits() == 7
    assert LabeledSplit(KFold(4)).get_n_splits() == 4
    assert repr(LabeledSplit(3)) == "LabeledSplit(cv=3)"


def two_clouds():
    X = rng.normal(size=(60, 2)) + 6 * (np.arange(60) % 2)[:, None]
    y = np.where(np.arange(60) < 20, np.arange(60) % 2, -1)
    return X, y


def test_in_scikit_learns_tools():
    X, y = two_clouds()
    model = LabelDiffusionClassifier()
    scores = cross_validate(model, X, y, cv=LabeledSplit(4))["test_score"]
    np.testing.assert_array_equal(scores, 1)
    grid = {"method": ["poisson", "harmonic"]}
    search = GridSearchCV(model, grid, cv=LabeledSplit(4)).fit(X, y)
    assert search.best_score_ == 1
    splitter = LabeledSplit(StratifiedShuffleSplit(2, random_state=0))
    _, _, tested = learning_curve(model, X, y, cv=splitter, train_sizes=[0.5, 1.0])
    assert tested.shape == (2, 2)


def test_regressors_are_scored_where_targets_are_known():
    X, _ = two_clouds()
    y = np.where(np.arange(60) < 30, X[:, 0], np.nan)
    model = LabelDiffusionRegressor()
    scores = cross_validate(model, X, y, cv=LabeledSplit(3), error_score="raise")
    assert np.isfinite(scores["test_score"]).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "needs y"),
        (np.full(5, -1), "holds no labeled sample"),
        (np.full(5, np.nan), "holds no labeled sample"),
        (np.array([0, 1, -1, -1, -1]), "cv=5 folds need .* n_samples=2 labels"),
        (np.array([0.5, np.inf, np.nan]), "infinity"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        next(LabeledSplit(5).split(np.zeros((5, 1)), y))


def test_classes_as_floating_point_numbers_are_told():
    y = np.array([0.0, 1.0, -1.0, 0.0, 1.0, -1.0])
    with pytest.warns(UserWarning, match="Class labels.* are integers or strings"):
        next(LabeledSplit(2).split(y, y))


def test_bad_splitter():
    with pytest.raises(TypeError, match="a number of folds or a splitter, got 'x'"):
        LabeledSplit("x").get_n_splits()
    with pytest.raises(TypeError, match="a number of folds or a splitter, got Ridge"):
        next(LabeledSplit(Ridge()).split(CLASSES, CLASSES))
