"""Ward's hierarchy of a kernel: peers, naive merging, cuts, bad input."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from sklearn.cluster import AgglomerativeClustering
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import rbf_kernel

from sklearn_manifold_reg.cluster import KernelWard
from sklearn_manifold_reg.utils._numba import compiled_kernels


def blobs(n=200, seed=0):
    X, _ = make_blobs(n, n_features=4, centers=5, cluster_std=2.0, random_state=seed)
    return X - X.mean(axis=0)


def indefinite(n, seed=0):
    K = np.random.default_rng(seed).normal(size=(n, n))
    return K + K.T


def merge_greedily(K):
    """Merge the pair of least dJ, computed from the kernel each time."""
    clusters = {i: [i] for i in range(len(K))}
    children, heights = [], []
    for merger in range(len(K) - 1):
        names = sorted(clusters)
        best = (np.inf, None)
        for place, a in enumerate(names):
            for b in names[place + 1 :]:
                k, m = clusters[a], clusters[b]
                square = K[np.ix_(k, k)].mean() + K[np.ix_(m, m)].mean()
                square -= 2 * K[np.ix_(k, m)].mean()
                rise = len(k) * len(m) / (len(k) + len(m)) * square
                best = min(best, (rise, (a, b)))
        rise, (a, b) = best
        clusters[len(K) + merger] = clusters.pop(a) + clusters.pop(b)
        children.append([a, b])
        heights.append(rise)
    return np.array(children), np.array(heights)


@pytest.mark.parametrize("n", [2, 3, 64, 65, 300])
def test_linear_kernel_is_ward_of_features(n, compiled):
    X = blobs(n)
    model = KernelWard(2).fit(X @ X.T)
    peer = AgglomerativeClustering(2, compute_full_tree=True, compute_distances=True)
    peer.fit(X)
    assert_array_equal(model.children_, peer.children_)
    assert_allclose(model.distances_, peer.distances_, atol=1e-12)
    assert adjusted_rand_score(model.labels_, peer.labels_) == 1
    Z = linkage(X, "ward")
    assert_array_equal(model.children_, Z[:, :2])
    assert model.n_leaves_ == n
    assert model.n_connected_components_ == 1


@pytest.mark.parametrize("seed", range(4))
def test_chains_merge_what_greedy_merging_does(seed, compiled):
    # A definite, an indefinite and a negative definite kernel.
    X = blobs(25, seed)
    for K in (rbf_kernel(X, gamma=0.1), indefinite(25, seed), -(X @ X.T)):
        children, rises = merge_greedily(K)
        model = KernelWard().fit(K)
        assert_array_equal(model.children_, children)
        signed = np.sign(rises) * np.sqrt(2 * np.abs(rises))
        assert_allclose(model.distances_, signed, atol=1e-7)
        assert np.all(np.diff(model.distances_) >= 0)


def test_rises_sum_to_the_total_inertia():
    K = rbf_kernel(blobs(), gamma=0.1)
    model = KernelWard().fit(K)
    total = np.trace(K) - K.mean() * len(K)
    assert np.sum(model.distances_**2) / 2 == pytest.approx(total)


def test_cuts_are_those_of_the_peer(compiled):
    X = blobs(120)
    model = KernelWard(4, kernel="linear").fit(X)
    for k in (1, 2, 3, 7, 60, 119, 120):
        labels = model.cut(k)
        peer = AgglomerativeClustering(k).fit(X)
        assert adjusted_rand_score(labels, peer.labels_) == 1
        assert len(np.unique(labels)) == k
        _, first = np.unique(labels, return_index=True)
        assert_array_equal(np.argsort(first), np.arange(k))
    assert_array_equal(model.cut(4), model.labels_)


def test_threshold():
    X = blobs(80)
    height = 11.0
    model = KernelWard(None, kernel="linear", distance_threshold=height).fit(X)
    peer = AgglomerativeClustering(None, distance_threshold=height).fit(X)
    assert model.n_clusters_ == peer.n_clusters_ > 1
    assert adjusted_rand_score(model.labels_, peer.labels_) == 1
    assert_array_equal(model.cut(distance_threshold=height), model.labels_)


def test_order_scale_and_origin_do_not_matter():
    K = rbf_kernel(blobs(), gamma=0.1)
    model = KernelWard(6).fit(K)
    order = np.random.default_rng(0).permutation(len(K))
    moved = KernelWard(6).fit(K[np.ix_(order, order)])
    assert adjusted_rand_score(moved.labels_, model.labels_[order]) == 1
    f = np.random.default_rng(1).normal(size=len(K))
    other = KernelWard(6).fit(9 * (K + f[:, None] + f))
    assert_array_equal(other.children_, model.children_)
    assert_allclose(other.distances_, 3 * model.distances_, atol=1e-6)


def test_asymmetric_kernels_are_their_symmetric_part(compiled):
    K = np.random.default_rng(0).normal(size=(100, 100))
    kept = K.copy()
    model = KernelWard().fit(K)
    assert_array_equal(model.children_, KernelWard().fit((K + K.T) / 2).children_)
    # So are those that rounding alone makes asymmetric; chains must end.
    rounded = 1e8 * (K + K.T) * (1 + 1e-15 * kept)
    KernelWard().fit(rounded)
    assert_array_equal(K, kept)


def test_duplicates_are_merged_at_height_zero(compiled):
    X = np.repeat(blobs(10), 4, axis=0)
    model = KernelWard(10).fit(X @ X.T)
    assert_array_equal(model.distances_[:30], 0)
    assert_array_equal(model.labels_, np.repeat(np.arange(10), 4))
    equal = KernelWard(3).fit(np.ones((70, 70)))
    assert_array_equal(equal.distances_, 0)
    assert equal.n_clusters_ == 3


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernel_and_reference_agree(dtype):
    for K in (rbf_kernel(blobs(300), gamma=0.1), indefinite(300)):
        K = K.astype(dtype)
        kept = K.copy()
        fits = []
        for enabled in (True, False):
            with compiled_kernels(enabled):
                fits.append(KernelWard(n_jobs=1 + enabled).fit(K))
        assert_array_equal(fits[0].children_, fits[1].children_)
        assert_allclose(fits[0].distances_, fits[1].distances_, rtol=1e-4, atol=1e-5)
        assert_array_equal(K, kept)


def test_features_layouts_and_sparse_input():
    X = blobs(90)
    K = rbf_kernel(X, gamma=0.1)
    expected = KernelWard(3).fit(K).children_
    named = KernelWard(3, kernel="rbf", gamma=0.1)
    assert_array_equal(named.fit(X).children_, expected)
    assert_array_equal(named.fit(sparse.csr_array(X)).children_, expected)
    read_only = K.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(K), read_only, sparse.csr_array(K)):
        assert_array_equal(KernelWard(3).fit(other).children_, expected)
    copy = pickle.loads(pickle.dumps(named))
    assert_array_equal(copy.cut(5), named.cut(5))


def test_failures(namespace):
    xp, device = namespace
    K = np.eye(6)
    with pytest.raises(ValueError, match=r"\(n_samples, n_samples\), got \(6, 3\)"):
        KernelWard(2).fit(K[:, :3])
    with pytest.raises(ValueError, match="Exactly one of n_clusters and distance_th"):
        KernelWard(None).fit(K)
    with pytest.raises(ValueError, match="Exactly one of n_clusters and distance_th"):
        KernelWard(2, distance_threshold=1.0).fit(K)
    with pytest.raises(ValueError, match="n_clusters=7 must be between 1 and"):
        KernelWard(7).fit(K)
    with pytest.raises(ValueError, match="runs on the host"):
        KernelWard(2).fit(xp.asarray(K, device=device))
    with pytest.raises(ValueError, match="would overflow"):
        KernelWard(2).fit(1e307 * K)
    model = KernelWard(2).fit(K)
    with pytest.raises(ValueError, match="Pass exactly one of n_clusters and dist"):
        model.cut()
