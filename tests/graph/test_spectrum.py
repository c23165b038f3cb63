"""Eigenpairs of graph Laplacians: definitions, extension, graphs in pieces."""

import numpy as np
import pytest
import scipy.linalg
from scipy import sparse
from sklearn.datasets import make_moons

from sklearn_manifold_reg._arrays import csr_like, to_numpy
from sklearn_manifold_reg.graph import (
    NeighborsGraph,
    laplacian,
    laplacian_eigenpairs,
)

FORMS = [
    {"normalization": "symmetric"},
    {"normalization": "random-walk"},
    {"normalization": "density", "alpha": 1.0},
    {"normalization": None},
]


def moons(n=120, dtype=np.float64):
    X, _ = make_moons(n, noise=0.05, random_state=0)
    return NeighborsGraph(connectivity="mst").fit(X.astype(dtype)).affinity_


def pieces(*sizes, isolated=0):
    blocks = [sparse.csr_array(np.ones((s, s)) - np.eye(s)) for s in sizes]
    W = sparse.block_diag(blocks, format="csr")
    n = W.shape[0] + isolated
    W.resize((n, n))
    return sparse.csr_array(W)


@pytest.mark.parametrize("options", FORMS)
def test_functions_solve_the_problem_of_the_form(options):
    W = moons()
    pairs = laplacian_eigenpairs(W, 5, **options)
    A = W.toarray()
    if options["normalization"] == "density":
        q = A.sum(axis=1)
        A = A / np.outer(q, q)
    d = A.sum(axis=1)
    F, values = pairs.functions, pairs.values
    L = np.diag(d) - A
    M = np.eye(len(d)) if options["normalization"] is None else np.diag(d)
    np.testing.assert_allclose(L @ F, M @ F * values, atol=1e-10 * np.abs(L).max())
    exact = scipy.linalg.eigh(L, M, eigvals_only=True)[:5]
    np.testing.assert_allclose(values, exact, atol=1e-10)
    weights = np.diag(M) / np.trace(M)
    np.testing.assert_allclose(F.T @ (weights[:, None] * F), np.eye(5), atol=1e-10)
    np.testing.assert_allclose(F[:, 0], 1, atol=1e-10)


@pytest.mark.parametrize("options", FORMS)
def test_extension_by_a_node_s_own_row_gives_its_own_values(options):
    W = moons()
    pairs = laplacian_eigenpairs(W, 6, **options)
    np.testing.assert_allclose(pairs.extend(W), pairs.functions, atol=1e-8)
    # Only the direction of a row matters, except for the unnormalized form.
    if options["normalization"] is not None:
        np.testing.assert_allclose(pairs.extend(3 * W), pairs.functions, atol=1e-8)


def test_new_nodes_without_edges_get_zeros():
    pairs = laplacian_eigenpairs(moons(), 3)
    assert np.all(pairs.extend(sparse.csr_array((2, 120))) == 0)


def test_values_of_one_and_more_are_not_extended():
    # The complete bipartite graph has eigenvalues 0, 1 and 2.
    W = sparse.csr_array(np.kron([[0.0, 1.0], [1.0, 0.0]], np.ones((3, 3))))
    pairs = laplacian_eigenpairs(W, 6)
    np.testing.assert_allclose(pairs.values, [0, 1, 1, 1, 1, 2], atol=1e-12)
    extended = pairs.extend(W)
    np.testing.assert_allclose(extended[:, 0], pairs.functions[:, 0])
    assert np.all(extended[:, 1:] == 0)


@pytest.mark.parametrize("solver", ["auto", "chebyshev", "lobpcg"])
@pytest.mark.parametrize("normalization", [None, "symmetric"])
def test_one_zero_for_each_component(solver, normalization):
    W = pieces(5, 40, 60, isolated=2)
    pairs = laplacian_eigenpairs(
        W, 8, normalization=normalization, solver=solver, tol=1e-9
    )
    size = 5 if normalization is None else 60 / 59
    np.testing.assert_allclose(pairs.values, [0] * 5 + [size] * 3, atol=1e-8)
    assert np.all(np.isfinite(pairs.functions))
    # Indicators of the components, no mixtures.
    for number, rows in enumerate((range(5), range(5, 45), range(45, 105), [105])):
        support = np.flatnonzero(pairs.vectors[:, number])
        np.testing.assert_array_equal(support, list(rows))


def test_an_operator_stands_for_its_affinity():
    W = moons()
    ours = laplacian_eigenpairs(laplacian(W, normalization=None), 4)
    np.testing.assert_array_equal(
        ours.vectors, laplacian_eigenpairs(W, 4, normalization=None).vectors
    )
    with pytest.raises(ValueError, match="not symmetric; pass the affinity"):
        laplacian_eigenpairs(laplacian(W, normalization="random-walk"), 4)


def test_permuted_nodes():
    W = moons()
    order = np.random.default_rng(0).permutation(120)
    first = laplacian_eigenpairs(W, 4)
    second = laplacian_eigenpairs(W[order][:, order], 4)
    P = first.vectors[order] @ first.vectors[order].T
    np.testing.assert_allclose(second.vectors @ second.vectors.T, P, atol=1e-10)


def test_float32_stays():
    pairs = laplacian_eigenpairs(moons(dtype=np.float32), 4)
    arrays = (pairs.values, pairs.vectors, pairs.functions)
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    assert pairs.extend(moons(dtype=np.float32)).dtype == np.float32


def test_device_arrays(namespace):
    xp, device = namespace
    W = moons()
    reference = xp.zeros(1, dtype=xp.float64, device=device)
    expected = laplacian_eigenpairs(W, 4)
    pairs = laplacian_eigenpairs(csr_like(W, reference), 4)
    assert type(pairs.functions) is type(reference)
    np.testing.assert_allclose(to_numpy(pairs.functions), expected.functions, atol=1e-8)
    extended = pairs.extend(csr_like(W, reference))
    np.testing.assert_allclose(to_numpy(extended), expected.functions, atol=1e-8)


@pytest.mark.parametrize("solver", ["auto", "dense", "chebyshev", "lobpcg"])
@pytest.mark.parametrize("normalization", [None, "symmetric"])
def test_tiny_graphs(solver, normalization):
    options = {"solver": solver, "normalization": normalization}
    for n in (1, 3):
        alone = laplacian_eigenpairs(sparse.csr_array((n, n)), n, **options)
        np.testing.assert_array_equal(alone.values, 0)
        np.testing.assert_allclose(alone.vectors, np.eye(n))
    edge = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(
        laplacian_eigenpairs(edge, 2, **options).values, [0, 2], atol=1e-12
    )


@pytest.mark.filterwarnings("ignore:The graph of:UserWarning")
def test_many_duplicates():
    X = np.repeat(np.random.default_rng(0).normal(size=(40, 2)), 50, axis=0)
    pairs = laplacian_eigenpairs(NeighborsGraph().fit(X).affinity_, 45)
    assert np.sum(pairs.values < 1e-10) == pairs.operator.n_components == 40
    assert pairs.converged
    assert np.all(np.isfinite(pairs.functions))
