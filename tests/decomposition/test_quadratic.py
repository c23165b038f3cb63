"""Nonnegative quadratic programs: optimality, and agreement of both ways."""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg.decomposition._quadratic import solve_nonnegative_rows

# Numbers of variables and of features: fewer, equal, more; beyond a machine word.
SHAPES = [(1, 3), (2, 5), (6, 20), (6, 3), (12, 4), (30, 40), (70, 80)]


def problem(n_variables, n_features, *, duplicates=False, n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    E = rng.random((n_variables, n_features))
    if duplicates and n_variables > 2:
        E[1] = E[0]
        # And one that lies between others up to the ninth digit.
        E[-1] = E[:-1].mean(axis=0) * (1 + 1e-9)
    X = 1.2 * rng.random((n_rows, n_features))
    X[0] = 0
    return E, X


def violation(G, B, W, sum_to_one):
    """Largest violation of the optimality conditions, relative to the entries."""
    descent = B - W @ G
    if sum_to_one:
        descent -= np.sum(W * descent, axis=1, keepdims=True)
    within = np.abs(np.where(W > 0, descent, 0))
    return max(descent.max(), within.max()) / max(np.abs(B).max(), G.max())


@pytest.mark.parametrize("sum_to_one", [True, False])
@pytest.mark.parametrize("duplicates", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_conditions_of_optimality(shape, duplicates, sum_to_one, compiled):
    E, X = problem(*shape, duplicates=duplicates)
    G, B = E @ E.T, X @ E.T
    W = solve_nonnegative_rows(G, B, sum_to_one=sum_to_one)
    assert W.min() >= 0
    assert violation(G, B, W, sum_to_one) < 1e-11
    if sum_to_one:
        assert_allclose(W.sum(axis=1), 1, atol=1e-12)


def test_best_of_all_supports(compiled):
    E, X = problem(5, 3, n_rows=20)
    W = solve_nonnegative_rows(E @ E.T, X @ E.T, sum_to_one=True)
    for x, w in zip(X, W, strict=True):
        errors = []
        for size in range(1, 5):
            for support in map(list, combinations(range(5), size)):
                origin, edges = E[support[0]], E[support[1:]] - E[support[0]]
                v = np.linalg.lstsq(edges.T, x - origin, rcond=None)[0]
                if min(*v, 1 - v.sum(), 0) >= 0:
                    errors.append(np.sum((origin + v @ edges - x) ** 2))
        assert_allclose(np.sum((w @ E - x) ** 2), min(errors), atol=1e-13)


def test_scipy_nnls(compiled):
    E, X = problem(6, 20)
    W = solve_nonnegative_rows(E @ E.T, X @ E.T, sum_to_one=False)
    assert_allclose(W, [nnls(E.T, x)[0] for x in X], atol=1e-12)


@pytest.mark.parametrize("sum_to_one", [True, False])
def test_start_and_threads_do_not_matter(sum_to_one, compiled):
    E, X = problem(6, 20, n_rows=5000 if compiled else 50)
    G, B = E @ E.T, X @ E.T
    W = solve_nonnegative_rows(G, B, sum_to_one=sum_to_one, n_jobs=1)
    start = np.random.default_rng(0).random(W.shape) - 0.5
    started = solve_nonnegative_rows(G, B, sum_to_one=sum_to_one, start=start)
    assert_allclose(started, W, atol=1e-12)
    threads = solve_nonnegative_rows(G, B, sum_to_one=sum_to_one, n_jobs=2)
    assert_array_equal(threads, W)
    # Each row stands alone.
    alone = solve_nonnegative_rows(G, B[7:8], sum_to_one=sum_to_one)
    assert_array_equal(alone, W[7:8])


def test_dependent_start(compiled):
    E, X = problem(8, 3, duplicates=True)
    G, B = E @ E.T, X @ E.T
    W = solve_nonnegative_rows(G, B, sum_to_one=True, start=np.ones_like(B))
    assert violation(G, B, W, True) < 1e-11


def test_offset_is_taken_from_every_row(compiled):
    E, X = problem(4, 10)
    G, B, offset = E @ E.T, X @ E.T, np.arange(4.0)
    W = solve_nonnegative_rows(G, B, sum_to_one=False, offset=offset)
    moved = solve_nonnegative_rows(G, B - offset, sum_to_one=False)
    assert_allclose(W, moved, atol=1e-13)


def test_no_rows_and_no_light(compiled):
    G = np.zeros((2, 2))
    for sum_to_one in (True, False):
        assert solve_nonnegative_rows(G, G[:0], sum_to_one=sum_to_one).shape == (0, 2)
        W = solve_nonnegative_rows(G, G, sum_to_one=sum_to_one)
        assert_allclose(W.sum(axis=1), sum_to_one)


def test_unbounded_problem_is_reported(compiled):
    """A linear term outside the range of G has no minimizer."""
    G = np.diag([1.0, 0.0])
    with pytest.warns(ConvergenceWarning, match="nearly dependent"):
        solve_nonnegative_rows(G, np.array([[1.0, 1.0]]), sum_to_one=False)
