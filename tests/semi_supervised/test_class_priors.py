import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linear_sum_assignment

from sklearn_manifold_reg.semi_supervised._class_priors import (
    class_shift,
    class_sizes,
    count_classes,
    meet_class_priors,
    resolve_class_priors,
)


def random_scores(n_samples, n_classes, dtype=np.float64):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_samples, n_classes)).astype(dtype)


def test_without_priors_columns_have_weighted_mean_zero():
    scores, degrees = random_scores(50, 3), np.linspace(0, 2, 50)

    shifted = meet_class_priors(scores, degrees, None)

    assert_allclose(degrees @ shifted, 0, atol=1e-12)
    assert_allclose(np.ptp(shifted - scores, axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("priors", [[0.25] * 4, [0.7, 0.1, 0.15, 0.05]])
def test_sizes_are_within_one_row_of_those_asked_for(priors, dtype):
    scores = random_scores(1001, 4, dtype) * [1, 2, 0.5, 3] + [5, 0, 0, -2]
    scores = scores.astype(dtype)

    shifted = meet_class_priors(scores, np.ones(1001), priors)

    counts = count_classes(shifted.argmax(axis=1), 4)
    assert np.abs(counts - class_sizes(priors, 1001)).max() <= 1
    assert shifted.dtype == dtype


def test_assignment_is_the_best_of_these_sizes():
    scores = random_scores(40, 4)

    shifted = meet_class_priors(scores, np.ones(40), [0.25] * 4, slack=0)

    chosen = shifted.argmax(axis=1)
    slots = np.repeat(np.arange(4), 10)
    rows, columns = linear_sum_assignment(-scores[:, slots])
    assert_array_equal(np.bincount(chosen), 10)
    assert_allclose(
        scores[np.arange(40), chosen].sum(), scores[:, slots][rows, columns].sum()
    )


def test_tied_rows_stay_together():
    scores = np.zeros((10, 2))

    shift = class_shift(scores, np.ones(10), [0.5, 0.5], max_iter=20)

    assert np.all(np.isfinite(shift))


def test_array_api_gives_the_same_shift():
    xp = pytest.importorskip("array_api_strict")
    from sklearn import config_context

    scores, degrees = random_scores(200, 3), np.linspace(1, 2, 200)
    expected = class_shift(scores, degrees, [0.5, 0.3, 0.2])

    with config_context(array_api_dispatch=True):
        actual = class_shift(xp.asarray(scores), xp.asarray(degrees), [0.5, 0.3, 0.2])

    assert_allclose(np.asarray(actual), expected, atol=1e-12)


def test_sizes_add_up():
    assert_array_equal(class_sizes([1 / 3, 1 / 3, 1 / 3], 10), [4, 3, 3])


def test_priors_are_read():
    counts = [3, 1]
    assert resolve_class_priors(None, counts) is None
    assert_allclose(resolve_class_priors("uniform", counts), [0.5, 0.5])
    assert_allclose(resolve_class_priors("labels", counts), [0.75, 0.25])
    assert_allclose(resolve_class_priors([2, 6], counts), [0.25, 0.75])


def test_bad_priors_are_named():
    with pytest.raises(ValueError, match=r"class_priors has shape \(3,\)"):
        resolve_class_priors([1, 1, 1], [1, 1])
    with pytest.raises(ValueError, match="class_priors must hold positive"):
        resolve_class_priors([1, 0], [1, 1])
