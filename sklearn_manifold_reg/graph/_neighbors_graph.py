"""The graph of nearest neighbors."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, check_memory, validate_data

from sklearn_manifold_reg._arrays import asarray_like, float_dtypes
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.graph._connectivity import (
    add_edges,
    background_edges,
    bridging_pairs,
    connected_components,
)
from sklearn_manifold_reg.graph._neighbors import (
    Neighbors,
    nearest_neighbors,
    query_neighbors,
    recall_estimate,
)
from sklearn_manifold_reg.graph._symmetrize import (
    SYMMETRIZATIONS,
    neighbor_csr,
    symmetric_affinity,
)
from sklearn_manifold_reg.graph._weights import (
    BANDWIDTH_RULES,
    WEIGHTS,
    WeightRule,
    fit_weight_rule,
)
from sklearn_manifold_reg.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    align_sparse_interface,
    check_same_namespace,
    validate_params_on_fit,
)

# With a cache, neighbors are searched in steps of this many, so that fewer
# neighbors are found in the same cache entry.
_CACHE_STEP = 16


class NeighborsGraph(GraphBuilder):
    """Graph that links each row to its nearest neighbors.

    A row i is linked to its `n_neighbors` nearest other rows j with weights

    - "connectivity": 1;
    - "heat": exp(-d_ij² / bandwidth²);
    - "self-tuning": exp(-d_ij² / (s_i s_j)) [1]_, s_i being the distance from i to
      its 7th neighbor, or to its last if it has fewer;
    - "cosine": max(0, cos(x_i, x_j)), with `metric="cosine"`;
    - "fuzzy": the memberships of UMAP's fuzzy simplicial set [2]_,

    which `symmetrize` makes the same in both directions.

    Parameters
    ----------
    n_neighbors : int, default=10
        Neighbors of each row, the row itself not counted. More neighbors give a
        smoother, better connected graph. At most n_samples - 1 are used.
    weights : {"connectivity", "heat", "self-tuning", "cosine", "fuzzy"}, \
default="self-tuning"
        Weights of edges, see above.
    bandwidth : float, {"median", "max-spread"} or None, default=None
        Width of "heat" weights, in the unit of the distances. "median", the same as
        None, is the median over rows of the distance to the middle neighbor;
        "max-spread" the width at which the sum of weights grows fastest [3]_.
    metric : str or callable, default="euclidean"
        Distance. "euclidean" and "cosine" are fastest; others are those of
        scikit-learn and pynndescent. "precomputed" takes X for distances: a sparse
        graph as `sklearn.neighbors.KNeighborsTransformer` makes it, or a square
        matrix.
    metric_params : dict, default=None
        Further arguments of the metric.
    symmetrize : {"mean", "max", "mutual", "union"}, default="mean"
        Weight of the undirected edge from the weights a and b of both directions,
        0 where there is none: (a + b) / 2, max(a, b), min(a, b) or a + b - a b.
    algorithm : {"auto", "brute", "kd_tree", "nn_descent", "pynndescent"} or object \
