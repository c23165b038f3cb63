"""Kernels between samples by walks on their graph: estimator."""

from numbers import Real
from typing import Any

from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    CSR,
    float_dtypes,
    namespace_of,
)
from sklearn_manifold_reg.graph import (
    NODE_KERNELS,
    NodeKernels,
    is_pairwise,
    kernel_to_distance,
    link_rows,
    replace_matched,
    resolve_graph,
)
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    StrOptions,
    validate_params_on_fit,
)


class GraphKernel(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    DocumentedEstimator,
):
    """Kernel, or distance, between samples by the walks on their graph.

    With weights A, degrees d, D = diag(d), L = D - A and P = D^-1 A, kernels are for
    example exp(t A) ("communicability"), exp(-t L) ("heat"), (I + t L)^-1 ("forest") or
    (I - a P)^-1 ("ppr"), and the entrywise logarithms of these. The user guide lists
    all of them.

    Parameters
    ----------
    kernel : str, default="log_communicability"
        One of `sklearn_manifold_reg.graph.NODE_KERNELS`.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    param : float, default=0.5
        Parameter of the kernel. The larger it is, the farther nodes see each other,
        except for "rsp" and "free_energy" on the raw scale, and "sp_ct".
    param_scale : {"flat", "raw"}, default="flat"
        "flat" takes `param` for x between 0 and 1, so that one grid does for all
        kernels; "raw" takes it as it stands in the formula.
    output : {"kernel", "distance"}, default="kernel"
        Whether to give kernels, or the distances
        `(K[i, i] + K[j, j] - K[i, j] - K[j, i]) / 2` that belong to them, with a root
        for "communicability" and "log_communicability".
    center : bool, default=False
        Whether the mean of the training rows becomes the origin of feature space.
        Distances stay as they are.
    normalize : bool, default=False
        Whether rows get length 1 in feature space: `K[i, j] / sqrt(K[i, i] K[j, j])`.
    on_nonpositive : {"warn", "raise", "nan"}, default="warn"
        What becomes of entries without logarithm, as between components of the graph:
        with "warn" the least logarithm minus 10.

    Attributes
    ----------
    kernel_matrix_ : array of shape (n_samples, n_samples)
        Kernel or distances between training rows.
    param_ : float or None
        Parameter as it stands in the formula; None for kernels without one.
    spectral_radius_ : float
        Largest eigenvalue of the weights, the inverse of which bounds t of "katz".
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    sklearn_manifold_reg.graph.node_kernel : The kernel of a graph.
    kernel_path : Kernels over a grid of parameters.

    Notes
    -----
    `fit_transform` and `transform` give what estimators with `kernel="precomputed"` or
    `metric="precomputed"` take, so that this stands before them in a pipeline.

    *New rows.* In feature space a new row lies at the mean of its neighbors among
    training rows, weighted by affinity: with weights p that sum to 1, its kernels to
    training rows are p K and that to itself is p K p'. A linear model of the kernel
    then gives it the mean of the values of its neighbors. Rows that repeat a training
    row get its row. Rows without neighbors lie at the origin.

    Logarithms of kernels are not positive semi-definite in general, nor are
    "sigmoid_commute", "rsp" and "sp_ct"; "ppr", "heat_ppr" and their logarithms are not
    symmetric. `normalize` needs a positive diagonal.

    Cost: the graph; then n³ operations for inverses, and some times as many for
    exponentials. Memory is O(n²), and more than 20,000 rows are refused.

    References
    ----------
    .. [1] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform
       plain ones in graph clustering?", 2016, arXiv:1605.01046.
    .. [2] F. Fouss, K. Francoisse, L. Yen, A. Pirotte, M. Saerens, "An experimental
       investigation of kernels on graphs for collaborative recommendation and
       semisupervised classification", Neural Networks 31, 2012,
       doi:10.1016/j.neunet.2012.03.001.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.svm import SVC
    >>> from sklearn_manifold_reg.kernel import GraphKernel
    >>> X, y = make_moons(200, noise=0.05, random_state=0)
    >>> model = make_pipeline(GraphKernel("heat", param=0.9), SVC(kernel="precomputed"))
    >>> model.fit(X[::2], y[::2]).score(X[1::2], y[1::2])
    1.0
    """

    _parameter_constraints: dict = {
        "kernel": [StrOptions(set(NODE_KERNELS))],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "param": [Real],
        "param_scale": [StrOptions({"flat", "raw"})],
        "output": [StrOptions({"kernel", "distance"})],
        "center": ["boolean"],
        "normalize": ["boolean"],
        "on_nonpositive": [StrOptions({"warn", "raise", "nan"})],
    }

    def __init__(
        self,
        kernel="log_communicability",
        graph=None,
        *,
        param=0.5,
        param_scale="flat",
        output="kernel",
        center=False,
        normalize=False,
        on_nonpositive="warn",
    ):
        self.kernel = kernel
        self.graph = graph
        self.param = param
        self.param_scale = param_scale
        self.output = output
        self.center = center
        self.normalize = normalize
        self.on_nonpositive = on_nonpositive

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Compute the kernel between the rows of X.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.

        Returns
        -------
        self : GraphKernel
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only or more than 20,000, `param` is out of range, or the
            kernel does not allow graphs in several pieces or isolated nodes.

        Warns
        -----
        UserWarning
            If entries have no logarithm, or the kernel overflows.
        """
        X = self._validate(X, reset=True)
        with fit_task(self, X, None, n_stages=2) as task:
            with task.stage("graph"):
                graph = resolve_graph(self.graph).fit(X)
            with task.stage("kernel"):
                kernels = NodeKernels(graph.affinity_)
                K = kernels.compute(
                    self.kernel,
                    self.param,
                    param_scale=self.param_scale,
                    on_nonpositive=self.on_nonpositive,
                )
                if self.center:
                    K = _centered(K)
                lengths = None
                if self.normalize:
                    K, lengths = _normalized(K, self.kernel)
                if self.output == "distance":
                    K = kernel_to_distance(K, squared=not self._is_rooted)
        self.graph_ = graph
        self.spectral_radius_ = kernels.spectral_radius
        self.param_ = kernels.raw_param(self.kernel, self.param, self.param_scale)
        self.kernel_matrix_ = K
        self._lengths = lengths
        return self

    def fit_transform(self, X, y=None):
        """Compute the kernel between the rows of X.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.

        Returns
        -------
        K : array of shape (n_samples, n_samples)
            `kernel_matrix_`.
        """
        return self.fit(X, y).kernel_matrix_

    def transform(self, X):
        """Compute the kernel between rows, new or old, and the training rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        K : array of shape (n_queries, n_samples)
            Kernels, or distances, of each row to the training rows.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        affinity, matches = link_rows(self.graph_, X)
        training = self.kernel_matrix_
        if self.output == "distance":
            rows = _extended_distances(affinity, training, rooted=self._is_rooted)
        else:
            rows = _extended_kernel(affinity, training, self._lengths)
        return replace_matched(rows, matches, training)

    def _validate(self, X: Any, *, reset: bool) -> Any:
        return validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )

    @property
    def _is_rooted(self) -> bool:
        return NODE_KERNELS[self.kernel].rooted

    @property
    def _n_features_out(self) -> int:
        return int(self.kernel_matrix_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = isinstance(self.graph, str)
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _centered(K: Any) -> Any:
    """Kernel with the mean of all rows as origin."""
    xp = namespace_of(K)
    rows, columns = xp.mean(K, axis=1), xp.mean(K, axis=0)
    return K - rows[:, None] - (columns - xp.mean(rows))[None, :]


def _normalized(K: Any, name: str) -> tuple[Any, Any]:
    """Kernel of rows of length 1, and the lengths they had."""
    xp = namespace_of(K)
    squares = xp.linalg.diagonal(K)
    least = float(xp.min(squares))
    if not least > 0:
        raise ValueError(
            f"normalize=True divides by the roots of the diagonal of the kernel, the "
            f"least entry of which is {least:.3g} for kernel={name!r}. Take another "
            "kernel or param, or normalize=False."
        )
    lengths = xp.sqrt(squares)
    return K / lengths[:, None] / lengths[None, :], lengths


def _shares(affinity: CSR) -> tuple[CSR, Any]:
    """Weights of new rows that sum to 1, and which rows have any."""
    sums = affinity.row_sums()
    xp = namespace_of(sums)
    linked = sums > 0
    safe = xp.where(linked, sums, xp.ones_like(sums))
    return affinity.scale(left=1 / safe), linked


def _self_products(shares: CSR, rows: Any) -> Any:
    """Sum of `shares[i, j] * rows[i, j]` over j, for all i."""
    xp = namespace_of(rows)
    n_columns = shares.shape[1]
    places = shares.entry_rows() * n_columns + shares.indices
    entries = xp.take(xp.reshape(rows, (-1,)), places)
    return shares.with_data(shares.data * entries).row_sums()


def _extended_kernel(affinity: CSR, K: Any, lengths: Any) -> Any:
    """Kernels of means of neighbors to all training rows."""
    xp = namespace_of(K)
    shares, _ = _shares(affinity)
    if lengths is None:
        return shares.matmat(K)
    # Neighbors have their own lengths; their mean is normalized in the end.
    weighted = shares.scale(right=lengths)
    rows = weighted.matmat(K)
    squares = _self_products(weighted, rows)
    positive = squares > 0
    length = xp.sqrt(xp.where(positive, squares, xp.ones_like(squares)))
    return xp.where(positive[:, None], rows / length[:, None], xp.zeros_like(rows))


def _extended_distances(affinity: CSR, D: Any, *, rooted: bool) -> Any:
    """Distances of means of neighbors to all training rows.

    For squared distances D, in units that do not matter, the mean with weights p has
    p D - p D p' / 2.
    """
    xp = namespace_of(D)
    squares = D**2 if rooted else D
    shares, linked = _shares(affinity)
    rows = shares.matmat(squares)
    rows = rows - (_self_products(shares, rows) / 2)[:, None]
    # Rows without neighbors lie at the mean of all.
    means = xp.mean(squares, axis=0)
    center = means - xp.mean(means) / 2
    rows = xp.where(linked[:, None], rows, xp.broadcast_to(center[None, :], rows.shape))
    return xp.sqrt(xp.clip(rows, 0, None)) if rooted else rows
