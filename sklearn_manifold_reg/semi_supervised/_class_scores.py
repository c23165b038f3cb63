"""From class scores on a graph to distributions over classes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.semi_supervised._labeled_components import LabeledComponents

# Farther than shifts that meet class sizes, which stay within a few ranges.
_FAR = 16
# Margins beyond which probabilities are 0 and 1 in float32 as well.
_LARGEST_MARGIN = 40.0


def exclude_absent_classes(scores: Any, components: LabeledComponents) -> Any:
    """Push scores of classes without a label in a row's component below all others.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Larger means likelier.
    components : LabeledComponents
        Components of the graph, and the classes labeled in each.

    Returns
    -------
    scores : array of shape (n_samples, n_classes)
        Unchanged where the class is present, else less than the least score by far
        more than the range of the scores.
    """
    if components.present.all():
        return scores
    xp = namespace_of(scores)
    present = asarray_like(components.present[components.labels], scores)
    low, high = xp.min(scores), xp.max(scores)
    span = xp.where(high > low, high - low, xp.ones_like(high))
    return xp.where(present, scores, low - _FAR * span)


def normalize_rows(scores: Any, prior: Any) -> Any:
    """Divide non-negative rows by their sums; rows of zeros become the prior.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Scores; what a solver's tolerance left below zero counts as zero.
    prior : array of shape (n_classes,)
        Distribution for rows without any score.

    Returns
    -------
    P : array of shape (n_samples, n_classes)
        Rows sum to 1.
    """
    xp = namespace_of(scores)
    P = xp.where(scores > 0, scores, xp.zeros_like(scores))
    sums = xp.sum(P, axis=1, keepdims=True)
    safe = xp.where(sums > 0, sums, xp.ones_like(sums))
    return xp.where(sums > 0, P / safe, prior[None, :])


def softmax_rows(scores: Any, scale: float) -> Any:
    """Softmax of `scores / scale` along the columns.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Scores.
    scale : float
        Difference of scores that makes a class e times likelier.

    Returns
    -------
    P : array of shape (n_samples, n_classes)
        Rows sum to 1.
    """
    xp = namespace_of(scores)
    P = xp.exp((scores - xp.max(scores, axis=1, keepdims=True)) / scale)
    return P / xp.sum(P, axis=1, keepdims=True)


def typical_gap(scores: Any) -> float:
    """Median difference between the best and the second-best score of a row.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Scores of at least two classes.

    Returns
    -------
    gap : float
        1 if the median is zero.
    """
    xp = namespace_of(scores)
    ordered = xp.sort(scores, axis=1)
    gaps = xp.sort(ordered[:, -1] - ordered[:, -2])
    gap = float(gaps[gaps.shape[0] // 2]) if gaps.shape[0] else 0.0
    return gap if gap > 0 else 1.0


def logistic_rows(scores: Any) -> Any:
    """Turn margins of one class against the rest into distributions.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Margins; of two classes half the margin each, with opposite signs.

    Returns
    -------
    P : array of shape (n_samples, n_classes)
        Rows sum to 1: logistic functions of the margins, over their sum.
    """
    xp = namespace_of(scores)
    scores = xp.clip(scores, min=-_LARGEST_MARGIN, max=_LARGEST_MARGIN)
    if scores.shape[1] == 2:
        second = 1 / (1 + xp.exp(-(scores[:, 1] - scores[:, 0])))
        return xp.stack([1 - second, second], axis=1)
    P = 1 / (1 + xp.exp(-scores))
    return P / xp.sum(P, axis=1, keepdims=True)


def decide(scores: Any, classes: Any) -> Any:
    """Choose the class of the largest score.

    Parameters
    ----------
    scores : array of shape (n_samples, n_classes)
        Scores.
    classes : array of shape (n_classes,)
        Labels of the classes.

    Returns
    -------
    labels : array of shape (n_samples,)
        Labels, in the library of `classes`.
    """
    codes = namespace_of(scores).argmax(scores, axis=1)
    if isinstance(classes, np.ndarray):
        return classes[to_numpy(codes)]
    return namespace_of(classes).take(classes, codes)


class ClassScoresMixin(ClassifierMixin):
    """Classifier by the largest score, with probabilities for the logistic loss.

    Subclasses have a parameter `loss` and define `_scores_of_new_rows`.
    """

    loss: str
    classes_: Any
    _scores_of_new_rows: Callable[[Any], Any]

    def decision_function(self, X):
        """Give the scores of new rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        scores : array of shape (n_queries,) or (n_queries, n_classes)
            Columns in the order of `classes_`; of two classes the second score less
            the first.
        """
        scores = self._scores_of_new_rows(X)
        if scores.shape[1] == 2:
            return scores[:, 1] - scores[:, 0]
        return scores

    def predict(self, X):
        """Predict classes of new rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        y : array of shape (n_queries,)
            Class labels.
        """
        return decide(self._scores_of_new_rows(X), self.classes_)

    def _has_probabilities(self) -> bool:
        if self.loss != "log_loss":
            raise AttributeError(
                f"Probabilities are known for loss='log_loss', not for {self.loss!r}."
            )
        return True

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Give class probabilities of new rows, for `loss="log_loss"`.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_features)
            Rows; with `graph="precomputed"` their affinities to the training rows,
            of shape (n_queries, n_samples).

        Returns
        -------
        P : array of shape (n_queries, n_classes)
            Columns in the order of `classes_`; of more than two classes the logistic
            functions of the scores, divided by their sum.
        """
        return logistic_rows(self._scores_of_new_rows(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = True
        return tags
