"""Regularized least squares in a growing space: closed forms, limits, certificates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_manifold_reg._arrays import CSR, csr_like, to_numpy
from sklearn_manifold_reg.linalg import DenseOperator, SparseOperator, as_operator
from sklearn_manifold_reg.optim import (
    gram_diagonal,
    mean_diagonal,
    solve_generalized_krylov,
)


def problem(m=60, n=40, noise=0.05, seed=0):
    """An ill-posed map, differences, and data of a smooth signal."""
    rng = np.random.default_rng(seed)
    places = np.linspace(0, 1, n)
    A = np.exp(-(((np.linspace(0, 1, m)[:, None] - places) / 0.08) ** 2))
    L = np.diff(np.eye(n), axis=0)
    e = rng.standard_normal(m)
    y = A @ np.sin(5 * places) + noise * e
    return A, L, y, noise * np.linalg.norm(e)


def minimizer(A, L, y, alpha):
    return np.linalg.solve(A.T @ A + alpha * L.T @ L, A.T @ y)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("restart", [8, 30, 100])
def test_equals_a_direct_solve(alpha, restart):
    A, L, y, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A),
        as_operator(L),
        y,
        alpha=alpha,
        tol=1e-12,
        max_iter=2000,
        restart=restart,
    )
    expected = minimizer(A, L, y, alpha)
    assert_allclose(result.x, expected, atol=1e-5 * np.abs(expected).max())
    assert result.optimality < 1e-11
    assert_allclose(result.residual_norm, np.linalg.norm(A @ result.x - y))


def test_without_weight_it_is_least_squares():
    rng = np.random.default_rng(0)
    A, y = rng.standard_normal((50, 20)), rng.standard_normal(50)
    result = solve_generalized_krylov(
        as_operator(A), as_operator(np.eye(20)), y, alpha=0.0, tol=1e-10
    )
    assert_allclose(result.x, np.linalg.lstsq(A, y, rcond=None)[0], atol=1e-8)


def test_large_weight_gives_the_best_constant():
    A, L, y, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, alpha=1e9, tol=1e-10
    )
    ones = A.sum(axis=1)
    assert_allclose(result.x, ones @ y / (ones @ ones), rtol=1e-4)


@pytest.mark.parametrize("q", [2.0, 1.0, 0.7])
def test_discrepancy_is_met_by_a_stationary_point(q):
    A, L, y, delta = problem()
    result = solve_generalized_krylov(
        as_operator(A),
        as_operator(L),
        y,
        residual_norm=1.01 * delta,
        q=q,
        smoothing=0.01,
        tol=1e-8,
        max_iter=1000,
    )
    assert_allclose(result.residual_norm, 1.01 * delta, rtol=1e-6)
    u = L @ result.x
    bent = u * (u**2 + 0.01**2) ** (q / 2 - 1) if q < 2 else u
    gradient = A.T @ (A @ result.x - y) + result.alpha * L.T @ bent
    assert np.linalg.norm(gradient) < 1e-6 * np.linalg.norm(A.T @ y)


def test_residual_norm_out_of_reach_leaves_no_weight():
    A, L, y, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, residual_norm=1e-3
    )
    assert result.alpha == 0
    assert result.residual_norm > 1e-3


def test_noise_in_the_range_of_free_images_needs_no_more_weight():
    """Every weight leaves less: one that all but reaches the limit is taken."""
    A, L, y, _ = problem()
    flat = A.sum(axis=1)
    least = np.linalg.norm(y - flat * (flat @ y) / (flat @ flat))
    result = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, residual_norm=1.5 * least, tol=1e-8
    )
    assert np.isfinite(result.alpha)
    assert_allclose(result.residual_norm, least, rtol=1e-4)


@pytest.mark.parametrize("q", [1.0, 0.5])
def test_objective_never_rises(q):
    A, L, y, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A),
        as_operator(L),
        y,
        alpha=0.1,
        q=q,
        smoothing=1e-3,
        tol=1e-10,
        restart=8,
    )
    values = result.objectives
    assert np.all(np.diff(values) <= 1e-12 * values[:-1])
    smooth = ((L @ result.x) ** 2 + 1e-6) ** (q / 2)
    expected = 0.5 * result.residual_norm**2 + 0.1 / q * smooth.sum()
    assert_allclose(values[-1], expected)


def test_cross_validation_takes_the_minimum():
    """The same criterion from dense inverses and the same random signs."""
    A, L, y, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, alpha="gcv", tol=1e-8, max_iter=500
    )
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=len(y))

    def score(alpha):
        inverse = np.linalg.inv(A.T @ A + alpha * L.T @ L)
        influence = A @ inverse @ A.T
        residual = y - influence @ y
        return residual @ residual / (len(y) - signs @ influence @ signs) ** 2

    grid = result.alpha * np.exp(np.linspace(-1, 1, 41))
    assert score(result.alpha) <= min(score(alpha) for alpha in grid) * (1 + 1e-6)


def test_start_at_the_solution_ends_there():
    A, L, y, _ = problem()
    options = {"alpha": 1.0, "tol": 1e-8}
    cold = solve_generalized_krylov(as_operator(A), as_operator(L), y, **options)
    warm = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, start=cold.x, **options
    )
    assert warm.n_iter < cold.n_iter / 2
    assert_allclose(warm.x, cold.x, atol=1e-6)


def test_zero_data_give_zero():
    A, L, _, _ = problem()
    result = solve_generalized_krylov(
        as_operator(A), as_operator(L), np.zeros(60), alpha=1.0
    )
    assert result.converged
    assert_allclose(result.x, 0)


@pytest.mark.parametrize("q", [2.0, 1.0])
def test_other_array_libraries_agree(namespace, q):
    xp, device = namespace
    A, L, y, delta = problem()
    options = {"residual_norm": 1.01 * delta, "q": q, "smoothing": 0.1, "tol": 1e-8}
    expected = solve_generalized_krylov(as_operator(A), as_operator(L), y, **options)
    host = CSR.from_scipy(as_operator(L).to_csr().to_scipy())
    y_there = xp.asarray(y, device=device)
    result = solve_generalized_krylov(
        DenseOperator(xp.asarray(A, device=device)),
        SparseOperator(csr_like(host, y_there)),
        y_there,
        **options,
    )
    assert result.x.device == y_there.device
    assert_allclose(to_numpy(result.x), expected.x, atol=1e-6)
    assert_allclose(result.alpha, expected.alpha, rtol=1e-4)


def test_single_precision_stays_single():
    A, L, y, delta = problem()
    wide = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, residual_norm=1.01 * delta
    )
    narrow = solve_generalized_krylov(
        as_operator(A.astype(np.float32)),
        as_operator(L.astype(np.float32)),
        y.astype(np.float32),
        residual_norm=1.01 * delta,
    )
    assert narrow.x.dtype == np.float32
    assert narrow.converged
    assert_allclose(narrow.x, wide.x, atol=2e-2)


def test_diagonals_of_gram_matrices():
    rng = np.random.default_rng(0)
    A, w, x = rng.standard_normal((6, 6)), rng.random(6), np.zeros(6)
    sparse = as_operator(A).to_csr()
    d = rng.random(6)
    full = SparseOperator(sparse, d, -0.5)
    for operator, dense in (
        (as_operator(A), A),
        (SparseOperator(sparse), A),
        (full, np.diag(d) - 0.5 * A),
    ):
        for weights in (None, w):
            expected = np.sum((1 if weights is None else w[:, None]) * dense**2, axis=0)
            assert_allclose(gram_diagonal(operator, weights, x), expected)
    assert mean_diagonal(np.array([1.0, 3.0])) == 2
    assert mean_diagonal(2.0) == 2


def test_what_does_not_go_together_is_refused():
    A, L, y, _ = problem()
    for options in ({}, {"alpha": 1.0, "residual_norm": 1.0}):
        with pytest.raises(ValueError, match="either alpha or residual_norm"):
            solve_generalized_krylov(as_operator(A), as_operator(L), y, **options)
    with pytest.raises(ValueError, match=r"smoothing=0\.0 must be positive"):
        solve_generalized_krylov(as_operator(A), as_operator(L), y, alpha=1.0, q=1.0)
