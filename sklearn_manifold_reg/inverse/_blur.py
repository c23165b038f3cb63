"""Images out of focus."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.fft import next_fast_len

from sklearn_manifold_reg._arrays import (
    CSR,
    device,
    irfftn,
    namespace_of,
    rfftn,
    to_numpy,
)
from sklearn_manifold_reg.inverse._image_operator import (
    ImageOperator,
    check_choice,
    check_image_shape,
)


@dataclass(frozen=True, eq=False, init=False)
class BlurOperator(ImageOperator):
    """Convolution of an image with a kernel.

    (A u)[y, x] = sum_{i, j} kernel[i, j] u[y + c_y - i, x + c_x - j],

    with the center c of the kernel at half its sides, rounded down.

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    measurement_shape : tuple of (int, int)
        The same.
    kernel : ndarray of shape (kernel_height, kernel_width)
        Weights; those of a blur sum to 1. At most as large as the image.
    boundary : {"periodic", "symmetric", "zero"}, default="periodic"
        What lies around the image: the image again, its mirror image with the edge
        pixels repeated, or nothing.
    entry_dtype : dtype
        Dtype of the kernel, and of products with integers.

    Raises
    ------
    ValueError
        If the kernel is not a finite real matrix, zero or larger than the image.

    See Also
    --------
    scipy.ndimage.convolve : The same map of an array, without its adjoint.

    Notes
    -----
    Takes arrays of any array library that has Fourier transforms: O(n log n) time for
    n pixels, whatever the size of the kernel. The transform of the kernel is kept as
    `transfer`; for "periodic" its entries are the eigenvalues of the map.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import BlurOperator
    >>> blur = BlurOperator((3, 4), np.full((1, 2), 0.5))
    >>> (blur @ np.eye(12)[5]).reshape(3, 4).round(2)
    array([[0. , 0. , 0. , 0. ],
           [0.5, 0.5, 0. , 0. ],
           [0. , 0. , 0. , 0. ]])
    """

    image_shape: tuple[int, int]
    measurement_shape: tuple[int, ...]
    kernel: np.ndarray
    boundary: str
    transfer: np.ndarray
    transfer_shape: tuple[int, int]
    entry_dtype: Any

    def __init__(
        self,
        image_shape: tuple[int, int],
        kernel: Any,
        *,
        boundary: str = "periodic",
    ) -> None:
        check_choice("boundary", boundary, ("periodic", "symmetric", "zero"))
        sides = check_image_shape(image_shape)
        kernel = check_kernel(kernel, sides)
        size = sides
        if boundary != "periodic":
            size = (
                next_fast_len(sides[0] + kernel.shape[0] - 1, real=True),
                next_fast_len(sides[1] + kernel.shape[1] - 1, real=True),
            )
        object.__setattr__(self, "image_shape", sides)
        object.__setattr__(self, "measurement_shape", sides)
        object.__setattr__(self, "kernel", kernel)
        object.__setattr__(self, "boundary", boundary)
        object.__setattr__(self, "transfer", transfer_of(kernel, size))
        object.__setattr__(self, "transfer_shape", size)
        object.__setattr__(self, "entry_dtype", kernel.dtype)

    def _map(self, images: Any) -> Any:
        xp = namespace_of(images)
        images = xp.permute_dims(images, (2, 0, 1))
        starts = (0, 0)
        if self.boundary == "symmetric":
            starts = self._margins()[0]
            for axis, before, after in zip((1, 2), *self._margins(), strict=True):
                images = _mirror(images, axis, before, after)
        images = self._filter(images, conjugate=False)
        return xp.permute_dims(_crop(images, starts, self.image_shape), (1, 2, 0))

    def _map_back(self, measurements: Any) -> Any:
        xp = namespace_of(measurements)
        images = xp.permute_dims(measurements, (2, 0, 1))
        mirrored = self.boundary == "symmetric"
        if mirrored:
            for axis, before in zip((1, 2), self._margins()[0], strict=True):
                images = _shift(images, axis, before)
        images = self._filter(images, conjugate=True)
        if mirrored:
            for axis, before, after in zip((1, 2), *self._margins(), strict=True):
                length = self.image_shape[axis - 1]
                images = _fold(images, axis, before, length, after)
        images = _crop(images, (0, 0), self.image_shape)
        return xp.permute_dims(images, (1, 2, 0))

    def _margins(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels that the kernel reaches before and after the image."""
        height, width = self.kernel.shape
        after = (height // 2, width // 2)
        return (height - 1 - after[0], width - 1 - after[1]), after

    def _filter(self, images: Any, *, conjugate: bool) -> Any:
        spectra = rfftn(images, self.transfer_shape)
        transfer = self.transfer.conj() if conjugate else self.transfer
        transfer = namespace_of(spectra).asarray(
            transfer, dtype=spectra.dtype, device=device(spectra)
        )
        return irfftn(spectra * transfer, self.transfer_shape)

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host.

        Returns
        -------
        csr : CSR
            With as many entries a row as the kernel has weights.
        """
        n_pixels = self.shape[1]
        targets, sources, weights = [], [], []
        y, x = np.divmod(np.arange(n_pixels), self.image_shape[1])
        _, center = self._margins()
        for i, j in np.argwhere(self.kernel):
            v, inside_v = self._source(y + center[0] - i, 0)
            u, inside_u = self._source(x + center[1] - j, 1)
            inside = inside_v & inside_u
            targets.append(np.flatnonzero(inside))
            sources.append((v * self.image_shape[1] + u)[inside])
            weights.append(np.full(targets[-1].size, self.kernel[i, j]))
        places = (np.concatenate(targets), np.concatenate(sources))
        entries = (np.concatenate(weights), places)
        return self._host_matrix(sparse.csr_array(entries, shape=self.shape))

    def _source(self, places: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels that places in or around the image stand for, if there are such."""
        length = self.image_shape[axis]
        if self.boundary == "periodic":
            return places % length, np.ones(places.shape, dtype=bool)
        if self.boundary == "symmetric":
            places = np.where(places < 0, -1 - places, places)
            places = np.where(places >= length, 2 * length - 1 - places, places)
        return places, (places >= 0) & (places < length)


def transfer_of(kernel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Transform a centered kernel on a torus.

    Parameters
    ----------
    kernel : ndarray of shape (kernel_height, kernel_width)
        Weights.
    size : tuple of (int, int)
        Height and width of the torus, no less than those of the kernel.

    Returns
    -------
    transfer : ndarray of shape (size[0], size[1] // 2 + 1)
        Factors of the Fourier coefficients of real images.
    """
    padded = np.zeros(size)
    padded[: kernel.shape[0], : kernel.shape[1]] = kernel
    center = (-(kernel.shape[0] // 2), -(kernel.shape[1] // 2))
    return rfftn(np.roll(padded, center, axis=(0, 1)), size)


def check_kernel(kernel: Any, sides: tuple[int, int]) -> np.ndarray:
    """Check the kernel of a convolution.

    Parameters
    ----------
    kernel : array-like of shape (kernel_height, kernel_width)
        Weights.
    sides : tuple of (int, int)
        Height and width of the images.

    Returns
    -------
    kernel : ndarray of shape (kernel_height, kernel_width)
        float32 or float64.

    Raises
    ------
    ValueError
        If it is not a finite real matrix, zero or larger than the images.
    """
    kernel = np.asarray(to_numpy(kernel))
    if kernel.dtype.kind == "c":
        raise ValueError("kernel is complex; blurs of real images have real kernels.")
    if kernel.dtype != np.float32:
        kernel = kernel.astype(np.float64)
    if kernel.ndim != 2 or kernel.size == 0 or not np.isfinite(kernel).all():
        raise ValueError(
            "kernel must be a finite matrix of at least one weight, got shape "
            f"{kernel.shape}" + (" with NaN or infinity." if kernel.ndim == 2 else ".")
        )
    if not kernel.any():
        raise ValueError("kernel is zero everywhere: nothing of the image is left.")
    if kernel.shape[0] > sides[0] or kernel.shape[1] > sides[1]:
        raise ValueError(
            f"kernel of shape {kernel.shape} is larger than images of shape {sides}: "
            "cut off its margins."
        )
    return kernel


def _crop(images: Any, starts: tuple[int, int], sides: tuple[int, int]) -> Any:
    rows = slice(starts[0], starts[0] + sides[0])
    return images[:, rows, starts[1] : starts[1] + sides[1]]


def _part(images: Any, axis: int, start: int, stop: int) -> Any:
    span = slice(start, stop)
    return images[:, span, :] if axis == 1 else images[:, :, span]


def _mirror(images: Any, axis: int, before: int, after: int) -> Any:
    """Put mirrored margins before and after the images."""
    xp = namespace_of(images)
    length = images.shape[axis]
    left = xp.flip(_part(images, axis, 0, before), axis=axis)
    right = xp.flip(_part(images, axis, length - after, length), axis=axis)
    return xp.concat([left, images, right], axis=axis)


def _shift(images: Any, axis: int, before: int) -> Any:
    """Put zeros before the images."""
    xp = namespace_of(images)
    zeros = xp.zeros_like(_part(images, axis, 0, before))
    return xp.concat([zeros, images], axis=axis)


def _fold(images: Any, axis: int, before: int, length: int, after: int) -> Any:
    """Add margins back to the pixels they mirror: the adjoint of `_mirror`."""
    xp = namespace_of(images)
    inside = _part(images, axis, before, before + length)
    left = xp.flip(_part(images, axis, 0, before), axis=axis)
    right = _part(images, axis, before + length, before + length + after)
    right = xp.flip(right, axis=axis)
    zeros = xp.zeros_like(inside)
    # Each margin is made as long as the image, for want of addition in place.
    left = xp.concat([left, _part(zeros, axis, 0, length - before)], axis=axis)
    right = xp.concat([_part(zeros, axis, 0, length - after), right], axis=axis)
    return inside + left + right
