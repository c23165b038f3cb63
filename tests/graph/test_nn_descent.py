"""Approximate search against exact search."""

import numpy as np
import pytest

from sklearn_manifold_reg.graph import _nn_descent
from sklearn_manifold_reg.graph._cells import build_cells
from sklearn_manifold_reg.graph._exact import exact_self_neighbors
from sklearn_manifold_reg.graph._neighbors import nearest_neighbors, recall_estimate
from sklearn_manifold_reg.graph._projection import leading_axes
from sklearn_manifold_reg.utils._numba import compiled_kernels


def blobs(n=4000, d=24, n_blobs=20, dtype=np.float32):
    rng = np.random.default_rng(0)
    centers = 4 * rng.normal(size=(n_blobs, d))
    return (centers[rng.integers(n_blobs, size=n)] + rng.normal(size=(n, d))).astype(
        dtype
    )


def surface(n=4000, d=200, dtype=np.float64):
    """Rows near a curved three-dimensional surface in many dimensions."""
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, size=(n, 3))
    lifted = np.hstack([t, np.sin(3 * t), np.cos(2 * t), t**2])
    axes = np.linalg.qr(rng.normal(size=(d, lifted.shape[1])))[0]
    return (lifted @ axes.T + 0.001 * rng.normal(size=(n, d))).astype(dtype)


def recall(X, found):
    indices, _ = exact_self_neighbors(X, found.indices.shape[1])
    hits = (found.indices[:, :, None] == indices[:, None, :]).any(axis=2)
    return hits.mean()


@pytest.fixture
def with_kernels():
    """Turn the kernels on: without them the search is exact."""
    with compiled_kernels(True):
        yield


@pytest.mark.statistical
@pytest.mark.parametrize("make", [blobs, surface])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [1, 10, 30])
def test_most_neighbors_are_found(make, dtype, k):
    X = make(dtype=dtype)
    found = nearest_neighbors(X, k, algorithm="nn_descent", random_state=0)
    assert found.algorithm == "nn_descent"
    assert recall(X, found) >= 0.95
    assert abs(recall(X, found) - recall_estimate(X, found, random_state=0)) < 0.02


@pytest.mark.parametrize("make", [blobs, surface])
def test_lists_hold_exact_distances_of_distinct_other_rows(make):
    X = make()
    found = nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0)
    distances = np.linalg.norm(
        X[found.indices].astype(float) - X[:, None, :].astype(float), axis=2
    )
    np.testing.assert_allclose(found.distances, distances, rtol=1e-6)
    assert (np.diff(found.distances, axis=1) >= 0).all()
    assert (found.indices != np.arange(len(X))[:, None]).all()
    assert (np.diff(np.sort(found.indices, axis=1), axis=1) > 0).all()
    assert found.indices.min() >= 0


@pytest.mark.parametrize("make", [blobs, surface])
def test_the_seed_alone_decides(make):
    X = make()
    one, two = (
        nearest_neighbors(X, 8, algorithm="nn_descent", random_state=3, n_jobs=n_jobs)
        for n_jobs in (1, 3)
    )
    np.testing.assert_array_equal(one.indices, two.indices)
    np.testing.assert_array_equal(one.distances, two.distances)


@pytest.fixture
def never_exact(monkeypatch):
    monkeypatch.setattr(_nn_descent, "_LEAST_MET", 0.0)
    monkeypatch.setattr(_nn_descent, "_LEAST_FOUND", 0.0)


@pytest.mark.usefixtures("with_kernels", "never_exact")
@pytest.mark.parametrize("limit", ["_JOIN_RECALL", "_MAX_JOINED"])
def test_descent_finds_what_few_joins_leave_out(monkeypatch, limit):
    X = surface()
    monkeypatch.setattr(
        _nn_descent, limit, {"_JOIN_RECALL": 0.7, "_MAX_JOINED": 0.015}[limit]
    )
    monkeypatch.setattr(_nn_descent, "_MAX_ROUNDS", 0)
    before = recall(X, nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0))
    monkeypatch.setattr(_nn_descent, "_MAX_ROUNDS", 8)
    after = recall(X, nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0))
    assert before < 0.93
    assert after > before + 0.03
    assert after > 0.95


