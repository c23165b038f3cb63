"""The smallest entries of each row, which the array API standard cannot give."""

from typing import Any

import array_api_compat
import numpy as np

from sklearn_manifold_reg._arrays._namespace import namespace_of


def smallest_k(D: Any, k: int) -> tuple[Any, Any]:
    """Find the `k` smallest entries of each row, ascending, ties by index.

    Parameters
    ----------
    D : array of shape (n_rows, n_columns)
        Real entries without NaN.
    k : int
        Number of entries, 1 to `n_columns`.

    Returns
    -------
    values : array of shape (n_rows, k)
        The entries.
    indices : integer array of shape (n_rows, k)
        Their columns.

    Raises
    ------
    ValueError
        If `k` is out of range.

    Notes
    -----
    NumPy, torch and CuPy select and then sort `k` entries; other libraries sort
    whole rows, the one way the standard offers.
    """
    if not 1 <= k <= D.shape[1]:
        raise ValueError(f"k must be in 1..{D.shape[1]}, got {k}.")
    xp = namespace_of(D)
    candidates: Any
    if isinstance(D, np.ndarray):
        candidates = np.argpartition(D, k - 1, axis=1)[:, :k]
    elif array_api_compat.is_torch_array(D):
        candidates = D.topk(k, dim=1, largest=False, sorted=False).indices
    elif array_api_compat.is_cupy_array(D):
        candidates = xp.argpartition(D, k - 1, axis=1)[:, :k]
    else:
        return _sorted_rows(D, k, xp)
    # Selection takes any of the entries that tie with the last one. Where more tie
    # than fit, the row is sorted whole, which keeps the first of them.
    candidates = xp.sort(candidates, axis=1)
    values, order = _sorted_rows(xp.take_along_axis(D, candidates, axis=1), k, xp)
    indices = xp.take_along_axis(candidates, order, axis=1)
    crowded = xp.count_nonzero(values[:, -1:] >= D, axis=1) > k
    if bool(xp.any(crowded)):
        rows = xp.nonzero(crowded)[0]
        values[rows], indices[rows] = _sorted_rows(D[rows], k, xp)
    return values, indices


def _sorted_rows(D: Any, k: int, xp: Any) -> tuple[Any, Any]:
    indices = xp.argsort(D, axis=1, stable=True)[:, :k]
    return xp.take_along_axis(D, indices, axis=1), indices
