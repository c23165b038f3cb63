"""Kernel k-means: estimator."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    namespace_of,
    one_hot,
    to_numpy,
)
from sklearn_manifold_reg.cluster._kernel_descent import (
    Problem,
    Run,
    lloyd,
    move_rows,
)
from sklearn_manifold_reg.cluster._kernel_matrix import (
    KERNEL_CONSTRAINTS,
    evaluate_kernel,
    lowest_eigenvalue,
    symmetric_kernel,
)
from sklearn_manifold_reg.cluster._kernel_starts import STARTS, draw_labels
from sklearn_manifold_reg.cluster._kernel_sums import center_terms
from sklearn_manifold_reg.graph import modularity
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    validate_params_on_fit,
)

# Sums over clusters that runs side by side may hold.
_MAX_SUMS = 1 << 24
_MAX_SEED = 2**31 - 1


class KernelKMeans(CallbackSupportMixin, ClusterMixin, DocumentedEstimator):
    """Clusters of least squared distance to their centers in the space of a kernel.

    Minimizes

        J = sum_c sum_{i in c} w_i |phi_i - mu_c|²
          = sum_i w_i K_ii - sum_c (1 / s_c) sum_{i, j in c} w_i w_j K_ij

    over the clusters c, where `K_ij = <phi_i, phi_j>`, mu_c is the weighted mean and
    s_c the weight of c. The kernel alone is needed, so rows may be nodes of a graph
    and clusters of any shape.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of clusters.
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
    init : {"k-means++", "one", "all", "any"} or array-like of shape (n_samples,), \
default="k-means++"
        Where runs start: at the nearest of rows that lie apart (greedy k-means++), at
        the nearest of rows drawn at random, at a random division into equal parts, or
        at `n_init` of each; or clusters 0, ..., n_clusters - 1 of a single run.
    n_init : int, default=10
        Number of runs, of which the best is taken.
    max_iter : int, default=100
        Largest number of passes over all rows.
    algorithm : {"auto", "lloyd", "iterative"}, default="auto"
        "lloyd" moves all rows to their nearest centers at a time; "iterative" moves
        one row at a time, in random order, to the cluster that lowers J most. "auto"
        is "iterative" on the host, "lloyd" on devices.
    select : {"inertia", "modularity"}, default="inertia"
        Which run is best: that of least J, or of largest modularity on the
        `adjacency` given to `fit`.
    empty : {"reseed", "drop"}, default="reseed"
        What becomes of a cluster that loses all rows: it takes the row that lies
        farthest from its center, or is given up.
    pp_power : float, default=1.0
        "k-means++" draws rows with probabilities proportional to squared distances to
        this power. Larger values prefer outliers.
    shift : bool, default=False
        Whether "lloyd" takes K + s I with the s for which it is positive
        semidefinite. J changes by a constant and falls with each pass, but
        rows keep to their clusters more. For a kernel with negative eigenvalues.
    random_state : int, RandomState instance or None, default=None
        Seed of starts and of the order of single moves.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.

    Attributes
    ----------
    labels_ : int32 array of shape (n_samples,)
        Cluster of each row.
    inertia_ : float
        J, without `shift`. Negative values are possible if eigenvalues are.
    n_iter_ : int
        Passes over all rows of the best run.
    modularity_ : float
        Modularity of the clusters, if `fit` was given an `adjacency`.
    shift_ : float
        What was added to the diagonal; 0.0 without `shift`.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    KernelWard : Hierarchy of clusters by the same objective.
    SpectralClustering : Eigenvectors of a sparse graph; for many rows.
    sklearn.cluster.KMeans : The linear kernel, from features.

    Notes
    -----
    J depends on the symmetric part of K alone, which a kernel that is not symmetric
    is replaced by. A symmetric kernel on the host is not copied; sums are taken in
    float64.

    Single moves compare J before and after. They leave fixed points of "lloyd" [2]_, of
    which there are many if rows are nearly orthogonal, as with kernels between nodes
    that fall off fast; they end whatever the eigenvalues of K, and took less time
    wherever it was measured. "lloyd" may go round in circles if eigenvalues are
    negative; it stops at clusters it has seen, and gives the best of the circle.

    `predict` takes the nearest center. It gives training rows their labels, unless K
    has negative eigenvalues or `max_iter` was too small.

    With the adjacency A of a graph without loops, its degrees d as weights and the
    kernel A_ij / (d_i d_j), J is the normalized cut less `n_clusters` [1]_.

    The study [3]_ of kernels between nodes takes `init="any"`, `pp_power=2` and
    `select="modularity"`.

    Sums over clusters are kept: all runs share the reading of K for their first sums;
    then a row that changes its cluster costs O(n_samples), any other O(n_clusters).
    Memory beside K is O(n_samples * n_clusters * n_init).

    References
    ----------
    .. [1] I. S. Dhillon, Y. Guan, B. Kulis, "Kernel k-means: spectral clustering and
       normalized cuts", KDD 2004, doi:10.1145/1014052.1014118.
    .. [2] M. Telgarsky, A. Vattani, "Hartigan's method: k-means clustering without
       Voronoi", AISTATS 2010.
    .. [3] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform
       plain ones in graph clustering?", Springer Proceedings in Mathematics and
       Statistics 197, 2017, doi:10.1007/978-3-319-56829-4_8.

    Examples
    --------
    Two triangles, joined by an edge:

    >>> import numpy as np
    >>> from scipy.linalg import expm
    >>> from sklearn_manifold_reg.cluster import KernelKMeans
    >>> A = np.kron(np.eye(2), np.ones((3, 3)) - np.eye(3))
    >>> A[2, 3] = A[3, 2] = 1
    >>> model = KernelKMeans(2, random_state=0).fit(expm(A), adjacency=A)
    >>> bool(np.all(model.labels_ == model.labels_[[0, 0, 0, 3, 3, 3]]))
    True
    >>> round(model.modularity_, 3)
    0.357
    """

    _parameter_constraints: dict = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        **KERNEL_CONSTRAINTS,
        "init": [StrOptions(set(STARTS)), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "algorithm": [StrOptions({"auto", "lloyd", "iterative"})],
        "select": [StrOptions({"inertia", "modularity"})],
        "empty": [StrOptions({"reseed", "drop"})],
        "pp_power": [Interval(Real, 0, None, closed="left")],
        "shift": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_clusters=8,
        *,
        kernel="precomputed",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        init="k-means++",
        n_init=10,
        max_iter=100,
        algorithm="auto",
        select="inertia",
        empty="reseed",
        pp_power=1.0,
        shift=False,
        random_state=None,
        n_jobs=None,
    ):
        self.n_clusters = n_clusters
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.algorithm = algorithm
        self.select = select
        self.empty = empty
        self.pp_power = pp_power
        self.shift = shift
        self.random_state = random_state
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, adjacency=None):
        """Find clusters.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `kernel="precomputed"` the kernel matrix of shape
            (n_samples, n_samples), which is made dense.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of rows, not negative; ones by default. Weight 2 counts like two
            rows. A row of weight 0 only gets a label.
        adjacency : array-like or sparse array of shape (n_samples, n_samples), \
