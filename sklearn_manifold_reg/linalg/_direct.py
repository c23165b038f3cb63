"""Direct factorizations: dense Cholesky and sparse LU of symmetric matrices."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from sklearn_manifold_reg.linalg._null_space import DenseNullSpace, NullSpace
from sklearn_manifold_reg.linalg._operators import (
    DenseOperator,
    Operator,
    SparseOperator,
)


@dataclass(frozen=True, eq=False)
class DenseFactor:
    """Cholesky factor of a dense symmetric matrix.

    Attributes
    ----------
    factor : ndarray of shape (n, n)
        Upper factor of A, or of A plus the projector on its null space.
    """

    factor: np.ndarray

    def solve(self, B: np.ndarray) -> np.ndarray:
        """Solve for a block.

        Parameters
        ----------
        B : ndarray of shape (n, n_outputs)
            Right-hand sides, float64.

        Returns
        -------
        X : ndarray of shape (n, n_outputs)
            Solutions.
        """
        return linalg.cho_solve((self.factor, False), B, check_finite=False)


@dataclass(frozen=True, eq=False)
class SparseFactor:
    """LU factors of a sparse symmetric matrix, one node a component grounded.

    Attributes
    ----------
    matrix : csc_array of shape (m, m)
        Matrix without the grounded nodes; kept so that the factors, which cannot be
        pickled, are rebuilt where they are loaded.
    free : ndarray of shape (m,) or None
        Nodes that are not grounded; None if all are free.
    n : int
        Number of nodes.
    """

    matrix: sparse.csc_array
    free: np.ndarray | None
    n: int
    _superlu: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_superlu", _factorized(self.matrix))

    def __reduce__(self) -> tuple:
        return (SparseFactor, (self.matrix, self.free, self.n))

    def solve(self, B: np.ndarray) -> np.ndarray:
        """Solve for a block.

        Parameters
        ----------
        B : ndarray of shape (n, n_outputs)
            Right-hand sides, float64.

        Returns
        -------
        X : ndarray of shape (n, n_outputs)
            Solutions; zero at the grounded nodes.
        """
        if self.free is None:
            return self._superlu.solve(np.ascontiguousarray(B))
        X = np.zeros(B.shape)
        X[self.free] = self._superlu.solve(np.ascontiguousarray(B[self.free]))
        return X


def dense_factor(
    operator: Operator, null_space: NullSpace | DenseNullSpace | None
) -> DenseFactor:
    """Factorize as a dense matrix.

    Parameters
    ----------
    operator : Operator
        Symmetric positive semi-definite operator.
    null_space : NullSpace, DenseNullSpace or None
        Its null space; the factor is that of A plus a multiple of the projector.

    Returns
    -------
    factor : DenseFactor
        Factor.

    Raises
    ------
    ValueError
        If the matrix is singular beyond its null space.
    """
    if isinstance(operator, DenseOperator):
        A = np.array(operator.array, dtype=np.float64)
    elif isinstance(operator, SparseOperator) and isinstance(
        operator.csr.data, np.ndarray
    ):
        # Adding the diagonal to a sparse matrix takes longer than to a dense one.
        A = operator.csr.to_scipy().toarray().astype(np.float64, copy=False)
        A *= operator.scale
        if operator.diagonal_part is not None:
            A[np.diag_indices_from(A)] += operator.diagonal_part
    else:
        A = operator.to_csr().to_scipy().toarray().astype(np.float64, copy=False)
    if null_space is not None:
        eye = np.eye(A.shape[0])
        scale = max(float(np.mean(np.diagonal(A))), np.finfo(float).tiny)
        A += scale * (eye - null_space.project(eye))
    try:
        factor, _ = linalg.cho_factor(A, overwrite_a=True, check_finite=False)
    except linalg.LinAlgError as error:
        raise ValueError(_SINGULAR) from error
    diagonal = np.abs(np.diagonal(factor))
    if diagonal.min(initial=np.inf) < 1e-8 * diagonal.max(initial=0):
        raise ValueError(_SINGULAR)
    return DenseFactor(factor)


def sparse_factor(
    operator: Operator, null_space: NullSpace | DenseNullSpace | None
) -> SparseFactor:
    """Factorize as a sparse matrix.

    Parameters
    ----------
    operator : Operator
        Symmetric positive semi-definite operator that can be assembled.
    null_space : NullSpace, DenseNullSpace or None
        Its null space; one node of each component is grounded.

    Returns
    -------
    factor : SparseFactor
        Factors in float64, columns ordered by minimum degree on A + A^T, which keeps
        the factors of graphs of low dimension sparse.

    Raises
    ------
    ValueError
        If the matrix is singular beyond its null space, or the null space is given
        by dense columns.
    """
    if isinstance(null_space, DenseNullSpace):
        raise ValueError(
            "A sparse factorization grounds one node a component: pass "
            "`null_space=NullSpace(labels)`, or solver='cg'."
        )
    A = sparse.csc_array(operator.to_csr().to_scipy()).astype(np.float64, copy=False)
    free = None
    if null_space is not None and null_space.n_components:
        free = free_nodes(null_space, A.diagonal())
        A = A[free][:, free]
    return SparseFactor(A, free, operator.shape[0])


_SINGULAR = (
    "The operator cannot be factorized: it is singular or not positive definite. If "
    "its null space is known, pass it as `null_space`; otherwise use solver='cg'."
)


def free_nodes(null_space: NullSpace, diagonal: np.ndarray) -> np.ndarray:
    """Choose every node but the one of largest diagonal in each component.

    Parameters
    ----------
    null_space : NullSpace
        Components; nodes outside all of them are kept.
    diagonal : ndarray of shape (n,)
        Diagonal of the matrix.

    Returns
    -------
    free : ndarray of int
        Nodes without which the matrix is not singular, ascending.
    """
    labels = np.asarray(null_space.labels)
    order = np.lexsort((diagonal, labels))
    last = np.flatnonzero(np.diff(labels[order], append=labels.max() + 1))
    grounded = order[last]
    grounded = grounded[labels[grounded] >= 0]
    return np.setdiff1d(np.arange(len(labels)), grounded, assume_unique=True)


def _factorized(A: sparse.csc_array) -> Any:
    if A.shape[0] == 0:
        return _Empty()
    try:
        return splu(
            A,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
    except RuntimeError as error:
        raise ValueError(_SINGULAR) from error


class _Empty:
    """Factors of a matrix without rows."""

    def solve(self, B: np.ndarray) -> np.ndarray:
        return B