@pytest.mark.usefixtures("with_kernels", "never_exact")
def test_rows_that_meet_too_few_others_are_repaired(monkeypatch):
    X = blobs()
    monkeypatch.setattr(
        _nn_descent,
        "_choose_joins",
        lambda cells, *_: (np.eye(len(cells.nearest), dtype=bool), 1.0),
    )
    monkeypatch.setattr(_nn_descent, "_MAX_ROUNDS", 0)
    found = nearest_neighbors(X, 30, algorithm="nn_descent", random_state=0)
    assert found.n_repaired > 0
    assert found.indices.min() >= 0
    indices, _ = exact_self_neighbors(X, 30)
    exact = (found.indices == indices).all(axis=1)
    assert exact.sum() >= found.n_repaired


@pytest.mark.usefixtures("with_kernels")
def test_search_is_exact_where_descent_finds_too_little(monkeypatch):
    X = surface()
    monkeypatch.setattr(_nn_descent, "_JOIN_RECALL", 0.7)
    monkeypatch.setattr(_nn_descent, "_LEAST_MET", 0.0)
    monkeypatch.setattr(_nn_descent, "_MAX_ROUNDS", 0)
    found = nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0)
    np.testing.assert_array_equal(found.indices, exact_self_neighbors(X, 10)[0])


@pytest.mark.parametrize("n_distinct", [1, 40])
def test_duplicates_keep_each_other(n_distinct):
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(n_distinct, 16)), 4000 // n_distinct, axis=0)
    found = nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0)
    assert (found.distances == 0).all()
    assert (found.indices != np.arange(len(X))[:, None]).all()


def test_noise_without_structure_is_searched_exactly():
    X = np.random.default_rng(0).normal(size=(2000, 60)).astype(np.float32)
    found = nearest_neighbors(X, 10, algorithm="nn_descent", random_state=0)
    np.testing.assert_array_equal(found.indices, exact_self_neighbors(X, 10)[0])


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_cosine_and_offsets(offset):
    X = blobs(dtype=np.float64) + offset
    metric = "euclidean" if offset else "cosine"
    found = nearest_neighbors(
        X, 10, metric=metric, algorithm="nn_descent", random_state=0
    )
    assert recall_estimate(X, found, metric=metric, random_state=0) >= 0.95


@pytest.mark.parametrize("n", [2, 3, 40])
def test_few_rows_are_searched_exactly(n):
    X = blobs(n)
    found = nearest_neighbors(X, 1, algorithm="nn_descent", random_state=0)
    np.testing.assert_array_equal(found.indices, exact_self_neighbors(X, 1)[0])


def test_without_kernels_search_is_exact(compiled):
    X = blobs(600)
    found = nearest_neighbors(X, 5, algorithm="nn_descent", random_state=0)
    assert recall(X, found) >= (0.95 if compiled else 1.0)


def test_cells_hold_every_row_once_and_none_is_large():
    X = np.vstack([blobs(1500), np.zeros((1500, 24), np.float32)])
    cells = build_cells(X, np.random.RandomState(0))
    np.testing.assert_array_equal(np.sort(cells.order), np.arange(3000))
    sizes = np.diff(cells.starts)
    assert sizes.min() >= 1
    assert sizes.max() <= 4 * 3000 / (4 * np.sqrt(3000)) + 1
    np.testing.assert_array_equal(cells.nearest[:, 0], np.arange(len(sizes)))
    np.testing.assert_array_equal(np.repeat(np.arange(len(sizes)), sizes), cells.labels)


def test_axes_are_orthonormal_and_hold_the_variance():
    X = surface()
    S = X - X.mean(axis=0)
    axes = leading_axes(S, 0.05, np.random.RandomState(0))
    np.testing.assert_allclose(axes.T @ axes, np.eye(axes.shape[1]), atol=1e-12)
    off = S - S @ axes @ axes.T
    assert 2 * (off**2).sum(axis=1).mean() <= 0.5 * 0.05
    assert leading_axes(S, 1e-9, np.random.RandomState(0)) is None
