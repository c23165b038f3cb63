"""Manifold regularization of regressors and classifiers."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import (
    MultiOutputMixin,
    RegressorMixin,
    clone,
)
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import (
    asarray_like,
    namespace_of,
    one_hot,
    to_numpy,
)
from sklearn_manifold_reg.graph import laplacian, resolve_graph
from sklearn_manifold_reg.optim import LOSSES, solve_kernel_machine
from sklearn_manifold_reg.semi_supervised._class_priors import (
    class_shift,
    resolve_class_priors,
)
from sklearn_manifold_reg.semi_supervised._class_scores import (
    ClassScoresMixin,
    decide,
    logistic_rows,
)
from sklearn_manifold_reg.semi_supervised._forms import (
    GraphForm,
    KernelForm,
    LinearForm,
)
from sklearn_manifold_reg.semi_supervised._labeled_components import warn_unreached
from sklearn_manifold_reg.semi_supervised._manifold_penalty import (
    ManifoldPenalty,
    penalty_weight,
)
from sklearn_manifold_reg.semi_supervised._partly_labeled import (
    PartlyLabeledModel,
    equal_columns,
    forget_form,
    input_checks,
    label_weights,
)
from sklearn_manifold_reg.semi_supervised._transductive_path import (
    LabeledGreens,
    labeled_greens,
)
from sklearn_manifold_reg.utils._callbacks import fit_task
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    validate_params_on_fit,
)
from sklearn_manifold_reg.utils._targets import (
    validate_partial_classification,
    validate_partial_regression,
)

# `graph_alpha` at one label a class, as benchmarks/study_defaults.py found best.
_AUTO_GRAPH_ALPHA = 100.0
# `alpha="auto"` is at most this.
_MAX_AUTO_ALPHA = 1e-3
# Labeled rows above which a search fits its settings one by one.
_MAX_PATH_ROWS = 1000
# Labeled rows above which losses other than "squared" are refused.
_MAX_MACHINE_ROWS = 5000


class _LaplacianRegularized(PartlyLabeledModel):
    """What the regressor and the classifier share: graph, penalty and form."""

    _parameter_constraints: dict = {
        **PartlyLabeledModel._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "graph_alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "normalization": [StrOptions({"symmetric", "density"}), None],
        "penalty": [StrOptions({"laplacian", "sobolev"})],
        "power": [Interval(Real, 0, None, closed="left")],
        "tau": [Interval(Real, 0, None, closed="neither")],
        "scaling": [StrOptions({"mean", "paper", "sum"})],
        "solver": [StrOptions({"auto", "cg", "direct", "amg"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def _check_parameters(self, X: Any) -> None:
        """Refuse combinations that mean nothing."""
        self._check_form(X)
        if self.penalty == "laplacian" and self.power not in range(1, 33):
            raise ValueError(
                "power must be an integer from 1 to 32 for penalty='laplacian', got "
                f"{self.power}; penalty='sobolev' takes fractions and 0."
            )
        linear = self.kernel == "linear" or self.approximation is not None
        if self.fit_intercept and linear and self.normalization is not None:
            raise ValueError(
                "fit_intercept=True needs normalization=None in the linear form: "
                "constants are not in the null space of a normalized Laplacian."
            )

    def _fit_graph(self, X: Any) -> Any:
        """Fit the graph and build its Laplacian."""
        self.graph_ = resolve_graph(self.graph).fit(X)
        return laplacian(self.graph_.affinity_, normalization=self.normalization)

    def _weigh_graph(self, n_labeled: int, n_columns: int) -> float:
        """Resolve `graph_alpha`."""
        return self.graph_alpha

    def _ridge(self, weight: float, n_labeled: int, n: int, total: float) -> float:
        """Weight of |f|² beside the mean loss, `weight` being that of f' P f."""
        divisor = total if self.scaling == "sum" else n if self.kernel is None else 1
        if self.alpha != "auto":
            return self.alpha / divisor
        largest = _MAX_AUTO_ALPHA / divisor
        if self.kernel is not None or weight == 0:
            return largest
        # Values fade by the 2 p-th root of ridge / weight a step: here so slowly that
        # they reach from label to label on a surface.
        return min(largest, weight * (n_labeled / n) ** max(2, self.power))

    def _penalty(self, L: Any, S: Any, total_weight: float) -> ManifoldPenalty:
        n_labeled = int(np.count_nonzero(to_numpy(S)))
        graph_alpha = self._weigh_graph(n_labeled, self._n_columns)
        weight = penalty_weight(graph_alpha, self.scaling, L.shape[0], total_weight)
        return ManifoldPenalty(L, weight, self.penalty, self.power, self.tau)

    def _form(
        self, penalty: ManifoldPenalty, design: Any, unreached: Any, S: Any
    ) -> Any:
        """Choose the form of the function."""
        weights = to_numpy(S)
        ridge = self._ridge(
            penalty.weight,
            int(np.count_nonzero(weights)),
            len(weights),
            float(np.sum(weights)),
        )
        if self.kernel is None:
            options = {
                "solver": self.solver,
                "tol": self.tol,
                "max_iter": self.max_iter,
                "n_jobs": self.n_jobs,
            }
            return GraphForm(penalty, ridge, unreached, options)
        if hasattr(self, "X_fit_"):
            return KernelForm(design, penalty, ridge)
        return LinearForm(design, penalty, ridge)

    def _fit_columns(
        self, L: Any, design: Any, Y: Any, S: Any, unreached: np.ndarray, solve: Any
    ) -> tuple[Any, int]:
        """Fit all columns, those with the same labeled rows at once.

        `solve(form, Y, S)` gives parameters, constants and a number of steps. Sets
        the fitted attributes of the form, and gives values and steps.
        """
        xp = namespace_of(Y)
        linear = self.kernel is not None and not hasattr(self, "X_fit_")
        parts: list[Any] = [None] * Y.shape[1]
        most = 1
        for outputs in equal_columns(to_numpy(S)):
            weights = S[:, outputs[0]]
            targets = xp.stack([Y[:, c] for c in outputs], axis=1)
            total = float(xp.sum(weights))
            center: Any = 0.0
            if self.fit_intercept and linear:
                center = np.asarray(to_numpy(weights) @ design).reshape(-1) / total
                own = design.toarray() if sparse.issparse(design) else design
                penalty = self._penalty(L, weights, total)
                form = self._form(penalty, own - center, None, weights)
            else:
                penalty = self._penalty(L, weights, total)
                form = self._form(penalty, design, unreached[:, outputs[0]], weights)
            parameters, constants, steps = solve(form, targets, weights)
            values = form.values(parameters) + constants[None, :]
            if self.fit_intercept and linear:
                constants = constants - center @ parameters
            most = max(most, steps)
            for k, c in enumerate(outputs):
                parts[c] = (parameters[:, k], constants[k], values[:, k])
        parameters, constants, values = (
            xp.stack(list(column), axis=-1) for column in zip(*parts, strict=True)
        )
        if self.kernel is not None:
            name = "coef_" if linear else "dual_coef_"
            setattr(self, name, parameters)
            self.intercept_ = constants
        return values, most

    def _solve_squared(self, form: Any, Y: Any, S: Any) -> tuple[Any, Any, int]:
        xp = namespace_of(Y)
        level = xp.zeros_like(Y[0, :])
        if self.fit_intercept:
            level = xp.sum(S[:, None] * Y, axis=0) / xp.sum(S)
        parameters, steps = form.solve_squared(Y - level[None, :], S)
        return parameters, level, steps

    def _transduce_path(
        self, affinity: Any, targets: Any, tests: list, settings: list[dict]
    ) -> Any:
        """Say what each setting says of each fold's hidden rows, all at once.

        The hook that `TransductiveSearchCV` looks for. None if the settings differ in
        more than `alpha` and `graph_alpha`, or the model is not a squared loss with
        P = L or L² on the graph alone: they are fitted one by one then.
        """
        plain = (
            self.kernel is None
            and getattr(self, "loss", "squared") == "squared"
            and self.penalty == "laplacian"
            and self.power in (1, 2)
            and sparse.issparse(affinity)
            and all(set(own) <= {"alpha", "graph_alpha"} for own in settings)
        )
        rows, Y = self._path_targets(targets) if plain else (np.array([]), None)
        if Y is None or len(rows) > _MAX_PATH_ROWS:
            return None
        models = [clone(self).set_params(**own) for own in settings]
        if any(model.graph_alpha == 0 for model in models):
            return None
        varying = self.scaling == "sum" or any(
            "auto" in (model.alpha, model.graph_alpha) for model in models
        )
        n = affinity.shape[0]
        said: list[list[Any]] = [[] for _ in settings]
        # Some weights depend on the number of labels of a fold.
        greens, counted = None, None
        for test in tests:
            train = ~np.isin(rows, test)
            count = int(train.sum())
            if greens is None or (varying and count != counted):
                counted = count
                weights = [
                    penalty_weight(
                        m._weigh_graph(count, Y.shape[1]), m.scaling, n, count
                    )
                    for m in models
                ]
                ridges = [
                    m._ridge(weight, count, n, count)
                    for m, weight in zip(models, weights, strict=True)
                ]
                greens = labeled_greens(
                    affinity,
                    rows,
                    np.array(ridges),
                    np.array(weights),
                    power=int(self.power),
                    normalization=self.normalization,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    n_jobs=self.n_jobs,
                )
            for number in range(len(settings)):
                values = self._path_values(greens, number, train, Y)
                said[number].append(values[np.searchsorted(rows, test)])
        return said


