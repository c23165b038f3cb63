"""CSR products against scipy, across libraries, dtypes, widths and threads."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, asarray_like, csr_like, to_numpy
from sklearn_manifold_reg.utils._numba import compiled_kernels


def random_matrix(shape, dtype=np.float64, density=0.1, seed=0):
    A = sparse.random_array(shape, density=density, rng=seed, format="csr")
    if np.dtype(dtype).kind == "c":
        A = A * (1 - 2j)
    return A.astype(dtype)


def reference_of(library):
    if library == "numpy":
        return np.zeros(1)
    xp = pytest.importorskip(library)
    return xp.zeros(1, dtype=xp.float64)


LIBRARIES = ["numpy", "torch", "array_api_strict"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("n_columns", [None, 0, 1, 2, 3, 4, 5, 8, 9, 10, 16, 17, 50])
def test_product_is_scipy_s(dtype, n_columns):
    A = random_matrix((60, 60), dtype)
    rng = np.random.default_rng(0)
    B = rng.standard_normal((60,) if n_columns is None else (60, n_columns))
    B = B.astype(dtype)
    diagonal = rng.standard_normal(60).astype(dtype)
    side = diagonal if n_columns is None else diagonal[:, None]
    csr = CSR.from_scipy(A)
    tol = (
        1e-5 if np.dtype(dtype).itemsize // (1 + (A.dtype.kind == "c")) == 4 else 1e-12
    )
    for plain in (True, False):
        got = csr.matmat(B, diagonal=None if plain else diagonal, scale=-0.5)
        want = -0.5 * (A @ B) + (0 if plain else side * B)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, atol=tol, rtol=tol)
        with compiled_kernels(False):
            again = csr.matmat(B, diagonal=None if plain else diagonal, scale=-0.5)
        np.testing.assert_allclose(got, again, atol=tol, rtol=tol)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_gives_the_same_answers(library):
    reference = reference_of(library)
    A = random_matrix((40, 30))
    csr = csr_like(A, reference)
    rng = np.random.default_rng(1)
    B = rng.standard_normal((30, 4))
    left, right = rng.random(40), rng.random(30)

    def there(x):
        return asarray_like(x, reference)

    def check(got, want):
        assert type(got) is type(reference)
        np.testing.assert_allclose(to_numpy(got), want, atol=1e-13)

    check(csr.matmat(there(B), scale=2.0), 2 * (A @ B))
    check(csr.matmat(there(B[:, 0])), A @ B[:, 0])
    check(csr.row_sums(), A.sum(axis=1))
    check(csr.diagonal(), A.diagonal())
    check(csr.dense_block(there(np.array([3, 0]))), A.toarray()[[3, 0]])
    scaled = csr.scale(there(left), there(right))
    check(scaled.data, (sparse.diags_array(left) @ A @ sparse.diags_array(right)).data)
    check(csr.transpose().matmat(there(left)), A.T @ left)
    np.testing.assert_array_equal(csr.to_scipy().toarray(), A.toarray())


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
def test_diagonal_is_added_on_every_library(library):
    reference = reference_of(library)
    A = random_matrix((20, 20))
    d = np.arange(20.0)
    B = np.ones((20, 2))
    got = csr_like(A, reference).matmat(
        asarray_like(B, reference), diagonal=asarray_like(d, reference), scale=-1.0
    )
    np.testing.assert_allclose(to_numpy(got), d[:, None] * B - A @ B)


@pytest.mark.parametrize("n_columns", [1, 10])
def test_bits_do_not_depend_on_threads(n_columns):
    A = random_matrix((3000, 3000), density=0.03)
    csr = CSR.from_scipy(A)
    B = np.random.default_rng(0).standard_normal((3000, n_columns))
    one = csr.matmat(B, n_jobs=1)
    for n_jobs in (2, 3):
        np.testing.assert_array_equal(one, csr.matmat(B, n_jobs=n_jobs))


def test_one_heavy_row_and_empty_rows():
    A = sparse.lil_array((500, 500))
    A[3] = 1.0
    A[400, 1] = 2.0
    A = A.tocsr()
    B = np.random.default_rng(0).standard_normal((500, 10))
    np.testing.assert_allclose(CSR.from_scipy(A).matmat(B), A @ B, atol=1e-12)
    empty = CSR.from_scipy(sparse.csr_array((5, 4)))
    np.testing.assert_array_equal(empty.matmat(np.ones((4, 3))), np.zeros((5, 3)))


def test_awkward_input_is_taken_as_it_is():
    A = random_matrix((50, 50))
    wide = sparse.csr_matrix(A)
    wide.indices = wide.indices.astype(np.int64)
    wide.indptr = wide.indptr.astype(np.int64)
    csr = CSR.from_scipy(wide)
    assert csr.indices.dtype == csr.indptr.dtype == np.int32
    B = np.arange(200).reshape(50, 4)
    np.testing.assert_allclose(csr.matmat(B), A @ B)
    F = np.asfortranarray(B.astype(float))
    F.flags.writeable = False
    np.testing.assert_allclose(csr.matmat(F), A @ B)
    np.testing.assert_allclose(csr.matmat(F[:, ::2]), A @ B[:, ::2])
    assert CSR.from_scipy(A.astype(int)).dtype == np.float64
    assert CSR.from_scipy(A.tocoo()).nnz == A.nnz


def test_duplicate_entries_are_added_without_touching_the_input():
    A = sparse.csr_array(([1.0, 2.0], [1, 1], [0, 2, 2]), shape=(2, 2))
    assert CSR.from_scipy(A).nnz == 1
    assert A.nnz == 2


def test_no_foreign_value_enters():
    A = sparse.csr_array(np.array([[0.0, 1.0], [0.0, 0.0]]))
    B = np.array([[np.nan, np.inf], [1.0, 2.0]])
    got = CSR.from_scipy(A).matmat(B)
    np.testing.assert_array_equal(got, [[1.0, 2.0], [0.0, 0.0]])


def test_out_is_written_in_place():
    A = random_matrix((30, 30))
    out = np.empty((30, 3))
    assert CSR.from_scipy(A).matmat(np.ones((30, 3)), out=out) is out
    with pytest.raises(ValueError, match="C-contiguous"):
        CSR.from_scipy(A).matmat(np.ones((30, 3)), out=np.empty((30, 3), np.float32))


def test_wrong_shapes_are_named():
    csr = CSR.from_scipy(random_matrix((6, 4)))
    with pytest.raises(ValueError, match="has 4 rows"):
        csr.matmat(np.ones(6))
    with pytest.raises(ValueError, match="takes no diagonal"):
        csr.matmat(np.ones(4), diagonal=np.ones(4))
    with pytest.raises(TypeError, match="no sparse matrices"):
        csr_like(csr, reference_of("array_api_strict")).to_native()


def test_row_sums_accumulate_in_float64():
    A = sparse.csr_array(np.full((1, 100_000), 0.1, dtype=np.float32))
    exact = np.float32(np.float64(np.float32(0.1)) * 100_000)
    for compiled in (True, False):
        with compiled_kernels(compiled):
            assert CSR.from_scipy(A).row_sums()[0] == exact


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 7, 13, 40])
def test_products_minus_what_was_there(n_columns, compiled):
    A = sparse.csr_array(sparse.random_array((30, 30), density=0.2, rng=0))
    rng = np.random.default_rng(0)
    B, old, d = rng.normal(size=(30, n_columns)), rng.normal(size=(30, n_columns)), 2.0
    out = old.copy()
    with compiled_kernels(compiled):
        CSR.from_scipy(A).matmat(
            B, diagonal=np.full(30, d), scale=-3, out=out, subtract=True
        )
    np.testing.assert_allclose(out, d * B - 3 * (A @ B) - old, atol=1e-12)
