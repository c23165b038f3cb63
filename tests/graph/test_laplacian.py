"""Laplacians against closed forms."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, csr_like
from sklearn_manifold_reg.graph import Graph, laplacian

NORMALIZATIONS = [None, "symmetric", "random-walk", "density"]
rng = np.random.default_rng(0)


def path(n):
    return sparse.diags_array([np.ones(n - 1)] * 2, offsets=[-1, 1]).toarray()


def cycle(n):
    W = path(n)
    W[0, -1] = W[-1, 0] = 1
    return W


def complete(n):
    return np.ones((n, n)) - np.eye(n)


def star(n):
    W = np.zeros((n, n))
    W[0, 1:] = W[1:, 0] = 1
    return W


def bipartite(a, b):
    return np.block(
        [[np.zeros((a, a)), np.ones((a, b))], [np.ones((b, a)), np.zeros((b, b))]]
    )


def hypercube(p):
    W = np.zeros((1, 1))
    for _ in range(p):
        eye = np.eye(len(W))
        W = np.block([[W, eye], [eye, W]])
    return W


def random_graph(n=30, density=0.2):
    draw = np.random.default_rng(n)
    W = draw.random((n, n)) * (draw.random((n, n)) < density)
    W = np.triu(W, 1)
    return W + W.T + cycle(n)


def dense(operator):
    return operator.matmat(np.eye(operator.shape[0]))


def spectrum(W, normalization=None):
    L = laplacian(sparse.csr_array(W), normalization=normalization)
    return np.sort(np.linalg.eigvals(dense(L)).real)


n = 12
K = np.arange(n)


@pytest.mark.parametrize(
    ("W", "normalization", "expected"),
    [
        (path(n), None, 2 - 2 * np.cos(np.pi * K / n)),
        (cycle(n), None, 2 - 2 * np.cos(2 * np.pi * K / n)),
        (cycle(n), "symmetric", 1 - np.cos(2 * np.pi * K / n)),
        (cycle(n), "random-walk", 1 - np.cos(2 * np.pi * K / n)),
        (complete(n), None, [0] + [n] * (n - 1)),
        (complete(n), "symmetric", [0] + [n / (n - 1)] * (n - 1)),
        (star(n), None, [0] + [1] * (n - 2) + [n]),
        (bipartite(3, 5), None, [0] + [3] * 4 + [5] * 2 + [8]),
        (hypercube(4), None, np.repeat([0, 2, 4, 6, 8], [1, 4, 6, 4, 1])),
    ],
    ids=[
        "path", "cycle", "cycle-sym", "cycle-rw", "complete", "complete-sym", "star",
        "bipartite", "hypercube",
    ],
)  # fmt: skip
def test_known_spectra(W, normalization, expected):
    np.testing.assert_allclose(
        spectrum(W, normalization), np.sort(expected), atol=1e-10
    )


def test_largest_eigenvalue_is_two_for_bipartite_graphs_only():
    assert spectrum(bipartite(4, 3), "symmetric")[-1] == pytest.approx(2)
    assert spectrum(complete(5), "symmetric")[-1] < 2 - 1e-3


@pytest.mark.usefixtures("compiled")
def test_energy_is_the_sum_over_edges():
    W = random_graph()
    L = laplacian(sparse.csr_array(W), normalization=None)
    F = rng.normal(size=(30, 3))
    gaps = (F[:, None] - F[None]) ** 2
    np.testing.assert_allclose(
        L.energy(F), (W[:, :, None] * gaps).sum((0, 1)) / 2, rtol=1e-12
    )
    assert L.energy(F[:, 0]) == pytest.approx(L.energy(F)[0])


def normalized(affinity, d, exponent):
    return affinity / np.outer(d, d) ** exponent


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.usefixtures("compiled")
def test_dense_formulas(normalization):
    W = random_graph()
    d, eye = W.sum(axis=1), np.eye(len(W))
    discounted = normalized(W, d, 0.5)
    expected = {
        None: np.diag(d) - W,
        "symmetric": eye - normalized(W, d, 0.5),
        "random-walk": eye - W / d[:, None],
        "density": eye - normalized(discounted, discounted.sum(axis=1), 0.5),
    }[normalization]
    L = laplacian(sparse.csr_array(W), normalization=normalization)
    np.testing.assert_allclose(dense(L), expected, atol=1e-12)
    np.testing.assert_allclose(L.to_csr().to_scipy().toarray(), expected, atol=1e-12)
    np.testing.assert_allclose(L.diagonal(), np.diag(expected), atol=1e-12)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_adjoint_passes_the_dot_test(normalization):
    L = laplacian(sparse.csr_array(random_graph()), normalization=normalization)
    x, y = rng.normal(size=(2, 30))
    assert (L @ x) @ y == pytest.approx(x @ (L.adjoint() @ y), rel=1e-10)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_null_space_has_one_dimension_a_component(normalization):
    W = np.zeros((20, 20))
    W[:8, :8], W[8:19, 8:19] = complete(8), cycle(11)
    L = laplacian(sparse.csr_array(W), normalization=normalization)
    assert L.n_components == 3
    _, columns = L.null_space().basis(np.ones(1))
    basis = columns.to_scipy().toarray()
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(L @ basis, 0, atol=1e-12)
    assert np.sum(np.abs(np.linalg.eigvals(dense(L))) < 1e-9) == 3


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_isolated_nodes_have_zero_rows(normalization):
    W = np.zeros((4, 4))
    W[0, 1] = W[1, 0] = 2
    L = dense(laplacian(sparse.csr_array(W), normalization=normalization))
    np.testing.assert_array_equal(L[2:], 0)
    np.testing.assert_array_equal(L[:, 2:], 0)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_permuted_nodes_permute_the_operator(normalization):
    W = random_graph()
    order = rng.permutation(30)
    L = dense(laplacian(sparse.csr_array(W), normalization=normalization))
    P = laplacian(
        sparse.csr_array(W[np.ix_(order, order)]), normalization=normalization
    )
    np.testing.assert_allclose(dense(P), L[np.ix_(order, order)], atol=1e-14)


def test_density_without_exponent_is_symmetric():
    W = sparse.csr_array(random_graph())
    np.testing.assert_allclose(
        dense(laplacian(W, normalization="density", alpha=0.0)), dense(laplacian(W))
    )


def test_diffusion_maps_see_the_circle_through_uneven_sampling():
    # alpha = 1 removes the density: eigenvalues in the ratio 1 : 4 : 9.
    even = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    angles = even + 0.3 * np.sin(even)
    X = np.column_stack([np.cos(angles), np.sin(angles)])
    D = ((X[:, None] - X[None]) ** 2).sum(-1)
    W = np.exp(-D / 0.1**2)
    np.fill_diagonal(W, 0)
    L = laplacian(sparse.csr_array(W), normalization="density", alpha=1.0)
    values = np.sort(np.linalg.eigvalsh(dense(L)))[1:7]
    ratios = values.reshape(3, 2).mean(axis=1) / values[:2].mean()
    np.testing.assert_allclose(ratios, [1, 4, 9], rtol=0.02)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_device_arrays(normalization, namespace):
    xp, device = namespace
    W = CSR.from_scipy(sparse.csr_array(random_graph()))
    F = rng.normal(size=(30, 2))
    expected = laplacian(W, normalization=normalization).matmat(F)
    reference = xp.ones(1, dtype=xp.float64, device=device)
    L = laplacian(csr_like(W, reference), normalization=normalization)
    G = xp.asarray(F.tolist(), dtype=xp.float64, device=device)
    got = L.matmat(G)
    assert got.device == G.device
    values = [[float(v) for v in got[i, :]] for i in range(30)]
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


def test_float32_stays():
    W = sparse.csr_array(random_graph().astype(np.float32))
    L = laplacian(W)
    assert L.dtype == np.float32
    assert L.degrees.dtype == np.float32
    assert (L @ np.ones((30, 2), np.float32)).dtype == np.float32


def test_a_graph_is_taken_too():
    graph = Graph.from_edges([[0, 1], [1, 2], [1, 1]], [1.0, 2.0, 5.0], n_nodes=4)
    assert (graph.n_nodes, graph.n_edges) == (4, 3)
    L = laplacian(graph, normalization=None)
    # A self-loop cancels out of D - W.
    np.testing.assert_array_equal(
        dense(L), [[1, -1, 0, 0], [-1, 3, -2, 0], [0, -2, 2, 0], [0, 0, 0, 0]]
    )


def test_directed_edges_lead_one_way():
    graph = Graph.from_edges([[0, 1], [1, 2]], directed=True)
    assert graph.affinity.toarray().tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    assert graph.n_edges == 2


@pytest.mark.parametrize(
    ("edges", "weights", "message"),
    [
        ([0, 1], None, "edges has shape"),
        ([[0, 5]], None, "lie in 0..2"),
        ([[0, 1]], [-1.0], "non-negative"),
        ([[0, 1]], [np.nan], "non-negative"),
    ],
)
def test_bad_edges(edges, weights, message):
    with pytest.raises(ValueError, match=message):
        Graph.from_edges(edges, weights, n_nodes=3)


def test_bad_arguments():
    W = sparse.csr_array(path(4))
    with pytest.raises(ValueError, match="normalization='nonsense' is unknown"):
        laplacian(W, normalization="nonsense")
    with pytest.raises(ValueError, match=r"square, got shape \(2, 4\)"):
        laplacian(W[:2])
