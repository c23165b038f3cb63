"""Linear operators: what solvers and filters need to know of a matrix.

An operator has a shape, a dtype, a product with blocks and an adjoint; it may be
rectangular and complex. Solvers are written against this and nothing else, so a new
operator needs no change in them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add, matmul
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from sklearn_manifold_reg._arrays import CSR, device, namespace_of


class Operator(ABC):
    """Linear map known by its products.

    Subclasses define `shape`, `dtype`, `matmat` and `adjoint`, and where they can
    `diagonal` and `to_csr`.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """Dtype of the entries."""

    @abstractmethod
    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Vector or block of the operator's library and device.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            The image.
        """

    @abstractmethod
    def adjoint(self) -> "Operator":
        """Give the conjugate transpose.

        Returns
        -------
        adjoint : Operator
            Of shape (n_columns, n_rows).
        """

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (min(shape),)
            In the dtype of the operator.
        """
        return self.to_csr().diagonal()

    def to_csr(self) -> CSR:
        """Assemble the matrix.

        Returns
        -------
        csr : CSR
            Matrix of the operator's library.

        Raises
        ------
        NotImplementedError
            If the operator is known by its products only.
        """
        raise NotImplementedError(
            f"{type(self).__name__} is known by its products only."
        )

    def to_sparse(self) -> "SparseOperator":
        """Give a sparse matrix plus a diagonal, the form that solvers prepare.

        Returns
        -------
        operator : SparseOperator
            Equal to this operator.

        Raises
        ------
        NotImplementedError
            If the operator is known by its products only.
        """
        return SparseOperator(self.to_csr())

    def __matmul__(self, B: Any) -> Any:
        return self.matmat(B)


@dataclass(frozen=True, eq=False, init=False)
class SparseOperator(Operator):
    """Sparse matrix plus diagonal: `diag(diagonal) + scale * csr`.

    Attributes
    ----------
    csr : CSR
        Sparse part, of any shape.
    diagonal_part : array of shape (n,) or None
        Diagonal added to a square matrix; the argument is called `diagonal`.
    scale : float or complex, default=1.0
        Factor of the sparse part.
    n_jobs : int or None, default=None
        Threads of products on NumPy arrays. Their value does not depend on it.
    """

    csr: CSR
    diagonal_part: Any
    scale: float | complex
    n_jobs: int | None

    def __init__(
        self,
        csr: CSR,
        diagonal: Any = None,
        scale: float | complex = 1.0,
        n_jobs: int | None = None,
    ) -> None:
        object.__setattr__(self, "csr", csr)
        object.__setattr__(self, "diagonal_part", diagonal)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "n_jobs", n_jobs)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.csr.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the sparse part."""
        return self.csr.dtype

    def matmat(self, B: Any, *, out: Any = None, subtract: bool = False) -> Any:
        """Multiply a block in one pass over the matrix.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Vector or block.
        out : ndarray, default=None
            Where to write, for NumPy only.
        subtract : bool, default=False
            Whether to take off what `out` holds.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            The image.
        """
        return self.csr.matmat(
            B,
            diagonal=self.diagonal_part,
            scale=self.scale,
            out=out,
            subtract=subtract,
            n_jobs=self.n_jobs,
        )

    def adjoint(self) -> "SparseOperator":
        """Give the conjugate transpose.

        Returns
        -------
        adjoint : SparseOperator
            Of shape (n_columns, n_rows).
        """
        diagonal = self.diagonal_part
        if diagonal is not None:
            diagonal = _conjugate(diagonal)
        scale = self.scale.conjugate()
        return SparseOperator(self.csr.transpose().conj(), diagonal, scale, self.n_jobs)

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (min(shape),)
            In the dtype of the operator.
        """
        own = self.scale * self.csr.diagonal()
        return own if self.diagonal_part is None else self.diagonal_part + own

    def to_csr(self) -> CSR:
        """Assemble the matrix.

        Returns
        -------
        csr : CSR
            On the host if there is a diagonal to merge.
        """
        if self.diagonal_part is None:
            return self.csr.with_data(self.csr.data * self.scale)
        if not isinstance(self.csr.data, np.ndarray):
            raise NotImplementedError("Diagonals are merged on the host only.")
        A = self.scale * self.csr.to_scipy() + sparse.diags_array(self.diagonal_part)
        return CSR.from_scipy(A)

    def astype(self, dtype: Any) -> "SparseOperator":
        """Convert the entries.

        Parameters
        ----------
        dtype : dtype
            Dtype wanted.

        Returns
        -------
        operator : SparseOperator
            Itself if it has that dtype.
        """
        if self.dtype == dtype:
            return self
        diagonal = self.diagonal_part
        if diagonal is not None:
            diagonal = namespace_of(diagonal).astype(diagonal, dtype)
        return SparseOperator(self.csr.astype(dtype), diagonal, self.scale, self.n_jobs)

    def to_sparse(self) -> "SparseOperator":
        """Give this operator.

        Returns
        -------
        operator : SparseOperator
            Itself.
        """
        return self


