"""Rows in colors: descent, optimality, threads, agreement with the reference."""

import numpy as np
import pytest
from scipy import optimize, sparse

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.decomposition import _row_descent
from sklearn_manifold_reg.decomposition._row_descent import ColoredRows, greedy_colors
from sklearn_manifold_reg.graph import ImageGraph
from sklearn_manifold_reg.utils._numba import compiled_kernels

rng = np.random.default_rng(0)
N, K = 60, 4
FACTOR = rng.random((K, 9))
Q = FACTOR @ FACTOR.T
LINEAR = rng.normal(size=(N, K))


def random_graph(n=N, density=0.08, dtype=np.float64):
    S = sparse.random_array((n, n), density=density, rng=np.random.default_rng(1))
    S = sparse.csr_array(S + S.T)
    S.setdiag(0)
    S.eliminate_zeros()
    return CSR.from_scipy(S.astype(dtype))


def start(simplex, dtype=np.float64):
    W = np.random.default_rng(2).random((N, K))
    return (W / W.sum(axis=1, keepdims=True) if simplex else W).astype(dtype)


def objective(rows, W):
    L = np.diag(rows.degrees) - rows.affinity.to_scipy().toarray()
    return 0.5 * np.sum((W @ Q) * W) + 0.5 * np.sum((L @ W) * W) - np.sum(W * LINEAR)


def colors_of(csr):
    return greedy_colors(csr.indptr, csr.indices)


def test_neighbors_have_different_colors(compiled):
    csr = random_graph()
    colors = colors_of(csr)
    assert np.all(colors[csr.entry_rows()] != colors[csr.indices])
    assert colors.max() <= np.diff(csr.indptr).max()


@pytest.mark.parametrize("radius", [1, 2])
def test_pixels_take_as_few_colors_as_a_window_has_places(radius):
    graph = ImageGraph((7, 9), radius=radius).fit(rng.random((63, 3)))
    assert len(set(colors_of(CSR.from_scipy(graph.affinity_)))) == (radius + 1) ** 2


@pytest.mark.parametrize("simplex", [False, True])
def test_every_descent_lowers_the_function(simplex, compiled):
    rows = ColoredRows.from_affinity(random_graph())
    W = start(simplex)
    values = [objective(rows, W)]
    for _ in range(20):
        W = rows.descend(W, Q, LINEAR, simplex=simplex)
        values.append(objective(rows, W))
    assert np.all(np.diff(values) <= 1e-12)
    assert W.min() >= 0
    if simplex:
        np.testing.assert_allclose(W.sum(axis=1), 1, rtol=1e-12)


def test_it_ends_where_a_general_solver_does():
    rows = ColoredRows.from_affinity(random_graph())
    W = start(False)
    for _ in range(300):
        W = rows.descend(W, Q, LINEAR)
    L = np.diag(rows.degrees) - rows.affinity.to_scipy().toarray()
    A = np.kron(np.eye(N), Q) + np.kron(L, np.eye(K))
    root = np.linalg.cholesky(A)
    expected, _ = optimize.nnls(root.T, np.linalg.solve(root, LINEAR.reshape(-1)))
    np.testing.assert_allclose(W.reshape(-1), expected, atol=1e-8)


def test_slopes_are_equal_on_the_support_of_the_simplex():
    rows = ColoredRows.from_affinity(random_graph())
    W = start(True)
    for _ in range(300):
        W = rows.descend(W, Q, LINEAR, simplex=True)
    slope = W @ Q - LINEAR + rows.affinity.matmat(W, diagonal=rows.degrees, scale=-1.0)
    lowest = slope.min(axis=1, keepdims=True)
    assert np.all(np.where(W > 0, slope - lowest, 0) < 1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("simplex", [False, True])
def test_kernel_agrees_with_its_reference(simplex, dtype):
    results = []
    for enabled in (True, False):
        with compiled_kernels(enabled):
            rows = ColoredRows.from_affinity(random_graph(dtype=dtype))
            W = start(simplex, dtype)
            for _ in range(3):
                # Ties of slopes are broken by rounding, so the simplex takes its time.
                W = rows.descend(
                    W,
                    Q.astype(dtype),
                    LINEAR.astype(dtype),
                    simplex=simplex,
                    n_passes=300 if simplex else 2,
                )
            results.append(W)
    assert results[0].dtype == dtype
    atol = 2e-3 if simplex and dtype is np.float32 else 1000 * np.finfo(dtype).eps
    np.testing.assert_allclose(*results, atol=atol)


@pytest.mark.parametrize("simplex", [False, True])
def test_threads_do_not_change_a_bit(simplex, monkeypatch):
    monkeypatch.setattr(_row_descent, "_SERIAL_WORK", 0)
    rows = ColoredRows.from_affinity(random_graph())
    one, two = (
        rows.descend(start(simplex), Q, LINEAR, simplex=simplex, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_permuted_rows_in_the_permuted_order_give_the_permuted_result():
    rows = ColoredRows.from_affinity(random_graph())
    order = rng.permutation(N)
    place = np.argsort(order).astype(np.int32)
    S = rows.affinity.to_scipy()[order][:, order]
    permuted = ColoredRows(
        CSR.from_scipy(S), rows.degrees[order], place[rows.order], rows.bounds
    )
    W = rows.descend(start(False), Q, LINEAR)
    np.testing.assert_allclose(
        permuted.descend(start(False)[order], Q, LINEAR[order]), W[order], atol=1e-13
    )


def test_columns_without_curvature_get_nothing(compiled):
    """An endmember of zeros has neither curvature nor a pull."""
    rows = ColoredRows.uncoupled(np.ones((3, 2)))
    flat = np.diag([1.0, 0.0])
    linear = np.array([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0]])
    W = rows.descend(np.ones((3, 2)), flat, linear)
    np.testing.assert_array_equal(W, [[1, 0], [2, 0], [0, 0]])
