"""Minimizers of a Sobolev misfit, with and without penalty."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, rfftn
from sklearn_manifold_reg.inverse._gradient import GradientOperator
from sklearn_manifold_reg.optim import SobolevMisfit


def tikhonov(misfit: SobolevMisfit, penalty: np.ndarray) -> tuple[Any, int]:
    """Minimize the misfit plus half a squared norm, in closed form.

    Parameters
    ----------
    misfit : SobolevMisfit
        For images of shape (n_images, height, width).
    penalty : ndarray of shape (height, width // 2 + 1)
        Weights of the squared norm.

    Returns
    -------
    images : array of shape (n_images, height, width)
        The minimizers.
    n_iter : int
        1.
    """
    total = misfit.curvature + penalty
    # What neither term sees stays 0.
    factor = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    return misfit.filter(misfit.pull, factor), 1


def stopped_descent(
    misfit: SobolevMisfit, n_steps: int, discrepancy: float | None
) -> tuple[Any, int]:
    """Give what gradient descent from zero has after some steps, without making them.

    Parameters
    ----------
    misfit : SobolevMisfit
        For images of shape (n_images, height, width).
    n_steps : int
        Number of steps, of size 1 / lipschitz.
    discrepancy : float or None
        Norm of the residual at which to stop earlier.

    Returns
    -------
    images : array of shape (n_images, height, width)
        The iterates.
    n_iter : int
        Largest number of steps.
    """
    rates = misfit.curvature / misfit.lipschitz
    # The logarithm of the factor by which a step shrinks a coefficient's error. It
    # is minus infinity where one step is enough; rounding to epsilon keeps it finite.
    shrink = np.log1p(-np.minimum(rates, 1 - np.finfo(np.float64).eps))
    steps = np.full(misfit.data.shape[0], n_steps)
    if discrepancy is not None:
        power = _residual_spectra(misfit)
        for number in range(len(steps)):
            steps[number] = _first_step(
                power[number, ...], shrink, discrepancy**2, n_steps
            )
    xp = namespace_of(misfit.data)
    images = []
    for number, count in enumerate(steps):
        # (1 - (1 - rate)^count) / rate, which is the count where the rate vanishes.
        gain = np.full(rates.shape, float(count))
        seen = rates > 0
        gain[seen] = -np.expm1(count * shrink[seen]) / rates[seen]
        pull = misfit.pull[number, ...]
        images.append(misfit.filter(pull, gain / misfit.lipschitz))
    return xp.stack(images), int(np.max(steps))


def _residual_spectra(misfit: SobolevMisfit) -> Any:
    """Shares of the coefficients in the squared norms of the data."""
    height, width = misfit.data.shape[1:]
    # All columns but the first, and the middle one of an even width, stand for two.
    count = np.full(width // 2 + 1, 2.0)
    count[0] = 1.0
    if width % 2 == 0:
        count[-1] = 1.0
    xp = namespace_of(misfit.data)
    squares = xp.abs(rfftn(misfit.data, (height, width))) ** 2
    return squares * asarray_like(misfit.weights * count / (height * width), squares)


def _first_step(power: Any, shrink: np.ndarray, bound: float, n_steps: int) -> int:
    """Find the first step whose squared residual norm is within the bound."""
    xp = namespace_of(power)
    low, high = 0, n_steps
    while low < high:
        middle = (low + high) // 2
        left = asarray_like(np.exp(2 * middle * shrink), power)
        if float(xp.sum(power * left)) <= bound:
            high = middle
        else:
            low = middle + 1
    return low


def total_variation(
    misfit: SobolevMisfit, alpha: float, *, max_iter: int, tol: float
) -> tuple[Any, int]:
    """Minimize the misfit plus `alpha` times the total variation, image by image.

    Parameters
    ----------
    misfit : SobolevMisfit
        For images of shape (n_images, height, width).
    alpha : float
        Weight.
    max_iter : int
        Largest number of steps.
    tol : float
        Relative change of the image at which to stop.

    Returns
    -------
    images : array of shape (n_images, height, width)
        The minimizers.
    n_iter : int
        Largest number of steps.

    Warns
    -----
    ConvergenceWarning
        If some image is not done at `max_iter`.
    """
    xp = namespace_of(misfit.data)
    results = [
        _total_variation_of_one(
            SobolevMisfit(misfit.data[number, ...], misfit.weights, misfit.transfer),
            alpha,
            max_iter,
            tol,
        )
        for number in range(misfit.data.shape[0])
    ]
    images, n_iter, changes = zip(*results, strict=True)
    unfinished = sum(change > tol for change in changes)
    if unfinished:
        warnings.warn(
            f"{unfinished} images still changed by up to {max(changes):.1e} in step "
            f"max_iter={max_iter}, more than tol={tol:g}: raise max_iter or tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return xp.stack(images), max(n_iter)


def _total_variation_of_one(
    misfit: SobolevMisfit, alpha: float, max_iter: int, tol: float
) -> tuple[Any, int, float]:
    """Run the primal-dual method of Chambolle and Pock for one image."""
    xp = namespace_of(misfit.data)
    shape = misfit.data.shape
    gradient = GradientOperator(shape)
    back = gradient.adjoint()
    # The squared norm of the gradient is at most 8: steps with a product of 1/8
    # converge. Shared out like this, weights in another unit change nothing.
    step = 1 / (8**0.5 * misfit.lipschitz)
    dual_step = misfit.lipschitz / 8**0.5
    u = ahead = misfit.data
    dual = xp.zeros_like(gradient @ xp.reshape(u, (-1,)))
    change, n_iter = np.inf, 0
    while change > tol and n_iter < max_iter:
        n_iter += 1
        dual = dual + dual_step * (gradient @ xp.reshape(ahead, (-1,)))
        vectors = xp.reshape(dual, (2, -1))
        lengths = xp.sqrt(xp.sum(vectors**2, axis=0))
        dual = xp.reshape(vectors / xp.clip(lengths / alpha, 1.0, None), (-1,))
        new = misfit.prox(u - step * xp.reshape(back @ dual, shape), step)
        size = float(xp.sum(new**2)) ** 0.5
        change = float(xp.sum((new - u) ** 2)) ** 0.5 / (size or 1.0)
        ahead = 2 * new - u
        u = new
    return u, n_iter, change
