"""What estimators share that turn measurements into images."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from sklearn_manifold_reg._arrays import device, float_dtypes, get_namespace
from sklearn_manifold_reg.inverse._image_operator import (
    ImageOperator,
    resolve_image_shape,
)
from sklearn_manifold_reg.linalg import DiagonalOperator, Operator, as_operator
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    check_same_namespace,
    check_sample_weight,
    get_namespace_and_device,
    move_to,
)


class Reconstructor(MultiOutputMixin, RegressorMixin, DocumentedEstimator, ABC):
    """Estimator whose samples are measurements and whose targets are images.

    Subclasses have a parameter `operator`, call `_start` in `fit`, and define
    `_reconstruct`.
    """

    _parameter_constraints: dict = {
        "operator": [Operator, LinearOperator, np.ndarray, "sparse matrix", None],
    }

    @abstractmethod
    def fit(self, X, y=None):
        """Store the operator, and learn from true images where there are any."""

    @abstractmethod
    def _reconstruct(self, X):
        """Turn rows of measurements into rows of pixels."""

    def _start(self, X: Any, y: Any, image_shape: Any = None) -> tuple[Any, Any]:
        """Check measurements and images, and set `operator_` and `image_shape_`."""
        checks = {"dtype": float_dtypes(X)}
        if y is None:
            X = validate_data(self, X, **checks)
        else:
            y_checks = {"ensure_2d": False, "dtype": "numeric"}
            X, y = validate_data(self, X, y, validate_separately=(checks, y_checks))
            check_consistent_length(X, y)
            y = _beside(y, X)
        operator = resolve_operator(self.operator, X)
        n_pixels = operator.shape[1]
        if y is not None and y.ndim == 2 and y.shape[1] != n_pixels:
            raise ValueError(
                f"y has {y.shape[1]} columns, but the images of the operator have "
                f"{n_pixels} pixels; pass images as rows, or y=None."
            )
        if image_shape is None and isinstance(operator, ImageOperator):
            image_shape = operator.image_shape
        self.image_shape_ = resolve_image_shape(image_shape, n_pixels)
        self.operator_ = operator
        # Remembers the library and the device of the measurements.
        self._like = get_namespace(X).zeros((0,), dtype=X.dtype, device=device(X))
        return X, y

    def predict(self, X):
        """Reconstruct images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_measurements)
            Measurements, one image a row.

        Returns
        -------
        images : array of shape (n_samples, n_pixels)
            Images in row-major order.

        Raises
        ------
        ValueError
            If X holds NaN or infinity, or another number of measurements than in
            `fit`.
        """
        check_is_fitted(self)
        return self._reconstruct(self._check_measurements(X, "predict"))

    def _check_measurements(self, X: Any, method: str) -> Any:
        """Check measurements of a fitted estimator."""
        check_same_namespace(X, self, attribute="_like", method=method)
        return validate_data(self, X, reset=False, dtype=float_dtypes(X))

    def score(self, X, y, sample_weight=None):
        """Give the share of the variance of pixels that the images explain.

        It is 1 - |y - predict(X)|² / |y - mean(y)|², with norm and mean over the pixels
        of all images. The score of other regressors takes each pixel on its own,
        which says nothing where a pixel is the same in all images.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_measurements)
            Measurements.
        y : array-like of shape (n_samples, n_pixels)
            True images.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of images.

        Returns
        -------
        score : float
            At most 1. Of constant images, 1 if they are met exactly, and else 0.
        """
        images = self.predict(X)
        xp = get_namespace(images)
        y = _beside(check_array(y, ensure_2d=False, dtype="numeric"), images)
        if y.shape != images.shape:
            raise ValueError(
                f"y has shape {tuple(y.shape)}, but the images have shape "
                f"{tuple(images.shape)}."
            )
        weight = xp.ones(y.shape[0], dtype=y.dtype, device=device(y))
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, X, dtype=y.dtype)
        weight = weight[:, None] / xp.sum(weight)
        mean = xp.sum(weight * y) / y.shape[1]
        error = float(xp.sum(weight * (y - images) ** 2))
        variance = float(xp.sum(weight * (y - mean) ** 2))
        if variance == 0:
            return float(error == 0)
        return 1 - error / variance

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.target_tags.required = False
        return tags


def _beside(y: Any, X: Any) -> Any:
    """Move an array to the library, the device and the dtype of another."""
    xp, _, place = get_namespace_and_device(X)
    return xp.astype(move_to(y, xp=xp, device=place), X.dtype, copy=False)


def resolve_operator(operator: Any, X: Any) -> Operator:
    """Take the operator that a user gave, and check that it made the measurements.

    Parameters
    ----------
    operator : operator-like or None
        What `linalg.as_operator` takes. None is the identity: X holds noisy images.
    X : array of shape (n_samples, n_measurements)
        Measurements.

    Returns
    -------
    operator : Operator
        Of shape (n_measurements, n_pixels).

    Raises
    ------
    ValueError
        If it gives another number of measurements, or is complex.
    """
    n_measurements = X.shape[1]
    if operator is None:
        xp = get_namespace(X)
        return DiagonalOperator(
            xp.ones(n_measurements, dtype=X.dtype, device=device(X))
        )
    if getattr(getattr(operator, "dtype", None), "kind", None) == "c":
        raise ValueError("operator is complex; images and measurements are real.")
    operator = as_operator(operator)
    if operator.shape[0] != n_measurements:
        raise ValueError(
            f"operator of shape {operator.shape} makes {operator.shape[0]} "
            f"measurements, but X has {n_measurements} columns."
        )
    return operator
