"""Labels carried along the edges of a graph: estimators."""

from abc import ABC, abstractmethod
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MultiOutputMixin,
    RegressorMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    namespace_of,
    one_hot,
    to_numpy,
)
from sklearn_manifold_reg.graph import is_pairwise, resolve_graph
from sklearn_manifold_reg.linalg import solve
from sklearn_manifold_reg.semi_supervised._class_priors import (
    class_shift,
    count_classes,
    resolve_class_priors,
)
from sklearn_manifold_reg.semi_supervised._class_scores import (
    exclude_absent_classes,
    normalize_rows,
    softmax_rows,
    typical_gap,
)
from sklearn_manifold_reg.semi_supervised._diffusion_systems import (
    LabelProblem,
    label_problem,
    poisson_sources,
    reweight_near_labels,
    solve_harmonic,
    solve_local_global,
    solve_poisson,
    strengthen_labeled_edges,
)
from sklearn_manifold_reg.semi_supervised._labeled_components import (
    component_means,
    warn_unreached,
)
from sklearn_manifold_reg.semi_supervised._neighbor_average import neighbor_average
from sklearn_manifold_reg.semi_supervised._poisson_mbo import poisson_mbo
from sklearn_manifold_reg.semi_supervised._self_training import self_train
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin, fit_task
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)
from sklearn_manifold_reg.utils._targets import (
    validate_partial_classification,
    validate_partial_regression,
)


