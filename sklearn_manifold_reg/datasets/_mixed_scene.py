"""Made hyperspectral scenes: smooth maps of materials, mixed linearly."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import special
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment
from sklearn.utils import Bunch, check_array, check_random_state

from sklearn_manifold_reg.utils._sklearn import Interval, validate_params

# Nanometers: the range of airborne spectrometers such as AVIRIS.
_RANGE = (400.0, 2500.0)
# Widths of the features of a spectrum, as shares of the range.
_BROAD, _NARROW = 1 / 8, 1 / 30
# Below this quantile the power series of the Gamma law needs its first term only.
_SERIES = 1e-10


@validate_params(
    {
        "shape": ["array-like"],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_bands": [Interval(Integral, 1, None, closed="left")],
        "concentration": [Interval(Real, 0, None, closed="neither")],
        "smoothness": [Interval(Real, 0, None, closed="left")],
        "purity": [Interval(Real, 0, 1, closed="right"), None],
        "snr": [Interval(Real, None, None, closed="neither"), None],
        "endmembers": ["array-like", None],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_mixed_scene(
    shape=(60, 60),
    n_components=4,
    *,
    n_bands=120,
    concentration=0.5,
    smoothness=4.0,
    purity=1.0,
    snr=None,
    endmembers=None,
    random_state=None,
):
    """Draw a hyperspectral image whose pixels mix the spectra of a few materials.

    The linear mixing model of [1]_, `data = abundances @ endmembers + noise`, where
    the abundances of a pixel follow a Dirichlet law and change smoothly over the image.

    Parameters
    ----------
    shape : tuple of two int, default=(60, 60)
        Rows and columns of the image.
    n_components : int, default=4
        Number of materials. Not read if `endmembers` is given.
    n_bands : int, default=120
        Number of bands. Not read if `endmembers` is given.
    concentration : float, default=0.5
        Parameter of the symmetric Dirichlet law of a pixel's abundances. Small values
        give pixels of nearly one material, 1 all mixtures with equal density, large
        values mixtures in equal parts.
    smoothness : float, default=4.0
        Standard deviation, in pixels, of the Gaussian that smooths the fields behind
        the abundances. 0 makes pixels independent.
    purity : float or None, default=1.0
        Abundance that every material reaches in one pixel and none exceeds, at least
        `1 / n_components`. With 1 the scene holds a pure pixel of each material. None
        leaves the Dirichlet law as it is, so that pure pixels may be missing.
    snr : float or None, default=None
        Ratio of signal to noise in decibels, `10 * log10(E[signal**2] / E[noise**2])`
        over all pixels and bands. None adds no noise.
    endmembers : array-like of shape (n_components, n_bands), default=None
        Nonnegative spectra of the materials; None draws smooth ones between 0 and 1.
    random_state : int, RandomState instance or None, default=None
        Seed. The maps do not depend on `endmembers`, and neither depends on `snr`.

    Returns
    -------
    scene : :class:`~sklearn.utils.Bunch`
        Dictionary-like, with

        image : ndarray of shape (n_rows, n_columns, n_bands)
            The image, a view of `data`.
        data : ndarray of shape (n_rows * n_columns, n_bands)
            Its pixels, row by row.
        abundances : ndarray of shape (n_rows * n_columns, n_components)
            Shares of the materials, nonnegative with sum 1 in each pixel.
        endmembers : ndarray of shape (n_components, n_bands)
            Spectra of the materials.
        shape : tuple of two int
            Rows and columns.
        wavelengths : ndarray of shape (n_bands,) or None
            Nanometers, even from 400 to 2500; None if `endmembers` is given.

    Raises
    ------
    ValueError
        If a parameter is out of range, `endmembers` is negative somewhere, or the image
        has fewer pixels than materials.

    See Also
    --------
    fetch_samson : A measured scene of three materials.
    fetch_jasper_ridge : A measured scene of four materials.
    sklearn.datasets.make_low_rank_matrix : Low rank without signs or places.

    Notes
    -----
    Takes time proportional to `n_rows * n_columns * (n_components * smoothness +
    n_components * n_bands)`.

    A standard normal field a material, white noise smoothed by a Gaussian, goes through
    the quantile function of the Gamma law, and the fields are divided by their sum. So
    each pixel follows the Dirichlet law exactly, and the fields of pixels at distance d
    have correlation `exp(-(d / smoothness)**2 / 4)` before the quantile function.

    For `purity`, one pixel a material, where that material is large already, is made
    pure; then all abundances are moved toward equal parts by one factor. With
    `purity=1` nothing moves but these pixels, which may differ from their neighbors.

    Noise is white and Gaussian, and leaves some values of dark pixels negative.

    References
    ----------
    .. [1] N. Keshava, J. F. Mustard, "Spectral unmixing", IEEE Signal Processing
       Magazine 19, 2002, doi:10.1109/79.974727.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.datasets import make_mixed_scene
    >>> scene = make_mixed_scene((30, 40), 3, random_state=0)
    >>> scene.image.shape, scene.abundances.shape
    ((30, 40, 120), (1200, 3))
    >>> bool(np.all(scene.data == scene.abundances @ scene.endmembers))
    True
    >>> scene.abundances.max(axis=0)
    array([1., 1., 1.])
    """
    n_rows, n_columns = _check_shape(shape)
    if endmembers is not None:
        endmembers = _check_endmembers(endmembers)
        n_components = len(endmembers)
    if purity is not None:
        _check_purity(purity, n_components, n_rows * n_columns)
    rng = check_random_state(random_state)
    # A stream for each part, so that no part moves the others.
    maps_rng, spectra_rng, noise_rng = (
        np.random.RandomState(seed) for seed in rng.randint(2**31 - 1, size=3)
    )

    fields = _normal_fields(maps_rng, n_components, (n_rows, n_columns), smoothness)
    abundances = _dirichlet_rows(fields.reshape(n_components, -1).T, concentration)
    if purity is not None:
        abundances = _set_purity(abundances, purity)
    wavelengths = None
    if endmembers is None:
        wavelengths = np.linspace(*_RANGE, n_bands)
        endmembers = _smooth_spectra(spectra_rng, n_components, n_bands)
    data = abundances @ endmembers
    if snr is not None:
        scale = math.sqrt(np.mean(data**2) / 10 ** (snr / 10))
        data = data + scale * noise_rng.standard_normal(data.shape)
    return Bunch(
        image=data.reshape(n_rows, n_columns, -1),
        data=data,
        abundances=abundances,
        endmembers=endmembers,
        shape=(n_rows, n_columns),
        wavelengths=wavelengths,
    )


def _check_shape(shape: Any) -> tuple[int, int]:
    sides = np.asarray(shape)
    if sides.shape != (2,) or sides.dtype.kind not in "iu" or np.any(sides < 1):
        raise ValueError(
            "shape must be the numbers of rows and columns, whole and at least 1, got "
            f"{shape!r}."
        )
    return int(sides[0]), int(sides[1])


def _check_endmembers(endmembers: Any) -> np.ndarray:
    endmembers = check_array(
        endmembers, dtype=np.float64, input_name="endmembers", copy=True
    )
    if np.any(endmembers < 0):
        raise ValueError(
            "endmembers must be nonnegative spectra, got a least value of "
            f"{endmembers.min():.3g}."
        )
    return endmembers


def _check_purity(purity: float, n_components: int, n_pixels: int) -> None:
    if purity * n_components < 1:
        raise ValueError(
            f"purity={purity} is below 1 / n_components = {1 / n_components:.3g}, and "
            "some material always has that much; raise purity."
        )
    if n_pixels < n_components:
        raise ValueError(
            f"n_components={n_components} materials need a pixel each to reach "
            f"purity={purity}, but the image has {n_pixels}; enlarge shape or set "
            "purity=None."
        )


def _normal_fields(
    rng: np.random.RandomState,
    n_fields: int,
    shape: tuple[int, ...],
    width: float,
) -> np.ndarray:
    """Draw independent, stationary Gaussian fields of mean 0 and variance 1."""
    margin = math.ceil(4 * width)
    noise = rng.standard_normal((n_fields, *(side + 2 * margin for side in shape)))
    if margin == 0:
        return noise
    axes = tuple(range(1, noise.ndim))
    fields = gaussian_filter(noise, width, axes=axes, radius=margin, mode="constant")
    # What lies within a margin of the border has seen less than the whole kernel.
    fields = fields[(slice(None), *(slice(margin, -margin) for _ in shape))]
    impulse = np.zeros(2 * margin + 1)
    impulse[margin] = 1
    kernel = gaussian_filter(impulse, width, radius=margin, mode="constant")
    return fields / np.linalg.norm(kernel) ** len(shape)


def _dirichlet_rows(normal: np.ndarray, concentration: float) -> np.ndarray:
    """Turn rows of independent normal numbers into rows of a Dirichlet law."""
    quantiles = special.gammaincinv(concentration, special.ndtr(normal))
    # By logarithms: for a small concentration a whole row could underflow to 0.
    series = special.log_ndtr(normal) + special.gammaln(concentration + 1)
    small = quantiles < _SERIES
    logs = np.log(np.where(small, 1.0, quantiles))
    logs = np.where(small, series / concentration, logs)
    return special.softmax(logs, axis=1)


def _set_purity(abundances: np.ndarray, purity: float) -> np.ndarray:
    """Let every material reach `purity` in one pixel, and nowhere more."""
    n_components = abundances.shape[1]
    abundances = abundances.copy()
    # Of each material its largest pixels, enough for all to have one of their own.
    candidates = np.unique(np.argsort(-abundances, axis=0)[:n_components])
    place, material = linear_sum_assignment(-abundances[candidates])
    abundances[candidates[place]] = np.eye(n_components)[material]
    if purity == 1 or n_components == 1:
        return abundances
    equal = 1 / n_components
    return equal + (abundances - equal) * ((purity - equal) / (1 - equal))


def _smooth_spectra(
    rng: np.random.RandomState, n_components: int, n_bands: int
) -> np.ndarray:
    """Draw spectra with broad and narrow features, uniform in (0, 1) at each band."""
    broad, narrow = (
        _normal_fields(rng, n_components, (n_bands,), share * n_bands)
        for share in (_BROAD, _NARROW)
    )
    return special.ndtr((broad + narrow) / math.sqrt(2))
