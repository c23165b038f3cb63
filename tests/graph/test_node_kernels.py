"""Tests of kernels between nodes."""

import math
import tracemalloc
from fractions import Fraction

import array_api_compat
import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.sparse import csgraph
from scipy.special import factorial2

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import (
    NODE_KERNELS,
    NodeKernels,
    compared_node_kernels,
    distance_to_kernel,
    kernel_path,
    kernel_to_distance,
    node_kernel,
)
from sklearn_manifold_reg.utils._numba import use_compiled

RAW = {"katz": 0.05, "absorption": 0.3, "ppr": 0.6, "modified_ppr": 0.6, "sp_ct": 0.3}


def random_graph(n=40, seed=0, weighted=True):
    rng = np.random.default_rng(seed)
    A = np.triu(rng.uniform(0.2, 1.5, (n, n)) * (rng.random((n, n)) < 0.2), 1)
    # A cycle through all nodes keeps the graph in one piece.
    A[np.arange(n - 1), np.arange(1, n)] = 1
    A[0, n - 1] = 0.7
    A = A if weighted else (A > 0).astype(float)
    return A + A.T


def path_graph(n):
    ones = np.ones(n - 1)
    return sparse.diags_array([ones, ones], offsets=[-1, 1], shape=(n, n)).tocsr()


def centering(n):
    return np.eye(n) - 1 / n


def costs(A):
    return np.divide(1, A, out=np.zeros_like(A), where=A > 0)


def fundamental(A, beta):
    W = A / A.sum(axis=1)[:, None] * np.exp(-beta * costs(A))
    return W, np.linalg.inv(np.eye(len(A)) - W)


def reference(A, name, t):
    """The formulas of the literature, word by word."""
    n, d = len(A), A.sum(axis=1)
    eye, D, H = np.eye(n), np.diag(d), centering(n)
    L, P = D - A, A / d[:, None]
    N = A / np.sqrt(np.outer(d, d))
    if name.startswith("log_"):
        return np.log(reference(A, name[4:], t))
    if name == "double_factorial":
        powers = (np.linalg.matrix_power(t * A, k) / factorial2(k) for k in range(250))
        return sum(powers)
    if name == "corrected_commute":
        M = (A - np.outer(d, d) / d.sum()) / np.sqrt(np.outer(d, d))
        R = np.diag(d**-0.5)
        return H @ R @ M @ linalg.pinv(eye - M) @ M @ R @ H
    if name.startswith("sigmoid"):
        K = reference(A, name.removeprefix("sigmoid_"), None)
        return 1 / (1 + np.exp(-t * K / K.std()))
    if name == "rsp":
        W, Z = fundamental(A, t)
        S = (Z @ (costs(A) * W) @ Z) / Z
        C = S - np.diag(S)[None, :]
        return -H @ (C + C.T) @ H / 4
    if name == "free_energy":
        _, Z = fundamental(A, t)
        F = -np.log(Z / np.diag(Z)[None, :]) / t
        return -H @ (F + F.T) @ H / 4
    if name == "shortest_path":
        return -H @ csgraph.shortest_path(costs(A), directed=False) @ H / 2
    if name == "sp_ct":
        rest = 2 * (1 - t) * linalg.pinv(L)
        return t * reference(A, "shortest_path", None) + rest
    return {
        "katz": lambda: np.linalg.inv(eye - t * A),
        "communicability": lambda: linalg.expm(t * A),
        "forest": lambda: np.linalg.inv(eye + t * L),
        "heat": lambda: linalg.expm(-t * L),
        "normalized_heat": lambda: linalg.expm(-t * (eye - N)),
        "absorption": lambda: linalg.pinv(t * A + L),
        "ppr": lambda: np.linalg.inv(eye - t * P),
        "modified_ppr": lambda: np.linalg.inv(D - t * A),
        "heat_ppr": lambda: linalg.expm(-t * (eye - P)),
        "commute": lambda: linalg.pinv(L),
    }[name]()


