"""Power series of graph kernels, and their square roots."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

# Terms of a series at most, and of those by recursion, whose time is quadratic.
_MOST_TERMS = 1 << 20
_RECURSION_TERMS = 20_000
# Share of a sum that rounding does not see.
_NEGLIGIBLE = 2.0**-60
# Terms of a root that tell how fast it grows.
_TESTED = 256


@dataclass(frozen=True, eq=False)
class WalkSeries:
    """Kernel K = sum_t alpha_t U^t = (sum_t f_t U^t)², with U = scale * A.

    Attributes
    ----------
    modulation : ndarray of shape (n_terms,)
        Coefficients f, as many as matter.
    scale : float
        Spectral radius of U.
    at_zero : float
        Value of the root where the Laplacian is 0, at U = scale.
    growth : float
        Limit of |f_t|^(1/t); 0 for polynomials and entire functions.
    """

    modulation: np.ndarray
    scale: float
    at_zero: float
    growth: float

    @property
    def steps(self) -> np.ndarray:
        """Coefficients of powers of A, f_t scale^t."""
        return self.modulation * self.scale ** np.arange(len(self.modulation))

    @property
    def total(self) -> float:
        """Sum of |f_t| scale^t."""
        return float(np.sum(np.abs(self.steps)))


def walk_series(
    kernel: str,
    n_terms: int,
    *,
    order: float,
    sigma2: float,
    tau: float,
    modulation: Any,
    alpha: Any,
) -> WalkSeries:
    """Find the root of a kernel's power series.

    Parameters
    ----------
    kernel : {"regularized_laplacian", "diffusion", "p_step", "cosine", "custom"}
        Kernel, see `GraphRandomFeatures`.
    n_terms : int
        Number of terms after which walks do not go on.
    order, sigma2, tau : float
        Parameters of kernels.
    modulation : array-like, callable or None
        Root of a custom kernel.
    alpha : array-like or None
        Series of a custom kernel.

    Returns
    -------
    series : WalkSeries
        Without terms at the end that do not matter to the last bit.

    Raises
    ------
    ValueError
        If the series does not converge on the spectrum of U, or a recursion would need
        too many terms.
    """
    scale = sigma2 / (1 + sigma2) if math.isfinite(sigma2) else 1.0
    growth = 1.0
    wanted, n_terms = n_terms, min(n_terms, _MOST_TERMS)
    if kernel == "regularized_laplacian":
        if scale >= 1:
            raise ValueError(
                f"sigma2={sigma2} makes the spectral radius of U 1 up to rounding, so "
                "that the series of the regularized Laplacian diverges; lower it."
            )
        # (1 + sigma2)^-q = (1 - scale)^q
        first = (1 - scale) ** (order / 2)
        root = first * binomial_series(-order / 2, n_terms, sign=-1.0)
        at_zero = 1.0
    elif kernel == "diffusion":
        scale, growth, at_zero = 1.0, 0.0, 1.0
        root = math.exp(-tau / 2) * exponential_series(tau / 2, n_terms)
    elif kernel == "p_step":
        root = binomial_series(order / 2, n_terms)
        at_zero = (1 + scale) ** (order / 2)
        growth = 0.0 if order % 2 == 0 else 1.0
    elif kernel == "cosine":
        scale, at_zero = 1.0, 1.0
        n_terms = min(n_terms, _RECURSION_TERMS)
        root = series_root(cosine_series(n_terms))
    else:
        n_terms = min(n_terms, _RECURSION_TERMS)
        root, growth = _custom_root(modulation, alpha, n_terms, scale)
        at_zero = float(np.sum(root * scale ** np.arange(len(root))))
    root = without_tail(root, scale)
    if wanted > n_terms and len(root) >= n_terms:
        raise ValueError(
            f"Walks of this p_halt may take {wanted - 1} steps, and {n_terms} terms of "
            f"kernel={kernel!r} do not suffice for them; raise p_halt or set max_steps."
        )
    return WalkSeries(root, scale, at_zero, growth)


def binomial_series(power: float, n_terms: int, sign: float = 1.0) -> np.ndarray:
    """Coefficients of (1 + sign z)^power.

    Parameters
    ----------
    power : float
        Any real number.
    n_terms : int
        Number of coefficients.
    sign : float, default=1.0
        1 or -1.

    Returns
    -------
    coefficients : ndarray of shape (n_terms,)
        From z^0 on; zero from some term on if `power` is 0, 1, 2, ...
    """
    t = np.arange(n_terms - 1)
    return np.cumprod(np.concatenate([[1.0], sign * (power - t) / (t + 1)]))


def exponential_series(rate: float, n_terms: int) -> np.ndarray:
    """Coefficients of exp(rate z).

    Parameters
    ----------
    rate : float
        Rate.
    n_terms : int
        Number of coefficients.

    Returns
    -------
    coefficients : ndarray of shape (n_terms,)
        From z^0 on.
    """
    t = np.arange(1, n_terms)
    return np.cumprod(np.concatenate([[1.0], rate / t]))


def cosine_series(n_terms: int) -> np.ndarray:
    """Coefficients of cos(pi / 4 (1 - z)).

    Parameters
    ----------
    n_terms : int
        Number of coefficients.

    Returns
    -------
    coefficients : ndarray of shape (n_terms,)
        From z^0 on.
    """
    signs = np.array([1.0, 1.0, -1.0, -1.0])[np.arange(n_terms) % 4]
    return math.sqrt(0.5) * signs * exponential_series(math.pi / 4, n_terms)


def series_root(alpha: np.ndarray) -> np.ndarray:
    """Solve f * f = alpha for the coefficients of a root, * being the convolution.

    Parameters
    ----------
    alpha : ndarray of shape (n_terms,)
        Coefficients, the first one positive.

    Returns
    -------
    root : ndarray of shape (n_terms,)
        Coefficients f with f_0 > 0.
    """
    root = np.zeros(len(alpha))
    root[0] = math.sqrt(alpha[0])
    for t in range(1, len(alpha)):
        crossed = root[1:t] @ root[t - 1 : 0 : -1]
        root[t] = (alpha[t] - crossed) / (2 * root[0])
    return root


def new_row_modulation(modulation: np.ndarray, n_terms: int) -> np.ndarray:
    """Find the coefficients for rows that no walk can reach.

    A new row has no column: what walks of other rows would leave there, and its own
    walks at their start, has to be made up for by later terms. With f the modulation of
    all other rows, g = f - f_0² / f, a quotient of power series, does:
    (g * f)_t = (f * f)_t for t >= 1, and g_0 = 0.

    Parameters
    ----------
    modulation : ndarray of shape (n_terms,)
        Coefficients f with f_0 not 0.
    n_terms : int
        Number of terms after which walks do not go on.

    Returns
    -------
    modulation : ndarray of shape (n_terms,)
        Coefficients g.

    Raises
    ------
    ValueError
        If f_0 is 0.
    """
    if modulation[0] == 0:
        raise ValueError(
            "New rows need a modulation that does not begin with 0, as it does here."
        )
    f = np.zeros(max(len(modulation), min(n_terms, _RECURSION_TERMS)))
    f[: len(modulation)] = modulation
    inverse = np.zeros(len(f))
    inverse[0] = 1 / f[0]
    for t in range(1, len(f)):
        inverse[t] = -(f[1 : t + 1] @ inverse[t - 1 :: -1]) / f[0]
    result = f - f[0] ** 2 * inverse
    result[0] = 0.0
    return result[:n_terms]


def without_tail(coefficients: np.ndarray, scale: float) -> np.ndarray:
    """Leave out the last terms of a series that do not matter.

    Parameters
    ----------
    coefficients : ndarray of shape (n_terms,)
        Coefficients.
    scale : float
        Number up to which the series is used.

    Returns
    -------
    coefficients : ndarray
        At least one of them.
    """
    sizes = np.abs(coefficients) * scale ** np.arange(len(coefficients))
    rest = np.cumsum(sizes[::-1])[::-1]
    n_kept = int(np.count_nonzero(rest > _NEGLIGIBLE * rest[0]))
    return coefficients[: max(1, n_kept)]


def truncation_bound(series: WalkSeries, n_terms: int) -> float:
    """Bound the spectral norm of what a kernel loses by the first terms of its root.

    Parameters
    ----------
    series : WalkSeries
        Root with more terms.
    n_terms : int
        Number of terms that are kept.

    Returns
    -------
    bound : float
        |K - K'| <= (sum_t |f_t| scale^t)² - (the same of the first terms)².
    """
    kept = float(np.sum(np.abs(series.steps[:n_terms])))
    return (series.total - kept) * (series.total + kept)


def _custom_root(
    modulation: Any, alpha: Any, n_terms: int, scale: float
) -> tuple[np.ndarray, float]:
    if callable(modulation):
        wanted = max(_TESTED, n_terms)
        root = np.array([float(modulation(t)) for t in range(wanted)])
    elif modulation is not None:
        root = _coefficients(modulation, "modulation")
        return root, 0.0
    else:
        alpha = _coefficients(alpha, "alpha")
        if alpha[0] <= 0:
            raise ValueError(
                f"alpha[0]={alpha[0]:.3g} is not positive, so that the series has no "
                "root; a kernel has positive variances."
            )
        wanted = max(_TESTED, n_terms)
        padded = np.zeros(max(wanted, len(alpha)))
        padded[: len(alpha)] = alpha
        with np.errstate(over="ignore", invalid="ignore"):
            root = series_root(padded)
    growth = series_growth(root)
    if not growth * scale <= 1:
        raise ValueError(
            "The root of the series grows like "
            f"{growth:.3g}^t and diverges on the spectrum of U, whose radius is "
            f"{scale:.3g}; lower sigma2, or give a kernel without zeros there."
        )
    return root, growth


def series_growth(root: np.ndarray) -> float:
    """Estimate the limit of |f_t|^(1/t) by the later half of the terms.

    Parameters
    ----------
    root : ndarray of shape (n_terms,)
        Coefficients.

    Returns
    -------
    growth : float
        Estimate; infinite if terms are not finite.
    """
    if not np.all(np.isfinite(root)):
        return math.inf
    t = np.arange(len(root) // 2, len(root))
    tail = np.abs(root[t])
    seen = (tail > 0) & (t > 0)
    return float(np.exp(np.max(np.log(tail[seen]) / t[seen], initial=-np.inf)))


def _coefficients(values: Any, name: str) -> np.ndarray:
    result = np.asarray(values, dtype=np.float64)
    if result.ndim != 1 or not len(result) or not np.all(np.isfinite(result)):
        raise ValueError(
            f"{name} holds the coefficients of a power series, one number each; got "
            f"shape {result.shape}."
        )
    return result
