"""A linear system made ready for iterations: scaled, renumbered, in two precisions."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_norms,
    device,
    is_numpy,
    namespace_of,
)
from sklearn_manifold_reg.linalg._deflation import (
    DeflatedOperator,
    Deflation,
    find_deflation,
)
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator
from sklearn_manifold_reg.linalg._power_system import (
    PowerForm,
    PowerSystem,
    power_form,
)
from sklearn_manifold_reg.linalg._reorder import (
    bandwidth_order,
    permute_and_scale,
    reordering_pays,
)


@dataclass(frozen=True, eq=False)
class System:
    """The system `T A T y = T b` with `x = T y`, nodes in a new order.

    With `T = diag(A)^-1/2` plain conjugate gradients on it are Jacobi-preconditioned
    ones on `A x = b`, without a step of their own for the preconditioner.

    Attributes
    ----------
    wide : Operator
        `T A T` in float64, for residuals.
    narrow : Operator
        `T A T` in the dtype of the iterations.
    side : array of shape (n,) or None
        Diagonal of T, in the new order. None if T is the identity.
    order : ndarray of shape (n,) or None
        Old node at each new place. None if nodes stay.
    deflation : Deflation or None
        Vectors taken out of `narrow`.
    """

    wide: Operator
    narrow: Operator
    side: Any = None
    order: np.ndarray | None = None
    deflation: Deflation | None = None

    @property
    def is_mixed(self) -> bool:
        """Whether iterations run in a lower precision than residuals."""
        return self.narrow.dtype != self.wide.dtype

    def in_float64(self) -> "System":
        """Give the system with iterations in the precision of the residuals.

        Returns
        -------
        system : System
            With `narrow` made from `wide`.
        """
        return replace(self, narrow=_deflated(self.wide, self.deflation))

    def deflated(self, vector: Any, labels: np.ndarray | None) -> "System":
        """Take out vectors that the operator nearly annihilates, if it does.

        Parameters
        ----------
        vector : array of shape (n,)
            Candidate in the old order and scale, such as constants.
        labels : integer ndarray of shape (n,) or None
            Components on each of which the candidate is tried, in the old order. None
            finds them.

        Returns
        -------
        system : System
            Itself unless the operator can be deflated.
        """
        if not isinstance(self.wide, SparseOperator | PowerSystem):
            return self
        if vector.shape[0] == 0:
            return self
        entered = self.enter_solution(vector[:, None])[:, 0]
        if labels is not None and self.order is not None:
            labels = labels[self.order]
        deflation = find_deflation(self.wide, entered, labels)
        narrow = _deflated(self.narrow, deflation)
        return replace(self, narrow=narrow, deflation=deflation)

    def enter(self, B: Any) -> Any:
        """Bring a right-hand side into the system.

        Parameters
        ----------
        B : array of shape (n, n_outputs)
            Block in the old order.

        Returns
        -------
        B : array of shape (n, n_outputs)
            `T B` in the new order.
        """
        return self._scaled(B if self.order is None else B[self.order])

    def enter_solution(self, X: Any) -> Any:
        """Bring a guess of the solution into the system.

        Parameters
        ----------
        X : array of shape (n, n_outputs)
            Block in the old order.

        Returns
        -------
        Y : array of shape (n, n_outputs)
            `T^-1 X` in the new order.
        """
        return self._unscaled(X if self.order is None else X[self.order])

    def leave(self, Y: Any) -> Any:
        """Take a solution out of the system.

        Parameters
        ----------
        Y : array of shape (n, n_outputs)
            Solution of the scaled system.

        Returns
        -------
        X : array of shape (n, n_outputs)
            `T Y` in the old order.
        """
        X = self._scaled(Y)
        if self.order is None:
            return X
        out = np.empty_like(X)
        out[self.order] = X
        return out

    def norms(self, R: Any) -> np.ndarray:
        """Measure residuals of the system as residuals of `A x = b`.

        Parameters
        ----------
        R : array of shape (n, n_outputs)
            Residuals of the scaled system, float64.

        Returns
        -------
        norms : ndarray of shape (n_outputs,)
            Norms of the columns of `T^-1 R`.
        """
        if self.side is None:
            return column_norms(R)
        if isinstance(R, np.ndarray):
            return np.sqrt(np.einsum("i,ij,ij->j", self.side**-2, R, R))
        return column_norms(R / self.side[:, None])

    def residual(self, B: Any, Y: Any, out: Any = None) -> Any:
        """Compute `B - T A T Y` in float64.

        Parameters
        ----------
        B, Y : array of shape (n, n_outputs)
            Right-hand side and solution of the scaled system.
        out : ndarray, default=None
            Where to write, for NumPy only.

        Returns
        -------
        R : array of shape (n, n_outputs)
            Residual.
        """
        if not isinstance(B, np.ndarray) or not isinstance(
            self.wide, SparseOperator | PowerSystem
        ):
            return B - self.wide.matmat(Y)
        out = np.empty(B.shape) if out is None or out.shape != B.shape else out
        return np.subtract(B, self.wide.matmat(Y, out=out), out=out)

    def _scaled(self, B: Any) -> Any:
        return B if self.side is None else self.side[:, None] * B

    def _unscaled(self, B: Any) -> Any:
        return B if self.side is None else B / self.side[:, None]


def prepare_system(
    operator: Operator,
    n_outputs: int,
    *,
    dtype: Any,
    scaled: bool = True,
    n_jobs: int | None = None,
) -> System:
    """Scale and renumber a symmetric operator for iterations.

    Parameters
    ----------
    operator : Operator
        Symmetric positive semi-definite operator.
    n_outputs : int
        Number of right-hand sides, which decides whether renumbering pays.
    dtype : dtype
        Dtype of the iterations.
    scaled : bool, default=True
        Whether to scale the diagonal to ones.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    system : System
        Nodes are renumbered on the host only, where `reordering_pays`. A diagonal
        plus a power of a sparse matrix is not assembled.

    Raises
    ------
    ValueError
        If the diagonal has a negative entry.
    """
    form = power_form(operator)
    if form is not None:
        return _prepare_power(form, n_outputs, dtype, n_jobs)
    try:
        matrix = operator.to_sparse()
    except NotImplementedError:
        return System(operator, operator)
    csr, xp = matrix.csr, namespace_of(matrix.csr.data)
    wide = widest_dtype(csr.data)
    diagonal = xp.astype(matrix.diagonal(), wide)
    if bool(xp.any(diagonal < 0)):
        lowest = float(xp.min(diagonal))
        raise ValueError(
            "The operator is not positive semi-definite: its diagonal reaches "
            f"{lowest:.3g}."
        )
    side = xp.ones_like(diagonal)
    if scaled:
        positive = diagonal > 0
        side = xp.where(positive, 1 / xp.sqrt(xp.where(positive, diagonal, 1.0)), side)
    added = matrix.diagonal_part
    if added is not None:
        added = xp.astype(added, wide) * side**2
    order = None
    if is_numpy(xp):
        row_bytes = n_outputs * np.dtype(dtype).itemsize
        if reordering_pays(csr, row_bytes):
            order = bandwidth_order(csr)
        places = np.arange(csr.shape[0], dtype=np.int32) if order is None else order
        csr = permute_and_scale(csr, places, side, float(matrix.scale.real), n_jobs)
        if order is not None:
            side = side[order]
            added = None if added is None else added[order]
    else:
        csr = csr.astype(wide).scale(matrix.scale * side, side)
    full = SparseOperator(csr, added, n_jobs=n_jobs)
    return System(full, full.astype(dtype), side, order)


def _prepare_power(
    form: PowerForm, n_outputs: int, dtype: Any, n_jobs: int | None
) -> System:
    diagonal = form.diagonal()
    if np.any(diagonal < 0):
        raise ValueError(
            "The operator is not positive semi-definite: its diagonal reaches "
            f"{diagonal.min():.3g}."
        )
    side = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)), 1)
    base, order = form.base, None
    own = np.zeros(len(side))
    if base.diagonal_part is not None:
        own = base.diagonal_part.astype(np.float64)
    csr = base.csr
    if reordering_pays(csr, n_outputs * np.dtype(dtype).itemsize):
        order = bandwidth_order(csr)
    places = np.arange(csr.shape[0], dtype=np.int32) if order is None else order
    scale = float(np.real(base.scale))
    csr = permute_and_scale(csr, places, np.ones_like(side), scale, n_jobs)
    shift = form.shift.astype(np.float64)
    if order is not None:
        side, own, shift = side[order], own[order], shift[order]
    left = form.weight * side
    wide = PowerSystem(
        side**2 * shift,
        SparseOperator(csr.scale(right=side), own * side, n_jobs=n_jobs),
        SparseOperator(csr.scale(left=left), left * own, n_jobs=n_jobs),
        SparseOperator(csr, own, n_jobs=n_jobs) if form.exponent > 2 else None,
        form.exponent - 2,
    )
    return System(wide, wide.astype(dtype), side, order)


def _deflated(operator: Operator, deflation: Deflation | None) -> Operator:
    if deflation is None or not isinstance(operator, SparseOperator | PowerSystem):
        return operator
    return DeflatedOperator(operator, deflation)


def widest_dtype(array: Any) -> Any:
    """Find the dtype in which residuals of an array's kind are computed.

    Parameters
    ----------
    array : array
        Real array.

    Returns
    -------
    dtype : dtype
        float64, or the array's own where its device has none.
    """
    xp = namespace_of(array)
    info = xp.__array_namespace_info__()
    known = info.dtypes(device=device(array), kind="real floating")
    return known.get("float64", array.dtype)


def as_block(B: Any, reference: Any, dtype: Any) -> Any:
    """Make a right-hand side a block of the system's library.

    Parameters
    ----------
    B : array of shape (n,) or (n, n_outputs)
        Right-hand side.
    reference : array
        Array of the system.
    dtype : dtype
        Dtype wanted.

    Returns
    -------
    block : array of shape (n, n_outputs)
        C-contiguous where that has a meaning.
    """
    B = asarray_like(B, reference)
    xp = namespace_of(B)
    block = xp.astype(B, dtype)
    return block[:, None] if block.ndim == 1 else block
