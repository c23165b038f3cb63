"""Numbers of eigenvalues in an interval: exact by inertia, estimated otherwise."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.linalg._fill import square_fill
from sklearn_manifold_reg.linalg._inertia import symmetric_pivots
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._polynomial import (
    indicator_coefficients,
    jackson_damping,
)
from sklearn_manifold_reg.linalg._probes import (
    as_symmetric,
    draw_probes,
    mean_and_error,
    reference_of,
)
from sklearn_manifold_reg.linalg._recurrence import probe_moments
from sklearn_manifold_reg.linalg._spectral_interval import spectral_interval

_METHODS = ("auto", "dense", "inertia", "chebyshev")
# Rows up to which all eigenvalues are computed.
DENSE_ROWS = 1500
# Rows up to which sparse factorizations are tried, on graphs of few dimensions and on
# all others, and the fill of the square that tells them apart.
# Of indefinite matrices of 100,000 rows the pivots were too inaccurate for a count.
_FLAT_ROWS, _ANY_ROWS, _FLAT_FILL = 50_000, 5_000, 3.5
# Distances, in units of the tolerance, at which the count is tried on both sides of an
# end. Errors of pivots were up to 1e4 tolerances on graphs of 20,000 nodes.
_FURTHER = (1e2, 1e4)
# Rows up to which all eigenvalues are computed where factorizations fail.
_FALLBACK_ROWS = 3000
# Least tolerance of the ends, relative to the spectrum, in single precision.
_NARROW_TOL = 1e-6


@dataclass(frozen=True, eq=False)
class EigenvalueCount:
    """Number of eigenvalues in an interval.

    Attributes
    ----------
    count : int or float
        The number, an estimate if `method` is "chebyshev".
    standard_error : float
        Of the estimate, from the spread over random vectors; 0 otherwise.
    method : str
        "dense", "inertia" or "chebyshev".
    """

    count: int | float
    standard_error: float
    method: str


def count_eigenvalues(
    operator: Any,
    low: float,
    high: float,
    *,
    method: str = "auto",
    tol: float = 1e-10,
    n_probes: int = 32,
    degree: int = 200,
    random_state: Any = 0,
) -> EigenvalueCount:
    """Count the eigenvalues of a symmetric operator in [low, high].

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric or complex Hermitian.
    low, high : float
        Ends of the interval, which may be infinite. Eigenvalues within the tolerance
        of an end count as inside.
    method : {"auto", "dense", "inertia", "chebyshev"}, default="auto"
        - "dense" computes all eigenvalues.
        - "inertia" counts negative pivots of sparse factorizations of A - low I and
          A - high I. Their errors are bounded. Where the bound exceeds the tolerance,
          factorizations on both sides of an end must agree, or no count is given.
        - "chebyshev" estimates the trace of a smoothed step function.

        "auto" takes "dense" up to 1500 rows; "inertia" for sparse matrices of up to
        5000 rows, or 50,000 if the graph has few dimensions (its square has at most
        3.5 times its entries); "chebyshev" elsewhere and for arrays of other libraries.
        Where factorizations give no count, it goes on with "dense" up to 3000 rows and
        "chebyshev" beyond.
    tol : float, default=1e-10
        Tolerance of the ends, relative to the largest absolute eigenvalue; at least
        1e-6 for matrices in single precision.
    n_probes : int, default=32
        Random vectors, for "chebyshev".
    degree : int, default=200
        Degree of the polynomial, for "chebyshev". The step is smoothed over about
        pi / degree of half the width of the spectrum, which biases the estimate by what
        the density changes across that.
    random_state : int, RandomState instance or None, default=0
        Seed, for "chebyshev".

    Returns
    -------
    result : EigenvalueCount
        The count and its standard error.

    Raises
    ------
    ValueError
        If the operator is not symmetric, `low` exceeds `high`, a name is unknown or
        "inertia" was asked for where it is not possible.

    Notes
    -----
    The count by "inertia" lies between the numbers of eigenvalues in [low, high] and
    in that interval widened by twice the tolerance.

    References
    ----------
    .. [1] B. N. Parlett, "The symmetric eigenvalue problem", SIAM, 1998, section 3.3,
       doi:10.1137/1.9781611971163.
    .. [2] E. Di Napoli, E. Polizzi, Y. Saad, "Efficient estimation of eigenvalue counts
       in an interval", Numerical Linear Algebra with Applications 23, 2016,
       doi:10.1002/nla.2048.

    Examples
    --------
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.linalg import count_eigenvalues
    >>> A = sparse.diags_array([1.0, 2.0, 2.0, 5.0])
    >>> count_eigenvalues(A, 1.5, 2.0).count
    2
    """
    if method not in _METHODS:
        raise ValueError(f"method must be one of {_METHODS}, got {method!r}.")
    if not low <= high:
        raise ValueError(f"low={low} must be at most high={high}.")
    operator = as_symmetric(operator)
    reference = reference_of(operator)
    on_host = isinstance(reference, np.ndarray)
    if not on_host and method in ("dense", "inertia"):
        raise ValueError(
            f"method={method!r} works on NumPy arrays only; take method='chebyshev', "
            "or move the arrays to NumPy."
        )
    interval = spectral_interval(operator)
    if float(namespace_of(reference).finfo(reference.dtype).eps) > 1e-10:
        tol = max(tol, _NARROW_TOL)
    slack = tol * max(abs(interval[0]), abs(interval[1]))
    low, high = low - slack, high + slack
    chosen = _choose(operator, on_host) if method == "auto" else method
    if chosen == "inertia":
        count = _by_inertia(operator, low, high, slack)
        if count is not None:
            return EigenvalueCount(count, 0.0, chosen)
        if method == "inertia":
            raise ValueError(
                "No factorization met the tolerance: pivots on the diagonal vanish or "
                "grow. Move the ends, raise tol, or take another method."
            )
        chosen = "dense" if operator.shape[0] <= _FALLBACK_ROWS else "chebyshev"
    if chosen == "dense":
        values = np.linalg.eigvalsh(dense_matrix(operator))
        count = int(np.count_nonzero((values >= low) & (values <= high)))
        return EigenvalueCount(count, 0.0, chosen)
    probes = draw_probes(operator, n_probes, random_state)
    moments = probe_moments(operator, probes, degree + 1, interval)
    coefficients = indicator_coefficients(low, high, degree, interval)
    samples = (coefficients * jackson_damping(degree)) @ moments
    mean, error = mean_and_error(samples, probes.exact)
    return EigenvalueCount(float(mean), float(error), chosen)


def factorization_pays(operator: Operator, flat_rows: int) -> bool:
    """Judge whether a sparse factorization takes seconds rather than minutes.

    Parameters
    ----------
    operator : Operator
        Square operator of NumPy arrays.
    flat_rows : int
        Rows up to which graphs of few dimensions are factorized.

    Returns
    -------
    pays : bool
        False for operators that do not hold a sparse matrix.
    """
    n = operator.shape[0]
    if getattr(operator, "csr", None) is None or n > flat_rows:
        return False
    return n <= _ANY_ROWS or square_fill(operator.to_sparse().csr) <= _FLAT_FILL


def dense_matrix(operator: Operator) -> np.ndarray:
    """Write a symmetric operator out.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Operator of NumPy arrays.

    Returns
    -------
    A : ndarray of shape (n, n)
        In double precision, exactly symmetric.
    """
    A = operator.matmat(np.eye(operator.shape[0]))
    return (A + A.conj().T) / 2


def _choose(operator: Operator, on_host: bool) -> str:
    if on_host and operator.shape[0] <= DENSE_ROWS:
        return "dense"
    pays = on_host and factorization_pays(operator, _FLAT_ROWS)
    return "inertia" if pays else "chebyshev"


def _by_inertia(
    operator: Operator, low: float, high: float, slack: float
) -> int | None:
    """Eigenvalues below `high` less those below `low`, if both are certain."""
    A = sparse.csc_array(operator.to_csr().to_scipy())
    A = A.astype(np.result_type(A.dtype, np.float64))
    first, last = (_number_below(A, end, slack) for end in (low, high))
    return None if first is None or last is None else last - first


def _number_below(A: sparse.csc_array, end: float, slack: float) -> int | None:
    """Eigenvalues below an end, or below a point within `slack` of it.

    Pivots whose error exceeds `slack` still tell the number if it is the same at two
    points further away on both sides: then no eigenvalue lies in between.
    """
    if np.isinf(end):
        return 0 if end < 0 else A.shape[0]
    count, error = _negative_pivots(A, end)
    if error <= slack:
        return count
    for factor in _FURTHER:
        distance = factor * slack
        pairs = [_negative_pivots(A, end + side * distance) for side in (-1, 1)]
        if pairs[0][0] == pairs[1][0] and max(e for _, e in pairs) <= distance:
            return pairs[0][0]
    return None


def _negative_pivots(A: sparse.csc_array, shift: float) -> tuple[int, float]:
    """Count negative pivots of `A - shift I`, and bound their error."""
    eye = sparse.eye_array(A.shape[0])
    pivots = symmetric_pivots(sparse.csc_array(A - shift * eye))
    if pivots is None:
        return 0, np.inf
    return int(np.count_nonzero(pivots.values < 0)), pivots.error
