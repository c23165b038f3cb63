"""Images of which some pixels are measured."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.inverse._image_operator import (
    ImageOperator,
    check_dtype,
    check_image_shape,
)


@dataclass(frozen=True, eq=False, init=False)
class SubsamplingOperator(ImageOperator):
    """Values of some pixels of an image.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    mask : array-like of bool, shape (height, width), default=None
        True where a pixel is measured.
    step : int or tuple of (int, int), default=None
        Every `step`-th row and column is measured, from the first one on. Give either
        this or `mask`.
    dtype : dtype, default=float64
        Dtype of products with integers.

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    indices : ndarray of shape (n_measurements,)
        Pixels measured, ascending in row-major order.
    measurement_shape : tuple of int
        (n_measurements,) for a mask, or the height and the width of the smaller image
        for a step.
    entry_dtype : dtype, default=float64
        Dtype of products with integers; the argument is called `dtype`.

    Raises
    ------
    ValueError
        If both or none of `mask` and `step` are given, if the mask has another shape
        or measures nothing, or if the step is no positive integer.

    Notes
    -----
    Takes arrays of any array library. After a `BlurOperator`, it is the model of a
    camera of low resolution.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import SubsamplingOperator
    >>> every_second = SubsamplingOperator((3, 4), step=2)
    >>> every_second @ np.arange(12.0)
    array([ 0.,  2.,  8., 10.])
    >>> every_second.measurement_shape
    (2, 2)
    """

    image_shape: tuple[int, int]
    indices: np.ndarray
    measurement_shape: tuple[int, ...]
    entry_dtype: Any

    def __init__(
        self,
        image_shape: tuple[int, int],
        mask: Any = None,
        *,
        step: int | tuple[int, int] | None = None,
        dtype: Any = np.float64,
    ) -> None:
        sides = check_image_shape(image_shape)
        if (mask is None) == (step is None):
            raise ValueError("SubsamplingOperator takes either a mask or a step.")
        shape: tuple[int, ...]
        if mask is None:
            kept, shape = _every(sides, step)
        else:
            kept = _check_mask(mask, sides)
            shape = (int(np.count_nonzero(kept)),)
        object.__setattr__(self, "image_shape", sides)
        object.__setattr__(self, "measurement_shape", shape)
        object.__setattr__(self, "indices", np.flatnonzero(kept))
        object.__setattr__(self, "entry_dtype", check_dtype(dtype))

    def _map(self, images: Any) -> Any:
        xp = namespace_of(images)
        pixels = xp.reshape(images, (self.shape[1], -1))
        return xp.take(pixels, _beside(self.indices, pixels), axis=0)

    def _map_back(self, measurements: Any) -> Any:
        xp = namespace_of(measurements)
        values = xp.reshape(measurements, (self.shape[0], -1))
        # Pixels that are not measured take the row of zeros put after the others: the
        # standard cannot write to chosen places.
        nothing = xp.zeros_like(values[:1, ...])
        sources = np.full(self.shape[1], self.shape[0])
        sources[self.indices] = np.arange(self.shape[0])
        extended = xp.concat([values, nothing], axis=0)
        return xp.take(extended, _beside(sources, values), axis=0)

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host.

        Returns
        -------
        csr : CSR
            With one entry a row.
        """
        ends = np.arange(self.shape[0] + 1)
        entries = (np.ones(self.shape[0]), self.indices, ends)
        return self._host_matrix(sparse.csr_array(entries, shape=self.shape))


def _every(sides: tuple[int, int], step: Any) -> tuple[np.ndarray, tuple[int, int]]:
    steps = (step, step) if isinstance(step, Integral) else step
    if (
        not isinstance(steps, (tuple, list))
        or len(steps) != 2
        or not all(isinstance(s, Integral) and int(s) > 0 for s in steps)
    ):
        raise ValueError(
            f"step must be a positive integer or two of them, got {step!r}."
        )
    kept = np.zeros(sides, dtype=bool)
    smaller = kept[:: steps[0], :: steps[1]]
    smaller[...] = True
    return kept, (smaller.shape[0], smaller.shape[1])


def _check_mask(mask: Any, sides: tuple[int, int]) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != sides:
        raise ValueError(
            f"mask must be a boolean array of shape {sides}, got dtype {mask.dtype} "
            f"and shape {mask.shape}."
        )
    if not mask.any():
        raise ValueError("mask is False everywhere: no pixel is measured.")
    return mask


def _beside(indices: np.ndarray, reference: Any) -> Any:
    """Move indices to the device of an array."""
    return namespace_of(reference).asarray(indices, device=device(reference))
