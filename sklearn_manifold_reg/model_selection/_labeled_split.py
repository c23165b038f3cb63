"""Cross-validation in which unlabeled rows always train."""

import warnings
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import BaseCrossValidator, check_cv
from sklearn.utils.validation import check_array

from sklearn_manifold_reg.utils._targets import encode_partial_labels


class LabeledSplit(BaseCrossValidator):
    """Splitter that tests on labeled rows only; unlabeled rows always train.

    Wraps any splitter, which divides the labeled rows. Floating-point targets are
    values, unlabeled where they are `NaN`; all others are classes, unlabeled where
    they are -1 (unless the labels are exactly -1 and 1).

    Parameters
    ----------
    cv : int or splitter, default=5
        Number of folds, stratified by class in classification, or a splitter of
        `sklearn.model_selection`.

    See Also
    --------
    TransductiveSearchCV : Keeps test rows in the graph and searches faster.

    Notes
    -----
    With the usual splitters unlabeled rows are tested too, and count as wrong.

    Of several outputs, a row is labeled if any of them is known.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.model_selection import LabeledSplit
    >>> y = np.array([0, 1, -1, 0, 1, -1])
    >>> for train, test in LabeledSplit(2).split(y, y):
    ...     print(train, test)
    [2 3 4 5] [0 1]
    [0 1 2 5] [3 4]
    """

    def __init__(self, cv=5):
        self.cv = cv

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Any]:
        """Divide the rows into training and test rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; only their number matters.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Partly known targets.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows, for splitters that know groups.

        Yields
        ------
        train, test : ndarray of int
            Rows in ascending order; test rows are labeled.

        Raises
        ------
        ValueError
            If y is missing, holds no label, or fewer labels than folds.
        TypeError
            If `cv` is neither a number nor a splitter.
        """
        labeled, targets = labeled_rows(y)
        splitter = self._splitter(labeled, targets)
        unlabeled = np.setdiff1d(np.arange(_length(y)), labeled)
        if groups is not None:
            groups = np.asarray(groups)[labeled]
        for train, test in splitter.split(np.zeros((len(labeled), 1)), targets, groups):
            rows = np.concatenate([labeled[train], unlabeled])
            yield np.sort(rows), np.sort(labeled[test])

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Count the folds.

        Parameters
        ----------
        X : array-like, default=None
            Ignored.
        y : array-like of shape (n_samples,), default=None
            Targets, for splitters whose number of folds depends on the rows.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows, likewise.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        if isinstance(self.cv, Integral):
            return int(self.cv)
        _check_splitter(self.cv)
        if y is None:
            return self.cv.get_n_splits()
        labeled, targets = labeled_rows(y)
        if groups is not None:
            groups = np.asarray(groups)[labeled]
        return self.cv.get_n_splits(np.zeros((len(labeled), 1)), targets, groups)

    def _splitter(self, labeled: np.ndarray, targets: np.ndarray) -> Any:
        if not isinstance(self.cv, Integral):
            _check_splitter(self.cv)
            return self.cv
        if len(labeled) < int(self.cv):
            raise ValueError(
                f"cv={self.cv} folds need as many labeled rows, to test each once, "
                f"but y holds n_samples={len(labeled)} labels; take fewer folds."
            )
        return check_cv(self.cv, targets, classifier=targets.dtype.kind != "f")

    def __repr__(self) -> str:
        return f"LabeledSplit(cv={self.cv!r})"


def _check_splitter(cv: Any) -> None:
    if not hasattr(cv, "split") or isinstance(cv, str):
        raise TypeError(f"cv must be a number of folds or a splitter, got {cv!r}.")


def labeled_rows(
    y: Any, classification: bool | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the labeled rows of partly known targets.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    classification : bool, default=None
        Whether they are classes. By default floating-point numbers are values and
        all else classes.

    Returns
    -------
    rows : ndarray of int
        Labeled rows, ascending.
    targets : ndarray
        Their class codes, or their values.

    Raises
    ------
    ValueError
        If y is None or holds no label.
    """
    if y is None:
        raise ValueError("LabeledSplit needs y: it tells labeled from unlabeled rows.")
    y = np.asarray(y)
    if classification is None:
        classification = y.dtype.kind != "f"
        if not classification and _looks_like_classes(y):
            warnings.warn(
                "y holds whole floating-point numbers, -1 among them, which are taken "
                "for values, all known. Class labels, with -1 where unlabeled, are "
                "integers or strings.",
                UserWarning,
                stacklevel=3,
            )
    if not classification:
        y = check_array(y, ensure_2d=False, ensure_all_finite="allow-nan")
        known = ~np.isnan(y)
        rows = np.flatnonzero(known if y.ndim == 1 else known.any(axis=1))
        if not rows.size:
            raise ValueError("y holds no labeled sample: every value is NaN.")
        return rows, y[rows].astype(np.float64)
    codes, _ = encode_partial_labels(y)
    rows = np.flatnonzero(codes >= 0)
    return rows, codes[rows]


def _looks_like_classes(y: np.ndarray) -> bool:
    return bool(np.any(y == -1) and np.all(y == np.floor(y)))


def _length(y: Any) -> int:
    return len(np.asarray(y))
