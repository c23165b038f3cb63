"""Abundances: how much of each endmember a pixel holds."""

from typing import Any

import numpy as np
from scipy import linalg
from sklearn.utils import check_array

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    get_namespace,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.decomposition._quadratic import solve_nonnegative_rows


def fully_constrained_least_squares(X, endmembers, *, sum_to_one=True, n_jobs=None):
    """Write rows as mixtures of endmembers: nonnegative shares that sum to one.

    For each row x of `X`, and E the endmembers, solve

        min_w ||x - w E||²   subject to  w >= 0  and, by default,  sum(w) = 1.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Pixels, one a row.
    endmembers : array-like of shape (n_components, n_features)
        Spectra that are mixed. There may be more of them than features, and some may
        be equal.
    sum_to_one : bool, default=True
        Whether shares sum to one, so that they are parts of a pixel's area. False is
        nonnegative least squares, for spectra whose brightness varies.
    n_jobs : int or None, default=None
        Threads, for NumPy only; None takes all cores. The result does not depend on
        it.

    Returns
    -------
    abundances : array of shape (n_samples, n_components)
        Shares, in the floating dtype of `X`. Where several are optimal, as for equal
        endmembers, one of them.

    Raises
    ------
    ValueError
        If an array holds NaN or infinity, or numbers of features differ.

    Warns
    -----
    ConvergenceWarning
        If endmembers are so nearly dependent that rounding keeps a row from its
        optimum.

    See Also
    --------
    LinearUnmixer : Finds the endmembers too.
    scipy.optimize.nnls : One row, without the sum.

    Notes
    -----
    What depends on the features is one product of `X` with the endmembers, moved to
    their mean. On that, an active-set method starts from the least squares solution
    with the sum alone and ends at the exact optimum: conditions of optimality hold up
    to rounding. [1]_ appends a heavy row of ones to nonnegative least squares instead,
    which satisfies the sum approximately.

    Takes time O(n_samples * n_components * (n_features + n_components)) as long as
    rows share few supports, and no memory beyond the result's size.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] D. C. Heinz, C.-I Chang, "Fully constrained least squares linear spectral
       mixture analysis method for material quantification in hyperspectral imagery",
       IEEE Transactions on Geoscience and Remote Sensing 39, 2001,
       doi:10.1109/36.911111.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import fully_constrained_least_squares
    >>> endmembers = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    >>> X = np.array([[0.3, 0.7, 0.0], [2.0, 0.5, 0.1]])
    >>> fully_constrained_least_squares(X, endmembers)
    array([[0.3, 0.7],
           [1. , 0. ]])
    >>> fully_constrained_least_squares(X, endmembers, sum_to_one=False)
    array([[0.3, 0.7],
           [2. , 0.5]])
    """
    X = check_array(X, dtype=float_dtypes(X))
    E = check_endmembers(endmembers, X)
    return constrained_abundances(X, E, sum_to_one=sum_to_one, n_jobs=n_jobs)


def check_endmembers(endmembers: Any, X: Any) -> Any:
    """Bring endmembers to the library and dtype of pixels, and compare widths."""
    get_namespace(X, endmembers if hasattr(endmembers, "dtype") else None)
    E = check_array(endmembers, dtype=float_dtypes(endmembers), input_name="endmembers")
    if E.shape[1] != X.shape[1]:
        raise ValueError(
            f"endmembers have {E.shape[1]} features and X has {X.shape[1]}; both must "
            "hold the same bands."
        )
    return asarray_like(E, X)


def constrained_abundances(
    X: Any, E: Any, *, sum_to_one: bool, n_jobs: int | None = None
) -> Any:
    """Solve for nonnegative shares, of checked arrays of one dtype."""
    spectra = to_numpy(E).astype(np.float64)
    offset = None
    if sum_to_one:
        # Only differences from the mean count then: fewer digits cancel.
        mean = spectra.mean(axis=0)
        spectra = spectra - mean
        E = asarray_like(spectra, E)
        offset = spectra @ mean
    return solve_nonnegative_rows(
        spectra @ spectra.T,
        X @ E.T,
        sum_to_one=sum_to_one,
        offset=offset,
        n_jobs=n_jobs,
    )


def unconstrained_abundances(X: Any, E: Any, *, sum_to_one: bool) -> Any:
    """Least squares of smallest norm, with or without the sum alone."""
    xp = namespace_of(E)
    if not sum_to_one:
        return X @ xp.linalg.pinv(E)
    n_components = E.shape[0]
    if n_components == 1:
        return xp.ones_like(X[:, :1])
    # w = 1 / n_components + v Q with orthonormal rows Q that sum to zero.
    Q = asarray_like(linalg.helmert(n_components), E)
    v = (X - xp.mean(E, axis=0, keepdims=True)) @ xp.linalg.pinv(Q @ E)
    return v @ Q + 1 / n_components
