"""The Laplacian of an image: stored, recomputed, and that of the builder."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import ImageGraph, laplacian, window_laplacian

SHAPES = [((9, 7), 4), ((2, 3), 4), ((1, 20), 3), ((12, 11), 1)]
NORMALIZATIONS = ["frobenius", "none", "symmetric"]


def image(shape, seed=0):
    return 0.1 * np.random.default_rng(seed).random(shape[0] * shape[1])


@pytest.mark.parametrize(("shape", "radius"), SHAPES)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_recomputed_equals_stored(shape, radius, normalization, compiled):
    values = image(shape)
    options = {"radius": radius, "normalization": normalization, "bandwidth": 0.03}
    stored = window_laplacian(values, shape, stored=True, **options)
    free = window_laplacian(values, shape, stored=False, **options)
    B = np.random.default_rng(1).standard_normal((len(values), 3))
    size = np.abs(stored @ B).max()
    assert_allclose(free @ B, stored @ B, atol=1e-12 * size)
    assert_allclose(free @ B[:, 0], stored @ B[:, 0], atol=1e-12 * size)
    dense = free.to_csr().to_scipy().toarray()
    assert_allclose(dense @ B, stored @ B, atol=1e-12 * size)
    weights = np.random.default_rng(2).random(len(values))
    expected = np.diag(dense @ np.diag(weights) @ dense)
    for operator in (stored, free):
        assert_allclose(operator.gram_diagonal(weights), expected, rtol=1e-10)
        assert_allclose(operator.diagonal(), np.diag(dense), rtol=1e-12)
        assert operator.adjoint() is operator


def test_equals_the_graph_of_the_builder(compiled):
    shape = (8, 9)
    values = image(shape)
    affinity = ImageGraph(shape, radius=2, bandwidth=0.03).fit(values[:, None])
    affinity = affinity.affinity_
    norm = np.sqrt((affinity.data**2).sum())
    x = np.random.default_rng(1).standard_normal(len(values))
    for normalization, W, form in (
        ("none", affinity, None),
        ("frobenius", affinity / norm, None),
        ("symmetric", affinity, "symmetric"),
    ):
        expected = laplacian(W, normalization=form) @ x
        L = window_laplacian(
            values, shape, radius=2, bandwidth=0.03, normalization=normalization
        )
        assert_allclose(L @ x, expected, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("stored", [True, False])
def test_laplacian_identities(stored, compiled):
    shape = (8, 8)
    values = image(shape)
    L = window_laplacian(values, shape, stored=stored)
    dense = L @ np.eye(64)
    assert_allclose(dense, dense.T, atol=1e-15)
    assert_allclose(L @ np.ones(64), 0, atol=1e-14)
    assert np.linalg.eigvalsh(dense).min() > -1e-14
    weights = dense - np.diag(np.diag(dense))
    assert_allclose(np.sum(weights**2), 1)


def test_scale_of_values_and_bandwidth_goes_together(compiled):
    shape = (6, 6)
    values, x = image(shape), np.arange(36.0)
    for stored in (True, False):
        one, other = (
            window_laplacian(c * values, shape, bandwidth=c * 0.03, stored=stored) @ x
            for c in (1.0, 1000.0)
        )
        assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_threads_do_not_change_a_bit():
    values = image((150, 150))
    x = np.random.default_rng(1).standard_normal(len(values))
    one, two = (
        window_laplacian(values, (150, 150), stored=False, n_jobs=n) @ x for n in (1, 2)
    )
    assert np.array_equal(one, two)


def test_single_precision_stays_single(compiled):
    shape = (9, 9)
    values = image(shape)
    x = np.random.default_rng(1).standard_normal(81)
    expected = window_laplacian(values, shape) @ x
    for stored in (True, False):
        L = window_laplacian(values.astype(np.float32), shape, stored=stored)
        product = L @ x.astype(np.float32)
        assert product.dtype == np.float32
        assert_allclose(product, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_other_array_libraries_agree(namespace, normalization):
    xp, device = namespace
    shape = (7, 6)
    values = image(shape)
    x = np.random.default_rng(1).standard_normal(42)
    expected = window_laplacian(values, shape, normalization=normalization)
    there, x_there = (xp.asarray(a, device=device) for a in (values, x))
    L = window_laplacian(there, shape, normalization=normalization)
    product = L @ x_there
    assert product.device == x_there.device
    assert_allclose(to_numpy(product), expected @ x, atol=1e-12)
    assert_allclose(to_numpy(L.gram_diagonal()), expected.gram_diagonal(), rtol=1e-10)


def test_far_values_and_single_pixels_have_no_edges(compiled):
    far = window_laplacian(np.array([0.0, 5.0, 9.0]), (1, 3), normalization="symmetric")
    assert_allclose(far @ np.arange(3.0), 0)
    lone = window_laplacian(np.array([0.3]), (1, 1))
    assert_allclose(lone @ np.ones(1), 0)


def test_unknown_normalization_is_refused():
    with pytest.raises(ValueError, match="normalization='max' is unknown"):
        window_laplacian(np.zeros(4), (2, 2), normalization="max")


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="has 12 pixels, but there are 10 values"):
        window_laplacian(np.zeros(10), (3, 4))
    with pytest.raises(ValueError, match="bandwidth must be positive, got 0"):
        window_laplacian(np.zeros(12), (3, 4), bandwidth=0)