def raw_parameter(name):
    return RAW.get(NODE_KERNELS[name].base, 0.8)


@pytest.mark.parametrize("name", NODE_KERNELS)
@pytest.mark.parametrize("weighted", [True, False])
def test_single_kernels_are_those_of_the_formulas(name, weighted):
    A = random_graph(weighted=weighted)
    t = raw_parameter(name)
    expected = reference(A, name, t)
    K = node_kernel(sparse.csr_array(A), name, t, param_scale="raw")
    scale = np.abs(expected).max()
    np.testing.assert_allclose(K, expected, atol=1e-11 * scale, rtol=1e-9)
    if NODE_KERNELS[name].symmetric:
        np.testing.assert_allclose(K, K.T, rtol=1e-13, atol=1e-14 * scale)


@pytest.mark.parametrize("name", NODE_KERNELS)
def test_paths_agree_with_single_kernels(name):
    A = random_graph()
    t = raw_parameter(name)
    grid = [t / 4, t / 2, t] * 4
    path = list(kernel_path(A, name, grid, param_scale="raw"))
    assert len(path) == (len(grid) if NODE_KERNELS[name].scale else 1)
    for K, param in zip(path, grid, strict=False):
        single = node_kernel(A, name, param, param_scale="raw")
        np.testing.assert_allclose(K, single, rtol=1e-8, atol=1e-13 * abs(K).max())


def distances(A, name, t=0.5):
    K = node_kernel(A, name, t, param_scale="raw")
    return kernel_to_distance(K, squared=not NODE_KERNELS[name].rooted)


@pytest.mark.parametrize(
    ("name", "t", "expected"),
    [
        ("shortest_path", 0, (1, 1, 2, 3)),
        ("commute", 0, (1, 1, 2, 3)),
        ("log_forest", 2.0, (0.959, 1.081, 2.040, 3.000)),
        ("forest", 1.0, (1.026, 0.947, 1.500, 1.895)),
        ("communicability", 1.0, (0.964, 1.072, 1.492, 1.564)),
    ],
)
def test_published_distances_on_a_path(name, t, expected):
    D = distances(path_graph(4), name, t)
    D = 3 * D / (D[0, 1] + D[1, 2] + D[2, 3])
    found = D[0, 1], D[1, 2], D[0, 2], D[0, 3]
    np.testing.assert_allclose(found, expected, atol=1.1e-3)


@pytest.mark.parametrize(
    ("name", "alpha", "expected"),
    [
        ("log_katz", 1.0, (1.025, 0.950, 1.975, 3.000)),
        ("katz", 4.5, (1.025, 0.950, 1.541, 1.466)),
        ("katz", 1.0, (0.988, 1.025, 1.379, 1.416)),
    ],
)
def test_published_walk_distances_on_a_path(name, alpha, expected):
    A = path_graph(4)
    D = distances(A, name, 1 / (1 / alpha + NodeKernels(A).spectral_radius))
    D = 3 * D / (D[0, 1] + D[1, 2] + D[2, 3])
    found = D[0, 1], D[1, 2], D[0, 2], D[0, 3]
    np.testing.assert_allclose(found, expected, atol=1.1e-3)


@pytest.mark.parametrize(
    ("name", "t", "ratio"),
    [
        ("commute", 0, 1.5),
        ("log_forest", 500.0, 1.4975),
        ("rsp", 1e-4, 1.4992),
        ("free_energy", 1e-4, 1.4996),
        ("shortest_path", 0, 1.0),
        ("log_forest", 0.01, 1.0011),
        ("rsp", 20.0, 1.0),
        ("free_energy", 20.0, 0.9834),
    ],
)
def test_published_limits_on_a_triangle_with_a_pendant_edge(name, t, ratio):
    A = np.zeros((4, 4))
    for i, j in ((0, 1), (1, 2), (1, 3), (2, 3)):
        A[i, j] = A[j, i] = 1
    D = distances(A, name, t)
    np.testing.assert_allclose(D[0, 1] / D[1, 2], ratio, atol=1e-3)


def test_forests_sum_to_one_and_heat_starts_at_the_identity():
    A = random_graph()
    ones = np.ones(len(A))
    forest = node_kernel(A, "forest", 0.7, param_scale="raw")
    np.testing.assert_allclose(forest @ ones, ones, rtol=1e-12)
    np.testing.assert_array_equal(node_kernel(A, "heat", 0.0), np.eye(len(A)))
    heat = node_kernel(A, "heat", 0.7)
    np.testing.assert_allclose(heat @ ones, ones, rtol=1e-12)


def test_katz_counts_walks():
    A = random_graph()
    t = 0.4 / NodeKernels(A).spectral_radius
    total = sum(np.linalg.matrix_power(t * A, k) for k in range(60))
    np.testing.assert_allclose(node_kernel(A, "katz", 0.4), total, rtol=1e-12)


def test_modified_page_rank_divides_by_degrees():
    A = random_graph()
    ppr, modified = (node_kernel(A, name, 0.8) for name in ("ppr", "modified_ppr"))
    np.testing.assert_allclose(modified, ppr / A.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(ppr.sum(axis=1), 1 / (1 - 0.8), rtol=1e-12)


@pytest.mark.parametrize(
    ("one", "other"),
    [("log_ppr", "log_modified_ppr"), ("log_heat_ppr", "log_normalized_heat")],
)
def test_factors_of_rows_and_columns_cancel_in_logarithms(one, other):
    A = random_graph()
    np.testing.assert_allclose(distances(A, one), distances(A, other), atol=1e-12)


def test_commute_distances_on_a_tree_are_paths():
    rng = np.random.default_rng(0)
    n = 60
    parents = [rng.integers(0, i) for i in range(1, n)]
    A = np.zeros((n, n))
    A[np.arange(1, n), parents] = rng.uniform(0.3, 2, n - 1)
    A = A + A.T
    np.testing.assert_allclose(
        2 * distances(A, "commute"), 2 * distances(A, "shortest_path"), atol=1e-10
    )


@pytest.mark.parametrize("name", ["log_katz", "log_forest", "commute"])
def test_distances_add_up_at_cutpoints(name):
    left, right = random_graph(12, seed=1), random_graph(9, seed=2)
    A = np.zeros((20, 20))
    A[:12, :12] += left
    A[11:, 11:] += right
    D = distances(A, name, 0.1)
    through = D[:11, 11:12] + D[11:12, 12:]
    np.testing.assert_allclose(D[:11, 12:], through, rtol=1e-9)


def test_log_forest_lies_between_resistance_and_paths():
    A = random_graph(weighted=False)
    paths, resistance = (distances(A, k) for k in ("shortest_path", "commute"))
    late = distances(A, "log_forest", 1e6)
    # Both up to a factor.
    np.testing.assert_allclose(
        late / late.sum(), resistance / resistance.sum(), rtol=1e-4, atol=1e-12
    )
    early = distances(A, "log_forest", 1e-40)
    early /= 40 * np.log(10)
    np.testing.assert_allclose(early, 2 * paths, atol=0.1)


@pytest.mark.parametrize("name", ["rsp", "free_energy"])
@pytest.mark.parametrize("beta", [20.0, 100.0])
def test_cold_walks_take_shortest_paths(name, beta, shared_data):
    data = shared_data("karate")
    n = int(data["n_nodes"])
    A = np.zeros((n, n))
    A[tuple(data["edges"].T)] = 1
    A += A.T
    hops = csgraph.shortest_path(A, unweighted=True)
    # What is left is the entropy of paths, at most log(degree) a step, over beta.
    bound = 1e-6 if name == "rsp" else 5 * np.log(17) / beta
    np.testing.assert_allclose(2 * distances(A, name, beta), hops, atol=bound)


@pytest.mark.parametrize("name", ["rsp", "free_energy"])
@pytest.mark.parametrize("beta", [5.0, 100.0, 1e4])
def test_walks_colder_than_floats(name, beta):
    # exp(-beta * 200) is less than the least float.
    A = path_graph(200)
    D = 2 * distances(A, name, beta)
    hops = np.abs(np.arange(200)[:, None] - np.arange(200)[None, :])
    assert np.isfinite(D).all()
    np.testing.assert_allclose(D, hops, rtol=2 * np.log(2) / beta + 3 * np.exp(-beta))
    # On a path nodes in between separate, and free energies add up.
    if name == "free_energy":
        np.testing.assert_allclose(D[0, 1:], D[0, 1] + D[1, 1:], rtol=1e-9)


def exact_log_column(n, name, t):
    """Logarithms of the first column on a path graph, by rational arithmetic."""
    t = Fraction(t)
    neighbors = [[j for j in (i - 1, i + 1) if 0 <= j < n] for i in range(n)]
    if name in ("communicability", "heat", "double_factorial"):
        loop = 1 if name == "heat" else 0
        v = [1] + [0] * (n - 1)
        total, factor = [Fraction(x) for x in v], {0: Fraction(1), -1: Fraction(1)}
        for k in range(1, 3 * n):
            v = [
                sum(v[j] for j in neighbors[i]) - loop * len(neighbors[i]) * v[i]
                for i in range(n)
            ]
            before = factor[k - 2] if name == "double_factorial" else factor[k - 1]
            step = t * t if name == "double_factorial" else t
            factor[k] = t if k == 1 else before * step / k
            total = [s + factor[k] * x for s, x in zip(total, v, strict=True)]
    else:
        degrees = [len(x) for x in neighbors]
        own = [1 + t * d if name == "forest" else Fraction(1) for d in degrees]
        # Elimination from the far end; x[i + 1] = ratio[i + 1] * x[i].
        ratio, pivot = [Fraction(0)] * n, own[-1]
        for i in range(n - 1, 0, -1):
            ratio[i] = t / pivot
            pivot = own[i - 1] - t * ratio[i]
        total = [1 / pivot]
        for i in range(1, n):
            total.append(ratio[i] * total[-1])
    return np.array([math.log(x.numerator) - math.log(x.denominator) for x in total])


@pytest.mark.parametrize(
    "name", ["communicability", "heat", "double_factorial", "katz", "forest"]
)
def test_logarithms_are_accurate_where_entries_are_tiny(name):
    n, t = 70, 0.125
    A = path_graph(n)
    expected = exact_log_column(n, name, t)
    assert expected[-1] < -100
    single = node_kernel(A, f"log_{name}", t, param_scale="raw")
    np.testing.assert_allclose(single[0], expected, rtol=1e-13, atol=1e-12)
    # So large a grid takes eigenvectors, and has to find out that they do not do.
    kernels = NodeKernels(A)
    kernels.decompose(
        {"heat": "laplacian", "forest": "laplacian"}.get(name, "adjacency")
    )
    K = kernels.compute(f"log_{name}", t, param_scale="raw")
    np.testing.assert_allclose(K[0], expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("name", ["log_normalized_heat", "log_heat_ppr", "log_ppr"])
def test_logarithms_of_normalized_kernels_are_accurate(name):
    # On a cycle all degrees are 2: the kernel is that of the weights, halved.
    n = 90
    A = path_graph(n).tolil()
    A[0, n - 1] = A[n - 1, 0] = 1
    K = node_kernel(A.tocsr(), name, 0.25, param_scale="raw")
    other, t, shift = "log_katz", 0.125, 0.0
    if name != "log_ppr":
        other, shift = "log_communicability", -0.25
    expected = node_kernel(A.tocsr(), other, t, param_scale="raw") + shift
    assert K.min() < -90
    np.testing.assert_allclose(K, expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["log_communicability", "log_double_factorial"])
def test_logarithms_do_not_overflow(name):
    # A complete graph has the eigenvalues n - 1 and -1.
    n, t = 30, 40.0
    A = np.ones((n, n)) - np.eye(n)
    top = t * (n - 1)
    log = top if name == "log_communicability" else top**2 / 2 + np.log(1 + 1.2533141)
    K = node_kernel(A, name, t, param_scale="raw")
    np.testing.assert_allclose(K, log - np.log(n), rtol=1e-7)
    with pytest.warns(UserWarning, match="overflows"):
        plain = node_kernel(A, name[4:], t, param_scale="raw")
    np.testing.assert_allclose(plain, 1 / n, rtol=1e-9)


def test_overflow_is_scaled_alike_by_series_and_eigenvectors():
    A = path_graph(50)
    with pytest.warns(UserWarning, match="overflows"):
        one = node_kernel(A, "communicability", 500.0, param_scale="raw")
    kernels = NodeKernels(A)
    kernels.decompose("adjacency")
    with pytest.warns(UserWarning, match="overflows"):
        other = kernels.compute("communicability", 500.0, param_scale="raw")
    np.testing.assert_allclose(one, other, rtol=1e-9)
    assert 0 < one.max() < 1


def two_components():
    blocks = [
        sparse.csr_array(random_graph(8)),
        sparse.csr_array(random_graph(6, seed=3)),
    ]
    return sparse.block_diag(blocks, format="csr")


LOGARITHMS = [name for name, kernel in NODE_KERNELS.items() if kernel.logarithmic]


@pytest.mark.parametrize("name", LOGARITHMS)
def test_logarithms_between_components(name):
    A = two_components()
    apart = np.kron(np.eye(2), np.ones((8, 8)))[:14, :14] == 0
    with pytest.warns(UserWarning, match="96 of 196 .* 2 connected components"):
        K = node_kernel(A, name)
    assert np.isfinite(K).all()
    np.testing.assert_allclose(K[apart], K[~apart].min() - 10)
    nan = node_kernel(A, name, on_nonpositive="nan")
    np.testing.assert_array_equal(np.isnan(nan), apart)
    with pytest.raises(ValueError, match="on_nonpositive='warn' or 'nan'"):
        node_kernel(A, name, on_nonpositive="raise")


@pytest.mark.parametrize(
    "name", [name for name, kernel in NODE_KERNELS.items() if kernel.connected]
)
def test_kernels_that_need_one_component(name):
    with pytest.raises(ValueError, match="2 connected components"):
        node_kernel(two_components(), name)


def test_corrected_commute_of_components_is_its_formula():
    A = two_components().toarray()
    np.testing.assert_allclose(
        node_kernel(A, "corrected_commute"),
        reference(A, "corrected_commute", None),
        atol=1e-11,
    )


def test_isolated_nodes():
    A = np.zeros((6, 6))
    A[:5, :5] = random_graph(5)
    alone = np.eye(6)[5]
    np.testing.assert_array_equal(node_kernel(A, "ppr")[5], alone)
    np.testing.assert_array_equal(node_kernel(A, "modified_ppr")[5], 0 * alone)
    np.testing.assert_array_equal(node_kernel(A, "heat")[5], alone)
    for name in ("heat_ppr", "normalized_heat"):
        np.testing.assert_allclose(node_kernel(A, name)[5], np.exp(-0.5) * alone)
    for name in ("corrected_commute", "sigmoid_corrected_commute"):
        with pytest.raises(ValueError, match="1 nodes have no edges"):
            node_kernel(A, name)
    empty = sparse.csr_array((4, 4))
    for name in ("katz", "communicability", "forest", "ppr"):
        np.testing.assert_allclose(node_kernel(empty, name), np.eye(4))


def test_loops_are_walks_and_no_part_of_a_laplacian():
    A = random_graph(10)
    with_loops = A + np.diag(np.linspace(0.1, 1, 10))
    np.testing.assert_allclose(
        node_kernel(with_loops, "heat"), node_kernel(A, "heat"), rtol=1e-11
    )
    np.testing.assert_allclose(
        node_kernel(with_loops, "communicability"),
        linalg.expm(0.5 * with_loops),
        rtol=1e-11,
    )


def test_an_affinity_that_is_not_symmetric_is_made_so():
    A = random_graph(10)
    skewed = A.copy()
    skewed[0, 1] += 0.5
    with pytest.warns(UserWarning, match="not symmetric"):
        K = node_kernel(skewed, "heat")
    np.testing.assert_allclose(K, node_kernel((skewed + skewed.T) / 2, "heat"))
    # Rounding is no reason to tell.
    skewed = A.copy()
    skewed[0, 1] *= 1 + 1e-12
    node_kernel(skewed, "heat")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": "warmth"}, "kernel='warmth' is unknown; choose one of katz"),
        ({"kernel": "katz", "param": 1.0}, r"outside of \[0, 1\)"),
        ({"kernel": "heat", "param": -0.1}, r"outside of \[0, 1\)"),
        ({"kernel": "absorption", "param": 0.7}, r"outside of \(0, 0.6667\)"),
        ({"kernel": "rsp", "param": 0.0}, r"outside of \(0, 1\)"),
        ({"kernel": "sp_ct", "param": 1.1}, r"outside of \[0, 1\]"),
        (
            {"kernel": "ppr", "param": 1.0, "param_scale": "raw"},
            r"outside of \[0, 1\), the range of the raw parameter of kernel='ppr'",
        ),
        (
            {"kernel": "absorption", "param": 1.0, "param_scale": "raw"},
            "from t = 1 on nodes repel",
        ),
        (
            {"kernel": "katz", "param": 3.0, "param_scale": "raw"},
            "1 / spectral_radius = 0.6180",
        ),
        ({"kernel": "heat", "param": np.nan}, "param=nan is outside"),
        ({"kernel": "heat", "param_scale": "log"}, "param_scale must be"),
        ({"kernel": "heat", "on_nonpositive": "drop"}, "on_nonpositive must be"),
    ],
)
def test_wrong_parameters(change, message):
    with pytest.raises(ValueError, match=message):
        node_kernel(path_graph(4), **change)


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        (-np.ones((3, 3)), "finite and not negative; the least of the affinity is -1"),
        (np.full((3, 3), np.nan), "finite and not negative"),
        (np.ones((3, 2)), "square"),
        (np.ones((1, 1)), "1 sample"),
        (sparse.csr_array((20_001, 20_001)), "GraphRandomFeatures"),
    ],
)
def test_wrong_affinities(affinity, message):
    with pytest.raises(ValueError, match=message):
        node_kernel(affinity)


