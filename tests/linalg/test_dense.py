"""Dense systems in mixed precision."""

import numpy as np
import pytest

from sklearn_manifold_reg.linalg import _dense, solve_dense

rng = np.random.default_rng(0)


def system(n, condition):
    values = np.geomspace(1, condition, n)
    left, right = (np.linalg.qr(rng.normal(size=(n, n)))[0] for _ in range(2))
    return left @ (values[:, None] * right), rng.normal(size=(n, 2))


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e12])
@pytest.mark.parametrize("n", [50, 1000])
def test_backward_error_is_that_of_float64(n, condition):
    A, B = system(n, condition)
    X = solve_dense(A, B)
    residual = np.abs(A @ X - B).max()
    assert residual <= 1e-13 * np.sqrt(n) * condition * np.abs(X).max()
    assert residual <= 2 * np.sqrt(n) * np.finfo(float).eps * (
        np.abs(A).sum(axis=1).max() * np.abs(X).max()
    )


def test_well_conditioned_systems_are_refined_and_others_not():
    A, B = system(1000, 1e3)
    X = _dense._refined(A, B)
    np.testing.assert_allclose(X, np.linalg.solve(A, B), rtol=1e-8, atol=1e-12)
    A, B = system(1000, 1e14)
    assert _dense._refined(A, B) is None


def test_arguments_are_left_alone():
    A, B = system(1000, 10)
    before = A.copy(), B.copy()
    solve_dense(A, B)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(B, before[1])


def test_singular_matrices_raise():
    with pytest.raises(np.linalg.LinAlgError):
        solve_dense(np.zeros((1000, 1000)), np.ones((1000, 1)))


def test_device_arrays(namespace):
    xp, device = namespace
    A, B = system(6, 10)
    Ad, Bd = (xp.asarray(M.tolist(), dtype=xp.float64, device=device) for M in (A, B))
    X = solve_dense(Ad, Bd)
    values = [[float(v) for v in X[i, :]] for i in range(6)]
    np.testing.assert_allclose(values, np.linalg.solve(A, B), rtol=1e-9)
