"""Reconstruction with the graph of a first guess: estimator."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from sklearn_manifold_reg._arrays import asarray_like, namespace_of
from sklearn_manifold_reg.graph import window_laplacian
from sklearn_manifold_reg.inverse._filtered_back_projection import (
    FilteredBackProjection,
)
from sklearn_manifold_reg.inverse._penalized import Penalty
from sklearn_manifold_reg.inverse._radon import RadonTransform
from sklearn_manifold_reg.inverse._regularized import RegularizedReconstructor
from sklearn_manifold_reg.inverse._tikhonov import TikhonovReconstructor
from sklearn_manifold_reg.inverse._total_variation import TotalVariationReconstructor
from sklearn_manifold_reg.linalg import Operator
from sklearn_manifold_reg.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params_on_fit,
)

GUESSES = ("tikhonov", "tv", "fbp", "adjoint")
# "auto" rounds the penalty off at this part of the median of |L x|, or of the largest
# where most of it is zero.
_OF_MEDIAN, _OF_LARGEST = 1e-2, 1e-4


class GraphLaplacianReconstructor(RegularizedReconstructor):
    """Images that are smooth on the graph of a first guess (graphLa+Psi).

    For each row y of measurements, another reconstructor Psi gives a first guess x0.
    Pixels i, j in a window are linked with the weight
    `exp(-(x0_i - x0_j)² / bandwidth²)`; L is the Laplacian of that graph, and

        min_x 1/2 ||A x - y||² + alpha P(L x)

    smooths within what looks alike in x0, and not across its edges.

    Parameters
    ----------
    operator : operator-like or None, default=None
        The A that measurements come from: an `Operator`, a scipy LinearOperator, a
        sparse or a dense matrix of shape (n_measurements, n_pixels). None is the
        identity: X holds noisy images.
    image_shape : tuple of (int, int) or None, default=None
        Height and width of images. None takes those of the operator; where it has
        none, images are square if the number of pixels allows, and else of one row.
    initial : {"tikhonov", "tv", "fbp", "adjoint"}, estimator, callable or array, \
            default="tikhonov"
        Psi. A name stands for `TikhonovReconstructor`, `TotalVariationReconstructor`
        or `FilteredBackProjection` with the noise level given here, or for A'y, scaled
        to fit. An estimator is cloned and fitted with X and y: another reconstructor,
        or any regressor that learns images from measurements. A callable takes the
        measurements of one image; an array is the guess itself, one for all images or
        one a row.
    radius : int, default=4
        Largest difference of rows and of columns of linked pixels.
    bandwidth : float or "auto", default=0.0316
        Width of the likeness, in the unit of images; smaller values keep fainter
        edges, noise of x0 among them. "auto" is 0.0316 times the range of x0 without
        its lowest and highest hundredth.
    weight_normalization : {"frobenius", "none", "symmetric"}, default="frobenius"
        Division of weights by the root of the sum of their squares; none; or the
        symmetric Laplacian. `alpha` does not carry over from one to the other.
    penalty : {"l2", "l1", "lq"}, default="l2"
        P: half the sum of squares; the sum of absolute values; or
        1/q sum_i (|L x|_i² + smoothing²)^(q/2).
    q : float, default=1.0
        Power of "lq", above 0 and at most 2.
    smoothing : float or "auto", default="auto"
        Where "lq" turns to squares, in the unit of L x0. "auto" is a hundredth of the
        median of `|L x0|`.
    alpha : float or {"discrepancy", "gcv", "learn"}, default="discrepancy"
        Weight of the penalty. "discrepancy" takes for each image the one at which
        `||A x - y||` is `tau` times the norm of the noise; "gcv" that of least
        generalized cross-validation, not for "l1"; "learn" takes one for all images,
        of least squared error on the true images given to `fit`.
    noise_level : float or None, default=None
        Norm of the noise in the measurements of one image.
    relative_noise : float or None, default=None
        The same, over the norm of the measurements. Where "discrepancy" is given
        neither, white noise is estimated from differences of measurements.
    tau : float, default=1.01
        Safety factor of "discrepancy", at least 1.
    n_refine : int, default=0
        How many times the result becomes the first guess of another round.
    positive : bool, default=False
        Whether pixels are nonnegative; not for "lq".
    max_iter : int, default=200
        Largest number of steps; of rounds, ten times as many, for "l1" or `positive`.
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
    initial_ : estimator, callable, array or "adjoint"
        Psi, fitted if it is an estimator.
    alpha_ : float or str
        Learned weight, or `alpha`.
    n_features_in_ : int
        Number of measurements.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    TikhonovReconstructor : The usual first guess.
    sklearn_manifold_reg.graph.ImageGraph : The graph of an image.
    sklearn_manifold_reg.graph.window_laplacian : Its Laplacian.

    Notes
    -----
    The better the first guess, the better the result: noise in x0 becomes noise in the
    weights.

    An image takes some tens of products with A, L and their adjoints; a product with L
    takes O(n_pixels (2 radius + 1)²) time. Memory is `restart` images and measurements,
    and no matrix for more than 25,000 pixels at radius 4.

    In [1]_ the penalty is "lq" with q = 1 and smoothing 0.1. With "frobenius" weights
    |L x| is far below 0.1, so that this is the square: "l2", the default, is the same
    method without its detour. What [1]_ calls sigma is `bandwidth`²; its windows
    are of radius 4. The solver is another, see `optim.solve_generalized_krylov`;
    for "l1" and `positive` it is `optim.solve_splitting`.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] D. Bianchi, D. Evangelista, S. Aleotti, M. Donatelli, E. Loli Piccolomini,
       W. Li, "A data-dependent regularization method based on the graph Laplacian",
       2023, arXiv:2312.16936.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.inverse import (
    ...     GraphLaplacianReconstructor,
    ...     RadonTransform,
    ... )
    >>> y, x = np.mgrid[:32, :32]
    >>> image = 1.0 * ((x - 14) ** 2 + (y - 17) ** 2 < 80).reshape(1, -1)
    >>> radon = RadonTransform((32, 32), np.arange(0, 180, 4))
    >>> X = (radon @ image.T).T
    >>> X += 0.2 * np.random.default_rng(0).standard_normal(X.shape)
    >>> model = GraphLaplacianReconstructor(radon, noise_level=9.1).fit(X)
    >>> result = model.reconstruct(X[0], return_result=True)
    >>> bool(np.mean((result.x - image) ** 2) < 0.3 * np.mean(
    ...     (result.first_guess - image) ** 2))
    True
    """

    _parameter_constraints: dict = {
        **RegularizedReconstructor._parameter_constraints,
        "initial": [
            StrOptions(set(GUESSES)),
            HasMethods(["fit", "predict"]),
            callable,
            "array-like",
        ],
        "radius": [Interval(Integral, 1, None, closed="left")],
        "bandwidth": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "weight_normalization": [StrOptions({"frobenius", "none", "symmetric"})],
        "penalty": [StrOptions({"l2", "l1", "lq"})],
        "q": [Interval(Real, 0, 2, closed="right")],
        "smoothing": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"auto"}),
        ],
        "n_refine": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        operator=None,
        *,
        image_shape=None,
        initial="tikhonov",
        radius=4,
        bandwidth=0.0316,
        weight_normalization="frobenius",
        penalty="l2",
        q=1.0,
        smoothing="auto",
        alpha="discrepancy",
        noise_level=None,
        relative_noise=None,
        tau=1.01,
        n_refine=0,
        positive=False,
        max_iter=200,
        tol=1e-4,
        restart=30,
        n_jobs=None,
    ):
        self.operator = operator
        self.image_shape = image_shape
        self.initial = initial
        self.radius = radius
        self.bandwidth = bandwidth
        self.weight_normalization = weight_normalization
        self.penalty = penalty
        self.q = q
        self.smoothing = smoothing
        self.alpha = alpha
        self.noise_level = noise_level
        self.relative_noise = relative_noise
        self.tau = tau
        self.n_refine = n_refine
        self.positive = positive
        self.max_iter = max_iter
        self.tol = tol
        self.restart = restart
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check that operator and measurements fit, and learn what is to be learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_measurements)
            Measurements, one image a row.
        y : array-like of shape (n_samples, n_pixels), default=None
            True images, for alpha="learn" and for an `initial` that learns.

        Returns
        -------
        self : GraphLaplacianReconstructor
            Fitted.

        Raises
        ------
        ValueError
            If X or y hold NaN or infinity, or do not have the sizes of the operator;
            if the noise level is 0 with alpha="discrepancy"; if there are no true
            images to learn from; if parameters do not go together.
        """
        if self.positive and self.penalty == "lq":
            raise ValueError("positive=True goes with penalty='l2' or 'l1', not 'lq'.")
        self._fit(X, y)
        return self

    def _has_corners(self):
        return self.penalty == "l1"

    def _prepare(self, X, y):
        self.initial_ = _fitted_guess(self, X, y)

    def _first_guesses(self, X: Any, levels: Any) -> list[Any]:
        psi = self.initial_
        if isinstance(psi, str):
            guesses = _scaled_adjoints(self._forward, X)
        elif isinstance(psi, RegularizedReconstructor):
            known = levels if psi.alpha == "discrepancy" else None
            guesses = [result.x for result in psi._results(X, known)]
        elif hasattr(psi, "predict"):
            guesses = psi.predict(X)
        elif callable(psi):
            guesses = [psi(X[i, :]) for i in range(X.shape[0])]
        else:
            guesses = psi
            if psi.ndim == 1 or psi.shape == self.image_shape_:
                guesses = [psi] * X.shape[0]
        if len(guesses) != X.shape[0]:
            raise ValueError(
                f"initial, the first guess Psi, holds {len(guesses)} images for "
                f"{X.shape[0]} rows of measurements; give one for all, or one a row."
            )
        return [_checked_guess(guess, self.image_shape_, X) for guess in guesses]

    def _penalty(self, y, guess):
        L = window_laplacian(
            guess,
            self.image_shape_,
            radius=self.radius,
            bandwidth=_width(self.bandwidth, guess),
            normalization=self.weight_normalization,
        )
        xp = namespace_of(guess)
        flat = xp.ones_like(guess)
        if L.factors is not None:
            flat = xp.sqrt(L.degrees)
        if self.penalty != "lq":
            return Penalty(L, self.penalty, flat, start=guess)
        smoothing = self.smoothing
        if smoothing == "auto":
            smoothing = _rounding(xp.abs(L @ guess))
        return Penalty(L, "lq", flat, self.q, smoothing, start=guess)

    def _solve(self, y, guess, alpha, level):
        for _ in range(self.n_refine):
            guess = super()._solve(y, guess, alpha, level).x
        return super()._solve(y, guess, alpha, level)


