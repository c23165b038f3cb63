"""Lowest eigenpairs of a block of vectors at once, with a preconditioner (LOBPCG)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, column_norms, namespace_of
from sklearn_manifold_reg.linalg._eigen_block import (
    EigenBlock,
    Projection,
    rayleigh_ritz,
)
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._tall import combine, inner_products, orthonormalize

# Steps after which images are computed anew: combinations of old ones drift.
_REFRESH = 12
# Squared share below which a direction counts as dependent on the others.
_DEPENDENT = 1e-12


def lobpcg(
    operator: Operator,
    X: Any,
    *,
    precondition: Callable[[Any], Any],
    project: Projection,
    n_wanted: int,
    bound: float,
    max_iter: int,
    n_jobs: int | None = None,
) -> EigenBlock:
    """Improve approximations of the lowest eigenvectors until residuals are small.

    Each step takes the best vectors, in the sense of Rayleigh and Ritz, of the span of
    the current ones X, the last changes P and the preconditioned residuals W. X and P
    are kept orthonormal by their coefficients, so that only W costs passes over tall
    blocks.

    Parameters
    ----------
    operator : Operator of shape (n, n)
        Hermitian.
    X : array of shape (n, m)
        Start, of full rank; more than `n_wanted` columns speed up the last ones.
    precondition : callable
        Hermitian positive map of residual blocks, like an inverse of the operator.
    project : callable
        Projection of blocks on the space to search, such as that orthogonal to known
        eigenvectors.
    n_wanted : int
        Leading columns whose residuals matter.
    bound : float
        Residual norm wanted.
    max_iter : int
        Largest number of steps.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    block : EigenBlock
        `n_wanted` pairs.

    References
    ----------
    A. V. Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal
    block preconditioned conjugate gradient method", SIAM Journal on Scientific
    Computing 23, 2001, doi:10.1137/S1064827500366124.

    J. A. Duersch, M. Shao, C. Yang, M. Gu, "A robust and efficient implementation of
    LOBPCG", SIAM Journal on Scientific Computing 40, 2018, doi:10.1137/17M1129830.
    """
    xp, size = namespace_of(X), X.shape[1]
    X, _, _ = orthonormalize(project(X), least=_DEPENDENT, n_jobs=n_jobs)
    vectors, images = (_Columns(X, 3 * size, n_jobs) for _ in range(2))
    n_iter = 0
    while True:
        # Vectors, images and the section of the operator on them, computed anew.
        start = rayleigh_ritz(operator, X, n_iter=n_iter, n_jobs=n_jobs)
        section = np.diag(start.values)
        vectors.set(start.vectors)
        images.set(operator.matmat(start.vectors))
        for _ in range(_REFRESH):
            values = np.diag(section)[:size].real
            X = vectors.array[:, :size]
            R = images.array[:, :size] - X * asarray_like(values, X)
            norms = column_norms(R, n_jobs=n_jobs)
            if n_iter == max_iter or np.all(norms[:n_wanted] <= bound):
                final = rayleigh_ritz(operator, _contiguous(X), n_jobs=n_jobs)
                if n_iter == max_iter or final.norms[:n_wanted].max() <= bound:
                    return EigenBlock(
                        final.values[:n_wanted],
                        final.vectors[:, :n_wanted],
                        final.norms[:n_wanted],
                        n_iter,
                    )
                break
            n_iter += 1
            # Columns that are good enough stay in the basis and bring nothing new.
            (active,) = np.nonzero(norms > bound / 2)
            if len(active) < size:
                R = xp.take(R, asarray_like(active, X), axis=1)
            W = _outside(vectors.array, project(precondition(R)), n_jobs)
            AW = operator.matmat(W)
            vectors.extend(W)
            images.extend(AW)
            section = _bordered(
                section, inner_products(vectors.array, AW, n_jobs=n_jobs)
            )
            C = _next_coefficients(section, size)
            section = C.conj().T @ section @ C
            vectors.recombine(C)
            images.recombine(C)
        X = _contiguous(vectors.array[:, :size])


class _Columns:
    """Columns that are extended and recombined, in two buffers where NumPy's."""

    def __init__(self, block: Any, capacity: int, n_jobs: int | None) -> None:
        self._buffers: list[Any] = []
        if isinstance(block, np.ndarray):
            shape = (block.shape[0], capacity)
            self._buffers = [np.empty(shape, dtype=block.dtype) for _ in range(2)]
        self._n_jobs = n_jobs
        self.array: Any = block

    def set(self, block: Any) -> None:
        """Start from a block."""
        self.array = block[:, :0]
        self.extend(block)

    def extend(self, block: Any) -> None:
        """Put a block to the right."""
        if not self._buffers:
            self.array = namespace_of(block).concat([self.array, block], axis=1)
            return
        first = self.array.shape[1]
        last = first + block.shape[1]
        self._buffers[0][:, first:last] = block
        self.array = self._buffers[0][:, :last]

    def recombine(self, coefficients: np.ndarray) -> None:
        """Replace the columns by combinations of them."""
        if not self._buffers:
            self.array = combine(self.array, coefficients, n_jobs=self._n_jobs)
            return
        out = self._buffers[1][:, : coefficients.shape[1]]
        self.array = combine(self.array, coefficients, out=out, n_jobs=self._n_jobs)
        self._buffers.reverse()


def _contiguous(X: Any) -> Any:
    return np.ascontiguousarray(X) if isinstance(X, np.ndarray) else X


def _outside(V: Any, W: Any, n_jobs: int | None) -> Any:
    """Make a block orthonormal, and orthogonal to an orthonormal basis."""
    # Twice: what the first pass leaves of V in W grows as W is normalized.
    for _ in range(2):
        overlap = inner_products(V, W, n_jobs=n_jobs)
        W = combine(V, overlap, subtract_from=W, n_jobs=n_jobs)
        W, _, empty = orthonormalize(W, least=_DEPENDENT, n_jobs=n_jobs)
        if np.any(empty):
            kept = np.flatnonzero(~empty)
            W = namespace_of(W).take(W, asarray_like(kept, W), axis=1)
    return W


def _bordered(section: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Extend the section of an operator by the columns of new vectors."""
    n_old, n_new = len(section), len(columns)
    wider = np.zeros((n_new, n_new), dtype=columns.dtype)
    wider[:n_old, :n_old] = section
    wider[:, n_old:] = columns
    wider[n_old:, :n_old] = columns[:n_old].conj().T
    own = columns[n_old:]
    wider[n_old:, n_old:] = (own + own.conj().T) / 2
    return wider


def _next_coefficients(section: np.ndarray, size: int) -> np.ndarray:
    """Coefficients of the lowest Ritz vectors and of their changes, orthonormal."""
    _, C = np.linalg.eigh(section)
    X = C[:, :size]
    P = X.copy()
    P[:size] = 0
    for _ in range(2):
        P = P - X @ (X.conj().T @ P)
        left, sizes, _ = np.linalg.svd(P, full_matrices=False)
        P = left[:, sizes > 1e-10 * max(sizes[0], 1e-300)]
    return np.concatenate([X, P], axis=1)
