"""The complete graph weighted by a kernel."""

from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    align_sparse_interface,
    validate_params_on_fit,
)

# 10^8 weights, 1.2 GB in float64 with their indices.
_MAX_SAMPLES = 10_000
_KERNELS = ("rbf", "laplacian", "polynomial", "cosine", "linear")


class KernelGraph(GraphBuilder):
    """Complete graph whose weights are the values of a kernel.

    For small data only: it holds n_samples² weights.

    Parameters
    ----------
    kernel : {"rbf", "laplacian", "polynomial", "cosine", "linear"}, default="rbf"
        Kernel of `sklearn.metrics.pairwise`. Its values must not be negative.
    gamma : float or None, default=None
        Coefficient of "rbf", "laplacian" and "polynomial"; None is 1 / n_features.
        A larger value makes "rbf" weights more local.
    degree : float, default=3
        Degree of "polynomial".
    coef0 : float, default=1
        Constant of "polynomial".

    Attributes
    ----------
    affinity_ : csr_array of shape (n_samples, n_samples)
        Symmetric weights, zero on the diagonal, in the dtype of X.
    n_connected_components_ : int
        Number of connected components.
    component_labels_ : ndarray of shape (n_samples,)
        Component of each row.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if X has any.

    See Also
    --------
    NeighborsGraph : Sparse graph for data of any size.

    Notes
    -----
    Takes O(n_samples² n_features) time and O(n_samples²) memory, and refuses more
    than 10,000 rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import KernelGraph
    >>> graph = KernelGraph(gamma=1.0).fit(np.array([[0.0], [1.0]]))
    >>> graph.affinity_.toarray().round(3)
    array([[0.   , 0.368],
           [0.368, 0.   ]])
    """

    _parameter_constraints: dict = {
        "kernel": [StrOptions(set(_KERNELS))],
        "gamma": [Interval(Real, 0, None, closed="neither"), None],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
    }

    def __init__(
        self,
        kernel: Any = "rbf",
        *,
        gamma: Any = None,
        degree: Any = 3,
        coef0: Any = 1,
    ) -> None:
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "KernelGraph":
        """Build the graph.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            At most 10,000 rows.
        y : None
            Ignored.

        Returns
        -------
        self : KernelGraph
            Fitted.

        Raises
        ------
        ValueError
            If X has one row or more than 10,000, or the kernel is negative for
            some pair.
        """
        X = self._validate(X, reset=True)
        if X.shape[0] > _MAX_SAMPLES:
            raise ValueError(
                f"KernelGraph holds n_samples² weights and takes at most "
                f"{_MAX_SAMPLES} rows, got {X.shape[0]}. NeighborsGraph is made for "
                "more."
            )
        K = self._kernel(X, X)
        K = (K + K.T) / K.dtype.type(2)
        np.fill_diagonal(K, 0)
        self._X_fit = X
        return self._store(CSR.from_scipy(sparse.csr_array(K)).to_scipy())

    def transform(self, X: Any) -> Any:
        """Weigh the edges from new rows to all training rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_queries, n_samples)
            Values of the kernel.

        Raises
        ------
        ValueError
            If the kernel is negative for some pair.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        K = self._kernel(X, self._X_fit)
        return align_sparse_interface(CSR.from_scipy(sparse.csr_array(K)).to_scipy())

    def _kernel(self, X: Any, Y: Any) -> np.ndarray:
        K = pairwise_kernels(
            X,
            Y,
            metric=self.kernel,
            filter_params=True,
            gamma=self.gamma,
            degree=self.degree,
            coef0=self.coef0,
        )
        if K.min() < 0:
            raise ValueError(
                f"kernel={self.kernel!r} is negative for some pairs, the least value "
                f"being {K.min():.3g}; weights of a graph are not. kernel='rbf' is "
                "positive everywhere."
            )
        return K.astype(X.dtype, copy=False)

    def _validate(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_min_samples=2 if reset else 1,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
