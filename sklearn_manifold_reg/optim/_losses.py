"""Losses of a margin m = y f, with y in {-1, 1}."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, xlogy


class MarginLoss(ABC):
    """Convex, decreasing function V of the margin.

    Subclasses define the value and the convex conjugate, and smooth ones the first
    two derivatives.

    Attributes
    ----------
    steepest : float
        Largest downward slope of V.
    """

    steepest: ClassVar[float]

    @abstractmethod
    def value(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V(m).

        Parameters
        ----------
        margin : ndarray
            Margins m.

        Returns
        -------
        value : ndarray
            Of the same shape.
        """

    @abstractmethod
    def conjugate(self, slope: np.ndarray) -> np.ndarray:
        """Evaluate the conjugate V*(-p) = sup_m (-p m - V(m)).

        Parameters
        ----------
        slope : ndarray
            Downward slopes p.

        Returns
        -------
        value : ndarray
            Of the same shape; infinite where p is no slope of V.
        """

    def derivative(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V'(m).

        Parameters
        ----------
        margin : ndarray
            Margins m.

        Returns
        -------
        derivative : ndarray
            Of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} is not smooth.")

    def curvature(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V''(m), or the generalized derivative of V'.

        Parameters
        ----------
        margin : ndarray
            Margins m.

        Returns
        -------
        curvature : ndarray
            Of the same shape.
        """
        raise NotImplementedError(f"{type(self).__name__} is not smooth.")


@dataclass(frozen=True)
class SquaredHingeLoss(MarginLoss):
    """V(m) = max(0, 1 - m)²."""

    steepest: ClassVar[float] = np.inf

    def value(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V(m)."""
        return np.maximum(0, 1 - margin) ** 2

    def conjugate(self, slope: np.ndarray) -> np.ndarray:
        """Evaluate V*(-p) = p² / 4 - p for p >= 0."""
        return np.where(slope >= 0, slope**2 / 4 - slope, np.inf)

    def derivative(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V'(m)."""
        return -2 * np.maximum(0, 1 - margin)

    def curvature(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate the generalized V''(m)."""
        return np.where(margin < 1, 2.0, 0.0)


@dataclass(frozen=True)
class LogisticLoss(MarginLoss):
    """V(m) = log(1 + exp(-m))."""

    steepest: ClassVar[float] = 1.0

    def value(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V(m)."""
        return np.logaddexp(0, -margin)

    def conjugate(self, slope: np.ndarray) -> np.ndarray:
        """Evaluate V*(-p) = p log p + (1 - p) log(1 - p) for p in [0, 1]."""
        inside = (slope >= 0) & (slope <= 1)
        p = np.clip(slope, 0, 1)
        return np.where(inside, xlogy(p, p) + xlogy(1 - p, 1 - p), np.inf)

    def derivative(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V'(m)."""
        return -expit(-margin)

    def curvature(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V''(m)."""
        p = expit(-margin)
        return p * (1 - p)


@dataclass(frozen=True)
class HingeLoss(MarginLoss):
    """V(m) = max(0, 1 - m)."""

    steepest: ClassVar[float] = 1.0

    def value(self, margin: np.ndarray) -> np.ndarray:
        """Evaluate V(m)."""
        return np.maximum(0, 1 - margin)

    def conjugate(self, slope: np.ndarray) -> np.ndarray:
        """Evaluate V*(-p) = -p for p in [0, 1]."""
        inside = (slope >= 0) & (slope <= 1)
        return np.where(inside, -slope, np.inf)


LOSSES: dict[str, MarginLoss] = {
    "squared_hinge": SquaredHingeLoss(),
    "hinge": HingeLoss(),
    "log_loss": LogisticLoss(),
}
