"""What models of partly labeled rows share: form of the function, weights, new rows."""

import warnings
from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    asarray_like,
    float_dtypes,
    get_namespace,
    is_numpy,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.graph import is_pairwise
from sklearn_manifold_reg.semi_supervised._kernels import (
    KERNELS,
    kernel_matrix,
    resolve_gamma,
)
from sklearn_manifold_reg.semi_supervised._neighbor_average import neighbor_average
from sklearn_manifold_reg.utils._callbacks import CallbackSupportMixin
from sklearn_manifold_reg.utils._documentation import DocumentedEstimator
from sklearn_manifold_reg.utils._sklearn import (
    Interval,
    StrOptions,
    check_same_namespace,
    check_sample_weight,
)

# Rows above which a kernel matrix is replaced by Nyström features.
_MAX_KERNEL_ROWS = 5000


class PartlyLabeledModel(CallbackSupportMixin, DocumentedEstimator, ABC):
    """A function on the rows of a graph: by its values, a kernel or features."""

    _parameter_constraints: dict = {
        "graph": [BaseEstimator, StrOptions({"precomputed"}), None],
        "kernel": [StrOptions({*KERNELS, "linear"}), callable, None],
        "gamma": [
            Interval(Real, 0, None, closed="neither"),
            StrOptions({"scale"}),
            None,
        ],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "approximation": [StrOptions({"nystroem", "random_features"}), None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def fit(self, X, y):
        """Learn from partly labeled rows."""

    def _check_form(self, X: Any) -> None:
        """Refuse forms of the function that mean nothing."""
        if self.kernel is None:
            if self.approximation is not None:
                raise ValueError(
                    f"approximation={self.approximation!r} is one of a kernel; choose "
                    "kernel='rbf' or another."
                )
        elif isinstance(self.graph, str):
            raise ValueError(
                "graph='precomputed' leaves no features for a kernel; use kernel=None, "
                "or a graph builder."
            )
        elif self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 for a kernel expansion; use kernel=None for the "
                "graph alone."
            )
        if self.approximation == "random_features" and self.kernel != "rbf":
            raise ValueError(
                "approximation='random_features' approximates kernel='rbf', got "
                f"kernel={self.kernel!r}; approximation='nystroem' takes any kernel."
            )
        linear = self.kernel == "linear" or self.approximation is not None
        if self.kernel is not None and not is_numpy(namespace_of_input(X)) and linear:
            raise ValueError(
                "Linear and feature forms know NumPy only; for arrays of other "
                "libraries use kernel=None or a kernel such as 'rbf'."
            )

    def _design(self, X: Any) -> Any:
        """Learn kernel widths and features; evaluate them on the training rows."""
        if self.kernel is None:
            return None
        self._gamma = resolve_gamma(self.gamma, X)
        self.feature_map_ = None
        approximation = self.approximation
        if approximation is None and self.kernel != "linear":
            if X.shape[0] <= _MAX_KERNEL_ROWS:
                self.X_fit_ = X
                return self._kernel(X)
            warnings.warn(
                f"{type(self).__name__}: a kernel matrix of {X.shape[0]} rows is too "
                f"large; approximation='nystroem' with n_components="
                f"{self.n_components} is used.",
                UserWarning,
                stacklevel=3,
            )
            approximation = "nystroem"
        if approximation is not None:
            self.feature_map_ = self._feature_map(approximation, X).fit(X)
        return self._features(X)

    def _feature_map(self, approximation: str, X: Any) -> Any:
        if approximation == "random_features":
            return RBFSampler(
                gamma=self._gamma,
                n_components=self.n_components,
                random_state=self.random_state,
            )
        uses_gamma = self.kernel in ("rbf", "laplacian", "polynomial", "sigmoid")
        uses_degree = self.kernel == "polynomial"
        return Nystroem(
            self.kernel,
            gamma=self._gamma if uses_gamma else None,
            degree=self.degree if uses_degree else None,
            coef0=self.coef0 if self.kernel in ("polynomial", "sigmoid") else None,
            n_components=min(self.n_components, X.shape[0]),
            random_state=self.random_state,
        )

    def _features(self, X: Any) -> Any:
        return X if self.feature_map_ is None else self.feature_map_.transform(X)

    def _kernel(self, X: Any) -> Any:
        return kernel_matrix(
            X,
            self.X_fit_,
            self.kernel,
            gamma=self._gamma,
            degree=self.degree,
            coef0=self.coef0,
        )

    def _values_of_new_rows(self, X: Any, training_values: Any) -> tuple[Any, Any]:
        """Values of new rows, and where they are known at all."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **input_checks(X))
        check_same_namespace(X, self, attribute="_fitted_like", method="predict")
        if self.kernel is None:
            reached = ~self.unreachable_
            return neighbor_average(
                self.graph_.transform(X),
                training_values,
                reached[:, None] if reached.ndim == 1 else reached,
                n_jobs=self.n_jobs,
            )
        if hasattr(self, "X_fit_"):
            values = self._kernel(X) @ self.dual_coef_ + self.intercept_
        else:
            values = self._features(X) @ self.coef_ + self.intercept_
        return values[:, None] if values.ndim == 1 else values, None

    def _predict_values(self, X: Any) -> Any:
        """Predict values of new rows, the prior where nothing is known."""
        known = self.transduction_
        ravel = known.ndim == 1
        known = known[:, None] if ravel else known
        values, tied = self._values_of_new_rows(X, known)
        if tied is not None:
            values = namespace_of(values).where(tied, values, self.prior_[None, :])
        return values[:, 0] if ravel else values

    def _unreached(self, L: Any, labeled: Any) -> np.ndarray:
        """Rows that no label reaches, for each column of `labeled`; on the host."""
        labeled = to_numpy(labeled)
        if self.kernel is not None:
            return np.zeros(labeled.shape, dtype=bool)
        counts = np.stack(
            [
                np.bincount(L.component_labels, column, minlength=L.n_components)
                for column in labeled.T.astype(np.float64)
            ],
            axis=1,
        )
        return (counts == 0)[L.component_labels]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = is_pairwise(self.graph)
        tags.input_tags.positive_only = isinstance(self.graph, str)
        return tags


def namespace_of_input(X: Any) -> Any:
    """Namespace of X, sparse arrays being NumPy's.

    Parameters
    ----------
    X : array or sparse array
        Rows.

    Returns
    -------
    xp : module
        Namespace.
    """
    return np if sparse.issparse(X) else get_namespace(X)


def input_checks(X: Any) -> dict:
    """Give the checks of `validate_data` that rows of all these models pass.

    Parameters
    ----------
    X : array-like or sparse array
        Rows.

    Returns
    -------
    checks : dict
        Keyword arguments.
    """
    return {"accept_sparse": "csr", "dtype": float_dtypes(X)}


def forget_form(estimator: Any) -> None:
    """Drop what an earlier fit of another form left.

    Parameters
    ----------
    estimator : estimator
        About to be fitted.
    """
    for name in ("X_fit_", "dual_coef_", "coef_", "intercept_", "feature_map_",
                 "label_distributions_"):  # fmt: skip
        vars(estimator).pop(name, None)


def label_weights(labeled: Any, sample_weight: Any, X: Any, like: Any) -> Any:
    """Weights of the loss, zero where unlabeled.

    Parameters
    ----------
    labeled : array of bool, shape (n_samples, n_outputs)
        Where targets are known.
    sample_weight : array-like of shape (n_samples,) or None
        Weights of rows.
    X : array or sparse array of shape (n_samples, n_features)
        Rows.
    like : array
        Array whose library and dtype are taken.

    Returns
    -------
    S : array of shape (n_samples, n_outputs)
        Weights.

    Raises
    ------
    ValueError
        If all weights of labeled rows are zero in some column.
    """
    xp = namespace_of(like)
    S = xp.astype(labeled, like.dtype)
    if sample_weight is None:
        return S
    weights = check_sample_weight(
        sample_weight, X, dtype=like.dtype, ensure_non_negative=True
    )
    S = S * asarray_like(weights, like)[:, None]
    if not bool(xp.all(xp.any(S > 0, axis=0))):
        raise ValueError(
            "Sample weights of labeled rows are all zero: at least one weight of a "
            "labeled row must be positive."
        )
    return S


def equal_columns(S: np.ndarray) -> list[list[int]]:
    """Group the columns that are equal.

    Parameters
    ----------
    S : ndarray of shape (n_samples, n_columns)
        Columns.

    Returns
    -------
    groups : list of list of int
        Numbers of equal columns.
    """
    groups: dict[bytes, list[int]] = {}
    for c in range(S.shape[1]):
        groups.setdefault(np.ascontiguousarray(S[:, c]).tobytes(), []).append(c)
    return list(groups.values())