def _fitted_guess(model: GraphLaplacianReconstructor, X: Any, y: Any) -> Any:
    """Fit Psi, or check that it can be used as it is."""
    psi = model.initial
    if isinstance(psi, str):
        psi = _named_guess(model)
        if isinstance(psi, str):
            return psi
        return psi.fit(X)
    if hasattr(psi, "predict"):
        if isinstance(psi, FrozenEstimator):
            return psi
        if get_tags(psi).target_tags.required and (y is None or y.ndim != 2):
            raise ValueError(
                f"initial={psi} learns from true images: pass y of shape (n_samples, "
                f"{model.operator_.shape[1]}) to fit, or a fitted one in a "
                "sklearn.frozen.FrozenEstimator."
            )
        return clone(psi).fit(X, y if y is not None and y.ndim == 2 else None)
    return psi if callable(psi) else np.asarray(psi)


def _named_guess(model: GraphLaplacianReconstructor) -> Any:
    if model.initial == "adjoint":
        return "adjoint"
    if model.initial == "fbp":
        if not isinstance(model.operator, RadonTransform):
            raise ValueError(
                "initial='fbp' inverts a RadonTransform, but operator is a "
                f"{type(model.operator).__name__}; choose another of {GUESSES}."
            )
        return FilteredBackProjection(model.operator)
    known = model.noise_level is not None or model.relative_noise is not None
    known = known or model.alpha == "discrepancy"
    make: dict[str, Any] = {
        "tikhonov": TikhonovReconstructor,
        "tv": TotalVariationReconstructor,
    }
    return make[model.initial](
        model.operator,
        image_shape=model.image_shape_,
        alpha="discrepancy" if known else "gcv",
        noise_level=model.noise_level,
        relative_noise=model.relative_noise,
        tau=model.tau,
        max_iter=model.max_iter,
        tol=model.tol,
        restart=model.restart,
        n_jobs=model.n_jobs,
    )