with `kneighbors`, default="auto"
        Neighbor search. "kd_tree" and "brute" are exact, the others approximate;
        "auto" takes "kd_tree" up to 10 features, "brute" while that is fast, and
        "nn_descent" beyond. An object is one fitted on the same rows.
    connectivity : {"warn", "mst", "regularize", "error"}, default="warn"
        What happens to a graph in several pieces: a warning; the shortest edges
        that join them, found exactly; a cycle of weak edges, 0.001 of the mean
        weight, through all rows in random order; or an error.
    n_jobs : int, default=None
        Number of threads. None takes all cores, as BLAS does. Results depend on it
        with "pynndescent" only.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximate searches and of "regularize".
    memory : str, object with the joblib.Memory interface or None, default=None
        Where neighbor searches are cached. Searches for up to 16, 32, ... neighbors
        share one entry, so that a grid over `n_neighbors`, `weights` and
        `symmetrize` searches once.

    Attributes
    ----------
    affinity_ : csr_array of shape (n_samples, n_samples)
        Symmetric weights, zero on the diagonal, in the dtype of X. For arrays of
        another library a `CSR` of its arrays.
    neighbors_ : Neighbors
        `indices` and `distances` of shape (n_samples, n_neighbors_), the
        `algorithm` used and `n_repaired`, the rows searched again exactly because
        an approximate search fell short.
    n_neighbors_ : int
        Neighbors used.
    bandwidth_ : float or None
        Width of "heat" weights.
    n_connected_components_ : int
        Number of connected components, after `connectivity`.
    component_labels_ : ndarray of shape (n_samples,)
        Component of each row.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if X has any.

    See Also
    --------
    RadiusGraph : Links all rows within a distance.
    ImageGraph : Links pixels within a window.

    Notes
    -----
    Memory is O(n_samples * n_neighbors). Time is that of the search: about
    n log n for "kd_tree", n² n_features / 2 multiplications for "brute".

    New rows are linked to their nearest training rows alone; those edges are not
    symmetrized. A new row that equals a training row is linked to it with weight 1.

    References
    ----------
    .. [1] L. Zelnik-Manor, P. Perona, "Self-tuning spectral clustering", NIPS 2004.
    .. [2] L. McInnes, J. Healy, J. Melville, "UMAP: uniform manifold approximation
       and projection for dimension reduction", 2018, arXiv:1802.03426.
    .. [3] R. Coifman, Y. Shkolnisky, F. Sigworth, A. Singer, "Graph Laplacian
       tomography from unknown random projections", IEEE Transactions on Image
       Processing 17, 2008, https://doi.org/10.1109/TIP.2008.2002305

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import NeighborsGraph
    >>> X = np.array([[0.0], [1.0], [3.0]])
    >>> graph = NeighborsGraph(n_neighbors=1, weights="connectivity").fit(X)
    >>> graph.affinity_.toarray()
    array([[0. , 1. , 0. ],
           [1. , 0. , 0.5],
           [0. , 0.5, 0. ]])
    """

    _parameter_constraints: dict = {
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "weights": [StrOptions(set(WEIGHTS))],
        "bandwidth": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions(set(BANDWIDTH_RULES)),
            None,
        ],
        "metric": [str, callable],
        "metric_params": [dict, None],
        "symmetrize": [StrOptions(set(SYMMETRIZATIONS))],
        "algorithm": [
            StrOptions({"auto", "brute", "kd_tree", "nn_descent", "pynndescent"}),
            HasMethods("kneighbors"),
        ],
        "connectivity": [StrOptions({"warn", "mst", "regularize", "error"})],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "memory": [str, HasMethods("cache"), None],
    }

    def __init__(
        self,
        n_neighbors: Any = 10,
        *,
        weights: Any = "self-tuning",
        bandwidth: Any = None,
        metric: Any = "euclidean",
        metric_params: Any = None,
        symmetrize: Any = "mean",
        algorithm: Any = "auto",
        connectivity: Any = "warn",
        n_jobs: Any = None,
        random_state: Any = None,
        memory: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.bandwidth = bandwidth
        self.metric = metric
        self.metric_params = metric_params
        self.symmetrize = symmetrize
        self.algorithm = algorithm
        self.connectivity = connectivity
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.memory = memory

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "NeighborsGraph":
        """Build the graph.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; distances of shape (n_samples, n_samples) for
            `metric="precomputed"`.
        y : None
            Ignored.

        Returns
        -------
        self : NeighborsGraph
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only or holds NaN, if `weights="cosine"` is not used
            with `metric="cosine"`, or if the graph is in pieces and `connectivity`
            is "error".

        Warns
        -----
        UserWarning
            If there are not more rows than `n_neighbors`, or the graph is in pieces
            and `connectivity` is "warn".
        """
        X = self._validate(X, reset=True)
        if self.weights == "cosine" and self.metric != "cosine":
            raise ValueError(
                "weights='cosine' are made of cosine distances: use metric='cosine', "
                f"got metric={self.metric!r}."
            )
        n_neighbors = self._clip(X.shape[0] - 1)
        neighbors = self._search(X, n_neighbors)
        rule = fit_weight_rule(neighbors.distances, self.weights, self.bandwidth)
        weights = rule(neighbors.distances, neighbors.indices, n_jobs=self.n_jobs)
        affinity = symmetric_affinity(
            neighbors.indices, weights, self.symmetrize, n_jobs=self.n_jobs
        )
        if self.connectivity in ("mst", "regularize"):
            affinity = self._connect(X, affinity, rule)

        self.n_neighbors_ = n_neighbors
        self.neighbors_ = neighbors
        self.bandwidth_ = rule.bandwidth
        self._rule = rule
        self._X_fit = X
        return self._store(affinity, self.connectivity)

    def transform(self, X: Any) -> Any:
        """Link new rows to their nearest training rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows; their distances to the training rows for
            `metric="precomputed"`.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_queries, n_samples)
            Weights of the edges, `n_neighbors_` a row, by the formula and the
            widths of the training rows.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        check_same_namespace(X, self, attribute="_X_fit", method="transform")
        found = query_neighbors(
            self._X_fit,
            X,
            self.n_neighbors_,
            metric=self.metric,
            metric_params=self.metric_params,
            algorithm=self.algorithm,
            n_jobs=self.n_jobs,
        )
        weights = self._rule(found.distances, found.indices, n_jobs=self.n_jobs)
        affinity = neighbor_csr(found.indices, weights, self._X_fit.shape[0])
        return align_sparse_interface(affinity)

    def recall_estimate(self, n_samples: int = 1000) -> float:
        """Estimate the share of true neighbors that the search found.

        Parameters
        ----------
        n_samples : int, default=1000
            Number of rows, drawn with `random_state`, that are searched exactly.

        Returns
        -------
        recall : float
            1 for exact searches. The standard error is below
            0.5 / sqrt(n_samples).
        """
        check_is_fitted(self)
        return recall_estimate(
            self._X_fit,
            self.neighbors_,
            n_samples=n_samples,
            metric=self.metric,
            metric_params=self.metric_params,
            random_state=self.random_state,
        )

    def _validate(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )

    def _clip(self, largest: int) -> int:
        if self.n_neighbors > largest:
            warnings.warn(
                f"n_neighbors={self.n_neighbors} is more than the {largest} other "
                f"rows that there are; {largest} are used.",
                UserWarning,
                stacklevel=3,
            )
        return min(self.n_neighbors, largest)

    def _search(self, X: Any, n_neighbors: int) -> Neighbors:
        options = {
            "metric": self.metric,
            "metric_params": self.metric_params,
            "algorithm": self.algorithm,
            "n_jobs": self.n_jobs,
            "random_state": self.random_state,
        }
        if self.memory is None:
            return nearest_neighbors(X, n_neighbors, **options)
        enough = min(X.shape[0] - 1, -(-n_neighbors // _CACHE_STEP) * _CACHE_STEP)
        cached = check_memory(self.memory).cache(nearest_neighbors, ignore=["n_jobs"])
        found = cached(X, enough, **options)
        return Neighbors(
            found.indices[:, :n_neighbors],
            found.distances[:, :n_neighbors],
            found.algorithm,
            found.n_repaired,
        )

    def _connect(self, X: Any, affinity: Any, rule: WeightRule) -> Any:
        """Make a graph in pieces one piece."""
        n_components, labels = connected_components(affinity)
        if n_components == 1:
            return affinity
        if not sparse.issparse(affinity):
            raise ValueError(
                f"connectivity={self.connectivity!r} works on the host only; for "
                "arrays on a device use 'warn' or 'error', or more neighbors."
            )
        if self.connectivity == "regularize":
            return add_edges(affinity, *background_edges(affinity, self.random_state))
        if self.metric == "precomputed":
            raise ValueError(
                "connectivity='mst' needs distances between any two rows, which "
                "metric='precomputed' does not give; use 'regularize'."
            )

        def nearest(others: Any, own: Any) -> tuple[Any, Any]:
            found = query_neighbors(
                others,
                own,
                1,
                metric=self.metric,
                metric_params=self.metric_params,
                n_jobs=self.n_jobs,
            )
            return found.indices[:, 0], found.distances[:, 0]

        rows, columns, distances = bridging_pairs(X, labels, nearest)
        weights = self._bridge_weights(rows, columns, distances, affinity, rule)
        return add_edges(affinity, rows, columns, weights)

    def _bridge_weights(
        self, rows: Any, columns: Any, distances: Any, affinity: Any, rule: WeightRule
    ) -> Any:
        """Weights of the edges that join components, which must not underflow."""
        distances = asarray_like(distances, affinity.data)
        if rule.kind == "fuzzy":
            return np.full_like(distances, affinity.data.min())
        if rule.kind == "self-tuning":
            scales = rule.scales[rows] * rule.scales[columns]
            weights = np.exp(-(distances**2) / scales)
        else:
            weights = rule(distances[:, None], columns[:, None])[:, 0]
        return np.maximum(weights, affinity.data.min())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.metric == "precomputed"
        return tags