def test_paths_check_parameters_before_anything_is_computed():
    with pytest.raises(ValueError, match="param=1 is outside"):
        kernel_path(path_graph(4), ["heat", "katz"], [0.5, 1.0])


def test_paths_of_several_kernels_and_one_buffer():
    A = random_graph()
    names, grid = ["commute", "heat", "log_forest"], [0.3, 0.6]
    expected = [node_kernel(A, "commute")]
    expected += [node_kernel(A, name, x) for name in names[1:] for x in grid]
    for copy in (True, False):
        count = 0
        for K in kernel_path(A, names, grid, copy=copy):
            np.testing.assert_allclose(K, expected[count], rtol=1e-9, atol=1e-13)
            count += 1
        assert count == len(expected)


@pytest.mark.parametrize("name", NODE_KERNELS)
def test_float32_comes_back(name):
    A = random_graph(20).astype(np.float32)
    K = node_kernel(A, name)
    assert K.dtype == np.float32
    # Inside, all is float64.
    expected = node_kernel(A.astype(np.float64), name)
    np.testing.assert_allclose(K, expected, rtol=1e-6, atol=1e-6 * abs(expected).max())


def test_large_graphs_cut_columns_into_blocks():
    # More nodes than a block has columns, with squarings and without.
    A = path_graph(700) * 0.5
    for t in (0.5, 40.0):
        K = node_kernel(A, "heat", t, param_scale="raw")
        values, V = np.linalg.eigh(np.diag(A.sum(axis=1)) - A.toarray())
        expected = (V * np.exp(-t * values)) @ V.T
        np.testing.assert_allclose(K, expected, atol=1e-12)
        np.testing.assert_array_equal(K, K.T)


