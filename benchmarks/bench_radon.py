"""Operators on images beside scikit-image and scipy.

Prints times of line integrals, of back-projection and of filtered back-projection
beside those of scikit-image, their ratios, and errors: of integrals against exact ones
of a smooth image, of images against the other's. Then the time of restoration by a
Sobolev misfit in closed form beside a deconvolution by scipy's Fourier transforms.
"""

import argparse

import numpy as np
from _timing import paired_seconds, print_table
from scipy import fft
from skimage.transform import iradon, radon

from sklearn_manifold_reg.inverse import (
    FilteredBackProjection,
    RadonTransform,
    SobolevImageRestorer,
    sobolev_weights,
)


def blobs(side):
    """Smooth image, and a function that gives its exact line integrals."""
    rng = np.random.default_rng(0)
    places = side * rng.uniform(0.3, 0.7, size=(5, 2))
    widths = side * rng.uniform(0.02, 0.05, size=5)
    y, x = np.indices((side, side))
    squares = [(y - p[0]) ** 2 + (x - p[1]) ** 2 for p in places]
    image = sum(np.exp(-s / (2 * w**2)) for s, w in zip(squares, widths, strict=True))

    def integrals(angles, n_detectors):
        t = np.deg2rad(angles)
        detector = np.arange(n_detectors)[:, None] - n_detectors // 2
        total = np.zeros((n_detectors, len(t)))
        for (v, u), w in zip(places - side // 2, widths, strict=True):
            gap = detector - (np.cos(t) * u - np.sin(t) * v)
            total += np.sqrt(2 * np.pi) * w * np.exp(-(gap**2) / (2 * w**2))
        return total

    return image, integrals


def tomography(side, n_angles, dtype, repeats):
    angles = np.linspace(0, 180, n_angles, endpoint=False)
    image, integrals = blobs(side)
    image = image.astype(dtype)
    operator = RadonTransform(image.shape, angles)
    back = operator.adjoint()
    exact = integrals(angles, operator.measurement_shape[0])
    u = image.reshape(-1)
    y = operator @ u
    sinogram = y.reshape(operator.measurement_shape)
    X = y.reshape(1, -1)
    model = FilteredBackProjection(operator).fit(X)

    def error(found):
        return float(np.abs(found - exact).max() / exact.max())

    theirs = radon(image, angles, circle=False)
    gap = iradon(sinogram, angles, circle=False) - model.predict(X).reshape(side, side)
    name = np.dtype(dtype).name
    tasks = (
        (
            "integrals",
            lambda: operator @ u,
            lambda: radon(image, angles, circle=False),
            f"{error(sinogram):.1e} of exact, theirs {error(theirs):.1e}",
        ),
        (
            "adjoint",
            lambda: back @ y,
            lambda: iradon(sinogram, angles, circle=False, filter_name=None),
            f"{abs((back @ y) @ u / (y @ y) - 1):.0e} in <A'y, u> = <y, Au>",
        ),
        (
            "filtered",
            lambda: model.predict(X),
            lambda: iradon(sinogram, angles, circle=False),
            f"{np.abs(gap).max():.1e} of theirs",
        ),
    )
    for task, ours, peer, quality in tasks:
        mine, other = paired_seconds([ours, peer], repeats)
        yield [
            task,
            side,
            n_angles,
            name,
            1e3 * mine,
            1e3 * other,
            other / mine,
            quality,
        ]


def deconvolution(side, repeats):
    rng = np.random.default_rng(0)
    G = rng.normal(size=(side, side))
    kernel = np.full((9, 9), 1 / 81)
    X = G.reshape(1, -1)
    restorer = SobolevImageRestorer(penalty="tikhonov", kernel=kernel).fit(X)
    weights, prior = (sobolev_weights(G.shape, s) for s in (-1.0, 1.0))

    def scipy_way():
        centered = np.zeros(G.shape)
        centered[:9, :9] = kernel
        transfer = fft.fft2(np.roll(centered, (-4, -4), axis=(0, 1)))
        factor = transfer.conj() * weights
        factor /= np.abs(transfer) ** 2 * weights + 1e-2 * prior
        return fft.ifft2(factor * fft.fft2(G)).real

    gap = np.abs(scipy_way() - restorer.transform(X).reshape(G.shape)).max()
    fitted, ours, peer = paired_seconds(
        [lambda: restorer.fit(X), lambda: restorer.transform(X), scipy_way], repeats
    )
    return [side, 1e3 * fitted, 1e3 * ours, 1e3 * peer, peer / ours, float(gap)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()

    header = ["task", "side", "angles", "dtype", "ours (ms)", "scikit-image (ms)"]
    header += ["ratio", "largest error"]
    rows = []
    for side, n_angles in ((128, 90), (256, 180), (512, 360)):
        for dtype in (np.float64, np.float32):
            rows += tomography(side, n_angles, dtype, options.repeats)
    print_table(header, rows)

    header = ["side", "fit (ms)", "transform (ms)", "scipy (ms)", "ratio"]
    header += ["largest difference"]
    print_table(header, [deconvolution(side, options.repeats) for side in (256, 1024)])


if __name__ == "__main__":
    main()
