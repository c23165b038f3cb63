"""Below which level a number of eigenvalues lies, roughly."""

from typing import Any

import numpy as np
from scipy import linalg

from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._recurrence import chebyshev_moments

# Products for the density: half as many as moments.
_N_STEPS = 24


def level_of_count(
    operator: Operator, B: Any, upper: float, count: float, n_rows: int
) -> float:
    """Estimate below which level a given number of eigenvalues lies.

    The moments of Chebyshev polynomials, averaged over the columns of a random block,
    determine a Gauss quadrature of the spectral density; its weights are added from
    below.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Symmetric, with spectrum in [0, upper].
    B : array of shape (n, m)
        Random block.
    upper : float
        Bound of the spectrum.
    count : float
        Number of eigenvalues.
    n_rows : int
        Number of eigenvalues in all.

    Returns
    -------
    level : float
        Accurate to the order of magnitude, which is enough to choose a polynomial.
        Below the resolution of the moments the density is taken to be constant.

    References
    ----------
    L. Lin, Y. Saad, C. Yang, "Approximating spectral densities of large matrices",
    SIAM Review 58, 2016, doi:10.1137/130934283.

    J. C. Wheeler, "Modified moments and Gaussian quadratures", Rocky Mountain Journal
    of Mathematics 4, 1974, doi:10.1216/RMJ-1974-4-2-287.
    """
    moments = chebyshev_moments(operator, B, 2 * _N_STEPS, (0.0, upper)).sum(axis=1)
    nodes, weights = _gauss_rule(moments / moments[0])
    counts = n_rows * (np.cumsum(weights) - weights / 2)
    levels = (nodes + 1) * upper / 2
    kept = levels > 0
    return float(np.interp(count, [0, *counts[kept]], [0, *levels[kept]]))


def _gauss_rule(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [-1, 1] and weights, from Chebyshev moments (Wheeler's algorithm)."""
    n_nodes = len(moments) // 2
    # Monic polynomials: T_k over 2^(k-1), with their recurrence coefficients.
    degrees = np.arange(2 * n_nodes)
    row = moments[: 2 * n_nodes] * 2.0 ** np.minimum(0, 1 - degrees)
    known = np.where(degrees == 1, 0.5, 0.25)
    alpha, beta = [row[1] / row[0]], [row[0]]
    above = np.zeros_like(row)
    for k in range(1, n_nodes):
        inner = slice(k, 2 * n_nodes - k)
        shifted = np.zeros_like(row)
        shifted[inner] = (
            row[k + 1 : 2 * n_nodes - k + 1]
            - alpha[-1] * row[inner]
            - beta[-1] * above[inner]
            + known[inner] * row[k - 1 : 2 * n_nodes - k - 1]
        )
        b = shifted[k] / row[k - 1]
        # Rounding, or a spectrum of few points: the rule so far is as good.
        if not b > 1e-10:
            break
        alpha.append(shifted[k + 1] / shifted[k] - row[k] / row[k - 1])
        beta.append(b)
        above, row = row, shifted
    nodes, vectors = linalg.eigh_tridiagonal(alpha, np.sqrt(beta[1:]))
    return nodes, vectors[0] ** 2
