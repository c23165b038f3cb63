# mypy: ignore-errors
"""Compiled line integrals of images, and their adjoint."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def project(across, down, flat, starts, shifts, steps, weights, out, start, stop):
    """Write line integrals along angles `start` to `stop`, one row of `out` each.

    Rays cross the lines of `across`, the padded image, or of `down`, its transpose. On
    line l, ray d is at `starts[a] + shifts[a] * l + steps[a] * d`.
    """
    one = np.uint64(1)
    n_detectors = out.shape[1]
    for a in range(start, stop):
        image = down if flat[a] else across
        step = steps[a]
        last = image.shape[1] - 2
        for line in range(image.shape[0]):
            first = starts[a] + shifts[a] * line
            low = (1.0 - first) / step
            high = (last - first) / step
            if low > high:
                low, high = high, low
            for d in range(
                max(0, int(np.ceil(low))), min(n_detectors, int(np.floor(high)) + 1)
            ):
                place = first + step * d
                j = np.uint64(np.int64(place))
                share = out.dtype.type(place - np.int64(place))
                value = image[line, j]
                out[a, d] += value + share * (image[line, j + one] - value)
        for d in range(n_detectors):
            out[a, d] *= weights[a]


@kernel
def back_project(sinogram, cosines, sines, offsets, widths, out, start, stop):
    """Write rows `start` to `stop` of the adjoint.

    A pixel takes from the two detectors beside its shadow.
    """
    one = np.uint64(1)
    for y in range(start, stop):
        for a in range(sinogram.shape[0]):
            first = offsets[a] - sines[a] * y
            cosine = cosines[a]
            inverse = 1.0 / widths[a]
            for x in range(out.shape[1]):
                place = first + cosine * x
                k = np.uint64(np.int64(place))
                gap = place - np.int64(place)
                left = max(0.0, 1.0 - gap * inverse) * inverse
                right = max(0.0, 1.0 - (1.0 - gap) * inverse) * inverse
                out[y, x] += out.dtype.type(left) * sinogram[a, k]
                out[y, x] += out.dtype.type(right) * sinogram[a, k + one]
