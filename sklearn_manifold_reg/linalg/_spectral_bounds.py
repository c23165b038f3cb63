"""Where the spectrum of an operator lies: bounds and a rough count from below."""

from typing import Any

import numpy as np
from scipy import linalg

from sklearn_manifold_reg._arrays import column_dots, device, namespace_of
from sklearn_manifold_reg.linalg._chebyshev import ChebyshevRecurrence
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator

# Lanczos steps for the upper end. Ten find it to a few percent on graphs.
_N_STEPS = 10
# Chebyshev steps for the density: half as many as moments.
_N_MOMENT_STEPS = 24


def upper_bound(operator: Operator, reference: Any) -> float:
    """Bound the spectrum of a Hermitian operator from above, closely.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Hermitian.
    reference : array
        Array whose library, device and dtype are taken.

    Returns
    -------
    bound : float
        The largest Ritz value of some Lanczos steps plus the norm of its residual
        block, or the largest absolute row sum where that is smaller.

    References
    ----------
    Y. Zhou, R.-C. Li, "Bounding the spectrum of large Hermitian matrices", Linear
    Algebra and its Applications 435, 2011, doi:10.1016/j.laa.2010.06.034.
    """
    xp = namespace_of(reference)
    start = np.random.default_rng(0).standard_normal((operator.shape[0], 1))
    v = xp.asarray(start, device=device(reference))
    v = xp.astype(v, reference.dtype)
    v = v / float(np.sqrt(_dot(v, v)))
    before, beta = None, 0.0
    diagonal, off_diagonal = [], []
    for _ in range(min(_N_STEPS, operator.shape[0])):
        w = operator.matmat(v)
        alpha = _dot(v, w)
        w = w - alpha * v
        if before is not None:
            w = w - beta * before
        diagonal.append(alpha)
        beta = float(np.sqrt(max(_dot(w, w), 0.0)))
        off_diagonal.append(beta)
        if beta <= 1e-12 * abs(alpha):
            break
        before, v = v, w / beta
    values = linalg.eigvalsh_tridiagonal(diagonal, off_diagonal[:-1])
    bound = float(values[-1]) + beta
    if isinstance(operator, SparseOperator) and isinstance(reference, np.ndarray):
        bound = min(bound, _largest_row_sum(operator))
    return bound if bound > 0 else 1.0


def _dot(V: Any, W: Any) -> float:
    """Real part of the inner product of two blocks."""
    return float(column_dots(V, W).sum())


def _largest_row_sum(operator: SparseOperator) -> float:
    csr = operator.csr
    sums = abs(operator.scale) * csr.with_data(np.abs(csr.data)).row_sums()
    if operator.diagonal_part is not None:
        sums = sums + np.abs(operator.diagonal_part)
    # The next number up: row sums are rounded.
    return float(sums.max(initial=0.0)) * (1 + 1e-6)


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
    nodes, weights = _gauss_rule(_chebyshev_moments(operator, B, upper))
    counts = n_rows * (np.cumsum(weights) - weights / 2)
    levels = (nodes + 1) * upper / 2
    kept = levels > 0
    return float(np.interp(count, [0, *counts[kept]], [0, *levels[kept]]))


def _chebyshev_moments(operator: Operator, B: Any, upper: float) -> np.ndarray:
    """Average `b' T_k(A) b / b' b` over columns, two moments a product."""
    recurrence = ChebyshevRecurrence(operator, 0.0, upper)
    total = _dot(B, B)
    before = B
    now = recurrence.first(B)
    moments = [1.0, _dot(B, now) / total]
    for _ in range(_N_MOMENT_STEPS - 1):
        moments.append(2 * _dot(now, now) / total - moments[0])
        spent = before
        if len(moments) == 3:
            # The first block is the caller's.
            xp = namespace_of(B)
            spent = xp.asarray(before, copy=True)
        before, now = now, recurrence.following(now, spent)
        moments.append(2 * _dot(now, before) / total - moments[1])
    return np.array(moments)


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
