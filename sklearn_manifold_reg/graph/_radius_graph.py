"""The graph of all pairs within a distance."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    align_sparse_interface,
    validate_params_on_fit,
)


class RadiusGraph(GraphBuilder):
    """Graph that links rows no farther apart than a radius.

    Parameters
    ----------
    radius : float
        Largest distance of linked rows, in the unit of X. A larger radius gives more
        edges: n_samples² of them in the end.
    weights : {"heat", "connectivity"}, default="heat"
        exp(-d² / bandwidth²), or 1.
    bandwidth : float or None, default=None
        Width of "heat" weights, in the unit of X. None is half the radius.
    metric : str or callable, default="euclidean"
        Distance, one of scikit-learn's.
    metric_params : dict, default=None
        Further arguments of the metric.
    connectivity : {"warn", "error"}, default="warn"
        What happens to a graph in several pieces: a warning or an error.
    n_jobs : int, default=None
        Number of parallel jobs of scikit-learn's search.

    Attributes
    ----------
    affinity_ : csr_array of shape (n_samples, n_samples)
        Symmetric weights, zero on the diagonal, in the dtype of X.
    bandwidth_ : float or None
        Width of "heat" weights.
    n_isolated_ : int
        Rows without any other row within the radius.
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
    NeighborsGraph : Links each row to a fixed number of neighbors.

    Notes
    -----
    Time and memory grow with the number of edges, which the radius alone decides.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import RadiusGraph
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> graph = RadiusGraph(radius=1.5, weights="connectivity").fit(X)
    >>> graph.affinity_.toarray()
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """

    _parameter_constraints: dict = {
        "radius": [Interval(Real, 0, None, closed="neither")],
        "weights": [StrOptions({"heat", "connectivity"})],
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "metric": [str, callable],
        "metric_params": [dict, None],
        "connectivity": [StrOptions({"warn", "error"})],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        radius: Any,
        *,
        weights: Any = "heat",
        bandwidth: Any = None,
        metric: Any = "euclidean",
        metric_params: Any = None,
        connectivity: Any = "warn",
        n_jobs: Any = None,
    ) -> None:
        self.radius = radius
        self.weights = weights
        self.bandwidth = bandwidth
        self.metric = metric
        self.metric_params = metric_params
        self.connectivity = connectivity
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "RadiusGraph":
        """Build the graph.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows.
        y : None
            Ignored.

        Returns
        -------
        self : RadiusGraph
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only or holds NaN, if a bandwidth is given without
            "heat" weights, or if the graph is in pieces and `connectivity` is
            "error".

        Warns
        -----
        UserWarning
            If rows are isolated, or the graph is in pieces.
        """
        X = self._validate(X, reset=True)
        if self.weights != "heat" and self.bandwidth is not None:
            raise ValueError(
                f"bandwidth={self.bandwidth!r} has no meaning for "
                f"weights={self.weights!r}; it is the width of weights='heat'."
            )
        self.bandwidth_ = None
        if self.weights == "heat":
            self.bandwidth_ = float(self.bandwidth or self.radius / 2)
        search = NearestNeighbors(
            radius=self.radius,
            metric=self.metric,
            metric_params=self.metric_params,
            n_jobs=self.n_jobs,
        ).fit(X)
        distances = search.radius_neighbors_graph(mode="distance")
        self._search = search
        self._X_fit = X
        affinity = self._weigh(distances, X.dtype)
        # Both directions of a pair are computed apart and may differ by a rounding.
        affinity = sparse.csr_array(affinity.maximum(affinity.T))
        affinity.sort_indices()
        self.n_isolated_ = int(np.sum(np.diff(affinity.indptr) == 0))
        if self.n_isolated_:
            warnings.warn(
                f"{self.n_isolated_} rows have no other row within "
                f"radius={self.radius}.",
                UserWarning,
                stacklevel=2,
            )
        return self._store(CSR.from_scipy(affinity).to_scipy(), self.connectivity)

    def transform(self, X: Any) -> Any:
        """Link new rows to the training rows within the radius.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_queries, n_samples)
            Weights of the edges; a row may be empty.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        distances = self._search.radius_neighbors_graph(X, mode="distance")
        affinity = CSR.from_scipy(self._weigh(distances, X.dtype)).to_scipy()
        return align_sparse_interface(affinity)

    def _weigh(self, distances: Any, dtype: Any) -> sparse.csr_array:
        weights = sparse.csr_array(distances, copy=True)
        if self.bandwidth_ is None:
            weights.data[:] = 1
        else:
            weights.data = np.exp(-((weights.data / self.bandwidth_) ** 2))
        return weights.astype(dtype)

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
