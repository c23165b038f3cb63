"""Density of the eigenvalues of an operator (kernel polynomial method)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg.linalg._polynomial import jackson_damping
from sklearn_manifold_reg.linalg._probes import (
    as_symmetric,
    draw_probes,
    mean_and_error,
)
from sklearn_manifold_reg.linalg._recurrence import probe_moments
from sklearn_manifold_reg.linalg._spectral_interval import spectral_interval

_KERNELS = ("jackson", None)


@dataclass(frozen=True, eq=False)
class SpectralDensity:
    """Smoothed density of eigenvalues, on a grid.

    Attributes
    ----------
    grid : ndarray of shape (n_points,)
        Points inside the interval, ascending, denser at its ends.
    density : ndarray of shape (n_points,)
        Eigenvalues per unit at each point. Its integral is n.
    density_error : ndarray of shape (n_points,)
        Standard errors.
    cumulative : ndarray of shape (n_points,)
        Number of eigenvalues below each point, the exact integral of the density.
    cumulative_error : ndarray of shape (n_points,)
        Standard errors.
    weights : ndarray of shape (n_points,)
        Weights of a quadrature: `weights @ density` is n, and
        `weights @ (f(grid) * density)` the trace of a smooth function f.
    moments : ndarray of shape (n_moments,)
        Traces of the Chebyshev polynomials of the operator, moved to [-1, 1], before
        damping.
    moments_error : ndarray of shape (n_moments,)
        Standard errors.
    interval : tuple of float
        Bounds of the spectrum.
    """

    grid: np.ndarray
    density: np.ndarray
    density_error: np.ndarray
    cumulative: np.ndarray
    cumulative_error: np.ndarray
    weights: np.ndarray
    moments: np.ndarray
    moments_error: np.ndarray
    interval: tuple[float, float]


def spectral_density(
    operator: Any,
    *,
    n_moments: int = 100,
    n_probes: int = 32,
    kernel: str | None = "jackson",
    n_points: int | None = None,
    interval: tuple[float, float] | None = None,
    random_state: Any = 0,
) -> SpectralDensity:
    """Estimate the density of the eigenvalues of a symmetric operator.

    The density is `sum_i delta(x - lambda_i)`, smoothed: its Chebyshev moments, traces
    of polynomials of the operator, are estimated by random vectors.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric or complex Hermitian.
    n_moments : int, default=100
        Chebyshev moments. Eigenvalues are smoothed over about pi / n_moments of half
        the width of the interval in its middle, and less at its ends.
    n_probes : int, default=32
        Random vectors. With n or more the moments are exact.
    kernel : {"jackson"} or None, default="jackson"
        Damping of the moments. "jackson" keeps the density non-negative where the
        moments are exact; None leaves the moments as they are, and the density of a
        discrete spectrum rings.
    n_points : int or None, default=None
        Points of the grid; None takes twice `n_moments`.
    interval : tuple of float or None, default=None
        Bounds of the spectrum; None finds them by `spectral_interval`.
    random_state : int, RandomState instance or None, default=0
        Seed of the random vectors.

    Returns
    -------
    result : SpectralDensity
        Density, cumulative counts and their standard errors, as host arrays.

    Raises
    ------
    ValueError
        If the operator is not symmetric or a parameter is out of range.

    See Also
    --------
    count_eigenvalues : Exact number of eigenvalues in an interval.

    Notes
    -----
    Takes `n_probes * n_moments / 2` products with a vector, done in blocks. Standard
    errors tell what randomness leaves, not the smoothing.

    References
    ----------
    .. [1] A. Weiße, G. Wellein, A. Alvermann, H. Fehske, "The kernel polynomial
       method", Reviews of Modern Physics 78, 2006, doi:10.1103/RevModPhys.78.275.
    .. [2] L. Lin, Y. Saad, C. Yang, "Approximating spectral densities of large
       matrices", SIAM Review 58, 2016, doi:10.1137/130934283.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.linalg import spectral_density
    >>> A = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(500, 500))
    >>> result = spectral_density(A)
    >>> round(float(result.weights @ result.density), 6)
    500.0
    >>> middle = np.searchsorted(result.grid, 2.0)
    >>> bool(abs(result.cumulative[middle] - 250) < 10)
    True
    """
    if kernel not in _KERNELS:
        raise ValueError(f"kernel must be one of {_KERNELS}, got {kernel!r}.")
    if n_moments < 2:
        raise ValueError(f"n_moments must be at least 2, got {n_moments}.")
    n_points = 2 * n_moments if n_points is None else n_points
    if n_points < 1:
        raise ValueError(f"n_points must be at least 1, got {n_points}.")
    operator = as_symmetric(operator)
    interval = spectral_interval(operator) if interval is None else interval
    low, high = interval
    if not low < high:
        raise ValueError(f"interval must be ascending, got {interval}.")
    probes = draw_probes(operator, n_probes, random_state)
    samples = probe_moments(operator, probes, n_moments, interval)
    moments, moments_error = mean_and_error(samples, probes.exact)
    damping = np.ones(n_moments)
    if kernel == "jackson":
        damping = jackson_damping(n_moments - 1)
    angles = np.pi * (np.arange(n_points)[::-1] + 0.5) / n_points
    half = (high - low) / 2
    # d theta = -dx / (half sin(theta)): densities in theta are cosine series.
    slope = half * np.sin(angles)
    k = np.arange(1, n_moments)
    waves = np.cos(np.outer(angles, k)) * (2 * damping[1:])
    sums = np.sin(np.outer(angles, k)) * (2 * damping[1:] / k)
    density = (damping[0] * samples[0] + waves @ samples[1:]) / (np.pi * slope[:, None])
    cumulative = (
        damping[0] * samples[0] * (np.pi - angles)[:, None] - sums @ samples[1:]
    ) / np.pi
    return SpectralDensity(
        (low + high) / 2 + half * np.cos(angles),
        *mean_and_error(density, probes.exact),
        *mean_and_error(cumulative, probes.exact),
        np.pi / n_points * slope,
        moments,
        moments_error,
        (float(low), float(high)),
    )
