"""Filtered back-projection, the classical inverse of the Radon transform."""

from math import pi

import numpy as np

from sklearn_manifold_reg._arrays import device, irfftn, namespace_of, rfftn
from sklearn_manifold_reg.inverse._radon import RadonTransform, back_project
from sklearn_manifold_reg.inverse._reconstructor import Reconstructor
from sklearn_manifold_reg.utils._sklearn import StrOptions, validate_params_on_fit


class FilteredBackProjection(Reconstructor):
    """Images from their line integrals, by a filter and back-projection.

    Each column of the sinogram, one for each angle, is convolved with the filter whose
    response to frequency f is abs(f) times a window, and spread back along its rays:

        image[p] = pi / n_angles sum_a (filter * sinogram[:, a])[shadow of p],

    interpolated linearly between detectors.

    Parameters
    ----------
    operator : RadonTransform or None, default=None
        Where the rays run. None is the identity: `predict` returns the measurements.
    filter : {"ramp", "shepp-logan", "cosine", "hamming", "hann"} or None, \
            default="ramp"
        Window of the ramp filter, from sharp and noisy to smooth. None back-projects
        without any filter.

    Attributes
    ----------
    operator_ : Operator
        The operator.
    image_shape_ : tuple of (int, int)
        Height and width of the images.
    n_features_in_ : int
        Number of measurements.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    RadonTransform : The measurements.
    skimage.transform.iradon : The same method for a single sinogram.

    Notes
    -----
    Takes O(n_pixels * n_angles) time an image. The formula is that of angles spread
    evenly over 180 degrees: the order does not matter, gaps do. With few angles or
    noise, methods that solve for the image do better.

    Back-projection differs from the adjoint of `RadonTransform` in the widths of
    pixels' shadows, which are one here: narrower ones leave a pattern in images.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] A. C. Kak, M. Slaney, "Principles of Computerized Tomographic Imaging",
       chapter 3, SIAM, 2001, doi:10.1137/1.9780898719277.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import FilteredBackProjection, RadonTransform
    >>> y, x = np.mgrid[:64, :64]
    >>> disk = 1.0 * ((x - 32) ** 2 + (y - 32) ** 2 < 20**2).reshape(1, -1)
    >>> radon = RadonTransform((64, 64), np.arange(0, 180, 2))
    >>> X = (radon @ disk.T).T
    >>> image = FilteredBackProjection(radon).fit(X).predict(X)
    >>> image.reshape(64, 64)[32, [5, 32]].round(1) + 0
    array([0., 1.])
    """

    _parameter_constraints: dict = {
        "operator": [RadonTransform, None],
        "filter": [
            StrOptions({"ramp", "shepp-logan", "cosine", "hamming", "hann"}),
            None,
        ],
    }

    def __init__(self, operator=None, *, filter="ramp"):
        self.operator = operator
        self.filter = filter

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check that the measurements fit the operator.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_measurements)
            Measurements, one sinogram a row.
        y : array-like of shape (n_samples, n_pixels), default=None
            True images. There is nothing to learn from them here.

        Returns
        -------
        self : FilteredBackProjection
            Fitted.

        Raises
        ------
        ValueError
            If X or y hold NaN or infinity, or do not have the sizes of the operator.
        """
        self._start(X, y)
        return self

    def _reconstruct(self, X):
        if not isinstance(self.operator_, RadonTransform):
            return X
        return filtered_back_projection(self.operator_, X, self.filter)


def filtered_back_projection(radon, X, filter):
    """Filter sinograms and back-project them.

    Parameters
    ----------
    radon : RadonTransform
        Geometry.
    X : array of shape (n_samples, n_measurements)
        Sinograms, float32 or float64.
    filter : str or None
        Window of the ramp.

    Returns
    -------
    images : array of shape (n_samples, n_pixels)
        In the dtype of X.
    """
    xp = namespace_of(X)
    n_detectors, n_angles = radon.measurement_shape
    sinograms = xp.reshape(X, (X.shape[0], n_detectors, n_angles))
    if filter is not None:
        response = filter_response(filter, n_detectors)
        size = 2 * (len(response) - 1)
        spectra = rfftn(xp.permute_dims(sinograms, (0, 2, 1)), (size,))
        response = xp.asarray(response, dtype=X.dtype, device=device(X))
        filtered = irfftn(spectra * response, (size,))[:, :, :n_detectors]
        sinograms = xp.permute_dims(filtered, (0, 2, 1))
    sinograms = xp.permute_dims(sinograms, (1, 2, 0))
    images = back_project(radon, sinograms, np.ones(n_angles))
    factor = pi / (n_angles if filter is not None else 2 * n_angles)
    return factor * xp.reshape(images, (-1, X.shape[0])).T


def filter_response(filter, n_detectors):
    """Evaluate the response of the filter to the frequencies of a padded column.

    Parameters
    ----------
    filter : str
        Window of the ramp.
    n_detectors : int
        Length of the columns.

    Returns
    -------
    response : ndarray of shape (size // 2 + 1,)
        For frequencies 0 to 1/2, with a `size` of at least two columns, so that what
        wraps around falls on the padding.
    """
    size = max(64, 1 << (2 * n_detectors - 1).bit_length())
    # The ramp cut off at 1/2, sampled in space [1]: sampled in frequency instead,
    # it would lose the mean of the image.
    lags = np.minimum(np.arange(size), size - np.arange(size))
    ramp = np.zeros(size)
    ramp[0] = 0.25
    odd = lags % 2 == 1
    ramp[odd] = -1 / (pi * lags[odd]) ** 2
    response = np.fft.rfft(ramp).real
    frequency = np.fft.rfftfreq(size)
    if filter == "shepp-logan":
        response *= np.sinc(frequency)
    elif filter == "cosine":
        response *= np.cos(pi * frequency)
    elif filter == "hamming":
        response *= 0.54 + 0.46 * np.cos(2 * pi * frequency)
    elif filter == "hann":
        response *= 0.5 + 0.5 * np.cos(2 * pi * frequency)
    return response
