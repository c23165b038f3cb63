"""Bounds of the spectrum of a symmetric operator."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.linalg._lanczos import lanczos_coefficients, ritz
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._probes import as_symmetric, like, reference_of


def spectral_interval(operator: Any, *, n_steps: int = 24) -> tuple[float, float]:
    """Bound the spectrum of a symmetric operator from both sides.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric or complex Hermitian.
    n_steps : int, default=24
        Lanczos steps.

    Returns
    -------
    lower, upper : float
        Extreme Ritz values of four fixed random vectors, moved outwards by the
        largest of their residuals and a hundredth of the width, but not beyond the
        circles of Gershgorin where the entries are known.

    Raises
    ------
    ValueError
        If the operator is not symmetric.

    Notes
    -----
    The bounds hold up to the chance that random vectors miss an end of the spectrum,
    which falls exponentially with `n_steps` [1]_. An operator that is a multiple of
    the identity gets an interval of small positive width.

    References
    ----------
    .. [1] J. Kuczyński, H. Woźniakowski, "Estimating the largest eigenvalue by the
       power and Lanczos algorithms with a random start", SIAM Journal on Matrix
       Analysis and Applications 13, 1992, doi:10.1137/0613066.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import spectral_interval
    >>> lower, upper = spectral_interval(np.diag([-1.0, 0.0, 3.0]))
    >>> round(lower, 6), round(upper, 6)
    (-1.0, 3.0)
    """
    operator = as_symmetric(operator)
    start = np.random.default_rng(0).standard_normal((operator.shape[0], 4))
    reference = reference_of(operator)
    B = like(start, reference)
    alphas, betas = lanczos_coefficients(operator, B, n_steps)
    lows, highs = [], []
    for a, b in zip(alphas.T, betas.T, strict=True):
        values, vectors = ritz(a, b)
        last = b[len(values) - 1]
        slack = max(
            0.01 * (values[-1] - values[0]), *(last * np.abs(vectors[-1, [0, -1]]))
        )
        lows.append(values[0] - (slack if last else 0.0))
        highs.append(values[-1] + (slack if last else 0.0))
    lower, upper = min(lows), max(highs)
    circles = _gershgorin(operator, reference)
    if circles is not None:
        lower, upper = max(lower, circles[0]), min(upper, circles[1])
    size = max(abs(lower), abs(upper))
    pad = 100 * float(namespace_of(B).finfo(B.dtype).eps) * (size or 1.0)
    return float(lower - pad), float(upper + pad)


def _gershgorin(operator: Operator, reference: Any) -> tuple[float, float] | None:
    if getattr(operator, "csr", None) is None:
        return None
    matrix, xp = operator.to_sparse(), namespace_of(reference)
    csr = matrix.csr
    sums = abs(matrix.scale) * csr.with_data(xp.abs(csr.data)).row_sums()
    own = matrix.scale * csr.diagonal()
    if xp.isdtype(own.dtype, "complex floating"):
        own = xp.real(own)
    radius = sums - xp.abs(own)
    if matrix.diagonal_part is not None:
        extra = matrix.diagonal_part
        if xp.isdtype(extra.dtype, "complex floating"):
            extra = xp.real(extra)
        own = own + extra
    return float(xp.min(own - radius)), float(xp.max(own + radius))
