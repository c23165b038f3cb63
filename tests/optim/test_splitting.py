"""Alternating directions: closed forms, another solver, certificates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.linalg import DenseOperator, as_operator
from sklearn_manifold_reg.optim import solve_generalized_krylov, solve_splitting


def problem(seed=0, m=60, n=36):
    """Random sums of a piecewise constant image, and its differences."""
    rng = np.random.default_rng(seed)
    x = np.zeros((6, 6))
    x[1:4, 2:5], x[4:, :3] = 0.7, 1.0
    A = 1.0 * (rng.random((m, n)) < 0.3)
    e = 0.3 * rng.standard_normal(m)
    D = np.diff(np.eye(6), axis=0)
    L = np.vstack([np.kron(D, np.eye(6)), np.kron(np.eye(6), D)])
    return A, L, A @ x.reshape(-1) + e, np.linalg.norm(e)


def test_denoising_by_absolute_values_is_a_threshold():
    y = np.random.default_rng(0).standard_normal(30)
    eye = as_operator(np.eye(30))
    result = solve_splitting(eye, eye, y, alpha=0.5, tol=1e-9)
    expected = np.sign(y) * np.maximum(np.abs(y) - 0.5, 0)
    assert_allclose(result.x, expected, atol=1e-7)


@pytest.mark.parametrize(
    "options",
    [{}, {"positive": True}, {"penalty": "l2", "positive": True}],
    ids=["l1", "l1-positive", "l2-positive"],
)
@pytest.mark.parametrize("rule", ["alpha", "residual_norm"])
def test_equals_another_solver(options, rule):
    cp = pytest.importorskip("cvxpy")
    A, L, y, delta = problem()
    z = cp.Variable(A.shape[1])
    penalty = 0.5 * cp.sum_squares(L @ z)
    if options.get("penalty") is None:
        penalty = cp.norm1(L @ z)
    limits = [z >= 0] if options.get("positive") else []
    if rule == "alpha":
        goal, value = 0.5 * cp.sum_squares(A @ z - y) + 0.8 * penalty, 0.8
    else:
        value = 1.01 * delta
        goal, limits = penalty, [*limits, cp.norm(A @ z - y) <= value]
    cp.Problem(cp.Minimize(goal), limits).solve(solver="CLARABEL")
    result = solve_splitting(
        as_operator(A),
        as_operator(L),
        y,
        **{rule: value},
        **options,
        tol=1e-6,
        max_iter=20_000,
    )
    assert result.converged
    assert_allclose(result.x, z.value, atol=1e-4)


@pytest.mark.parametrize("rule", ["alpha", "residual_norm"])
def test_absolute_values_meet_the_conditions_of_optimality(rule):
    """Where L x is zero, the multiplier may be anything between -1 and 1."""
    A, L, y, delta = problem()
    value = 2.0 if rule == "alpha" else 1.01 * delta
    result = solve_splitting(
        as_operator(A), as_operator(L), y, **{rule: value}, tol=1e-8, max_iter=20_000
    )
    assert result.converged
    if rule == "residual_norm":
        assert_allclose(result.residual_norm, value, rtol=1e-6)
    u = L @ result.x
    on = np.abs(u) > 1e-5
    force = -A.T @ (A @ result.x - y) / result.alpha - L[on].T @ np.sign(u[on])
    multiplier = np.linalg.lstsq(L[~on].T, force, rcond=None)[0]
    assert_allclose(L[~on].T @ multiplier, force, atol=1e-4)
    # Of all multipliers the one of least norm need not be the one within bounds.
    assert np.linalg.norm(multiplier) <= np.sqrt(np.sum(~on)) + 1e-4


@pytest.mark.parametrize("rule", ["alpha", "residual_norm"])
def test_squares_agree_with_the_growing_space(rule):
    A, L, y, delta = problem()
    options = {rule: 0.8 if rule == "alpha" else 1.2 * delta}
    expected = solve_generalized_krylov(
        as_operator(A), as_operator(L), y, tol=1e-10, **options
    )
    result = solve_splitting(
        as_operator(A),
        as_operator(L),
        y,
        penalty="l2",
        tol=1e-8,
        max_iter=5000,
        **options,
    )
    assert_allclose(result.x, expected.x, atol=1e-5)
    assert_allclose(result.alpha, expected.alpha, rtol=1e-3)


def test_other_array_libraries_agree(namespace):
    xp, device = namespace
    A, L, y, delta = problem()
    options = {"residual_norm": 1.01 * delta, "positive": True, "max_iter": 50}
    expected = solve_splitting(as_operator(A), as_operator(L), y, **options)
    there = (xp.asarray(a, device=device) for a in (A, L))
    y_there = xp.asarray(y, device=device)
    result = solve_splitting(*map(DenseOperator, there), y_there, **options)
    assert result.x.device == y_there.device
    assert_allclose(to_numpy(result.x), expected.x, atol=1e-8)


def test_what_does_not_go_together_is_refused():
    A, L, y, _ = problem()
    with pytest.raises(ValueError, match="either alpha or residual_norm"):
        solve_splitting(as_operator(A), as_operator(L), y)
