"""Leading principal axes, which serve to look for neighbors at less cost."""

import numpy as np

from sklearn_manifold_reg.utils._blas import single_threaded_blas

# Axes are estimated from this many rows at most.
_N_SAMPLE = 2000
# Fewer features than this are searched as they are.
_MIN_FEATURES = 64
# An axis count is a multiple of this, which suits vector units.
_STEP = 16


def leading_axes(
    S: np.ndarray, reach: float, rng: np.random.RandomState
) -> np.ndarray | None:
    """Find few orthonormal axes that neighbors can be told from.

    The rows' variance off the axes blurs squared distances by about twice its
    amount; axes are added until that is half the squared distance of neighbors.
    Distances along orthonormal axes never exceed the true ones, so candidates
    found with them are easily put in exact order.

    Parameters
    ----------
    S : ndarray of shape (s, d), float64
        Centered sample of the rows.
    reach : float
        Typical squared distance of a row to its last neighbor.
    rng : RandomState
        Draws the starting directions.

    Returns
    -------
    axes : ndarray of shape (d, q) or None
        Orthonormal columns, or None if more than d / 2 of them would be needed.
    """
    d = S.shape[1]
    if d <= _MIN_FEATURES:
        return None
    S = S[:_N_SAMPLE].astype(np.float32)
    total = float(np.einsum("ij,ij->", S, S, dtype=np.float64))
    # Block power iterations: two of them separate well what matters here, which
    # is how much variance the span holds, not the axes one by one.
    n_axes = min(d // 2, 8 * _STEP, len(S))
    B = rng.standard_normal((d, n_axes)).astype(np.float32)
    # LAPACK with threads of its own crawls on such narrow blocks.
    with single_threaded_blas():
        for _ in range(2):
            B = np.linalg.qr(S.T @ (S @ B))[0]
        T = (S @ B).astype(np.float64)
        variances, rotation = np.linalg.eigh(T.T @ T)
        off = (total - np.cumsum(variances[::-1])) / len(S)
    enough = np.flatnonzero(2 * off <= 0.5 * reach)
    if len(enough) == 0:
        return None
    n_axes = min(n_axes, _STEP * -(-(int(enough[0]) + 1) // _STEP))
    with single_threaded_blas():
        return np.linalg.qr(B @ rotation[:, ::-1][:, :n_axes])[0]
