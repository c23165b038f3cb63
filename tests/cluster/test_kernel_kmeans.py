"""Kernel k-means: its objective, descent, invariances, agreement, bad input."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.linalg import expm
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_manifold_reg._arrays import asarray_like, to_numpy
from sklearn_manifold_reg.cluster import (
    KernelKMeans,
    _kernel_descent,
    _kernel_kmeans,
    _kernel_matrix,
    _kernel_sums,
)
from sklearn_manifold_reg.cluster._kernel_matrix import symmetric_kernel
from sklearn_manifold_reg.cluster._kernel_starts import _spread, draw_labels
from sklearn_manifold_reg.graph import modularity, normalized_cut
from sklearn_manifold_reg.utils._numba import compiled_kernels

ALGORITHMS = ["lloyd", "iterative"]


def blobs(n=200, k=5, std=2.0, seed=0):
    X, _ = make_blobs(n, n_features=4, centers=k, cluster_std=std, random_state=seed)
    return X - X.mean(axis=0)


def indefinite(n=60, seed=0):
    """Make a symmetric matrix with about as many negative eigenvalues as positive."""
    K = np.random.default_rng(seed).normal(size=(n, n))
    return K + K.T


def objective(K, labels, weights=None):
    """J by its definition: squared distances to the weighted means."""
    weights = np.ones(len(K)) if weights is None else weights
    J = 0.0
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        share = np.zeros(len(K))
        share[rows] = weights[rows] / weights[rows].sum()
        distances = np.diag(K) - (K + K.T) @ share + share @ K @ share
        J += weights[rows] @ distances[rows]
    return J


def cluster(K, k=5, **params):
    return KernelKMeans(k, random_state=0, **params).fit(K)


def same(a, b):
    return adjusted_rand_score(a, b) == 1


# ----------------------------------------------------------- objective and descent


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("K", [blobs() @ blobs().T, indefinite()], ids=["psd", "ind"])
def test_inertia_is_the_objective_of_the_labels(algorithm, K, compiled):
    model = cluster(K, algorithm=algorithm)
    assert len(np.unique(model.labels_)) == 5
    assert model.inertia_ == pytest.approx(objective(K, model.labels_), rel=1e-11)
    weights = np.random.default_rng(0).random(len(K))
    model = KernelKMeans(5, algorithm=algorithm, random_state=0)
    model.fit(K, sample_weight=weights)
    assert model.inertia_ == pytest.approx(
        objective(K, model.labels_, weights), rel=1e-11
    )


def test_lloyd_is_kmeans_for_the_linear_kernel(compiled):
    X = blobs()
    init = np.random.default_rng(1).integers(5, size=len(X))
    weights = np.random.default_rng(2).random(len(X)) + 0.1
    for sample_weight in (None, weights):
        w = np.ones(len(X)) if sample_weight is None else sample_weight
        centers = [
            np.average(X[init == c], axis=0, weights=w[init == c]) for c in range(5)
        ]
        peer = KMeans(5, init=np.array(centers), n_init=1, tol=0)
        peer.fit(X, sample_weight=sample_weight)
        model = KernelKMeans(5, init=init, algorithm="lloyd")
        model.fit(X @ X.T, sample_weight=sample_weight)
        assert_array_equal(model.labels_, peer.labels_)
        assert model.inertia_ == pytest.approx(peer.inertia_)
        new = np.random.default_rng(3).normal(size=(50, 4)) * 3
        assert_array_equal(model.predict(new @ X.T), peer.predict(new))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_descent_is_monotone_for_a_semidefinite_kernel(algorithm, compiled):
    X = blobs(std=4.0)
    K = X @ X.T
    init = np.random.default_rng(4).integers(5, size=len(X))
    values = []
    with pytest.warns(ConvergenceWarning, match="Rows still moved after max_iter=1"):
        cluster(K, init=init, algorithm=algorithm, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for max_iter in range(1, 40):
            model = cluster(K, init=init, algorithm=algorithm, max_iter=max_iter)
            values.append(model.inertia_)
    assert_array_equal(values, np.minimum.accumulate(values))
    assert values[-1] < values[0] < objective(K, init)


def test_single_moves_go_on_where_lloyd_ends(compiled):
    for seed in range(5):
        K = indefinite(80, seed)
        lloyd = cluster(K, 4, algorithm="lloyd")
        assert cluster(K, 4, init=lloyd.labels_).inertia_ < lloyd.inertia_


@pytest.mark.parametrize("seed", range(3))
def test_no_single_move_pays_in_the_end(seed, compiled):
    K = indefinite(40, seed)
    weights = np.random.default_rng(seed).random(40)
    model = KernelKMeans(4, random_state=seed).fit(K, sample_weight=weights)
    labels = model.labels_
    for i in range(len(K)):
        if np.sum(labels == labels[i]) < 2:
            continue
        for c in range(4):
            moved = labels.copy()
            moved[i] = c
            assert objective(K, moved, weights) >= model.inertia_ - 1e-9


def test_single_moves_leave_fixed_points_of_lloyd():
    # Rows that are nearly orthogonal: the own center is always the nearest.
    K = np.eye(30) + 0.01 * np.kron(np.eye(3), np.ones((10, 10)))
    truth = np.repeat(np.arange(3), 10)
    init = np.random.default_rng(0).integers(3, size=30)
    stuck = cluster(K, 3, init=init, algorithm="lloyd")
    assert_array_equal(stuck.labels_, init)
    assert same(cluster(K, 3, init=init).labels_, truth)


def test_weighted_objective_is_the_normalized_cut(compiled):
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3
    share = np.where(truth[:, None] == truth, 0.6, 0.1)
    A = np.triu(rng.random((60, 60)) < share, 1).astype(float)
    A += A.T
    d = A.sum(axis=1)
    model = KernelKMeans(3, random_state=0)
    model.fit(A / np.outer(d, d), sample_weight=d)
    cut = normalized_cut(sparse.csr_array(A), model.labels_)
    assert model.inertia_ == pytest.approx(cut - 3)
    assert same(model.labels_, truth)


# ------------------------------------------------------------------- invariances


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_order_scale_and_origin_do_not_matter(algorithm):
    X = blobs(std=1.0)
    K = X @ X.T
    model = cluster(K, algorithm=algorithm)
    order = np.random.default_rng(5).permutation(len(K))
    init = np.random.default_rng(6).integers(5, size=len(K))
    started = cluster(K, init=init, algorithm="lloyd")
    moved = cluster(K[np.ix_(order, order)], init=init[order], algorithm="lloyd")
    assert_array_equal(moved.labels_, started.labels_[order])
    assert_array_equal(cluster(4 * K, algorithm=algorithm).labels_, model.labels_)
    # Another origin of the space adds f_i + f_j to the kernel.
    f = np.random.default_rng(7).normal(size=len(K))
    other = cluster(K + f[:, None] + f, algorithm=algorithm)
    assert_array_equal(other.labels_, model.labels_)
    assert other.inertia_ == pytest.approx(model.inertia_)


def test_weights_are_repetitions():
    X = blobs(60)
    weights = np.random.default_rng(0).integers(4, size=60)
    K, repeated = X @ X.T, np.repeat(X, weights, axis=0)
    init = np.random.default_rng(1).integers(5, size=60)
    model = KernelKMeans(5, init=init, algorithm="lloyd").fit(K, sample_weight=weights)
    peer = KernelKMeans(5, init=np.repeat(init, weights), algorithm="lloyd")
    peer.fit(repeated @ repeated.T)
    assert_array_equal(np.repeat(model.labels_, weights), peer.labels_)
    assert model.inertia_ == pytest.approx(peer.inertia_)
    # Rows of weight zero get the label of the nearest center.
    assert_array_equal(model.predict(K), model.labels_)


def test_shift_adds_a_constant_to_the_objective(compiled):
    K = indefinite(40)
    low = np.linalg.eigvalsh(K)[0]
    for weights in (np.ones(40), np.random.default_rng(1).random(40) + 0.1):
        model = KernelKMeans(4, algorithm="lloyd", shift=True, random_state=0)
        model.fit(K, sample_weight=weights)
        shifted = K + np.diag(model.shift_ / weights)
        assert np.linalg.eigvalsh(shifted)[0] >= -1e-10
        if weights[0] == 1:
            assert model.shift_ == pytest.approx(-low)
        plain = KernelKMeans(4, algorithm="lloyd", random_state=0)
        plain.fit(shifted, sample_weight=weights)
        # Random starts see distances without the shift; the same start agrees.
        init = np.arange(40) % 4
        a = model.set_params(init=init).fit(K, sample_weight=weights)
        b = plain.set_params(init=init).fit(shifted, sample_weight=weights)
        assert_array_equal(a.labels_, b.labels_)
        assert b.inertia_ - a.inertia_ == pytest.approx(model.shift_ * (40 - 4))
    assert cluster(blobs() @ blobs().T, shift=True).shift_ == pytest.approx(0, abs=1e-7)


def test_shift_of_many_rows_bounds_the_spectrum():
    K = indefinite(400)
    model = cluster(K, 3, shift=True, algorithm="lloyd", n_init=1)
    low = np.linalg.eigvalsh(K)[0]
    assert -low <= model.shift_ <= -low * (1 + 1e-4)


def test_asymmetric_kernels_are_their_symmetric_part(compiled):
    rng = np.random.default_rng(0)
    K = rng.normal(size=(300, 300))
    kept = K.copy()
    for dtype in (np.float64, np.float32):
        model = cluster(K.astype(dtype))
        other = cluster(((K + K.T) / 2).astype(dtype))
        assert_array_equal(model.labels_, other.labels_)
    assert_array_equal(K, kept)
    assert_allclose(cluster(K).inertia_, objective(K, cluster(K).labels_))


# ------------------------------------------- indefinite kernels, empty clusters, ties


def test_lloyd_stops_where_it_has_been():
    # Two rows whose distance is negative go round: each is nearer to the other.
    K = np.array([[0.0, 2.0], [2.0, 0.0]])
    model = cluster(K, 2, init=[0, 1], algorithm="lloyd", max_iter=50)
    assert model.n_iter_ <= 3
    assert sorted(model.labels_) == [0, 1]
    for seed in range(10):
        K = indefinite(30, seed)
        init = np.random.default_rng(seed).integers(3, size=30)
        model = KernelKMeans(3, init=init, algorithm="lloyd", max_iter=1000).fit(K)
        assert model.inertia_ <= objective(K, init)
        assert model.n_iter_ < 100


def test_negative_inertia():
    assert cluster(-np.eye(6) + 1.0, 2).inertia_ < 0


def test_empty_clusters_get_the_farthest_row(compiled):
    x = np.array([0.0, 0.1, 0.2, 9.0])
    K = np.outer(x, x)
    model = cluster(K, 2, init=[0, 0, 0, 0], algorithm="lloyd")
    assert_array_equal(model.labels_, [0, 0, 0, 1])
    assert_array_equal(cluster(K, 2, init=[0] * 4, algorithm="iterative").labels_[3], 1)
    with pytest.warns(ConvergenceWarning, match="1 of n_clusters=2 clusters have rows"):
        model = cluster(K, 2, init=[0, 0, 0, 0], empty="drop")
    assert_array_equal(model.labels_, 0)
    assert_array_equal(model.predict(K), 0)


def test_duplicates(compiled):
    X = np.repeat(blobs(3), 5, axis=0)
    K = X @ X.T
    for init in ("k-means++", "one", "all"):
        with pytest.warns(ConvergenceWarning, match="3 of n_clusters=4 clusters"):
            model = cluster(K, 4, init=init)
        assert model.inertia_ == pytest.approx(0, abs=1e-9)
        assert same(model.labels_, np.repeat([0, 1, 2], 5))
        assert_array_equal(model.predict(K), model.labels_)


def test_one_cluster_as_many_as_rows_and_a_single_row(compiled):
    K = blobs(20) @ blobs(20).T
    one = cluster(K, 1)
    assert_array_equal(one.labels_, 0)
    assert one.inertia_ == pytest.approx(np.trace(K) - K.mean() * 20)
    every = cluster(K, 20)
    assert len(np.unique(every.labels_)) == 20
    assert every.inertia_ == pytest.approx(0, abs=1e-9)
    assert_array_equal(cluster(np.array([[2.0]]), 1).labels_, [0])


# ------------------------------------------------------------- starts and selection


@pytest.mark.parametrize("init", ["k-means++", "one", "all", "any"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_start_finds_clear_clusters(init, algorithm):
    X, truth = make_blobs(120, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)
    model = cluster(X @ X.T, 3, init=init, algorithm=algorithm)
    assert same(model.labels_, truth)


def test_random_division_has_equal_parts():
    weights = np.ones(10)
    weights[:4] = 0
    kernel = symmetric_kernel(np.eye(10))
    labels = draw_labels(
        "all", kernel, weights, 3, power=1, rng=np.random.RandomState(0)
    )
    assert_array_equal(np.bincount(labels[4:]), [2, 2, 2])


def test_larger_powers_prefer_far_rows():
    # 99 rows near 0 and one at 3: from 0, it is drawn with probability 9 / (9 + s)
    # for s the sum of the squares of the others.
    x = np.append(np.linspace(-0.5, 0.5, 99), 3.0)
    kernel = symmetric_kernel(np.outer(x, x))

    def share(power):
        picks = [
            _spread(kernel, np.ones(100), 2, power, np.random.RandomState(s))
            for s in range(100)
        ]
        return np.mean([99 in p for p in picks])

    assert share(3.0) > 0.95
    assert share(0.0) < 0.2


def test_modularity_selects_and_is_reported():
    rng = np.random.default_rng(1)
    A = np.triu(rng.random((40, 40)) < 0.15, 1).astype(float)
    A += A.T
    K = expm(A)
    best = KernelKMeans(3, select="modularity", random_state=0).fit(K, adjacency=A)
    least = KernelKMeans(3, random_state=0).fit(K, adjacency=A)
    assert best.modularity_ == pytest.approx(
        modularity(sparse.csr_array(A), best.labels_)
    )
    assert best.modularity_ >= least.modularity_
    assert least.inertia_ <= best.inertia_
    assert not hasattr(least.fit(K), "modularity_")


def test_runs_in_batches_are_the_same(monkeypatch):
    K = blobs() @ blobs().T
    model = cluster(K)
    monkeypatch.setattr(_kernel_kmeans, "_MAX_SUMS", 3 * 5 * len(K))
    batched = cluster(K)
    assert_array_equal(batched.labels_, model.labels_)
    assert batched.inertia_ == model.inertia_


# ------------------------------------------------------------------- agreement


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kernel_and_reference_agree(algorithm, dtype):
    for K in (blobs(300, std=4.0) @ blobs(300, std=4.0).T, indefinite(300)):
        K = K.astype(dtype)
        weights = np.random.default_rng(0).random(300)
        fits = []
        for enabled in (True, False):
            with compiled_kernels(enabled):
                model = KernelKMeans(5, algorithm=algorithm, random_state=0, n_init=3)
                fits.append(model.fit(K, sample_weight=weights))
        assert_array_equal(fits[0].labels_, fits[1].labels_)
        assert fits[0].n_iter_ == fits[1].n_iter_


def test_threads_do_not_matter(monkeypatch):
    monkeypatch.setattr(_kernel_descent, "_SERIAL_ROWS", 0)
    monkeypatch.setattr(_kernel_matrix, "_SERIAL_ROWS", 0)
    monkeypatch.setattr(_kernel_sums, "_SERIAL_ADDITIONS", 0)
    monkeypatch.setattr(_kernel_sums, "_SERIAL_SUMS", 0)
    K = (blobs(900, std=4.0) @ blobs(900, std=4.0).T).astype(np.float32)
    for algorithm in ALGORITHMS:
        one, many = (cluster(K, algorithm=algorithm, n_jobs=n) for n in (1, 3))
        assert_array_equal(one.labels_, many.labels_)
        assert one.inertia_ == many.inertia_


def test_layout_and_read_only_memory_do_not_matter():
    K = indefinite(80) + np.arange(80)
    model = cluster(K)
    read_only = K.copy()
    read_only.flags.writeable = False
    for other in (np.asfortranarray(K), read_only, np.pad(K, 1)[1:-1, 1:-1]):
        assert_array_equal(cluster(other).labels_, model.labels_)
    assert_array_equal(cluster(sparse.csr_array(K)).labels_, model.labels_)


def test_float32_stays(compiled):
    X = blobs()
    K = X @ X.T
    model = cluster(K.astype(np.float32))
    assert model._members.dtype == np.float32
    assert same(model.labels_, cluster(K).labels_)
    assert model.inertia_ == pytest.approx(cluster(K).inertia_, rel=1e-5)
    assert_array_equal(model.predict(K.astype(np.float32)), model.labels_)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_array_libraries_agree(namespace, dtype):
    xp, device = namespace
    K = blobs().astype(dtype) @ blobs().astype(dtype).T
    weights = np.random.default_rng(0).random(len(K))
    K_device = xp.asarray(K, device=device)
    for shift in (False, True):
        model = KernelKMeans(5, random_state=0, shift=shift)
        model.fit(K_device, sample_weight=xp.asarray(weights, device=device))
        assert type(model.labels_) is type(K_device)
        host = KernelKMeans(5, algorithm="lloyd", random_state=0, shift=shift)
        host.fit(K, sample_weight=weights)
        # Rounding may choose another of several equal runs.
        assert same(to_numpy(model.labels_), host.labels_)
        assert model.inertia_ == pytest.approx(host.inertia_, rel=1e-4)
        labels = model.predict(K_device)
        assert type(labels) is type(K_device)
        if not shift:
            assert_array_equal(to_numpy(labels), to_numpy(model.labels_))


def test_array_libraries_evaluate_kernels(namespace):
    xp, device = namespace
    X = blobs(80)
    X_device = xp.asarray(X, device=device)
    model = KernelKMeans(5, kernel="rbf", gamma=0.1, random_state=0).fit(X_device)
    host = KernelKMeans(5, kernel="rbf", gamma=0.1, algorithm="lloyd", random_state=0)
    assert_array_equal(to_numpy(model.labels_), host.fit(X).labels_)
    assert_array_equal(to_numpy(model.predict(X_device[:7, :])), host.labels_[:7])
    K = asarray_like(np.triu(np.ones((4, 4))) + np.eye(4), X_device)
    assert KernelKMeans(2, random_state=0).fit(K).inertia_ > 0


def test_single_moves_refuse_devices(namespace):
    xp, device = namespace
    K = xp.asarray(np.eye(10), device=device)
    with pytest.raises(ValueError, match="take algorithm='lloyd', or NumPy arrays"):
        KernelKMeans(2, algorithm="iterative").fit(K)


# ---------------------------------------------------------------- use and failures


def test_kernels_by_name_and_by_function():
    X = blobs()
    new = np.random.default_rng(0).normal(size=(9, 4))
    given = cluster(rbf_kernel(X, gamma=0.1))
    named = cluster(X, kernel="rbf", gamma=0.1)
    assert_array_equal(named.labels_, given.labels_)
    expected = given.predict(rbf_kernel(new, X, gamma=0.1))
    assert_array_equal(named.predict(new), expected)
    assert_array_equal(named.predict(X), named.labels_)
    wider = cluster(sparse.csr_array(X), kernel="rbf", gamma=0.1)
    assert_array_equal(wider.labels_, given.labels_)

    def inner(a, b, scale=1.0):
        return scale * (a @ b)

    called = cluster(X[:40], kernel=inner, kernel_params={"scale": 2.0})
    assert_array_equal(called.labels_, cluster(X[:40], kernel="linear").labels_)


def test_pipeline_and_pickle():
    X = blobs()
    model = make_pipeline(FunctionTransformer(lambda X: X @ X.T), KernelKMeans(5))
    model.set_params(kernelkmeans__random_state=0)
    labels = model.fit_predict(X)
    assert_array_equal(labels, cluster(X @ X.T).labels_)
    fitted = cluster(X, kernel="linear")
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(copy.predict(X), fitted.labels_)


def test_failures():
    K = np.eye(6)
    with pytest.raises(ValueError, match=r"\(n_samples, n_samples\), got \(6, 3\)"):
        KernelKMeans(2).fit(K[:, :3])
    with pytest.raises(ValueError, match=r"n_samples=6 should be >= n_clusters=8"):
        KernelKMeans(8).fit(K)
    with pytest.raises(ValueError, match="positive weight, 2, should be >= n_clu"):
        KernelKMeans(3).fit(K, sample_weight=[1, 1, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="Negative values in data passed to `sample"):
        KernelKMeans(3).fit(K, sample_weight=[1, 1, 1, 1, -1, 1])
    with pytest.raises(ValueError, match="needs a graph: fit"):
        KernelKMeans(3, select="modularity").fit(K)
    with pytest.raises(ValueError, match=r"shape \(6,\), got int64 values of shape"):
        KernelKMeans(3, init=[0, 1, 2]).fit(K)
    with pytest.raises(ValueError, match="clusters 0 to 3, expected 0 to 2"):
        KernelKMeans(3, init=[0, 1, 2, 3, 0, 0]).fit(K)
    with pytest.raises(ValueError, match="would overflow: divide it by a constant"):
        KernelKMeans(3).fit(1e307 * K)
    with pytest.raises(ValueError, match="NaN"):
        KernelKMeans(3).fit(np.full((6, 6), np.nan))
    model = KernelKMeans(3, random_state=0).fit(K)
    with pytest.raises(ValueError, match="expecting 6 features"):
        model.predict(K[:, :5])


def test_memory_beside_the_kernel_is_small():
    K = (blobs(1500, 10) @ blobs(1500, 10).T).astype(np.float64)
    cluster(K, 10, n_init=2)
    tracemalloc.start()
    cluster(K, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Sums of ten runs are a fifteenth of K here.
    assert peak < 0.3 * K.nbytes
