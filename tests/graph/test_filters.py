"""Filters against dense decompositions, closed forms and each other."""

import numpy as np
import pytest
from scipy import linalg, sparse

from sklearn_manifold_reg._arrays import CSR, asarray_like, csr_like, to_numpy
from sklearn_manifold_reg.graph import (
    BandPassFilter,
    HeatFilter,
    MexicanHatFilter,
    PageRankFilter,
    TikhonovFilter,
    WaveFilter,
    filter_signal,
    laplacian,
)
from sklearn_manifold_reg.linalg import NullSpace, as_operator


def pieces(seed=0):
    """Two random graphs and a node without edges."""
    rng = np.random.default_rng(seed)
    parts = []
    for size in (50, 20):
        W = sparse.random_array((size, size), density=0.1, rng=rng)
        ring = sparse.eye_array(size, k=1) + sparse.eye_array(size, k=1 - size)
        parts.append(W + W.T + ring + ring.T)
    W = sparse.csr_array(sparse.block_diag([*parts, np.zeros((1, 1))]))
    W.setdiag(0)
    W.eliminate_zeros()
    return W


W = pieces()
n = W.shape[0]
F = np.random.default_rng(1).normal(size=(n, 3))
SMOOTH = [
    HeatFilter(0.0),
    HeatFilter(0.7),
    HeatFilter(30.0),
    WaveFilter(2.5),
    TikhonovFilter(4.0),
    PageRankFilter(0.6),
    MexicanHatFilter(2.0),
]
NORMALIZATIONS = ["symmetric", "density", None]


def exact(L, function, F):
    values, vectors = linalg.eigh(L.to_csr().to_scipy().toarray())
    return vectors @ (function(values)[:, None] * (vectors.T @ F))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_banks_against_eigenvectors(normalization, compiled):
    L = laplacian(W, normalization=normalization)
    got = filter_signal(L, F, SMOOTH, tol=1e-13)
    for response, filtered in zip(SMOOTH, got, strict=True):
        np.testing.assert_allclose(filtered, exact(L, response, F), atol=1e-11)
        single = filter_signal(
            W, F[:, 0], response, normalization=normalization, tol=1e-13
        )
        np.testing.assert_allclose(single, filtered[:, 0], atol=1e-11)


@pytest.mark.parametrize("normalization", [*NORMALIZATIONS, "random-walk"])
def test_heat_is_the_exponential(normalization):
    L = laplacian(W, normalization=normalization)
    expected = linalg.expm(-3 * L.to_csr().to_scipy().toarray()) @ F
    got = filter_signal(L, F, HeatFilter(3.0), tol=1e-14)
    np.testing.assert_allclose(got, expected, atol=1e-12)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize(("s", "t"), [(0.3, 1.1), (5.0, 20.0)])
def test_heat_flows_add_up(normalization, s, t):
    L = laplacian(W, normalization=normalization)
    twice = filter_signal(
        L, filter_signal(L, F, HeatFilter(s), tol=1e-15), HeatFilter(t), tol=1e-15
    )
    once = filter_signal(L, F, HeatFilter(s + t), tol=1e-15)
    np.testing.assert_allclose(twice, once, atol=1e-12)


@pytest.mark.parametrize("time", [1e-3, 1.0, 40.0, 3000.0])
@pytest.mark.parametrize("upper", [2.0, 37.0])
def test_heat_coefficients_are_exact(time, upper):
    coefficients = HeatFilter(time).coefficients(upper, tol=1e-15)
    values = np.linspace(0, upper, 200)
    got = np.polynomial.chebyshev.chebval(2 * values / upper - 1, coefficients)
    np.testing.assert_allclose(got, np.exp(-time * values), atol=1e-13)
    # A cruder tolerance cuts where the coefficients are that small.
    fewer = HeatFilter(time).coefficients(upper, tol=1e-4)
    assert len(fewer) < len(coefficients)
    rest = np.abs(coefficients[len(fewer) :])
    assert rest.max() <= 2e-4 * np.abs(coefficients).max()
    given = HeatFilter(time).coefficients(upper, degree=3)
    np.testing.assert_allclose(given, coefficients[:4], rtol=1e-12)


def test_heat_in_the_limit_is_the_mean_of_each_piece():
    L = laplacian(W, normalization=None)
    space = L.null_space()
    got = filter_signal(L, F, HeatFilter(400.0))
    np.testing.assert_allclose(got, F - space.project(F), atol=1e-7)
    assert isinstance(space, NullSpace)


def test_waves_solve_the_wave_equation():
    L = laplacian(W)
    step = 1e-3
    before, now, after = filter_signal(
        L, F, [WaveFilter(2 + k * step) for k in (-1, 0, 1)], tol=1e-15
    )
    acceleration = (before - 2 * now + after) / step**2
    np.testing.assert_allclose(acceleration, -(L @ now), atol=1e-5)
    np.testing.assert_allclose(filter_signal(L, F, WaveFilter(0.0)), F, atol=1e-12)


