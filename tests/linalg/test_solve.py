"""Linear solvers: residuals, closed forms, null spaces, precision, failures."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import CSR, asarray_like, csr_like, to_numpy
from sklearn_manifold_reg.linalg import (
    NullSpace,
    Power,
    SparseOperator,
    factorize,
    solve,
)
from sklearn_manifold_reg.utils._numba import compiled_kernels


def grid_weights(n_rows, n_columns, seed=0):
    """Random positive weights on the edges of a grid."""
    rng = np.random.default_rng(seed)

    def chain(n):
        return sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))

    W = sparse.kron(chain(n_rows), sparse.eye_array(n_columns))
    W = sparse.csr_array(W + sparse.kron(sparse.eye_array(n_rows), chain(n_columns)))
    upper = sparse.triu(W, format="csr")
    upper.data = rng.uniform(0.2, 1.0, upper.nnz)
    return sparse.csr_array(upper + upper.T)


def laplacian_system(W, shift, dtype=np.float64, like=None):
    degrees = W.sum(axis=1)
    csr = CSR.from_scipy(W.astype(dtype))
    diagonal = (degrees + shift).astype(dtype)
    if like is not None:
        csr, diagonal = csr_like(csr, like), asarray_like(diagonal, like)
    return SparseOperator(csr, diagonal=diagonal, scale=-1.0)


def dense(operator):
    return operator.to_csr().to_scipy().toarray().astype(float)


def relative_residual(operator, x, B):
    A = dense(operator)
    return np.linalg.norm(B - A @ x, axis=0) / np.linalg.norm(B, axis=0)


SOLVERS = [
    {"solver": "auto"},
    {"solver": "cg"},
    {"solver": "cg", "preconditioner": "chebyshev"},
    {"solver": "cg", "preconditioner": None},
    {"solver": "direct"},
    {"solver": "amg"},
]


@pytest.fixture
def problem():
    W = grid_weights(30, 30)
    shift = np.random.default_rng(1).random(900) < 0.05
    B = np.random.default_rng(2).standard_normal((900, 4))
    return laplacian_system(W, shift), B


@pytest.mark.parametrize("options", SOLVERS, ids=str)
@pytest.mark.parametrize("tol", [1e-6, 1e-11])
def test_residual_is_what_was_asked_for(problem, options, tol):
    operator, B = problem
    result = solve(operator, B, tol=tol, max_iter=5000, **options)
    assert result.converged
    true = relative_residual(operator, result.x, B)
    assert true.max() <= tol
    np.testing.assert_allclose(result.residual_norm, true, rtol=0.1, atol=1e-13)
    exact = np.linalg.solve(dense(operator), B)
    error = np.linalg.norm(result.x - exact) / np.linalg.norm(exact)
    assert error <= 1e4 * tol


@pytest.mark.parametrize("options", SOLVERS, ids=str)
def test_singular_systems_give_the_pseudo_inverse(options):
    W = sparse.block_diag([grid_weights(12, 9), grid_weights(7, 7)], format="csr")
    W = sparse.block_diag([W, sparse.csr_array((1, 1))], format="csr")
    labels = np.repeat([0, 1, 2], [108, 49, 1])
    operator = laplacian_system(W, 0.0)
    B = np.random.default_rng(0).standard_normal((158, 3))
    null_space = NullSpace(labels)
    with pytest.warns(UserWarning, match="null space"):
        result = solve(operator, B, null_space=null_space, tol=1e-10, **options)
    want = np.linalg.pinv(dense(operator), rcond=1e-10) @ B
    np.testing.assert_allclose(result.x, want, atol=1e-7)
    columns = np.eye(3)[labels] / np.sqrt(np.bincount(labels))
    assert np.abs(columns.T @ result.x).max() < 1e-10
    consistent = null_space.project(B)
    again = solve(operator, consistent, null_space=columns, tol=1e-10)
    np.testing.assert_allclose(again.x, want, atol=1e-7)


def test_weighted_null_space_of_the_symmetric_laplacian():
    W = grid_weights(20, 30)
    d = W.sum(axis=1)
    csr = CSR.from_scipy(W).scale(d**-0.5, d**-0.5)
    operator = SparseOperator(csr, diagonal=np.ones(600), scale=-1.0)
    null_space = NullSpace(np.zeros(600, dtype=int), np.sqrt(d))
    B = null_space.project(np.random.default_rng(0).standard_normal((600, 2)))
    want = np.linalg.pinv(dense(operator), rcond=1e-10, hermitian=True) @ B
    for solver in ("cg", "direct", "amg", "auto"):
        x = solve(operator, B, null_space=null_space, tol=1e-11, solver=solver).x
        np.testing.assert_allclose(x, want, atol=1e-7)


@pytest.mark.parametrize("tol", [1e-5, 1e-6])
def test_float32_keeps_the_tolerance(tol):
    W = grid_weights(60, 50)
    operator = laplacian_system(W, 0.05, np.float32)
    B = np.random.default_rng(0).standard_normal((3000, 3)).astype(np.float32)
    result = solve(operator, B, tol=tol)
    assert result.x.dtype == np.float32
    assert result.converged
    wide = laplacian_system(W.astype(np.float32), 0.05)
    A = SparseOperator(
        operator.csr.astype(np.float64), operator.diagonal_part.astype(float), -1.0
    )
    true = np.linalg.norm(B - A @ result.x.astype(float), axis=0)
    assert (true / np.linalg.norm(B, axis=0)).max() <= tol
    assert wide.shape == A.shape


def test_block_solve_equals_column_solves(problem):
    operator, B = problem
    together = solve(operator, B, solver="cg", tol=1e-11)
    for j in range(B.shape[1]):
        alone = solve(operator, B[:, j], solver="cg", tol=1e-11)
        assert alone.x.ndim == 1
        np.testing.assert_allclose(alone.x, together.x[:, j], atol=1e-8)


def test_columns_of_any_size_and_zero_columns(problem):
    operator, B = problem
    scaled = B * np.array([1e-30, 0.0, 1.0, 1e30])
    result = solve(operator, scaled, solver="cg", tol=1e-8)
    assert result.converged
    assert np.all(result.x[:, 1] == 0)
    assert result.n_iter[1] == 0
    want = np.linalg.solve(dense(operator), B)
    for j, size in ((0, 1e-30), (2, 1.0), (3, 1e30)):
        np.testing.assert_allclose(result.x[:, j] / size, want[:, j], atol=1e-5)


def test_warm_start_saves_steps(problem):
    operator, B = problem
    cold = solve(operator, B, solver="cg", tol=1e-8)
    warm = solve(operator, B, solver="cg", tol=1e-8, x0=cold.x)
    assert warm.n_iter.max() == 0
    np.testing.assert_allclose(warm.x, cold.x, rtol=1e-12)
    near = solve(operator, B, solver="cg", tol=1e-8, x0=cold.x + 1e-6 * B)
    assert 0 < near.n_iter.max() < cold.n_iter.max()


def test_bits_do_not_depend_on_threads():
    operator = laplacian_system(grid_weights(150, 150), 0.01)
    B = np.random.default_rng(0).standard_normal((22_500, 12))
    one = solve(operator, B, solver="cg", n_jobs=1)
    two = solve(operator, B, solver="cg", n_jobs=2)
    np.testing.assert_array_equal(one.x, two.x)


def test_numpy_reference_agrees(problem):
    operator, B = problem
    want = solve(operator, B, solver="cg", tol=1e-11).x
    with compiled_kernels(False):
        got = solve(operator, B, solver="cg", tol=1e-11).x
    np.testing.assert_allclose(got, want, atol=1e-8)


@pytest.mark.parametrize("library", ["torch", "array_api_strict"])
@pytest.mark.parametrize("preconditioner", ["auto", "chebyshev"])
def test_other_libraries_agree(library, preconditioner):
    xp = pytest.importorskip(library)
    like = xp.zeros(1, dtype=xp.float64)
    W = sparse.block_diag([grid_weights(9, 8), grid_weights(5, 5)], format="csr")
    labels = np.repeat([0, 1], [72, 25])
    null_space = NullSpace(labels)
    B = null_space.project(np.random.default_rng(0).standard_normal((97, 3)))
    want = solve(laplacian_system(W, 0.0), B, null_space=null_space, tol=1e-12).x
    operator = laplacian_system(W, 0.0, like=like)
    result = solve(
        operator,
        asarray_like(B, like),
        null_space=null_space,
        tol=1e-12,
        preconditioner=preconditioner,
    )
    assert type(result.x) is type(like)
    np.testing.assert_allclose(to_numpy(result.x), want, atol=1e-9)
    narrow = xp.zeros(1, dtype=xp.float32)
    operator = laplacian_system(W, 0.1, np.float32, like=narrow)
    result = solve(operator, asarray_like(B, narrow), tol=1e-6)
    assert result.x.dtype == xp.float32
    assert result.residual_norm.max() <= 1e-6
    for options in ({"solver": "direct"}, {"solver": "amg"}, {"preconditioner": "amg"}):
        with pytest.raises(ValueError, match="'jacobi' or 'chebyshev'"):
            solve(operator, asarray_like(B, narrow), **options)


def test_operators_known_by_products_only(problem):
    operator, B = problem
    want = np.linalg.solve(dense(operator) @ dense(operator), B)
    result = solve(Power(operator, 2), B, tol=1e-12, solver="cg", max_iter=5000)
    np.testing.assert_allclose(result.x, want, atol=1e-4 * np.abs(want).max())
    linear = sparse.linalg.aslinearoperator(dense(operator))
    result = solve(linear, B, tol=1e-10)
    np.testing.assert_allclose(dense(operator) @ result.x, B, atol=1e-8)


@pytest.mark.parametrize("method", ["dense", "sparse"])
@pytest.mark.parametrize("singular", [False, True])
def test_factorizations_are_pickled_and_used_often(method, singular):
    W = sparse.block_diag([grid_weights(8, 8), grid_weights(5, 4)], format="csr")
    operator = laplacian_system(W, 0.0 if singular else 0.3)
    null_space = NullSpace(np.repeat([0, 1], [64, 20])) if singular else None
    factorization = factorize(operator, null_space=null_space, method=method)
    loaded = pickle.loads(pickle.dumps(factorization))
    B = np.random.default_rng(0).standard_normal((84, 2))
    if singular:
        B = null_space.project(B)
    want = np.linalg.pinv(dense(operator), rcond=1e-10) @ B
    for one in (factorization, loaded):
        result = one.solve(B)
        assert result.residual_norm.max() < 1e-12
        np.testing.assert_allclose(result.x, want, atol=1e-10)
        np.testing.assert_allclose(one.solve(B[:, 0]).x, want[:, 0], atol=1e-10)


def test_steps_run_out_with_a_warning(problem):
    operator, B = problem
    with pytest.warns(ConvergenceWarning, match="relative residual of"):
        result = solve(operator, B, solver="cg", max_iter=3)
    assert not result.converged
    assert result.n_iter.max() == 3


def test_bad_input_is_named(problem):
    operator, B = problem
    for bad, message in (
        (B[:-1], "must have shape"),
        (np.where(B > 3, np.nan, B), "NaN or infinity"),
        (B * 1j, "complex"),
    ):
        with pytest.raises(ValueError, match=message):
            solve(operator, bad)
    for options, message in (
        ({"solver": "qr"}, "solver must be one of"),
        ({"preconditioner": "ilu"}, "preconditioner must be one of"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"tol": 0.0}, "tol must be positive"),
        ({"x0": B[:, 0]}, "x0 has shape"),
        ({"null_space": B}, "not orthonormal"),
    ):
        with pytest.raises(ValueError, match=message):
            solve(operator, B, **options)
    with pytest.raises(ValueError, match="must be square"):
        solve(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="diagonal reaches -1"):
        solve(sparse.diags_array([1.0, -1.0]), np.ones(2), solver="cg")
    with pytest.raises(ValueError, match="null_space"):
        factorize(np.ones((3, 3)))
    with pytest.raises(ValueError, match="null_space"):
        factorize(sparse.csr_array(np.ones((3, 3))), method="sparse")
    with pytest.raises(ValueError, match="method must be"):
        factorize(operator, method="qr")


def test_integers_and_other_layouts_are_taken(problem):
    operator, B = problem
    ones = np.arange(900)
    want = solve(operator, ones.astype(float)).x
    np.testing.assert_allclose(solve(operator, ones).x, want)
    F = np.asfortranarray(B)
    F.flags.writeable = False
    np.testing.assert_array_equal(solve(operator, F).x, solve(operator, B).x)
    np.testing.assert_array_equal(
        solve(operator, np.repeat(B, 2, axis=1)[:, ::2]).x, solve(operator, B).x
    )
