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


def test_stopping_early_is_told():
    with pytest.warns(ConvergenceWarning, match="relative duality gap"):
        solve_kernel_machine(G, Y, LOSSES["log_loss"], W, tol=1e-12, max_iter=1)
