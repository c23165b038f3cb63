"""Neighbor search against distances of all pairs, and its promises."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from sklearn_manifold_reg._arrays._namespace import to_numpy
from sklearn_manifold_reg.graph import _exact
from sklearn_manifold_reg.graph._neighbors import (
    Neighbors,
    nearest_neighbors,
    query_neighbors,
    recall_estimate,
)


def all_pairs(X, k, metric="euclidean"):
    """Neighbors by sorting all distances, ties by index."""
    D = cdist(np.asarray(X, float), np.asarray(X, float), metric)
    np.fill_diagonal(D, np.inf)
    indices = np.argsort(D, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(D, indices, axis=1)


def rows(name):
    rng = np.random.default_rng(0)
    return {
        "normal": rng.normal(size=(400, 20)),
        "float32": rng.normal(size=(400, 20)).astype(np.float32),
        "integer": rng.integers(0, 50, size=(300, 12)),
        "low": rng.normal(size=(400, 3)),
        "lattice": rng.integers(0, 3, size=(400, 3)).astype(float),
        "wide lattice": rng.integers(0, 2, size=(400, 11)).astype(float),
        "offset": 1e6 + 1e-3 * rng.normal(size=(300, 12)),
        "duplicates": np.repeat(rng.normal(size=(20, 12)), 20, axis=0),
        "constant": np.full((300, 12), 0.1),
        "constant low": np.full((300, 2), 0.1),
        "two": np.array([[0.0, 1.0], [3.0, 5.0]]),
        "huge": 1e30 * rng.normal(size=(300, 12)).astype(np.float32),
        "outlier": np.vstack([rng.normal(size=(300, 12)), np.full((1, 12), 1e7)]),
    }[name]


NAMES = [
    "normal",
    "float32",
    "integer",
    "low",
    "lattice",
    "wide lattice",
    "offset",
    "duplicates",
    "constant",
    "constant low",
    "two",
    "huge",
    "outlier",
]


@pytest.fixture
def small_by_products(monkeypatch):
    """Send small problems through the compiled path."""
    monkeypatch.setattr(_exact, "_SMALL_SELF", 0)
    monkeypatch.setattr(_exact, "_SMALL_QUERY", 0)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "kd_tree"])
@pytest.mark.parametrize("name", NAMES)
def test_exact_search_equals_all_pairs(name, algorithm, compiled, small_by_products):
    X = rows(name)
    k = min(7, len(X) - 1)
    found = nearest_neighbors(X, k, algorithm=algorithm)
    indices, distances = all_pairs(X, k)
    np.testing.assert_array_equal(found.indices, indices)
    tolerance = 1e-6 if found.distances.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found.distances, distances, rtol=tolerance)
    assert found.indices.dtype == np.int32
    assert found.n_repaired == 0


@pytest.mark.parametrize("name", ["normal", "float32", "low", "offset"])
def test_distances_keep_the_floating_dtype(name):
    X = rows(name)
    assert nearest_neighbors(X, 3).distances.dtype == X.dtype
    assert nearest_neighbors(rows("integer"), 3).distances.dtype == np.float64


@pytest.mark.parametrize("name", ["duplicates", "constant", "constant low"])
def test_duplicates_are_at_distance_exactly_zero(name, small_by_products):
    found = nearest_neighbors(rows(name), 5)
    assert (found.distances == 0).all()
    assert (found.indices != np.arange(len(rows(name)))[:, None]).all()


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
@pytest.mark.parametrize("name", ["normal", "float32", "lattice"])
def test_threads_change_nothing(name, algorithm, small_by_products):
    one, two = (
        nearest_neighbors(rows(name), 6, algorithm=algorithm, n_jobs=n_jobs)
        for n_jobs in (1, 3)
    )
    np.testing.assert_array_equal(one.indices, two.indices)
    np.testing.assert_array_equal(one.distances, two.distances)


@pytest.mark.parametrize("name", ["normal", "float32", "low"])
def test_memory_layout_changes_nothing(name, small_by_products):
    X = rows(name)
    expected = nearest_neighbors(X, 4)
    frozen = X.copy()
    frozen.flags.writeable = False
    strided = np.repeat(X, 2, axis=1)[:, ::2]
    for other in (frozen, np.asfortranarray(X), strided):
        found = nearest_neighbors(other, 4)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.distances, expected.distances)
    np.testing.assert_array_equal(X, rows(name))


@pytest.mark.parametrize("name", ["normal", "float32", "low", "duplicates"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_queries_stand_alone(name, metric, small_by_products):
    X = rows(name)
    together = query_neighbors(X[100:], X, 4, metric=metric)
    for i in (0, 99, 250):
        alone = query_neighbors(X[100:], X[i : i + 1], 4, metric=metric)
        np.testing.assert_array_equal(alone.indices[0], together.indices[i])
        np.testing.assert_array_equal(alone.distances[0], together.distances[i])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
def test_a_training_row_finds_itself_at_distance_zero(name, metric, small_by_products):
    X = rows(name)
    found = query_neighbors(X, X[:5], 1, metric=metric)
    assert (found.distances == 0).all()


@pytest.mark.parametrize("name", ["normal", "float32", "low", "integer"])
def test_cosine_equals_all_pairs(name, compiled, small_by_products):
    X = rows(name)
    found = nearest_neighbors(X, 5, metric="cosine")
    _, distances = all_pairs(X, 5, "cosine")
    np.testing.assert_allclose(
        found.distances, distances, rtol=1e-5 if X.dtype == np.float32 else 1e-9
    )


def test_cosine_takes_rows_of_zeros_as_orthogonal_to_all():
    X = np.vstack([np.zeros((2, 12)), np.abs(rows("normal")[:50, :12])])
    found = nearest_neighbors(X, 3, metric="cosine")
    np.testing.assert_array_equal(found.indices[:2, 0], [1, 0])
    np.testing.assert_array_equal(found.distances[:2, 0], 0)
    np.testing.assert_allclose(found.distances[:2, 1:], 1)
    assert (found.indices[2:] >= 2).all()


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_sparse_rows_give_the_answer_of_dense_rows(container, metric):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 40)) * (rng.random((200, 40)) < 0.2)
    X[7] = 0
    X[50:60] = X[3]
    S = container(X)
    S.indices, S.indptr = S.indices.astype(np.int64), S.indptr.astype(np.int64)
    found = nearest_neighbors(S, 5, metric=metric)
    dense = nearest_neighbors(X, 5, metric=metric)
    np.testing.assert_allclose(found.distances, dense.distances, rtol=1e-12)
    # A row of zeros is as far from one row as from another.
    kept = np.delete(np.arange(200), 7 if metric == "cosine" else [])
    np.testing.assert_array_equal(found.indices[kept], dense.indices[kept])
    new = query_neighbors(S, S[:7], 4, metric=metric)
    np.testing.assert_array_equal(
        new.indices, query_neighbors(X, X[:7], 4, metric=metric).indices
    )
    np.testing.assert_array_equal(new.distances[:, 0], 0)


def test_text_features(shared_data):
    data = shared_data("cornell_text")
    X = sparse.csr_array(
        (data["X_data"].astype(float), data["X_indices"], data["X_indptr"]),
        data["X_shape"],
    )
    found = nearest_neighbors(X, 10, metric="cosine")
    expected, _ = NearestNeighbors(metric="cosine").fit(X).kneighbors(n_neighbors=10)
    np.testing.assert_allclose(found.distances, expected, atol=1e-7)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "correlation"])
def test_other_metrics_are_searched_exactly_while_small(metric):
    X = rows("normal")[:150]
    found = nearest_neighbors(X, 4, metric=metric)
    indices, _ = all_pairs(X, 4, {"manhattan": "cityblock"}.get(metric, metric))
    np.testing.assert_array_equal(found.indices, indices)
    assert found.algorithm == "brute"


def test_metric_params_reach_the_metric():
    X = rows("normal")[:100]
    found = nearest_neighbors(X, 3, metric="minkowski", metric_params={"p": 3})
    D = cdist(X, X, "minkowski", p=3)
    np.fill_diagonal(D, np.inf)
    np.testing.assert_array_equal(found.indices[:, 0], D.argmin(axis=1))


def test_a_fitted_object_is_asked():
    X = rows("duplicates")
    found = nearest_neighbors(X, 5, algorithm=NearestNeighbors().fit(X))
    assert found.algorithm == "NearestNeighbors"
    assert (found.distances == 0).all()
    assert (found.indices != np.arange(len(X))[:, None]).all()
    new = query_neighbors(X, X[:3], 2, algorithm=NearestNeighbors().fit(X))
    np.testing.assert_array_equal(new.distances, 0)


def test_a_fitted_object_must_know_the_same_rows():
    X = rows("normal")
    with pytest.raises(ValueError, match="fit it on the same rows"):
        nearest_neighbors(X[:50], 5, algorithm=NearestNeighbors().fit(X))


@pytest.mark.parametrize("k", [0, 20, 25])
def test_a_count_out_of_range_is_refused(k):
    X = rows("normal")[:20]
    with pytest.raises(ValueError, match=r"n_neighbors .* 1\.\.19, got"):
        nearest_neighbors(X, k)
    if k > 20:
        with pytest.raises(ValueError, match=r"n_neighbors .* 1\.\.20, got"):
            query_neighbors(X, X, k)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": "ball"}, "algorithm='ball' is unknown"),
        ({"algorithm": "kd_tree", "metric": "manhattan"}, "algorithm='kd_tree'"),
        ({"metric": "no such"}, "no such"),
        ({"metric_params": {"p": 1}}, "takes no metric_params"),
    ],
)
def test_unknown_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        nearest_neighbors(rows("normal"), 3, **arguments)


def test_algorithm_must_have_kneighbors():
    with pytest.raises(TypeError, match="kneighbors"):
        nearest_neighbors(rows("normal"), 3, algorithm=3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_must_be_finite(bad):
    X = rows("normal").copy()
    X[3, 4] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        nearest_neighbors(X, 3)


def test_widths_must_agree():
    X = rows("normal")
    with pytest.raises(ValueError, match="5 features"):
        query_neighbors(X, X[:, :5], 3)


def test_recall_counts_what_was_found():
    X = rows("normal")
    found = nearest_neighbors(X, 6)
    assert recall_estimate(X, found) == 1.0
    half = found.distances.copy()
    half[:, 3:] = np.inf
    worse = Neighbors(found.indices, half, "brute")
    assert recall_estimate(X, worse, n_samples=100, random_state=0) == 0.5


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "sqeuclidean"])
def test_other_array_libraries(namespace, metric):
    xp, device = namespace
    X = rows("normal")
    A = xp.asarray(X, device=device)
    found = nearest_neighbors(A, 5, metric=metric)
    assert found.indices.device == A.device
    assert recall_estimate(A, found, metric=metric) == 1.0
    expected = nearest_neighbors(X, 5, metric=metric)
    np.testing.assert_array_equal(to_numpy(found.indices), expected.indices)
    np.testing.assert_allclose(to_numpy(found.distances), expected.distances)
