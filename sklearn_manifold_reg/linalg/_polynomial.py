"""Functions of a symmetric operator by Chebyshev polynomials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from sklearn_manifold_reg.linalg._operators import Operator

# Largest degree tried before a function counts as too rough.
_MAX_DEGREE = 2000


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
    A product costs `degree` products of the operator and keeps three blocks.
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
        half = self.upper / 2
        before, now = B, self.operator.matmat(B) / half - B
        total = float(self.coefficients[0]) * before
        for coefficient in self.coefficients[1:]:
            total = total + float(coefficient) * now
            before, now = now, 2 * (self.operator.matmat(now) / half - now) - before
        return total

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

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import DiagonalOperator, chebyshev_operator
    >>> A = DiagonalOperator(np.array([0.0, 1.0, 2.0]))
    >>> root = chebyshev_operator(A, lambda x: np.sqrt(1 + x), upper=2.0)
    >>> (root @ np.ones(3)).round(6).tolist()
    [1.0, 1.414214, 1.732051]
    """
    degree = 16
    while degree <= _MAX_DEGREE:
        coefficients = chebyshev.chebinterpolate(
            lambda x: function((x + 1) * upper / 2), degree
        )
        sizes = np.abs(coefficients) / np.abs(coefficients).max()
        kept = np.flatnonzero(sizes > tol)
        if kept[-1] < degree - 2:
            return ChebyshevOperator(operator, coefficients[: kept[-1] + 1], upper)
        degree *= 2
    raise ValueError(
        f"The function is too rough on [0, {upper:.3g}] for a polynomial of degree "
        f"{_MAX_DEGREE}."
    )
