"""Grid search in which test rows stay in the graph."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from sklearn_manifold_reg._arrays import to_numpy
from sklearn_manifold_reg.graph import resolve_graph
from sklearn_manifold_reg.model_selection._labeled_split import LabeledSplit
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params_on_fit,
)
from sklearn_manifold_reg.utils._targets import encode_partial_labels


def _refitted_has(method: str) -> Any:
    def check(search: Any) -> bool:
        getattr(getattr(search, "best_estimator_", search.estimator), method)
        return True

    return available_if(check)


class TransductiveSearchCV(MetaEstimatorMixin, DocumentedEstimator):
    """Exhaustive search over parameters, cross-validated on hidden labels.

    In each fold the labels of some labeled rows are hidden, the model is fitted on
    all rows, and what it says of the hidden rows is scored. The rows stay in the
    graph, as the unlabeled rows do in use. The graph depends on no label: it is
    built once for each setting of its own parameters, and shared by all folds and
    all other settings.

    Parameters
    ----------
    estimator : estimator
        A semi-supervised estimator with parameter `graph` and attribute
        `transduction_`, or a Pipeline that ends in one. The transformers of a
        Pipeline are fitted on all rows, without labels.
    param_grid : dict or list of dict
        Names of parameters and lists of values to try.
    cv : int or splitter, default=5
        Folds of the labeled rows, see `LabeledSplit`.
    scoring : str, callable, list, tuple, dict or None, default=None
        A name, a scorer that gives one number, or several of them.
        None is the accuracy of classifiers and R² of regressors. Scorers may ask
        for `predict`, and of models with `label_distributions_` for
        `predict_proba`.
    refit : bool or str, default=True
        Whether to fit the best setting on all labels; with several scores the name
        of the one that decides.
    n_jobs : int, default=None
        Number of fits at once, in threads. A fit uses all cores already.
    error_score : "raise" or float, default=nan
        Score of a setting whose fit fails, or "raise" to stop there.

    Attributes
    ----------
    cv_results_ : dict of ndarrays
        As in `GridSearchCV`: `params`, `param_*`, `mean_test_score`,
        `std_test_score`, `rank_test_score`, `split*_test_score`, `mean_fit_time`,
        ...
    best_params_ : dict
        Best setting.
    best_score_ : float
        Its mean score.
    best_index_ : int
        Its place in `cv_results_`.
    best_estimator_ : estimator
        Fitted on all labels, if `refit`.
    n_splits_ : int
        Number of folds.
    n_graphs_ : int
        Number of graphs built by the search.
    refit_time_ : float
        Seconds that the last fit took, if `refit`.
    multimetric_ : bool
        Whether there are several scores.
    scorer_ : callable or dict
        The scorers.
    classes_ : ndarray of shape (n_classes,)
        Class labels of a classifier.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features, if X has any.

    See Also
    --------
    LabeledSplit : For searches that test on rows outside the graph.

    Notes
    -----
    Settings of `alpha` and `graph_alpha` of the Laplacian-regularized estimators with
    squared loss, P = L or L² and `kernel=None` share one iteration of shifted conjugate
    gradients with all folds. `mean_fit_time` is the mean over such a group then.

    `fit` takes no further arguments: there is no metadata routing, and splitters
    that need groups cannot be used.

    Scores estimate the accuracy on unlabeled rows that are there when the model is
    fitted. That of rows which come later is what `GridSearchCV` with `LabeledSplit`
    estimates, at the price of a graph for each fold.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import make_moons
    >>> from sklearn_manifold_reg.model_selection import TransductiveSearchCV
    >>> from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier
    >>> X, truth = make_moons(200, noise=0.08, random_state=0)
    >>> y = np.where(np.arange(200) < 12, truth, -1)
    >>> grid = {"graph__n_neighbors": [5, 10], "method": ["poisson", "harmonic"]}
    >>> from sklearn_manifold_reg.graph import NeighborsGraph
    >>> model = LabelDiffusionClassifier(NeighborsGraph())
    >>> search = TransductiveSearchCV(model, grid, cv=3).fit(X, y)
    >>> search.n_graphs_
    2
    >>> float(search.best_score_)
    1.0
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "param_grid": [dict, list],
        "cv": [Interval(Integral, 2, None, closed="left"), HasMethods("split")],
        "scoring": [str, callable, list, tuple, dict, None],
        "refit": [bool, str],
        "n_jobs": [Integral, None],
        "error_score": [StrOptions({"raise"}), Real],
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        cv=5,
        scoring=None,
        refit=True,
        n_jobs=None,
        error_score=np.nan,
    ):
        self.estimator = estimator
        self.param_grid = param_grid
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.n_jobs = n_jobs
        self.error_score = error_score

    @validate_params_on_fit(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Search, and fit the best setting.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_features)
            Labeled and unlabeled rows; their affinity for `graph="precomputed"`.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets: -1 in classification and `NaN` in regression where unlabeled.

        Returns
        -------
        self : TransductiveSearchCV
            Fitted.

        Raises
        ------
        ValueError
            If y is missing or has fewer labels than folds, or every fit fails.
        TypeError
            If the estimator has no parameter `graph`.
        """
        if y is None:
            raise ValueError(
                "TransductiveSearchCV requires y to be passed, but the target y is "
                "None."
            )
        check_consistent_length(X, y)
        scorers = self._scorers()
        targets = PartialTargets.read(y, classification=is_classifier(self.estimator))
        tests = targets.tests(self.cv)
        candidates = list(ParameterGrid(self.param_grid))
        groups = group_by_graph(self.estimator, candidates)
        scores = {name: np.empty((len(candidates), len(tests))) for name in scorers}
        seconds = np.empty((len(candidates), len(tests)))
        for settings, members in groups:
            model, Z = fit_graph(clone(self.estimator).set_params(**settings), X)
            outcomes = self._score_path(model, members, targets, tests, scorers)
            if outcomes is None:
                outcomes = Parallel(n_jobs=self.n_jobs, prefer="threads")(
                    delayed(self._fit_and_score)(model, own, Z, targets, test, scorers)
                    for _, own in members
                    for test in tests
                )
            places = [(number, k) for number, _ in members for k in range(len(tests))]
            for place, (values, duration) in zip(places, outcomes, strict=True):
                seconds[place] = duration
                for name, value in values.items():
                    scores[name][place] = value

        self.n_graphs_ = len(groups)
        self.n_splits_ = len(tests)
        self.multimetric_ = not (
            self.scoring is None
            or isinstance(self.scoring, str)
            or callable(self.scoring)
        )
        self.scorer_ = scorers if self.multimetric_ else next(iter(scorers.values()))
        self.cv_results_ = tabulate(candidates, scores, seconds)
        self._choose(list(scorers))
        if self.refit:
            start = time.perf_counter()
            best = clone(self.estimator).set_params(**self.best_params_)
            self.best_estimator_ = best.fit(X, y)
            self.refit_time_ = time.perf_counter() - start
        return self

    @_refitted_has("predict")
    def predict(self, X):
        """Predict with the best model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.

        Returns
        -------
        y : array of shape (n_queries,) or (n_queries, n_outputs)
            Predictions.
        """
        return self._best("predict")(X)

    @_refitted_has("predict_proba")
    def predict_proba(self, X):
        """Give class probabilities of the best model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.

        Returns
        -------
        P : array of shape (n_queries, n_classes)
            Columns in the order of `classes_`.
        """
        return self._best("predict_proba")(X)

    @_refitted_has("decision_function")
    def decision_function(self, X):
        """Give decision values of the best model.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.

        Returns
        -------
        values : array of shape (n_queries,) or (n_queries, n_classes)
            Decision values.
        """
        return self._best("decision_function")(X)

    def score(self, X, y):
        """Score the best model on new, labeled rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            New rows.
        y : array-like of shape (n_queries,) or (n_queries, n_outputs)
            Their targets.

        Returns
        -------
        score : float
            By the score that chose the model.
        """
        check_is_fitted(self)
        self._require_refit()
        scorer: Any = self.scorer_
        scorer = scorer[self.refit] if self.multimetric_ else scorer
        return scorer(self.best_estimator_, X, y)

    @property
    def classes_(self):
        """Class labels of the best model."""
        return self.best_estimator_.classes_

    @property
    def n_features_in_(self):
        """Number of features that the best model was fitted on."""
        return self.best_estimator_.n_features_in_

    @property
    def feature_names_in_(self):
        """Names of features that the best model was fitted on."""
        return self.best_estimator_.feature_names_in_

    def _best(self, method: str) -> Any:
        check_is_fitted(self)
        self._require_refit()
        return getattr(self.best_estimator_, method)

    def _require_refit(self) -> None:
        if not self.refit:
            raise AttributeError(
                "TransductiveSearchCV was fitted with refit=False and has no model; "
                "fit one with `best_params_`."
            )

    def _scorers(self) -> dict[str, Any]:
        default = "accuracy" if is_classifier(self.estimator) else "r2"
        scoring = default if self.scoring is None else self.scoring
        if isinstance(scoring, str) or callable(scoring):
            scoring = {"score": scoring}
        elif not isinstance(scoring, dict):
            scoring = {name: name for name in scoring}
        if list(scoring) != ["score"] and self.refit and self.refit not in scoring:
            raise ValueError(
                f"With several scores, refit names the one that decides, among "
                f"{list(scoring)}, or is False; got {self.refit!r}."
            )
        return {name: get_scorer(scorer) for name, scorer in scoring.items()}

    def _fit_and_score(
        self,
        model: Any,
        settings: Mapping[str, Any],
        X: Any,
        targets: "PartialTargets",
        test: np.ndarray,
        scorers: Mapping[str, Any],
    ) -> tuple[dict[str, float], float]:
        start = time.perf_counter()
        try:
            fitted = clone(model).set_params(**settings).fit(X, targets.without(test))
        except Exception as error:
            values = self._give_up(f"A fit with {dict(settings)}", error, scorers)
            return values, time.perf_counter() - start
        duration = time.perf_counter() - start
        said = TransducedModel(fitted, targets.classes)
        return self._score(said, test, targets.values[test], scorers), duration

    def _score(
        self, said: Any, test: np.ndarray, truth: Any, scorers: Mapping[str, Any]
    ) -> dict[str, float]:
        try:
            return {
                name: float(scorer(said, test, truth))
                for name, scorer in scorers.items()
            }
        except Exception as error:
            return self._give_up("A scorer", error, scorers)

    def _give_up(
        self, what: str, error: Exception, scorers: Mapping[str, Any]
    ) -> dict[str, float]:
        if self.error_score == "raise":
            raise error
        warnings.warn(
            f"{what} failed and scores {self.error_score}: {error!r}",
            FitFailedWarning,
            stacklevel=4,
        )
        return dict.fromkeys(scorers, self.error_score)

    def _score_path(
        self, model: Any, members: list, targets: Any, tests: list, scorers: Mapping
    ) -> list | None:
        """Score all settings of one graph at once, if the model knows how."""
        if not hasattr(model, "_transduce_path"):
            return None
        start = time.perf_counter()
        known = targets.values if targets.codes is None else targets.codes
        affinity = model.graph.estimator.affinity_
        settings = [own for _, own in members]
        try:
            said = model._transduce_path(affinity, known, tests, settings)
        except ValueError:
            # One by one it will be seen which setting fails.
            return None
        if said is None:
            return None
        each = (time.perf_counter() - start) / (len(members) * len(tests))
        outcomes = []
        for answers in said:
            for test, answer in zip(tests, answers, strict=True):
                stated = np.empty((len(known), *answer.shape[1:]), answer.dtype)
                stated[test] = answer
                speaker = clone(model)
                speaker.transduction_ = stated
                spoken = TransducedModel(speaker, targets.classes)
                truth = targets.values[test]
                values = self._score(spoken, test, truth, scorers)
                outcomes.append((values, each))
        return outcomes

    def _choose(self, names: list[str]) -> None:
        decisive = self.refit if self.multimetric_ and self.refit else names[0]
        if self.multimetric_ and not self.refit:
            return
        means = self.cv_results_[f"mean_test_{decisive}"]
        if not np.isfinite(means).any():
            raise ValueError(
                "Every fit of TransductiveSearchCV failed; error_score='raise' shows "
                "the first failure."
            )
        self.best_index_ = int(np.nanargmax(means))
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_score_ = float(means[self.best_index_])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags = own.classifier_tags
        tags.regressor_tags = own.regressor_tags
        tags.input_tags.pairwise = own.input_tags.pairwise
        tags.input_tags.sparse = own.input_tags.sparse
        tags.target_tags = own.target_tags
        return tags


@dataclass(frozen=True)
class PartialTargets:
    """Targets of which some are known.

    Attributes
    ----------
    values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels, or numbers with NaN where unknown.
    codes : ndarray of shape (n_samples,) or None
        Classes as numbers from 0, -1 where unknown; None in regression.
    classes : ndarray of shape (n_classes,) or None
        Class labels.
    """

    values: np.ndarray
    codes: np.ndarray | None
    classes: np.ndarray | None

    @classmethod
    def read(cls, y: Any, *, classification: bool) -> "PartialTargets":
        """Read targets as a user passes them.

        Parameters
        ----------
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        classification : bool
            Whether they are classes.

        Returns
        -------
        targets : PartialTargets
            On the host.
        """
        values = to_numpy(y)
        if not classification:
            return cls(values.astype(np.result_type(values, np.float32)), None, None)
        values = column_or_1d(values, warn=True)
        codes, classes = encode_partial_labels(values)
        if classes.dtype.kind == "O":
            classes = np.array(classes.tolist())
        # What stands at unlabeled rows is never read.
        return cls(classes[codes], codes, classes)

    def tests(self, cv: Any) -> list[np.ndarray]:
        """Choose the rows that each fold hides.

        Parameters
        ----------
        cv : int or splitter
            See `LabeledSplit`.

        Returns
        -------
        tests : list of ndarray
            Labeled rows.
        """
        # Codes as integers and values as floats tell the splitter which is which.
        y = self.values if self.codes is None else self.codes + 2
        y = y if self.codes is None else np.where(self.codes < 0, -1, y)
        return [test for _, test in LabeledSplit(cv).split(y, y)]

    def without(self, rows: np.ndarray) -> np.ndarray:
        """Give the targets of a fold, which hides some rows.

        Parameters
        ----------
        rows : ndarray of int
            Rows to hide.

        Returns
        -------
        hidden : ndarray
            Numbers with NaN, or class codes as objects, among which -1 always
            means unlabeled.
        """
        if self.codes is None:
            hidden = self.values.copy()
            hidden[rows] = np.nan
            return hidden
        codes = self.codes.astype(object)
        codes[rows] = -1
        return codes


class TransducedModel(BaseEstimator):
    """What a fitted model says of its own training rows, for scorers.

    Parameters
    ----------
    model : estimator
        Fitted, with `transduction_`.
    classes : ndarray of shape (n_classes,) or None
        Labels of the class codes that it was fitted on; None in regression.
    """

    def __init__(self, model, classes):
        self.model = model
        self.classes = classes

    @property
    def classes_(self):
        """Class labels."""
        return self.classes

    def predict(self, rows):
        """Give predictions of training rows.

        Parameters
        ----------
        rows : ndarray of int
            Training rows.

        Returns
        -------
        y : ndarray
            Labels or values.
        """
        said = to_numpy(self.model.transduction_)[rows]
        return said if self.classes is None else self.classes[said.astype(np.intp)]

    def predict_proba(self, rows):
        """Give class probabilities of training rows.

        Parameters
        ----------
        rows : ndarray of int
            Training rows.

        Returns
        -------
        P : ndarray of shape (n_rows, n_classes)
            Class probabilities.
        """
        return to_numpy(self.model.label_distributions_)[rows]

    def __sklearn_tags__(self):
        return get_tags(self.model)

    def __sklearn_is_fitted__(self):
        return True


def group_by_graph(estimator: Any, candidates: list[dict]) -> list[tuple[dict, list]]:
    """Group settings that share a graph.

    Parameters
    ----------
    estimator : estimator
        Model with parameter `graph`, or Pipeline ending in one.
    candidates : list of dict
        Settings to try.

    Returns
    -------
    groups : list of (settings, members)
        Settings of the graph and of what comes before it; members are pairs of a
        candidate's number and its other settings, named as in the last step.
    """
    prefix = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
    groups: dict[str, tuple[dict, list]] = {}
    for number, candidate in enumerate(candidates):
        shared, own = {}, {}
        for name, value in candidate.items():
            last = name.removeprefix(prefix)
            of_graph = last == "graph" or last.startswith("graph__")
            if name.startswith(prefix) and not of_graph:
                own[last] = value
            else:
                shared[name] = value
        key = repr(sorted(shared.items(), key=lambda item: item[0]))
        groups.setdefault(key, (shared, []))[1].append((number, own))
    return list(groups.values())


def fit_graph(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Fit all that depends on no label.

    Parameters
    ----------
    estimator : estimator
        Model with parameter `graph`, or Pipeline ending in one; unfitted.
    X : array-like or sparse array of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    model : estimator
        The last step, whose graph is fitted and frozen.
    Z : array-like
        What reaches the last step.

    Raises
    ------
    TypeError
        If the model has no parameter `graph`.
    """
    model = estimator
    if isinstance(estimator, Pipeline):
        model = estimator.steps[-1][1]
        if len(estimator.steps) > 1:
            X = estimator[:-1].fit_transform(X)
    if "graph" not in model.get_params(deep=False):
        raise TypeError(
            "TransductiveSearchCV needs an estimator with a parameter `graph`, or a "
            f"Pipeline that ends in one; got {type(model).__name__}."
        )
    builder = resolve_graph(model.graph).fit(X)
    return clone(model).set_params(graph=FrozenEstimator(builder)), X


