"""Bootstrap multigrid: matchings, cycles, smooth vectors, failures."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg.linalg import (
    bootstrap_smooth_vectors,
    orthonormal_span,
    solve,
)
from sklearn_manifold_reg.linalg._pairwise_hierarchy import (
    SweepMatrix,
    _aggregates,
    _matching,
    pairwise_hierarchy,
)
from sklearn_manifold_reg.linalg._workspace import Workspace
from sklearn_manifold_reg.utils._numba import compiled_kernels


def definite(W, shift=0.01):
    """Laplacian of a graph plus a little."""
    W = sparse.csr_array(W)
    A = sparse.csr_array(sparse.diags_array(W.sum(axis=1) + shift) - W)
    A.sort_indices()
    return A


def random_graph(n=80, seed=0):
    W = sparse.random_array((n, n), density=0.05, rng=np.random.default_rng(seed))
    chain = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n))
    W = sparse.csr_array(W + W.T + chain)
    W.setdiag(0)
    W.eliminate_zeros()
    return W


def grid(m):
    chain = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(m, m))
    eye = sparse.eye_array(m)
    return sparse.csr_array(sparse.kron(chain, eye) + sparse.kron(eye, chain))


def iteration_matrix(cycles, n):
    """What one iteration of the cycles does to an error."""
    columns = np.eye(n)
    workspace, zero = Workspace(), np.zeros(n)
    for x in columns:
        for cycle in cycles:
            cycle.improve(zero, x, workspace)
    return columns.T


def energy_norm(E, A):
    """Norm of E as a map of errors, measured by A."""
    values, vectors = np.linalg.eigh(A.toarray())
    half = (vectors * np.sqrt(values)) @ vectors.T
    return np.linalg.norm(half @ E @ np.linalg.inv(half), 2)


def interpolation(level, n_coarse):
    rows = np.flatnonzero(level.weights)
    ends = (rows, level.aggregates[rows])
    shape = (len(level.weights), n_coarse)
    return sparse.coo_array((level.weights[rows], ends), shape=shape).toarray()


def test_no_edge_is_heavier_than_the_edges_that_keep_it_out(compiled):
    W = sparse.triu(random_graph(seed=1)).tocoo()
    weights = np.round(W.data, 1)  # with ties
    order = np.argsort(-weights, kind="stable")
    rows, columns = (ends.astype(np.int32) for ends in W.coords)
    mates, hosts = _matching(order, rows, columns, 80)
    own = np.arange(80)
    assert np.all(mates[mates[mates >= 0]] == own[mates >= 0])
    matched = {(i, j): w for i, j, w in zip(rows, columns, weights, strict=True)}
    best = np.full(80, -np.inf)
    for i in own[mates >= 0]:
        best[i] = matched[min(i, mates[i]), max(i, mates[i])]
    assert np.all(np.maximum(best[rows], best[columns]) >= weights)
    # Single nodes follow their heaviest edge.
    for i in own[mates < 0]:
        touching = (rows == i) | (columns == i)
        host = matched[min(i, hosts[i]), max(i, hosts[i])]
        assert host == weights[touching].max()


def test_hubs_do_not_stall_the_coarsening():
    leaves = np.arange(1, 500, dtype=np.int32)
    hub = np.zeros(499, dtype=np.int32)
    aggregates, n_coarse = _aggregates(np.ones(499), hub, leaves, 500)
    assert n_coarse == 1
    assert np.all(aggregates == 0)


def test_coarse_levels_reproduce_the_vector_and_the_energy():
    A = definite(random_graph())
    v = np.random.default_rng(2).normal(size=80)
    hierarchy = pairwise_hierarchy(SweepMatrix.from_scipy(A), v, coarse_size=5)
    sizes = [level.matrix.shape[0] for level in hierarchy.levels]
    sizes.append(len(hierarchy.inverse))
    coarse_matrices = [level.matrix.toarray() for level in hierarchy.levels[1:]]
    coarse_matrices.append(np.linalg.inv(hierarchy.inverse))
    for depth, level in enumerate(hierarchy.levels):
        P = interpolation(level, sizes[depth + 1])
        np.testing.assert_allclose(P.T @ P, np.eye(P.shape[1]), atol=1e-12)
        np.testing.assert_allclose(P @ (P.T @ v), v, atol=1e-12)
        galerkin = P.T @ level.matrix.toarray() @ P
        np.testing.assert_allclose(galerkin, coarse_matrices[depth], atol=1e-10)
        v = P.T @ v
    assert sizes[0] >= 2 * sizes[1]
    assert sizes[-1] <= 5


def test_kernels_agree_with_their_references():
    A = definite(random_graph())
    rng = np.random.default_rng(3)
    for vector in (np.ones(80), rng.normal(size=80)):
        b, x = rng.normal(size=80), rng.normal(size=80)
        results = []
        for enabled in (True, False):
            with compiled_kernels(enabled):
                cycle = pairwise_hierarchy(
                    SweepMatrix.from_scipy(A), vector, coarse_size=5
                )
                result = x.copy()
                cycle.improve(b, result, Workspace())
                results.append(result)
        np.testing.assert_allclose(*results, rtol=1e-10)


@pytest.mark.parametrize("aggregation", ["matching", "pyamg"])
def test_each_cycle_contracts_in_the_energy_norm(aggregation):
    A = definite(random_graph())
    with pytest.warns(ConvergenceWarning, match="cycles have a convergence ratio"):
        found = bootstrap_smooth_vectors(
            A, max_vectors=4, tol=1e-12, aggregation=aggregation
        )
    norms = [1.0]
    for q in range(1, 5):
        norms.append(energy_norm(iteration_matrix(found.cycles[:q], 80), A))
        # No estimate is above what it estimates.
        assert found.convergence_ratios[q - 1] <= norms[-1] * (1 + 1e-10)
    assert np.all(np.diff(norms) < 0)


@pytest.mark.parametrize("composition", ["multiplicative", "symmetric", "additive"])
def test_preconditioner_is_symmetric_and_never_overshoots(composition):
    A = definite(random_graph())
    with pytest.warns(ConvergenceWarning):
        found = bootstrap_smooth_vectors(
            A, max_vectors=3, tol=1e-12, composition=composition
        )
    B = found(np.eye(80))
    np.testing.assert_allclose(B, B.T, atol=1e-10)
    values = np.linalg.eigvals(B @ A.toarray()).real
    assert values.min() > 0
    assert values.max() <= 1 + 1e-10
    np.testing.assert_allclose(found(np.eye(80)[:, 0]), B[:, 0], rtol=1e-12)


def test_preconditioner_saves_iterations():
    A = definite(grid(40), shift=1e-4)
    b = np.random.default_rng(0).normal(size=1600)
    with pytest.warns(ConvergenceWarning):
        found = bootstrap_smooth_vectors(A, max_vectors=3)
    plain, better = (
        solve(A, b, solver="cg", preconditioner=p, tol=1e-8) for p in (None, found)
    )
    residual = np.linalg.norm(A @ better.x - b)
    assert residual <= 1e-7 * np.linalg.norm(b)
    assert better.n_iter < plain.n_iter / 4


def test_smooth_vectors_have_unit_energy_and_little_of_it_for_their_size():
    A = definite(grid(30), shift=1e-3)
    found = bootstrap_smooth_vectors(A, tol=0.3, random_state=1)
    assert found.converged
    V = found.vectors
    energies = np.einsum("ij,ij->j", V, A @ V)
    np.testing.assert_allclose(energies[1:], 1.0, rtol=1e-12)
    # Random vectors have a Rayleigh quotient near the mean eigenvalue, about 4.
    assert np.all(energies / np.einsum("ij,ij->j", V, V) < 0.1)


def test_operator_complexity_does_not_grow_with_the_graph():
    complexities = []
    for m in (16, 64):
        with pytest.warns(ConvergenceWarning):
            found = bootstrap_smooth_vectors(definite(grid(m)), max_vectors=1, n_iter=2)
        complexities.append(found.operator_complexity)
    assert max(complexities) < 1.5


def test_same_seed_same_vectors():
    A = definite(random_graph())
    first, second = (bootstrap_smooth_vectors(A, random_state=5) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_exactly_solved_systems_have_no_slow_vectors():
    found = bootstrap_smooth_vectors(sparse.diags_array([1.0, 2.0, 3.0]))
    assert found.converged
    np.testing.assert_array_equal(found.vectors, np.ones((3, 1)))


def test_span_leaves_out_rounding_errors():
    rng = np.random.default_rng(0)
    V = rng.normal(size=(50, 3))
    doubled = np.hstack([V, 1e-3 * V @ rng.normal(size=(3, 4))])
    Q = orthonormal_span(doubled)
    np.testing.assert_allclose(Q.T @ Q, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(Q @ (Q.T @ V), V, atol=1e-12)


def test_failures():
    A = definite(random_graph())
    with pytest.raises(ValueError, match="aggregation must be one of"):
        bootstrap_smooth_vectors(A, aggregation="pairs")
    with pytest.raises(ValueError, match="composition must be one of"):
        bootstrap_smooth_vectors(A, composition="parallel")
    with pytest.raises(ValueError, match="positive diagonal; its least entry is 0"):
        bootstrap_smooth_vectors(sparse.diags_array([1.0, 0.0]))
