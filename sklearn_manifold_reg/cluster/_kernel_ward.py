"""Ward's hierarchy in the space of a kernel: estimator."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import float_dtypes
from sklearn_manifold_reg.cluster._kernel_matrix import (
    KERNEL_CONSTRAINTS,
    evaluate_kernel,
    symmetric_kernel,
)
from sklearn_manifold_reg.cluster._ward_chain import cut_tree, ward_tree
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import Interval, validate_params_on_fit


class KernelWard(CallbackSupportMixin, ClusterMixin, DocumentedEstimator):
    """Hierarchy of clusters by Ward's criterion in the space of a kernel.

    Begins with one cluster a row, and merges the two clusters k and l for which

        dJ = n_k n_l / (n_k + n_l) |mu_k - mu_l|²

    is least, until one is left. dJ is the increase of the objective J of
    :class:`KernelKMeans`, and `|phi_i - phi_j|² = K_ii + K_jj - 2 K_ij`.

    Parameters
    ----------
    n_clusters : int or None, default=2
        Number of clusters of `labels_`. None if `distance_threshold` is given.
    kernel : str or callable, default="precomputed"
        "precomputed": `X` is the kernel matrix. Else a name or function of
        :func:`sklearn.metrics.pairwise.pairwise_kernels`, and `X` holds features.
    gamma : float or None, default=None
        Coefficient of "rbf", "laplacian", "polynomial", "sigmoid" and "chi2"; None
        takes scikit-learn's default. Larger values make "rbf" more local.
    degree : float, default=3
        Degree of "polynomial".
    coef0 : float, default=1
        Constant of "polynomial" and "sigmoid".
    kernel_params : dict or None, default=None
        Keywords of a kernel that is a function.
    distance_threshold : float or None, default=None
        Height in `distances_` from which on clusters of `labels_` are not merged.
    n_jobs : int or None, default=None
        Threads that compute distances; None takes all cores. The result does not
        depend on it.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,)
        Cluster of each row, numbered in the order of their first rows.
    n_clusters_ : int
        Number of clusters of `labels_`.
    children_ : ndarray of shape (n_samples - 1, 2)
        Clusters that each merger joins. Numbers below n_samples are rows;
        n_samples + i is the cluster made by merger i.
    distances_ : ndarray of shape (n_samples - 1,)
        Heights `sqrt(2 dJ)` of mergers, ascending: as those of scikit-learn. Where
        dJ is negative, as kernels with negative eigenvalues can have it, the height
        is `-sqrt(-2 dJ)`.
    n_leaves_ : int
        Number of rows.
    n_connected_components_ : int
        1: there is no connectivity that could keep clusters apart.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    KernelKMeans : Clusters of the same objective, which may be lower.
    sklearn.cluster.AgglomerativeClustering : The linear kernel, from features.

    Notes
    -----
    The whole tree is always built; :meth:`cut` gives the labels of any number of
    clusters in O(n_samples log n_samples).

    Of a kernel that is not symmetric the symmetric part is taken. Merging follows
    chains of nearest neighbors [1]_ on squared distances by Lance and Williams'
    formula, in O(n_samples²) time. Memory is one more matrix of the size and dtype of
    K, none if K is evaluated from features. It works for indefinite kernels alike:
    a union is never nearer to a third cluster than the nearer of its parts was.

    References
    ----------
    .. [1] F. Murtagh, P. Legendre, "Ward's hierarchical agglomerative clustering
       method: which algorithms implement Ward's criterion?", Journal of
       Classification 31, 2014, doi:10.1007/s00357-014-9161-z.
    .. [2] L. Yen, F. Fouss, C. Decaestecker, P. Francq, M. Saerens, "Graph nodes
       clustering with the sigmoid commute-time kernel: a comparative study", Data and
       Knowledge Engineering 68, 2009, doi:10.1016/j.datak.2008.10.006.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.cluster import KernelWard
    >>> x = np.array([[0.0], [1.0], [5.0], [7.0]])
    >>> model = KernelWard(2, kernel="linear").fit(x)
    >>> model.labels_
    array([0, 0, 1, 1])
    >>> model.distances_.round(3)
    array([1.   , 2.   , 7.778])
    >>> model.cut(3)
    array([0, 0, 1, 2])
    """

    _parameter_constraints: dict = {
        "n_clusters": [Interval(Integral, 1, None, closed="left"), None],
        **KERNEL_CONSTRAINTS,
        "distance_threshold": [Interval(Real, None, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters=2,
        *,
        kernel="precomputed",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        distance_threshold=None,
        n_jobs=None,
    ):
        self.n_clusters = n_clusters
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.distance_threshold = distance_threshold
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Build the hierarchy and cut it.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `kernel="precomputed"` the kernel matrix of shape
            (n_samples, n_samples), which is made dense.
        y : None
            Ignored.

        Returns
        -------
        self : KernelWard
            The fitted estimator.

        Raises
        ------
        ValueError
            If the kernel matrix is not square, if there are fewer rows than clusters,
            if not exactly one of `n_clusters` and `distance_threshold` is given, or if
            `X` is on a device.
        """
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise ValueError(
                "Exactly one of n_clusters and distance_threshold must be None, got "
                f"n_clusters={self.n_clusters} and "
                f"distance_threshold={self.distance_threshold}."
            )
        X = validate_data(
            self, X, accept_sparse="csr", dtype=float_dtypes(X), ensure_min_samples=2
        )
        with fit_task(self, X, None, n_stages=2) as task:
            with task.stage("kernel"):
                K = evaluate_kernel(self, X)
                kernel = symmetric_kernel(K, n_jobs=self.n_jobs)
            if not kernel.on_host:
                raise ValueError(
                    "KernelWard merges one pair after the other and runs on the host: "
                    "pass NumPy arrays. KernelKMeans takes arrays of other libraries."
                )
            with task.stage("merge"):
                ours = sparse.issparse(X) or not np.may_share_memory(kernel.K, X)
                tree = ward_tree(kernel, overwrite=ours, n_jobs=self.n_jobs)
        self.children_ = tree.children
        self.distances_ = np.sign(tree.heights) * np.sqrt(np.abs(tree.heights))
        self.n_leaves_ = X.shape[0]
        self.n_connected_components_ = 1
        self.labels_ = self.cut(
            self.n_clusters, distance_threshold=self.distance_threshold
        )
        self.n_clusters_ = int(self.labels_.max()) + 1
        return self

    def cut(self, n_clusters=None, *, distance_threshold=None):
        """Give the clusters at some height of the hierarchy.

        Parameters
        ----------
        n_clusters : int or None, default=None
            Number of clusters, from 1 to n_samples.
        distance_threshold : float or None, default=None
            Height from which on clusters are not merged, if `n_clusters` is None.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Clusters, numbered in the order of their first rows.

        Raises
        ------
        ValueError
            If not exactly one of the arguments is given, or there are fewer rows than
            clusters.
        """
        check_is_fitted(self)
        if (n_clusters is None) == (distance_threshold is None):
            raise ValueError("Pass exactly one of n_clusters and distance_threshold.")
        if n_clusters is None:
            n_clusters = int(np.sum(self.distances_ >= distance_threshold)) + 1
        if not 1 <= n_clusters <= self.n_leaves_:
            raise ValueError(
                f"n_clusters={n_clusters} must be between 1 and the number of rows, "
                f"{self.n_leaves_}."
            )
        return cut_tree(self.children_, n_clusters)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags
