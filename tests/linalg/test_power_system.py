"""A diagonal plus a power of a sparse matrix, never assembled."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.linalg import (
    DiagonalOperator,
    NullSpace,
    Power,
    ScaledSum,
    SparseOperator,
    solve,
)
from sklearn_manifold_reg.linalg._fill import square_fill
from sklearn_manifold_reg.linalg._power_system import PowerSystem, power_form
from sklearn_manifold_reg.linalg._system import prepare_system

rng = np.random.default_rng(0)


def laplacian(n, n_edges=4):
    W = sparse.random_array(
        (n, n), density=n_edges / n, rng=np.random.default_rng(1), format="csr"
    )
    W = sparse.csr_array(W + W.T)
    W.setdiag(0.3)
    return SparseOperator(
        CSR.from_scipy(W), diagonal=np.asarray(W.sum(axis=1)).ravel(), scale=-1.0
    )


def operator(n, power, weight=0.2, n_labeled=8):
    shift = np.full(n, 1e-4)
    shift[:: n // n_labeled] += 1
    return ScaledSum(
        [DiagonalOperator(shift), Power(laplacian(n), power)], [1.0, weight]
    )


def dense(A):
    return A.matmat(np.eye(A.shape[0]))


@pytest.mark.parametrize("power", [2, 3, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_the_scaled_and_renumbered_operator(power, dtype, monkeypatch):
    monkeypatch.setattr(
        "sklearn_manifold_reg.linalg._system.reordering_pays", lambda *_: True
    )
    A = operator(60, power)
    system = prepare_system(A, 3, dtype=dtype)
    assert isinstance(system.wide, PowerSystem)
    assert system.narrow.dtype == dtype
    T = np.diag(system.side)
    expected = T @ dense(A)[np.ix_(system.order, system.order)] @ T
    np.testing.assert_allclose(dense(system.wide), expected, atol=1e-12)
    B = rng.normal(size=(60, 4)).astype(dtype)
    out = np.empty_like(B)
    assert system.narrow.matmat(B, out=out) is out
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(out, expected @ B, atol=tolerance)
    np.testing.assert_allclose(
        system.narrow.matmat(B[:, 0].copy()), expected @ B[:, 0], atol=tolerance
    )
    if power == 2:
        np.testing.assert_allclose(np.diag(expected), 1)


def test_the_estimated_fill_is_that_of_the_square():
    L = laplacian(150)
    form = power_form(ScaledSum([DiagonalOperator(np.ones(150)), Power(L, 2)], [1, 1]))
    pattern = abs(L.to_csr().to_scipy()).sign()
    assert square_fill(form.base.csr) == pytest.approx(
        (pattern @ pattern).nnz / pattern.nnz
    )


@pytest.mark.parametrize("solver", ["auto", "cg", "amg", "direct"])
@pytest.mark.parametrize("power", [2, 3])
def test_every_solver_meets_the_dense_solution(solver, power):
    A = operator(700, power)
    B = np.zeros((700, 2))
    B[::87] = rng.normal(size=(len(B[::87]), 2))
    result = solve(A, B, solver=solver, tol=1e-8, max_iter=20_000)
    expected = np.linalg.solve(dense(A), B)
    np.testing.assert_allclose(result.x, expected, atol=1e-5 * np.abs(expected).max())
    residual = np.linalg.norm(dense(A) @ result.x - B, axis=0)
    assert np.all(residual <= 1e-8 * np.linalg.norm(B, axis=0))


def test_a_slow_run_changes_to_multigrid():
    n = 4000
    path = sparse.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1], format="csr")
    L = SparseOperator(
        CSR.from_scipy(path), diagonal=np.asarray(path.sum(axis=1)).ravel(), scale=-1.0
    )
    shift = np.full(n, 1e-9)
    shift[::500] = 1.0
    A = ScaledSum([DiagonalOperator(shift), Power(L, 2)], [1.0, 1.0])
    B = np.where(shift > 0.5, 1.0, 0.0) * np.sin(np.arange(n))
    result = solve(A, B, near_null_space=NullSpace(np.zeros(n, int)))
    assert result.solver == "amg"
    assert result.converged
    assert np.linalg.norm(A.matmat(result.x) - B) <= 1.001e-6 * np.linalg.norm(B)
