"""The penalty f' P f of a function on the nodes of a graph."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import namespace_of
from sklearn_manifold_reg.graph import GraphOperator
from sklearn_manifold_reg.linalg import (
    DiagonalOperator,
    Operator,
    Power,
    ScaledSum,
    SparseOperator,
    chebyshev_operator,
)


@dataclass(frozen=True, eq=False)
class ManifoldPenalty:
    """Weighted penalty `weight * f' P f` with `P = L^power` or `(I + tau L)^power`.

    Attributes
    ----------
    laplacian : GraphOperator
        Symmetric Laplacian L.
    weight : float
        Factor c.
    kind : {"laplacian", "sobolev"}
        Which P.
    power : float
        Exponent: a positive integer for "laplacian", any number >= 0 for "sobolev".
    tau : float
        Factor of L for "sobolev".
    """

    laplacian: GraphOperator
    weight: float
    kind: str = "laplacian"
    power: float = 1
    tau: float = 1.0

    def plus_diagonal(self, diagonal: Any) -> Operator:
        """Build the system matrix `diag(diagonal) + weight * P`.

        Parameters
        ----------
        diagonal : array of shape (n,)
            Diagonal to add.

        Returns
        -------
        operator : Operator
            A single sparse matrix for the first power.
        """
        c, L = self.weight, self.laplacian
        if c == 0 or (self.kind == "sobolev" and self.power == 0):
            return DiagonalOperator(diagonal + (c if self.kind == "sobolev" else 0))
        if self.power == 1:
            step = c if self.kind == "laplacian" else c * self.tau
            constant = 0 if self.kind == "laplacian" else c
            own = diagonal + constant + step * L.diagonal_part
            return SparseOperator(L.csr, diagonal=own, scale=-step)
        return ScaledSum([DiagonalOperator(diagonal), self._operator()], [1.0, c])

    def matmat(self, F: Any) -> Any:
        """Compute `weight * P F`.

        Parameters
        ----------
        F : array of shape (n,) or (n, n_outputs)
            Functions on the nodes.

        Returns
        -------
        product : array of the shape of F
            Gradient of half the penalty.
        """
        if self.weight == 0:
            return namespace_of(F).zeros_like(F)
        product = self._operator().matmat(F)
        if isinstance(product, np.ndarray):
            product *= self.weight
            return product
        return self.weight * product

    def _operator(self) -> Operator:
        L = self.laplacian
        if self.kind == "laplacian":
            return L if self.power == 1 else Power(L, int(self.power))
        xp = namespace_of(L.diagonal_part)
        ones = xp.ones_like(L.diagonal_part)
        if self.power == 0:
            return DiagonalOperator(ones)
        shifted = SparseOperator(
            L.csr, diagonal=1 + self.tau * L.diagonal_part, scale=-self.tau
        )
        if self.power == int(self.power):
            power = int(self.power)
            return shifted if power == 1 else Power(shifted, power)
        # Gershgorin: twice the largest diagonal entry bounds a Laplacian.
        upper = 2 * max(float(xp.max(L.diagonal_part)), 1e-12)
        return chebyshev_operator(L, lambda x: (1 + self.tau * x) ** self.power, upper)


def penalty_weight(
    graph_alpha: float, scaling: str, n_samples: int, total_weight: float
) -> float:
    """Turn `graph_alpha` into the factor of f' P f beside the mean loss.

    Parameters
    ----------
    graph_alpha : float
        The parameter.
    scaling : {"mean", "paper", "sum"}
        "mean" divides by n, "paper" by n², "sum" by the total weight of labels.
    n_samples : int
        Number n of rows.
    total_weight : float
        Sum of the weights of labeled rows.

    Returns
    -------
    weight : float
        The factor.
    """
    divisor = {"mean": n_samples, "paper": n_samples**2, "sum": total_weight}[scaling]
    return graph_alpha / divisor
