# mypy: ignore-errors
"""Compiled line integrals of images, and their adjoint.

Each result is a sum over lines or angles in one register, so that it is the same for
any number of threads and the loop is vectorized. Indices are unsigned and of 32 bits:
there is no test for negative ones, and vectors of them come from vectors of floats.
"""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel


@kernel(reassociate=True)
def project(
    across, down, flat, starts, shifts, steps, weights, out, begin_angle, end_angle
):
    """Write line integrals along angles `begin_angle` to `end_angle`, one row each.

    Rays cross the lines of `across`, the padded image, or of `down`, its transpose. On
    line l, ray d is at `starts[a] + shifts[a] * l + steps[a] * d`.
    """
    one = np.uint32(1)
    for a in range(begin_angle, end_angle):
        image = down if flat[a] else across
        pixels = image.reshape(-1)
        length = np.uint32(image.shape[1])
        last_line = image.shape[0] - 1.0
        # Beyond these places there are only zeros.
        left = 1.0
        right = image.shape[1] - 2.0
        shift = shifts[a]
        for d in range(out.shape[1]):
            start = starts[a] + steps[a] * d
            low = 0.0
            high = last_line
            if shift != 0.0:
                one_end = (left - start) / shift
                other_end = (right - start) / shift
                low = min(max(min(one_end, other_end), 0.0), last_line + 1.0)
                high = max(min(max(one_end, other_end), last_line), -1.0)
            elif start < left or start > right:
                high = -1.0
            total = out.dtype.type(0)
            first = np.uint32(np.ceil(low))
            for line in range(first, np.uint32(np.int64(np.floor(high)) + 1)):
                place = start + shift * line
                before = np.int32(place)
                share = out.dtype.type(place - before)
                pixel = np.uint32(before) + np.uint32(line) * length
                value = pixels[pixel]
                total += value + share * (pixels[pixel + one] - value)
            out[a, d] = total * weights[a]


@kernel(reassociate=True)
def back_project(sinogram, cosines, sines, offsets, peaks, slopes, out, start, stop):
    """Write rows `start` to `stop` of the adjoint.

    A pixel takes from the two detectors beside its shadow, a hat that is `peaks[a]`
    high and falls by `slopes[a]` a detector.
    """
    one = np.uint32(1)
    zero = out.dtype.type(0)
    n_angles = np.uint32(sinogram.shape[0])
    measured = sinogram.reshape(-1)
    places = np.empty(sinogram.shape[0])
    firsts = np.empty(sinogram.shape[0], dtype=np.int32)
    for a in range(n_angles):
        firsts[a] = a * np.uint32(sinogram.shape[1])
    for y in range(start, stop):
        for a in range(n_angles):
            places[a] = offsets[a] - sines[a] * y
        for x in range(out.shape[1]):
            total = zero
            for a in range(n_angles):
                place = places[a] + cosines[a] * x
                before = np.int32(place)
                fall = out.dtype.type(place - before) * slopes[a]
                left = max(zero, peaks[a] - fall)
                right = max(zero, peaks[a] - slopes[a] + fall)
                ray = np.uint32(before + firsts[a])
                total += left * measured[ray] + right * measured[ray + one]
            out[y, x] = total