class _LabelDiffusion(CallbackSupportMixin, DocumentedEstimator, ABC):
    """What the classifier and the regressor share: graph, solver and new rows."""

    _parameter_constraints: dict = {
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "solver": [StrOptions({"auto", "cg", "direct", "amg"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def fit(self, X, y):
        """Learn from partly labeled rows."""

    def _solve(self, operator: Any, B: Any, null_space: Any = None) -> Any:
        return solve(
            operator,
            B,
            solver=self.solver,
            null_space=null_space,
            tol=self.tol,
            max_iter=self.max_iter,
            n_jobs=self.n_jobs,
        )

    def _average_neighbors(self, X: Any, values: Any) -> tuple[Any, Any]:
        """Average training values over the neighbors of new rows."""
        X = validate_data(self, X, reset=False, **_checks(X))
        reached = ~self.unreached_
        return neighbor_average(
            self.graph_.transform(X),
            values,
            reached[:, None] if reached.ndim == 1 else reached,
            n_jobs=self.n_jobs,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        return tags


class LabelDiffusionClassifier(ClassifierMixin, _LabelDiffusion):
    """Classification of a few labeled and many unlabeled rows along a graph.

    With symmetric weights W, degrees d, L = diag(d) - W and one-hot labels Y, class
    scores u of all rows solve

    - "harmonic": L u = 0 off the labels, u = Y on them [1]_;
    - "local_global": (I + graph_alpha * L_sym) u = Y up to a factor, the fixed point
      of label spreading with alpha = graph_alpha / (1 + graph_alpha) [2]_;
    - "poisson": L u = B with sum_i d_i u_i = 0, where labels are centered point
      sources, B_j = y_j - mean(y) [3]_;
    - "poisson_mbo": starting from "poisson", heat flow with these sources and
      thresholding in turns, under given class sizes [3]_;
    - "weighted": harmonic, on edges made stronger near labels [4]_, [5]_;
    - "nonlocal": harmonic, the edges of labeled rows being (1 + n / l) / 2 times as
      strong, of n rows and l labels [6]_;
    - "self_training": starting from "poisson", harmonic extension of the labels and
      of more and more rows that were decided clearly in the round before.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    method : {"poisson", "harmonic", "local_global", "weighted", "nonlocal", \
            "poisson_mbo", "self_training"}, default="poisson"
        How labels spread, see above. At one to five labels a class "harmonic" gives
        most rows the same class; "poisson" does not. "self_training" is better still
        on most graphs with clear clusters, as is "poisson_mbo" where the class sizes
        are known at least roughly.
    class_priors : {"uniform", "labels", "centered"}, array-like of shape \
            (n_classes,) or None, default=None
        Fractions of the rows that belong to each class: equal, those of the labeled
        rows, or given in the order of `classes_`. Scores are shifted until the
        predicted classes of the training rows have these sizes. "centered" imposes no
        sizes, but shifts columns to degree-weighted mean zero, as those of "poisson"
        are from the start. None takes the largest score.
        "poisson_mbo" needs sizes: without any, it takes those that "poisson"
        predicts. With sizes, "self_training" starts from "poisson_mbo".
    balance : bool, default=True
        Whether each class injects the same mass in "poisson" and what starts from it,
        however many labels it has. False gives each label the same mass, as in [3]_:
        better where labels are drawn at random from classes of very unequal sizes,
        worse where classes are about equal.
    graph_alpha : float, default=99.0
        Weight of the Laplacian term relative to the labels, for "local_global" only.
        Larger values carry labels farther.
    n_rounds : int, default=10
        Number of rounds of "self_training".
    max_thresholdings : int, default=20
        Largest number of thresholdings of "poisson_mbo".
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How linear systems are solved: conjugate gradients on all columns at once,
        sparse factorization, or multigrid; "auto" picks by a short trial.
    tol : float, default=1e-6
        Relative residual at which the solver stops.
    max_iter : int, default=1000
        Largest number of iterations of the solver.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    scores_ : array of shape (n_samples, n_classes)
        Solution u of the training rows, before `shift_` is added.
    shift_ : array of shape (n_classes,)
        What is added to the columns of scores; 0 without `class_priors`.
    scale_ : float
        Divisor of scores inside the softmax: the median difference between the best
        and the second-best score.
    prior_ : array of shape (n_classes,)
        Distribution given to rows that no label reaches: `class_priors`, or the
        classes' shares among labeled rows.
    label_distributions_ : array of shape (n_samples, n_classes)
        Class probabilities of the training rows, see `predict_proba`.
    transduction_ : ndarray of shape (n_samples,)
        Class of each training row; labels are not forced on labeled rows.
    unreached_ : array of bool, shape (n_samples,)
        Rows in components of the graph without any label.
    n_iter_ : int
        Iterations of the solver; thresholdings for "poisson_mbo", rounds for
        "self_training".
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    LabelDiffusionRegressor : The same for numbers.
    LaplacianRegularizedClassifier : Soft labels, kernels, other losses.

    Notes
    -----
    An unlabeled row has `y = -1`; see the user guide for strings and for the classes
    -1 and 1. New rows get the average score of their neighbors among training rows,
    weighted by affinity.

    Each component of the graph is solved for itself. Classes without a label in a
    component are impossible there; a component without labels gets `prior_`.

    Cost: tens to hundreds of products of W with n_classes columns. Memory is
    O(nnz(W) + n_samples * n_classes).

    "poisson_mbo" differs from [3]_ in that heat flows by the random
    walk, whose steps do not shrink with the largest degree, and in that class sizes
    are met exactly by a column shift.

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani, J. Lafferty, "Semi-supervised learning using
       Gaussian fields and harmonic functions", ICML 2003.
    .. [2] D. Zhou, O. Bousquet, T. N. Lal, J. Weston, B. Schölkopf, "Learning with
       local and global consistency", NIPS 2003.
    .. [3] J. Calder, B. Cook, M. Thorpe, D. Slepčev, "Poisson learning: graph based
       semi-supervised learning at very low label rates", ICML 2020.
    .. [4] J. Calder, D. Slepčev, "Properly-weighted graph Laplacian for
       semi-supervised learning", Applied Mathematics & Optimization 82, 2020,
       doi:10.1007/s00245-019-09637-3.
    .. [5] K. Miller, J. Calder, "Poisson reweighted Laplacian uncertainty sampling
       for graph-based active learning", SIAM Journal on Mathematics of Data
       Science 5, 2023, doi:10.1137/22M1531981.
    .. [6] Z. Shi, S. Osher, W. Zhu, "Weighted nonlocal Laplacian on interpolation from
       sparse data", Journal of Scientific Computing 73, 2017,
       doi:10.1007/s10915-017-0421-z.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier
    >>> X, truth = make_moons(200, noise=0.05, random_state=0)
    >>> y = np.full(200, -1)
    >>> y[:6] = truth[:6]
    >>> model = LabelDiffusionClassifier().fit(X, y)
    >>> round(float(np.mean(model.transduction_ == truth)), 2)
    1.0
    """

    _parameter_constraints: dict = {
        **_LabelDiffusion._parameter_constraints,
        "method": [
            StrOptions(
                {
                    "poisson",
                    "harmonic",
                    "local_global",
                    "weighted",
                    "nonlocal",
                    "poisson_mbo",
                    "self_training",
                }
            )
        ],
        "class_priors": [
            StrOptions({"uniform", "labels", "centered"}),
            "array-like",
            None,
        ],
        "balance": ["boolean"],
        "graph_alpha": [Interval(Real, 0, None, closed="neither")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "max_thresholdings": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        graph=None,
        *,
        method="poisson",
        class_priors=None,
        balance=True,
        graph_alpha=99.0,
        n_rounds=10,
        max_thresholdings=20,
        solver="auto",
        tol=1e-6,
        max_iter=1000,
        n_jobs=None,
    ):
        self.graph = graph
        self.method = method
        self.class_priors = class_priors
        self.balance = balance
        self.graph_alpha = graph_alpha
        self.n_rounds = n_rounds
        self.max_thresholdings = max_thresholdings
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Spread labels over all rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Labeled and unlabeled rows; with `graph="precomputed"` the affinity of
            shape (n_samples, n_samples).
        y : array-like of shape (n_samples,)
            Class labels, -1 where unlabeled.

        Returns
        -------
        self : LabelDiffusionClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If no row is labeled, fewer than two classes are, or `class_priors` does
            not fit the classes.
        """
        X, codes, classes = validate_partial_classification(
            self, X, y, ensure_min_samples=2, **_checks(X)
        )
        n_classes = classes.shape[0]
        counts = np.bincount(to_numpy(codes[codes >= 0]), minlength=n_classes)
        centered = (
            isinstance(self.class_priors, str) and self.class_priors == "centered"
        )
        priors = resolve_class_priors(None if centered else self.class_priors, counts)
        with fit_task(self, X, y, n_stages=4) as task:
            with task.stage("graph"):
                graph = resolve_graph(self.graph).fit(X)
                problem = label_problem(
                    graph.affinity_,
                    one_hot(codes, n_classes, graph.affinity_.data),
                    codes >= 0,
                    codes,
                )
            warn_unreached(~problem.components.reached, type(self).__name__)
            with task.stage("solve"):
                scores, n_iter = self._spread(problem)
            sizes = priors
            if self.method == "poisson_mbo" and priors is None:
                sizes = _class_shares(problem, scores)
            if self.method in ("poisson_mbo", "self_training") and sizes is not None:
                scores, n_iter = self._threshold(problem, scores, sizes, task)
            if self.method == "self_training":
                scores, n_iter = self._self_train(problem, scores, codes, priors, task)
            if centered:
                scores = _level(problem, None, scores)

        self.graph_ = graph
        self.classes_ = classes
        self.n_iter_ = n_iter
        self.unreached_ = ~problem.reached()
        self.prior_ = asarray_like(
            counts / counts.sum() if priors is None else priors, scores
        )
        self.scores_ = scores
        self.shift_ = _shift_where_reached(problem, sizes, scores)
        self.scale_ = typical_gap(scores[problem.reached()] + self.shift_)
        self.label_distributions_ = self._distributions(
            scores, problem.reached()[:, None]
        )
        self.transduction_ = self._decide(self.label_distributions_)
        return self

    def predict_proba(self, X):
        """Class probabilities of rows, new or old.

        For "harmonic", "local_global", "weighted" and "nonlocal" without
        `class_priors`, scores divided by their row sums; otherwise
        softmax((u + shift_) / scale_), which ranks rows by confidence but is not
        calibrated.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        P : array of shape (n_queries, n_classes)
            Rows sum to 1; `prior_` where no neighbor was reached by labels.
        """
        check_is_fitted(self)
        return self._distributions(*self._average_neighbors(X, self.scores_))

    def predict(self, X):
        """Class of rows, new or old.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        y : ndarray of shape (n_queries,)
            The class of largest probability.
        """
        return self._decide(self.predict_proba(X))

    def _spread(self, problem: LabelProblem) -> tuple[Any, int]:
        if self.method == "harmonic":
            scores, n_iter = solve_harmonic(problem, self._solve)
        elif self.method == "weighted":
            problem = reweight_near_labels(problem, self._solve)
            scores, n_iter = solve_harmonic(problem, self._solve)
        elif self.method == "nonlocal":
            problem = strengthen_labeled_edges(problem)
            scores, n_iter = solve_harmonic(problem, self._solve)
        elif self.method == "local_global":
            scores, n_iter = solve_local_global(
                problem, self._solve, graph_alpha=self.graph_alpha
            )
        else:
            sources = poisson_sources(problem, balance=self.balance)
            scores, n_iter = solve_poisson(problem, sources, self._solve)
        return exclude_absent_classes(scores, problem.components), n_iter

    def _threshold(
        self, problem: LabelProblem, scores: Any, sizes: Any, task: Any
    ) -> tuple[Any, int]:
        with task.stage("threshold", self.max_thresholdings) as stage:
            scores, n_iter = poisson_mbo(
                problem,
                scores,
                poisson_sources(problem, balance=self.balance),
                shift=partial(_shift_where_reached, problem, sizes),
                iterations=stage.iterations(self.max_thresholdings),
                n_jobs=self.n_jobs,
            )
        return exclude_absent_classes(scores, problem.components), n_iter

    def _self_train(
        self, problem: LabelProblem, scores: Any, codes: Any, priors: Any, task: Any
    ) -> tuple[Any, int]:
        with task.stage("self-training", self.n_rounds) as stage:
            return self_train(
                problem,
                scores,
                codes,
                self._solve,
                level=partial(_level, problem, priors),
                iterations=stage.iterations(self.n_rounds),
                n_rounds=self.n_rounds,
            )

    def _distributions(self, scores: Any, tied: Any) -> Any:
        positive = self.method in (
            "harmonic", "local_global", "weighted", "nonlocal",
        )  # fmt: skip
        if self.class_priors is None and positive:
            P = normalize_rows(scores, self.prior_)
        else:
            P = softmax_rows(scores + self.shift_, self.scale_)
        return namespace_of(P).where(tied, P, self.prior_)

    def _decide(self, P: Any) -> Any:
        codes = namespace_of(P).argmax(P, axis=1)
        if isinstance(self.classes_, np.ndarray):
            return self.classes_[to_numpy(codes)]
        return namespace_of(self.classes_).take(self.classes_, codes)


class LabelDiffusionRegressor(MultiOutputMixin, RegressorMixin, _LabelDiffusion):
    """Regression from a few labeled and many unlabeled rows along a graph.

    With symmetric weights W, degrees d and L = diag(d) - W, values u of all rows
    solve

    - "harmonic": L u = 0 off the labels, u = y on them [1]_;
    - "weighted": the same on edges made stronger near labels [2]_;
    - "nonlocal": the same, the edges of labeled rows being (1 + n / l) / 2 times as
      strong, of n rows and l labels [4]_;
    - "poisson": u = mean(y) + s * v, L v = sum_j e_j (y_j - mean(y)), where the
      number s makes the squared residual on labeled rows least [3]_.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself.
    method : {"harmonic", "weighted", "nonlocal", "poisson"}, default="harmonic"
        How values spread, see above.
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How linear systems are solved: conjugate gradients on all columns at once,
        sparse factorization, or multigrid; "auto" picks by a short trial.
    tol : float, default=1e-6
        Relative residual at which the solver stops.
    max_iter : int, default=1000
        Largest number of iterations of the solver.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.

    Attributes
    ----------
    transduction_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Values of the training rows.
    prior_ : array of shape (n_outputs,)
        Mean label, given to rows that no label reaches.
    unreached_ : array of bool, shape (n_samples,) or (n_samples, n_outputs)
        Rows in components of the graph without any label.
    n_iter_ : int
        Iterations of the solver.
    graph_ : graph builder
        The fitted graph.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    LabelDiffusionClassifier : The same for classes.
    LaplacianRegularizedRegressor : Noisy labels, kernels, several scales.

    Notes
    -----
    An unknown value is `NaN`; with several outputs each has its own. Labels are taken
    as exact. New rows get the average value of their neighbors among training rows,
    weighted by affinity. Each component of the graph is solved for itself.

    Cost: tens to hundreds of products of W with n_outputs columns.

    References
    ----------
    .. [1] X. Zhu, Z. Ghahramani, J. Lafferty, "Semi-supervised learning using
       Gaussian fields and harmonic functions", ICML 2003.
    .. [2] J. Calder, D. Slepčev, "Properly-weighted graph Laplacian for
       semi-supervised learning", Applied Mathematics & Optimization 82, 2020,
       doi:10.1007/s00245-019-09637-3.
    .. [3] J. Calder, B. Cook, M. Thorpe, D. Slepčev, "Poisson learning: graph based
       semi-supervised learning at very low label rates", ICML 2020.
    .. [4] Z. Shi, S. Osher, W. Zhu, "Weighted nonlocal Laplacian on interpolation from
       sparse data", Journal of Scientific Computing 73, 2017,
       doi:10.1007/s10915-017-0421-z.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.semi_supervised import LabelDiffusionRegressor
    >>> angle = np.linspace(0, 3, 100)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> y = np.full(100, np.nan)
    >>> y[::11] = angle[::11]
    >>> model = LabelDiffusionRegressor().fit(X, y)
    >>> bool(np.abs(model.transduction_ - angle).max() < 0.1)
    True
    """

    _parameter_constraints: dict = {
        **_LabelDiffusion._parameter_constraints,
        "method": [StrOptions({"harmonic", "weighted", "nonlocal", "poisson"})],
    }

    def __init__(
        self,
        graph=None,
        *,
        method="harmonic",
        solver="auto",
        tol=1e-6,
        max_iter=1000,
        n_jobs=None,
    ):
        self.graph = graph
        self.method = method
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Spread values over all rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Labeled and unlabeled rows; with `graph="precomputed"` the affinity of
            shape (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Values, `NaN` where unknown.

        Returns
        -------
        self : LabelDiffusionRegressor
            The fitted estimator.

        Raises
        ------
        ValueError
            If an output has no known value.
        """
        X, Y, labeled, ravel = validate_partial_regression(
            self, X, y, ensure_min_samples=2, **_checks(X)
        )
        xp = namespace_of(Y)
        counts = xp.sum(xp.astype(labeled, Y.dtype), axis=0)
        prior = xp.sum(Y, axis=0) / counts
        values, unreached, n_iter = xp.empty_like(Y), xp.empty_like(labeled), 1
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                graph = resolve_graph(self.graph).fit(X)
            with task.stage("solve"):
                for columns in _equally_labeled(to_numpy(labeled)):
                    known = labeled[:, columns[0]]
                    targets = xp.stack([Y[:, c] for c in columns], axis=1)
                    problem = label_problem(graph.affinity_, targets, known)
                    solution, steps = self._spread(problem)
                    n_iter = max(n_iter, steps)
                    for position, c in enumerate(columns):
                        unreached[:, c] = ~problem.reached()
                        values[:, c] = xp.where(
                            unreached[:, c], prior[c], solution[:, position]
                        )
        warn_unreached(np.any(to_numpy(unreached), axis=1), type(self).__name__)

        self.graph_ = graph
        self.n_iter_ = n_iter
        self.prior_ = prior
        self.transduction_ = values[:, 0] if ravel else values
        self.unreached_ = unreached[:, 0] if ravel else unreached
        return self

    def predict(self, X):
        """Predict values of rows, new or old.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        y : array of shape (n_queries,) or (n_queries, n_outputs)
            `prior_` where no neighbor was reached by labels.
        """
        check_is_fitted(self)
        ravel = self.transduction_.ndim == 1
        values = self.transduction_[:, None] if ravel else self.transduction_
        averages, tied = self._average_neighbors(X, values)
        y = namespace_of(averages).where(tied, averages, self.prior_)
        return y[:, 0] if ravel else y

    def _spread(self, problem: LabelProblem) -> tuple[Any, int]:
        if self.method == "poisson":
            return _poisson_values(problem, self._solve)
        if self.method == "weighted":
            problem = reweight_near_labels(problem, self._solve)
        elif self.method == "nonlocal":
            problem = strengthen_labeled_edges(problem)
        return solve_harmonic(problem, self._solve)


def _checks(X: Any) -> dict:
    return {"accept_sparse": "csr", "dtype": float_dtypes(X)}


def _poisson_values(problem: LabelProblem, solve: Any) -> tuple[Any, int]:
    """Poisson learning of numbers: component mean plus a scaled solution."""
    xp = namespace_of(problem.targets)
    V, n_iter = solve_poisson(problem, poisson_sources(problem, balance=False), solve)
    known = xp.astype(problem.labeled, V.dtype)
    means = component_means(problem.targets, known, problem.components.labels)
    on_labels = V * known[:, None]
    squares = xp.sum(on_labels * on_labels, axis=0)
    inner = xp.sum(on_labels * (problem.targets - means), axis=0)
    scale = xp.where(squares > 0, inner / xp.where(squares > 0, squares, 1.0), 0.0)
    return means + scale[None, :] * V, n_iter


def _shift_where_reached(
    problem: LabelProblem, priors: Any, scores: Any, start: Any = None
) -> Any:
    """Column shift that meets class sizes among rows that labels reach."""
    xp = namespace_of(scores)
    if priors is None:
        return xp.zeros_like(scores[0, :])
    reached = problem.reached()
    components = problem.components
    present = asarray_like(components.present[components.labels], scores)
    scores = xp.where(present, scores, -xp.inf)[reached]
    return class_shift(scores, problem.degrees[reached], priors, start=start)


def _is_centered(class_priors: Any) -> bool:
    return isinstance(class_priors, str) and class_priors == "centered"


def _level(problem: LabelProblem, priors: Any, scores: Any) -> Any:
    """Shift columns to degree-weighted mean zero, or to meet class sizes."""
    if priors is None:
        labels = problem.components.labels
        scores = scores - component_means(scores, problem.degrees, labels)
        return exclude_absent_classes(scores, problem.components)
    shift = _shift_where_reached(problem, priors, scores)
    return exclude_absent_classes(scores + shift, problem.components)


def _class_shares(problem: LabelProblem, scores: Any) -> np.ndarray:
    """Fractions of reached rows whose largest score is that of each class."""
    codes = namespace_of(scores).argmax(scores[problem.reached()], axis=1)
    counts = count_classes(codes, scores.shape[1])
    return counts / counts.sum()


def _equally_labeled(labeled: np.ndarray) -> list[list[int]]:
    """Group the outputs that are known on the same rows."""
    groups: dict[bytes, list[int]] = {}
    for c in range(labeled.shape[1]):
        groups.setdefault(labeled[:, c].tobytes(), []).append(c)
    return list(groups.values())
