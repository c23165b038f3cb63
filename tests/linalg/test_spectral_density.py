"""Densities and counts of eigenvalues against known and dense spectra."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import comb
from sklearn.datasets import make_swiss_roll

from sklearn_manifold_reg._arrays import asarray_like
from sklearn_manifold_reg.graph import NeighborsGraph, laplacian
from sklearn_manifold_reg.linalg import count_eigenvalues, spectral_density
from sklearn_manifold_reg.linalg._inertia import symmetric_pivots


def path(n):
    return sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(n, n)).tocsr()


def cycle(n):
    W = path(n).tolil()
    W[0, n - 1] = W[n - 1, 0] = 1
    return sparse.csr_array(W)


def hypercube(p):
    W = sparse.csr_array((1, 1))
    for _ in range(p):
        eye = sparse.eye_array(W.shape[0])
        W = sparse.csr_array(sparse.block_array([[W, eye], [eye, W]]))
    return W


def complete(n):
    return sparse.csr_array(np.ones((n, n)) - np.eye(n))


def roll(n, dtype=np.float64):
    X, _ = make_swiss_roll(n, random_state=0)
    return NeighborsGraph().fit(X.astype(dtype)).affinity_


K = np.arange(500)
KNOWN = {
    "path": (path(500), 2 - 2 * np.cos(np.pi * K / 500)),
    "cycle": (cycle(500), 2 - 2 * np.cos(2 * np.pi * K / 500)),
    "hypercube": (
        hypercube(9),
        np.repeat(2.0 * np.arange(10), comb(9, np.arange(10)).astype(int)),
    ),
    "complete": (complete(80), np.array([0.0] + [80.0] * 79)),
    "pieces": (
        sparse.block_diag([cycle(400), path(100), np.zeros((1, 1))]),
        np.concatenate(
            [
                2 - 2 * np.cos(2 * np.pi * np.arange(400) / 400),
                2 - 2 * np.cos(np.pi * np.arange(100) / 100),
                [0.0],
            ]
        ),
    ),
}


@pytest.mark.parametrize("method", ["dense", "inertia"])
@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(
    ("low", "high"),
    [(-1.0, 0.0), (0.1, 0.7), (0.5, 3.3), (-np.inf, 0.9), (3.01, np.inf), (5.5, 5.7)],
)
def test_counts_of_known_spectra(name, low, high, method):
    W, values = KNOWN[name]
    L = laplacian(W, normalization=None)
    result = count_eigenvalues(L, low, high, method=method)
    inside = (values >= low - 1e-9) & (values <= high + 1e-9)
    assert result.count == np.count_nonzero(inside)
    assert result.standard_error == 0
    assert result.method == method


@pytest.mark.parametrize("name", KNOWN)
def test_ends_that_are_eigenvalues_count(name):
    W, values = KNOWN[name]
    L = laplacian(W, normalization=None)
    for value in np.unique(values.round(8))[::60]:
        expected = np.count_nonzero(np.abs(values - value) < 1e-7)
        assert count_eigenvalues(L, value, value, tol=1e-8).count == expected


def test_inertia_is_taken_for_large_graphs_of_few_dimensions():
    W = roll(1600)
    values = np.linalg.eigvalsh(laplacian(W).to_csr().to_scipy().toarray())
    # Rounding puts the zero on either side.
    values = np.where(np.abs(values) < 1e-12, 0.0, values)
    for low, high in ((0.0, 0.013), (0.31, 0.62), (0.9, np.inf)):
        result = count_eigenvalues(laplacian(W), low, high)
        assert result.method == "inertia"
        assert result.count == np.count_nonzero((values >= low) & (values <= high))


def test_indefinite_and_complex_matrices(compiled):
    rng = np.random.default_rng(0)
    bands = [rng.normal(size=300 - k) + 1j * rng.normal(size=300 - k) for k in (1, 3)]
    upper = sparse.diags_array(bands, offsets=[1, 3])
    for H in (upper.real + upper.real.T, upper + upper.conj().T):
        H = sparse.csr_array(H + sparse.diags_array(rng.normal(size=300)))
        values = np.linalg.eigvalsh(H.toarray())
        for low, high in ((-1.0, 0.4), (0.1, 2.0)):
            expected = np.count_nonzero((values >= low) & (values <= high))
            for method in ("dense", "inertia"):
                result = count_eigenvalues(H, low, high, method=method, tol=1e-8)
                assert result.count == expected


def test_pivots_off_the_diagonal_are_not_trusted():
    # Every diagonal entry is zero: there is no factorization with diagonal pivots.
    A = path(40)
    assert symmetric_pivots(sparse.csc_array(A)) is None
    with pytest.raises(ValueError, match="No factorization met the tolerance"):
        count_eigenvalues(A, -1e-13, 1.0, method="inertia", tol=1e-14)


def test_growth_is_bounded_and_falls_back(monkeypatch):
    # At 4 all of the diagonal is the tolerance only, and 4 is an eigenvalue.
    W = sparse.kron(cycle(20), sparse.eye_array(20))
    L = laplacian(W + sparse.kron(sparse.eye_array(20), cycle(20)), normalization=None)
    shifted = L.to_csr().to_scipy() - (4 + 1e-10) * sparse.eye_array(400)
    pivots = symmetric_pivots(sparse.csc_array(shifted))
    assert pivots is None or pivots.error > 1e-9
    monkeypatch.setattr("sklearn_manifold_reg.linalg._counts.DENSE_ROWS", 10)
    angles = 2 - 2 * np.cos(2 * np.pi * np.arange(20) / 20)
    values = (angles[:, None] + angles).ravel()
    result = count_eigenvalues(L, 4.0, 9.0)
    assert result.method == "dense"
    assert result.count == np.count_nonzero(values >= 4 - 1e-9)


def test_the_error_of_pivots_bounds_the_error():
    rng = np.random.default_rng(1)
    for shift in (0.0, 0.3, 1e-6):
        A = sparse.random_array((120, 120), density=0.05, rng=rng)
        A = A + A.T + sparse.diags_array(rng.normal(size=120)) * shift
        A = sparse.csc_array(A + (0.4 if shift == 0 else 0.0) * sparse.eye_array(120))
        pivots = symmetric_pivots(A)
        if pivots is None:
            continue
        values = np.linalg.eigvalsh(A.toarray())
        certain = np.count_nonzero(values < -pivots.error)
        possible = np.count_nonzero(values < pivots.error)
        assert certain <= np.count_nonzero(pivots.values < 0) <= possible


@pytest.mark.statistical
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_estimated_counts(dtype):
    L = laplacian(roll(2000, dtype))
    values = np.linalg.eigvalsh(L.to_csr().to_scipy().toarray())
    result = count_eigenvalues(L, 0.3, 0.9, method="chebyshev", n_probes=64)
    exact = np.count_nonzero((values >= 0.3) & (values <= 0.9))
    # The smoothed ends move at most as many as lie around them.
    width = np.pi / 200
    near = sum(np.count_nonzero(np.abs(values - end) < width) for end in (0.3, 0.9))
    assert abs(result.count - exact) <= 4 * result.standard_error + near / 2
    assert 0 < result.standard_error < 0.05 * exact


def test_exact_moments_of_a_gap_give_the_exact_count():
    L = laplacian(complete(50), normalization=None)
    result = count_eigenvalues(L, 20.0, 60.0, method="chebyshev", n_probes=50)
    assert result.count == pytest.approx(49, abs=1e-3)
    assert result.standard_error == 0


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_other_dtypes(dtype):
    L = laplacian(cycle(300), normalization=None)
    A = L.to_csr().to_scipy().astype(dtype)
    values = 2 - 2 * np.cos(2 * np.pi * np.arange(300) / 300)
    expected = np.count_nonzero((values > 0.5) & (values < 1.7))
    for method in ("dense", "inertia"):
        assert count_eigenvalues(A, 0.5, 1.7, method=method).count == expected
    density = spectral_density(A, n_probes=300, n_moments=400)
    middle = np.interp(1.7, density.grid, density.cumulative)
    assert abs(middle - np.count_nonzero(values < 1.7)) < 3


def test_counts_on_devices(namespace):
    xp, device = namespace
    reference = xp.zeros(1, dtype=xp.float64, device=device)
    A = laplacian(cycle(40), normalization=None).to_csr().to_scipy().toarray()
    there = asarray_like(A, reference)
    got = count_eigenvalues(there, 0.5, 5.0, n_probes=8)
    same = count_eigenvalues(A, 0.5, 5.0, method="chebyshev", n_probes=8)
    # Ends of the Krylov spaces, and with them the interval, depend on rounding.
    assert got.count == pytest.approx(same.count, abs=0.01)
    options = {"n_probes": 8, "n_moments": 20, "interval": (-0.1, 4.1)}
    density, expected = (spectral_density(M, **options) for M in (there, A))
    np.testing.assert_allclose(density.density, expected.density, atol=1e-9)
    with pytest.raises(ValueError, match="works on NumPy arrays only"):
        count_eigenvalues(there, 0.5, 5.0, method="inertia")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 2.0, "high": 1.0}, r"low=2.0 must be at most high=1.0"),
        ({"low": np.nan, "high": 1.0}, "low=nan must be at most"),
        ({"low": 0, "high": 1, "method": "magic"}, "method must be one of"),
    ],
)
def test_invalid_counts(options, message):
    with pytest.raises(ValueError, match=message):
        count_eigenvalues(path(10), **options)


@pytest.mark.parametrize("kernel", ["jackson", None])
@pytest.mark.parametrize("name", KNOWN)
def test_exact_densities(name, kernel):
    W, values = KNOWN[name]
    n = len(values)
    L = laplacian(W, normalization=None)
    result = spectral_density(L, n_moments=60, n_probes=n, kernel=kernel)
    low, high = result.interval
    k = np.arange(60)[:, None]
    places = np.clip((2 * values - low - high) / (high - low), -1, 1)
    np.testing.assert_allclose(
        result.moments, np.cos(k * np.arccos(places)).sum(axis=1), atol=1e-8 * n
    )
    np.testing.assert_array_equal(result.moments_error, 0)
    assert result.weights @ result.density == pytest.approx(n)
    if kernel == "jackson":
        assert result.density.min() >= -1e-9 * n
        assert np.all(np.diff(result.cumulative) >= -1e-9 * n)


def test_quadrature_and_cumulative_counts_are_integrals():
    L = laplacian(cycle(200), normalization=None)
    values = 2 - 2 * np.cos(2 * np.pi * np.arange(200) / 200)
    plain = spectral_density(L, n_moments=80, n_probes=200, kernel=None)
    # Without damping, moments of the matrix are those of the density.
    for function in (lambda x: x, lambda x: x**2, lambda x: np.exp(-x)):
        integral = plain.weights @ (function(plain.grid) * plain.density)
        assert integral == pytest.approx(function(values).sum(), rel=1e-10)
    smooth = spectral_density(L, n_moments=80, n_probes=200, n_points=4000)
    running = np.cumsum(smooth.weights * smooth.density)
    np.testing.assert_allclose(smooth.cumulative, running, atol=0.2)
    exact = np.searchsorted(np.sort(values), smooth.grid)
    assert np.abs(smooth.cumulative - exact)[50:-50].max() < 5


@pytest.mark.statistical
def test_random_densities_are_unbiased():
    L = laplacian(roll(800))
    exact = spectral_density(L, n_moments=40, n_probes=800)
    runs = [
        spectral_density(L, n_moments=40, n_probes=16, random_state=s)
        for s in range(12)
    ]
    for what in ("moments", "density", "cumulative"):
        got = np.array([getattr(run, what) for run in runs])
        errors = np.array([getattr(run, f"{what}_error") for run in runs])
        pooled = np.sqrt(np.sum(errors**2, axis=0)) / len(runs)
        far = np.abs(got.mean(axis=0) - getattr(exact, what)) > 4 * pooled + 1e-8
        assert not np.any(far)
    for run in runs:
        assert run.weights @ run.density == pytest.approx(800)
        assert run.moments[0] == pytest.approx(800)


def test_the_seed_alone_decides():
    L = laplacian(cycle(60))
    first, second, other = (
        spectral_density(L, n_probes=4, random_state=s) for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.density, second.density)
    assert np.any(first.density != other.density)


def test_single_nodes():
    result = spectral_density(np.array([[2.0]]), n_moments=20)
    assert result.weights @ result.density == pytest.approx(1)
    assert count_eigenvalues(np.array([[2.0]]), 2.0, 2.0).count == 1
    assert count_eigenvalues(np.array([[2.0]]), 3.0, 4.0).count == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "fejer"}, "kernel must be one of"),
        ({"n_moments": 1}, "n_moments must be at least 2"),
        ({"n_points": 0}, "n_points must be at least 1"),
        ({"n_probes": 1}, "n_probes must be at least 2"),
        ({"interval": (1.0, 1.0)}, "interval must be ascending"),
    ],
)
def test_invalid_densities(options, message):
    with pytest.raises(ValueError, match=message):
        spectral_density(path(10), **options)


def test_asymmetry_is_refused():
    L = laplacian(path(10), normalization="random-walk")
    with pytest.raises(ValueError, match="is not symmetric"):
        spectral_density(L)
