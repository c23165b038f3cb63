"""Linear unmixing: estimator."""

import warnings
from numbers import Integral

from sklearn.base import (
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import asarray_like, float_dtypes
from sklearn_manifold_reg.decomposition._abundances import (
    constrained_abundances,
    unconstrained_abundances,
)
from sklearn_manifold_reg.decomposition._endmembers import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    check_same_namespace,
    validate_params_on_fit,
)


class LinearUnmixer(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    DocumentedEstimator,
):
    """Pixels as mixtures of endmembers that are pixels themselves.

    `fit` takes `n_components` extreme pixels E, `transform` solves for each row x

        min_w ||x - w E||²

    under the constraints named by `abundances`.

    Parameters
    ----------
    n_components : int, default=3
        Number of endmembers. At most as many as pixels and features are found.
    extractor : {"vca", "spa", "nfindr"}, default="vca"
        How endmembers are found: `vertex_component_analysis`, of which the projected
        spectra are taken, `successive_projection` or `n_findr`.
    abundances : {"fcls", "nnls", "sum_to_one", "ls"}, default="fcls"
        Constraints on w: nonnegative with sum 1, nonnegative, sum 1, or none. Without
        the sum, w follows the brightness of a pixel. Without the signs, the transform
        is affine, and shares below 0 show pixels outside the mixtures.
    random_state : int, RandomState instance or None, default=None
        Seed of "vca" and "nfindr".
    n_jobs : int or None, default=None
        Threads of "fcls" and "nnls"; None takes all cores. The result does not depend
        on it.

    Attributes
    ----------
    components_ : array of shape (n_components, n_features)
        Endmembers E.
    component_indices_ : array of shape (n_components,)
        Rows of the training data that they are.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    fully_constrained_least_squares : Abundances for given endmembers.
    sklearn.decomposition.NMF : Endmembers that need not be pixels.

    Notes
    -----
    Rows are pixels: an image of shape (height, width, n_bands) comes in as
    `image.reshape(-1, n_bands)`. All extractors assume that each material covers some
    pixel alone. Values may be negative, as corrected reflectances are.

    Which pixels "vca" finds depends on its random directions where no pixel is pure.

    Arrays of another library stay on their device under scikit-learn's
    `array_api_dispatch`.

    References
    ----------
    .. [1] J. M. Bioucas-Dias et al., "Hyperspectral unmixing overview: geometrical,
       statistical, and sparse regression-based approaches", IEEE Journal of Selected
       Topics in Applied Earth Observations and Remote Sensing 5, 2012,
       doi:10.1109/JSTARS.2012.2194696.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.decomposition import LinearUnmixer
    >>> endmembers = np.array([[1.0, 0.2, 0.1], [0.1, 0.8, 0.3]])
    >>> shares = np.array([[0.5, 0.5], [1.0, 0.0], [0.3, 0.7], [0.0, 1.0]])
    >>> X = shares @ endmembers
    >>> unmixer = LinearUnmixer(2, extractor="spa").fit(X)
    >>> unmixer.component_indices_
    array([1, 3])
    >>> unmixer.transform([[0.55, 0.5, 0.2]]).round(2)
    array([[0.5, 0.5]])
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "extractor": [StrOptions({"vca", "spa", "nfindr"})],
        "abundances": [StrOptions({"fcls", "nnls", "sum_to_one", "ls"})],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components=3,
        *,
        extractor="vca",
        abundances="fcls",
        random_state=None,
        n_jobs=None,
    ):
        self.n_components = n_components
        self.extractor = extractor
        self.abundances = abundances
        self.random_state = random_state
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find the endmembers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Pixels, one a row.
        y : None
            Ignored.

        Returns
        -------
        self : LinearUnmixer
            Fitted.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or fewer independent pixels than `n_components`.

        Warns
        -----
        UserWarning
            If there are fewer pixels or features than `n_components`.
        """
        X = validate_data(self, X, dtype=float_dtypes(X))
        n_components = min(self.n_components, *X.shape)
        if n_components < self.n_components:
            warnings.warn(
                f"n_components={self.n_components} is more than {X.shape[0]} pixels of "
                f"{X.shape[1]} features can give; {n_components} are used.",
                UserWarning,
                stacklevel=2,
            )
        with fit_task(self, X, y, n_stages=1) as task, task.stage("endmembers"):
            if self.extractor == "spa":
                found = successive_projection(X, n_components)
            elif self.extractor == "nfindr":
                found = n_findr(X, n_components, random_state=self.random_state)
            else:
                found = vertex_component_analysis(
                    X,
                    n_components,
                    projected=True,
                    random_state=self.random_state,
                )
        self.components_, self.component_indices_ = found
        return self

    def transform(self, X):
        """Solve for the abundances of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Pixels, one a row.

        Returns
        -------
        abundances : array of shape (n_samples, n_components)
            Shares of the endmembers.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or another number of features than in `fit`.
        """
        check_is_fitted(self)
        check_same_namespace(X, self, attribute="components_", method="transform")
        X = validate_data(self, X, reset=False, dtype=float_dtypes(X))
        E = asarray_like(self.components_, X)
        sum_to_one = self.abundances in ("fcls", "sum_to_one")
        if self.abundances in ("fcls", "nnls"):
            return constrained_abundances(
                X, E, sum_to_one=sum_to_one, n_jobs=self.n_jobs
            )
        return unconstrained_abundances(X, E, sum_to_one=sum_to_one)

    def inverse_transform(self, X):
        """Mix the endmembers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Abundances.

        Returns
        -------
        pixels : array of shape (n_samples, n_features)
            `X @ components_`.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or another number of columns than there are
            endmembers.
        """
        check_is_fitted(self)
        X = check_array(X, dtype=float_dtypes(X))
        n_components = self.components_.shape[0]
        if X.shape[1] != n_components:
            raise ValueError(
                f"X has {X.shape[1]} columns, but LinearUnmixer mixes {n_components} "
                "endmembers; pass abundances, one column an endmember."
            )
        return X @ asarray_like(self.components_, X)

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
