"""How near endmembers and abundances are to the true ones."""

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.utils import check_array

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    get_namespace,
    namespace_of,
    to_numpy,
)


def spectral_angle(E_true, E_pred):
    """Compute the angles between spectra, which brightness does not change.

    Parameters
    ----------
    E_true : array-like of shape (n_true, n_features)
        Spectra, one a row.
    E_pred : array-like of shape (n_pred, n_features)
        Spectra they are compared with.

    Returns
    -------
    angles : array of shape (n_true, n_pred)
        In radians, from 0 to pi. A spectrum of zeros has no direction: it is at pi / 2
        from all others, and at 0 from zeros.

    Raises
    ------
    ValueError
        If an array holds NaN or infinity, or numbers of features differ.

    See Also
    --------
    spectral_angle_distance : Mean over matched spectra.

    Notes
    -----
    Computed from unit spectra u and v as `2 arctan(||u - v|| / ||u + v||)`, which keeps
    the digits that an inverse cosine loses near 0 and pi.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.metrics import spectral_angle
    >>> spectral_angle([[1.0, 0.0]], [[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]]).round(3)
    array([[0.   , 0.785, 1.571]])
    """
    U, V = _unit_rows(*_pair(E_true, E_pred, "E_true", "E_pred"))
    xp = namespace_of(U)
    columns = []
    for j in range(V.shape[0]):
        v = V[j, :]
        columns.append(2 * xp.atan2(_norms(xp, U - v), _norms(xp, U + v)))
    return xp.stack(columns, axis=1)


def match_components(E_true, E_pred):
    """Find the one-to-one match of spectra whose angles have the smallest sum.

    Parameters
    ----------
    E_true : array-like of shape (n_components, n_features)
        Spectra, one a row.
    E_pred : array-like of shape (n_pred, n_features)
        At least as many spectra.

    Returns
    -------
    order : ndarray of shape (n_components,)
        `E_pred[order]`, and columns `order` of abundances, correspond to `E_true`. On
        the host.

    Raises
    ------
    ValueError
        If there are fewer spectra in `E_pred`, or arrays are refused by
        `spectral_angle`.

    Examples
    --------
    >>> from sklearn_manifold_reg.metrics import match_components
    >>> match_components([[1.0, 0.0], [0.0, 1.0]], [[0.1, 2.0], [3.0, 0.2]])
    array([1, 0])
    """
    return _match(spectral_angle(E_true, E_pred))


def spectral_angle_distance(E_true, E_pred):
    """Compute the mean angle of true spectra and the ones matched to them.

    Parameters
    ----------
    E_true : array-like of shape (n_components, n_features)
        Spectra, one a row.
    E_pred : array-like of shape (n_pred, n_features)
        At least as many spectra, in any order.

    Returns
    -------
    distance : float
        In radians.

    Raises
    ------
    ValueError
        If there are fewer spectra in `E_pred`, or arrays are refused by
        `spectral_angle`.

    See Also
    --------
    match_components : The match.
    abundance_rmse : Error of the shares.

    Examples
    --------
    >>> from sklearn_manifold_reg.metrics import spectral_angle_distance
    >>> spectral_angle_distance([[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [3.0, 0.0]])
    0.0
    """
    angles = to_numpy(spectral_angle(E_true, E_pred))
    order = _match(angles)
    return float(np.mean(angles[np.arange(len(order)), order]))


def abundance_rmse(A_true, A_pred):
    """Compute the root mean square error of abundances, made shares of each pixel.

    Parameters
    ----------
    A_true : array-like of shape (n_samples, n_components)
        True shares.
    A_pred : array-like of shape (n_samples, n_components)
        Abundances in the same order of components, see `match_components`. Rows are
        divided by their sum first; rows with sum 0 count as they are.

    Returns
    -------
    error : float
        Square root of the mean over pixels and components.

    Raises
    ------
    ValueError
        If an array holds NaN or infinity, or shapes differ.

    Examples
    --------
    >>> from sklearn_manifold_reg.metrics import abundance_rmse
    >>> abundance_rmse([[0.5, 0.5], [1.0, 0.0]], [[2.0, 2.0], [0.8, 0.2]])
    0.1...
    """
    A, B = _pair(A_true, A_pred, "A_true", "A_pred")
    if A.shape != B.shape:
        raise ValueError(
            f"A_true has shape {A.shape} and A_pred {B.shape}; both must hold the same "
            "pixels and components."
        )
    xp = namespace_of(A)
    sums = xp.sum(B, axis=1, keepdims=True)
    shares = B / xp.where(sums == 0, xp.ones_like(sums), sums)
    return float(xp.sqrt(xp.mean((A - shares) ** 2)))


def _pair(first: Any, second: Any, *names: str) -> tuple[Any, Any]:
    """Check two arrays of rows; the second follows the first one's library."""
    get_namespace(*(a for a in (first, second) if hasattr(a, "dtype")))
    A, B = (
        check_array(a, dtype=float_dtypes(a), input_name=name)
        for a, name in zip((first, second), names, strict=True)
    )
    if A.shape[1] != B.shape[1]:
        raise ValueError(
            f"{names[0]} has {A.shape[1]} columns and {names[1]} has {B.shape[1]}; "
            "they must be equal."
        )
    wider = float_dtypes(B)[0] if A.dtype != B.dtype else A.dtype
    xp = namespace_of(A)
    return xp.astype(A, wider), xp.astype(asarray_like(B, A), wider)


def _unit_rows(*arrays: Any) -> list[Any]:
    units = []
    for array in arrays:
        xp = namespace_of(array)
        # By the largest entry first: then squares neither overflow nor vanish.
        largest = xp.max(xp.abs(array), axis=1, keepdims=True)
        array = array / xp.where(largest == 0, xp.ones_like(largest), largest)
        norms = _norms(xp, array)[:, None]
        units.append(array / xp.where(norms == 0, xp.ones_like(norms), norms))
    return units


def _norms(xp: Any, rows: Any) -> Any:
    return xp.sqrt(xp.sum(rows * rows, axis=1))


def _match(angles: Any) -> np.ndarray:
    angles = to_numpy(angles)
    if angles.shape[0] > angles.shape[1]:
        raise ValueError(
            f"E_pred holds {angles.shape[1]} spectra, fewer than the "
            f"{angles.shape[0]} of E_true; each true spectrum needs one of its own."
        )
    return linear_sum_assignment(angles)[1]
