"""Diagonals of A'WA, by which Krylov spaces are preconditioned."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of
from sklearn_manifold_reg.linalg import DenseOperator, Operator, SparseOperator


def gram_diagonal(operator: Operator, weights: Any, like: Any) -> Any:
    """Compute or estimate the diagonal of `A' diag(weights) A`.

    Parameters
    ----------
    operator : Operator of shape (n_rows, n_columns)
        A. One with a method `gram_diagonal(weights)` is asked for it. That of sparse
        and dense matrices is computed on the host; of other operators the mean is
        estimated by one product with random signs.
    weights : array of shape (n_rows,) or None
        Nonnegative weights; None is ones.
    like : array of shape (n_columns,)
        Whose library, device and dtype are taken.

    Returns
    -------
    diagonal : array of shape (n_columns,) or float
        The diagonal, or its estimated mean.
    """
    if hasattr(operator, "gram_diagonal"):
        return asarray_like(operator.gram_diagonal(weights), like)
    if isinstance(operator, SparseOperator):
        return _of_sparse(operator, weights)
    if isinstance(operator, DenseOperator):
        xp, squares = namespace_of(operator.array), operator.array**2
        if weights is None:
            return xp.sum(squares, axis=0)
        return xp.matmul(weights, squares)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=operator.shape[1])
    image = operator @ asarray_like(signs, like)
    xp = namespace_of(image)
    squares = image**2 if weights is None else weights * image**2
    return float(xp.sum(squares)) / operator.shape[1]


def mean_diagonal(diagonal: Any) -> float:
    """Average a diagonal that may be known by its mean only.

    Parameters
    ----------
    diagonal : array or float
        What `gram_diagonal` gave.

    Returns
    -------
    mean : float
        The mean.
    """
    if isinstance(diagonal, float):
        return diagonal
    return float(namespace_of(diagonal).mean(diagonal))


def _of_sparse(operator: SparseOperator, weights: Any) -> Any:
    csr, own = operator.csr, operator.diagonal_part
    xp = namespace_of(csr.data)
    squares = (abs(operator.scale) * xp.abs(csr.data)) ** 2
    if isinstance(squares, np.ndarray):
        if weights is not None:
            squares = squares * np.repeat(weights, np.diff(csr.indptr))
        diagonal = np.bincount(csr.indices, squares, csr.shape[1]).astype(csr.dtype)
    else:
        if weights is None:
            weights = xp.ones(csr.shape[0], dtype=csr.dtype, device=device(csr.data))
        diagonal = csr.with_data(squares).transpose().matmat(weights)
    if own is None:
        return diagonal
    cross = own**2 + 2 * operator.scale * own * csr.diagonal()
    return diagonal + (cross if weights is None else weights * cross)
