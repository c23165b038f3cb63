"""Graph random features: estimator."""

import math
import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import float_dtypes
from sklearn_manifold_reg.graph import (
    is_pairwise,
    link_rows,
    partition_walks,
    random_walks,
    resolve_graph,
)
from sklearn_manifold_reg.kernel._walk_series import (
    WalkSeries,
    new_row_modulation,
    series_growth,
    truncation_bound,
    walk_series,
    without_tail,
)
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    align_sparse_interface,
    validate_params_on_fit,
)

# Terms that the bound of a truncation is summed to.
_BOUND_TERMS = 10_000
# Entries of a kernel matrix that are computed at once at most (2 GiB).
_LARGEST_KERNEL = 1 << 28


class GraphRandomFeatures(
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    DocumentedEstimator,
):
    """Sparse random features of a graph kernel, by short random walks.

    For a kernel K = sum_t alpha_t U^t on the nodes of a graph, with
    U = c D^-1/2 W D^-1/2, features Phi with

        E[Phi Phi'] = K

    are drawn, so that linear methods on Phi are kernel methods on the graph. Row i sums
    the loads f_t prod U_uv / ((1 - p) q_uv) that `n_walks` walks from node i leave
    where they come, f being the root of alpha: sum_s f_s f_(t-s) = alpha_t [1]_, [2]_.

    Parameters
    ----------
    kernel : {"regularized_laplacian", "diffusion", "p_step", "cosine", "custom"}, \
default="regularized_laplacian"
        With L = I - D^-1/2 W D^-1/2 and c = sigma2 / (1 + sigma2):

        - "regularized_laplacian": (I + sigma2 L)^-order;
        - "diffusion": exp(-tau L);
        - "p_step": (I + U)^order, in proportion to ((2 + 1 / sigma2) I - L)^order;
        - "cosine": cos(pi L / 4);
        - "custom": the series with the root `modulation` or the coefficients `alpha`.
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    order : float, default=2
        Power of "regularized_laplacian" and "p_step", any positive number. Larger
        powers of the former are smoother.
    sigma2 : float, default=1.0
        How far "regularized_laplacian" and "p_step" reach, and c for "custom"; infinity
        makes c 1, which "regularized_laplacian" does not allow.
    tau : float, default=1.0
        Time of "diffusion".
    n_walks : int, default=16
        Walks from each node. Errors fall like 1 / sqrt(n_walks).
    p_halt : float, default=0.1
        Chance of a walk to halt before each step. Smaller values give longer walks,
        1 / p_halt - 1 steps on average, smaller errors, and more entries.
    modulation : array-like of shape (n_terms,), callable or None, default=None
        Root f of a custom kernel, as coefficients or as a function of t = 0, 1, ...
    alpha : array-like of shape (n_terms,) or None, default=None
        Coefficients of a custom kernel, alternatively. Its root is found by recursion.
    coupling : {"iid", "antithetic", "repelling", "reinforced"}, default="iid"
        How walks of one node depend on each other, see
        `sklearn_manifold_reg.graph.random_walks`. Features are unbiased with all of
        them.
    transition : {"auto", "uniform", "weighted"}, default="auto"
        Whether all neighbors are equally likely, or likely by the weights of their
        edges. "auto" is "weighted"; on graphs without weights both are the same.
    n_copies : {1, 2}, default=1
        Whether there is a second, independent set of features Phi2. The estimate
        Phi Phi' of K is positive semi-definite, but its diagonal is too large on
        average, by the variance of the features; Phi Phi2' is unbiased throughout.
    anchors : int or None, default=None
        Number of columns to keep, drawn at random and scaled up; with as many as there
        are rows, or more, all are kept. None keeps all.
    projection : int or None, default=None
        Number of columns of dense features: the sparse ones times a Gaussian matrix.
        None leaves them sparse.
    max_steps : int or None, default=None
        Most steps of a walk. The features are those of the first terms of f then; a
        warning bounds what is lost. None lets walks end by chance.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed.

    Attributes
    ----------
    features_ : csr_array of shape (n_samples, n_columns), or ndarray
        Phi of the training rows; dense with `projection`.
    features_second_ : csr_array of shape (n_samples, n_columns), ndarray or None
        Phi2, if `n_copies=2`.
    modulation_ : ndarray of shape (n_terms,)
        Coefficients f of powers of U.
    U_scale_ : float
        Spectral radius c of U.
    n_steps_ : int
        Steps of all walks of the fit together.
    anchors_ : ndarray of shape (n_columns,) or None
        Training rows that belong to the columns, if `anchors` are drawn.
    projection_ : ndarray of shape (n_samples, projection) or None
        Gaussian matrix, if there is one.
    walks_ : RandomWalks
        Prepared walks of the first copy.
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    sklearn_manifold_reg.graph.random_walks : The walks, for any power series.
    sklearn_manifold_reg.linalg.apply_function : Functions of an operator times vectors,
        without randomness.
    sklearn.kernel_approximation.RBFSampler : Random features of Gaussian kernels.

    Notes
    -----
    *Cost*: n_samples * n_walks / p_halt steps, and at most as many entries, of 12 bytes
    in float64 and 8 in float32. The exact kernel takes n_samples³ steps and
    n_samples² entries.

    *Variance*. It is finite if c² times the growth of squared loads is below 1, which
    is c² < 1 - p_halt with transition "weighted"; a warning tells if not. Walks by
    weight have the load c^t sqrt(d_i / d_v) / (1 - p)^t whatever their way.

    *Nodes without edges* have K_ii = 1, or what the kernel is for L = 0, and no random
    features but that.

    *New rows* walk from themselves: the first step goes to training rows by affinity,
    further ones along the graph. As no walk of a training row ends in a new row, the
    modulation for new rows is g = f - f_0² / f, a quotient of power series; with it
    products of new and training features are unbiased estimates of the kernel of the
    graph with edges from the new row. Products of two new rows are not. Rows with the
    same neighbors use the same random numbers, so that the features of a row do not
    depend on other rows; rows that repeat a training row have its features.

    *Against the papers*: walks with `coupling="repelling"` draw neighbors by equally
    spaced numbers, which works for weights as well, and share out who halts in the same
    way; the published ones halt independently. "reinforced", for which [1]_ gives the
    idea only, had larger errors than "iid" on most graphs of our benchmark.

    References
    ----------
    .. [1] K. Choromanski, "Taming graph kernels with random features", ICML 2023,
       https://arxiv.org/abs/2305.00156
    .. [2] I. Reid, K. Choromanski, E. Berger, A. Weller, "General graph random
       features", ICLR 2024, https://arxiv.org/abs/2310.04859
    .. [3] I. Reid, K. Choromanski, A. Weller, "Quasi-Monte Carlo graph random
       features", NeurIPS 2023, https://arxiv.org/abs/2305.12470

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_swiss_roll
    >>> from sklearn_manifold_reg.kernel import GraphRandomFeatures
    >>> X, _ = make_swiss_roll(500, random_state=0)
    >>> model = GraphRandomFeatures(n_walks=64, random_state=0)
    >>> Phi = model.fit_transform(X)
    >>> Phi.shape
    (500, 500)
    >>> bool(Phi.nnz < 0.5 * 500**2)
    True
    """

    _parameter_constraints: dict = {
        "kernel": [
            StrOptions(
                {"regularized_laplacian", "diffusion", "p_step", "cosine", "custom"}
            )
        ],
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "order": [Interval(Real, 0, None, closed="neither")],
        "sigma2": [Interval(Real, 0, None, closed="neither")],
        "tau": [Interval(Real, 0, None, closed="left")],
        "n_walks": [Interval(Integral, 1, None, closed="left")],
        "p_halt": [Interval(Real, 0, 1, closed="neither")],
        "modulation": ["array-like", callable, None],
        "alpha": ["array-like", None],
        "coupling": [StrOptions({"iid", "antithetic", "repelling", "reinforced"})],
        "transition": [StrOptions({"auto", "uniform", "weighted"})],
        "n_copies": [Interval(Integral, 1, 2, closed="both")],
        "anchors": [Interval(Integral, 1, None, closed="left"), None],
        "projection": [Interval(Integral, 1, None, closed="left"), None],
        "max_steps": [Interval(Integral, 1, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        kernel="regularized_laplacian",
        graph=None,
        *,
        order=2,
        sigma2=1.0,
        tau=1.0,
        n_walks=16,
        p_halt=0.1,
        modulation=None,
        alpha=None,
        coupling="iid",
        transition="auto",
        n_copies=1,
        anchors=None,
        projection=None,
        max_steps=None,
        n_jobs=None,
        random_state=None,
    ):
        self.kernel = kernel
        self.graph = graph
        self.order = order
        self.sigma2 = sigma2
        self.tau = tau
        self.n_walks = n_walks
        self.p_halt = p_halt
        self.modulation = modulation
        self.alpha = alpha
        self.coupling = coupling
        self.transition = transition
        self.n_copies = n_copies
        self.anchors = anchors
        self.projection = projection
        self.max_steps = max_steps
        self.n_jobs = n_jobs
        self.random_state = random_state

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, parts=None, client=None):
        """Run the walks from all rows of X.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.
        parts : integer array-like of shape (n_samples,), default=None
            Part of each row. Walks then run part by part, see
            :func:`~sklearn_manifold_reg.graph.partition_walks`, with the same result.
        client : dask.distributed.Client, default=None
            Cluster whose workers hold the `parts`.

        Returns
        -------
        self : GraphRandomFeatures
            Fitted.

        Raises
        ------
        ValueError
            If X has one row only, holds NaN or is on a device, the series diverges on
            the spectrum of U, `n_walks` is odd for antithetic walks, parameters
            contradict each other, `client` comes without `parts`, or reinforced walks
            with them.

        Warns
        -----
        UserWarning
            If features have an infinite variance, or `max_steps` cuts the series off.
        """
        self._check_parameters()
        if client is not None and parts is None:
            raise ValueError(
                "client needs parts, the part of each row that its workers shall hold."
            )
        X = self._validate(X, reset=True)
        rng = check_random_state(self.random_state)
        with fit_task(self, X, None, n_stages=2) as task:
            with task.stage("graph"):
                graph = resolve_graph(self.graph).fit(X)
            with task.stage("walks"):
                walks, second = self._prepare(graph.affinity_, rng)
                series = self._series(walks.horizon + 1)
                self._warn_of_variance(series, walks.second_moment())
                self._draw_columns(X.shape[0], walks.dtype, rng)
                runs = [
                    self._run(copy, series, graph.affinity_, parts, client)
                    for copy in (walks, second)[: self.n_copies]
                ]
        self.graph_ = graph
        self.walks_ = walks
        self.modulation_ = series.modulation
        self.U_scale_ = series.scale
        self.n_steps_ = sum(run.n_steps for run in runs)
        copies = [self._scaled(run.matrix) for run in runs]
        self.features_ = copies[0]
        self.features_second_ = copies[1] if len(copies) == 2 else None
        return self

    def fit_transform(self, X, y=None):
        """Run the walks from all rows of X, and give the features.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Rows; with `graph="precomputed"` the affinity of shape
            (n_samples, n_samples).
        y : None
            Ignored.

        Returns
        -------
        features : sparse array or matrix of shape (n_samples, n_columns), or ndarray
            `features_`.
        """
        return _aligned(self.fit(X, y).features_)

    def transform(self, X):
        """Run walks from rows, new or old, each by itself.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows, of
            shape (n_queries, n_samples).

        Returns
        -------
        features : sparse array or matrix of shape (n_queries, n_columns), or ndarray
            The first copy of features. Rows that repeat a training row have its
            features.

        Raises
        ------
        ValueError
            If the kernel has no series for new rows: the root f has a zero where U has
            its spectrum.
        """
        check_is_fitted(self)
        X = self._validate(X, reset=False)
        affinity, matches = link_rows(self.graph_, X)
        new = matches < 0
        run = self.walks_.features(
            self._new_row_steps(),
            affinity=affinity.to_scipy()[new],
            n_jobs=self.n_jobs,
            **self._side(),
        )
        features = self._scaled(run.matrix)
        return _aligned(_scatter(new, features, self.features_[matches[~new]]))

    def kernel_approximation(self, rows=None, cols=None):
        """Estimate entries of the kernel of the training rows.

        Parameters
        ----------
        rows, cols : integer array-like or None, default=None
            Training rows; None for all.

        Returns
        -------
        K : ndarray of shape (n_rows, n_cols)
            Products of features; of the first and the second copy if there are two,
            and not symmetric then.

        Raises
        ------
        ValueError
            If there are more than 2^28 entries.
        """
        check_is_fitted(self)
        left, right = self.features_, self._right_features()
        left = left if rows is None else left[np.asarray(rows)]
        right = right if cols is None else right[np.asarray(cols)]
        n_entries = left.shape[0] * right.shape[0]
        if n_entries > _LARGEST_KERNEL:
            raise ValueError(
                f"The kernel of {left.shape[0]} rows and {right.shape[0]} columns has "
                f"{n_entries} entries, more than {_LARGEST_KERNEL}; choose fewer rows, "
                "or kernel_matvec for products with all."
            )
        K = left @ right.T
        return K.toarray() if sparse.issparse(K) else K

    def kernel_matvec(self, x):
        """Multiply the estimated kernel of the training rows by a block.

        Parameters
        ----------
        x : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Vector or block.

        Returns
        -------
        product : ndarray of the shape of `x`
            Features times (transposed features times x).
        """
        check_is_fitted(self)
        x = np.asarray(x)
        if x.ndim not in (1, 2) or len(x) != self.features_.shape[0]:
            raise ValueError(
                f"x has a row for each of the {self.features_.shape[0]} training rows, "
                f"got shape {x.shape}."
            )
        return self.features_ @ (self._right_features().T @ x)

    def solve(self, b):
        """Estimate (I - U)^-1 b, a sum over the walks of b at the nodes they visit.

        Walks run anew, and no features are stored.

        Parameters
        ----------
        b : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Right-hand sides.

        Returns
        -------
        solution : WalkProduct
            With `values`, unbiased, and `standard_errors`.

        Raises
        ------
        ValueError
            If the spectral radius of U is 1.

        Notes
        -----
        (I + sigma2 L)^-1 b is this over 1 + sigma2. `b` has to be finite.
        """
        check_is_fitted(self)
        scale = self.U_scale_
        if scale >= 1:
            raise ValueError(
                f"I - U is singular for kernel={self.kernel!r}: U has spectral radius "
                '1. Take "regularized_laplacian".'
            )
        # Later terms are lost to rounding.
        n_terms = min(self._n_terms, math.ceil(-40 / math.log(scale)) + 1)
        return self.walks_.apply(scale ** np.arange(n_terms), b, n_jobs=self.n_jobs)

    def _check_parameters(self) -> None:
        given = [n for n in ("modulation", "alpha") if getattr(self, n) is not None]
        if (len(given) == 1) != (self.kernel == "custom"):
            raise ValueError(
                'kernel="custom" takes either modulation or alpha, and other kernels '
                f"neither; got kernel={self.kernel!r} with {given or 'none of them'}."
            )
        if self.anchors is not None and self.projection is not None:
            raise ValueError(
                f"anchors={self.anchors} and projection={self.projection} are two ways "
                "to fewer columns; choose one."
            )

    def _validate(self, X: Any, *, reset: bool) -> Any:
        X = validate_data(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=float_dtypes(X),
            ensure_min_samples=2 if reset else 1,
        )
        if not (sparse.issparse(X) or isinstance(X, np.ndarray)):
            raise ValueError(
                "GraphRandomFeatures walks on the host: pass NumPy arrays. GraphKernel "
                "takes arrays of other libraries."
            )
        return X

    def _prepare(self, affinity: Any, rng: Any) -> tuple[Any, Any]:
        """Make the walks of both copies, so that the first is the same without two."""
        walks = random_walks(
            affinity,
            n_walks=self.n_walks,
            p_halt=self.p_halt,
            coupling=self.coupling,
            transition=self.transition,
            random_state=rng,
            n_jobs=self.n_jobs,
        )
        words = rng.randint(0, 2**32, size=2, dtype=np.uint64)
        return walks, replace(walks, seed=int(words[0]) << 32 | int(words[1]))

    def _run(
        self, walks: Any, series: WalkSeries, affinity: Any, parts: Any, client: Any
    ) -> Any:
        options = {"isolated": series.at_zero, **self._side()}
        if parts is None:
            return walks.features(series.steps, **options, n_jobs=self.n_jobs)
        return partition_walks(
            affinity, parts, series.steps, walks=walks, client=client, **options
        )

    def _series(self, n_terms: int) -> WalkSeries:
        given = {
            "order": float(self.order),
            "sigma2": float(self.sigma2),
            "tau": float(self.tau),
            "modulation": self.modulation,
            "alpha": self.alpha,
        }
        if self.max_steps is None:
            return walk_series(self.kernel, n_terms, **given)
        whole = walk_series(self.kernel, _BOUND_TERMS, **given)
        kept = min(self.max_steps + 1, n_terms)
        if kept < min(n_terms, len(whole.modulation)):
            warnings.warn(
                f"max_steps={self.max_steps} cuts off the series of "
                f"kernel={self.kernel!r}: features are those of a kernel that differs "
                f"by up to {truncation_bound(whole, kept):.2g} in spectral norm.",
                UserWarning,
                stacklevel=3,
            )
            return replace(whole, modulation=whole.modulation[:kept], growth=0.0)
        return replace(whole, modulation=whole.modulation[:n_terms])

    @property
    def _n_terms(self) -> int:
        """Number of terms after which walks do not go on."""
        n_steps = self.walks_.horizon
        return 1 + (n_steps if self.max_steps is None else min(n_steps, self.max_steps))

    def _new_row_steps(self) -> np.ndarray:
        modulation = new_row_modulation(self.modulation_, self._n_terms)
        if series_growth(modulation) * self.U_scale_ > 1:
            raise ValueError(
                f"kernel={self.kernel!r} has no series for new rows: its root is 0 for "
                f"some number of size {self.U_scale_:.3g} or less. Lower sigma2."
            )
        modulation = without_tail(modulation, self.U_scale_)
        return modulation * self.U_scale_ ** np.arange(len(modulation))

    def _warn_of_variance(self, series: WalkSeries, second_moment: float) -> None:
        reach = (series.scale * series.growth) ** 2
        if reach * second_moment >= 1:
            # By weight, the second moment is 1 / (1 - p).
            excess = second_moment * (1 - self.p_halt)
            remedy = (
                f"p_halt below {1 - reach * excess:.2g}"
                if reach * excess < 1
                else "max_steps"
            )
            warnings.warn(
                f"The features have an infinite variance with p_halt={self.p_halt}: "
                f"squared loads grow by {reach * second_moment:.3g} a step. Choose "
                f'{remedy}, a smaller sigma2, or transition="weighted".',
                UserWarning,
                stacklevel=3,
            )

    def _draw_columns(self, n: int, dtype: Any, rng: Any) -> None:
        self.anchors_ = self.projection_ = None
        if self.anchors is not None and self.anchors < n:
            self.anchors_ = np.sort(rng.choice(n, self.anchors, replace=False))
        if self.projection is not None:
            gaussian = rng.standard_normal((n, self.projection))
            self.projection_ = (gaussian / self.projection**0.5).astype(dtype)

    def _side(self) -> dict:
        return {"columns": self.anchors_, "right": self.projection_}

    def _scaled(self, features: Any) -> Any:
        """Make up for the columns that were not drawn."""
        if self.anchors_ is None:
            return features
        factor = (self.walks_.n_nodes / len(self.anchors_)) ** 0.5
        return features * features.dtype.type(factor)

    def _right_features(self) -> Any:
        second = self.features_second_
        return self.features_ if second is None else second

    @property
    def _n_features_out(self) -> int:
        return int(self.features_.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.input_tags.positive_only = isinstance(self.graph, str)
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _aligned(features: Any) -> Any:
    return align_sparse_interface(features) if sparse.issparse(features) else features


def _scatter(new: np.ndarray, fresh: Any, repeated: Any) -> Any:
    """Put rows back in their order."""
    order = np.empty(len(new), dtype=np.int64)
    order[new] = np.arange(fresh.shape[0])
    order[~new] = np.arange(fresh.shape[0], len(new))
    if sparse.issparse(fresh):
        return sparse.vstack([fresh, repeated], format="csr")[order]
    return np.concatenate([fresh, repeated])[order]
