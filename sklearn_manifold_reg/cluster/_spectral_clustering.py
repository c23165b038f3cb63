"""Spectral clustering: estimator."""

import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import float_dtypes, namespace_of
from sklearn_manifold_reg.cluster._assign import cluster_means, take_rows
from sklearn_manifold_reg.cluster._components import (
    feature_means,
    join_nearest,
    spread_rows,
)
from sklearn_manifold_reg.cluster._division import Division, divide, label_points
from sklearn_manifold_reg.cluster._eigenspace import (
    graph_eigenspace,
    landmark_eigenspace,
    leading_pairs,
)
from sklearn_manifold_reg.cluster._embedding import (
    EMBEDDINGS,
    candidate_widths,
    embed,
    relative_eigengaps,
)
from sklearn_manifold_reg.cluster._landmarks import (
    fit_on_landmarks,
    landmark_weights,
    place_landmarks,
)
from sklearn_manifold_reg.cluster._matches import match_nodes
from sklearn_manifold_reg.cluster._numbering import first_appearance, renumber
from sklearn_manifold_reg.cluster._refine import refine_partition
from sklearn_manifold_reg.graph import (
    is_pairwise,
    link_rows,
    replace_matched,
    resolve_graph,
)
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)

# Rows from which "auto" takes landmarks.
_MANY_ROWS = 500_000
# Attributes that only some parameters bring; a fit forgets those of an earlier one.
_DEPENDENT = (
    "affinity_matrix_",
    "cluster_centers_",
    "landmarks_",
    "rotation_",
    "_basis",
    "_eigenpairs",
)


