"""Clusters of a graph whose nodes have attributes."""

import warnings
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import CSR, float_dtypes, get_namespace, is_numpy
from sklearn_manifold_reg.cluster._augmented_graph import (
    AttributeNodes,
    augment_graph,
    average_neighbors,
    block_means,
    component_indicators,
    definite_laplacian,
    mean_weight,
    stack_blocks,
)
from sklearn_manifold_reg.cluster._restarts import best_partition
from sklearn_manifold_reg.graph import (
    is_pairwise,
    laplacian_eigenpairs,
    link_rows,
    modularity,
    resolve_graph,
)
from sklearn_manifold_reg.linalg import bootstrap_smooth_vectors, orthonormal_span
from sklearn_manifold_reg.utils._attributes import (
    code_entropy,
    encode_attributes,
    learn_attributes,
)
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)


class AttributedSpectralClustering(
    CallbackSupportMixin, ClusterMixin, DocumentedEstimator
):
    """Spectral clustering of a graph whose nodes have attributes.

    Rows that share a value of an attribute are joined to a node of that value. From
    vectors that vary slowly along the edges of this augmented graph, a row i with
    values l(1), ..., l(r) gets the coordinates

        (Q[i], sqrt(attribute_weight) * (Q[l(1)], ..., Q[l(r)])),

    Q an orthonormal basis of these vectors, and rows are clustered by k-means [1]_.
    Without attributes it is spectral clustering of the graph alone [2]_.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    embedding : {"eigen", "bootstrap_amg"}, default="eigen"
        Where the vectors come from: the lowest eigenvectors of the random walk, or what
        multigrid cycles hardly change in random vectors, as in [1]_. Eigenvectors find
        faint clusters more surely, in less time.
    n_components : int or None, default=None
        Number of eigenvectors beside the constant one, for "eigen" only; None takes
        `n_clusters - 1`.
    attribute_weight : float, default=0.1
        Weight of attributes in the squared distance of two rows. At 0 they count
        through the edges to their nodes only; at 1, as in [1]_, a partition into
        about as many clusters as an attribute has values often just repeats that
        attribute.
    attribute_edge_weight : float, default=1.0
        Weight of an edge to an attribute node, in units of the mean weight of the
        edges of the graph. At 0 attributes are not used at all.
    weighted : bool, default=True
        Whether the weights of the graph are used; else every edge has weight 1.
    n_bins : int or None, default=5
        Bins of attributes that are floating numbers, each with about as many rows.
        None refuses such attributes.
    drop_constant : bool, default=True
        Whether to leave out attributes with one value only, with a warning. Kept, such
        an attribute joins all rows to one node, which makes loose ends of the graph
        matter less.
    tol : float, default=1e-6
        Convergence ratio of the cycles at which enough vectors are found, for
        "bootstrap_amg" only. Smaller values give more vectors.
    max_vectors : int, default=40
        Largest number of vectors beside constants, for "bootstrap_amg" only.
    aggregation : {"matching", "pyamg"}, default="matching"
        How cycles are made, see
        :func:`~sklearn_manifold_reg.linalg.bootstrap_smooth_vectors`.
    n_pairings : int, default=2
        Matchings from one level of a cycle to the next, for "matching" only: 1 joins
        two nodes, 2 up to four.
    n_init : int, default=100
        Runs of k-means, from random rows as centers.
    max_iter : int, default=10
        Iterations of a run.
    select : {"modularity", "inertia", "entropy"}, default="modularity"
        Which run to keep: of largest modularity on the graph, of least inertia, or of
        least entropy of the attributes within clusters.
    random_state : int, RandomState instance or None, default=None
        Seed of the vectors and of k-means.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row.
    embedding_ : ndarray of shape (n_samples, n_vectors_ * (1 + n_attributes))
        Coordinates of the rows.
    cluster_centers_ : ndarray of shape (n_clusters, n_vectors_ * (1 + n_attributes))
        Means of the clusters.
    n_vectors_ : int
        Number of columns of Q.
    convergence_ratios_ : ndarray of shape (n_cycles,)
        Convergence ratios of the first 1, 2, ... cycles; empty for "eigen".
    attribute_nodes_ : list of lists
        The values of each attribute that have nodes. Empty without attributes.
    modularity_ : float
        Modularity of the clusters on the graph, without attributes.
    entropy_ : float
        Entropy of the attributes within clusters, in bits; 0 without attributes.
    inertia_ : float
        Sum of squared distances to the centers.
    n_iter_ : int
        Iterations of the run that was kept.
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    sklearn_manifold_reg.graph.attribute_entropy : Entropy of attributes in clusters.
    sklearn_manifold_reg.graph.modularity : How well clusters fit a graph.

    Notes
    -----
    Attributes of strings, integers, booleans and categories are categories as they
    are. Floating numbers are cut into `n_bins` bins, unless they have no more
    different values. A missing value (`NaN` or None) adds no edge; its coordinates
    are the mean of the others.

    A new row gets the average of Q over its neighbors and its attribute nodes, and
    the nearest center. Rows of the training set keep their own coordinates.

    Differences from [1]_: eigenvectors are the default; attributes weigh less in
    distances, unless `attribute_weight=1`; weights of edges are used; the coarsest
    level of a cycle is solved directly; each connected component brings its indicator
    as a vector; directions in the span of the vectors that are rounding errors are left
    out; k-means starts from distinct rows and fills clusters that fall empty.

    Time is linear in the number of edges for a given number of vectors q, with
    15 q² / 2 multigrid cycles; an iteration of k-means takes O(n_samples * n_clusters)
    operations for each column of `embedding_`. Memory is that of `embedding_` and of
    about q copies of the augmented graph.

    References
    ----------
    .. [1] P. D'Ambra, P. S. Vassilevski, L. Cutillo, "Extending bootstrap AMG for
       clustering of attributed graphs", Applied Mathematics and Computation 447,
       2023, doi:10.1016/j.amc.2023.127904.
    .. [2] P. D'Ambra, L. Cutillo, P. S. Vassilevski, "Bootstrap AMG for spectral
       clustering", Computational and Mathematical Methods 1, 2019,
       doi:10.1002/cmm4.1020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.cluster import AttributedSpectralClustering
    >>> X = np.linspace(0, 1, 60)[:, None]
    >>> colors = np.repeat(["red", "blue"], 30)
    >>> model = AttributedSpectralClustering(2, attribute_weight=1.0, random_state=0)
    >>> labels = model.fit_predict(X, attributes=colors)
    >>> bool(np.all((colors == "red") == (labels == labels[0])))
    True
    >>> model.entropy_
    0.0
    """

    _parameter_constraints: dict = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "embedding": [StrOptions({"eigen", "bootstrap_amg"})],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "attribute_weight": [Interval(Real, 0, None, closed="left")],
        "attribute_edge_weight": [Interval(Real, 0, None, closed="left")],
        "weighted": ["boolean"],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
        "drop_constant": ["boolean"],
        "tol": [Interval(Real, 0, 1, closed="neither")],
        "max_vectors": [Interval(Integral, 1, None, closed="left")],
        "aggregation": [StrOptions({"matching", "pyamg"})],
        "n_pairings": [Interval(Integral, 1, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "select": [StrOptions({"modularity", "inertia", "entropy"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=8,
        graph=None,
        *,
        embedding="eigen",
        n_components=None,
        attribute_weight=0.1,
        attribute_edge_weight=1.0,
        weighted=True,
        n_bins=5,
        drop_constant=True,
        tol=1e-6,
        max_vectors=40,
        aggregation="matching",
        n_pairings=2,
        n_init=100,
        max_iter=10,
        select="modularity",
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.graph = graph
        self.embedding = embedding
        self.n_components = n_components
        self.attribute_weight = attribute_weight
        self.attribute_edge_weight = attribute_edge_weight
        self.weighted = weighted
        self.n_bins = n_bins
        self.drop_constant = drop_constant
        self.tol = tol
        self.max_vectors = max_vectors
        self.aggregation = aggregation
        self.n_pairings = n_pairings
        self.n_init = n_init
        self.max_iter = max_iter
        self.select = select
        self.random_state = random_state

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, *, attributes=None):
        """Cluster rows by a graph and by their attributes.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.
        attributes : array-like or data frame of shape (n_samples,) or \
(n_samples, n_attributes), default=None
            Categories or numbers of each row, `NaN` or None where missing.

        Returns
        -------
        self : AttributedSpectralClustering
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are fewer rows than clusters, `attributes` has another number of
            rows, floating attributes are to have no bins, or the entropy of attributes
            is to select among runs and there are none.

        Warns
        -----
        UserWarning
            If an attribute is constant, or a row has neither neighbors nor attributes.
        ConvergenceWarning
            If the vectors do not reach `tol`, or fewer clusters are found than asked
            for.
        """
        X = _validate(self, X, reset=True)
        rng = check_random_state(self.random_state)
        n = X.shape[0]
        learned, kept, codes = self._learn(attributes, n)
        numbering = AttributeNodes(learned, kept, n)
        nodes = numbering.number(codes)
        with fit_task(self, X, y, n_stages=3) as task:
            with task.stage("graph"):
                graph = resolve_graph(self.graph).fit(X)
                W = self._edges(graph.affinity_)
                tie = self.attribute_edge_weight * mean_weight(W)
                augmented = augment_graph(W, nodes, numbering.n_nodes, tie)
            with task.stage("spectrum"):
                Q, ratios = self._coordinates(augmented, n, rng)
                means = block_means(Q, nodes)
                blocks = stack_blocks(Q[:n], Q, nodes, means, self.attribute_weight)
                blocks = blocks.astype(X.dtype, copy=False)
            with task.stage("clusters"):
                partition = best_partition(
                    blocks,
                    self.n_clusters,
                    self._loss(graph.affinity_, codes),
                    n_init=self.n_init,
                    max_iter=self.max_iter,
                    random_state=rng,
                )

        self.graph_ = graph
        self.labels_ = partition.labels
        self.cluster_centers_ = partition.centers
        self.inertia_ = float(partition.inertia)
        self.n_iter_ = partition.n_iter
        self.embedding_ = blocks
        self.n_vectors_ = Q.shape[1]
        self.convergence_ratios_ = ratios
        self.attribute_nodes_ = numbering.values
        self.modularity_ = modularity(graph.affinity_, partition.labels)
        self.entropy_ = code_entropy(codes, partition.labels)
        self._numbering, self._nodes = numbering, nodes
        self._node_coordinates, self._block_means, self._tie = Q, means, tie
        return self

    def predict(self, X, *, attributes=None):
        """Assign rows, new or old, to clusters.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).
        attributes : array-like or data frame of shape (n_queries,) or \
(n_queries, n_attributes), default=None
            Attributes of the rows, in the columns of `fit`. Values that are missing or
            were not seen in `fit` get the mean coordinates of the others. None stands
            for the known attributes of training rows, and for missing ones elsewhere.

        Returns
        -------
        labels : ndarray of shape (n_queries,)
            Cluster of each row.
        """
        check_is_fitted(self)
        X = _validate(self, X, reset=False)
        affinity, matches = link_rows(self.graph_, X)
        known = matches[:, None] >= 0
        if attributes is None:
            nodes = np.where(known, self._nodes[matches], -1)
        else:
            learned = self._numbering.attributes
            codes = encode_attributes(learned, attributes, len(matches))
            nodes = self._numbering.number(codes)
        Q = self._node_coordinates
        own = average_neighbors(self._edges(affinity), Q, nodes, self._tie)
        own = np.where(known, Q[matches], own)
        blocks = stack_blocks(
            own, Q, nodes, self._block_means, self.attribute_weight
        ).astype(self.embedding_.dtype)
        labels = pairwise_distances_argmin(blocks, self.cluster_centers_)
        return labels.astype(self.labels_.dtype)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.input_tags.positive_only = isinstance(self.graph, str)
        return tags

    def _learn(self, attributes, n_rows):
        """Find the values of attributes, and number those that tell rows apart."""
        if attributes is None:
            if self.select == "entropy":
                raise ValueError(
                    "select='entropy' needs attributes in fit; take 'modularity' or "
                    "'inertia' without."
                )
            return [], [], np.empty((n_rows, 0), dtype=np.int32)
        learned = learn_attributes(attributes, n_rows, self.n_bins)
        codes = encode_attributes(learned, attributes, n_rows)
        if self.attribute_edge_weight == 0:
            return learned, [], codes
        least = 2 if self.drop_constant else 1
        kept = [k for k, a in enumerate(learned) if len(a.values) >= least]
        if len(kept) < len(learned):
            dropped = [a.name for k, a in enumerate(learned) if k not in kept]
            warnings.warn(
                f"Attributes {dropped} have at most one value and are left out.",
                UserWarning,
                stacklevel=4,
            )
        return learned, kept, codes

    def _edges(self, affinity):
        """Take the weights of edges, or ones; stored zeros are no edges."""
        W = affinity.to_scipy() if isinstance(affinity, CSR) else affinity
        W = sparse.csr_array(W)
        if not np.all(W.data):
            W = W.copy()
            W.eliminate_zeros()
        if self.weighted:
            return W
        return sparse.csr_array((np.ones_like(W.data), W.indices, W.indptr), W.shape)

    def _coordinates(self, augmented, n_rows, rng):
        """Embed all nodes of the augmented graph; zeros where there are no edges."""
        lengths = np.diff(augmented.indptr)
        n_lonely = int(np.count_nonzero(lengths[:n_rows] == 0))
        if n_lonely:
            warnings.warn(
                f"{n_lonely} rows have neither neighbors nor attributes; all get the "
                "coordinates 0.",
                UserWarning,
                stacklevel=4,
            )
        joined = np.flatnonzero(lengths)
        found, ratios = np.empty((0, 1)), np.empty(0)
        if len(joined):
            found, ratios = self._vectors(augmented[joined][:, joined], rng)
        Q = np.zeros((len(lengths), found.shape[1]))
        Q[joined] = found
        return Q, ratios

    def _vectors(self, W, rng):
        """Compute vectors that vary slowly along edges, and convergence ratios."""
        if self.embedding == "eigen":
            n_varying = self.n_components or max(1, self.n_clusters - 1)
            n_pairs = min(1 + n_varying, W.shape[0])
            pairs = laplacian_eigenpairs(W, n_pairs, random_state=rng)
            return pairs.functions, np.empty(0)
        laplacian, labels, n_components = definite_laplacian(W)
        smooth = bootstrap_smooth_vectors(
            laplacian,
            tol=self.tol,
            max_vectors=self.max_vectors,
            aggregation=self.aggregation,
            n_pairings=self.n_pairings,
            random_state=rng,
        )
        indicators = component_indicators(labels, n_components, self.n_clusters)
        vectors = np.hstack([smooth.vectors, indicators])
        return orthonormal_span(vectors), smooth.convergence_ratios

    def _loss(self, affinity, codes):
        """Choose what runs of k-means are judged by; less is better."""
        if self.select == "modularity":
            return lambda run: -modularity(affinity, run.labels)
        if self.select == "entropy":
            return lambda run: code_entropy(codes, run.labels)
        return lambda run: run.inertia


def _validate(estimator, X, *, reset):
    if not sparse.issparse(X) and not is_numpy(get_namespace(X)):
        raise TypeError(
            "AttributedSpectralClustering works on NumPy arrays and scipy's sparse "
            "arrays only; move X to NumPy."
        )
    return validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=float_dtypes(X),
        ensure_min_samples=2 if reset else 1,
    )
