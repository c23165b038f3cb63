# mypy: disallow-untyped-defs=False
"""Compiled weighted sums over windows of an image."""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Exponents beyond have a weight of 1e-304, taken as zero.
_LARGEST = 700.0
# exp(-u) is the 1024th power of exp(-u / 1024), for which a short series does.
_PART = 1.0 / 1024.0


@kernel(reassociate=True)
def window_sums(values, signal, height, width, radius, rate, out, start, stop):
    """Sum signals over windows of image rows `start` to `stop`, weighted by likeness.

    The exponential is written out in plain arithmetic so that the loop over a row is
    vectorized; its relative error is at most some 1e-13.
    """
    for k in range(signal.shape[0]):
        for y in range(start, stop):
            total = np.zeros(width)
            for v in range(max(y - radius, 0), min(y + radius, height - 1) + 1):
                for shift in range(-radius, radius + 1):
                    if v == y and shift == 0:
                        continue
                    first = max(0, -shift)
                    last = width - max(0, shift)
                    here = values[y, first:last]
                    there = values[v, first + shift : last + shift]
                    near = signal[k, v, first + shift : last + shift]
                    part = total[first:last]
                    for x in range(np.uint64(max(0, last - first))):
                        gap = here[x] - there[x]
                        exponent = gap * gap * rate
                        u = min(exponent, _LARGEST) * _PART
                        series = 1.0 - u * (1.0 / 14.0)
                        series = 1.0 - u * (1.0 / 13.0) * series
                        series = 1.0 - u * (1.0 / 12.0) * series
                        series = 1.0 - u * (1.0 / 11.0) * series
                        series = 1.0 - u * (1.0 / 10.0) * series
                        series = 1.0 - u * (1.0 / 9.0) * series
                        series = 1.0 - u * (1.0 / 8.0) * series
                        series = 1.0 - u * (1.0 / 7.0) * series
                        series = 1.0 - u * (1.0 / 6.0) * series
                        series = 1.0 - u * (1.0 / 5.0) * series
                        series = 1.0 - u * (1.0 / 4.0) * series
                        series = 1.0 - u * (1.0 / 3.0) * series
                        series = 1.0 - u * (1.0 / 2.0) * series
                        weight = 1.0 - u * series
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        weight = weight * weight
                        part[x] += weight * near[x] * (exponent <= _LARGEST)
            for x in range(width):
                out[k, y, x] = total[x]
