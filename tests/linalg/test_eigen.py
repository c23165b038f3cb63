"""Lowest eigenpairs: known spectra, null spaces, agreement of solvers, failures."""

import numpy as np
import pytest
import scipy.linalg
from scipy import sparse
from sklearn.datasets import make_swiss_roll
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import csr_like, to_numpy
from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import (
    DiagonalOperator,
    Operator,
    lowest_eigenpairs,
)

ITERATIVE = ["chebyshev", "lobpcg", "arpack", "shift-invert"]


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


@pytest.mark.parametrize("solver", ["auto", "dense", *ITERATIVE[:2]])
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
    L = laplacian(roll(250, pieces=3))
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
    L = laplacian(roll(700, dtype))
    space = L.null_space()
    exact = lowest_eigenpairs(L, 8, null_space=space, solver="dense")
    result = lowest_eigenpairs(L, 8, null_space=space, solver=solver, tol=1e-7)
    assert projector_distance(result.vectors, exact.vectors) < 1e-3
    np.testing.assert_allclose(result.values, exact.values, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("solver", ["chebyshev", "lobpcg"])
def test_results_do_not_depend_on_threads(solver):
    L = laplacian(roll(3000))
    runs = [
        lowest_eigenpairs(L, 4, null_space=L.null_space(), solver=solver, n_jobs=jobs)
        for jobs in (1, 2)
    ]
    np.testing.assert_array_equal(runs[0].vectors, runs[1].vectors)


@pytest.mark.parametrize("solver", ["dense", "chebyshev", "lobpcg"])
def test_vectors_do_not_depend_on_the_solver_nor_on_the_seed(solver):
    # Pairs of equal eigenvalues: sines and cosines that any rotation mixes.
    L = laplacian(cycle(600))
    exact = lowest_eigenpairs(L, 7, null_space=L.null_space(), solver="dense")
    result = lowest_eigenpairs(
        L, 7, null_space=L.null_space(), solver=solver, random_state=3, tol=1e-10
    )
    np.testing.assert_allclose(result.vectors, exact.vectors, atol=1e-5)
    sizes = np.abs(result.vectors)
    first = (sizes >= 0.999 * sizes.max(axis=0)).argmax(axis=0)
    assert np.all(result.vectors[first, range(7)] > 0)


@pytest.mark.parametrize("solver", ["chebyshev", "lobpcg"])
def test_too_few_steps_are_told(solver):
    L = laplacian(roll(3000))
    with pytest.warns(ConvergenceWarning, match="stopped with a residual norm of"):
        result = lowest_eigenpairs(
            L,
            4,
            null_space=L.null_space(),
            solver=solver,
            max_iter=1,
            tol=1e-12,
        )
    assert not result.converged


def hypercube(p):
    W = sparse.csr_array((1, 1))
    flip = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    for k in range(p):
        eyes = sparse.eye_array(2), sparse.eye_array(2**k)
        W = sparse.kron(eyes[0], W) + sparse.kron(flip, eyes[1])
    return sparse.csr_array(W)


def star(n):
    rows = np.zeros(n - 1, dtype=int)
    W = sparse.coo_array((np.ones(n - 1), (rows, np.arange(1, n))), shape=(n, n))
    return sparse.csr_array(W + W.T)


def grid(*sizes):
    W = sparse.csr_array((1, 1))
    for size in sizes:
        path = sparse.diags_array(
            [np.ones(size - 1)] * 2, offsets=[-1, 1], shape=(size, size)
        )
        W = sparse.kron(W, sparse.eye_array(size)) + sparse.kron(
            sparse.eye_array(W.shape[0]), path
        )
    return sparse.csr_array(W)


def path_spectrum(size):
    return 2 - 2 * np.cos(np.pi * np.arange(size) / size)


SPECTRA = {
    "hypercube": (hypercube(9), np.repeat([0, 2, 4], [1, 9, 36])[:20]),
    "star": (star(600), np.repeat([0, 1], [1, 9])),
    "complete bipartite": (
        sparse.csr_array(
            sparse.block_array([[None, np.ones((40, 60))], [np.ones((60, 40)), None]])
        ),
        np.repeat([0, 40, 60], [1, 59, 39])[:70],
    ),
    "grid": (
        grid(20, 41),
        np.sort((path_spectrum(20)[:, None] + path_spectrum(41)[None, :]).ravel())[:20],
    ),
}


@pytest.mark.parametrize("solver", ["auto", "dense", "chebyshev", "lobpcg"])
@pytest.mark.parametrize("name", SPECTRA)
def test_multiplicities(name, solver):
    W, expected = SPECTRA[name]
    L = laplacian(W, normalization=None)
    result = lowest_eigenpairs(
        L, len(expected), null_space=L.null_space(), solver=solver, tol=1e-8
    )
    np.testing.assert_allclose(result.values, expected, atol=1e-6)
    V = result.vectors
    np.testing.assert_allclose(V.T @ V, np.eye(len(expected)), atol=1e-8)


@pytest.mark.parametrize("solver", ["dense", *ITERATIVE])
def test_mass_matrix(solver):
    L = laplacian(roll(500), normalization=None)
    mass = np.random.default_rng(0).uniform(0.1, 3, size=500)
    result = lowest_eigenpairs(
        L, 6, mass=mass, null_space=L.null_space(), solver=solver, tol=1e-8
    )
    V = result.vectors
    np.testing.assert_allclose(V.T @ (mass[:, None] * V), np.eye(6), atol=1e-8)
    R = L.matmat(V) - mass[:, None] * V * result.values
    norms = np.linalg.norm(R / np.sqrt(mass)[:, None], axis=0)
    np.testing.assert_allclose(result.residual_norms, norms, atol=1e-12)
    A = L.to_csr().to_scipy().toarray()
    exact = scipy.linalg.eigh(A, np.diag(mass), eigvals_only=True)[:6]
    np.testing.assert_allclose(result.values, exact, atol=1e-8)


@pytest.mark.parametrize("mass", [np.ones(3), -np.ones(40)])
def test_mass_matrices_that_are_none(mass):
    with pytest.raises(ValueError, match="`mass`"):
        lowest_eigenpairs(laplacian(cycle(40)), 2, mass=mass)


@pytest.mark.parametrize("solver", ["dense", "chebyshev"])
def test_complex_operators(solver):
    # A cycle with a phase on each edge: the spectrum of the cycle, shifted.
    n, turn = 300, 0.3
    phases = np.exp(1j * turn) * np.ones(n - 1)
    A = sparse.diags_array([phases, phases.conj()], offsets=[1, -1]).tolil()
    A[n - 1, 0], A[0, n - 1] = np.exp(1j * turn), np.exp(-1j * turn)
    A = sparse.csr_array(2 * sparse.eye_array(n) - A)
    result = lowest_eigenpairs(A, 5, solver=solver, tol=1e-9)
    exact = np.sort(2 - 2 * np.cos(2 * np.pi * np.arange(n) / n + turn))[:5]
    np.testing.assert_allclose(result.values, exact, atol=1e-8)
    V = result.vectors
    np.testing.assert_allclose(V.conj().T @ V, np.eye(5), atol=1e-8)


class Squares(Operator):
    """Known by its products only."""

    shape, dtype = (2000, 2000), np.dtype(np.float64)

    def matmat(self, B):
        squares = np.arange(2000.0) ** 2 / 1e4
        return (squares[:, None] if B.ndim == 2 else squares) * B

    def adjoint(self):
        return self


def test_operators_known_by_their_products():
    result = lowest_eigenpairs(Squares(), 4, tol=1e-9)
    np.testing.assert_allclose(result.values, np.arange(4) ** 2 / 1e4, atol=1e-9)
    with pytest.raises(ValueError, match="needs the entries of the operator"):
        lowest_eigenpairs(Squares(), 4, solver="lobpcg")


def test_diagonal_operators():
    values = np.random.default_rng(0).permutation(np.arange(1.0, 2001.0))
    result = lowest_eigenpairs(DiagonalOperator(values), 3, solver="chebyshev")
    np.testing.assert_allclose(result.values, [1, 2, 3], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("solver", ["chebyshev", "lobpcg"])
def test_units_do_not_matter(solver, scale):
    W = roll(1600)
    first, second = (
        lowest_eigenpairs(L, 5, null_space=L.null_space(), solver=solver, tol=1e-9)
        for L in (laplacian(c * W, normalization=None) for c in (1.0, scale))
    )
    np.testing.assert_allclose(second.values, scale * first.values, rtol=1e-5)


@pytest.mark.parametrize("solver", ["chebyshev", "dense"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_device_arrays(solver, dtype, namespace):
    W = roll(250, dtype)
    exact = laplacian(W)
    expected = lowest_eigenpairs(
        exact, 6, null_space=exact.null_space(), solver="dense"
    )
    xp, where = namespace
    reference = xp.zeros(1, dtype=getattr(xp, np.dtype(dtype).name), device=where)
    L = laplacian(csr_like(W, reference))
    result = lowest_eigenpairs(L, 6, null_space=L.null_space(), solver=solver)
    assert type(result.vectors) is type(reference)
    assert result.vectors.dtype == reference.dtype
    assert projector_distance(to_numpy(result.vectors), expected.vectors) < 1e-4
    with pytest.raises(ValueError, match="works on NumPy arrays only"):
        lowest_eigenpairs(L, 6, solver="lobpcg")


@pytest.mark.parametrize("n_pairs", [0, 41])
def test_numbers_of_pairs_out_of_range(n_pairs):
    with pytest.raises(ValueError, match=r"n_pairs must be in 1\.\.40"):
        lowest_eigenpairs(laplacian(cycle(40)), n_pairs)


def test_all_pairs_of_small_graphs():
    L = laplacian(cycle(40))
    result = lowest_eigenpairs(L, 40, null_space=L.null_space())
    expected = np.linalg.eigvalsh(L.matmat(np.eye(40)))
    np.testing.assert_allclose(result.values, expected, atol=1e-12)


def test_operators_that_are_not_symmetric():
    with pytest.raises(ValueError, match="not symmetric"):
        lowest_eigenpairs(sparse.csr_array(np.triu(np.ones((40, 40)))), 3)


def test_unknown_solver():
    with pytest.raises(ValueError, match="solver must be one of"):
        lowest_eigenpairs(laplacian(cycle(40)), 2, solver="magic")
