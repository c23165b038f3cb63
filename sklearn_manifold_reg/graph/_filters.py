"""Filters of functions on graphs: responses to eigenvalues of the Laplacian."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse, special

from sklearn_manifold_reg._arrays import csr_like
from sklearn_manifold_reg.graph._laplacian import GraphOperator, laplacian
from sklearn_manifold_reg.linalg import (
    Operator,
    apply_chebyshev,
    chebyshev_coefficients,
    indicator_coefficients,
    jackson_damping,
    spectral_interval,
)

# Degree of ideal responses, which no polynomial reaches.
_IDEAL_DEGREE = 100


class SpectralFilter(ABC):
    """Response to eigenvalues, a function on [0, upper] with its expansion.

    Subclasses define `__call__`, and where they know better `coefficients`.
    """

    @abstractmethod
    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Evaluate the response.

        Parameters
        ----------
        values : ndarray
            Eigenvalues.

        Returns
        -------
        response : ndarray of the same shape
            Factors.
        """

    def coefficients(
        self, upper: float, *, degree: int | None = None, tol: float = 1e-8
    ) -> np.ndarray:
        """Expand the response in Chebyshev polynomials on [0, upper].

        Parameters
        ----------
        upper : float
            Bound of the eigenvalues.
        degree : int or None, default=None
            Degree. None takes the least one that leaves out nothing above `tol`.
        tol : float, default=1e-8
            Size of the coefficients left out, relative to the largest.

        Returns
        -------
        coefficients : ndarray of shape (degree + 1,)
            See `sklearn_manifold_reg.linalg.apply_chebyshev`.
        """
        return chebyshev_coefficients(self, upper, degree=degree, tol=tol)


@dataclass(frozen=True)
class HeatFilter(SpectralFilter):
    """Heat kernel, `exp(-time x)`: diffusion for a time.

    Attributes
    ----------
    time : float
        Not negative. Longer times smooth more.

    Notes
    -----
    The coefficients are exact: `2 (-1)^k exp(-z) I_k(z)` with `z = time upper / 2`, I_k
    the modified Bessel functions, half of it for k = 0.
    """

    time: float

    def __post_init__(self) -> None:
        _check_range("time", self.time, closed=True)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.exp(-self.time * values)

    def coefficients(
        self, upper: float, *, degree: int | None = None, tol: float = 1e-8
    ) -> np.ndarray:
        """Give the exact expansion, by Bessel functions.

        Parameters
        ----------
        upper : float
            Bound of the eigenvalues.
        degree : int or None, default=None
            Degree. None takes the least one that leaves out nothing above `tol`.
        tol : float, default=1e-8
            Size of the coefficients left out, relative to the largest.

        Returns
        -------
        coefficients : ndarray of shape (degree + 1,)
            Of alternating sign.
        """
        z = self.time * upper / 2
        if degree is None:
            # Terms fall like exp(-k² / 2z), and faster than 2^-k beyond 2z.
            log = np.log(1 / tol)
            degree = int(np.ceil(np.sqrt(4 * z * log) + 2 * log)) + 2
            k = np.arange(degree + 1)
            sizes = special.ive(k, z)
            k = k[: int(np.flatnonzero(sizes > tol * sizes[0])[-1]) + 1]
        else:
            k = np.arange(degree + 1)
        coefficients = 2.0 * (-1.0) ** k * special.ive(k, z)
        coefficients[0] /= 2
        return coefficients


@dataclass(frozen=True)
class WaveFilter(SpectralFilter):
    """Wave kernel, `cos(time sqrt(x))`: where waves are that started at rest.

    Attributes
    ----------
    time : float
        Not negative.
    """

    time: float

    def __post_init__(self) -> None:
        _check_range("time", self.time, closed=True)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.cos(self.time * np.sqrt(np.maximum(values, 0)))


@dataclass(frozen=True)
class TikhonovFilter(SpectralFilter):
    """Tikhonov regularization, `1 / (1 + alpha x)`.

    The filtered f minimizes `|f - given|² + alpha f' L f`.

    Attributes
    ----------
    alpha : float
        Not negative. Larger values smooth more.
    """

    alpha: float

    def __post_init__(self) -> None:
        _check_range("alpha", self.alpha, closed=True)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return 1 / (1 + self.alpha * values)


@dataclass(frozen=True)
class PageRankFilter(SpectralFilter):
    """Personalized PageRank, `(1 - damping) / (1 - damping (1 - x))`.

    Attributes
    ----------
    damping : float, default=0.85
        Probability to go on at each step, in [0, 1). Larger values reach further.

    Notes
    -----
    With L the random-walk Laplacian and P = I - L the walk, it is
    `(1 - damping) (I - damping P)^-1`: the average of a function over where a walk that
    stops with probability 1 - damping ends. `L.adjoint()` in the place of L gives the
    probabilities of the ends of walks that start at given nodes.
    """

    damping: float = 0.85

    def __post_init__(self) -> None:
        if not 0 <= self.damping < 1:
            raise ValueError(f"damping must be in [0, 1), got {self.damping}.")

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return (1 - self.damping) / (1 - self.damping * (1 - values))


@dataclass(frozen=True)
class MexicanHatFilter(SpectralFilter):
    """Mexican hat wavelet, `scale x exp(-scale x)`: a bump around `x = 1 / scale`.

    Attributes
    ----------
    scale : float
        Positive. Larger scales give wider wavelets.
    """

    scale: float

    def __post_init__(self) -> None:
        _check_range("scale", self.scale, closed=False)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return self.scale * values * np.exp(-self.scale * values)


