"""Endmembers: exact recovery, volume, invariances, refusals."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import qr
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.decomposition import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)

EXTRACTORS = [
    lambda X, k: vertex_component_analysis(X, k, random_state=0),
    lambda X, k: vertex_component_analysis(X, k, snr=0.0, random_state=0),
    lambda X, k: vertex_component_analysis(X, k, projected=True, random_state=0),
    successive_projection,
    lambda X, k: n_findr(X, k, random_state=0),
]
NAMES = ["vca", "vca-low-snr", "vca-projected", "spa", "nfindr"]
every_extractor = pytest.mark.parametrize("extract", EXTRACTORS, ids=NAMES)


def mixtures(n_components, n_features=20, n_samples=300, seed=0):
    """Mixtures of random spectra, each of which is a pixel at a random place."""
    rng = np.random.default_rng(seed)
    E = rng.random((n_components, n_features))
    A = rng.dirichlet(np.ones(n_components), n_samples)
    pure = rng.choice(n_samples, n_components, replace=False)
    A[pure] = np.eye(n_components)
    return A @ E, E, pure


@every_extractor
@pytest.mark.parametrize("n_components", [2, 3, 8])
def test_pure_pixels_are_found(extract, n_components):
    X, E, pure = mixtures(n_components)
    found, indices = extract(X, n_components)
    assert set(indices.tolist()) == set(pure.tolist())
    order = np.argsort(indices)
    assert_allclose(found[order], E[np.argsort(pure)], atol=1e-10)


@every_extractor
def test_exact_mixtures_of_library_spectra(extract, shared_data):
    data = shared_data("dc1_synthetic")
    E = data["library"][data["active_index"]]
    A = data["abundances_active"].reshape(-1, 5).astype(float)
    A /= A.sum(axis=1, keepdims=True)
    found, indices = extract(A @ E, 5)
    assert_allclose(A[indices].max(axis=1), 1)
    assert_allclose(found, A[indices] @ E, atol=1e-10)
    assert_allclose(A[indices].sum(axis=0), np.ones(5))


@every_extractor
def test_scale_does_not_matter(extract):
    X, *_ = mixtures(4)
    X += 0.01 * np.random.default_rng(1).standard_normal(X.shape)
    found, indices = extract(X, 4)
    scaled, same = extract(1000 * X, 4)
    assert_array_equal(indices, same)
    assert_allclose(scaled, 1000 * found)


def test_successive_projection_takes_the_first_of_equal_rows():
    X = np.array([[0.0, 1.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    assert successive_projection(X, 2)[1].tolist() == [1, 2]


def test_successive_projection_is_pivoted_elimination():
    """Rows come in the order of a QR factorization with column pivoting."""
    X = np.random.default_rng(0).standard_normal((50, 10))
    _, _, order = qr(X.T, mode="economic", pivoting=True)
    assert_array_equal(successive_projection(X, 10)[1], order[:10])


def volume(X, indices):
    Z = X - X.mean(axis=0)
    _, _, directions = np.linalg.svd(Z, full_matrices=False)
    Z = Z @ directions[: len(indices) - 1].T
    return abs(np.linalg.det(np.column_stack([np.ones(len(indices)), Z[indices]])))


def test_volume_grows_until_no_exchange_enlarges_it():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8)) @ np.diag(0.5 ** np.arange(8))
    volumes = []
    for max_iter in (1, 2, 3, 20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            _, indices = n_findr(X, 5, max_iter=max_iter, random_state=3)
        volumes.append(volume(X, indices))
    assert np.all(np.diff(volumes) >= -1e-12)
    for k in range(5):
        for i in range(len(X)):
            other = indices.copy()
            other[k] = i
            assert volume(X, other) <= volumes[-1] * (1 + 1e-8)


def test_passes_run_out():
    X = np.random.default_rng(0).standard_normal((200, 8))
    with pytest.warns(ConvergenceWarning, match="raise max_iter"):
        n_findr(X, 6, max_iter=1, random_state=0)


def test_snr_chooses_the_projection():
    """High ratios take out brightness: a dark copy of a pure pixel is as good."""
    X, *_, pure = mixtures(3)
    X = np.vstack([X, 0.1 * X[pure]])
    _, high = vertex_component_analysis(X, 3, snr=60.0, random_state=0)
    spectra = X / np.linalg.norm(X, axis=1, keepdims=True)
    for i in high:
        assert np.max(spectra[i] @ spectra[pure].T) > 1 - 1e-12
    # Low ones see the dark pixels as vertices of their own.
    _, low = vertex_component_analysis(X, 3, snr=0.0, random_state=0)
    assert np.any(low >= 300)


def test_one_component():
    X, *_ = mixtures(3)
    assert successive_projection(X, 1)[1][0] == np.argmax(np.linalg.norm(X, axis=1))
    for projected in (False, True):
        E, i = vertex_component_analysis(X, 1, projected=projected, random_state=0)
        if not projected:
            assert_array_equal(E, X[i])
        cosine = E[0] @ X[i[0]] / np.linalg.norm(E[0]) / np.linalg.norm(X[i[0]])
        assert cosine > 0.9
    assert_array_equal(n_findr(X[:1], 1)[0], X[:1])


@every_extractor
def test_single_precision(extract):
    X, _, pure = mixtures(4)
    found, indices = extract(X.astype(np.float32), 4)
    assert found.dtype == np.float32
    assert set(indices.tolist()) == set(pure.tolist())


@every_extractor
def test_too_few_independent_pixels(extract):
    same = np.ones((10, 5)) * [0.1, 0.5, 0.3, 0.2, 0.7]
    with pytest.raises(ValueError, match="independent pixels up to rounding"):
        extract(same, 2)
    X, *_ = mixtures(3)
    with pytest.raises(ValueError, match="ask for at most 3 endmembers"):
        extract(X, 5)


@every_extractor
def test_bad_input(extract):
    X, *_ = mixtures(3)
    with pytest.raises(ValueError, match="more than the 1 pixels of X"):
        extract(X[:1], 2)
    with pytest.raises(ValueError, match="n_components=4 is more than the 3 features"):
        extract(X[:, :3], 4)
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        extract(X, 2)


@every_extractor
def test_other_libraries(extract, namespace):
    xp, device = namespace
    X, *_ = mixtures(4)
    X += 0.01 * np.random.default_rng(1).standard_normal(X.shape)
    found, indices = extract(X, 4)
    there, same = extract(xp.asarray(X, device=device), 4)
    assert there.device == xp.asarray(X, device=device).device
    assert_array_equal(to_numpy(same), indices)
    assert_allclose(to_numpy(there), found, atol=1e-10)
