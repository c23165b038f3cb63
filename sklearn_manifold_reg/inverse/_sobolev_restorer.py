"""Restoration of images by a data fit in a Sobolev norm: estimator."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    asarray_like,
    device,
    float_dtypes,
    get_namespace,
    namespace_of,
)
from sklearn_manifold_reg.inverse._blur import check_kernel, transfer_of
from sklearn_manifold_reg.inverse._image_operator import resolve_image_shape
from sklearn_manifold_reg.inverse._sobolev_norm import sobolev_weights
from sklearn_manifold_reg.inverse._sobolev_solvers import (
    stopped_descent,
    tikhonov,
    total_variation,
)
from sklearn_manifold_reg.optim import SobolevMisfit
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    check_same_namespace,
    validate_params_on_fit,
)


class SobolevImageRestorer(
    OneToOneFeatureMixin, TransformerMixin, CallbackSupportMixin, DocumentedEstimator
):
    """Denoising and deblurring by a data fit in a Sobolev norm.

    For each image g it solves

        min_u ½ |k * u - g|²_s + penalty,   |r|²_s = sum_xi w_s(xi) |F r(xi)|²,

    with a blur kernel k and the weights w_s of `sobolev_weights`. The penalty is

    - None: none. Gradient descent from u = 0 is stopped early;
    - "tikhonov": ½ alpha |u|²_t with t = `penalty_order`;
    - "tv": alpha times the sum of the lengths of the gradient.

    Parameters
    ----------
    s : float, default=-1.0
        Order of the norm. Negative orders forgive errors of fine detail: the result is
        smoother. Positive ones insist on it, and descent along them is faster.
    length_scale : float, default=10.0
        Length in pixels up to which detail counts as fine.
    homogeneous : bool, default=False
        Whether to weigh by `|xi|^(2 s)` and `|xi|^(2 t)`, which know no length. The
        mean is then fitted as for s = 0, and not penalized.
    penalty : {"tikhonov", "tv"} or None, default=None
        See above.
    alpha : float, default=1e-2
        Weight of the penalty. Larger values smooth more.
    penalty_order : float, default=1.0
        Order t of "tikhonov": 1 penalizes the gradient.
    kernel : array-like of shape (kernel_height, kernel_width) or None, default=None
        Blur, centered as in `BlurOperator`. None is none: denoising.
    boundary : {"periodic", "symmetric"}, default="periodic"
        What lies around images: the image again, or its mirror image. The latter takes
        four times the time, and a kernel that is not symmetric itself is then only
        approximated near the border.
    image_shape : tuple of (int, int) or None, default=None
        Height and width. None takes a square if the number of pixels allows, and else
        an image of one row.
    max_iter : int, default=200
        Steps of the descent without penalty, or largest number of steps of "tv".
    tol : float, default=1e-6
        "tv" stops when a step changes the image by less than this, relatively.
    discrepancy : float or None, default=None
        Without penalty, descent stops when the norm of the residual is at most this:
        the norm of the noise, if that is known. None takes all steps.

    Attributes
    ----------
    weights_ : array of shape (height, width)
        Weights w_s, of the doubled image for "symmetric".
    image_shape_ : tuple of (int, int)
        Height and width.
    n_iter_ : int
        Largest number of steps of a training image; 1 for "tikhonov".
    residual_norm_ : array of shape (n_samples,)
        Norm of the residual of each training image.
    n_features_in_ : int
        Number of pixels.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the pixels, where `X` has any.

    See Also
    --------
    sobolev_norm : The norm.
    sklearn_manifold_reg.optim.SobolevMisfit : The data fit as a term of other problems.

    Notes
    -----
    Without penalty and for "tikhonov", the answer is a filter in closed form. For the
    descent, this holds after each number t of steps: with q = |F k|² w_s and steps of
    size 1 / max(q), the transform is `(1 - (1 - q / max(q))^t) F g / F k`. Thus no
    steps are made, and the first one within the `discrepancy` is found by bisection.
    "tv" takes steps of a primal-dual method [2]_. Each image costs a few Fourier
    transforms, or three for a step.

    "tikhonov" is the Wiener filter for noise of spectrum `1 / w_s` and images of
    spectrum `1 / w_t`. For white noise and the best `alpha`, s makes hardly any
    difference; it does for noise of another color, and for given `alpha` or steps.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] B. Zhu, J. Hu, Y. Lou, Y. Yang, "Implicit regularization effects of the
       Sobolev norms in image processing", 2021, arXiv:2109.06255.
    .. [2] A. Chambolle, T. Pock, "A first-order primal-dual algorithm for convex
       problems with applications to imaging", Journal of Mathematical Imaging and
       Vision 40, 2011, doi:10.1007/s10851-010-0251-1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import SobolevImageRestorer
    >>> rng = np.random.default_rng(0)
    >>> u = np.sin(2 * np.pi * np.arange(32) / 32)[:, None] * np.ones((32, 32))
    >>> X = (u + 0.3 * rng.standard_normal((32, 32))).reshape(1, -1)
    >>> restorer = SobolevImageRestorer(s=-1.0, max_iter=10)
    >>> error = restorer.fit_transform(X) - u.reshape(1, -1)
    >>> float(round(np.std(X - u.reshape(1, -1)) / np.std(error), 1))
    4.0
    """

    _parameter_constraints: dict = {
        "s": [Interval(Real, None, None, closed="neither")],
        "length_scale": [Interval(Real, 0, None, closed="neither")],
        "homogeneous": ["boolean"],
        "penalty": [StrOptions({"tikhonov", "tv"}), None],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "penalty_order": [Interval(Real, None, None, closed="neither")],
        "kernel": ["array-like", None],
        "boundary": [StrOptions({"periodic", "symmetric"})],
        "image_shape": [tuple, list, None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "discrepancy": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        s=-1.0,
        *,
        length_scale=10.0,
        homogeneous=False,
        penalty=None,
        alpha=1e-2,
        penalty_order=1.0,
        kernel=None,
        boundary="periodic",
        image_shape=None,
        max_iter=200,
        tol=1e-6,
        discrepancy=None,
    ):
        self.s = s
        self.length_scale = length_scale
        self.homogeneous = homogeneous
        self.penalty = penalty
        self.alpha = alpha
        self.penalty_order = penalty_order
        self.kernel = kernel
        self.boundary = boundary
        self.image_shape = image_shape
        self.max_iter = max_iter
        self.tol = tol
        self.discrepancy = discrepancy

    def fit(self, X, y=None):
        """Restore the training images, and keep what the filter is made of.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Images, one a row, in row-major order.
        y : None
            Ignored.

        Returns
        -------
        self : SobolevImageRestorer
            Fitted.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, does not have the pixels of `image_shape`, or
            has fewer rows or columns than the kernel.

        Warns
        -----
        ConvergenceWarning
            If "tv" stops at `max_iter`.
        """
        self.fit_transform(X)
        return self

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit_transform(self, X, y=None):
        """Restore the training images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Images, one a row, in row-major order.
        y : None
            Ignored.

        Returns
        -------
        images : array of shape (n_samples, n_pixels)
            Restored images.
        """
        X = validate_data(self, X, dtype=float_dtypes(X))
        self.image_shape_ = resolve_image_shape(self.image_shape, X.shape[1])
        torus = self.image_shape_
        if self.boundary == "symmetric":
            torus = (2 * torus[0], 2 * torus[1])
        weights = self._weights(torus, self.s)
        self.weights_ = asarray_like(weights, X)
        if self.homogeneous:
            weights[0, 0] = 1.0
        transfer = None
        if self.kernel is not None:
            kernel = check_kernel(self.kernel, self.image_shape_)
            transfer = transfer_of(kernel, torus)
        penalty = None
        if self.penalty == "tikhonov":
            penalty = self.alpha * _half(self._weights(torus, self.penalty_order))
        self._model = _Model(_half(weights), transfer, penalty)
        # Remembers the library and the device of the images.
        self._like = get_namespace(X).zeros((0,), dtype=X.dtype, device=device(X))
        with fit_task(self, X, y, n_stages=1) as task, task.stage("restore"):
            misfit = self._misfit(X)
            restored, self.n_iter_ = self._restore(misfit)
            norms = misfit.residual_norms(restored)
        self.residual_norm_ = norms / 2 if self.boundary == "symmetric" else norms
        return self._crop(restored)

    def transform(self, X):
        """Restore images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_pixels)
            Images of the size of those in `fit`.

        Returns
        -------
        images : array of shape (n_samples, n_pixels)
            Restored images.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or another number of pixels than in `fit`.

        Warns
        -----
        ConvergenceWarning
            If "tv" stops at `max_iter`.
        """
        check_is_fitted(self)
        check_same_namespace(X, self, attribute="_like", method="transform")
        X = validate_data(self, X, reset=False, dtype=float_dtypes(X))
        return self._crop(self._restore(self._misfit(X))[0])

    def _weights(self, torus, order):
        return sobolev_weights(
            torus, order, length_scale=self.length_scale, homogeneous=self.homogeneous
        )

    def _misfit(self, X):
        xp = namespace_of(X)
        images = xp.reshape(X, (X.shape[0], *self.image_shape_))
        if self.boundary == "symmetric":
            for axis in (1, 2):
                images = xp.concat([images, xp.flip(images, axis=axis)], axis=axis)
        return SobolevMisfit(images, self._model.weights, self._model.transfer)

    def _restore(self, misfit):
        """Solve for the images on the torus, and count the steps."""
        if self._model.penalty is not None:
            return tikhonov(misfit, self._model.penalty)
        if self.penalty == "tv":
            return total_variation(
                misfit, self.alpha, max_iter=self.max_iter, tol=self.tol
            )
        discrepancy = self.discrepancy
        if discrepancy is not None and self.boundary == "symmetric":
            discrepancy = 2 * discrepancy
        return stopped_descent(misfit, self.max_iter, discrepancy)

    def _crop(self, images):
        height, width = self.image_shape_
        images = images[:, :height, :width]
        return namespace_of(images).reshape(images, (-1, height * width))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


@dataclass(frozen=True, eq=False)
class _Model:
    """Norm, blur and penalty, as factors of Fourier coefficients on the host."""

    weights: np.ndarray
    transfer: np.ndarray | None
    penalty: np.ndarray | None


def _half(weights: np.ndarray) -> np.ndarray:
    """Weights of the coefficients that transforms of real images keep."""
    return weights[:, : weights.shape[1] // 2 + 1]