@dataclass(frozen=True)
class BandPassFilter(SpectralFilter):
    """Band-pass, 1 on [low, high] and 0 elsewhere.

    Attributes
    ----------
    low, high : float
        Ends of the band; `high` may be infinite.

    Notes
    -----
    The expansion, of degree 100 unless one is given, is damped by Jackson's factors: it
    does not ring, and passes from 0 to 1 over about `pi upper / (2 degree)`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low={self.low} must be less than high={self.high}.")

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return ((values >= self.low) & (values <= self.high)).astype(np.float64)

    def coefficients(
        self, upper: float, *, degree: int | None = None, tol: float = 1e-8
    ) -> np.ndarray:
        """Give the damped expansion.

        Parameters
        ----------
        upper : float
            Bound of the eigenvalues.
        degree : int or None, default=None
            Degree. None takes 100.
        tol : float, default=1e-8
            Not used: no polynomial is near the response everywhere.

        Returns
        -------
        coefficients : ndarray of shape (degree + 1,)
            Exact but for the damping.
        """
        degree = _IDEAL_DEGREE if degree is None else degree
        exact = indicator_coefficients(self.low, self.high, degree, (0.0, upper))
        return exact * jackson_damping(degree)


def filter_signal(
    operator: Any,
    F: Any,
    filters: Callable | Sequence[Callable],
    *,
    normalization: str | None = "symmetric",
    degree: int | None = None,
    tol: float = 1e-8,
    upper: float | None = None,
) -> Any:
    """Filter functions on the nodes of a graph, `V g(values) V^-1 F`.

    Here L has the eigenvalues `values` and eigenvectors V; they are not computed.

    Parameters
    ----------
    operator : GraphOperator, Operator, or affinity of shape (n, n)
        Laplacian L, or the symmetric affinity of a graph.
    F : array of shape (n,) or (n, n_outputs)
        Functions on the nodes, of the operator's library.
    filters : callable or sequence of callables
        Responses g: filters such as `HeatFilter`, or any smooth function of an ndarray
        of eigenvalues. All share one recurrence.
    normalization : {"symmetric", "random-walk", "density"} or None, \
default="symmetric"
        Form of the Laplacian of an affinity, see `laplacian`.
    degree : int or None, default=None
        Degree of the polynomials. None leaves it to each response and `tol`.
    tol : float, default=1e-8
        Size of the coefficients left out, relative to the largest.
    upper : float or None, default=None
        Bound of the eigenvalues. None takes 2 for normalized Laplacians and
        `sklearn_manifold_reg.linalg.spectral_interval` for others.

    Returns
    -------
    filtered : array of the shape of F, or one such for each filter
        In the common dtype of F and L; the filters stand first.

    Raises
    ------
    ValueError
        If shapes do not fit or a response is too rough for `tol`.

    Notes
    -----
    Takes as many products with L as the highest degree, whatever the number of
    filters. For heat, that is about `sqrt(2 time upper log(1 / tol))` of them.

    References
    ----------
    .. [1] D. I. Shuman, S. K. Narang, P. Frossard, A. Ortega, P. Vandergheynst, "The
       emerging field of signal processing on graphs", IEEE Signal Processing Magazine
       30, 2013, doi:10.1109/MSP.2012.2235192.
    .. [2] D. K. Hammond, P. Vandergheynst, R. Gribonval, "Wavelets on graphs via
       spectral graph theory", Applied and Computational Harmonic Analysis 30, 2011,
       doi:10.1016/j.acha.2010.04.005.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.graph import HeatFilter, filter_signal
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(5, 5))
    >>> spike = np.array([0.0, 0, 1, 0, 0])
    >>> times = [HeatFilter(0.5), HeatFilter(100.0)]
    >>> filter_signal(path, spike, times, normalization=None).round(3)
    array([[0.058, 0.209, 0.466, 0.209, 0.058],
           [0.2  , 0.2  , 0.2  , 0.2  , 0.2  ]])
    """
    if not isinstance(operator, Operator):
        if isinstance(operator, np.ndarray) or sparse.issparse(operator):
            operator = csr_like(operator, F)
        operator = laplacian(operator, normalization=normalization)
    if upper is None:
        upper = _upper_bound(operator)
    if callable(filters):
        row = _coefficients(filters, upper, degree, tol)
        return apply_chebyshev(operator, F, row, upper)
    bank = [_coefficients(response, upper, degree, tol) for response in filters]
    if not bank:
        raise ValueError("filters is an empty sequence.")
    return apply_chebyshev(operator, F, bank, upper)


def _coefficients(
    response: Callable, upper: float, degree: int | None, tol: float
) -> np.ndarray:
    if isinstance(response, SpectralFilter):
        return response.coefficients(upper, degree=degree, tol=tol)
    return chebyshev_coefficients(response, upper, degree=degree, tol=tol)


def _upper_bound(operator: Operator) -> float:
    if isinstance(operator, GraphOperator) and operator.normalization is not None:
        return 2.0
    return spectral_interval(operator)[1]


def _check_range(name: str, value: float, *, closed: bool) -> None:
    if not (value >= 0 if closed else value > 0) or not np.isfinite(value):
        kind = "finite and not negative" if closed else "finite and positive"
        raise ValueError(f"{name} must be {kind}, got {value}.")