class SpectralClustering(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    ClusterMixin,
    DocumentedEstimator,
):
    """Clusters that cut few edges of a graph, found by its eigenvectors.

    Minimizes approximately the normalized cut

        sum_c cut(c) / volume(c),

    the weight of the edges that leave a cluster relative to that of all its edges, by
    relaxation [1]_: rows of the `n_clusters` lowest eigenvectors V of the Laplacian
    I - D^-1/2 W D^-1/2 are points of a space of few dimensions, where clusters lie
    apart whatever their shape was.

    Parameters
    ----------
    n_clusters : int or "eigengap", default=8
        Number of clusters. "eigengap" takes the k in [2, `max_clusters`] whose
        relative gap (l_{k+1} - l_k) / l_{k+1} between the eigenvalues l_1 <= l_2 <= ...
        of the Laplacian is largest, and of equal gaps the first. It finds
        the coarsest clear division; see `eigengaps_` for the next ones.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    embedding : {"njw", "shi_malik", "diffusion", "commute"}, default="njw"
        The points that are clustered: rows of V, normalized to length one [2]_; rows
        of D^-1/2 V [1]_; the latter with columns times (1 - l)^`diffusion_time`, or
        divided by sqrt(l), whose distances are diffusion and commute times.
    assign_labels : {"kmeans", "discretize", "cluster_qr"}, default="kmeans"
        How points are divided: by k-means; by the rotation of rows of unit length that
        brings them nearest to indicators [3]_; or by the rotation that pivots of a QR
        decomposition give, which uses no random numbers [4]_.
    n_components : int or None, default=None
        Number of eigenvectors. "discretize" and "cluster_qr" take `n_clusters`. None
        lets "kmeans" try `n_clusters`, two more, and half as many more; the clusters
        of least normalized cut are taken. Clusters that lie close together are often
        told apart by the eigenvectors after the first `n_clusters` only.
    diffusion_time : float, default=1.0
        Exponent of the "diffusion" embedding. Larger values smooth more.
    n_init : int, default=10
        Starts of "kmeans" and "discretize", of which the best is taken.
    max_clusters : int, default=20
        Largest number of clusters that "eigengap" considers.
    method : {"auto", "graph", "landmark"}, default="auto"
        "landmark" links rows to landmarks instead of to each other [5]_: faster from
        some 100,000 rows on, less accurate. "auto" takes it from 500,000 rows on,
        if the builder has a parameter `n_neighbors`.
    n_landmarks : int, default=1000
        Number of landmarks.
    n_nearest_landmarks : int, default=5
        Landmarks that each row is linked to, in place of the `n_neighbors` of `graph`.
    isolated : {"nearest", "noise"}, default="nearest"
        What becomes of rows without edges: the cluster whose mean is nearest in the
        space of features, or the label -1, which "precomputed" graphs always get.
    refine : bool, default=False
        Whether single rows are moved to other clusters in the end while that lowers
        the normalized cut. For method "graph" on the host.
    solver : {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}, \
default="auto"
        Eigensolver, see :func:`~sklearn_manifold_reg.linalg.lowest_eigenpairs`.
    tol : float, default=1e-6
        Residual norm wanted of eigenvectors, relative to the largest eigenvalue.
    max_iter : int or None, default=None
        Largest number of steps of the eigensolver; None leaves it to the solver.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the eigensolver, of `n_init` starts, of landmarks and, if `graph` is
        None, of the graph. Other graphs have a seed of their own.

    Attributes
    ----------
    labels_ : integer array of shape (n_samples,)
        Cluster of each row, numbered in the order of their first rows; -1 see
        `isolated`.
    n_clusters_ : int
        Number of clusters found.
    embedding_ : array of shape (n_samples, n_components)
        The points that were clustered; zero for rows without edges.
    eigenvalues_ : array of shape (n_values,)
        Lowest eigenvalues of the Laplacian; `max_clusters + 1` for "eigengap".
    eigengaps_ : ndarray of shape (n_values - 1,)
        Relative gaps: entry k - 1 is the one of k clusters.
    ncut_ : float
        Normalized cut of the clusters; never below the sum of as many eigenvalues.
    cluster_centers_ : array of shape (n_clusters_, n_components)
        Means of the points of each cluster, for "kmeans".
    rotation_ : array of shape (n_components, n_clusters_)
        Labels are the largest entries of `embedding_ @ rotation_` for "discretize",
        those of largest size for "cluster_qr".
    method_ : {"graph", "landmark"}
        What was used.
    graph_ : graph builder
        The fitted graph; for "landmark" the one of the landmarks.
    affinity_matrix_ : csr_array or CSR of shape (n_samples, n_samples)
        Weights of the graph, for method "graph".
    landmarks_ : array of shape (n_landmarks, n_features)
        Landmarks, for method "landmark".
    n_iter_ : int
        Steps of the eigensolver; 1 for direct solvers.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    sklearn.cluster.SpectralClustering : Labels of the training rows only.
    sklearn_manifold_reg.graph.laplacian_eigenpairs : The eigenvectors alone.

    Notes
    -----
    `predict` gives a training row its own label. Other rows get the eigenfunctions by
    their neighbors (Nyström [6]_) and go on like training rows. `transform` gives the
    points: the embedding, not distances to centers, which two of the three ways to
    assign labels do not have.

    Where the graph has no fewer components than clusters are wanted, clusters are
    components; the smallest are merged into those of nearest mean in the space of
    features, into the cluster of least volume for "precomputed". Their cuts are zero in
    any case.

    "landmark" places landmarks by a short k-means of 20 rows a landmark, at random for
    sparse `X`; weights Z to the nearest are those of the builder, with rows summing
    to one. Eigenvectors are those of the graph Z diag(s)^-1 Z' with s the column sums.

    k-means compares its starts on 5000 rows, 250 a cluster, or all if there are
    less than twice as many, and carries the best to all rows: three that differ if
    `n_components` is given, else one for each number of eigenvectors tried.

    Cost of "graph": that of the graph and of the eigenpairs, each tens of products
    with the graph; of "landmark" the search of landmarks and n_landmarks³ operations.
    Memory is O(nnz + n_samples * n_components).

    References
    ----------
    .. [1] J. Shi, J. Malik, "Normalized cuts and image segmentation", IEEE
       Transactions on Pattern Analysis and Machine Intelligence 22, 2000,
       doi:10.1109/34.868688.
    .. [2] A. Ng, M. Jordan, Y. Weiss, "On spectral clustering: analysis and an
       algorithm", NIPS 2001.
    .. [3] S. X. Yu, J. Shi, "Multiclass spectral clustering", ICCV 2003,
       doi:10.1109/ICCV.2003.1238361.
    .. [4] A. Damle, V. Minden, L. Ying, "Simple, direct and efficient multi-way
       spectral clustering", Information and Inference 8, 2019,
       doi:10.1093/imaiai/iay008.
    .. [5] X. Chen, D. Cai, "Large scale spectral clustering with landmark-based
       representation", AAAI 2011.
    .. [6] Y. Bengio, J.-F. Paiement, P. Vincent, O. Delalleau, N. Le Roux, M. Ouimet,
       "Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral
       clustering", NIPS 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.cluster import SpectralClustering
    >>> X, truth = make_moons(200, noise=0.05, random_state=0)
    >>> model = SpectralClustering(2, random_state=0).fit(X[::2])
    >>> same = model.predict(X) == truth
    >>> bool(same.all() or not same.any())
    True
    """

    _parameter_constraints: dict = {
        "n_clusters": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"eigengap"}),
        ],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "embedding": [StrOptions(set(EMBEDDINGS))],
        "assign_labels": [StrOptions({"kmeans", "discretize", "cluster_qr"})],
        "n_components": [Interval(Integral, 1, None, closed="left"), None],
        "diffusion_time": [Interval(Real, 0, None, closed="neither")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_clusters": [Interval(Integral, 2, None, closed="left")],
        "method": [StrOptions({"auto", "graph", "landmark"})],
        "n_landmarks": [Interval(Integral, 2, None, closed="left")],
        "n_nearest_landmarks": [Interval(Integral, 1, None, closed="left")],
        "isolated": [StrOptions({"nearest", "noise"})],
        "refine": ["boolean"],
        "solver": [
            StrOptions(
                {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}
            )
        ],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=8,
        graph=None,
        *,
        embedding="njw",
        assign_labels="kmeans",
        n_components=None,
        diffusion_time=1.0,
        n_init=10,
        max_clusters=20,
        method="auto",
        n_landmarks=1000,
        n_nearest_landmarks=5,
        isolated="nearest",
        refine=False,
        solver="auto",
        tol=1e-6,
        max_iter=None,
        n_jobs=None,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.graph = graph
        self.embedding = embedding
        self.assign_labels = assign_labels
        self.n_components = n_components
        self.diffusion_time = diffusion_time
        self.n_init = n_init
        self.max_clusters = max_clusters
        self.method = method
        self.n_landmarks = n_landmarks
        self.n_nearest_landmarks = n_nearest_landmarks
        self.isolated = isolated
        self.refine = refine
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Find clusters.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.

        Returns
        -------
        self : SpectralClustering
            The fitted estimator.

        Raises
        ------
        ValueError
            If there are fewer rows than clusters or no edges, if parameters exclude
            each other, or if a weight is negative.

        Warns
        -----
        UserWarning
            If components are merged, if the graph has no cluster structure, or if fewer
            clusters are found than wanted.
        """
        X = validate_data(self, X, ensure_min_samples=2, **_checks(X))
        builder = resolve_graph(self.graph)
        method = _choose_method(self.method, builder, X.shape[0])
        self._check_sizes(X, method)
        rng = check_random_state(self.random_state)
        if self.graph is None:
            builder.set_params(random_state=rng.randint(2**31 - 1), n_jobs=self.n_jobs)
        for name in _DEPENDENT:
            if hasattr(self, name):
                delattr(self, name)
        with fit_task(self, X, None, n_stages=3) as task:
            if method == "landmark":
                space = self._link_to_landmarks(X, builder, rng, task)
            else:
                space = self._link_rows(X, builder, rng, task)
            with task.stage("assign"):
                space, Z, division = self._divide_best(space, rng)
        self.method_ = method
        self.eigenvalues_ = space.all_values
        self.eigengaps_ = relative_eigengaps(space.all_values)
        self.n_iter_ = max(1, space.n_iter)
        self._values = space.values
        self.embedding_ = spread_rows(Z, space.tied, 0.0)
        self._n_features_out = Z.shape[1]
        self._number_clusters(X, Z, space, division)
        return self

    def predict(self, X):
        """Give the clusters of rows, new or old.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        labels : integer array of shape (n_queries,)
            A training row has its label in `labels_`. Rows without edges are treated
            as `isolated` says.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_checks(X))
        Z, matches = self._place(X)
        xp = namespace_of(Z)
        labels = label_points(
            Z,
            self.assign_labels,
            centers=getattr(self, "cluster_centers_", None),
            rotation=getattr(self, "rotation_", None),
            n_jobs=self.n_jobs,
        )
        labels = xp.astype(labels, self.labels_.dtype)
        labels = xp.where(xp.any(Z != 0, axis=1), labels, xp.full_like(labels, -1))
        if self._feature_means is not None:
            labels = join_nearest(labels, X, self._feature_means)
        return replace_matched(labels, matches, self.labels_)

    def transform(self, X):
        """Give the points that stand for rows, new or old.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        Z : array of shape (n_queries, n_components)
            A training row has its row of `embedding_`. Zero for rows without edges.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_checks(X))
        Z, matches = self._place(X)
        return replace_matched(Z, matches, self.embedding_)

    def fit_transform(self, X, y=None):
        """Find clusters and give the points that were clustered.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity.
        y : None
            Ignored.

        Returns
        -------
        Z : array of shape (n_samples, n_components)
            `embedding_`.
        """
        return self.fit(X).embedding_

    def _check_sizes(self, X: Any, method: str) -> None:
        by_gap = isinstance(self.n_clusters, str)
        if not by_gap and self.n_clusters > X.shape[0]:
            raise ValueError(
                f"n_clusters={self.n_clusters} is more than the {X.shape[0]} rows."
            )
        if (
            self.assign_labels != "kmeans"
            and self.n_components is not None
            and self.n_components != self.n_clusters
        ):
            raise ValueError(
                f"assign_labels={self.assign_labels!r} needs as many eigenvectors as "
                f"clusters, got n_components={self.n_components}; leave it at None or "
                "take assign_labels='kmeans'."
            )
        if method == "landmark":
            wanted = self.max_clusters + 1 if by_gap else self.n_clusters
            wanted = max(wanted, self.n_components or 1)
            if wanted > min(self.n_landmarks, X.shape[0]):
                raise ValueError(
                    f"n_landmarks={self.n_landmarks} of {X.shape[0]} rows are fewer "
                    f"than the {wanted} eigenvectors wanted; take more landmarks, or "
                    "method='graph'."
                )
        on_host = sparse.issparse(X) or isinstance(X, np.ndarray)
        if self.refine and (method == "landmark" or not on_host):
            raise ValueError(
                "refine=True visits the edges of a graph on the host: take "
                "refine=False, or method='graph' and NumPy arrays."
            )

    def _link_rows(self, X: Any, builder: Any, rng: Any, task: Any) -> Any:
        with task.stage("graph"):
            self.graph_ = builder.fit(X)
        self.affinity_matrix_ = self.graph_.affinity_
        with task.stage("spectrum"):
            space, self._eigenpairs = graph_eigenspace(
                self.affinity_matrix_,
                self.n_clusters,
                widths=self._widths,
                max_clusters=self.max_clusters,
                X=X if self._knows_features() else None,
                solver=self.solver,
                tol=self.tol,
                max_iter=self.max_iter,
                random_state=rng,
                n_jobs=self.n_jobs,
            )
        return space

    def _link_to_landmarks(self, X: Any, builder: Any, rng: Any, task: Any) -> Any:
        with task.stage("graph"):
            n_landmarks = min(self.n_landmarks, X.shape[0])
            landmarks = place_landmarks(X, n_landmarks, rng, n_jobs=self.n_jobs)
            self.graph_ = fit_on_landmarks(builder, landmarks, self.n_nearest_landmarks)
            self.landmarks_ = landmarks
            weights = landmark_weights(self.graph_, X)
        with task.stage("spectrum"):
            space, self._basis = landmark_eigenspace(
                weights,
                self.n_clusters,
                widths=self._widths,
                max_clusters=self.max_clusters,
            )
        return space

    def _widths(self, n_clusters: int) -> list[int]:
        return candidate_widths(n_clusters, self.n_components, self.assign_labels)

    def _divide_best(self, space: Any, rng: Any) -> tuple[Any, Any, Division]:
        """Divide by each number of eigenvectors, and take the least normalized cut."""
        available, n_clusters = space.functions.shape[1], space.n_clusters
        widths = sorted({min(w, available) for w in self._widths(n_clusters)})
        best, least = None, np.inf
        for width in widths:
            narrow = space.narrowed(width)
            Z = embed(
                narrow.functions, narrow.values, self.embedding, self.diffusion_time
            )
            # Points of several widths are starts enough.
            n_finalists = 3 if len(widths) == 1 else 1
            division = self._divide(Z, narrow, n_finalists, rng)
            cut = 0.0
            if len(widths) > 1:
                cut = space.normalized_cut(division.labels, n_clusters)
            if best is None or cut < least:
                best, least = (narrow, Z, division), cut
        assert best is not None
        width = best[1].shape[1]
        if hasattr(self, "_basis"):
            self._basis = self._basis[:, :width]
        else:
            self._eigenpairs = leading_pairs(self._eigenpairs, width)
        return best

    def _divide(self, Z: Any, space: Any, n_finalists: int, rng: Any) -> Division:
        vectors = space.vectors
        if self.embedding in ("diffusion", "commute"):
            vectors = embed(vectors, space.values, self.embedding, self.diffusion_time)
        division = divide(
            Z,
            vectors,
            space.n_clusters,
            self.assign_labels,
            known=space.labels,
            n_init=self.n_init,
            n_finalists=n_finalists,
            rng=rng,
            n_jobs=self.n_jobs,
        )
        if not self.refine:
            return division
        labels = refine_partition(space.csr, division.labels, space.n_clusters)
        return replace(division, labels=labels, centers=None)

    def _number_clusters(self, X: Any, Z: Any, space: Any, division: Division) -> None:
        """Store clusters, numbered by their first rows, and what belongs to them."""
        n_wanted, tied = space.n_clusters, space.tied
        labels = spread_rows(division.labels, tied, -1)
        order = first_appearance(labels, n_wanted)
        labels = renumber(labels, order, n_wanted)
        n_found = len(order)
        _warn_of_fewer(n_found, self.n_clusters)
        self.ncut_ = space.normalized_cut(labels[tied], n_found)
        self._feature_means = None
        if self.isolated == "nearest" and self._knows_features():
            labels = join_nearest(labels, X, feature_means(X, labels, n_found))
            again = first_appearance(labels, n_found)
            labels, order = renumber(labels, again, n_found), order[again]
            self._feature_means = feature_means(X, labels, n_found)
        self.labels_ = labels
        self.n_clusters_ = n_found
        if self.assign_labels == "kmeans":
            centers = division.centers
            if centers is None:
                self.cluster_centers_ = cluster_means(Z, labels[tied], n_found)
            else:
                self.cluster_centers_ = take_rows(centers, order)
        else:
            rotation = namespace_of(Z).matrix_transpose(division.rotation)
            self.rotation_ = namespace_of(Z).matrix_transpose(
                take_rows(rotation, order)
            )

    def _place(self, X: Any) -> tuple[Any, Any]:
        """Give points that stand for rows, and the training rows that some repeat."""
        if self.method_ == "landmark":
            weights = landmark_weights(self.graph_, X)
            functions = weights.matmat(self._basis)
            xp = namespace_of(functions)
            matches = xp.full_like(functions[:, 0], -1, dtype=xp.int64)
        else:
            affinity, matches = link_rows(self.graph_, X)
            if getattr(self.graph_, "_X_fit", None) is None:
                matches = match_nodes(affinity, self.affinity_matrix_)
            functions = self._eigenpairs.extend(affinity)
        xp = namespace_of(functions)
        functions = xp.astype(functions, self.embedding_.dtype)
        Z = embed(functions, self._values, self.embedding, self.diffusion_time)
        return Z, matches

    def _knows_features(self) -> bool:
        return not get_tags(self.graph_).input_tags.pairwise

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.input_tags.positive_only = isinstance(self.graph, str)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _checks(X: Any) -> dict:
    return {"accept_sparse": "csr", "dtype": float_dtypes(X)}


def _choose_method(method: str, builder: Any, n_rows: int) -> str:
    """Resolve `method`, which landmarks must suit."""
    suited = (
        isinstance(builder, BaseEstimator)
        and "n_neighbors" in builder.get_params(deep=False)
        and not get_tags(builder).input_tags.pairwise
    )
    if method == "landmark" and not suited:
        raise ValueError(
            "method='landmark' links rows to their nearest landmarks: graph must be a "
            "builder with a parameter n_neighbors that takes features, such as "
            f"NeighborsGraph(); got {builder!r}. Take method='graph' instead."
        )
    if method == "auto":
        return "landmark" if suited and n_rows >= _MANY_ROWS else "graph"
    return method


def _warn_of_fewer(n_found: int, n_wanted: int | str) -> None:
    if not isinstance(n_wanted, str) and n_found < n_wanted:
        warnings.warn(
            f"Only {n_found} of n_clusters={n_wanted} clusters were found: too few "
            "rows that have edges differ.",
            UserWarning,
            stacklevel=4,
        )
