"""Lowest eigenpairs of a block of vectors at once, with a preconditioner (LOBPCG)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.linalg._operators import Operator

# Steps after which images are computed anew: combinations of old ones drift.
_REFRESH = 8
# Directions whose part outside the others is below this share are dropped.
_DEPENDENT = 1e-10


@dataclass(frozen=True, eq=False)
class EigenBlock:
    """Where the iteration stopped.

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


def lobpcg(
    operator: Operator,
    X: Any,
    *,
    precondition: Callable[[Any], Any],
    project: Callable[[Any], Any],
    n_wanted: int,
    bound: float,
    max_iter: int,
) -> EigenBlock:
    """Improve approximations of the lowest eigenvectors until residuals are small.

    Each step takes the best vectors, in the sense of Rayleigh and Ritz, of the span of
    the current ones, their preconditioned residuals and the last changes. Vectors are
    kept orthonormal by eigenvectors of Gram matrices, which also drops what depends on
    the rest.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Symmetric.
    X : array of shape (n, m)
        Start, of full rank; more than `n_wanted` columns speed up the last ones.
    precondition : callable
        Symmetric positive map of residual blocks, like an inverse of the operator.
    project : callable
        Projection of blocks on the space to search, such as that orthogonal to known
        eigenvectors.
    n_wanted : int
        Leading columns whose residuals matter.
    bound : float
        Residual norm wanted.
    max_iter : int
        Largest number of steps.

    Returns
    -------
    block : EigenBlock
        All m columns.

    References
    ----------
    A. V. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal
    block preconditioned conjugate gradient method", SIAM Journal on Scientific
    Computing 23, 2001, doi:10.1137/S1064827500366124.

    A. Stathopoulos, K. Wu, "A block orthogonalization procedure with constant
    synchronization requirements", SIAM Journal on Scientific Computing 23, 2002,
    doi:10.1137/S1064827500370883.
    """
    xp = namespace_of(X)
    X, _ = _orthonormal(project(X))
    X, AX, values = _rotated(operator, X)
    P = AP = None
    norms = np.full(len(values), np.inf)
    n_iter = 0
    while True:
        R = AX - X * asarray_like(values, X)
        norms = _norms(R)
        if n_iter == max_iter or np.all(norms[:n_wanted] <= bound):
            return EigenBlock(values, X, norms, n_iter)
        n_iter += 1
        # Columns that are good enough stay in the basis and bring nothing new.
        (active,) = np.nonzero(norms > bound / 2)
        R = xp.take(R, asarray_like(active, X), axis=1)
        W = project(precondition(R))
        W = W - X @ (X.T @ W)
        S, AS = W, operator.matmat(W)
        if P is not None:
            S, AS = xp.concat([S, P], axis=1), xp.concat([AS, AP], axis=1)
        # Twice: what the first pass leaves of X in S grows as S is normalized.
        for _ in range(2):
            overlap = X.T @ S
            S, AS = _orthonormal(S - X @ overlap, AS - AX @ overlap)
        mixed = to_numpy(X.T @ AS)
        T = np.block(
            [[np.diag(values), mixed], [mixed.T, to_numpy(S.T @ AS)]],
        )
        size = len(values)
        all_values, C = np.linalg.eigh((T + T.T) / 2)
        values = all_values[:size]
        own, other = (asarray_like(c, X) for c in (C[:size, :size], C[size:, :size]))
        P, AP = S @ other, AS @ other
        X, AX = X @ own + P, AX @ own + AP
        if n_iter % _REFRESH == 0:
            X, _ = _orthonormal(X)
            X, AX, values = _rotated(operator, X)


def _rotated(operator: Operator, X: Any) -> tuple[Any, Any, np.ndarray]:
    """Ritz vectors of a span, their images and values."""
    AX = operator.matmat(X)
    T = to_numpy(X.T @ AX)
    values, C = np.linalg.eigh((T + T.T) / 2)
    C = asarray_like(C, X)
    return X @ C, AX @ C, values


def _orthonormal(S: Any, AS: Any = None) -> tuple[Any, Any]:
    """Orthonormal basis of a span, and its image by the same combinations."""
    for _ in range(3):
        G = to_numpy(S.T @ S)
        sizes = np.sqrt(np.diag(G))
        scale = np.where(sizes > 0, 1 / np.where(sizes > 0, sizes, 1), 0)
        values, C = np.linalg.eigh(scale[:, None] * G * scale)
        kept = values > _DEPENDENT * values[-1]
        C = asarray_like(scale[:, None] * C[:, kept] / np.sqrt(values[kept]), S)
        S = S @ C
        AS = None if AS is None else AS @ C
        if values[kept][0] > 1e-3:
            break
    return S, AS


def _norms(R: Any) -> np.ndarray:
    xp = namespace_of(R)
    return np.sqrt(to_numpy(xp.sum(R * R, axis=0)))