def tabulate(
    candidates: list[dict], scores: Mapping[str, np.ndarray], seconds: np.ndarray
) -> dict[str, Any]:
    """Arrange results as `GridSearchCV` does.

    Parameters
    ----------
    candidates : list of dict
        Settings tried.
    scores : mapping of str to ndarray of shape (n_candidates, n_splits)
        Scores by name.
    seconds : ndarray of shape (n_candidates, n_splits)
        Time of each fit.

    Returns
    -------
    results : dict of ndarrays
        See `TransductiveSearchCV`.
    """
    results: dict[str, Any] = {
        "mean_fit_time": seconds.mean(axis=1),
        "std_fit_time": seconds.std(axis=1),
        "params": candidates,
    }
    for name in sorted({name for candidate in candidates for name in candidate}):
        column = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
        for number, candidate in enumerate(candidates):
            if name in candidate:
                column[number] = candidate[name]
        results[f"param_{name}"] = column
    for name, values in scores.items():
        for split in range(values.shape[1]):
            results[f"split{split}_test_{name}"] = values[:, split]
        mean = values.mean(axis=1)
        results[f"mean_test_{name}"] = mean
        results[f"std_test_{name}"] = values.std(axis=1)
        lowest = np.nan_to_num(-mean, nan=np.inf)
        results[f"rank_test_{name}"] = rankdata(lowest, method="min").astype(np.int32)
    return results