def test_tikhonov_solves_its_system():
    L = laplacian(W, normalization=None)
    f = filter_signal(L, F, TikhonovFilter(2.0), tol=1e-14)
    np.testing.assert_allclose(f + 2.0 * (L @ f), F, atol=1e-11)


def test_pagerank_of_seeds():
    L = laplacian(W[:50][:, :50], normalization="random-walk")
    P = np.eye(50) - L.to_csr().to_scipy().toarray()
    seeds = np.zeros(50)
    seeds[[3, 7]] = 0.5
    ranks = filter_signal(
        L.adjoint(), seeds, PageRankFilter(0.85), upper=2.0, tol=1e-14
    )
    assert ranks.sum() == pytest.approx(1)
    np.testing.assert_allclose(ranks, 0.85 * (P.T @ ranks) + 0.15 * seeds, atol=1e-12)


def test_band_pass_keeps_a_band_of_cycles():
    size = 200
    ring = sparse.eye_array(size, k=1) + sparse.eye_array(size, k=1 - size)
    L = laplacian(sparse.csr_array(ring + ring.T))
    angle = 2 * np.pi * np.arange(size) / size
    waves = np.cos(np.outer(angle, [5, 40, 90]))
    values = 1 - np.cos(2 * np.pi * np.array([5, 40, 90]) / size)
    band = BandPassFilter(values[1] - 0.3, values[1] + 0.3)
    got = filter_signal(L, waves, band, degree=300)
    np.testing.assert_allclose(got, waves * [0, 1, 0], atol=1e-3)
    whole = filter_signal(L, waves, BandPassFilter(-1.0, np.inf))
    np.testing.assert_allclose(whole, waves, atol=1e-12)
    np.testing.assert_array_equal(band(values), [0, 1, 0])


def test_plain_functions_and_given_degrees():
    L = laplacian(W)
    power = filter_signal(L, F, lambda x: x**3, degree=3)
    np.testing.assert_allclose(power, L @ (L @ (L @ F)), atol=1e-12)
    with pytest.raises(ValueError, match="too rough on"):
        filter_signal(L, F, lambda x: np.sign(x - 0.3))


def test_operators_without_a_graph():
    A = np.diag([0.5, 1.0, 3.0])
    got = filter_signal(as_operator(A), np.ones(3), HeatFilter(1.0), tol=1e-13)
    np.testing.assert_allclose(got, np.exp([-0.5, -1, -3]), atol=1e-12)


def test_single_nodes_and_graphs_without_edges():
    for size in (1, 4):
        empty = sparse.csr_array((size, size))
        for normalization in ("symmetric", None):
            got = filter_signal(
                empty, np.ones(size), HeatFilter(2.0), normalization=normalization
            )
            np.testing.assert_allclose(got, 1, atol=1e-8)


def test_numbers_of_nodes_do_not_matter():
    order = np.random.default_rng(2).permutation(n)
    got = filter_signal(W[order][:, order], F[order], SMOOTH)
    np.testing.assert_allclose(got, filter_signal(W, F, SMOOTH)[:, order], atol=1e-12)


def test_float32_stays():
    narrow = filter_signal(W.astype(np.float32), F.astype(np.float32), SMOOTH)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, filter_signal(W, F, SMOOTH), atol=1e-5)
    whole = filter_signal(W, np.eye(n, dtype=np.int64), HeatFilter(1.0))
    np.testing.assert_allclose(whole.sum(axis=0)[-1], 1)


@pytest.mark.parametrize("normalization", ["symmetric", None])
def test_device_arrays(namespace, normalization):
    xp, device = namespace
    reference = xp.zeros(1, dtype=xp.float64, device=device)
    there = csr_like(W, reference)
    assert isinstance(there, CSR)
    options = {"normalization": normalization, "tol": 1e-12}
    got = filter_signal(there, asarray_like(F, reference), SMOOTH, **options)
    expected = filter_signal(W, F, SMOOTH, **options)
    np.testing.assert_allclose(to_numpy(got), expected, atol=1e-10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HeatFilter(-1.0), "time must be finite and not negative, got -1.0"),
        (lambda: WaveFilter(np.inf), "time must be finite and not negative"),
        (lambda: TikhonovFilter(-0.1), "alpha must be finite and not negative"),
        (lambda: PageRankFilter(1.0), r"damping must be in \[0, 1\), got 1.0"),
        (lambda: MexicanHatFilter(0.0), "scale must be finite and positive"),
        (lambda: BandPassFilter(2.0, 1.0), "low=2.0 must be less than high=1.0"),
        (lambda: filter_signal(W, F, []), "filters is an empty sequence"),
        (lambda: filter_signal(W, F[:4], HeatFilter(1.0)), "`B` must have shape"),
        (lambda: filter_signal(W[:4], F, HeatFilter(1.0)), "An affinity is square"),
    ],
)
def test_invalid_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
