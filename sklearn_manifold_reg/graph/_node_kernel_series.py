"""Power series of graph matrices without negative entries, and what they cost."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.graph._node_kernel_functions import (
    diagonal_minus,
    mirror,
    symmetric_square,
)
from sklearn_manifold_reg.utils._numba import row_ranges, run_rows

# log of the share of an entry that a truncated series leaves out.
_TRUNCATION = -39.0
# log of entries, relative to the largest, below which floats end.
_LOG_FLOOR = -700.0
# Norm up to which the exponential is summed without squarings.
_LARGEST_NORM = 300.0
# Entry from which a running sum is scaled down, looked at every so many terms.
_LARGEST_ENTRY = 1e200
_TERMS_BETWEEN_LOOKS = 8
# Numbers in a block of columns, so that two blocks stay in the cache of a core, and
# the least number of columns.
_CACHED = 1 << 16
_LEAST_WIDTH = 32
# Share of stored entries from which a product is cheaper as a dense one.
_DENSE = 0.25


@dataclass(frozen=True)
class SeriesTerms:
    """How the power series of a kernel is summed.

    Attributes
    ----------
    step : {1, 2}
        1 for coefficients 1 / k!, 2 for 1 / k!!.
    n_terms : int
        Highest power of the matrix.
    n_squarings : int
        How often the sum is squared, for step 1.
    seconds : float
        Estimated time.
    """

    step: int
    n_terms: int
    n_squarings: int
    seconds: float

    def ratios(self) -> np.ndarray:
        """Give the coefficient of each power over that of the power before.

        Returns
        -------
        ratios : ndarray of shape (n_terms,)
            From power 1 on.
        """
        k = np.arange(1, self.n_terms + 1, dtype=np.float64)
        if self.step == 1:
            return 1 / (k * 2.0**self.n_squarings)
        # (k - 1)!! / k!!
        parity = np.where(k % 2 == 1, 1.0, -1.0) * np.log(np.pi / 2) / 2
        logs = gammaln(k / 2 + 0.5) - gammaln(k / 2 + 1) - np.log(2) / 2
        return np.exp(logs + parity)


def plan_series(
    step: int, csr: CSR, norm: float, entry: float, diameter: int
) -> SeriesTerms:
    """Divide the work of a series of B between terms and squarings.

    Parameters
    ----------
    step : {1, 2}
        1 for exp(B), 2 for sum_k B^k / k!!.
    csr : CSR of shape (n, n)
        B up to a factor and its diagonal.
    norm : float
        Bound of the spectral norm of B.
    entry : float
        Smallest positive entry of B beside its diagonal.
    diameter : int
        Bound of the number of edges between connected nodes; 0 asks for accuracy
        relative to the largest entry only.

    Returns
    -------
    terms : SeriesTerms
        For `positive_series`.

    Notes
    -----
    The entry of exp(B) between nodes at δ edges is at least entry^δ / δ!, and powers
    beyond K add less than a share exp(-39) to it, where norm^K / K! is that small. With
    s squarings of a sum of m powers, the coefficient of power k ≤ K is wrong by the
    probability that one of 2^s bins gets more than m of k balls, which is nothing for m
    eight standard deviations above K / 2^s. exp(a + b) is exp(a) exp(b); the other
    series has no such rule, and no squarings.
    """
    n_powers = _last_power(step, norm, entry, diameter)
    product, square = _seconds(csr)
    best = (n_powers * product, n_powers, 0)
    if step == 2:
        return SeriesTerms(step, best[1], 0, best[0])
    if norm > _LARGEST_NORM:
        best = (math.inf, n_powers, 0)
    for n_squarings in range(1, 2 + int(math.log2(n_powers))):
        mean = n_powers / 2**n_squarings
        n_terms = min(n_powers, math.ceil(mean + 8.5 * math.sqrt(mean) + 12))
        if norm / 2**n_squarings <= _LARGEST_NORM:
            seconds = n_terms * product + n_squarings * square
            best = min(best, (seconds, n_terms, n_squarings))
    return SeriesTerms(step, best[1], best[2], best[0])


def seconds_of_decomposition(n: int) -> float:
    """Estimate the time of an eigendecomposition and a product of its parts.

    Parameters
    ----------
    n : int
        Order of the matrix.

    Returns
    -------
    seconds : float
        On the machine that constants were measured on; only ratios matter.
    """
    return 8e-11 * n**3 + 2e-8 * n * n


def positive_series(
    csr: CSR,
    diagonal: Any,
    factor: float,
    terms: SeriesTerms,
    out: np.ndarray | None = None,
) -> tuple[Any, float]:
    """Sum a power series of a matrix without negative entries.

    The series of B = factor * (csr + diag(diagonal)) is summed by Horner's rule and
    squared. Nothing is subtracted, so each entry is accurate relative to itself.

    Parameters
    ----------
    csr : CSR of shape (n, n)
        Symmetric and non-negative.
    diagonal : array of shape (n,)
        Non-negative.
    factor : float
        Not negative.
    terms : SeriesTerms
        Coefficients and number of squarings.
    out : ndarray of shape (n, n), default=None
        Room that may be used, for NumPy only.

    Returns
    -------
    total : array of shape (n, n)
        Sum, divided by a number.
    log_scale : float
        Logarithm of this number.
    """
    if isinstance(csr.data, np.ndarray):
        X = np.empty(csr.shape) if out is None else out
        log_scale = _sum_columns(csr, diagonal, factor * terms.ratios(), X)
        mirror(X)
    else:
        X, log_scale = _sum_on_device(csr, diagonal, factor * terms.ratios())
    spare = None
    for _ in range(terms.n_squarings):
        largest = float(namespace_of(X).max(X))
        log_scale = 2 * (log_scale + float(np.log(largest)))
        if isinstance(X, np.ndarray):
            X /= largest
            X, spare = symmetric_square(X, spare), X
        else:
            X = X / largest
            X = X @ X
    return X, log_scale


def _sum_columns(
    csr: CSR, diagonal: np.ndarray, ratios: np.ndarray, out: np.ndarray
) -> float:
    """Sum the series, some columns at a time, and give its logarithmic scale.

    Products of a few columns stay in the cache of one core from term to term.
    """
    n = csr.shape[0]
    sparse = csr.nnz < _DENSE * n * n
    dense = None if sparse else diagonal_minus(diagonal, csr, -1.0)

    def run(start: int, stop: int) -> float:
        X = np.zeros((n, stop - start))
        Y = np.empty_like(X)
        own = np.arange(start, stop), np.arange(stop - start)
        X[own], log_scale = 1.0, 0.0
        for number, ratio in enumerate(ratios[::-1]):
            if dense is None:
                csr.matmat(X, diagonal=diagonal * ratio, scale=ratio, out=Y, n_jobs=1)
            else:
                np.matmul(dense, X, out=Y)
                Y *= ratio
            Y[own] += np.exp(-log_scale)
            X, Y = Y, X
            if number % _TERMS_BETWEEN_LOOKS == 0:
                largest = float(X.max())
                if largest > _LARGEST_ENTRY:
                    X /= largest
                    log_scale += float(np.log(largest))
        out[:, start:stop] = X
        return log_scale

    if dense is None:
        width = min(n, max(_LEAST_WIDTH, _CACHED // n))
        ranges = row_ranges(n, -(-n // width))
        scales = run_rows(run, n, ranges=ranges)
    else:
        ranges = [(0, n)]
        scales = [run(0, n)]
    log_scale = max(scales)
    for (start, stop), own_scale in zip(ranges, scales, strict=True):
        if own_scale < log_scale:
            out[:, start:stop] *= np.exp(own_scale - log_scale)
    return log_scale


def _sum_on_device(csr: CSR, diagonal: Any, ratios: np.ndarray) -> tuple[Any, float]:
    xp = namespace_of(csr.data)
    eye = xp.eye(csr.shape[0], dtype=csr.dtype, device=device(csr.data))
    X, log_scale = eye, 0.0
    for number, ratio in enumerate(ratios[::-1].tolist()):
        X = csr.matmat(X, diagonal=diagonal * ratio, scale=ratio)
        X = X + eye * float(np.exp(-log_scale))
        if number % _TERMS_BETWEEN_LOOKS == 0:
            largest = float(xp.max(X))
            if largest > _LARGEST_ENTRY:
                X = X / largest
                log_scale += float(np.log(largest))
    return X, log_scale


def _seconds(csr: CSR) -> tuple[float, float]:
    """Estimate the times of a product by the graph and of a squaring."""
    n = csr.shape[0]
    square = 8e-12 * n**3 + 2e-9 * n * n + 1e-5
    if csr.nnz >= _DENSE * n * n:
        return 1.6e-11 * n**3 + 2e-9 * n * n + 1e-5, square
    return 3e-11 * csr.nnz * n + 1e-10 * n * n + 1e-5, square


def _last_power(step: int, norm: float, entry: float, diameter: int) -> int:
    """Find the power from which on nothing is added to any entry."""
    if norm <= 0:
        return 1
    floor = _TRUNCATION
    if diameter > 0 and entry > 0:
        least = diameter * math.log(entry) - _log_factorial(step, diameter)
        floor += max(min(least, 0.0), _LOG_FLOOR)

    def is_small(k: int) -> bool:
        return k * math.log(norm) - _log_factorial(step, k) < floor

    # The largest term.
    start = int(norm**step) + 1
    stop = 2 * start + 16
    while not is_small(stop):
        stop *= 2
    return bisect_left(range(stop), True, lo=start, key=is_small)


def _log_factorial(step: int, k: int) -> float:
    """Logarithm of k! or k!!."""
    if step == 1:
        return math.lgamma(k + 1)
    log = k / 2 * math.log(2) + math.lgamma(k / 2 + 1)
    return log + (math.log(2 / math.pi) / 2 if k % 2 else 0.0)
