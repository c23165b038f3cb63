"""Losses and kernel machines."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from sklearn_manifold_reg.optim import LOSSES, solve_kernel_machine

rng = np.random.default_rng(0)
n = 30
A = rng.normal(size=(n, 5))
G = A @ A.T / 5 + 0.05 * np.eye(n)
Y = np.sign(A[:, :2] + 0.5 * rng.normal(size=(n, 2)))
W = rng.uniform(0.5, 2.0, size=n)
MARGINS = np.linspace(-3, 3, 61) + 0.001


def objective(loss, beta, y, intercept=0.0):
    f = G @ beta + intercept
    return W @ loss.value(y * f) / W.sum() + beta @ G @ beta


@pytest.mark.parametrize("name", LOSSES)
def test_conjugate_is_the_supremum(name):
    loss = LOSSES[name]
    m = np.linspace(-60, 60, 240_001)
    for p in (0.05, 0.4, 0.95):
        sup = np.max(-p * m - loss.value(m))
        assert loss.conjugate(np.array(p)) == pytest.approx(sup, abs=1e-6)
    assert loss.conjugate(np.array(-0.5)) == np.inf


@pytest.mark.parametrize("name", ["squared_hinge", "log_loss"])
def test_derivatives_against_differences(name):
    loss, h = LOSSES[name], 1e-5
    slope = (loss.value(MARGINS + h) - loss.value(MARGINS - h)) / (2 * h)
    np.testing.assert_allclose(loss.derivative(MARGINS), slope, atol=1e-8)
    bend = (loss.derivative(MARGINS + h) - loss.derivative(MARGINS - h)) / (2 * h)
    np.testing.assert_allclose(loss.curvature(MARGINS), bend, atol=1e-8)


def test_the_hinge_is_not_smooth():
    with pytest.raises(NotImplementedError, match="HingeLoss is not smooth"):
        LOSSES["hinge"].derivative(MARGINS)
    with pytest.raises(NotImplementedError, match="HingeLoss is not smooth"):
        LOSSES["hinge"].curvature(MARGINS)


@pytest.mark.parametrize("name", LOSSES)
def test_the_duality_gap_closes(name):
    result = solve_kernel_machine(G, Y, LOSSES[name], W, tol=1e-7)
    assert result.converged.all()
    assert np.all(np.abs(result.gap) <= 1e-7)
    assert np.all(result.n_iter >= 1)


@pytest.mark.parametrize("name", LOSSES)
def test_no_perturbation_is_better(name):
    loss = LOSSES[name]
    result = solve_kernel_machine(G, Y, loss, W, tol=1e-8)
    for column in range(2):
        beta, b = result.x[:, column], result.intercept[column]
        best = objective(loss, beta, Y[:, column], b)
        for size in (1e-2, 1e-3, 1e-4):
            for _ in range(20):
                moved = beta + size * rng.normal(size=n)
                assert objective(loss, moved, Y[:, column], b) >= best - 1e-9


@pytest.mark.parametrize("name", ["squared_hinge", "log_loss"])
def test_against_a_general_minimizer(name):
    loss, y = LOSSES[name], Y[:, 0]
    result = solve_kernel_machine(G, Y[:, :1], loss, W, tol=1e-10)
    general = minimize(lambda b: objective(loss, b, y), np.zeros(n), tol=1e-12)
    assert objective(loss, result.x[:, 0], y) <= general.fun + 1e-9


def test_hinge_is_the_support_vector_machine():
    result = solve_kernel_machine(G, Y[:, :1], LOSSES["hinge"], np.ones(n), tol=1e-8)
    machine = SVC(C=1 / (2 * n), kernel="precomputed", tol=1e-8).fit(G, Y[:, 0])
    np.testing.assert_allclose(
        G @ result.x[:, 0] + result.intercept, machine.decision_function(G), atol=1e-5
    )


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("strength", [1e-6, 1e3, 1e6])
def test_any_ridge_is_solved_without_a_warning(name, strength):
    # Separable and noisy targets; an infinite gap or a warning is an error.
    noise = np.sign(rng.normal(size=(n, 1)))
    targets = np.hstack([Y[:, :1], noise])
    result = solve_kernel_machine(strength * G, targets, LOSSES[name], W)
    assert result.converged.all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("Gram", [A @ A.T, np.ones((n, n)), np.zeros((n, n))])
def test_singular_gram_matrices(name, Gram):
    result = solve_kernel_machine(1e3 * Gram, Y, LOSSES[name], W)
    assert result.converged.all()


@pytest.mark.parametrize("name", LOSSES)
def test_column_of_one_sign(name):
    result = solve_kernel_machine(G, -np.ones((n, 1)), LOSSES[name], W)
    assert result.converged.all()
    if name == "hinge":
        # The unpenalized constant alone costs nothing.
        loss, y = LOSSES[name], -np.ones(n)
        assert objective(loss, result.x[:, 0], y, result.intercept[0]) == 0


def test_coefficients_are_zero_beyond_the_margin():
    result = solve_kernel_machine(100 * G, Y[:, :1], LOSSES["squared_hinge"], W)
    margins = Y[:, 0] * (100 * G @ result.x[:, 0])
    assert np.any(margins > 1.001)
    np.testing.assert_array_equal(result.x[margins > 1.001, 0], 0)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gap_bounds_the_excess(name):
    # Whatever the accuracy asked for, the optimum lies at most the gap below.
    loss = LOSSES[name]
    exact = solve_kernel_machine(G, Y, loss, W, tol=1e-9)
    rough = solve_kernel_machine(G, Y, loss, W, tol=0.3)
    for column in range(2):
        values = [
            objective(loss, r.x[:, column], Y[:, column], r.intercept[column])
            for r in (rough, exact)
        ]
        excess = (values[0] - values[1]) / values[0]
        assert -1e-8 <= excess <= rough.gap[column] + 1e-8


def test_indefinite_gram_matrix():
    # As of a sigmoid kernel: a stationary point, not a minimum.
    H = G - 0.06 * np.eye(n)
    assert np.linalg.eigvalsh(H)[0] < 0
    result = solve_kernel_machine(H, Y, LOSSES["squared_hinge"], W)
    assert np.isfinite(result.x).all()


def test_stopping_early_is_told():
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        solve_kernel_machine(G, Y, LOSSES["log_loss"], W, tol=1e-12, max_iter=1)
