"""Functions of least Lipschitz constant on the manifold among those that fit."""

import warnings
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    namespace_of,
    one_hot,
)
from sklearn_manifold_reg.graph import (
    GraphOperator,
    is_pairwise,
    laplacian,
    resolve_graph,
)
from sklearn_manifold_reg.semi_supervised._class_scores import (
    ClassScoresMixin,
    decide,
    logistic_rows,
)
from sklearn_manifold_reg.semi_supervised._forms import GraphForm, LinearForm
from sklearn_manifold_reg.semi_supervised._gradient_weights import (
    Answer,
    BoundRule,
    ProportionalRule,
    adapt_weights,
    constant_answer,
)
from sklearn_manifold_reg.semi_supervised._labeled_components import warn_unreached
from sklearn_manifold_reg.semi_supervised._local_gradients import (
    GRADIENTS,
    LocalGradients,
    local_gradients,
)
from sklearn_manifold_reg.semi_supervised._manifold_penalty import ManifoldPenalty
from sklearn_manifold_reg.semi_supervised._partly_labeled import (
    PartlyLabeledModel,
    forget_form,
    input_checks,
    label_weights,
)
from sklearn_manifold_reg.semi_supervised._smooth_fit import (
    LogisticColumns,
    SmoothFit,
    SquaredColumns,
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

# Largest residuals of the linear systems, also over `tol`, and the most steps that
# they take. Weights differ by orders of magnitude, and residuals see the heavy ones.
_SOLVE_TOL = 1e-6
_SOLVE_SHARE = 1e-5
_SOLVE_STEPS = 2000
# Kernel features whose share of the largest eigenvalue is below this are left out.
_LEAST_EIGENVALUE = 1e-12
# Least ridge of linear forms, relative to the other terms of their system.
_LEAST_RIDGE = 1e-14
# Shares of classes are this far from 0 and 1 where their log odds are taken.
_LEAST_SHARE = 1e-10
# Least curvature of the logistic loss over epsilon.
_LEAST_CURVATURE = 1e-2
# Rows up to which those systems are factorized, from scratch each time.
_DIRECT_ROWS = 500


class _ManifoldLipschitz(PartlyLabeledModel):
    """What the regressor and the classifier share."""

    _parameter_constraints: dict = {
        **PartlyLabeledModel._parameter_constraints,
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "gradient": [StrOptions(set(GRADIENTS))],
        "bandwidth": [Interval(Real, 0, None, closed="neither"), None],
        "intrinsic_dim": [Interval(Real, 0, None, closed="neither")],
        "dual_update": [StrOptions({"normalize", "projection"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "cg", "direct", "amg"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
    }

    def _check_parameters(self, X: Any) -> None:
        """Refuse combinations that mean nothing."""
        self._check_form(X)
        if self.bandwidth is not None and self.gradient != "energy":
            raise ValueError(
                f"bandwidth={self.bandwidth} is the scale of gradient='energy'; "
                f"gradient={self.gradient!r} has none."
            )

    def _fit_graph(self, X: Any) -> LocalGradients:
        """Fit the graph, and choose how gradients are measured on it."""
        self.graph_ = resolve_graph(self.graph).fit(X)
        L = laplacian(self.graph_.affinity_, normalization=None)
        widest = float_dtypes(L.degrees)[0]
        if L.dtype != widest:
            L = laplacian(L.csr.astype(widest), normalization=None)
        return local_gradients(
            self.gradient,
            L,
            None if is_pairwise(self.graph) else X,
            bandwidth=self.bandwidth,
            intrinsic_dim=self.intrinsic_dim,
            n_jobs=self.n_jobs,
        )

    def _fit_function(
        self, X: Any, loss: Any, level: Any, gradients: LocalGradients, task: Any
    ) -> Any:
        """Fit all columns, and set what is known of the function.

        Gives the values at the training rows.
        """
        L = gradients.laplacian
        unreached = self._unreached(L, loss.S > 0)
        warn_unreached(np.any(unreached, axis=1), type(self).__name__)
        problem, constant, to_dual = self._problem(X, loss, level, L, unreached)
        if problem.largest <= self.epsilon or L.csr.nnz == 0:
            warnings.warn(
                f"epsilon={self.epsilon} is not below {problem.largest:.3g}, the loss "
                "of constants, which are the answer therefore. Lower epsilon for a "
                "function that varies.",
                UserWarning,
                stacklevel=3,
            )
            answer = constant_answer(problem, gradients, constant)
        else:
            if self.dual_update == "projection":
                rule: Any = BoundRule(problem, gradients, self.tol)
            else:
                rule = ProportionalRule(self.tol)
            steps = task.iterations(self.max_iter)
            answer = adapt_weights(problem, gradients, rule, steps)
            self._warn_of(answer)
        own = partial(_narrowed, X=X)
        values = own(answer.fit.values)
        if self.kernel is not None:
            parameters = answer.fit.parameters
            self.intercept_ = own(level)
            if hasattr(self, "X_fit_"):
                self.dual_coef_ = own(to_dual @ parameters)
            else:
                self.coef_ = own(parameters[:-1, :])
                self.intercept_ = own(level + parameters[-1, :])
        self.gradient_ = own(gradients.steepness(answer.fit.values))
        self.lambda_ = own(gradients.node_weights(answer.weights))
        self.unreachable_ = asarray_like(unreached, values)
        self.mu_ = answer.fit.mu
        self.loss_ = answer.fit.loss
        self.rho_ = answer.largest
        self.lipschitz_ = float(np.sqrt(answer.largest))
        self.dual_gap_ = answer.gap
        self.history_ = answer.history
        self.n_iter_ = answer.n_iter
        return values

    def _problem(
        self, X: Any, loss: Any, level: Any, L: GraphOperator, unreached: np.ndarray
    ) -> tuple[SmoothFit, Any, Any]:
        """Pose the problem for any weights.

        Gives the best constants as well, and the map from features of a kernel to
        the coefficients of its expansion.
        """
        to_dual = None
        labels = L.component_labels if self.kernel is None else None
        constant = loss.constant(level, labels)
        n_parameters, ridge = L.shape[0], self.alpha
        make_form: Any
        if self.kernel is None:
            options = {
                "solver": self.solver,
                "tol": min(_SOLVE_TOL, _SOLVE_SHARE * self.tol),
                "max_iter": _SOLVE_STEPS,
                "n_jobs": self.n_jobs,
            }
            make_form = partial(_graph_form, unreached, options)
            ridge = 0.0
        else:
            design = self._design(X)
            if hasattr(self, "X_fit_"):
                K = namespace_of(design).astype(design, loss.S.dtype)
                Z, to_dual = kernel_features(K)
            else:
                Z = with_constant(design)
            make_form, n_parameters = partial(_linear_form, Z), Z.shape[1]
        problem = SmoothFit(
            loss,
            self.epsilon,
            level,
            loss.value(constant),
            n_parameters,
            ridge,
            make_form,
        )
        return problem, constant, to_dual

    def _warn_of(self, answer: Answer) -> None:
        name = type(self).__name__
        if answer.fit.loss > self.epsilon * (1 + _SOLVE_TOL):
            warnings.warn(
                f"{name}: no function of kernel={self.kernel!r} was found whose loss "
                f"is at most epsilon={self.epsilon}; the one given has "
                f"{answer.fit.loss:.3g}. Raise epsilon, lower alpha, or choose a "
                "richer kernel.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif self.max_iter > 0 and not answer.converged:
            warnings.warn(
                f"{name}: after max_iter={self.max_iter} changes of the weights the "
                f"tolerance tol={self.tol} is not met; the squared gradient is at most "
                f"{answer.gap:.2g} of itself above the least possible one. Raise "
                "max_iter or tol.",
                ConvergenceWarning,
                stacklevel=4,
            )


class ManifoldLipschitzRegressor(MultiOutputMixin, RegressorMixin, _ManifoldLipschitz):
    """The function of least Lipschitz constant on the manifold among those that fit.

    Solves, over functions f on the rows or in a reproducing kernel Hilbert space,

        minimize    max_i G_i(f) + alpha |f|²
        subject to  1/s sum_i s_i (y_i - f(x_i))² <= epsilon,

    where G_i(f) estimates the squared gradient of f along the graph at row i, and the
    sum is over labeled rows with weights s_i, s = sum s_i [1]_. Rows are unlabeled
    where y is `NaN`. In place of the maximum "normalize" takes sqrt(sum_i G_i²).

    Both are solved through weights lambda_i >= 0 of sum 1: f minimizes
    sum_i lambda_i G_i(f) = f' L_lambda f, the energy of a graph whose edges are made
    stronger where f is steep.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself and
        `kernel` must be None.
    epsilon : float, default=0.01
        Largest mean squared error on labeled rows, summed over outputs, in the
        squared unit of `y`. Larger values give flatter functions.
    gradient : {"energy", "dirichlet", "max_slope"}, default="energy"
        Estimator of the squared gradient at row i, with weights w of the graph:

        - "energy": a weighted mean of |f_i - f_j|² over neighbors j, over that of
          their squared distances, times `intrinsic_dim`;
        - "dirichlet": 1/2 sum_j w_ij |f_i - f_j|², which takes the graph as it is;
        - "max_slope": the largest |f_i - f_j|² / |x_i - x_j|². `lipschitz_` is then
          the Lipschitz constant of f for distances along the graph.
    bandwidth : float or None, default=None
        Width h of a graph with heat weights exp(-d² / h²), for "energy": mean squared
        distances are taken as h²/2 in each dimension. None measures them.
    intrinsic_dim : float, default=1
        Dimension of the manifold, for "energy" without `bandwidth`: a scale only.
    dual_update : {"normalize", "projection"}, default="normalize"
        "projection" solves the problem and proves it by a lower bound. "normalize"
        minimizes sqrt(sum_i G_i²) in place of max_i G_i: lambda is in proportion to
        G. It takes fewer steps, and functions are flat off the steep places too.
    alpha : float, default=1e-8
        Weight of |f|², the squared norm of a kernel expansion or of coefficients.
        `kernel=None` has none.
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
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How the systems of `kernel=None` are solved, see `linalg.solve`.
    tol : float, default=1e-2
        For "projection" the relative gap between the squared Lipschitz constant and
        its lower bound, for "normalize" the sum of absolute changes of lambda, below
        which weights stay. The loss is within this share of `epsilon`, and within a
        hundredth.
    max_iter : int, default=300
        Largest number of changes of lambda. With 0 all lambda are equal: the ordinary
        Laplacian.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximation.

    Attributes
    ----------
    transduction_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Values of the training rows.
    lipschitz_ : float
        sqrt(rho_), the Lipschitz constant.
    rho_ : float
        max_i G_i(f).
    gradient_ : array of shape (n_samples,)
        Estimated length of the gradient at each training row; for "max_slope" the
        largest slope of its edges.
    lambda_ : array of shape (n_samples,)
        Weights, of sum 1: large where f is steep. For "max_slope" a row has the
        weights of its ends of edges.
    mu_ : float
        Multiplier of the loss.
    dual_gap_ : float
        Relative distance of `rho_ + alpha |f|²` to a lower bound of it that holds for
        all functions with that loss; 0 for the best one. `NaN` if there is no bound.
    loss_ : float
        Loss of the labeled rows.
    history_ : dict of ndarray of shape (n_iter_,)
        "loss", "max_gradient" (max_i G_i), "dual" (lower bound) and "mu" of the
        function for each lambda.
    n_iter_ : int
        Number of lambdas that a function was found for.
    dual_coef_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Coefficients of the kernel expansion, if there is one.
    coef_ : ndarray of shape (n_features,) or (n_features, n_outputs)
        Coefficients of the linear or approximated form, if there is one.
    intercept_ : float or array of shape (n_outputs,)
        Constant term, if there is a kernel.
    unreachable_ : array of bool, shape (n_samples,) or (n_samples, n_outputs)
        Rows in components of the graph without a label, for `kernel=None`; their
        value is the constant that fits all labels best.
    prior_ : array of shape (n_outputs,)
        Means of the labels.
    graph_ : graph builder
        The fitted graph.
    X_fit_ : array of shape (n_samples, n_features)
        Rows of the kernel expansion, if there is one.
    feature_map_ : transformer or None
        The approximation, if there is a kernel.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    ManifoldLipschitzClassifier : The same for classes.
    LaplacianRegularizedRegressor : A smooth function in the mean.

    Notes
    -----
    Weights in proportion to G are the condition for the least sum_i G_i², the graph
    p-Laplacian with p = 4 in place of the ordinary one with p = 2; the least maximum
    is p infinite. "normalize" goes half-way to those weights in each step; its
    alpha has a scale that depends on the weights.
    "projection" multiplies lambda by G, extrapolates (Anderson), and takes
    back what lowers the dual bound; the paper's projected ascent has the same
    solution and gets there more slowly. Its multiplier mu is the root of
    loss = epsilon each time. The program published with [1]_ weighs
    tr (lambda f)' L f, which is neither symmetric nor convex; here edges have the
    weights of both ends.

    Each step takes one or two linear systems as those of the Laplacian regularized
    estimators: O((nnz(W) + n_samples) n_columns) for each step of their solver with
    `kernel=None`, O(n_samples³) with a kernel, O(n_samples n_components²) with
    features; losses other than "squared" some more. Memory is O(nnz(W) + n_samples
    n_columns) for `kernel=None`, and a kernel matrix or the features otherwise.

    References
    ----------
    .. [1] J. Cervino, L. F. O. Chamon, B. D. Haeffele, R. Vidal, A. Ribeiro,
       "Learning globally smooth functions on manifolds", ICML 2023,
       https://arxiv.org/abs/2210.00301

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.graph import NeighborsGraph
    >>> from sklearn_manifold_reg.semi_supervised import ManifoldLipschitzRegressor
    >>> X = np.arange(11.0)[:, None]
    >>> y = np.full(11, np.nan)
    >>> y[[0, 5, 10]] = [0, 1, 4]
    >>> model = ManifoldLipschitzRegressor(
    ...     NeighborsGraph(n_neighbors=2, connectivity="mst"),
    ...     epsilon=1e-6,
    ...     gradient="max_slope",
    ...     dual_update="projection",
    ... ).fit(X, y)
    >>> round(model.lipschitz_, 2)
    0.6
    """

    def __init__(
        self,
        graph=None,
        *,
        epsilon=0.01,
        gradient="energy",
        bandwidth=None,
        intrinsic_dim=1,
        dual_update="normalize",
        alpha=1e-8,
        kernel=None,
        gamma="scale",
        degree=3,
        coef0=1,
        approximation=None,
        n_components=1000,
        solver="auto",
        tol=1e-2,
        max_iter=300,
        n_jobs=None,
        random_state=None,
    ):
        self.graph = graph
        self.epsilon = epsilon
        self.gradient = gradient
        self.bandwidth = bandwidth
        self.intrinsic_dim = intrinsic_dim
        self.dual_update = dual_update
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.approximation = approximation
        self.n_components = n_components
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
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets, `NaN` where unknown. Each output has its own labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the loss.

        Returns
        -------
        self : ManifoldLipschitzRegressor
            Fitted.

        Raises
        ------
        ValueError
            If an output has no label, a target is infinite, all weights of labels
            are zero, or parameters contradict each other.

        Warns
        -----
        UserWarning
            If `epsilon` is not below the loss of constants, no label reaches some
            rows, or a kernel is approximated.
        ConvergenceWarning
            If `tol` is not met, or no function has a loss of `epsilon`.
        """
        forget_form(self)
        checks = input_checks(X)
        X, Y, labeled, ravel = validate_partial_regression(self, X, y, **checks)
        self._check_parameters(X)
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                gradients = self._fit_graph(X)
            with task.stage("solve", max_subtasks=self.max_iter) as solving:
                S = label_weights(labeled, sample_weight, X, Y)
                loss = SquaredColumns(*(_widened(a, gradients) for a in (Y, S)))
                level = loss.means()
                values = self._fit_function(X, loss, level, gradients, solving)
        if ravel:
            for name in {"dual_coef_", "coef_", "intercept_"} & set(vars(self)):
                setattr(self, name, getattr(self, name)[..., 0])
            self.unreachable_ = self.unreachable_[:, 0]
        self.prior_ = _narrowed(level, X)
        self.transduction_ = values[:, 0] if ravel else values
        self._fitted_like = self.transduction_
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


class ManifoldLipschitzClassifier(ClassScoresMixin, _ManifoldLipschitz):
    """Classification by functions of least Lipschitz constant among those that fit.

    Solves, over functions f with a column for each class, on the rows or in a
    reproducing kernel Hilbert space,

        minimize    max_i G_i(f) + alpha |f|²
        subject to  1/s sum_i s_i V(y_i, f(x_i)) <= epsilon,

    where G_i(f) estimates the squared gradient of f along the graph at row i, and the
    sum is over labeled rows with weights s_i, s = sum s_i [1]_. Rows are unlabeled
    where y is -1. In place of the maximum "normalize" takes sqrt(sum_i G_i²).

    Both are solved through weights lambda_i >= 0 of sum 1: f minimizes
    sum_i lambda_i G_i(f) = tr f' L_lambda f, the energy of a graph whose edges are
    made stronger where f is steep.

    Parameters
    ----------
    graph : graph builder, "precomputed" or None, default=None
        Builder such as `NeighborsGraph(n_neighbors=15)`; None takes
        `NeighborsGraph()`. With "precomputed", `X` is the affinity itself and
        `kernel` must be None.
    loss : {"squared", "log_loss"}, default="squared"
        V: of indicators of the classes, summed over classes, or of margins, one class
        against the rest.
    epsilon : float, default=0.01
        Largest loss of the labeled rows. Larger values give flatter functions.
    gradient : {"energy", "dirichlet", "max_slope"}, default="energy"
        Estimator of the squared gradient at row i, with weights w of the graph:

        - "energy": a weighted mean of |f_i - f_j|² over neighbors j, over that of
          their squared distances, times `intrinsic_dim`;
        - "dirichlet": 1/2 sum_j w_ij |f_i - f_j|², which takes the graph as it is;
        - "max_slope": the largest |f_i - f_j|² / |x_i - x_j|². `lipschitz_` is then
          the Lipschitz constant of f for distances along the graph.
    bandwidth : float or None, default=None
        Width h of a graph with heat weights exp(-d² / h²), for "energy": mean squared
        distances are taken as h²/2 in each dimension. None measures them.
    intrinsic_dim : float, default=1
        Dimension of the manifold, for "energy" without `bandwidth`: a scale only.
    dual_update : {"normalize", "projection"}, default="normalize"
        "projection" solves the problem and proves it by a lower bound. "normalize"
        minimizes sqrt(sum_i G_i²) in place of max_i G_i: lambda is in proportion to
        G. It takes fewer steps, and functions are flat off the steep places too.
    alpha : float, default=1e-8
        Weight of |f|², the squared norm of a kernel expansion or of coefficients.
        `kernel=None` has none.
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
    solver : {"auto", "cg", "direct", "amg"}, default="auto"
        How the systems of `kernel=None` are solved, see `linalg.solve`.
    tol : float, default=1e-2
        For "projection" the relative gap between the squared Lipschitz constant and
        its lower bound, for "normalize" the sum of absolute changes of lambda, below
        which weights stay. The loss is within this share of `epsilon`, and within a
        hundredth.
    max_iter : int, default=300
        Largest number of changes of lambda. With 0 all lambda are equal: the ordinary
        Laplacian.
    n_jobs : int or None, default=None
        Threads; None takes all cores. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seed of the approximation.

    Attributes
    ----------
    transduction_ : array of shape (n_samples,)
        Classes of the training rows.
    scores_ : array of shape (n_samples, n_classes)
        Values of f at the training rows.
    label_distributions_ : ndarray of shape (n_samples, n_classes)
        Class probabilities of the training rows, for `loss="log_loss"`.
    classes_ : array of shape (n_classes,)
        Class labels.
    lipschitz_ : float
        sqrt(rho_), the Lipschitz constant.
    rho_ : float
        max_i G_i(f).
    gradient_ : array of shape (n_samples,)
        Estimated length of the gradient at each training row; for "max_slope" the
        largest slope of its edges.
    lambda_ : array of shape (n_samples,)
        Weights, of sum 1: large where f is steep. For "max_slope" a row has the
        weights of its ends of edges.
    mu_ : float
        Multiplier of the loss.
    dual_gap_ : float
        Relative distance of `rho_ + alpha |f|²` to a lower bound of it that holds for
        all functions with that loss; 0 for the best one. `NaN` if there is no bound.
    loss_ : float
        Loss of the labeled rows.
    history_ : dict of ndarray of shape (n_iter_,)
        "loss", "max_gradient" (max_i G_i), "dual" (lower bound) and "mu" of the
        function for each lambda.
    n_iter_ : int
        Number of lambdas that a function was found for.
    dual_coef_ : array of shape (n_samples,) or (n_samples, n_outputs)
        Coefficients of the kernel expansion, if there is one.
    coef_ : ndarray of shape (n_features,) or (n_features, n_outputs)
        Coefficients of the linear or approximated form, if there is one.
    intercept_ : float or array of shape (n_outputs,)
        Constant term, if there is a kernel.
    unreachable_ : array of bool, shape (n_samples,) or (n_samples, n_outputs)
        Rows in components of the graph without a label, for `kernel=None`; their
        value is the constant that fits all labels best.
    prior_ : array of shape (n_classes,)
        Shares of the classes among labeled rows.
    graph_ : graph builder
        The fitted graph.
    X_fit_ : array of shape (n_samples, n_features)
        Rows of the kernel expansion, if there is one.
    feature_map_ : transformer or None
        The approximation, if there is a kernel.
    n_features_in_ : int
        Number of columns of `X`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has any.

    See Also
    --------
    ManifoldLipschitzRegressor : The same for numbers.
    LaplacianRegularizedClassifier : Smooth functions in the mean.

    Notes
    -----
    Weights in proportion to G are the condition for the least sum_i G_i², the graph
    p-Laplacian with p = 4 in place of the ordinary one with p = 2; the least maximum
    is p infinite. "normalize" goes half-way to those weights in each step; its
    alpha has a scale that depends on the weights.
    "projection" multiplies lambda by G, extrapolates (Anderson), and takes
    back what lowers the dual bound; the paper's projected ascent has the same
    solution and gets there more slowly. Its multiplier mu is the root of
    loss = epsilon each time. The program published with [1]_ weighs
    tr (lambda f)' L f, which is neither symmetric nor convex; here edges have the
    weights of both ends.

    Each step takes one or two linear systems as those of the Laplacian regularized
    estimators: O((nnz(W) + n_samples) n_columns) for each step of their solver with
    `kernel=None`, O(n_samples³) with a kernel, O(n_samples n_components²) with
    features; losses other than "squared" some more. Memory is O(nnz(W) + n_samples
    n_columns) for `kernel=None`, and a kernel matrix or the features otherwise.

    References
    ----------
    .. [1] J. Cervino, L. F. O. Chamon, B. D. Haeffele, R. Vidal, A. Ribeiro,
       "Learning globally smooth functions on manifolds", ICML 2023,
       https://arxiv.org/abs/2210.00301

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.semi_supervised import ManifoldLipschitzClassifier
    >>> X, truth = make_moons(200, noise=0.05, random_state=0)
    >>> y = np.where(np.arange(200) < 4, truth, -1)
    >>> model = ManifoldLipschitzClassifier().fit(X, y)
    >>> float(np.mean(model.transduction_ == truth).round(2))
    1.0
    """

    _parameter_constraints: dict = {
        **_ManifoldLipschitz._parameter_constraints,
        "loss": [StrOptions({"squared", "log_loss"})],
    }

    def __init__(
        self,
        graph=None,
        *,
        loss="squared",
        epsilon=0.01,
        gradient="energy",
        bandwidth=None,
        intrinsic_dim=1,
        dual_update="normalize",
        alpha=1e-8,
        kernel=None,
        gamma="scale",
        degree=3,
        coef0=1,
        approximation=None,
        n_components=1000,
        solver="auto",
        tol=1e-2,
        max_iter=300,
        n_jobs=None,
        random_state=None,
    ):
        self.loss = loss
        self.graph = graph
        self.epsilon = epsilon
        self.gradient = gradient
        self.bandwidth = bandwidth
        self.intrinsic_dim = intrinsic_dim
        self.dual_update = dual_update
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.approximation = approximation
        self.n_components = n_components
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
        self : ManifoldLipschitzClassifier
            Fitted.

        Raises
        ------
        ValueError
            If fewer than two classes are labeled, all weights of labels are zero, or
            parameters contradict each other.

        Warns
        -----
        UserWarning
            If `epsilon` is not below the loss of constants, no label reaches some
            rows, or a kernel is approximated.
        ConvergenceWarning
            If `tol` is not met, or no function has a loss of `epsilon`.
        """
        forget_form(self)
        checks = input_checks(X)
        X, codes, classes = validate_partial_classification(self, X, y, **checks)
        self._check_parameters(X)
        with fit_task(self, X, y, n_stages=2) as task:
            with task.stage("graph"):
                gradients = self._fit_graph(X)
            with task.stage("solve", max_subtasks=self.max_iter) as solving:
                Y = one_hot(codes, classes.shape[0], gradients.laplacian.degrees)
                S = label_weights((codes >= 0)[:, None], sample_weight, X, Y)
                S = S + namespace_of(S).zeros_like(Y)
                prior = SquaredColumns(Y, S).means()
                loss, level = self._loss(Y, S, prior)
                scores = self._fit_function(X, loss, level, gradients, solving)
        level = _narrowed(level, X)
        if scores.shape[1] == 1:
            scores, level = (_both_signs(a) for a in (scores, level))
            for name in {"dual_coef_", "coef_", "intercept_"} & set(vars(self)):
                setattr(self, name, _both_signs(getattr(self, name)))
        self.classes_ = classes
        self.prior_ = _narrowed(prior, X)
        self.unreachable_ = self.unreachable_[:, 0]
        self.scores_ = scores
        self._untied = level
        self._fitted_like = scores
        if self.loss == "log_loss":
            self.label_distributions_ = logistic_rows(scores)
        self.transduction_ = decide(scores, classes)
        return self

    def _loss(self, Y: Any, S: Any, prior: Any) -> tuple[Any, Any]:
        """Give the loss, and the constants that functions start from."""
        if self.loss == "squared":
            return SquaredColumns(Y, S), prior
        if not isinstance(Y, np.ndarray):
            raise ValueError(
                "loss='log_loss' knows NumPy only; for arrays of other libraries use "
                "loss='squared'."
            )
        # Two classes are one problem.
        first = 1 if Y.shape[1] == 2 else 0
        share = np.clip(prior, _LEAST_SHARE, 1 - _LEAST_SHARE)
        margins = np.log(share / (1 - share))
        least = _LEAST_CURVATURE * min(self.epsilon, 1)
        loss = LogisticColumns(2 * Y[:, first:] - 1, S[:, first:], least)
        return loss, margins[first:]

    def _scores_of_new_rows(self, X: Any) -> Any:
        check_is_fitted(self)
        scores, tied = self._values_of_new_rows(X, self.scores_)
        if tied is None:
            return scores
        return namespace_of(scores).where(tied, scores, self._untied[None, :])


def with_constant(design: Any) -> Any:
    """Append a column of ones to features.

    Parameters
    ----------
    design : ndarray or csr_array of shape (n, n_features)
        Features.

    Returns
    -------
    Z : ndarray or csr_array of shape (n, n_features + 1)
        In float64.
    """
    ones = np.ones((design.shape[0], 1))
    if sparse.issparse(design):
        return sparse.csr_array(sparse.hstack([design, sparse.csr_array(ones)]))
    return np.hstack([design, ones])


def kernel_features(K: Any) -> tuple[Any, Any]:
    """Find features whose inner products are a kernel.

    Parameters
    ----------
    K : array of shape (n, n)
        Kernel matrix.

    Returns
    -------
    Z : array of shape (n, n_features)
        Features with `Z Z' = K`, but for eigenvalues that are zero up to rounding.
    to_dual : array of shape (n, n_features)
        `Z w` are the values of the expansion with the coefficients `to_dual w`.
    """
    xp = namespace_of(K)
    values, vectors = xp.linalg.eigh((K + K.T) / 2)
    first = int(xp.sum(xp.astype(values <= _LEAST_EIGENVALUE * values[-1], xp.int64)))
    roots = xp.sqrt(values[first:])[None, :]
    return vectors[:, first:] * roots, vectors[:, first:] / roots


def _graph_form(
    unreached: np.ndarray,
    options: dict,
    penalty: Any,
    ridge: float,
    column: int,
    start: Any,
) -> GraphForm:
    if start.shape[0] > _DIRECT_ROWS:
        options = {**options, "x0": start}
    return GraphForm(penalty, ridge, unreached[:, column], options)


def _linear_form(
    Z: Any, penalty: ManifoldPenalty, ridge: float, _column: int, _start: Any
) -> LinearForm:
    degrees = penalty.laplacian.degrees
    scale = 1 + penalty.weight * float(namespace_of(degrees).max(degrees))
    return LinearForm(Z, penalty, ridge + _LEAST_RIDGE * scale * _largest_square(Z))


def _largest_square(Z: Any) -> float:
    """Largest squared norm of a column."""
    if sparse.issparse(Z):
        return float(Z.multiply(Z).sum(axis=0).max())
    xp = namespace_of(Z)
    return float(xp.max(xp.sum(Z * Z, axis=0)))


def _both_signs(margins: Any) -> np.ndarray:
    """Two columns, one class against the other, from margins of the second."""
    return np.concatenate([-margins, margins], axis=-1) / 2


def _widened(array: Any, gradients: LocalGradients) -> Any:
    return asarray_like(array, gradients.laplacian.degrees)


def _narrowed(array: Any, X: Any) -> Any:
    """Give an array the dtype of the rows."""
    return namespace_of(array).astype(array, X.dtype, copy=False)
