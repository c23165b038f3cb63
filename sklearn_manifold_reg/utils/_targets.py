"""Targets of which only some are known: `NaN` in regression, `-1` in classification."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from sklearn_manifold_reg.utils._sklearn import (
    get_namespace,
    get_namespace_and_device,
    move_to,
)

UNLABELED = -1


def validate_partial_regression(
    estimator: Any, X: Any, y: Any, **X_kwargs: Any
) -> tuple[Any, Any, Any, bool]:
    """Check `X` and numeric targets in which `NaN` marks an unknown value.

    Parameters
    ----------
    estimator : estimator
        Estimator being fitted; its `n_features_in_` is set.
    X : array-like or sparse array of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets.
    **X_kwargs : dict
        Passed to `check_array` for `X`.

    Returns
    -------
    X : array or sparse array of shape (n_samples, n_features)
        Checked samples.
    Y : array of shape (n_samples, n_outputs)
        Targets in the dtype, namespace and device of `X`; 0 where unknown.
    labeled : array of bool, shape (n_samples, n_outputs)
        Which targets are known.
    ravel : bool
        Whether `y` was one-dimensional.

    Raises
    ------
    ValueError
        If a target is infinite, or an output has no known target at all.
    """
    if y is None:
        raise ValueError(_requires_y(estimator))
    y_kwargs = {
        "ensure_2d": False,
        "ensure_all_finite": "allow-nan",
        "dtype": "numeric",
    }
    X, y = validate_data(estimator, X, y, validate_separately=(X_kwargs, y_kwargs))
    check_consistent_length(X, y)

    xp, _, device = get_namespace_and_device(X)
    y = move_to(y, xp=xp, device=device)
    Y = xp.astype(y, X.dtype, copy=False)
    if Y.ndim > 2:
        raise ValueError(f"y must have one or two dimensions, got {Y.ndim}.")
    ravel = Y.ndim == 1
    Y = Y[:, None] if ravel else Y

    labeled = ~xp.isnan(Y)
    if bool(xp.any(xp.isinf(Y))):
        raise ValueError("Input y contains infinity or a value too large.")
    if not bool(xp.all(xp.any(labeled, axis=0))):
        raise ValueError(
            "y holds no labeled sample in at least one output: every value is NaN. "
            f"{type(estimator).__name__} needs at least one known target."
        )
    return X, xp.where(labeled, Y, xp.zeros_like(Y)), labeled, ravel


def validate_partial_classification(
    estimator: Any, X: Any, y: Any, **X_kwargs: Any
) -> tuple[Any, Any, Any]:
    """Check `X` and class labels in which `-1` marks an unlabeled row.

    Labels that hold exactly the two values -1 and 1 leave nothing to tell apart if
    -1 meant unlabeled; they are read as a fully labeled problem, with a warning.

    Parameters
    ----------
    estimator : estimator
        Estimator being fitted; its `n_features_in_` is set.
    X : array-like or sparse array of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,)
        Class labels: integers, or strings and other objects among which the
        integer -1 marks an unlabeled row.
    **X_kwargs : dict
        Passed to `check_array` for `X`.

    Returns
    -------
    X : array or sparse array of shape (n_samples, n_features)
        Checked samples.
    codes : ndarray of int64, shape (n_samples,)
        Index of each row's class, -1 if unlabeled; on the device of `X`.
    classes : ndarray of shape (n_classes,)
        Sorted class labels, in the namespace of `y`.

    Raises
    ------
    ValueError
        If no row is labeled, or fewer than two classes are.
    """
    if y is None:
        raise ValueError(_requires_y(estimator))
    X = validate_data(estimator, X, **X_kwargs)
    y = _check_labels(y)
    check_consistent_length(X, y)
    codes, classes = encode_partial_labels(y)
    if classes.shape[0] < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs labeled samples of at least two "
            f"classes; y holds one class only: {classes[0]}."
        )
    xp, _, device = get_namespace_and_device(X)
    codes = move_to(codes, xp=xp, device=device)
    return X, codes, classes


def encode_partial_labels(y: Any) -> tuple[Any, Any]:
    """Encode the classes of partly labeled targets as numbers.

    Parameters
    ----------
    y : array of shape (n_samples,)
        Class labels with -1 where unlabeled, see `validate_partial_classification`.

    Returns
    -------
    codes : array of int64, shape (n_samples,)
        Index of each row's class, -1 if unlabeled.
    classes : array of shape (n_classes,)
        Sorted class labels.

    Raises
    ------
    ValueError
        If no row is labeled.
    """
    xp, is_array_api, device = get_namespace_and_device(y)
    if not is_array_api and y.dtype.kind == "O":
        labeled = np.array([not _is_unlabeled(label) for label in y], dtype=bool)
    elif not is_array_api and y.dtype.kind not in "iufb":
        labeled = np.ones(y.shape[0], dtype=bool)
    else:
        check_classification_targets(y)
        labeled = xp.ones(y.shape[0], dtype=xp.bool, device=device)
        if not xp.isdtype(y.dtype, "bool"):
            values = xp.unique_values(y)
            if values.shape[0] == 2 and bool(xp.all(xp.abs(values) == 1)):
                warnings.warn(
                    "y holds exactly the labels -1 and 1: all rows are taken as "
                    "labeled, -1 being a class. Recode the classes as 0 and 1 to "
                    "use -1 for unlabeled rows.",
                    UserWarning,
                    stacklevel=3,
                )
            else:
                labeled = y != UNLABELED
    if not bool(xp.any(labeled)):
        raise ValueError(
            "y holds no labeled sample: every label is -1, which marks an unlabeled "
            "row. At least one row of each class needs its label."
        )
    classes, inverse = xp.unique_inverse(y[labeled])
    codes = xp.full(y.shape[0], UNLABELED, dtype=xp.int64, device=device)
    codes[labeled] = xp.astype(inverse, xp.int64)
    return codes, classes


def _check_labels(y: Any) -> Any:
    if getattr(y, "dtype", None) is None or _is_host(y):
        y = column_or_1d(y, warn=True, dtype=None)
        if y.dtype.kind == "f":
            y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
        return y
    return column_or_1d(y, warn=True)


def _is_host(y: Any) -> bool:
    return not get_namespace(y)[1]


def _is_unlabeled(label: Any) -> bool:
    return (
        isinstance(label, int | np.integer)
        and not isinstance(label, bool)
        and label == UNLABELED
    )


def _requires_y(estimator: Any) -> str:
    return (
        f"{type(estimator).__name__} requires y to be passed, but the target y is None."
    )
