"""A diagonal plus a power of a sparse matrix, scaled, never assembled."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sklearn_manifold_reg.linalg._operators import (
    DiagonalOperator,
    Operator,
    Power,
    ScaledSum,
    SparseOperator,
)
from sklearn_manifold_reg.linalg._workspace import Workspace


@dataclass(frozen=True, eq=False)
class PowerSystem(Operator):
    """Symmetric operator `diag(diagonal) + last middle^n_middle first`, on the host.

    With T the scaling of a system, `T (D + c A^p) T` is of this form: `first = A T`,
    `middle = A` (None for p = 2), `last = c T A`, so that scaling costs nothing.

    Attributes
    ----------
    diagonal_part : ndarray of shape (n,)
        Diagonal.
    first, last : SparseOperator of shape (n, n)
        Outer factors.
    middle : SparseOperator of shape (n, n) or None
        Factor in between.
    n_middle : int
        Exponent of the middle one.
    """

    diagonal_part: np.ndarray
    first: SparseOperator
    last: SparseOperator
    middle: SparseOperator | None = None
    n_middle: int = 0
    _room: Workspace = field(default_factory=Workspace, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.first.shape

    @property
    def dtype(self) -> Any:
        """Dtype of the factors."""
        return self.first.dtype

    def matmat(self, B: Any, *, out: Any = None) -> Any:
        """Multiply a block, one pass over a factor after the other.

        Parameters
        ----------
        B : ndarray of shape (n,) or (n, n_outputs)
            Vector or block.
        out : ndarray, default=None
            Where to write.

        Returns
        -------
        product : ndarray of the shape of B
            The image.
        """
        dtype = np.result_type(self.dtype, B.dtype)
        # Buffers of this operator: fresh memory costs more than a product.
        image = self.first.matmat(B, out=self._room.empty("image", B.shape, dtype))
        other = self._room.empty("other", B.shape, dtype)
        if self.middle is not None:
            for _ in range(self.n_middle):
                image, other = self.middle.matmat(image, out=other), image
        own = self.diagonal_part if B.ndim == 1 else self.diagonal_part[:, None]
        out = self.last.matmat(image, out=out)
        out += np.multiply(own, B, out=other)
        return out

    def adjoint(self) -> "PowerSystem":
        """Give the operator itself, which is symmetric.

        Returns
        -------
        adjoint : PowerSystem
            Itself.
        """
        return self

    def astype(self, dtype: Any) -> "PowerSystem":
        """Convert the factors.

        Parameters
        ----------
        dtype : dtype
            Dtype wanted.

        Returns
        -------
        operator : PowerSystem
            With buffers of its own.
        """
        middle = None if self.middle is None else self.middle.astype(dtype)
        return PowerSystem(
            self.diagonal_part.astype(dtype),
            self.first.astype(dtype),
            self.last.astype(dtype),
            middle,
            self.n_middle,
        )


@dataclass(frozen=True, eq=False)
class PowerForm:
    """What an operator `diag(shift) + weight * base^exponent` is made of.

    Attributes
    ----------
    shift : ndarray of shape (n,)
        Diagonal.
    weight : float
        Factor of the power.
    base : SparseOperator
        Symmetric matrix.
    exponent : int
        At least 2.
    """

    shift: np.ndarray
    weight: float
    base: SparseOperator
    exponent: int

    def diagonal(self) -> np.ndarray:
        """Give the diagonal; beyond squares, an estimate of it.

        Returns
        -------
        diagonal : ndarray of shape (n,)
            In float64.
        """
        csr, own = self.base.csr, np.zeros(self.base.shape[0])
        if self.base.diagonal_part is not None:
            own = self.base.diagonal_part.astype(np.float64)
        scale = float(np.real(self.base.scale))
        entries = csr.astype(np.float64)
        squares = scale**2 * entries.with_data(entries.data**2).row_sums()
        squares += own * (own + 2 * scale * entries.diagonal())
        return self.shift + self.weight * squares ** (self.exponent / 2)


def power_form(operator: Operator) -> PowerForm | None:
    """Recognize a diagonal plus a power of a sparse matrix on the host.

    Parameters
    ----------
    operator : Operator
        Any operator.

    Returns
    -------
    form : PowerForm or None
        None for operators of another kind.
    """
    if not isinstance(operator, ScaledSum) or len(operator.operators) != 2:
        return None
    shift, power = operator.operators
    if not isinstance(shift, DiagonalOperator) or not isinstance(power, Power):
        return None
    if power.exponent < 2 or not isinstance(shift.values, np.ndarray):
        return None
    try:
        base = power.operator.to_sparse()
    except NotImplementedError:
        return None
    first, second = operator.coefficients
    numbers = (first, second, base.scale, shift.values.dtype.type(), base.dtype.type())
    if any(np.iscomplexobj(number) for number in numbers):
        return None
    shift_values = float(np.real(first)) * shift.values
    return PowerForm(shift_values, float(np.real(second)), base, power.exponent)
