"""A regularized least-squares problem within a small space, for all weights at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import brentq, minimize_scalar

# Directions of the space that both maps send to rounding errors are left out.
_RANK_TOL = 1e-13
# Part of the fit that a penalty must have to be one.
_NOTHING = 1e-200
# Logarithms of the weights looked at, relative to where both terms are equally large.
# Beyond 1e10 the misfit drowns in the rounding of the penalty.
_LOG_WEIGHTS = (-40.0, 23.0)
_GRID = 127
# Relative gap to the squared residual of an infinite weight.
_UNLIMITED = 1e-6


@dataclass(frozen=True, eq=False)
class ProjectedPair:
    """Solutions of `min_z ||A z - y||² + alpha ||L z||²`, for every alpha.

    Both squares are diagonal in one basis: there ||A z||² has the weights `fit` and
    ||L z||² the weights `(1 - fit) / scale`.

    Attributes
    ----------
    basis : ndarray of shape (k, rank)
        That basis.
    fit : ndarray of shape (rank,)
        Between 0 and 1.
    scale : float
        Squared size of A over that of L.
    """

    basis: np.ndarray
    fit: np.ndarray
    scale: float

    def solution(self, b: np.ndarray, alpha: float) -> np.ndarray:
        """Solve for one weight.

        Parameters
        ----------
        b : ndarray of shape (k,)
            Products A'y.
        alpha : float
            Weight, not negative. Where it is 0, what A does not see is 0 too.

        Returns
        -------
        z : ndarray of shape (k,)
            Coordinates of the solution.
        """
        return self.basis @ (_inverse(self._weights(alpha)) * (self.basis.T @ b))

    def squared_residual(self, b: np.ndarray, alpha: float) -> float:
        """Compute `||A z - y||²` less its least value within the space.

        Parameters
        ----------
        b : ndarray of shape (k,)
            Products A'y.
        alpha : float
            Weight.

        Returns
        -------
        excess : float
            Increasing in `alpha`; computed without cancellation.
        """
        inner = self.basis.T @ b
        penalty = alpha / self.scale * (1 - self.fit)
        shrinkage = penalty * _inverse(self.fit + penalty)
        return float(np.sum(inner**2 * _inverse(self.fit) * shrinkage**2))

    def discrepancy_weight(self, b: np.ndarray, excess: float) -> float:
        """Find the weight at which the squared residual is what is wanted.

        Parameters
        ----------
        b : ndarray of shape (k,)
            Products A'y.
        excess : float
            Squared residual wanted less the least one within the space.

        Returns
        -------
        alpha : float
            0 if `excess` is not positive. If residuals stay below for every weight, one
            that all but reaches their supremum.
        """
        if excess <= 0:
            return 0.0
        low, high = _LOG_WEIGHTS

        def miss(log_weight: float) -> float:
            alpha = self.scale * np.exp(log_weight)
            return self.squared_residual(b, alpha) / excess - 1

        if miss(low) >= 0:
            return self.scale * float(np.exp(low))
        largest = 1 + miss(high)
        if largest <= 1:
            # Whatever the weight. This one is as good as infinite.
            if largest <= 0:
                return self.scale
            excess *= largest * (1 - _UNLIMITED)
        return self.scale * float(np.exp(brentq(miss, low, high, xtol=1e-10)))

    def gcv_weight(
        self, b: np.ndarray, probe: np.ndarray, least: float, n_data: int
    ) -> float:
        """Find the weight of least generalized cross-validation.

        Parameters
        ----------
        b : ndarray of shape (k,)
            Products A'y.
        probe : ndarray of shape (k,)
            Products A'w with random signs w, of which the trace is estimated.
        least : float
            Least squared residual within the space.
        n_data : int
            Number of data.

        Returns
        -------
        alpha : float
            Weight.
        """
        inner, other = self.basis.T @ b, self.basis.T @ probe

        def score(log_weight: Any) -> Any:
            penalty = np.exp(np.asarray(log_weight))[..., None] * (1 - self.fit)
            share = _inverse(self.fit + penalty)
            squares = least + np.sum(
                inner**2 * _inverse(self.fit) * (penalty * share) ** 2, axis=-1
            )
            freedom = n_data - np.sum(other**2 * share, axis=-1)
            tiny = np.finfo(np.float64).tiny
            return np.log(squares + tiny) - 2 * np.log(np.maximum(freedom, tiny))

        grid = np.linspace(*_LOG_WEIGHTS, _GRID)
        best = int(np.argmin(score(grid)))
        around = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
        found = minimize_scalar(
            score, bounds=around, method="bounded", options={"xatol": 1e-4}
        )
        return self.scale * float(np.exp(found.x))

    def _weights(self, alpha: float) -> np.ndarray:
        return self.fit + alpha / self.scale * (1 - self.fit)


def projected_pair(fit: np.ndarray, penalty: np.ndarray) -> ProjectedPair:
    """Bring two quadratic forms into one basis.

    Parameters
    ----------
    fit : ndarray of shape (k, k)
        Gram matrix A'A.
    penalty : ndarray of shape (k, k)
        Gram matrix L'L.

    Returns
    -------
    pair : ProjectedPair
        Of a rank below k where both forms vanish on some direction.
    """
    largest, other = np.trace(fit), np.trace(penalty)
    comparable = largest > 0 and other > _NOTHING * largest
    scale = float(largest / other) if comparable else 1.0
    values, vectors = eigh(fit + scale * penalty)
    kept = values > _RANK_TOL * max(values[-1], 0.0)
    whitened = vectors[:, kept] / np.sqrt(values[kept])
    weights, turn = eigh(whitened.T @ fit @ whitened)
    weights = np.clip(weights, 0.0, 1.0)
    # What is rounding in one of the forms is nothing.
    weights[weights < _RANK_TOL] = 0.0
    weights[weights > 1 - _RANK_TOL] = 1.0
    return ProjectedPair(whitened @ turn, weights, scale)


def _inverse(weights: np.ndarray) -> np.ndarray:
    positive = weights > 0
    return np.where(positive, 1 / np.where(positive, weights, 1.0), 0.0)
