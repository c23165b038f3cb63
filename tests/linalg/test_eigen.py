"""Lowest eigenpairs: known spectra, null spaces, agreement of solvers, failures."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_swiss_roll
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import lowest_eigenpairs

ITERATIVE = ["lobpcg", "chebyshev"]


def cycle(n):
    W = sparse.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1], format="lil")
    W[0, n - 1] = W[n - 1, 0] = 1
    return sparse.csr_array(W)


def roll(n=1600, dtype=np.float64, pieces=1):
    X, _ = make_swiss_roll(n, random_state=0)
    X = np.concatenate([X + 1000 * p for p in range(pieces)]).astype(dtype)
    return NeighborsGraph().fit(X).affinity_


def projector_distance(U, V):
    return np.linalg.norm(U - V @ (V.T @ U), 2)


@pytest.mark.parametrize("solver", ["auto", "dense", *ITERATIVE])
@pytest.mark.parametrize("normalization", [None, "symmetric"])
def test_spectrum_of_the_cycle(solver, normalization):
    n = 1000
    L = laplacian(cycle(n), normalization=normalization)
    result = lowest_eigenpairs(L, 7, null_space=L.null_space(), solver=solver, tol=1e-9)
    k = np.array([0, 1, 1, 2, 2, 3, 3])
    scale = 2 if normalization is None else 1
    expected = scale * (1 - np.cos(2 * np.pi * k / n))
    np.testing.assert_allclose(result.values, expected, rtol=1e-6, atol=1e-12)
    assert result.converged
    V = result.vectors
    np.testing.assert_allclose(V.T @ V, np.eye(7), atol=1e-9)
    residual = np.linalg.norm(L.matmat(V) - V * result.values, axis=0)
    np.testing.assert_allclose(result.residual_norms, residual, atol=1e-12)
    assert np.all(residual <= 1e-9 * 4)


@pytest.mark.parametrize("solver", ["dense", *ITERATIVE])
@pytest.mark.filterwarnings("ignore:The graph of NeighborsGraph:UserWarning")
def test_null_vectors_come_first_and_are_not_computed(solver):
    L = laplacian(roll(700, pieces=3))
    space = L.null_space()
    result = lowest_eigenpairs(L, 6, null_space=space, solver=solver)
    np.testing.assert_allclose(result.values[:3], 0, atol=1e-14)
    assert np.all(result.values[3:] > 1e-6)
    labels = L.component_labels
    for c in range(3):
        assert np.all(result.vectors[labels != c, c] == 0)
    few = lowest_eigenpairs(L, 2, null_space=space, solver=solver)
    np.testing.assert_allclose(few.values, 0, atol=1e-14)
    assert few.n_iter == 0


@pytest.mark.parametrize("solver", ITERATIVE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_solvers_span_the_space_of_the_dense_one(solver, dtype):
    L = laplacian(roll(1600, dtype))
    space = L.null_space()
    exact = lowest_eigenpairs(L, 8, null_space=space, solver="dense")
    result = lowest_eigenpairs(L, 8, null_space=space, solver=solver, tol=1e-7)
    assert projector_distance(result.vectors, exact.vectors) < 1e-3
    np.testing.assert_allclose(result.values, exact.values, rtol=1e-3, atol=1e-7)


def test_the_seed_alone_decides():
    L = laplacian(roll(1600))
    runs = [
        lowest_eigenpairs(
            L, 4, null_space=L.null_space(), solver="chebyshev", n_jobs=jobs
        )
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(runs[0].vectors, runs[1].vectors)
    peaks = runs[0].vectors[np.abs(runs[0].vectors).argmax(axis=0), range(4)]
    assert np.all(peaks > 0)


def test_too_few_steps_are_told():
    L = laplacian(roll(1600))
    with pytest.warns(ConvergenceWarning, match="after 2 steps with a residual norm"):
        result = lowest_eigenpairs(
            L, 4, null_space=L.null_space(), solver="chebyshev", max_iter=2
        )
    assert not result.converged


@pytest.mark.parametrize("n_pairs", [0, 41])
def test_numbers_of_pairs_out_of_range(n_pairs):
    with pytest.raises(ValueError, match=r"n_pairs must be in 1\.\.40"):
        lowest_eigenpairs(laplacian(cycle(40)), n_pairs)


def test_all_pairs_of_small_graphs():
    L = laplacian(cycle(40))
    result = lowest_eigenpairs(L, 40, null_space=L.null_space())
    expected = np.linalg.eigvalsh(L.matmat(np.eye(40)))
    np.testing.assert_allclose(result.values, expected, atol=1e-12)


def test_unknown_solver():
    with pytest.raises(ValueError, match="solver must be one of"):
        lowest_eigenpairs(laplacian(cycle(40)), 2, solver="magic")
