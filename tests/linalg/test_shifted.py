"""Conjugate gradients for many shifts."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import solve_shifted

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 2))
L = laplacian(NeighborsGraph(8).fit(X).affinity_, normalization=None)
DENSE = L.matmat(np.eye(120))
B = rng.normal(size=(120, 5))
SHIFTS = np.array([1e-6, 1e-3, 0.1, 1.0, 50.0])
ROWS = np.array([3, 17, 90])


@pytest.mark.parametrize("deflate", [True, False])
def test_against_dense_solutions(deflate):
    shifts = SHIFTS if deflate else SHIFTS[1:]
    null_space = L.null_space() if deflate else None
    result = solve_shifted(L, B, shifts, ROWS, null_space=null_space, tol=1e-10)
    assert result.converged.all()
    for shift, x in zip(shifts, result.x, strict=True):
        expected = np.linalg.solve(DENSE + shift * np.eye(120), B)[ROWS]
        np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-7)


def test_two_components():
    W = sparse.block_diag([sparse.csr_array(np.ones((4, 4)) - np.eye(4))] * 2)
    two = laplacian(sparse.csr_array(W), normalization=None)
    F = rng.normal(size=(8, 2))
    result = solve_shifted(
        two, F, [1e-9, 2.0], np.arange(8), null_space=two.null_space(), tol=1e-12
    )
    dense = two.matmat(np.eye(8))
    np.testing.assert_allclose(result.x[1], np.linalg.solve(dense + 2 * np.eye(8), F))
    means = F.reshape(2, 4, 2).mean(axis=1)
    np.testing.assert_allclose(
        result.x[0].reshape(2, 4, 2).mean(axis=1) * 1e-9, means, rtol=1e-9
    )


def test_a_column_in_the_null_space_needs_no_step():
    ones = np.ones((120, 1))
    result = solve_shifted(L, ones, [0.5], ROWS, null_space=L.null_space())
    np.testing.assert_allclose(result.x, 2)
    assert result.n_iter == 0


def test_stopping_early_is_told():
    with pytest.warns(ConvergenceWarning, match="stopped after 2 steps"):
        solve_shifted(L, B, SHIFTS, ROWS, max_iter=2)


def test_shifts_must_be_positive():
    with pytest.raises(ValueError, match=r"positive, got 0\.0"):
        solve_shifted(L, B, [0.0, 1.0], ROWS)


def test_imaginary_shifts_solve_with_the_square():
    roots = np.sqrt(SHIFTS)
    result = solve_shifted(
        L, B, -1j * roots, ROWS, null_space=L.null_space(), tol=1e-10
    )
    for root, x in zip(roots, result.x.imag, strict=True):
        expected = np.linalg.solve(DENSE @ DENSE + root**2 * np.eye(120), B)[ROWS]
        np.testing.assert_allclose(x / root, expected, rtol=1e-6, atol=1e-6)
