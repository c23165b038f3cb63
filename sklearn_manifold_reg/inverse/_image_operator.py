"""Linear maps of images, taken as vectors of pixels."""

from abc import abstractmethod
from dataclasses import dataclass
from math import isqrt, prod
from numbers import Integral
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, is_numpy, namespace_of
from sklearn_manifold_reg.linalg import Operator


class ImageOperator(Operator):
    """Linear map of images of one shape.

    Vectors hold images in row-major order. Products are computed by the array library
    of the block, in its dtype if that is floating.

    Subclasses define the attributes, and the map and its adjoint on stacks of images.

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    measurement_shape : tuple of int
        Shape of the measurements of one image; their vectors are in row-major order.
    entry_dtype : dtype
        Dtype of products with integers.
    """

    image_shape: tuple[int, int]
    measurement_shape: tuple[int, ...]
    entry_dtype: Any

    @abstractmethod
    def _map(self, images: Any) -> Any:
        """Map images of shape (*image_shape, n) to (*measurement_shape, n)."""

    @abstractmethod
    def _map_back(self, measurements: Any) -> Any:
        """Map measurements of shape (*measurement_shape, n) to (*image_shape, n)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of measurements and of pixels."""
        return prod(self.measurement_shape), prod(self.image_shape)

    @property
    def dtype(self) -> Any:
        """Dtype of products with integers."""
        return self.entry_dtype

    def matmat(self, B: Any) -> Any:
        """Measure images.

        Parameters
        ----------
        B : array of shape (n_pixels,) or (n_pixels, n_images)
            Images as columns.

        Returns
        -------
        product : array of shape (n_measurements,) or (n_measurements, n_images)
            Measurements as columns.

        Raises
        ------
        ValueError
            If the images have another number of pixels, or are complex.
        """
        images = self._unfold(B, self.image_shape, "pixels of an image")
        product = self._map(images)
        return namespace_of(B).reshape(product, (self.shape[0], *B.shape[1:]))

    def adjoint(self) -> Operator:
        """Give the transpose.

        Returns
        -------
        adjoint : Operator
            Of shape (n_pixels, n_measurements).
        """
        return _Adjoint(self)

    def _rmatmat(self, B: Any) -> Any:
        measurements = self._unfold(B, self.measurement_shape, "measurements")
        product = self._map_back(measurements)
        return namespace_of(B).reshape(product, (self.shape[1], *B.shape[1:]))

    def _unfold(self, B: Any, shape: tuple[int, ...], name: str) -> Any:
        length = prod(shape)
        if B.ndim not in (1, 2) or B.shape[0] != length:
            sides = " x ".join(str(side) for side in shape)
            raise ValueError(
                f"{type(self).__name__} takes {sides} = {length} {name}, as a vector "
                f"or as columns, got an array of shape {tuple(B.shape)}."
            )
        xp = namespace_of(B)
        if xp.isdtype(B.dtype, "complex floating"):
            raise ValueError(
                f"{type(self).__name__} takes real images, got {B.dtype}: give it the "
                "real and the imaginary part."
            )
        known = isinstance(B, np.ndarray) and B.dtype.char in "fd"
        if not known and (is_numpy(xp) or not xp.isdtype(B.dtype, "real floating")):
            B = xp.astype(B, self.dtype)
        return xp.reshape(B, (*shape, -1))

    def _host_matrix(self, A: Any) -> CSR:
        """Take an assembled matrix over, in the dtype of the operator if NumPy's."""
        csr = CSR.from_scipy(A)
        known = isinstance(self.dtype, np.dtype)
        return csr.astype(self.dtype) if known else csr


@dataclass(frozen=True, eq=False)
class _Adjoint(Operator):
    """Transpose of a map of images."""

    operator: ImageOperator

    @property
    def shape(self) -> tuple[int, int]:
        return self.operator.shape[::-1]

    @property
    def dtype(self) -> Any:
        return self.operator.dtype

    def matmat(self, B: Any) -> Any:
        return self.operator._rmatmat(B)

    def adjoint(self) -> ImageOperator:
        return self.operator

    def to_csr(self) -> CSR:
        return self.operator.to_csr().transpose()


def check_image_shape(image_shape: Any) -> tuple[int, int]:
    """Check the size of an image.

    Parameters
    ----------
    image_shape : sequence of int
        Height and width.

    Returns
    -------
    image_shape : tuple of (int, int)
        The same.

    Raises
    ------
    ValueError
        If it is not two positive integers.
    """
    sides = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    if len(sides) != 2 or not all(
        isinstance(side, Integral) and int(side) > 0 for side in sides
    ):
        raise ValueError(
            "image_shape must hold the height and the width of the images as positive "
            f"integers, got {image_shape!r}."
        )
    return int(sides[0]), int(sides[1])


def resolve_image_shape(image_shape: Any, n_pixels: int) -> tuple[int, int]:
    """Find the shape of images that are known as rows of pixels.

    Parameters
    ----------
    image_shape : tuple of (int, int) or None
        What a user gave. None takes a square if the number of pixels allows, and else
        an image of one row.
    n_pixels : int
        Number of pixels.

    Returns
    -------
    image_shape : tuple of (int, int)
        Height and width.

    Raises
    ------
    ValueError
        If it does not have `n_pixels` pixels.
    """
    if image_shape is None:
        side = isqrt(n_pixels)
        return (side, side) if side * side == n_pixels else (1, n_pixels)
    sides = check_image_shape(image_shape)
    if prod(sides) != n_pixels:
        raise ValueError(
            f"image_shape={sides} has {prod(sides)} pixels, but there are {n_pixels}."
        )
    return sides


def check_count(name: str, value: Any) -> int:
    """Check a number of things.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was given.

    Returns
    -------
    count : int
        The same.

    Raises
    ------
    ValueError
        If it is not a positive integer.
    """
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    return int(value)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Check a named option.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : object
        What was given.
    choices : tuple of str
        What may be given.

    Raises
    ------
    ValueError
        If `value` is none of them.
    """
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name}={value!r} is unknown; use one of {listed}.")


def check_dtype(dtype: Any) -> Any:
    """Check a floating dtype of NumPy, and pass on those of other libraries.

    Parameters
    ----------
    dtype : dtype
        What was given.

    Returns
    -------
    dtype : dtype
        A NumPy dtype as such.

    Raises
    ------
    ValueError
        If it is a NumPy dtype other than float32 or float64.
    """
    try:
        known = np.dtype(dtype)
    except TypeError:
        return dtype
    if known.char not in "fd":
        raise ValueError(f"dtype must be float32 or float64, got {known}.")
    return known
