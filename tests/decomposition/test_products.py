"""Products with few columns: agreement with BLAS, threads, layouts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_manifold_reg.decomposition import _products
from sklearn_manifold_reg.decomposition._products import row_scores, weighted_sums

LAYOUTS = {
    "C": lambda X: X,
    "F": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
}


def arrays(n_columns, dtype=np.float64, n_rows=3000):
    rng = np.random.default_rng(0)
    X, W = rng.random((n_rows, 17)), rng.random((n_rows, n_columns))
    W[W < 0.3] = 0
    return X.astype(dtype), W.astype(dtype), rng.random((n_columns, 17)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_columns", [1, 3, 8, 9])
def test_they_are_matrix_products(n_columns, dtype, compiled):
    X, W, H = arrays(n_columns, dtype)
    scores, sums = row_scores(X, H), weighted_sums(W, X)
    assert scores.dtype == sums.dtype == dtype
    rtol = 100 * np.finfo(dtype).eps
    assert_allclose(scores, X.astype(float) @ H.T.astype(float), rtol=rtol)
    assert_allclose(sums, W.T.astype(float) @ X.astype(float), rtol=rtol)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_do_not_matter(layout):
    X, W, H = arrays(3)
    other = LAYOUTS[layout]
    assert_allclose(row_scores(other(X), other(H)), X @ H.T)
    assert_allclose(weighted_sums(other(W), other(X)), W.T @ X)


def test_threads_do_not_change_a_bit(monkeypatch):
    monkeypatch.setattr(_products, "_SERIAL_WORK", 0)
    X, W, H = arrays(3)
    for n_jobs in (2, 3):
        assert_array_equal(row_scores(X, H, n_jobs=n_jobs), row_scores(X, H, n_jobs=1))
        sums = weighted_sums(W, X, n_jobs=1)
        assert_array_equal(weighted_sums(W, X, n_jobs=n_jobs), sums)