class LaplacianRegularizedRegressor(
    MultiOutputMixin, RegressorMixin, _LaplacianRegularized
):
    """Regression that is smooth along a graph of labeled and unlabeled rows.

    Minimizes, over functions f on the rows or in a reproducing kernel Hilbert space,

        1/s sum_i s_i (y_i - f(x_i))² + alpha |f|² + graph_alpha / n * f' P f,

    where the sum is over labeled rows with weights s_i, s = sum s_i, n is the number
    of all rows, and P is L^power or (I + tau L)^power with L the graph Laplacian [1]_.
    Rows are unlabeled where y is `NaN`.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself and
        `kernel` must be None.
    alpha : float or "auto", default="auto"
        Weight of |f|²: the mean of squared values for `kernel=None`, otherwise the
        squared norm of the function. Larger values shrink f, far from labels first.
        "auto" is 1e-3, and with `kernel=None` and a positive `graph_alpha`, in the
        scale "mean", at most
        `graph_alpha * (n_labeled / n_samples)**max(2, power)`, so that values do not
        fade between labels however many rows there are.
    graph_alpha : float, default=0.1
        Weight of the penalty along the graph. Larger values give functions that vary
        less between neighbors; 0 leaves the graph out.
    kernel : {"rbf", "laplacian", "polynomial", "sigmoid", "cosine", "linear"}, \
            callable or None, default=None
        None knows f by its values on the rows, and new rows by their neighbors. A
        kernel expands f over all rows. "linear" has one coefficient a feature.
    gamma : float, "scale" or None, default="scale"
        Coefficient of the kernel. "scale" is 1 / (n_features * variance of X), None
        is 1 / n_features. A larger value gives a narrower "rbf".
    degree : float, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    approximation : {"nystroem", "random_features"} or None, default=None
        Features whose inner products approximate the kernel, for many rows. With
        more than 5000 rows "nystroem" is used, with a warning.
    n_components : int, default=1000
        Number of features of the approximation.
    fit_intercept : bool, default=True
        Whether to subtract the mean of labeled targets, and of features in the
        linear form, before, and to add it afterwards.
    normalization : {"symmetric", "density"} or None, default=None
        Form of the Laplacian, see `graph.laplacian`.
    penalty : {"laplacian", "sobolev"}, default="laplacian"
        P = L^power, or (I + tau L)^power.
    power : float, default=2
        Exponent of the penalty; 2 and more give smoother functions, that spread
        farther from few labels [2]_. An integer for "laplacian".
    tau : float, default=1.0
        Weight of L in the "sobolev" penalty.
    scaling : {"mean", "paper", "sum"}, default="mean"
        Divisor of `graph_alpha`: n, n² as in [1]_, or s, by which `alpha` is divided
        then as well, as in programs that sum the loss.
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How the system of `kernel=None` is solved, see `linalg.solve`.
    tol : float, default=1e-6
        Relative residual at which that solver stops.
    max_iter : int, default=2000
        Largest number of its steps.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximation.

    Attributes
    ----------
    transduction_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Values of the training rows.
    dual_coef_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Coefficients of the kernel expansion, if there is one.
    coef_ : ndarray of shape (n_features,) or (n_features, n_outputs)
        Coefficients of the linear or approximated form, if there is one.
    intercept_ : float or array of shape (n_outputs,)
        Constant term.
    unreachable_ : array of bool, shape (n_samples,) or (n_samples, n_outputs)
        Rows in components of the graph without a label, for `kernel=None`; their
        value is the mean of the labels.
    prior_ : array of shape (n_outputs,)
        Means of the labels.
    graph_ : graph builder
        The fitted graph.
    X_fit_ : array of shape (n_samples, n_features)
        Rows of the kernel expansion, if there is one.
    feature_map_ : transformer or None
        The approximation, if there is a kernel.
    n_iter_ : int
        Steps of the solver; 1 for factorizations.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    LaplacianRegularizedClassifier : The same for classes.
    LabelDiffusionRegressor : Harmonic and Poisson extension of labels.

    Notes
    -----
    `sample_weight` weighs the loss of labeled rows. A row of weight 0 is an unlabeled
    row, not an absent one: it remains a node of the graph.

    Cost: `kernel=None` takes some hundred products with the graph and
    O(n_samples * n_outputs) memory; a kernel O(n_samples³) time and O(n_samples²)
    memory; features O(n_samples * n_components²).

    References
    ----------
    .. [1] M. Belkin, P. Niyogi, V. Sindhwani, "Manifold regularization: a geometric
       framework for learning from labeled and unlabeled examples", Journal of
       Machine Learning Research 7, 2006.
    .. [2] X. Zhou, M. Belkin, "Semi-supervised learning by higher order
       regularization", AISTATS 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.semi_supervised import LaplacianRegularizedRegressor
    >>> t = np.linspace(0, 2 * np.pi, 200)
    >>> X = np.column_stack([np.cos(t), np.sin(t)])
    >>> y = np.where(np.arange(200) % 20 == 0, np.sin(2 * t), np.nan)
    >>> model = LaplacianRegularizedRegressor().fit(X, y)
    >>> float(np.abs(model.transduction_ - np.sin(2 * t)).max().round(1))
    0.1
    """

    def __init__(
        self,
        graph=None,
        *,
        alpha="auto",
        graph_alpha=0.1,
        kernel=None,
        gamma="scale",
        degree=3,
        coef0=1,
        approximation=None,
        n_components=1000,
        fit_intercept=True,
        normalization=None,
        penalty="laplacian",
        power=2,
        tau=1.0,
        scaling="mean",
        solver="auto",
        tol=1e-6,
        max_iter=2000,
        n_jobs=None,
        random_state=None,
    ):
        self.graph = graph
        self.alpha = alpha
        self.graph_alpha = graph_alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.approximation = approximation
        self.n_components = n_components
        self.fit_intercept = fit_intercept
        self.normalization = normalization
        self.penalty = penalty
        self.power = power
        self.tau = tau
        self.scaling = scaling
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _path_targets(self, y: Any) -> tuple[np.ndarray, Any]:
        Y = np.asarray(y, dtype=np.float64)
        Y = Y[:, None] if Y.ndim == 1 else Y
        known = ~np.isnan(Y)
        rows = np.flatnonzero(known.any(axis=1))
        return rows, Y[rows] if known[rows].all() else None

    def _path_values(
        self, greens: LabeledGreens, setting: int, train: np.ndarray, Y: np.ndarray
    ) -> np.ndarray:
        prior = Y[train].mean(axis=0)
        level = prior if self.fit_intercept else 0 * prior
        values, _ = greens.values(setting, train, Y - level)
        values = np.where(greens.unreached(train)[:, None], prior, values + level)
        return values[:, 0] if values.shape[1] == 1 else values

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit to partly labeled rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Labeled and unlabeled rows; with `graph="precomputed"` the affinity of
            shape (n_samples, n_samples).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, `NaN` where unknown. Each output has its own labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the loss.

        Returns
        -------
        self : LaplacianRegularizedRegressor
            Fitted.

        Raises
        ------
        ValueError
            If an output has no label, a target is infinite, all weights of labels
            are zero, or parameters contradict each other.

        Warns
        -----
        UserWarning
            If no label reaches some rows, or a kernel is approximated.
        """
        forget_form(self)
        X, Y, labeled, ravel = validate_partial_regression(
            self, X, y, **input_checks(X)
        )
        self._n_columns = Y.shape[1]
        self._check_parameters(X)
        S = label_weights(labeled, sample_weight, X, Y)
        xp = namespace_of(Y)
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                L = self._fit_graph(X)
            with task.stage("solve"):
                prior = xp.sum(S * Y, axis=0) / xp.sum(S, axis=0)
                unreached = self._unreached(L, S > 0)
                warn_unreached(np.any(unreached, axis=1), type(self).__name__)
                values, n_iter = self._fit_columns(
                    L, self._design(X), Y, S, unreached, self._solve_squared
                )
        values = xp.where(asarray_like(unreached, values), prior[None, :], values)
        reached = asarray_like(unreached, values)
        if ravel:
            for name in {"dual_coef_", "coef_", "intercept_"} & set(vars(self)):
                setattr(self, name, getattr(self, name)[..., 0])
        self.unreachable_ = reached[:, 0] if ravel else reached
        self.prior_ = prior
        self.transduction_ = values[:, 0] if ravel else values
        self._fitted_like = self.transduction_
        self.n_iter_ = n_iter
        return self

    def predict(self, X):
        """Predict values of new rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        y : array of shape (n_queries,) or (n_queries, n_outputs)
            Values. For `kernel=None` the average of the training rows that a new
            row is linked to, weighted by affinity.
        """
        check_is_fitted(self)
        return self._predict_values(X)


class LaplacianRegularizedClassifier(ClassScoresMixin, _LaplacianRegularized):
    """Classification that is smooth along a graph of labeled and unlabeled rows.

    For each class minimizes, over functions f on the rows or in a reproducing kernel
    Hilbert space,

        1/s sum_i s_i V(y_i, f(x_i)) + alpha |f|² + graph_alpha / n * f' P f,

    where the sum is over labeled rows with weights s_i, s = sum s_i, n is the number
    of all rows, and P is L^power or (I + tau L)^power with L the graph Laplacian
    [1]_, [2]_. Rows are unlabeled where y is -1.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself and
        `kernel` must be None.
    loss : {"squared", "squared_hinge", "hinge", "log_loss"}, default="squared"
        V: of indicators of the classes minus their means for "squared", of margins
        for the others, one class against the rest.
    alpha : float or "auto", default="auto"
        Weight of |f|²: the mean of squared values for `kernel=None`, otherwise the
        squared norm of the function. Larger values shrink f, far from labels first.
        "auto" is 1e-3, and with `kernel=None` and a positive `graph_alpha`, in the
        scale "mean", at most
        `graph_alpha * (n_labeled / n_samples)**max(2, power)`, so that values do not
        fade between labels however many rows there are.
    graph_alpha : float or "auto", default="auto"
        Weight of the penalty along the graph. Larger values carry labels farther and
        trust single labels less; for `power=1` the answer tends to that of Poisson
        learning. "auto" is 100 over the square of the mean number of labels a class.
    kernel : {"rbf", "laplacian", "polynomial", "sigmoid", "cosine", "linear"}, \
            callable or None, default=None
        None knows f by its values on the rows, and new rows by their neighbors. A
        kernel expands f over all rows. "linear" has one coefficient a feature.
    gamma : float, "scale" or None, default="scale"
        Coefficient of the kernel. "scale" is 1 / (n_features * variance of X), None
        is 1 / n_features. A larger value gives a narrower "rbf".
    degree : float, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    approximation : {"nystroem", "random_features"} or None, default=None
        Features whose inner products approximate the kernel, for many rows. With
        more than 5000 rows "nystroem" is used, with a warning.
    n_components : int, default=1000
        Number of features of the approximation.
    fit_intercept : bool, default=False
        Whether the linear form subtracts the mean of labeled features. The classes'
        indicators are centered in any case; "hinge" always has a constant.
    class_priors : {"auto", "centered", "uniform", "labels"}, array-like of shape \
            (n_classes,) or None, default="auto"
        What is added to each column of scores before the largest is taken. "uniform",
        "labels" and an array, in the order of `classes_`, are fractions of the rows:
        scores are shifted until the predicted classes of the training rows have these
        sizes. "centered" shifts columns to degree-weighted mean zero. None gives back
        what centering the indicators took away. "auto" is "centered" for
        `kernel=None`, otherwise None.
    normalization : {"symmetric", "density"} or None, default=None
        Form of the Laplacian, see `graph.laplacian`.
    penalty : {"laplacian", "sobolev"}, default="laplacian"
        P = L^power, or (I + tau L)^power.
    power : float, default=2
        Exponent of the penalty; 2 and more give smoother functions [3]_. An integer
        for "laplacian".
    tau : float, default=1.0
        Weight of L in the "sobolev" penalty.
    scaling : {"mean", "paper", "sum"}, default="mean"
        Divisor of `graph_alpha`: n, n² as in [1]_, or s, by which `alpha` is divided
        then as well, as in programs that sum the loss.
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How the system of `kernel=None` is solved, see `linalg.solve`.
    tol : float, default=1e-6
        Relative residual at which that solver stops, and relative duality gap of the
        losses other than "squared".
    max_iter : int, default=2000
        Largest number of steps of the solver.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximation.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    transduction_ : ndarray of shape (n_samples,)
        Class of each training row.
    scores_ : array of shape (n_samples, n_classes)
        Scores of the training rows, `shift_` included.
    shift_ : array of shape (n_classes,)
        What was added to the columns of scores.
    label_distributions_ : array of shape (n_samples, n_classes)
        Class probabilities of the training rows, for `loss="log_loss"`.
    dual_coef_ : array of shape (n_samples, n_classes)
        Coefficients of the kernel expansion, if there is one.
    coef_ : ndarray of shape (n_features, n_classes)
        Coefficients of the linear or approximated form, if there is one.
    intercept_ : array of shape (n_classes,)
        Constant terms of a kernel or linear form, `shift_` not included.
    unreachable_ : array of bool, shape (n_samples,)
        Rows in components of the graph without a label, for `kernel=None`; they get
        the most frequent class.
    prior_ : array of shape (n_classes,)
        Shares of the classes among labeled rows.
    graph_ : graph builder
        The fitted graph.
    X_fit_ : array of shape (n_samples, n_features)
        Rows of the kernel expansion, if there is one.
    feature_map_ : transformer or None
        The approximation, if there is a kernel.
    n_iter_ : int
        Steps of the solver; 1 for factorizations.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    LaplacianRegularizedRegressor : The same for numbers.
    LabelDiffusionClassifier : Methods for one label a class.

    Notes
    -----
    `sample_weight` weighs the loss of labeled rows. A row of weight 0 is an unlabeled
    row, not an absent one: it remains a node of the graph.

    Losses other than "squared" are solved through the deformed kernel between labeled
    rows [2]_: one solution of the linear system for each labeled row, and a machine
    of that size.

    Cost: `kernel=None` takes some hundred products with the graph and
    O(n_samples * n_classes) memory; a kernel O(n_samples³) time and O(n_samples²)
    memory; features O(n_samples * n_components²).

    References
    ----------
    .. [1] M. Belkin, P. Niyogi, V. Sindhwani, "Manifold regularization: a geometric
       framework for learning from labeled and unlabeled examples", Journal of
       Machine Learning Research 7, 2006.
    .. [2] V. Sindhwani, P. Niyogi, M. Belkin, "Beyond the point cloud: from
       transductive to semi-supervised learning", ICML 2005.
    .. [3] X. Zhou, M. Belkin, "Semi-supervised learning by higher order
       regularization", AISTATS 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.semi_supervised import LaplacianRegularizedClassifier
    >>> X, truth = make_moons(200, noise=0.08, random_state=0)
    >>> y = np.where(np.arange(200) < 6, truth, -1)
    >>> model = LaplacianRegularizedClassifier().fit(X, y)
    >>> float(np.mean(model.transduction_ == truth).round(2))
    1.0
    """

    _parameter_constraints: dict = {
        **_LaplacianRegularized._parameter_constraints,
        "graph_alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "loss": [StrOptions({"squared", *LOSSES})],
        "class_priors": [
            StrOptions({"auto", "centered", "uniform", "labels"}),
            "array-like",
            None,
        ],
    }

    def __init__(
        self,
        graph=None,
        *,
        loss="squared",
        alpha="auto",
        graph_alpha="auto",
        kernel=None,
        gamma="scale",
        degree=3,
        coef0=1,
        approximation=None,
        n_components=1000,
        fit_intercept=False,
        class_priors="auto",
        normalization=None,
        penalty="laplacian",
        power=2,
        tau=1.0,
        scaling="mean",
        solver="auto",
        tol=1e-6,
        max_iter=2000,
        n_jobs=None,
        random_state=None,
    ):
        self.graph = graph
        self.loss = loss
        self.alpha = alpha
        self.graph_alpha = graph_alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.approximation = approximation
        self.n_components = n_components
        self.fit_intercept = fit_intercept
        self.class_priors = class_priors
        self.normalization = normalization
        self.penalty = penalty
        self.power = power
        self.tau = tau
        self.scaling = scaling
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit to partly labeled rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Labeled and unlabeled rows; with `graph="precomputed"` the affinity of
            shape (n_samples, n_samples).
        y : array-like of shape (n_samples,)
            Class labels, -1 where unlabeled.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the loss.

        Returns
        -------
        self : LaplacianRegularizedClassifier
            Fitted.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled, all weights of labels are zero, or
            parameters contradict each other.

        Warns
        -----
        UserWarning
            If no label reaches some rows, or a kernel is approximated.
        """
        forget_form(self)
        X, codes, classes = validate_partial_classification(
            self, X, y, **input_checks(X)
        )
        self._n_columns = classes.shape[0]
        self._check_parameters(X)
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                L = self._fit_graph(X)
            with task.stage("solve"):
                Y = one_hot(codes, classes.shape[0], L.degrees)
                xp = namespace_of(Y)
                S = label_weights((codes >= 0)[:, None], sample_weight, X, Y)
                prior = xp.sum(S * Y, axis=0) / xp.sum(S)
                unreached = self._unreached(L, S > 0)
                warn_unreached(unreached[:, 0], type(self).__name__)
                scores, n_iter = self._fit_scores(
                    L, self._design(X), Y, S, unreached, prior
                )
        self.classes_ = classes
        self.prior_ = prior
        self.unreachable_ = asarray_like(unreached[:, 0], Y)
        self.shift_ = self._shift(scores, Y, L, prior)
        scores = scores + self.shift_[None, :]
        self.scores_ = xp.where(self.unreachable_[:, None], prior[None, :], scores)
        self._fitted_like = self.scores_
        if self.loss == "log_loss":
            self.label_distributions_ = logistic_rows(scores)
        self.transduction_ = decide(self.scores_, self.classes_)
        self.n_iter_ = n_iter
        return self

    def _weigh_graph(self, n_labeled: int, n_columns: int) -> float:
        if self.graph_alpha != "auto":
            return self.graph_alpha
        return _AUTO_GRAPH_ALPHA * (n_columns / n_labeled) ** 2

    def _path_targets(self, codes: Any) -> tuple[np.ndarray, Any]:
        codes = np.asarray(codes)
        rows = np.flatnonzero(codes >= 0)
        leveled = self.class_priors is None or (
            isinstance(self.class_priors, str)
            and self.class_priors in ("auto", "centered")
        )
        return rows, np.eye(codes.max() + 1)[codes[rows]] if leveled else None

    def _path_values(
        self, greens: LabeledGreens, setting: int, train: np.ndarray, Y: np.ndarray
    ) -> np.ndarray:
        prior = Y[train].mean(axis=0)
        scores, means = greens.values(setting, train, Y - prior)
        scores = scores + (prior if self.class_priors is None else -means)
        # A class without a known label is no answer.
        scores[:, prior == 0] = -np.inf
        scores[greens.unreached(train)] = prior
        return scores.argmax(axis=1)

    def _fit_scores(
        self, L: Any, design: Any, Y: Any, S: Any, unreached: np.ndarray, prior: Any
    ) -> tuple[Any, int]:
        if self.loss == "squared":
            centered = Y - prior[None, :]
            same = (
                S + namespace_of(Y).zeros_like(Y),
                np.repeat(unreached, Y.shape[1], 1),
            )
            return self._fit_columns(L, design, centered, *same, self._solve_centered)
        if not isinstance(Y, np.ndarray):
            raise ValueError(
                f"loss={self.loss!r} knows NumPy only; for arrays of other libraries "
                "use loss='squared'."
            )
        if np.count_nonzero(S) > _MAX_MACHINE_ROWS:
            raise ValueError(
                f"loss={self.loss!r} takes at most {_MAX_MACHINE_ROWS} labeled rows, "
                f"got {np.count_nonzero(S)}; loss='squared' takes any number."
            )
        # Two classes are one problem.
        signs = 2 * Y - 1
        signs = signs[:, 1:] if Y.shape[1] == 2 else signs
        weights = np.repeat(S, signs.shape[1], 1)
        columns = np.repeat(unreached, signs.shape[1], 1)
        scores, n_iter = self._fit_columns(
            L, design, signs, weights, columns, self._solve_machine
        )
        if Y.shape[1] == 2:
            scores = np.concatenate([-scores, scores], axis=1) / 2
            for name in ("dual_coef_", "coef_", "intercept_"):
                if hasattr(self, name):
                    own = getattr(self, name)
                    setattr(self, name, np.concatenate([-own, own], axis=-1) / 2)
        return scores, n_iter

    def _solve_centered(self, form: Any, Y: Any, S: Any) -> tuple[Any, Any, int]:
        parameters, steps = form.solve_squared(Y, S)
        return parameters, namespace_of(Y).zeros_like(Y[0, :]), steps

    def _solve_machine(self, form: Any, Y: Any, S: Any) -> tuple[Any, Any, int]:
        rows = np.flatnonzero(S)
        B, G = form.solve_forces(rows, Y)
        machine = solve_kernel_machine(
            G, Y[rows], LOSSES[self.loss], S[rows], tol=self.tol, max_iter=self.max_iter
        )
        parameters = (B @ machine.x).astype(Y.dtype)
        constants = machine.intercept.astype(Y.dtype)
        return parameters, constants, int(machine.n_iter.max())

    def _shift(self, scores: Any, Y: Any, L: Any, prior: Any) -> Any:
        """Constants to add to the columns of scores."""
        class_priors = self.class_priors
        if isinstance(class_priors, str) and class_priors == "auto":
            class_priors = "centered" if self.kernel is None else None
        xp = namespace_of(scores)
        if class_priors is None:
            return prior if self.loss == "squared" else xp.zeros_like(prior)
        reached = ~self.unreachable_
        fractions = None
        if not (isinstance(class_priors, str) and class_priors == "centered"):
            counts = to_numpy(xp.sum(Y, axis=0))
            fractions = resolve_class_priors(class_priors, counts)
        return class_shift(scores[reached], L.degrees[reached], fractions)

    def _scores_of_new_rows(self, X: Any) -> Any:
        check_is_fitted(self)
        scores, tied = self._values_of_new_rows(X, self.scores_)
        if tied is None:
            return scores + self.shift_[None, :]
        return namespace_of(scores).where(tied, scores, self.prior_[None, :])
