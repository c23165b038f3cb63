"""Chebyshev polynomials of an operator: smoothers and preconditioners."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import column_norms, device, namespace_of
from sklearn_manifold_reg.linalg._operators import Operator


@dataclass(frozen=True, eq=False)
class ChebyshevPreconditioner:
    """Polynomial in A that is close to its inverse on the upper spectrum.

    Attributes
    ----------
    operator : Operator
        Symmetric positive semi-definite operator.
    largest : float
        Bound of its eigenvalues.
    degree : int, default=3
        Products with the operator for one application, plus one.
    fraction : float, default=0.05
        Eigenvalues from `fraction * largest` up are treated.

    Notes
    -----
    It saves inner products, not products with the operator; it pays on devices.

    References
    ----------
    M. Adams, M. Brezina, J. Hu, R. Tuminaro, "Parallel multigrid smoothing: polynomial
    versus Gauss-Seidel", Journal of Computational Physics, 2003,
    doi:10.1016/S0021-9991(03)00194-3.
    """

    operator: Operator
    largest: float
    degree: int = 3
    fraction: float = 0.05

    def __call__(self, R: Any) -> Any:
        """Apply the polynomial.

        Parameters
        ----------
        R : array of shape (n, n_outputs)
            Residuals.

        Returns
        -------
        Z : array of shape (n, n_outputs)
            Approximate solutions of `A Z = R`.
        """
        return chebyshev_steps(
            self.operator, R, self.fraction * self.largest, self.largest, self.degree
        )


def chebyshev_steps(
    operator: Operator, R: Any, low: float, high: float, n_steps: int
) -> Any:
    """Run Chebyshev iteration on `A Z = R` from zero.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    R : array of shape (n, n_outputs)
        Right-hand sides.
    low, high : float
        Interval of eigenvalues over which the error is made uniformly small.
    n_steps : int
        Degree plus one of the polynomial.

    Returns
    -------
    Z : array of shape (n, n_outputs)
        Result, a symmetric positive function of A applied to R.
    """
    center, radius = (high + low) / 2, (high - low) / 2
    sigma = center / radius
    rho = 1 / sigma
    step = R / center
    Z = step
    for _ in range(n_steps - 1):
        new = 1 / (2 * sigma - rho)
        step = (new * rho) * step + (2 * new / radius) * (R - operator.matmat(Z))
        Z = Z + step
        rho = new
    return Z


def largest_eigenvalue(operator: Operator, reference: Any, n_steps: int = 12) -> float:
    """Bound the spectrum of a symmetric operator from above, nearly.

    Parameters
    ----------
    operator : Operator
        Symmetric positive semi-definite operator.
    reference : array
        Array whose library and device are taken.
    n_steps : int, default=12
        Steps of power iteration.

    Returns
    -------
    largest : float
        The estimate from below of a fixed start vector, raised by a tenth.
    """
    xp = namespace_of(reference)
    start = np.random.default_rng(0).standard_normal((operator.shape[0], 1))
    v = xp.asarray(start, dtype=reference.dtype, device=device(reference))
    size = float(column_norms(v)[0])
    for _ in range(n_steps):
        v = operator.matmat(v / size)
        size = float(column_norms(v)[0])
        if size == 0:
            return 1.0
    return 1.1 * size
