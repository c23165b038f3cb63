"""Line integrals of images: the measurements of computed tomography."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.inverse._image_operator import (
    ImageOperator,
    check_count,
    check_dtype,
    check_image_shape,
)
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Interpolations below which a second thread costs more than it saves.
_SERIAL_WORK = 200_000
# Zeros around images and sinograms, so that kernels need not look for the edge.
_MARGIN = 2


@dataclass(frozen=True, eq=False, init=False)
class RadonTransform(ImageOperator):
    """Line integrals of an image along parallel rays at some angles.

    At angle t, detector d sees the ray of all points (x, y) with

        cos(t) (x - width // 2) - sin(t) (y - height // 2) = d - n_detectors // 2,

    in pixels, y running downwards. The integral is a sum over the rows that the ray
    crosses, or over the columns if it is closer to the horizontal; in each of them the
    image is interpolated between two pixels [1]_.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    angles : array-like of shape (n_angles,)
        Directions in degrees.
    n_detectors : int or None, default=None
        Number of detectors, one pixel apart. None takes as many as see the whole
        image from everywhere: its longer side times the square root of 2, rounded up.
    dtype : dtype, default=float64
        Dtype of products with integers.
    n_jobs : int or None, default=None
        Threads.

    Attributes
    ----------
    image_shape : tuple of (int, int)
        Height and width.
    angles : ndarray of shape (n_angles,)
        Directions in degrees.
    measurement_shape : tuple of (int, int)
        (n_detectors, n_angles): a vector of measurements is a sinogram with a column
        for each angle, in row-major order.
    entry_dtype : dtype, default=float64
        Dtype of products with integers; the argument is called `dtype`.
    n_jobs : int or None, default=None
        Threads; None takes all cores. Products do not depend on it.

    Raises
    ------
    ValueError
        If there is no angle, or one is not finite; if `image_shape` is not two
        positive integers, or `n_detectors` none.

    See Also
    --------
    FilteredBackProjection : The classical inverse.
    skimage.transform.radon : The same geometry, with `circle=False`.

    Notes
    -----
    Takes O(n_pixels * n_angles) time. Neither the product nor its adjoint stores the
    matrix, which has 2 n_pixels n_angles entries; both use the same ones.

    Products with NumPy arrays run in compiled code. Those of other array libraries are
    computed there, one angle after the other.

    References
    ----------
    .. [1] P. M. Joseph, "An improved algorithm for reprojecting rays through pixel
       images", IEEE Transactions on Medical Imaging 1, 1982,
       doi:10.1109/TMI.1982.4307572.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import RadonTransform
    >>> radon = RadonTransform((3, 3), angles=[0, 90], n_detectors=3)
    >>> u = np.array([[0.0, 0.0, 1.0], [0.0, 2.0, 0.0], [0.0, 0.0, 4.0]])
    >>> (radon @ u.reshape(-1)).reshape(radon.measurement_shape)
    array([[0., 4.],
           [2., 2.],
           [5., 1.]])
    """

    image_shape: tuple[int, int]
    angles: np.ndarray
    measurement_shape: tuple[int, ...]
    entry_dtype: Any
    n_jobs: int | None

    def __init__(
        self,
        image_shape: tuple[int, int],
        angles: Any,
        *,
        n_detectors: int | None = None,
        dtype: Any = np.float64,
        n_jobs: int | None = None,
    ) -> None:
        sides = check_image_shape(image_shape)
        angles = _check_angles(angles)
        if n_detectors is None:
            n_detectors = int(np.ceil(np.sqrt(2) * max(sides)))
        n_detectors = check_count("n_detectors", n_detectors)
        object.__setattr__(self, "image_shape", sides)
        object.__setattr__(self, "angles", angles)
        object.__setattr__(self, "measurement_shape", (n_detectors, len(angles)))
        object.__setattr__(self, "entry_dtype", check_dtype(dtype))
        n_threads(n_jobs)  # Refuses 0.
        object.__setattr__(self, "n_jobs", n_jobs)

    @property
    def widths(self) -> np.ndarray:
        """Widths of the pixels' shadows, between 0.71 and 1, of shape (n_angles,)."""
        return np.maximum(*np.abs(_directions(self)))

    def _map(self, images: Any) -> Any:
        return project_images(self, images)

    def _map_back(self, measurements: Any) -> Any:
        return back_project(self, measurements, self.widths)

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host.

        Returns
        -------
        csr : CSR
            With 2 n_pixels n_angles entries at most, in the dtype of the operator.
        """
        n_detectors, n_angles = self.measurement_shape
        n_pixels = self.shape[1]
        n_entries = 2 * n_pixels * n_angles
        kind = np.int32 if n_entries < np.iinfo(np.int32).max else np.int64
        rows = np.empty((n_pixels, n_angles, 2), dtype=kind)
        weights = np.empty(rows.shape)
        for a in range(n_angles):
            first, left, right = _shares(self, a, self.widths[a])
            for side, share in enumerate((left, right)):
                detector = first + side
                seen = (detector >= 0) & (detector < n_detectors)
                rows[:, a, side] = np.where(seen, detector, 0) * n_angles + a
                weights[:, a, side] = np.where(seen, share, 0.0)
        bounds = np.arange(0, n_entries + 1, 2 * n_angles, dtype=kind)
        columns = (weights.reshape(-1), rows.reshape(-1), bounds)
        matrix = sparse.csr_array(sparse.csc_array(columns, shape=self.shape))
        matrix.eliminate_zeros()
        return self._host_matrix(matrix)


def project_images(radon: RadonTransform, images: Any) -> Any:
    """Integrate images along all rays.

    Parameters
    ----------
    radon : RadonTransform
        Geometry.
    images : array of shape (*image_shape, n_images)
        float32 or float64.

    Returns
    -------
    sinograms : array of shape (*measurement_shape, n_images)
        Line integrals, in the dtype of the images.
    """
    lines = _line_geometry(radon)
    if not (isinstance(images, np.ndarray) and use_compiled()):
        return _project_on_any_library(radon, lines, images)

    from sklearn_manifold_reg.inverse._radon_numba import project

    n_detectors, n_angles = radon.measurement_shape
    out = np.empty((*radon.measurement_shape, images.shape[2]), dtype=images.dtype)
    threads = _threads(radon)
    weights = lines.weights.astype(images.dtype)
    for number in range(images.shape[2]):
        image = images[:, :, number]
        padded = [_pad(side, (_MARGIN, _MARGIN)) for side in (image, image.T)]
        sinogram = np.empty((n_angles, n_detectors), dtype=images.dtype)
        arrays = (*padded, lines.flat, lines.starts, lines.shifts, lines.steps, weights)
        run_rows(project, n_angles, *arrays, sinogram, n_jobs=threads)
        out[:, :, number] = sinogram.T
    return out


def back_project(radon: RadonTransform, sinograms: Any, widths: np.ndarray) -> Any:
    """Spread measurements along their rays.

    Parameters
    ----------
    radon : RadonTransform
        Geometry.
    sinograms : array of shape (*measurement_shape, n_images)
        Measurements, float32 or float64.
    widths : ndarray of shape (n_angles,)
        Widths of the pixels' shadows. Those of the transform give its adjoint; ones
        interpolate linearly between detectors.

    Returns
    -------
    images : array of shape (*image_shape, n_images)
        Sums over angles, in the dtype of the sinograms.
    """
    if not (isinstance(sinograms, np.ndarray) and use_compiled()):
        return _back_project_on_any_library(radon, sinograms, widths)

    from sklearn_manifold_reg.inverse._radon_numba import back_project as spread

    cosines, sines = _directions(radon)
    y, x = _center(radon)
    margins = _detector_margins(radon)
    offsets = radon.measurement_shape[0] // 2 + margins[0] - cosines * x + sines * y
    hats = ((1 / widths).astype(sinograms.dtype), (widths**-2).astype(sinograms.dtype))
    out = np.empty((*radon.image_shape, sinograms.shape[2]), dtype=sinograms.dtype)
    for number in range(sinograms.shape[2]):
        padded = _pad(sinograms[:, :, number].T, margins)
        image = np.empty(radon.image_shape, dtype=sinograms.dtype)
        arrays = (padded, cosines, sines, offsets, *hats, image)
        run_rows(spread, len(image), *arrays, n_jobs=_threads(radon))
        out[:, :, number] = image
    return out


def _project_on_any_library(
    radon: RadonTransform, lines: "_LineGeometry", images: Any
) -> Any:
    """Stand in for the kernel `project`, one angle after the other."""
    xp = namespace_of(images)
    sides = (images, xp.permute_dims(images, (1, 0, 2)))
    margins = [[xp.zeros_like(side[:, :1, :])] * _MARGIN for side in sides]
    across, down = (
        xp.concat([*margin, side, *margin], axis=1)
        for side, margin in zip(sides, margins, strict=True)
    )
    detector = _count(images, radon.measurement_shape[0])[None, :]
    sums = []
    for a in range(len(radon.angles)):
        padded = down if lines.flat[a] else across
        n_lines, length, n_images = padded.shape
        line = _count(images, n_lines)[:, None]
        start, shift = float(lines.starts[a]), float(lines.shifts[a])
        place = start + shift * line + float(lines.steps[a]) * detector
        # Rays that miss the image go through its margin of zeros.
        place = xp.clip(place, 0.0, float(length - _MARGIN))
        first = xp.floor(place)
        index = xp.reshape(xp.astype(first + length * line, xp.int64), (-1,))
        share = xp.reshape(xp.astype(place - first, images.dtype), (-1, 1))
        pixels = xp.reshape(padded, (-1, n_images))
        left = xp.take(pixels, index, axis=0)
        values = left + share * (xp.take(pixels, index + 1, axis=0) - left)
        values = xp.reshape(values, (n_lines, -1, n_images))
        sums.append(float(lines.weights[a]) * xp.sum(values, axis=0))
    return xp.stack(sums, axis=1)


def _back_project_on_any_library(
    radon: RadonTransform, sinograms: Any, widths: np.ndarray
) -> Any:
    """Stand in for the kernel `back_project`, one angle after the other."""
    xp = namespace_of(sinograms)
    before, after = _detector_margins(radon)
    zeros = xp.zeros_like(sinograms[:1, :, :])
    left_of, right_of = (xp.repeat(zeros, n, axis=0) for n in (before, after))
    padded = xp.concat([left_of, sinograms, right_of], axis=0)
    cosines, sines = _directions(radon)
    center_y, center_x = _center(radon)
    height, width = radon.image_shape
    y = _count(sinograms, height)[:, None] - center_y
    x = _count(sinograms, width)[None, :] - center_x
    total = None
    for a in range(len(radon.angles)):
        measured = padded[:, a, :]
        place = float(cosines[a]) * x - float(sines[a]) * y
        place = xp.reshape(place + (radon.measurement_shape[0] // 2 + before), (-1,))
        first = xp.floor(place)
        gap, index = place - first, xp.astype(first, xp.int64)
        part = 0.0
        for side, distance in enumerate((gap, 1 - gap)):
            share = xp.clip(1 - distance / float(widths[a]), 0.0, None)
            share = xp.astype(share / float(widths[a]), sinograms.dtype)
            part = part + share[:, None] * xp.take(measured, index + side, axis=0)
        total = part if total is None else total + part
    return xp.reshape(total, (height, width, -1))


def _count(reference: Any, n: int) -> Any:
    """Numbers 0 to n - 1 in the widest floating dtype of an array's device."""
    xp = namespace_of(reference)
    known = xp.__array_namespace_info__().dtypes(
        device=device(reference), kind="real floating"
    )
    dtype = known.get("float64", reference.dtype)
    return xp.arange(n, dtype=dtype, device=device(reference))


@dataclass(frozen=True, eq=False)
class _LineGeometry:
    """Where rays cross the rows or columns of a padded image, by angle.

    Ray d crosses line l at `starts[a] + shifts[a] * l + steps[a] * d`.
    """

    flat: np.ndarray
    starts: np.ndarray
    shifts: np.ndarray
    steps: np.ndarray
    weights: np.ndarray


def _line_geometry(radon: RadonTransform) -> _LineGeometry:
    cosines, sines = _directions(radon)
    y, x = _center(radon)
    # Rays closer to the horizontal cross columns, the others rows.
    flat = np.abs(cosines) < np.abs(sines)
    slope = np.where(flat, -sines, cosines)
    shifts = np.where(flat, cosines, sines) / np.where(flat, sines, cosines)
    starts = np.where(flat, y, x) - shifts * np.where(flat, x, y) + _MARGIN
    starts -= (radon.measurement_shape[0] // 2) / slope
    return _LineGeometry(flat, starts, shifts, 1 / slope, 1 / np.abs(slope))


def _detector_margins(radon: RadonTransform) -> tuple[int, int]:
    """Detectors wanting on both sides for every pixel to cast a shadow on some."""
    height, width = radon.image_shape
    y, x = _center(radon)
    reach = int(np.ceil(np.hypot(max(y, height - 1 - y), max(x, width - 1 - x))))
    n_detectors = radon.measurement_shape[0]
    center = n_detectors // 2
    return max(0, reach - center) + 2, max(0, reach - (n_detectors - 1 - center)) + 2


def _pad(lines: np.ndarray, margins: tuple[int, int]) -> np.ndarray:
    """Put zeros before and after each line, whatever the memory layout."""
    return np.ascontiguousarray(np.pad(lines, ((0, 0), margins)))


def _threads(radon: RadonTransform) -> int:
    work = radon.shape[1] * len(radon.angles)
    return 1 if work < _SERIAL_WORK else n_threads(radon.n_jobs)


def _directions(radon: RadonTransform) -> tuple[np.ndarray, np.ndarray]:
    angles = np.deg2rad(radon.angles)
    return np.cos(angles), np.sin(angles)


def _center(radon: RadonTransform) -> tuple[int, int]:
    return radon.image_shape[0] // 2, radon.image_shape[1] // 2


def _shares(
    radon: RadonTransform, a: int, width: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Detector left of each pixel's shadow, and shares of it and of the next one."""
    cosine, sine = (direction[a] for direction in _directions(radon))
    y, x = np.indices(radon.image_shape).reshape(2, -1)
    center_y, center_x = _center(radon)
    place = cosine * (x - center_x) - sine * (y - center_y)
    place += radon.measurement_shape[0] // 2
    first = np.floor(place).astype(np.int64)
    gap = place - first
    left = np.maximum(0.0, 1 - gap / width) / width
    right = np.maximum(0.0, 1 - (1 - gap) / width) / width
    return first, left, right


def _check_angles(angles: Any) -> np.ndarray:
    angles = np.asarray(angles)
    if angles.dtype.kind not in "iuf":
        raise ValueError(f"angles must be real numbers in degrees, got {angles.dtype}.")
    angles = angles.astype(np.float64)
    if angles.ndim != 1 or angles.size == 0:
        raise ValueError(
            "angles must be a vector of at least one angle in degrees, got shape "
            f"{angles.shape}."
        )
    wrong = ~np.isfinite(angles)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(f"angles must be finite, got {angles[place]} at {place}.")
    return angles
