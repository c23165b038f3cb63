"""Neighbor lists made symmetric."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._symmetrize import neighbor_csr, symmetric_affinity

rng = np.random.default_rng(0)
N, K = 60, 7
INDICES = np.array(
    [rng.choice(np.delete(np.arange(N), i), K, replace=False) for i in range(N)],
    np.int32,
)
WEIGHTS = rng.uniform(0.1, 1.0, size=(N, K))

DENSE = np.zeros((N, N))
DENSE[np.arange(N)[:, None], INDICES] = WEIGHTS
EXPECTED = {
    "mean": (DENSE + DENSE.T) / 2,
    "max": np.maximum(DENSE, DENSE.T),
    "mutual": np.minimum(DENSE, DENSE.T),
    "union": DENSE + DENSE.T - DENSE * DENSE.T,
}


@pytest.mark.parametrize("symmetrize", EXPECTED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("compiled")
def test_against_dense_matrices(symmetrize, dtype):
    W = symmetric_affinity(INDICES, WEIGHTS.astype(dtype), symmetrize)
    assert isinstance(W, sparse.csr_array)
    assert W.dtype == dtype
    assert W.indices.dtype == np.int32
    assert W.indptr.dtype == np.int32
    assert W.has_canonical_format
    dense = W.toarray()
    np.testing.assert_array_equal(dense, dense.T)
    np.testing.assert_allclose(dense, EXPECTED[symmetrize], rtol=1e-6)
    assert W.nnz == np.count_nonzero(EXPECTED[symmetrize])


@pytest.mark.usefixtures("compiled")
def test_zero_weights_are_no_edges():
    weights = WEIGHTS.copy()
    weights[:, 2:] = 0
    W = symmetric_affinity(INDICES, weights, "max")
    assert W.data.min() > 0


def test_number_of_threads_does_not_matter():
    big = np.random.default_rng(1)
    indices = np.argsort(big.random((2000, 40)), axis=1)[:, :30].astype(np.int32)
    indices += (indices >= np.arange(2000)[:, None]).astype(np.int32)
    weights = big.random((2000, 30))
    one = symmetric_affinity(indices, weights, n_jobs=1)
    two = symmetric_affinity(indices, weights, n_jobs=2)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_arguments_are_left_alone():
    indices, weights = INDICES.copy(), WEIGHTS.copy()
    indices.flags.writeable = weights.flags.writeable = False
    symmetric_affinity(indices, weights)
    np.testing.assert_array_equal(indices, INDICES)


@pytest.mark.parametrize("symmetrize", EXPECTED)
def test_device_arrays(symmetrize, namespace):
    xp, device = namespace
    indices = xp.asarray(INDICES.tolist(), dtype=xp.int32, device=device)
    weights = xp.asarray(WEIGHTS.tolist(), dtype=xp.float64, device=device)
    W = symmetric_affinity(indices, weights, symmetrize)
    assert isinstance(W, CSR)
    assert W.data.device == weights.device
    np.testing.assert_allclose(W.to_scipy().toarray(), EXPECTED[symmetrize], rtol=1e-12)


def test_rows_of_new_samples():
    W = neighbor_csr(INDICES[:5], WEIGHTS[:5], N)
    assert W.shape == (5, N)
    assert W.has_sorted_indices
    np.testing.assert_array_equal(W.toarray(), DENSE[:5])
