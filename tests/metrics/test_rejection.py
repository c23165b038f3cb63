import numpy as np
import pytest
from scipy.linalg import expm
from sklearn import metrics as sklearn_metrics

from sklearn_manifold_reg._arrays import namespace_of, to_numpy
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.metrics import rejection_auc, rejection_curve


def make_distances(n=60, n_classes=3, *, tied=False, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    X = rng.normal(size=(n, 3)) + y[:, None]
    distances = np.sqrt(np.sum((X[:, None] - X) ** 2, axis=-1))
    return (np.round(distances) if tied else distances), y


def pairs(distances, y):
    upper = np.triu_indices(len(y), k=1)
    return (y[:, None] == y)[upper], -distances[upper]


def area(curve):
    return sklearn_metrics.auc(curve[0], curve[1])


def turns(curve):
    right, up = np.diff(curve[0]), np.diff(curve[1])
    return right[1:] * up[:-1] - right[:-1] * up[1:]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_area_and_curve_are_those_of_scikit_learn_over_pairs(n_classes, tied):
    distances, y = make_distances(n_classes=n_classes, tied=tied)
    truth, scores = pairs(distances, y)
    expected = sklearn_metrics.roc_auc_score(truth, scores)
    assert rejection_auc(distances, y) == pytest.approx(expected, abs=1e-14)
    curve = rejection_curve(distances, y, drop_intermediate=False)
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(
        truth, scores, drop_intermediate=False
    )
    np.testing.assert_array_equal(curve[0], fpr)
    np.testing.assert_array_equal(curve[1], tpr)
    np.testing.assert_array_equal(curve[2], -thresholds)


def test_area_is_the_share_of_ordered_pairs_of_pairs():
    distances, y = make_distances(12, 2, tied=True)
    truth, scores = pairs(distances, y)
    duels = np.sign(scores[truth][:, None] - scores[~truth])
    assert rejection_auc(distances, y) == np.mean((1 + duels) / 2)


@pytest.mark.parametrize("tied", [False, True])
def test_points_left_out_lie_on_the_curve(tied):
    distances, y = make_distances(tied=tied)
    every = rejection_curve(distances, y, drop_intermediate=False)
    kept = rejection_curve(distances, y)
    assert len(kept[0]) <= len(every[0])
    assert area(kept) == pytest.approx(area(every), abs=1e-14)
    assert area(kept) == pytest.approx(rejection_auc(distances, y), abs=1e-14)
    assert set(zip(*kept, strict=True)) <= set(zip(*every, strict=True))
    # The curve turns at the points kept and at no other.
    assert np.abs(turns(kept)).min() > 1e-12
    inner = ~np.isin(every[2], kept[2])[1:-1]
    np.testing.assert_allclose(turns(every)[inner], 0, atol=1e-15)


def test_a_perfect_distance_passes_the_corner():
    y = np.array(["b", "a", "b", "a", "c"])
    distances = np.where(y[:, None] == y, 1.0, 2.0)
    fpr, tpr, thresholds = rejection_curve(distances, y)
    np.testing.assert_array_equal(fpr, [0, 0, 1])
    np.testing.assert_array_equal(tpr, [0, 1, 1])
    np.testing.assert_array_equal(thresholds, [-np.inf, 1, 2])
    assert rejection_auc(distances, y) == 1
    assert rejection_auc(-distances, y) == 0


def test_a_constant_distance_is_the_diagonal():
    distances, y = np.ones((7, 7)), [0, 0, 0, 1, 1, 2, 2]
    fpr, tpr, thresholds = rejection_curve(distances, y)
    np.testing.assert_array_equal([fpr, tpr], [[0, 1], [0, 1]])
    np.testing.assert_array_equal(thresholds, [-np.inf, 1])
    assert rejection_auc(distances, y) == 0.5


def test_random_order_of_ties_scatters_around_the_area():
    distances, y = make_distances(tied=True)
    truth, scores = pairs(distances, y)
    rng = np.random.default_rng(0)
    # Distances are whole numbers: noise below a half decides ties alone.
    areas = [
        sklearn_metrics.roc_auc_score(truth, scores + rng.uniform(0, 0.5, len(scores)))
        for _ in range(200)
    ]
    error = np.std(areas) / np.sqrt(len(areas))
    assert np.std(areas) > 1e-3
    assert abs(np.mean(areas) - rejection_auc(distances, y)) < 4 * error


def test_order_of_rows_and_of_numbers_is_all_that_counts():
    distances, y = make_distances(tied=True)
    expected = rejection_auc(distances, y)
    order = np.random.default_rng(1).permutation(len(y))
    shuffled = distances[np.ix_(order, order)]
    assert rejection_auc(shuffled, y[order]) == expected
    for one, other in zip(
        rejection_curve(distances, y), rejection_curve(shuffled, y[order]), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert rejection_auc(np.exp(distances) - 5, 7 - y) == expected
    assert rejection_auc(-distances, y) == pytest.approx(1 - expected, abs=1e-14)


def test_the_diagonal_is_not_read():
    distances, y = make_distances()
    expected = rejection_auc(distances, y)
    np.fill_diagonal(distances, np.nan)
    assert rejection_auc(distances, y) == expected


def test_infinity_is_the_largest_distance():
    distances, y = make_distances(tied=True)
    apart = distances >= 4
    far = np.where(apart, np.inf, distances)
    expected = rejection_auc(np.where(apart, 1e6, distances), y)
    assert rejection_auc(far, y) == expected
    curve = rejection_curve(far, y)
    assert curve[2][-1] == np.inf
    assert curve[0][-1] == curve[1][-1] == 1
    assert area(curve) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_between_the_triangles_is_averaged(dtype):
    distances, y = make_distances()
    eps = np.finfo(dtype).eps
    rng = np.random.default_rng(0)
    noisy = (distances * (1 + eps * rng.integers(-2, 3, distances.shape))).astype(dtype)
    assert np.any(noisy != noisy.T)
    order = rng.permutation(len(y))
    shuffled = noisy[np.ix_(order, order)]
    assert rejection_auc(shuffled, y[order]) == rejection_auc(noisy, y)
    assert rejection_curve(noisy, y)[0].dtype == dtype


def test_device_arrays_stay_where_they_are(namespace):
    xp, device = namespace
    distances, y = make_distances(tied=True)
    distances[distances > 4] = np.inf
    expected = rejection_curve(distances, y)
    moved = xp.asarray(distances, device=device)
    for labels in (y, xp.asarray(y, device=device), y.astype(str)):
        curve = rejection_curve(moved, labels)
        for one, other in zip(curve, expected, strict=True):
            assert namespace_of(one) is namespace_of(moved)
            assert one.device == moved.device
            np.testing.assert_array_equal(to_numpy(one), other)
        assert rejection_auc(moved, labels) == rejection_auc(distances, y)


@pytest.mark.statistical
def test_areas_of_communicability_and_its_logarithm():
    # The setting of V. Ivashkin and P. Chebotarev, doi:10.1007/978-3-319-56829-4_8,
    # at the times of the tables that they give with their code. The means were
    # computed independently of this package.
    rng = np.random.RandomState(0)
    areas = []
    for _ in range(50):
        A, y = make_planted_partition(100, 2, p_in=0.3, p_out=0.1, random_state=rng)
        log_K = np.log(expm(0.54 / (2 * (1 - 0.54)) * A.toarray()))
        K = expm(0.36 / (2 * (1 - 0.36)) * A.toarray())
        areas.append(
            [
                rejection_auc(np.diag(M)[:, None] + np.diag(M) - M - M.T, y)
                for M in (log_K, K)
            ]
        )
    np.testing.assert_allclose(np.mean(areas, axis=0), [0.970, 0.844], atol=0.01)


@pytest.mark.parametrize("score", [rejection_auc, rejection_curve])
def test_bad_input_is_refused(score):
    distances, y = make_distances(8)
    with pytest.raises(ValueError, match="one class only"):
        score(distances, np.zeros(8))
    with pytest.raises(ValueError, match="a class of its own"):
        score(distances, np.arange(8))
    with pytest.raises(ValueError, match=r"shape \(n, n\), got \(8, 7\)"):
        score(distances[:, :7], y)
    with pytest.raises(ValueError, match=r"shape \(8,\), got \(7,\)"):
        score(distances, y[:7])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        score(distances, np.where(y == 0, np.nan, y))
    skewed = distances.copy()
    skewed[0, 1] += 0.01
    with pytest.raises(ValueError, match=r"but entries .* differ by up to 0\.01"):
        score(skewed, y)
    for places in ([[0, 1], [1, 0]], [[0], [1]], [[1], [0]]):
        for bad in (np.nan, -np.inf):
            broken = distances.copy()
            broken[tuple(places)] = bad
            with pytest.raises(ValueError, match=r"distances (holds NaN|must be sym)"):
                score(broken, y)
