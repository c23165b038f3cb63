"""Misfit in a Sobolev norm: value, gradient, proximal map."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from sklearn_manifold_reg._arrays import rfftn, to_numpy
from sklearn_manifold_reg.optim import SobolevMisfit

SHAPES = [(6, 8), (5, 7), (1, 9)]


def problem(shape, n=2, blurred=True):
    rng = np.random.default_rng(0)
    full = rng.uniform(0.1, 2.0, size=shape)
    # Weights of real images are even functions of the frequency.
    full = full + np.roll(full[::-1, ::-1], 1, axis=(0, 1))
    kernel = rng.normal(size=shape)
    half = slice(shape[1] // 2 + 1)
    transfer = rfftn(kernel, shape) if blurred else None
    misfit = SobolevMisfit(rng.normal(size=(n, *shape)), full[:, half], transfer)
    return misfit, full, np.fft.fft2(kernel) if blurred else np.ones(shape), rng


@pytest.mark.parametrize("blurred", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_value_is_the_weighted_sum_of_squares(shape, blurred):
    misfit, weights, kernel, rng = problem(shape, blurred=blurred)
    u = rng.normal(size=misfit.data.shape)
    residual = kernel * np.fft.fft2(u) - np.fft.fft2(misfit.data)
    squares = np.sum(weights * np.abs(residual) ** 2, axis=(1, 2)) / u[0].size
    assert misfit.value(u) == pytest.approx(np.sum(squares) / 2)
    np.testing.assert_allclose(misfit.residual_norms(u), np.sqrt(squares))
    assert misfit.lipschitz == pytest.approx(np.max(weights * np.abs(kernel) ** 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_that_of_the_value(shape):
    misfit, *_, rng = problem(shape)
    point = rng.normal(size=misfit.data.size)

    def value(u):
        return misfit.value(u.reshape(misfit.data.shape))

    def gradient(u):
        return misfit.grad(u.reshape(misfit.data.shape)).reshape(-1)

    scale = np.linalg.norm(gradient(point))
    assert check_grad(value, gradient, point) < 1e-5 * scale


@pytest.mark.parametrize("blurred", [True, False])
@pytest.mark.parametrize("step", [0.1, 3.0])
def test_prox_is_stationary(step, blurred):
    misfit, *_, rng = problem((6, 8), blurred=blurred)
    u = rng.normal(size=misfit.data.shape)
    v = misfit.prox(u, step)
    np.testing.assert_allclose(misfit.grad(v) + (v - u) / step, 0, atol=1e-11)


def test_images_of_other_libraries(namespace):
    xp, device = namespace
    misfit, *_, rng = problem((6, 8))
    u = rng.normal(size=misfit.data.shape)
    data = xp.asarray(misfit.data, device=device)
    moved = SobolevMisfit(data, misfit.weights, misfit.transfer)
    point = xp.asarray(u, device=device)
    np.testing.assert_allclose(to_numpy(moved.grad(point)), misfit.grad(u), atol=1e-10)
    near = moved.prox(point, 0.5)
    assert near.device == data.device
    np.testing.assert_allclose(to_numpy(near), misfit.prox(u, 0.5), atol=1e-12)
    assert moved.value(point) == pytest.approx(misfit.value(u))


def test_float32_stays():
    misfit, *_ = problem((6, 8))
    narrow = SobolevMisfit(
        misfit.data.astype(np.float32), misfit.weights, misfit.transfer
    )
    u = np.ones(misfit.data.shape, dtype=np.float32)
    assert narrow.grad(u).dtype == narrow.prox(u, 1.0).dtype == np.float32


def test_bad_factors():
    data = np.zeros((3, 4, 6))
    with pytest.raises(ValueError, match=r"weights has shape \(4, 6\), but .*\(4, 4\)"):
        SobolevMisfit(data, np.ones((4, 6)))
    with pytest.raises(ValueError, match=r"transfer has shape \(6, 4\)"):
        SobolevMisfit(data, np.ones((4, 4)), np.ones((6, 4)))
    for value in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="finite and not negative"):
            SobolevMisfit(data, np.full((4, 4), value))
