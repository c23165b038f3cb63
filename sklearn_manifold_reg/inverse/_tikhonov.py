"""Tikhonov regularization: estimator."""

from sklearn_manifold_reg._arrays import device, namespace_of
from sklearn_manifold_reg.inverse._gradient import GradientOperator
from sklearn_manifold_reg.inverse._penalized import Penalty, flat_where_free
from sklearn_manifold_reg.inverse._regularized import RegularizedReconstructor
from sklearn_manifold_reg.linalg import DiagonalOperator, as_operator
from sklearn_manifold_reg.utils._sklearn import StrOptions, validate_params_on_fit


class TikhonovReconstructor(RegularizedReconstructor):
    """Images with small differences between neighbors that fit the measurements.

    For each row y of measurements,

        min_x 1/2 ||A x - y||² + alpha/2 ||R x||².

    Parameters
    ----------
    operator : operator-like or None, default=None
        The A that measurements come from: an `Operator`, a scipy LinearOperator, a
        sparse or a dense matrix of shape (n_measurements, n_pixels). None is the
        identity: X holds noisy images.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of images. None takes those of the operator; where it has
        none, images are square if the number of pixels allows, and else of one row.
    regularizer : {"gradient", "identity"} or operator-like, default="gradient"
        R. "gradient" takes differences down and across, periodic.
    alpha : float or {"discrepancy", "gcv", "learn"}, default="discrepancy"
        Weight of the penalty; larger values give smoother images. "discrepancy" takes
        for each image the one at which `||A x - y||` is `tau` times the norm of the
        noise; "gcv" that of least generalized cross-validation; "learn" takes one for
        all images, of least squared error on the true images given to `fit`. 0 is
        least squares, of which the steps of the solver are the only regularization.
    noise_level : float or None, default=None
        Norm of the noise in the measurements of one image.
    relative_noise : float or None, default=None
        The same, over the norm of the measurements. Where "discrepancy" is given
        neither, white noise is estimated from differences of measurements.
    tau : float, default=1.01
        Safety factor of "discrepancy", at least 1.
    positive : bool, default=False
        Whether pixels are nonnegative.
    max_iter : int, default=200
        Largest number of steps; of rounds, ten times as many, if `positive`.
    tol : float, default=1e-4
        Bound on the change of an image in a step, and on what is left of the
        conditions of optimality.
    restart : int, default=30
        Largest dimension of the space that images are sought in. Larger values take
        more memory, and fewer steps.
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
    TotalVariationReconstructor : Keeps edges.
    GraphLaplacianReconstructor : Takes the image for a first guess, and improves it.

    Notes
    -----
    An image takes some tens of products with A and its adjoint, and memory for
    `restart` images, measurements and values of R x. With `positive`, some thousands
    of products. See `optim.solve_generalized_krylov` and `optim.solve_splitting`.

    "gcv" estimates a trace with random signs of a fixed seed.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] P. C. Hansen, "Discrete Inverse Problems: Insight and Algorithms", SIAM,
       2010, doi:10.1137/1.9780898718836.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import BlurOperator, TikhonovReconstructor
    >>> y, x = np.mgrid[:32, :32]
    >>> image = np.exp(-((x - 16) ** 2 + (y - 12) ** 2) / 40).reshape(1, -1)
    >>> blur = BlurOperator((32, 32), np.full((5, 5), 0.04))
    >>> noise = np.random.default_rng(0).standard_normal(image.shape)
    >>> X = (blur @ image.T).T + 0.01 * noise
    >>> model = TikhonovReconstructor(blur, noise_level=0.32).fit(X)
    >>> model.score(X, image) > 0.98
    True
    """

    _parameter_constraints: dict = {
        **RegularizedReconstructor._parameter_constraints,
        "regularizer": [
            StrOptions({"gradient", "identity"}),
            *RegularizedReconstructor._parameter_constraints["operator"][:-1],
        ],
    }

    def __init__(
        self,
        operator=None,
        *,
        image_shape=None,
        regularizer="gradient",
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
        self.regularizer = regularizer
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
        self : TikhonovReconstructor
            Fitted.

        Raises
        ------
        ValueError
            If X or y hold NaN or infinity, or do not have the sizes of the operator;
            if the noise level is 0 with alpha="discrepancy".
        """
        self._fit(X, y)
        return self

    def _prepare(self, X, y):
        self._penalty_operator = resolve_regularizer(
            self.regularizer, self.image_shape_, X
        )

    def _penalty(self, y, guess):
        R = self._penalty_operator
        return Penalty(R, "l2", flat=flat_where_free(R, y))


def resolve_regularizer(regularizer, image_shape, X):
    """Take the operator whose values are to be small.

    Parameters
    ----------
    regularizer : {"gradient", "identity"} or operator-like
        What a user gave.
    image_shape : tuple of (int, int)
        Height and width of images.
    X : array
        Of the library, device and dtype of images.

    Returns
    -------
    regularizer : Operator
        Of shape (n_terms, n_pixels).

    Raises
    ------
    ValueError
        If it takes images of another size.
    """
    n_pixels = image_shape[0] * image_shape[1]
    if isinstance(regularizer, str):
        if regularizer == "gradient":
            return GradientOperator(image_shape)
        xp = namespace_of(X)
        return DiagonalOperator(xp.ones(n_pixels, dtype=X.dtype, device=device(X)))
    regularizer = as_operator(regularizer)
    if regularizer.shape[1] != n_pixels:
        raise ValueError(
            f"regularizer of shape {regularizer.shape} takes images of "
            f"{regularizer.shape[1]} pixels, but they have {n_pixels}."
        )
    return regularizer
