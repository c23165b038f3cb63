import numpy as np
import pytest

from sklearn_manifold_reg.metrics import copeland_score


def make_scores(seed=0):
    # Whole numbers, so that there are ties.
    return np.random.default_rng(seed).integers(0, 5, (40, 6)).astype(float)


def test_duels_by_hand():
    assert copeland_score([[0.9, 0.5, 0.1]]).tolist() == [2, 0, -2]
    assert copeland_score([[0.9, 0.5, 0.5]]).tolist() == [2, -1, -1]
    assert copeland_score([[0.9, 0.5], [0.4, 0.5], [0.5, 0.5]]).tolist() == [0, 0]
    assert copeland_score([[1, 2, 3], [1, 2, 3]]).tolist() == [-4, 0, 4]
    assert copeland_score([[0.3], [0.4]]).tolist() == [0]


def test_it_is_the_sum_of_all_duels():
    scores = make_scores()
    duels = np.sign(scores[:, :, None] - scores[:, None, :])
    np.testing.assert_array_equal(copeland_score(scores), duels.sum(axis=(0, 2)))


def test_invariances():
    scores = make_scores()
    copeland = copeland_score(scores)
    assert copeland.sum() == 0
    np.testing.assert_array_equal(copeland_score(-scores), -copeland)
    np.testing.assert_array_equal(
        copeland_score(-scores, greater_is_better=False), copeland
    )
    np.testing.assert_array_equal(copeland_score(scores[:, ::-1]), copeland[::-1])
    graphs = np.random.default_rng(1).normal(size=(40, 1))
    np.testing.assert_array_equal(copeland_score(np.exp(scores) + 3 * graphs), copeland)
    np.testing.assert_array_equal(
        copeland_score(scores[:15]) + copeland_score(scores[15:]), copeland
    )


def test_a_failure_can_lose_to_all():
    scores = [[0.2, -np.inf, 0.1], [-np.inf, -np.inf, 0.1]]
    assert copeland_score(scores).tolist() == [1, -3, 2]


def test_bad_input_is_refused():
    for kind in (float, object):
        scores = make_scores().astype(kind)
        scores[0, :2] = np.nan
        with pytest.raises(ValueError, match=r"2 NaN.*the worst score, -inf"):
            copeland_score(scores)
    with pytest.raises(ValueError, match="Expected 2D array"):
        copeland_score([0.1, 0.2])
