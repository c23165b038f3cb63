"""What iterative eigensolvers return, and the last step that they share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from sklearn_manifold_reg._arrays import asarray_like, column_norms
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._tall import combine, inner_products


@dataclass(frozen=True, eq=False)
class EigenBlock:
    """Where an iteration stopped.

    Attributes
    ----------
    values : ndarray of shape (m,)
        Ritz values, ascending, on the host.
    vectors : array of shape (n, m)
        Ritz vectors, orthonormal.
    norms : ndarray of shape (m,)
        Residual norms.
    n_iter : int
        Steps taken.
    """

    values: np.ndarray
    vectors: Any
    norms: np.ndarray
    n_iter: int


def rayleigh_ritz(
    operator: Operator, X: Any, *, n_iter: int = 0, n_jobs: int | None = None
) -> EigenBlock:
    """Find the best eigenpairs in the span of a block, and their residuals.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Hermitian.
    X : array of shape (n, m)
        Block of full rank, nearly orthonormal.
    n_iter : int, default=0
        Passed on.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    block : EigenBlock
        All m pairs.
    """
    AX = operator.matmat(X)
    gram = inner_products(X, X, n_jobs=n_jobs)
    T = inner_products(X, AX, n_jobs=n_jobs)
    values, C = linalg.eigh((T + T.conj().T) / 2, (gram + gram.conj().T) / 2)
    X = combine(X, C, n_jobs=n_jobs)
    R = combine(AX, C, n_jobs=n_jobs) - X * asarray_like(values, X)
    return EigenBlock(values, X, column_norms(R, n_jobs=n_jobs), n_iter)


Projection = Callable[[Any], Any]