def _scaled_adjoints(forward: Operator, X: Any) -> Any:
    """A'y for each row, times the factor with which it fits best."""
    xp = namespace_of(X)
    images = forward.adjoint() @ X.T
    measured = forward @ images
    squares = xp.sum(measured**2, axis=0)
    safe = xp.where(squares > 0, squares, xp.ones_like(squares))
    return (images * (xp.sum(measured * X.T, axis=0) / safe)).T


def _checked_guess(guess: Any, image_shape: tuple[int, int], X: Any) -> Any:
    """Take a guess as a vector in the dtype of X."""
    guess = asarray_like(guess, X)
    xp = namespace_of(guess)
    n_pixels = image_shape[0] * image_shape[1]
    size = int(np.prod(guess.shape))
    if size != n_pixels:
        raise ValueError(
            f"initial, the first guess Psi, gave {size} values for an image of shape "
            f"{image_shape}, which has {n_pixels} pixels."
        )
    guess = xp.reshape(xp.astype(guess, X.dtype, copy=False), (n_pixels,))
    if not bool(xp.all(xp.isfinite(guess))):
        raise ValueError(
            "initial, the first guess Psi, gave an image with NaN or infinity."
        )
    return guess


def _width(bandwidth: float | str, guess: Any) -> float:
    if isinstance(bandwidth, str):
        xp = namespace_of(guess)
        order = xp.sort(guess)
        cut = guess.shape[0] // 100
        spread = float(order[guess.shape[0] - 1 - cut]) - float(order[cut])
        return 0.0316 * spread if spread > 0 else 1.0
    return float(bandwidth)


def _rounding(sizes: Any) -> float:
    """Where the penalty turns to squares, by the sizes of L x0."""
    order = namespace_of(sizes).sort(sizes)
    median = float(order[sizes.shape[0] // 2])
    largest = float(order[sizes.shape[0] - 1])
    # Nothing to compare with: any width does where the penalty is zero all over.
    return max(_OF_MEDIAN * median, _OF_LARGEST * largest) or 1.0