@dataclass(frozen=True, eq=False)
class DiagonalOperator(Operator):
    """Diagonal matrix.

    Attributes
    ----------
    values : array of shape (n,)
        The diagonal.
    """

    values: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return (int(self.values.shape[0]), int(self.values.shape[0]))

    @property
    def dtype(self) -> Any:
        """Dtype of the diagonal."""
        return self.values.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n,) or (n, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of the shape of B
            The image.
        """
        return (self.values[:, None] if B.ndim == 2 else self.values) * B

    def adjoint(self) -> "DiagonalOperator":
        """Give the conjugate.

        Returns
        -------
        adjoint : DiagonalOperator
            Of the same shape.
        """
        return DiagonalOperator(_conjugate(self.values))

    def diagonal(self) -> Any:
        """Give the diagonal.

        Returns
        -------
        diagonal : array of shape (n,)
            The values.
        """
        return self.values

    def to_csr(self) -> CSR:
        """Assemble the matrix.

        Returns
        -------
        csr : CSR
            With one entry a row.
        """
        xp, n = namespace_of(self.values), self.shape[0]
        indptr = xp.arange(n + 1, dtype=xp.int32, device=device(self.values))
        return CSR(indptr, indptr[:-1], self.values, (n, n))


@dataclass(frozen=True, eq=False)
class DenseOperator(Operator):
    """Dense matrix.

    Attributes
    ----------
    array : array of shape (n_rows, n_columns)
        The matrix.
    """

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return (int(self.array.shape[0]), int(self.array.shape[1]))

    @property
    def dtype(self) -> Any:
        """Dtype of the entries."""
        return self.array.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            The image.
        """
        return self.array @ B

    def adjoint(self) -> "DenseOperator":
        """Give the conjugate transpose.

        Returns
        -------
        adjoint : DenseOperator
            Of shape (n_columns, n_rows).
        """
        return DenseOperator(_conjugate(self.array).T)

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (min(shape),)
            In the dtype of the operator.
        """
        return namespace_of(self.array).linalg.diagonal(self.array)

    def to_csr(self) -> CSR:
        """Assemble the matrix without its zeros.

        Returns
        -------
        csr : CSR
            On the host only.
        """
        if not isinstance(self.array, np.ndarray):
            raise NotImplementedError("Dense arrays are made sparse on the host only.")
        return CSR.from_scipy(sparse.csr_array(self.array))


@dataclass(frozen=True, eq=False)
class ScaledSum(Operator):
    """Weighted sum of operators of one shape.

    Attributes
    ----------
    operators : sequence of Operator
        The terms, at least one.
    coefficients : sequence of float or complex
        Their weights.

    Raises
    ------
    ValueError
        If lengths or shapes differ.
    """

    operators: Sequence[Operator]
    coefficients: Sequence[float | complex]

    def __post_init__(self) -> None:
        if len(self.operators) != len(self.coefficients) or not self.operators:
            raise ValueError("A sum takes one coefficient for each operator.")
        shapes = {operator.shape for operator in self.operators}
        if len(shapes) > 1:
            raise ValueError(f"Operators of shapes {sorted(shapes)} cannot be added.")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.operators[0].shape

    @property
    def dtype(self) -> Any:
        """Common dtype of the terms."""
        return _common_dtype(self.operators)

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            The image.
        """
        terms = zip(self.operators, self.coefficients, strict=True)
        return reduce(add, (c * operator.matmat(B) for operator, c in terms))

    def adjoint(self) -> "ScaledSum":
        """Give the conjugate transpose.

        Returns
        -------
        adjoint : ScaledSum
            Of shape (n_columns, n_rows).
        """
        adjoints = tuple(operator.adjoint() for operator in self.operators)
        return ScaledSum(adjoints, tuple(c.conjugate() for c in self.coefficients))

    def diagonal(self) -> Any:
        """Give the main diagonal.

        Returns
        -------
        diagonal : array of shape (min(shape),)
            In the common dtype.
        """
        terms = zip(self.operators, self.coefficients, strict=True)
        return reduce(add, (c * operator.diagonal() for operator, c in terms))

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host.

        Returns
        -------
        csr : CSR
            On the host only.
        """
        terms = zip(self.operators, self.coefficients, strict=True)
        A = reduce(add, (c * op.to_csr().to_scipy() for op, c in terms))
        return CSR.from_scipy(A)


@dataclass(frozen=True, eq=False)
class Power(Operator):
    """Power of a square operator, applied factor by factor.

    Attributes
    ----------
    operator : Operator
        Square operator.
    exponent : int
        At least 1.

    Raises
    ------
    ValueError
        If the operator is not square or the exponent is below 1.
    """

    operator: Operator
    exponent: int

    def __post_init__(self) -> None:
        if self.operator.shape[0] != self.operator.shape[1]:
            raise ValueError(f"No powers of shape {self.operator.shape}: not square.")
        if self.exponent < 1:
            raise ValueError(f"exponent must be at least 1, got {self.exponent}.")

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.operator.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the factors."""
        return self.operator.dtype

    def matmat(self, B: Any) -> Any:
        """Multiply a block.

        Parameters
        ----------
        B : array of shape (n,) or (n, n_outputs)
            Vector or block.

        Returns
        -------
        product : array of the shape of B
            The image.
        """
        for _ in range(self.exponent):
            B = self.operator.matmat(B)
        return B

    def adjoint(self) -> "Power":
        """Give the conjugate transpose.

        Returns
        -------
        adjoint : Power
            Of the adjoint factor.
        """
        return Power(self.operator.adjoint(), self.exponent)

    def to_csr(self) -> CSR:
        """Assemble the matrix on the host; it fills up as the exponent grows.

        Returns
        -------
        csr : CSR
            On the host only.
        """
        A = self.operator.to_csr().to_scipy()
        return CSR.from_scipy(reduce(matmul, [A] * self.exponent))

    def diagonal(self) -> Any:
        """Give the main diagonal; squares need no assembly.

        Returns
        -------
        diagonal : array of shape (n,)
            In the dtype of the operator.
        """
        if self.exponent == 1:
            return self.operator.diagonal()
        return self.to_csr().diagonal()


@dataclass(frozen=True, eq=False)
class _FromLinearOperator(Operator):
    """A scipy LinearOperator."""

    linear: LinearOperator

    @property
    def shape(self) -> tuple[int, int]:
        return self.linear.shape

    @property
    def dtype(self) -> Any:
        return np.dtype(self.linear.dtype)

    def matmat(self, B: Any) -> Any:
        return self.linear @ B

    def adjoint(self) -> "_FromLinearOperator":
        return _FromLinearOperator(self.linear.adjoint())


def as_operator(A: Any) -> Operator:
    """Take a matrix of any kind as an operator.

    Parameters
    ----------
    A : Operator, CSR, sparse array or matrix, LinearOperator or 2-D array
        The matrix.

    Returns
    -------
    operator : Operator
        `A` itself if it is one.

    Raises
    ------
    TypeError
        If `A` is none of these.
    """
    if isinstance(A, Operator):
        return A
    if isinstance(A, CSR):
        return SparseOperator(A)
    if sparse.issparse(A):
        return SparseOperator(CSR.from_scipy(A))
    if isinstance(A, LinearOperator):
        return _FromLinearOperator(A)
    if getattr(A, "ndim", None) == 2:
        return DenseOperator(A)
    raise TypeError(
        "An operator is an Operator, a sparse array, a LinearOperator or a 2-D array, "
        f"got {type(A).__name__}."
    )


def _conjugate(array: Any) -> Any:
    xp = namespace_of(array)
    return xp.conj(array) if xp.isdtype(array.dtype, "complex floating") else array


def _common_dtype(operators: Sequence[Operator]) -> Any:
    dtypes = {operator.dtype for operator in operators}
    if len(dtypes) == 1:
        return dtypes.pop()
    if not all(isinstance(dtype, np.dtype) for dtype in dtypes):
        raise TypeError(f"Operators of dtypes {dtypes} cannot be added: convert them.")
    return np.result_type(*dtypes)
