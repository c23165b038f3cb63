"""Functions of a symmetric operator by Chebyshev polynomials."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import fft

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.linalg._operators import Operator, as_operator
from sklearn_manifold_reg.linalg._recurrence import (
    Renumbered,
    chebyshev_blocks,
    common_block,
    renumber,
)
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Largest degree tried before a function counts as too rough.
_MAX_DEGREE = 2000
# Degrees added to the sums at once: the sums, often many, are read and written once
# for all of them. More buffers than four gained nothing.
_N_BUFFERS = 4
# Elements below which a second thread costs more than it saves.
_SERIAL_SIZE = 200_000
# Products from which renumbering nodes is paid back.
_MANY_PRODUCTS = 20


@dataclass(frozen=True, eq=False)
class ChebyshevOperator(Operator):
    """Polynomial of a symmetric operator, `sum_k coefficients[k] T_k(...)`.

    Attributes
    ----------
    operator : Operator of shape (n, n)
        Symmetric, with spectrum in [0, upper].
    coefficients : ndarray of shape (degree + 1,)
        Chebyshev coefficients on that interval.
    upper : float
        Bound of the spectrum.

    Notes
    -----
    A product costs `degree` products of the operator and keeps a few blocks.
    """

    operator: Operator
    coefficients: np.ndarray
    upper: float

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the entries."""
        return self.operator.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block by the three-term recurrence.

        Parameters
        ----------
        B : array of shape (n,) or (n, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of the shape of B
            The image.
        """
        return apply_chebyshev(self.operator, B, self.coefficients, self.upper)

    def adjoint(self) -> "ChebyshevOperator":
        """Give the transpose.

        Returns
        -------
        adjoint : ChebyshevOperator
            Itself, by symmetry.
        """
        return self


def chebyshev_operator(
    operator: Operator, function: Callable, upper: float, *, tol: float = 1e-12
) -> ChebyshevOperator:
    """Approximate a function of a symmetric operator.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Symmetric, with spectrum in [0, upper].
    function : callable
        Smooth function of an ndarray of eigenvalues.
    upper : float
        Bound of the spectrum.
    tol : float, default=1e-12
        Size of the coefficients left out, relative to the largest.

    Returns
    -------
    operator : ChebyshevOperator
        Of the least degree that is enough.

    Raises
    ------
    ValueError
        If a degree of 2000 is not enough.

    See Also
    --------
    apply_chebyshev : Several functions at the cost of one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import DiagonalOperator, chebyshev_operator
    >>> A = DiagonalOperator(np.array([0.0, 1.0, 2.0]))
    >>> root = chebyshev_operator(A, lambda x: np.sqrt(1 + x), upper=2.0)
    >>> (root @ np.ones(3)).round(6).tolist()
    [1.0, 1.414214, 1.732051]
    """
    return ChebyshevOperator(
        operator, chebyshev_coefficients(function, upper, tol=tol), upper
    )


def chebyshev_coefficients(
    function: Callable | Sequence[Callable],
    upper: float,
    *,
    lower: float = 0.0,
    degree: int | None = None,
    tol: float = 1e-12,
    damping: str | None = None,
) -> np.ndarray:
    """Expand functions on an interval in Chebyshev polynomials.

    On [lower, upper] the function is nearly
    `sum_k coefficients[k] T_k((2 x - lower - upper) / (upper - lower))`.

    Parameters
    ----------
    function : callable or sequence of callables
        Functions of an ndarray of points.
    upper : float
        Right end of the interval.
    lower : float, default=0.0
        Left end.
    degree : int or None, default=None
        Degree. None takes the least one that leaves out nothing above `tol`.
    tol : float, default=1e-12
        Size of the coefficients left out, relative to the largest, for
        `degree=None`.
    damping : {"jackson"} or None, default=None
        "jackson" multiplies by `jackson_damping`.

    Returns
    -------
    coefficients : ndarray of shape (degree + 1,) or (n_filters, degree + 1)
        One row for each function if a sequence was passed, filled up by zeros.

    Raises
    ------
    ValueError
        If a function is not finite on the interval, or a degree of 2000 is not enough.

    Notes
    -----
    Functions are sampled at the Chebyshev points of the degree, four times as many
    where it is given, and transformed by a fast cosine transform.

    Examples
    --------
    >>> from sklearn_manifold_reg.linalg import chebyshev_coefficients
    >>> chebyshev_coefficients(lambda x: x**2, 2.0).round(6).tolist()
    [1.5, 2.0, 0.5]
    """
    if not upper > lower:
        raise ValueError(f"upper={upper} must be larger than lower={lower}.")
    if damping not in (None, "jackson"):
        raise ValueError(f"damping must be 'jackson' or None, got {damping!r}.")
    if degree is not None and degree < 0:
        raise ValueError(f"degree must not be negative, got {degree}.")
    if not callable(function):
        rows = [
            chebyshev_coefficients(
                f, upper, lower=lower, degree=degree, tol=tol, damping=damping
            )
            for f in function
        ]
        return _stacked(rows)
    if degree is None:
        coefficients = _adaptive(function, lower, upper, tol)
    else:
        n_points = 4 * (degree + 1)
        coefficients = _interpolated(function, lower, upper, n_points)[: degree + 1]
    if damping == "jackson":
        coefficients = coefficients * jackson_damping(len(coefficients) - 1)
    return coefficients


def jackson_damping(degree: int) -> np.ndarray:
    """Give factors that keep Chebyshev expansions of rough functions from ringing.

    With them the expansion of a non-negative function is non-negative, and steps are
    smoothed over about `pi / degree` of half the interval.

    Parameters
    ----------
    degree : int
        Degree of the expansion.

    Returns
    -------
    factors : ndarray of shape (degree + 1,)
        From 1 down to nearly 0.

    References
    ----------
    A. Weiße, G. Wellein, A. Alvermann, H. Fehske, "The kernel polynomial method",
    Reviews of Modern Physics 78, 2006, doi:10.1103/RevModPhys.78.275.
    """
    angle = np.pi / (degree + 2)
    k = np.arange(degree + 1)
    inner = (degree + 2 - k) * np.cos(k * angle) + np.sin(k * angle) / np.tan(angle)
    return inner / (degree + 2)


def indicator_coefficients(
    low: float, high: float, degree: int, interval: tuple[float, float]
) -> np.ndarray:
    """Expand the function that is 1 on [low, high] and 0 elsewhere.

    Parameters
    ----------
    low, high : float
        Where the function is 1.
    degree : int
        Degree of the expansion.
    interval : tuple of float
        Interval of the expansion.

    Returns
    -------
    coefficients : ndarray of shape (degree + 1,)
        Exact, without damping.
    """
    center, half = sum(interval) / 2, (interval[1] - interval[0]) / 2
    ends = np.clip((np.array([low, high]) - center) / half, -1, 1)
    first, last = np.arccos(ends[::-1])
    k = np.arange(1, degree + 1)
    tail = 2 * (np.sin(k * last) - np.sin(k * first)) / (np.pi * k)
    return np.concatenate([[(last - first) / np.pi], tail])


def apply_chebyshev(
    operator: Any, B: Any, coefficients: Any, upper: float, *, lower: float = 0.0
) -> Any:
    """Apply polynomials of an operator, all of them by one recurrence.

    Computes `sum_k coefficients[f, k] T_k(S) B` for each filter f, where S is the
    operator moved from [lower, upper] to [-1, 1].

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        With real eigenvalues in [lower, upper]; outside polynomials grow fast.
    B : array of shape (n,) or (n, n_outputs)
        Vector or block of the operator's library.
    coefficients : array-like of shape (degree + 1,) or (n_filters, degree + 1)
        Chebyshev coefficients, real, see `chebyshev_coefficients`. A sequence of rows
        of several lengths is filled up by zeros.
    upper : float
        Bound of the spectrum, see `spectral_interval`.
    lower : float, default=0.0
        Bound from below.

    Returns
    -------
    products : array of the shape of B, or one such for each row of coefficients
        In the common dtype of operator and block.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Takes `degree` products with the operator, whatever the number of filters, and
    memory for four blocks beside the result. Large sparse matrices on the host are
    renumbered first where that makes products faster.

    References
    ----------
    D. K. Hammond, P. Vandergheynst, R. Gribonval, "Wavelets on graphs via spectral
    graph theory", Applied and Computational Harmonic Analysis 30, 2011,
    doi:10.1016/j.acha.2010.04.005.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import apply_chebyshev, chebyshev_coefficients
    >>> A = np.diag([0.0, 1.0, 2.0])
    >>> bank = chebyshev_coefficients([np.exp, np.sin], upper=2.0)
    >>> apply_chebyshev(A, np.ones(3), bank, upper=2.0).round(4).tolist()
    [[1.0, 2.7183, 7.3891], [0.0, 0.8415, 0.9093]]
    """
    operator = as_operator(operator)
    n = operator.shape[0]
    if operator.shape[1] != n:
        raise ValueError(f"`operator` must be square, got shape {operator.shape}.")
    if B.ndim not in (1, 2) or B.shape[0] != n:
        raise ValueError(
            f"`B` must have shape ({n},) or ({n}, n_outputs), got {tuple(B.shape)}."
        )
    if not upper > lower:
        raise ValueError(f"upper={upper} must be larger than lower={lower}.")
    if isinstance(coefficients, Sequence) and np.ndim(coefficients[:1]) == 2:
        coefficients = _stacked([np.asarray(row) for row in coefficients])
    C = np.asarray(coefficients, dtype=np.float64)
    if C.ndim not in (1, 2) or C.shape[-1] == 0:
        raise ValueError(
            "coefficients must have shape (degree + 1,) or (n_filters, degree + 1), "
            f"got {C.shape}."
        )
    block = common_block(operator, B[:, None] if B.ndim == 1 else B)
    bank = C[None, :] if C.ndim == 1 else C
    degree = C.shape[-1] - 1
    if isinstance(block, np.ndarray):
        moved = Renumbered(operator)
        if degree >= _MANY_PRODUCTS:
            moved = renumber(operator, block.shape[1], block.dtype)
        products = _sum_on_host(moved, block, bank, (lower, upper))
    else:
        products = _sum_elsewhere(operator, block, bank, (lower, upper))
    products = products[..., 0] if B.ndim == 1 else products
    return products[0, ...] if C.ndim == 1 else products


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    bank = np.zeros((len(rows), max(map(len, rows), default=0)))
    for target, row in zip(bank, rows, strict=True):
        target[: len(row)] = row
    return bank


def _sum_on_host(
    moved: Renumbered, B: np.ndarray, bank: np.ndarray, interval: tuple[float, float]
) -> np.ndarray:
    n_filters, degree = bank.shape[0], bank.shape[1] - 1
    totals = np.zeros((n_filters, B.size), dtype=B.dtype)
    blocks = chebyshev_blocks(
        moved.operator, moved.enter(B), degree, interval, _N_BUFFERS
    )
    for k, (_, ring) in enumerate(blocks):
        filled = k % _N_BUFFERS + 1
        if filled == _N_BUFFERS or k == degree:
            stack = ring[:filled].reshape(filled, -1)
            _add(stack, bank[:, k + 1 - filled : k + 1], totals)
    products = totals.reshape(n_filters, *B.shape)
    for product in products:
        moved.leave(product)
    return products


def _add(stack: np.ndarray, weights: np.ndarray, totals: np.ndarray) -> None:
    """Add `weights @ stack` to `totals`."""
    if totals.dtype.char in "FD":
        real = totals.real.dtype
        stack, totals = stack.view(real), totals.view(real)
    weights = np.ascontiguousarray(weights, dtype=totals.dtype)
    if totals.dtype.char not in "fd" or not use_compiled():
        totals += weights @ stack
        return
    from sklearn_manifold_reg.linalg._polynomial_numba import TILE, add_blocks

    threads = 1 if stack.size < _SERIAL_SIZE else n_threads()
    n_tiles = -(-stack.shape[1] // TILE)
    run_rows(add_blocks, n_tiles, stack, weights, totals, n_jobs=threads)


def _sum_elsewhere(
    operator: Operator, B: Any, bank: np.ndarray, interval: tuple[float, float]
) -> Any:
    totals: list[Any] = [0.0] * len(bank)
    blocks = chebyshev_blocks(operator, B, bank.shape[1] - 1, interval)
    for k, (block, _) in enumerate(blocks):
        totals = [
            float(c) * block if k == 0 else total + float(c) * block
            for c, total in zip(bank[:, k], totals, strict=True)
        ]
    return namespace_of(B).stack(totals)


def _adaptive(function: Callable, lower: float, upper: float, tol: float) -> np.ndarray:
    degree = 16
    while degree <= _MAX_DEGREE:
        coefficients = _interpolated(function, lower, upper, degree + 1)
        sizes = np.abs(coefficients)
        kept = np.flatnonzero(sizes > tol * sizes.max())
        if not len(kept):
            return np.zeros(1)
        if kept[-1] < degree - 2:
            return coefficients[: kept[-1] + 1]
        degree *= 2
    raise ValueError(
        f"The function is too rough on [{lower:.3g}, {upper:.3g}] for a polynomial of "
        f"degree {_MAX_DEGREE}; give a degree, or smooth it."
    )


def _interpolated(
    function: Callable, lower: float, upper: float, n_points: int
) -> np.ndarray:
    angles = np.pi * (np.arange(n_points) + 0.5) / n_points
    points = (lower + upper) / 2 + (upper - lower) / 2 * np.cos(angles)
    values = np.broadcast_to(np.asarray(function(points), dtype=float), points.shape)
    if not np.all(np.isfinite(values)):
        bad = points[~np.isfinite(values)][0]
        raise ValueError(
            f"The function is not finite at {bad:.3g}, inside "
            f"[{lower:.3g}, {upper:.3g}]."
        )
    coefficients = fft.dct(values, type=2) / n_points
    coefficients[0] /= 2
    return coefficients
