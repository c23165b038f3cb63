"""Fourier transforms of real arrays, on any library."""

import numpy as np
import pytest

from sklearn_manifold_reg._arrays import irfftn, rfftn, to_numpy

SHAPES = [
    ((3, 6, 8), (6, 8)),
    ((5, 7), (9, 12)),
    ((4, 10), (10,)),
    ((300, 300), (300,)),
]


@pytest.mark.parametrize(("size", "shape"), SHAPES)
def test_equals_numpy(size, shape):
    x = np.random.default_rng(0).normal(size=size)
    axes = tuple(range(-len(shape), 0))
    spectra = rfftn(x, shape)
    expected = np.fft.rfftn(x, shape, axes)
    np.testing.assert_allclose(spectra, expected, atol=1e-11)
    back = irfftn(spectra, shape)
    assert back.shape == (*size[: len(size) - len(shape)], *shape)
    inside = (..., *(slice(n) for n in size[len(size) - len(shape) :]))
    np.testing.assert_allclose(back[inside], x, atol=1e-12)


def test_float32_stays():
    x = np.ones((4, 6), dtype=np.float32)
    spectra = rfftn(x, (4, 6))
    assert spectra.dtype == np.complex64
    assert irfftn(spectra, (4, 6)).dtype == np.float32


@pytest.mark.parametrize(("size", "shape"), SHAPES[:3])
def test_other_libraries(size, shape, namespace):
    xp, device = namespace
    x = np.random.default_rng(0).normal(size=size)
    moved = xp.asarray(x, device=device)
    spectra = rfftn(moved, shape)
    assert spectra.device == moved.device
    np.testing.assert_allclose(to_numpy(spectra), rfftn(x, shape), atol=1e-12)
    back = to_numpy(irfftn(spectra, shape))
    np.testing.assert_allclose(back, irfftn(rfftn(x, shape), shape), atol=1e-12)
