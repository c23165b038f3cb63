"""k-means, rotations and moves: certificates, agreement of paths, limits."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from sklearn_manifold_reg._arrays import CSR, to_numpy
from sklearn_manifold_reg.cluster._assign import assign_rows
from sklearn_manifold_reg.cluster._embedding import n_clusters_by_gap, normalize_rows
from sklearn_manifold_reg.cluster._kmeans import kmeans, lloyd, seed_centers
from sklearn_manifold_reg.cluster._refine import refine_partition
from sklearn_manifold_reg.cluster._rotations import (
    alternate,
    cluster_qr,
    discretize,
    pivot_rows,
    start_rotation,
)
from sklearn_manifold_reg.graph import normalized_cut


def points(n=3000, k=7, dtype=np.float64, seed=0):
    X, _ = make_blobs(n, centers=k, n_features=4, random_state=seed)
    return X.astype(dtype)


def unit_points(n=2000, k=5, seed=0):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(k, k)))[0]
    return normalize_rows(axes[rng.integers(k, size=n)] + 0.2 * rng.normal(size=(n, k)))


def inertia(Z, centers):
    return ((Z[:, None] - centers) ** 2).sum(axis=2).min(axis=1).sum()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n_components", "n_clusters"), [(4, 7), (3, 1200)])
def test_assignment_is_the_argmax(compiled, dtype, n_components, n_clusters):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(5000, n_components)).astype(dtype)
    D = rng.normal(size=(n_components, n_clusters)).astype(dtype)
    offsets = rng.normal(size=n_clusters).astype(dtype)
    found = assign_rows(Z, D, offsets)
    scores = Z.astype(float) @ D + offsets
    own = scores[np.arange(5000), found.labels]
    assert_allclose(own, scores.max(axis=1), rtol=1e-5, atol=1e-5)
    assert found.total == pytest.approx(scores.max(axis=1).sum(), rel=1e-5)
    members = found.labels == np.arange(n_clusters)[:, None]
    assert_array_equal(found.counts, members.sum(axis=1))
    assert_allclose(found.sums, members.astype(float) @ Z, atol=1e-4)


def test_assignment_does_not_depend_on_threads():
    Z = points(20_000)
    D, offsets = Z[:6].T.copy(), np.zeros(6)
    one, two = (assign_rows(Z, D, offsets, n_jobs=n) for n in (1, 2))
    assert_array_equal(one.labels, two.labels)
    assert_array_equal(one.sums, two.sums)
    assert one.total == two.total


def test_assignment_on_other_libraries(namespace):
    xp, device = namespace
    Z, D, offsets = points(500), points(4).T.copy(), np.zeros(4)
    host = assign_rows(Z, D, offsets)
    parts = (xp.asarray(part, device=device) for part in (Z, D, offsets))
    found = assign_rows(*parts)
    assert_array_equal(to_numpy(found.labels), host.labels)
    assert_allclose(to_numpy(found.sums), host.sums)


def test_lloyd_ends_at_means_of_nearest_rows():
    Z = points()
    found = lloyd(Z, Z[:7])
    means = [Z[found.labels == c].mean(axis=0) for c in range(7)]
    assert_allclose(found.centers, means, atol=0.05)
    assert found.inertia == pytest.approx(inertia(Z, found.centers))
    # More moves do not lower it by more than the tolerance allows.
    again = lloyd(Z, found.centers)
    assert found.inertia >= again.inertia >= found.inertia * (1 - 1e-3)


def test_lloyd_fills_empty_clusters():
    Z = np.repeat(np.arange(4.0), 5)[:, None]
    far = np.array([[0.0], [100.0], [200.0], [300.0]])
    found = lloyd(Z, far)
    assert len(np.unique(found.labels)) == 4
    assert found.inertia == pytest.approx(0, abs=1e-9)


def test_seeds_are_rows_of_different_clusters():
    Z = 100 * np.eye(6).repeat(20, axis=0) + 0.01 * points(120, 1)[:, :1]
    seeds = seed_centers(Z, 6, np.random.RandomState(0))
    assert len(np.unique(seeds.argmax(axis=1))) == 6
    assert np.isin(seeds[:, 0], Z[:, 0]).all()


@pytest.mark.parametrize("n", [3000, 40_000])
def test_kmeans_is_as_good_as_that_of_scikit_learn(n):
    Z = points(n, k=12)
    peer = KMeans(12, n_init=10, random_state=0).fit(Z).inertia_
    for seed in range(3):
        found = kmeans(Z, 12, n_init=10, rng=np.random.RandomState(seed))
        assert found.inertia <= peer * (1 + 1e-3)


def test_kmeans_sees_clusters_too_small_for_its_sample():
    # One row in twenty thousand has a direction of its own.
    Z = np.eye(3)[np.arange(60_000) % 2] + 0.01 * points(60_000, 1)[:, :3]
    Z[7] = [0, 0, 30]
    found = kmeans(Z, 3, n_init=3, rng=np.random.RandomState(0))
    assert np.sum(found.labels == found.labels[7]) == 1


def test_discretization_never_lowers_its_objective():
    Z = unit_points()
    for seed in range(5):
        start = start_rotation(Z, np.random.RandomState(seed))
        assert_allclose(start @ start.T, np.eye(5), atol=1e-12)
        run = alternate(Z, start)
        assert np.all(np.diff(run.objectives) >= 0)
        assert_allclose(run.rotation @ run.rotation.T, np.eye(5), atol=1e-12)
        scores = Z @ run.rotation
        assert_array_equal(run.labels, scores.argmax(axis=1))
        assert run.objective == pytest.approx(scores.max(axis=1).sum())


def test_discretization_does_not_depend_on_the_basis():
    Z = unit_points()
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    one, two = (
        discretize(A, n_init=5, rng=np.random.RandomState(0)) for A in (Z, Z @ turn)
    )
    assert one.objective == pytest.approx(two.objective)
    assert_array_equal(
        one.labels[:, None] == one.labels, two.labels[:, None] == two.labels
    )


def test_cluster_qr_recovers_indicators():
    truth = np.random.default_rng(0).integers(4, size=300)
    indicators = np.eye(4)[truth] / np.sqrt(np.bincount(truth))
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    V = indicators @ turn
    found = cluster_qr(normalize_rows(V), V)
    assert_array_equal(found.labels[:, None] == found.labels, truth[:, None] == truth)
    assert_allclose(np.abs(normalize_rows(V) @ found.rotation).max(axis=1), 1)


def test_pivots_are_those_of_a_qr_decomposition():
    from scipy.linalg import qr

    V = np.random.default_rng(0).normal(size=(200, 6))
    assert_array_equal(pivot_rows(V, 6), qr(V.T, pivoting=True)[2][:6])


def ring(n=80, seed=0):
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    W = np.zeros((n, n))
    W[i, (i + 1) % n] = rng.uniform(0.5, 2, n)
    chords = rng.integers(0, n, (n // 2, 2))
    W[chords[:, 0], chords[:, 1]] += rng.uniform(0.1, 1, n // 2)
    W = W + W.T
    np.fill_diagonal(W, 0)
    return sparse.csr_array(W)


def test_moves_lower_the_cut_and_end_where_no_move_does(compiled):
    W = ring()
    labels = np.random.default_rng(1).integers(4, size=80)
    refined = refine_partition(CSR.from_scipy(W), labels, 4)
    best = normalized_cut(W, refined)
    assert best < normalized_cut(W, labels)
    for node in range(80):
        for cluster in range(4):
            moved = refined.copy()
            moved[node] = cluster
            if len(np.unique(moved)) == 4:
                assert normalized_cut(W, moved) >= best - 1e-10


def test_moves_agree_compiled_and_not():
    from sklearn_manifold_reg.utils._numba import compiled_kernels

    W = ring(seed=3)
    labels = np.random.default_rng(2).integers(5, size=80)
    results = []
    for enabled in (True, False):
        with compiled_kernels(enabled):
            results.append(refine_partition(CSR.from_scipy(W), labels, 5))
    assert_array_equal(*results)


def test_moves_pass_over_stored_zeros(compiled):
    W = ring(seed=4)
    rows, columns = np.indices((80, 80))
    data = W.toarray().ravel()
    full = sparse.csr_array((data, (rows.ravel(), columns.ravel())), shape=(80, 80))
    assert full.nnz == 6400
    labels = np.random.default_rng(2).integers(3, size=80)
    one, two = (refine_partition(CSR.from_scipy(A), labels, 3) for A in (W, full))
    assert_array_equal(one, two)


def test_eigengap_rule():
    assert n_clusters_by_gap(np.array([0, 0.01, 0.02, 0.5, 0.6])) == 3
    # Three components, whose number comes before any gap above.
    assert n_clusters_by_gap(np.array([0, 0, 0, 0.1, 0.5])) == 3
    # The first eigenvalue is zero in every graph, and no gap.
    assert n_clusters_by_gap(np.array([0, 0.5, 0.6, 0.61])) == 2