@pytest.mark.parametrize("name", ["log_heat", "double_factorial", "log_ppr", "rsp"])
def test_kernels_without_compiled_code(name, compiled):
    A = random_graph(20)
    expected = reference(A, name, 0.6)
    K = node_kernel(sparse.csr_array(A), name, 0.6, param_scale="raw")
    np.testing.assert_allclose(K, expected, rtol=1e-9, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("name", ["log_heat", "log_double_factorial", "log_forest"])
def test_long_grids_keep_logarithms_accurate(name):
    # Fewer parameters would not take eigenvectors, and larger ones need no care.
    A = path_graph(60)
    grid = np.linspace(0.02, 0.95, 40)
    for K, x in zip(kernel_path(A, name, grid), grid, strict=True):
        np.testing.assert_allclose(K, node_kernel(A, name, x), rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(not use_compiled(), reason="NumPy products make copies")
@pytest.mark.parametrize("name", ["heat", "log_heat", "forest", "sp_ct", "rsp"])
def test_paths_take_little_memory(name):
    # More nodes than those of graphs whose matrices are kept.
    A = sparse.csr_array(random_graph(600) * (np.arange(600) % 7 < 3))
    A = A + A.T + path_graph(600)
    grid = np.linspace(0.1, 0.9, 8)
    next(kernel_path(A, name, grid))
    tracemalloc.start()
    for K in kernel_path(A, name, grid):  # noqa: B007
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4.3 * K.nbytes


def test_dense_graphs_multiply_dense():
    A = np.random.default_rng(0).uniform(size=(30, 30))
    A = A + A.T
    K = node_kernel(A, "log_communicability", 0.1, param_scale="raw")
    np.testing.assert_allclose(K, np.log(linalg.expm(0.1 * A)), rtol=1e-11)


HOST_ONLY = ("rsp", "free_energy", "shortest_path", "sp_ct")


@pytest.mark.parametrize("name", NODE_KERNELS)
def test_other_array_libraries(name, namespace):
    xp, device = namespace
    A = random_graph(15)
    there = xp.asarray(A, device=device)
    if name in HOST_ONLY:
        with pytest.raises(ValueError, match="on the host only"):
            node_kernel(there, name)
        return
    K = node_kernel(there, name, 0.4)
    assert K.dtype == there.dtype
    assert array_api_compat.device(K) == array_api_compat.device(there)
    expected = node_kernel(A, name, 0.4)
    np.testing.assert_allclose(
        to_numpy(K), expected, rtol=1e-9, atol=1e-12 * abs(expected).max()
    )


def test_logarithms_on_other_libraries_are_accurate(namespace):
    xp, device = namespace
    A = path_graph(40).toarray()
    K = node_kernel(xp.asarray(A, device=device), "log_heat", 0.1)
    np.testing.assert_allclose(to_numpy(K), node_kernel(A, "log_heat", 0.1), rtol=1e-12)


def test_kernels_and_distances_are_inverse_to_each_other():
    K = node_kernel(random_graph(), "heat")
    H = centering(len(K))
    D = kernel_to_distance(K)
    np.testing.assert_allclose(2 * distance_to_kernel(D), H @ K @ H, atol=1e-14)
    np.testing.assert_allclose(kernel_to_distance(distance_to_kernel(D)) * 2, D)
    np.testing.assert_allclose(kernel_to_distance(K, squared=False) ** 2, D)
    with pytest.raises(ValueError, match=r"K is a square matrix, got shape \(2, 3\)"):
        kernel_to_distance(np.ones((2, 3)))


def test_all_published_kernels_have_a_parameter():
    names = compared_node_kernels()
    assert len(names) == 25
    assert sum(name.startswith("log_") for name in names) == 10
