"""A graph that the user brings."""

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_manifold_reg._arrays import (
    CSR,
    float_dtypes,
    get_namespace,
    is_numpy,
    namespace_of,
)
from sklearn_manifold_reg.graph._builder import GraphBuilder
from sklearn_manifold_reg.utils._sklearn import (
    align_sparse_interface,
    validate_params_on_fit,
)

# Relative asymmetry that rounding explains.
_ASYMMETRY = 1e-8


class PrecomputedGraph(GraphBuilder):
    """Graph whose affinity is X itself, behind `graph="precomputed"`.

    Attributes
    ----------
    affinity_ : csr_array or CSR of shape (n_samples, n_samples)
        Symmetric, non-negative weights without self-loops.
    n_connected_components_ : int
        Number of connected components.
    component_labels_ : ndarray of shape (n_samples,)
        Component of each row.
    n_features_in_ : int
        Number of rows.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names of X, if it has any.

    Notes
    -----
    Self-loops carry nothing that a Laplacian sees and are left out. A dense X is
    made sparse. An asymmetric X is replaced by (X + X') / 2 with a warning.
    """

    _parameter_constraints: dict = {}

    @validate_params_on_fit(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> "PrecomputedGraph":
        """Check an affinity.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_samples, n_samples)
            Non-negative weights.
        y : None
            Ignored.

        Returns
        -------
        self : PrecomputedGraph
            Fitted.

        Raises
        ------
        ValueError
            If X is not square, or a weight is negative or not finite.

        Warns
        -----
        UserWarning
            If X is not symmetric, or the graph has several components.
        """
        X = _validate(self, X, reset=True)
        n, m = X.shape
        if n != m:
            raise ValueError(
                "A precomputed affinity must be a square matrix, one row and one "
                f"column a sample; got shape {(n, m)}."
            )
        _check_nonnegative(X)
        return self._store(_symmetric_without_loops(X))

    def transform(self, X: Any) -> Any:
        """Check the affinities of new rows to the training rows.

        Parameters
        ----------
        X : array-like or sparse array of shape (n_queries, n_samples)
            Non-negative weights.

        Returns
        -------
        affinity : sparse array or matrix of shape (n_queries, n_samples)
            The same weights.

        Raises
        ------
        ValueError
            If the width is not the number of training rows, or a weight is negative
            or not finite.
        """
        check_is_fitted(self)
        X = _validate(self, X, reset=False)
        _check_nonnegative(X)
        if sparse.issparse(X):
            return align_sparse_interface(CSR.from_scipy(X).to_scipy())
        if isinstance(X, np.ndarray):
            return align_sparse_interface(
                CSR.from_scipy(sparse.csr_array(X)).to_scipy()
            )
        return dense_to_csr(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = True
        tags.input_tags.positive_only = True
        return tags


def _validate(estimator: Any, X: Any, *, reset: bool) -> Any:
    return validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=float_dtypes(X),
        accept_large_sparse=True,
        ensure_min_samples=2 if reset else 1,
    )


def _check_nonnegative(X: Any) -> None:
    if sparse.issparse(X):
        smallest = X.data.min(initial=0)
    else:
        xp = get_namespace(X)
        smallest = xp.min(X)
    if smallest < 0:
        raise ValueError(
            "Negative values in data passed as a precomputed affinity, the least being "
            f"{float(smallest):.3g}. Weights say how alike two samples are; turn "
            "distances into weights first."
        )


def _symmetric_without_loops(X: Any) -> Any:
    if not sparse.issparse(X) and not is_numpy(get_namespace(X)):
        return _device_symmetric(X)
    W = symmetric_part(sparse.csr_array(X))
    coo = W.tocoo()
    kept = (coo.row != coo.col) & (coo.data > 0)
    if not kept.all():
        ends = (coo.row[kept], coo.col[kept])
        W = sparse.coo_array((coo.data[kept], ends), shape=W.shape).tocsr()
    return CSR.from_scipy(W).to_scipy()


def symmetric_part(W: sparse.csr_array) -> sparse.csr_array:
    """Average weights that differ between both directions of an edge.

    Parameters
    ----------
    W : csr_array of shape (n, n)
        Weights, on the host.

    Returns
    -------
    W : csr_array of shape (n, n)
        Symmetric.

    Warns
    -----
    UserWarning
        If rounding does not explain the difference.
    """
    if not W.has_canonical_format:
        W = W.copy()
        W.sum_duplicates()
    difference = abs(W - W.T)
    worst = difference.max() if difference.nnz else 0.0
    if worst > 0:
        if worst > _ASYMMETRY * W.data.max(initial=0):
            row, column = np.unravel_index(difference.tocoo().argmax(), W.shape)
            _warn_asymmetric(float(worst), int(row), int(column))
        W = sparse.csr_array((W + W.T) / W.dtype.type(2))
    return W


def symmetric_dense_part(X: Any) -> Any:
    """Average weights as `symmetric_part` does, of a dense array on a device.

    Parameters
    ----------
    X : array of shape (n, n)
        Weights.

    Returns
    -------
    X : array of shape (n, n)
        Symmetric.

    Warns
    -----
    UserWarning
        If rounding does not explain the difference.
    """
    xp = namespace_of(X)
    gap = xp.abs(X - xp.matrix_transpose(X))
    worst = float(xp.max(gap))
    if worst > _ASYMMETRY * float(xp.max(X)):
        place = int(xp.argmax(xp.reshape(gap, (-1,))))
        _warn_asymmetric(worst, *divmod(place, X.shape[0]))
    return (X + xp.matrix_transpose(X)) / 2 if worst > 0 else X


def _warn_asymmetric(worst: float, row: int, column: int) -> None:
    warnings.warn(
        f"The precomputed affinity is not symmetric: entries ({row}, {column}) and "
        f"({column}, {row}) differ by {worst:.3g}. It is replaced by (X + X') / 2.",
        UserWarning,
        stacklevel=5,
    )


def _device_symmetric(X: Any) -> CSR:
    xp = namespace_of(X)
    X = symmetric_dense_part(X)
    own = xp.eye(X.shape[0], dtype=xp.int32, device=X.device) == 1
    return dense_to_csr(xp.where(own, xp.zeros_like(X), X))


def dense_to_csr(X: Any) -> CSR:
    """Make a dense array of weights sparse.

    Parameters
    ----------
    X : array of shape (m, n)
        Weights, on a device.

    Returns
    -------
    csr : CSR of shape (m, n)
        The positive ones, on the same device.
    """
    xp = namespace_of(X)
    rows, columns = xp.nonzero(X > 0)
    values = xp.take(xp.reshape(X, (-1,)), rows * X.shape[1] + columns)
    bounds = xp.arange(X.shape[0] + 1, dtype=rows.dtype, device=X.device)
    indptr = xp.astype(xp.searchsorted(rows, bounds), xp.int32)
    return CSR(indptr, xp.astype(columns, xp.int32), values, tuple(X.shape))