default=None
            Graph on which `modularity_` is measured.

        Returns
        -------
        self : KernelKMeans
            The fitted estimator.

        Raises
        ------
        ValueError
            If the kernel matrix is not square, if there are fewer rows of positive
            weight than clusters, if `init` has other clusters, or if
            `select="modularity"` is asked for without `adjacency`.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` was too small, or fewer clusters than wanted have rows.
        """
        X = validate_data(self, X, **_checks(X))
        if self.select == "modularity" and adjacency is None:
            raise ValueError(
                "select='modularity' needs a graph: fit(X, adjacency=A), or take "
                "select='inertia'."
            )
        weights = _positive_weights(sample_weight, X, self.n_clusters)
        with fit_task(self, X, None, n_stages=2) as task:
            with task.stage("kernel"):
                K = evaluate_kernel(self, X)
                kernel = symmetric_kernel(K, n_jobs=self.n_jobs)
                self.shift_ = 0.0
                if self.shift:
                    self.shift_ = max(0.0, -lowest_eigenvalue(kernel, weights))
            problem = Problem(
                kernel,
                weights,
                self.n_clusters,
                self.shift_,
                self.empty == "reseed",
                self.max_iter,
                self.n_jobs,
            )
            with task.stage("assign"):
                runs = self._descend(problem)
        if self.select == "modularity":
            best = max(runs, key=lambda run: modularity(adjacency, run.labels))
        else:
            # The first of those that rounding alone tells apart.
            least = min(run.objective for run in runs) + problem.slack
            best = next(run for run in runs if run.objective <= least)
        self._keep(X, problem, best)
        if adjacency is not None:
            self.modularity_ = modularity(adjacency, best.labels)
        elif hasattr(self, "modularity_"):
            del self.modularity_
        return self

    def predict(self, X):
        """Give rows the cluster of the nearest center.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `kernel="precomputed"` their kernel with the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        labels : int32 array of shape (n_queries,)
            Clusters.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_checks(X))
        K = evaluate_kernel(self, X, self._X_fit)
        xp = namespace_of(K)
        K = K if K.dtype == self._members.dtype else xp.astype(K, self._members.dtype)
        scores = self._offsets - K @ self._members
        return xp.astype(xp.argmin(scores, axis=1), xp.int32)

    def _descend(self, problem: Problem) -> list[Run]:
        """Do all runs, as many side by side as memory allows."""
        algorithm = self.algorithm
        if algorithm == "auto":
            algorithm = "iterative" if problem.kernel.on_host else "lloyd"
        if algorithm == "iterative" and not problem.kernel.on_host:
            raise ValueError(
                "algorithm='iterative' moves one row after the other and runs on the "
                "host: take algorithm='lloyd', or NumPy arrays."
            )
        n = len(problem.weights)
        rng = check_random_state(self.random_state)
        starts: list[Any]
        if isinstance(self.init, str):
            starts = [s for s in STARTS[self.init] for _ in range(self.n_init)]
        else:
            starts = [_given_labels(self.init, n, self.n_clusters)]
        seeds = rng.randint(_MAX_SEED, size=len(starts))
        rngs = [np.random.RandomState(seed) for seed in seeds]
        step = max(1, _MAX_SUMS // (n * self.n_clusters))
        runs = []
        for first in range(0, len(starts), step):
            part = slice(first, first + step)
            labels = np.stack(
                [
                    self._start(problem, start, rng)
                    for start, rng in zip(starts[part], rngs[part], strict=True)
                ]
            )
            sums = problem.sums(labels)
            if algorithm == "lloyd":
                runs += lloyd(problem, sums, labels)
            else:
                runs += move_rows(problem, sums, labels, rngs[part])
        return runs

    def _start(self, problem: Problem, start: Any, rng: Any) -> np.ndarray:
        if not isinstance(start, str):
            return start
        return draw_labels(
            start,
            problem.kernel,
            problem.weights,
            problem.n_clusters,
            power=self.pp_power,
            rng=rng,
        )

    def _keep(self, X: Any, problem: Problem, run: Run) -> None:
        """Store the best run, with sums taken anew."""
        labels = run.labels[None]
        sizes, inner = problem.sizes(labels), problem.sums(labels).inner(labels)
        slopes, offsets = center_terms(sizes, inner)
        self.inertia_ = float(problem.objectives(sizes, inner)[0])
        self.n_iter_ = max(1, run.n_iter)
        K = problem.kernel.K
        self.labels_ = asarray_like(run.labels, K)
        codes = asarray_like(run.labels.astype(np.int64), K)
        columns = one_hot(codes, self.n_clusters, K)
        shares = asarray_like(problem.weights * slopes[0][run.labels], K)
        # Scores of rows are `_offsets - K @ _members`.
        self._members = columns * shares[:, None]
        self._offsets = asarray_like(offsets[0], K)
        self._X_fit = None if self.kernel == "precomputed" else X
        n_found = len(np.unique(run.labels))
        if n_found < self.n_clusters:
            warnings.warn(
                f"{n_found} of n_clusters={self.n_clusters} clusters have rows: rows "
                "may repeat each other.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if not run.converged:
            warnings.warn(
                f"Rows still moved after max_iter={self.max_iter} passes; a larger "
                "max_iter may find better clusters.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags


def _checks(X: Any) -> dict:
    return {"accept_sparse": "csr", "dtype": float_dtypes(X)}


def _positive_weights(sample_weight: Any, X: Any, n_clusters: int) -> np.ndarray:
    """Check weights, and that enough of them are positive."""
    n = X.shape[0]
    if sample_weight is None:
        weights = np.ones(n)
    else:
        weights = check_sample_weight(
            to_numpy(sample_weight),
            np.empty((n, 0)),
            dtype=np.float64,
            ensure_non_negative=True,
        )
    n_weighty = int(np.count_nonzero(weights))
    if n_weighty < n_clusters:
        found = f"n_samples={n}"
        if n_weighty < n:
            found = f"The number of rows of positive weight, {n_weighty},"
        raise ValueError(f"{found} should be >= n_clusters={n_clusters}.")
    return weights


def _given_labels(init: Any, n: int, n_clusters: int) -> np.ndarray:
    labels = to_numpy(init)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"init has an integer cluster for each row, shape ({n},), got "
            f"{labels.dtype} values of shape {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= n_clusters:
        raise ValueError(
            f"init has clusters {labels.min()} to {labels.max()}, expected 0 to "
            f"{n_clusters - 1} for n_clusters={n_clusters}."
        )
    return labels.astype(np.int32)
