"""Fourier transforms of real arrays: by scipy on the host, else by the library."""

from typing import Any

import numpy as np
from scipy import fft

from sklearn_manifold_reg._arrays._namespace import namespace_of
from sklearn_manifold_reg.utils._numba import n_threads

# Values below which a second thread costs more than it saves.
_SERIAL_SIZE = 1 << 16


def rfftn(x: Any, shape: tuple[int, ...]) -> Any:
    """Transform real arrays along their last axes.

    Parameters
    ----------
    x : array of shape (..., n_1, ..., n_k)
        float32 or float64.
    shape : tuple of k int
        Size of the last axes, to which zeros are appended.

    Returns
    -------
    spectra : array of shape (..., shape[0], ..., shape[-1] // 2 + 1)
        Complex, in the precision of `x`.
    """
    axes = tuple(range(-len(shape), 0))
    if isinstance(x, np.ndarray):
        return fft.rfftn(x, s=shape, axes=axes, workers=_workers(x))
    return namespace_of(x).fft.rfftn(x, s=shape, axes=axes)


def irfftn(spectra: Any, shape: tuple[int, ...]) -> Any:
    """Transform spectra of real arrays back.

    Parameters
    ----------
    spectra : array of shape (..., shape[0], ..., shape[-1] // 2 + 1)
        As `rfftn` gives them.
    shape : tuple of k int
        Size of the last axes.

    Returns
    -------
    x : array of shape (..., *shape)
        Real.
    """
    axes = tuple(range(-len(shape), 0))
    if isinstance(spectra, np.ndarray):
        return fft.irfftn(spectra, s=shape, axes=axes, workers=_workers(spectra))
    return namespace_of(spectra).fft.irfftn(spectra, s=shape, axes=axes)


def _workers(array: np.ndarray) -> int:
    return 1 if array.size < _SERIAL_SIZE else n_threads()
