"""How near images are to the true ones."""

import numpy as np
from scipy.ndimage import uniform_filter
from sklearn.utils import check_array

# Constants of the index, relative to the range of the data [1].
_K1, _K2 = 0.01, 0.03


def peak_signal_to_noise_ratio(y_true, y_pred, *, data_range=None):
    """Compute the peak signal-to-noise ratio of images, in decibels.

    It is `10 log10(data_range² / mean((y_true - y_pred)²))`, the mean over all pixels.

    Parameters
    ----------
    y_true : array-like of any shape
        True image.
    y_pred : array-like of the same shape
        Image to be judged.
    data_range : float, default=None
        Largest possible difference of pixels. None takes that of `y_true`.

    Returns
    -------
    ratio : float
        Larger is better; infinite for equal images.

    Raises
    ------
    ValueError
        If an image holds NaN or infinity, shapes differ, or the range is not positive.

    See Also
    --------
    structural_similarity : Compares structure rather than values.

    Examples
    --------
    >>> from sklearn_manifold_reg.metrics import peak_signal_to_noise_ratio
    >>> round(peak_signal_to_noise_ratio([[0.0, 1.0]], [[0.1, 0.9]]), 6)
    20.0
    """
    y_true, y_pred, data_range = _checked(y_true, y_pred, data_range)
    error = np.mean((y_true - y_pred) ** 2)
    if error == 0:
        return float("inf")
    return float(10 * np.log10(data_range**2 / error))


def structural_similarity(y_true, y_pred, *, data_range=None, window=7):
    """Compute the mean structural similarity index of two images.

    Over windows with means m, variances v and covariance c, it is the mean of

        (2 m1 m2 + C1) (2 c + C2) / ((m1² + m2² + C1) (v1 + v2 + C2)),

    C1 and C2 being (0.01 data_range)² and (0.03 data_range)².

    Parameters
    ----------
    y_true : array-like of shape (height, width)
        True image.
    y_pred : array-like of shape (height, width)
        Image to be judged.
    data_range : float, default=None
        Largest possible difference of pixels. None takes that of `y_true`.
    window : int, default=7
        Side of the square windows, odd.

    Returns
    -------
    similarity : float
        At most 1, which equal images have.

    Raises
    ------
    ValueError
        If an image holds NaN or infinity, is not 2-D or smaller than the window;
        if shapes differ, the range is not positive, or the window is even.

    See Also
    --------
    peak_signal_to_noise_ratio : Compares values alone.
    skimage.metrics.structural_similarity : With channels and other windows.

    Notes
    -----
    Windows are flat and inside the image; variances are divided by the number of pixels
    less one.

    References
    ----------
    .. [1] Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image quality
       assessment: from error visibility to structural similarity", IEEE Transactions
       on Image Processing 13, 2004, doi:10.1109/TIP.2003.819861.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.metrics import structural_similarity
    >>> image = np.arange(100.0).reshape(10, 10)
    >>> structural_similarity(image, image)
    1.0
    """
    y_true, y_pred, data_range = _checked(y_true, y_pred, data_range)
    if y_true.ndim != 2:
        raise ValueError(
            f"Similarity is that of images of shape (height, width), got shape "
            f"{y_true.shape}; reshape rows of pixels."
        )
    if window % 2 == 0 or not 3 <= window <= min(y_true.shape):
        raise ValueError(
            f"window={window} must be odd, at least 3 and at most the sides of an "
            f"image of shape {y_true.shape}."
        )
    means = [uniform_filter(image, window) for image in (y_true, y_pred)]
    unbiased = window**2 / (window**2 - 1)

    def covariance(i, j):
        images = (y_true, y_pred)
        product = uniform_filter(images[i] * images[j], window)
        return unbiased * (product - means[i] * means[j])

    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    similarity = (2 * means[0] * means[1] + c1) * (2 * covariance(0, 1) + c2)
    similarity /= means[0] ** 2 + means[1] ** 2 + c1
    similarity /= covariance(0, 0) + covariance(1, 1) + c2
    edge = window // 2
    inside = similarity[edge:-edge, edge:-edge]
    return float(inside.mean())


def _checked(y_true, y_pred, data_range):
    options = {"ensure_2d": False, "allow_nd": True, "dtype": np.float64}
    y_true = check_array(y_true, input_name="y_true", **options)
    y_pred = check_array(y_pred, input_name="y_pred", **options)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true has shape {y_true.shape}, but y_pred has shape {y_pred.shape}."
        )
    if data_range is None:
        data_range = float(np.ptp(y_true))
    if not data_range > 0:
        raise ValueError(
            f"data_range={data_range} must be positive; give it where the true image "
            "is constant."
        )
    return y_true, y_pred, data_range
