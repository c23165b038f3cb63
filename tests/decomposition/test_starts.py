"""First endmembers: what they are, on any library."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.decomposition import SSNMF
from sklearn_manifold_reg.decomposition._starts import STARTS, initial_endmembers


def start(X, init, n_components, seed=0):
    return initial_endmembers(X, init, n_components, np.random.RandomState(seed))


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    centers = 3 * rng.random((4, 6))
    return np.repeat(centers, 30, axis=0) + 0.3 * rng.random((120, 6))


def test_rows_are_rows_of_the_data():
    X = blobs()
    for init in ("spa", "nfindr", "vca", "random"):
        H, indices = start(X, init, 3)
        assert_array_equal(H, X[indices])
        assert len(set(indices.tolist())) == 3


def test_random_rows_are_not_zero_as_long_as_there_are_others():
    X = blobs()
    X[3:] = 0
    for seed in range(5):
        _, indices = start(X, "random", 3, seed)
        assert set(indices.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(3))
def test_cluster_centers_are_means_of_the_rows_nearest_to_them(seed):
    X = np.random.default_rng(seed).random((200, 5))
    H, indices = start(X, "kmeans", 4, seed)
    assert indices is None
    distances = np.linalg.norm(X[:, None, :] - H[None, :, :], axis=2)
    nearest = distances.argmin(axis=1)
    for k in range(4):
        assert_allclose(H[k], X[nearest == k].mean(axis=0))
    peer = KMeans(4, n_init=1, random_state=seed).fit(X)
    assert np.sum(distances.min(axis=1) ** 2) < 1.1 * peer.inertia_


def test_cluster_centers_find_clusters():
    X = blobs()
    H, _ = start(X, "kmeans", 4)
    means = X.reshape(4, 30, 6).mean(axis=1)
    gaps = np.linalg.norm(means[:, None, :] - H[None, :, :], axis=2)
    assert_allclose(gaps.min(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 7), (7, 40)])
def test_singular_parts_by_their_definition(shape):
    X = np.random.default_rng(0).random(shape)
    H, _ = start(X, "nndsvd", 4)
    U, _, Vt = np.linalg.svd(X)
    for k in range(4):
        parts = [
            (np.maximum(sign * U[:, k], 0), np.maximum(sign * Vt[k], 0))
            for sign in (1, -1)
        ]
        sizes = [np.linalg.norm(u) * np.linalg.norm(v) for u, v in parts]
        v = parts[int(np.argmax(sizes))][1]
        assert_allclose(H[k] / np.linalg.norm(H[k]), v / np.linalg.norm(v), atol=1e-9)
    assert np.argmax(H[0]) == np.argmax(abs(Vt[0]))


def test_singular_parts_of_materials_that_share_nothing_are_the_materials():
    E = np.array([[1.0, 2.0, 0, 0, 0], [0, 0, 0, 0, 1.0], [0, 0, 3.0, 1.0, 0]])
    A = np.eye(3)[np.repeat([0, 1, 2], [5, 3, 4])]
    H, _ = start(A @ E, "nndsvd", 3)
    order = np.argmax(H @ E.T, axis=0)
    # With the length that they have in the pixels, too.
    assert_allclose(H[order], E, atol=1e-12)


def test_rank_below_the_number_of_components():
    """What is not there stays dark, and finds its place in the sweeps."""
    X = np.outer(np.arange(1.0, 9.0), [1.0, 2.0, 0.5, 1.0])
    H, _ = start(X, "nndsvd", 3)
    assert_array_equal(H[1:], 0)
    for init in ("nndsvd", "kmeans", "random"):
        model = SSNMF(3, graph_alpha=0.0, alpha=0.0, init=init, random_state=0)
        assert model.fit(X).reconstruction_err_ < 1e-6


@pytest.mark.parametrize("init", STARTS)
def test_other_libraries(init, namespace):
    xp, device = namespace
    X = blobs()
    there = xp.asarray(X, device=device)
    expected, rows = start(X, init, 3)
    H, indices = start(there, init, 3)
    assert H.device == there.device
    assert_allclose(to_numpy(H), expected, atol=1e-9)
    if rows is not None:
        assert_array_equal(to_numpy(indices), rows)
    single, _ = start(xp.asarray(X, dtype=xp.float32, device=device), init, 3)
    assert single.dtype == xp.float32
