"""Rules for partly labeled targets."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklearn_manifold_reg.utils._targets import (
    encode_partial_labels,
    validate_partial_classification,
    validate_partial_regression,
)

X = np.arange(8.0).reshape(4, 2)


class Estimator(BaseEstimator):
    pass


@pytest.mark.parametrize(
    ("y", "codes", "classes"),
    [
        (np.array([3, -1, 5, 3]), [0, -1, 1, 0], [3, 5]),
        (np.array(["b", "a", "b"]), [1, 0, 1], ["a", "b"]),
        (np.array(["b", -1, "a"], dtype=object), [1, -1, 0], ["a", "b"]),
        (np.array([True, False]), [1, 0], [False, True]),
        (np.array([-1.0, 2.0, 7.0]), [-1, 0, 1], [2.0, 7.0]),
        (np.array([-1, 0, 1]), [-1, 0, 1], [0, 1]),
    ],
)
def test_minus_one_is_unlabeled(y, codes, classes):
    got_codes, got_classes = encode_partial_labels(y)
    assert got_codes.tolist() == codes
    assert got_classes.tolist() == classes


def test_labels_minus_one_and_one_are_read_as_fully_labeled():
    with pytest.warns(UserWarning, match="Recode the classes as 0 and 1"):
        codes, classes = encode_partial_labels(np.array([-1, 1, 1, -1]))
    assert codes.tolist() == [0, 1, 1, 0]
    assert classes.tolist() == [-1, 1]


def test_no_label_at_all_raises():
    with pytest.raises(ValueError, match="holds no labeled sample"):
        encode_partial_labels(np.array([-1, -1, -1]))


def test_one_class_raises():
    with pytest.raises(ValueError, match=r"at least two classes.*one class only: 4"):
        validate_partial_classification(Estimator(), X, [4, -1, 4, -1])


@pytest.mark.parametrize(
    "validate", [validate_partial_regression, validate_partial_classification]
)
def test_missing_y_raises(validate):
    with pytest.raises(ValueError, match="requires y to be passed"):
        validate(Estimator(), X, None)


def test_class_labels_must_be_finite():
    with pytest.raises(ValueError, match="NaN"):
        validate_partial_classification(Estimator(), X, [0.0, np.nan, 1.0, 1.0])


def test_continuous_targets_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        validate_partial_classification(Estimator(), X, [0.1, 0.2, 1.3, 1.0])


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        validate_partial_regression(Estimator(), X, [1.0, 2.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_regression_targets_follow_the_samples(dtype):
    y = np.array([1, np.nan, 3, 4])
    _, Y, labeled, ravel = validate_partial_regression(
        Estimator(), X.astype(dtype), y, dtype=[np.float64, np.float32]
    )
    assert Y.dtype == dtype
    assert ravel
    np.testing.assert_array_equal(Y[:, 0], [1, 0, 3, 4])
    np.testing.assert_array_equal(labeled[:, 0], [True, False, True, True])
    assert np.isnan(y[1]), "the caller's targets were written to"


def test_each_output_has_its_own_labels():
    y = np.array([[1, np.nan], [np.nan, 2], [3, 4], [np.nan, np.nan]])
    _, Y, labeled, ravel = validate_partial_regression(Estimator(), X, y)
    assert not ravel
    np.testing.assert_array_equal(labeled, ~np.isnan(y))
    np.testing.assert_array_equal(Y, np.nan_to_num(y))


def test_infinite_target_raises():
    with pytest.raises(ValueError, match="infinity"):
        validate_partial_regression(Estimator(), X, [1, np.inf, 2, 3])


def test_output_without_a_target_raises():
    with pytest.raises(ValueError, match="no labeled sample in at least one output"):
        validate_partial_regression(Estimator(), X, [[1, np.nan]] * 4)


def test_targets_follow_the_samples_to_their_device(namespace):
    xp, device = namespace
    Xd = xp.asarray(X.tolist(), dtype=xp.float32, device=device)
    _, Y, labeled, _ = validate_partial_regression(
        Estimator(), Xd, np.array([1, np.nan, 3, 4])
    )
    assert Y.dtype == xp.float32
    assert Y.device == Xd.device
    assert [bool(v) for v in labeled[:, 0]] == [True, False, True, True]
    y = xp.asarray([7, -1, 9, 7], device=device)
    _, codes, classes = validate_partial_classification(Estimator(), Xd, y)
    assert codes.device == Xd.device
    assert [int(c) for c in codes] == [0, -1, 1, 0]
    assert [int(c) for c in classes] == [7, 9]
