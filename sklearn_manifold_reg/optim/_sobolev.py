"""Misfit of images in a Sobolev norm."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import device, irfftn, namespace_of, rfftn


@dataclass(frozen=True, eq=False)
class SobolevMisfit:
    """Misfit |A u - data|² / 2 of images on a torus, in a norm of Fourier weights.

    A is a convolution, and |r|² the weighted sum of squares of the coefficients of a
    unitary Fourier transform: both are diagonal there, and so is every step.

    Attributes
    ----------
    data : array of shape (..., height, width)
        Images measured, each on its own.
    weights : ndarray of shape (height, width // 2 + 1)
        Nonnegative weights of the coefficients that `rfftn` keeps.
    transfer : ndarray of shape (height, width // 2 + 1) or None, default=None
        Factors of the coefficients that A stands for. None is the identity.
    curvature : ndarray of shape (height, width // 2 + 1)
        `abs(transfer)² weights`, the eigenvalues of the second derivative.
    pull : array of shape (..., height, width // 2 + 1)
        Transform of A' P data, with P the weights.

    Raises
    ------
    ValueError
        If `weights` or `transfer` do not have a factor for each coefficient, or
        weights are negative or not finite.

    Notes
    -----
    Every method takes two or three Fourier transforms an image. Images may be arrays of
    any array library that has Fourier transforms; weights stay on the host.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.optim import SobolevMisfit
    >>> data = np.array([[1.0, 3.0], [1.0, 3.0]])
    >>> only_the_mean = np.array([[1.0, 0.0], [0.0, 0.0]])
    >>> misfit = SobolevMisfit(data, only_the_mean)
    >>> misfit.value(np.zeros((2, 2)))
    8.0
    >>> misfit.prox(np.zeros((2, 2)), step=1.0)
    array([[1., 1.],
           [1., 1.]])
    """

    data: Any
    weights: np.ndarray
    transfer: np.ndarray | None = None
    curvature: np.ndarray = field(init=False)
    pull: Any = field(init=False)

    def __post_init__(self) -> None:
        height, width = self._shape()
        for name, factors in (("weights", self.weights), ("transfer", self.transfer)):
            if factors is not None and factors.shape != (height, width // 2 + 1):
                raise ValueError(
                    f"{name} has shape {factors.shape}, but real images of shape "
                    f"{(height, width)} have {(height, width // 2 + 1)} coefficients."
                )
        if not (np.isfinite(self.weights).all() and np.min(self.weights) >= 0):
            raise ValueError("weights must be finite and not negative.")
        curvature, factor = self.weights, self.weights
        if self.transfer is not None:
            curvature = np.abs(self.transfer) ** 2 * self.weights
            factor = self.transfer.conj() * self.weights
        spectra = rfftn(self.data, self._shape())
        object.__setattr__(self, "curvature", curvature)
        object.__setattr__(self, "pull", _like(factor, spectra) * spectra)

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant of the gradient, the largest curvature."""
        return float(np.max(self.curvature))

    def residual_norms(self, u: Any) -> Any:
        """Measure the residuals A u - data.

        Parameters
        ----------
        u : array of shape (..., height, width)
            Images.

        Returns
        -------
        norms : array of shape (...)
            The norm of each.
        """
        xp = namespace_of(u)
        if self.transfer is not None:
            u = self.filter(rfftn(u, self._shape()), self.transfer)
        residual = u - self.data
        weighted = self.filter(rfftn(residual, self._shape()), self.weights)
        # Rounding may leave the squares of zeros below zero.
        squares = xp.sum(residual * weighted, axis=(-2, -1))
        return xp.sqrt(xp.clip(squares, 0.0, None))

    def value(self, u: Any) -> float:
        """Evaluate f, summed over the images.

        Parameters
        ----------
        u : array of shape (..., height, width)
            Images.

        Returns
        -------
        value : float
            Half the sum of the squared norms of the residuals.
        """
        return float(namespace_of(u).sum(self.residual_norms(u) ** 2)) / 2

    def grad(self, u: Any) -> Any:
        """Evaluate the gradient, A' P (A u - data) with P the weights.

        Parameters
        ----------
        u : array of shape (..., height, width)
            Images.

        Returns
        -------
        gradient : array of shape (..., height, width)
            In the dtype of the images.
        """
        spectra = rfftn(u, self._shape())
        ahead = _like(self.curvature, spectra) * spectra - self.pull
        return irfftn(ahead, self._shape())

    def prox(self, u: Any, step: float) -> Any:
        """Evaluate the proximal map, argmin_v f(v) + |v - u|² / (2 step).

        Parameters
        ----------
        u : array of shape (..., height, width)
            Images.
        step : float
            Positive step.

        Returns
        -------
        v : array of shape (..., height, width)
            The minimizers.
        """
        spectra = self.pull + rfftn(u, self._shape()) / step
        return self.filter(spectra, 1 / (self.curvature + 1 / step))

    def filter(self, spectra: Any, factor: np.ndarray) -> Any:
        """Scale Fourier coefficients and transform them back.

        Parameters
        ----------
        spectra : array of shape (..., height, width // 2 + 1)
            Coefficients, such as `pull`.
        factor : ndarray of shape (height, width // 2 + 1)
            Real or complex factors.

        Returns
        -------
        images : array of shape (..., height, width)
            Real.
        """
        return irfftn(_like(factor, spectra) * spectra, self._shape())

    def _shape(self) -> tuple[int, int]:
        return tuple(self.data.shape[-2:])


def _like(factor: np.ndarray, spectra: Any) -> Any:
    """Move factors to the library, device and precision of spectra."""
    xp = namespace_of(spectra)
    real = not np.iscomplexobj(factor)
    dtype = xp.real(spectra[..., :0]).dtype if real else spectra.dtype
    return xp.asarray(factor, dtype=dtype, device=device(spectra))
