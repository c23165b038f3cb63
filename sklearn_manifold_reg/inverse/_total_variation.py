"""Total variation: estimator."""

from numbers import Real

from sklearn_manifold_reg.inverse._gradient import GradientOperator
from sklearn_manifold_reg.inverse._penalized import Penalty, flat_where_free
from sklearn_manifold_reg.inverse._regularized import RegularizedReconstructor
from sklearn_manifold_reg.utils._sklearn import Interval, validate_params_on_fit


class TotalVariationReconstructor(RegularizedReconstructor):
    """Images with few edges that fit the measurements.

    For each row y of measurements,

        min_x 1/2 ||A x - y||² + alpha sum_i sqrt((G x)_i² + smoothing²),

    G taking differences down and across, periodic.

    Parameters
    ----------
    operator : operator-like or None, default=None
        The A that measurements come from: an `Operator`, a scipy LinearOperator, a
        sparse or a dense matrix of shape (n_measurements, n_pixels). None is the
        identity: X holds noisy images.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of images. None takes those of the operator; where it has
        none, images are square if the number of pixels allows, and else of one row.
    smoothing : float, default=0.1
        Differences much below cost their square, those above their size, in the unit
        of images. 0 is total variation itself, which takes more time.
    alpha : float or {"discrepancy", "gcv", "learn"}, default="discrepancy"
        Weight of the penalty; larger values give images of fewer edges. "discrepancy"
        takes for each image the one at which `||A x - y||` is `tau` times the norm of
        the noise; "gcv" that of least generalized cross-validation of the last
        quadratic model, for smoothing > 0 only; "learn" takes one for all images, of
        least squared error on the true images given to `fit`.
    noise_level : float or None, default=None
        Norm of the noise in the measurements of one image.
    relative_noise : float or None, default=None
        The same, over the norm of the measurements. Where "discrepancy" is given
        neither, white noise is estimated from differences of measurements.
    tau : float, default=1.01
        Safety factor of "discrepancy", at least 1.
    positive : bool, default=False
        Whether pixels are nonnegative; for smoothing=0 only.
    max_iter : int, default=200
        Largest number of steps; of rounds, ten times as many, for smoothing=0.
    tol : float, default=1e-4
        Bound on the change of an image in a step, and on what is left of the
        conditions of optimality.
    restart : int, default=30
        Largest dimension of the space that images are sought in.
    n_jobs : int or None, default=None
        Images reconstructed at a time; None takes all cores. Results do not depend on
        it.

    Attributes
    ----------
    operator_ : Operator
        A.
    image_shape_ : tuple of (int, int)
        Height and width of the images.
    alpha_ : float or str
        Learned weight, or `alpha`.
    n_features_in_ : int
        Number of measurements.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    TikhonovReconstructor : The square of differences, which rounds edges off.
    GraphLaplacianReconstructor : Takes the image for a first guess, and improves it.

    Notes
    -----
    Differences down and across count on their own (anisotropic total variation).

    An image takes some tens of products with A and its adjoint, and memory for
    `restart` images, measurements and gradients; with smoothing=0, some thousands of
    products. See `optim.solve_generalized_krylov` and `optim.solve_splitting`.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] L. I. Rudin, S. Osher, E. Fatemi, "Nonlinear total variation based noise
       removal algorithms", Physica D 60, 1992, doi:10.1016/0167-2789(92)90242-F.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import TotalVariationReconstructor
    >>> image = np.zeros((32, 32))
    >>> image[8:20, 10:25] = 1.0
    >>> noise = 0.1 * np.random.default_rng(0).standard_normal((1, 1024))
    >>> X = image.reshape(1, -1) + noise
    >>> model = TotalVariationReconstructor(smoothing=0.01, noise_level=3.2).fit(X)
    >>> error = np.abs(model.predict(X) - image.reshape(1, -1))
    >>> bool(error.mean() < 0.4 * np.abs(noise).mean())
    True
    """

    _parameter_constraints: dict = {
        **RegularizedReconstructor._parameter_constraints,
        "smoothing": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        operator=None,
        *,
        image_shape=None,
        smoothing=0.1,
        alpha="discrepancy",
        noise_level=None,
        relative_noise=None,
        tau=1.01,
        positive=False,
        max_iter=200,
        tol=1e-4,
        restart=30,
        n_jobs=None,
    ):
        self.operator = operator
        self.image_shape = image_shape
        self.smoothing = smoothing
        self.alpha = alpha
        self.noise_level = noise_level
        self.relative_noise = relative_noise
        self.tau = tau
        self.positive = positive
        self.max_iter = max_iter
        self.tol = tol
        self.restart = restart
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check that operator and measurements fit, and learn `alpha` if asked to.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_measurements)
            Measurements, one image a row.
        y : array-like of shape (n_samples, n_pixels), default=None
            True images, for alpha="learn".

        Returns
        -------
        self : TotalVariationReconstructor
            Fitted.

        Raises
        ------
        ValueError
            If X or y hold NaN or infinity, or do not have the sizes of the operator;
            if the noise level is 0 with alpha="discrepancy"; if parameters do not go
            together.
        """
        if self.positive and self.smoothing > 0:
            raise ValueError(
                f"positive=True goes with smoothing=0, got {self.smoothing}."
            )
        self._fit(X, y)
        return self

    def _has_corners(self):
        return self.smoothing == 0

    def _penalty(self, y, guess):
        G = GradientOperator(self.image_shape_)
        flat = flat_where_free(G, y)
        if self.smoothing == 0:
            return Penalty(G, "l1", flat=flat)
        return Penalty(G, "lq", flat=flat, q=1.0, smoothing=self.smoothing)
