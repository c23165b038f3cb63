"""Chebyshev polynomials of an operator, one after the other, in a few blocks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import column_dots, namespace_of
from sklearn_manifold_reg.linalg._operators import Operator, SparseOperator
from sklearn_manifold_reg.linalg._probes import Probes, projection
from sklearn_manifold_reg.linalg._reorder import (
    bandwidth_order,
    permute_and_scale,
    reordering_pays,
)


@dataclass(frozen=True, eq=False)
class Renumbered:
    """An operator whose nodes may stand in another order, for many products.

    Attributes
    ----------
    operator : Operator
        The operator in the new order.
    order : ndarray of shape (n,) or None
        Old node at each new place. None if nodes stay.
    """

    operator: Operator
    order: np.ndarray | None = None

    def enter(self, B: Any) -> Any:
        """Bring a block into the new order.

        Parameters
        ----------
        B : array of shape (n, n_outputs)
            Block in the old order.

        Returns
        -------
        B : array of shape (n, n_outputs)
            The same rows.
        """
        return B if self.order is None else B[self.order]

    def leave(self, X: Any) -> Any:
        """Bring a block back into the old order.

        Parameters
        ----------
        X : array of shape (n, n_outputs)
            Block in the new order; a NumPy block is overwritten.

        Returns
        -------
        X : array of shape (n, n_outputs)
            The same rows.
        """
        if self.order is not None:
            X[self.order] = X.copy()
        return X


def renumber(operator: Operator, n_columns: int, dtype: Any) -> Renumbered:
    """Renumber an operator if some dozens of products get faster by it.

    Parameters
    ----------
    operator : Operator
        Square operator.
    n_columns : int
        Columns of the blocks.
    dtype : dtype
        Their dtype.

    Returns
    -------
    renumbered : Renumbered
        In a new order where the operator holds a real sparse matrix on the host and
        `reordering_pays`; a sparse matrix on the host is given the dtype.
    """
    if not _holds_csr(operator):
        return Renumbered(operator)
    matrix = operator.to_sparse()
    csr = matrix.csr
    if not isinstance(csr.data, np.ndarray):
        return Renumbered(operator)
    matrix = matrix.astype(dtype)
    row_bytes = n_columns * np.dtype(dtype).itemsize
    if csr.data.dtype.char not in "fd" or not reordering_pays(csr, row_bytes):
        return Renumbered(matrix)
    order = bandwidth_order(csr)
    ones = np.ones(csr.shape[0])
    moved = permute_and_scale(csr, order, ones, n_jobs=matrix.n_jobs).astype(dtype)
    diagonal = matrix.diagonal_part
    diagonal = None if diagonal is None else diagonal[order]
    return Renumbered(
        SparseOperator(moved, diagonal, matrix.scale, matrix.n_jobs), order
    )


def chebyshev_blocks(
    operator: Operator,
    B: Any,
    degree: int,
    interval: tuple[float, float],
    n_buffers: int = 2,
) -> Iterator[tuple[Any, Any]]:
    """Run through `T_k(S) B`, with S the operator moved from an interval to [-1, 1].

    Parameters
    ----------
    operator : Operator
        Square operator.
    B : array of shape (n, n_outputs)
        Start, in the common dtype of operator and products.
    degree : int
        Last degree.
    interval : tuple of float
        Bounds of the spectrum.
    n_buffers : int, default=2
        Blocks kept, at least 2, with which a sparse operator needs one pass a degree.

    Yields
    ------
    block : array of shape (n, n_outputs)
        `T_k(S) B`. A NumPy block is overwritten `n_buffers` degrees later.
    ring : ndarray of shape (n_buffers, n, n_outputs) or None
        The buffers: degree k stands at place `k % n_buffers`. None if the library is
        not NumPy.
    """
    low, high = interval
    center, half = (high + low) / 2, (high - low) / 2
    if not isinstance(B, np.ndarray):
        yield B, None
        before, now = None, B
        for _ in range(degree):
            product = (operator.matmat(now) - center * now) / half
            new = product if before is None else 2 * product - before
            before, now = now, new
            yield now, None
        return
    double = _doubled(operator, center, half, B.dtype)
    ring = np.empty((n_buffers, *B.shape), dtype=B.dtype)
    ring[0] = B
    yield ring[0], ring
    for k in range(1, degree + 1):
        now, new = ring[(k - 1) % n_buffers], ring[k % n_buffers]
        before = ring[(k - 2) % n_buffers]
        if not isinstance(double, SparseOperator):
            image = (operator.matmat(now) - center * now) / half
            new[...] = image if k == 1 else 2 * image - before
        elif k == 1:
            double.matmat(now, out=new)
            new /= 2
        elif n_buffers == 2:
            double.matmat(now, out=new, subtract=True)
        else:
            double.matmat(now, out=new)
            new -= before
        yield new, ring


def chebyshev_moments(
    operator: Operator, B: Any, n_moments: int, interval: tuple[float, float]
) -> np.ndarray:
    """Compute the moments `b' T_k(S) b` of columns b.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    B : array of shape (n, n_outputs)
        Start, in the common dtype of operator and products.
    n_moments : int
        Moments wanted: k = 0 to `n_moments - 1`.
    interval : tuple of float
        Bounds of the spectrum.

    Returns
    -------
    moments : ndarray of shape (n_moments, n_outputs)
        In float64.

    Notes
    -----
    Since `2 T_j T_k = T_{j+k} + T_{j-k}`, one product gives two moments.
    """
    moments = np.empty((n_moments + 1, B.shape[1]))
    before = None
    blocks = chebyshev_blocks(operator, B, n_moments // 2, interval)
    for k, (block, _) in enumerate(blocks):
        if before is None:
            moments[0] = column_dots(block, block)
        else:
            moments[2 * k - 1] = 2 * column_dots(before, block) - moments[1]
            if k == 1:
                moments[1] = column_dots(before, block)
            if 2 * k <= n_moments:
                moments[2 * k] = 2 * column_dots(block, block) - moments[0]
        before = block
    return moments[:n_moments]


def probe_panels(
    operator: Operator, probes: Probes, null_space: Any = None
) -> Iterator[tuple[Operator, Any, Callable | None]]:
    """Give random vectors some at a time, with an operator in the order of their rows.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    probes : Probes
        The vectors.
    null_space : NullSpace, DenseNullSpace, array of columns or None, default=None
        What is removed from them.

    Yields
    ------
    operator : Operator
        The operator, renumbered where that pays; random signs are as good in any
        order.
    panel : array of shape (n, n_columns)
        Vectors outside the null space.
    project : callable or None
        Projection that removed it.
    """
    moved, project = None, None
    for panel in probes.panels():
        if moved is None:
            moved = renumber(operator, panel.shape[1], panel.dtype)
            project = projection(null_space, panel, moved.order)
        yield moved.operator, panel if project is None else project(panel), project


def probe_moments(
    operator: Operator,
    probes: Probes,
    n_moments: int,
    interval: tuple[float, float],
    null_space: Any = None,
) -> np.ndarray:
    """Compute the Chebyshev moments of random vectors.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    probes : Probes
        Vectors, whose moments have the traces of `T_k(S)` for means.
    n_moments : int
        Moments wanted.
    interval : tuple of float
        Bounds of the spectrum.
    null_space : NullSpace, DenseNullSpace, array of columns or None, default=None
        Null space on which the trace is not taken.

    Returns
    -------
    moments : ndarray of shape (n_moments, n_probes)
        In float64.
    """
    parts = [
        chebyshev_moments(moved, panel, n_moments, interval)
        for moved, panel, _ in probe_panels(operator, probes, null_space)
    ]
    return np.concatenate(parts, axis=1)


def _holds_csr(operator: Operator) -> bool:
    """Whether `to_sparse` costs nothing."""
    return getattr(operator, "csr", None) is not None


def _doubled(operator: Operator, center: float, half: float, dtype: Any) -> Operator:
    """Twice the operator moved to [-1, 1], where that is a sparse matrix."""
    if not _holds_csr(operator):
        return operator
    matrix = operator.to_sparse().astype(dtype)
    diagonal = matrix.diagonal_part
    if diagonal is None:
        diagonal = np.zeros(matrix.shape[0], dtype=dtype)
    diagonal = (2 / half) * (diagonal - center)
    return SparseOperator(matrix.csr, diagonal, matrix.scale * 2 / half, matrix.n_jobs)


def common_block(operator: Operator, B: Any) -> Any:
    """Give a block the common floating dtype of an operator and itself.

    Parameters
    ----------
    operator : Operator
        Operator of the block's library.
    B : array of shape (n, n_outputs)
        Block, which may hold integers.

    Returns
    -------
    block : array of shape (n, n_outputs)
        `B` itself if it has that dtype; C-contiguous if it is NumPy's.
    """
    if isinstance(B, np.ndarray):
        dtype = np.result_type(operator.dtype, B.dtype, np.float32)
        return np.ascontiguousarray(B, dtype=dtype)
    xp = namespace_of(B)
    if not xp.isdtype(B.dtype, ("real floating", "complex floating")):
        return xp.astype(B, operator.dtype)
    return xp.astype(B, xp.result_type(operator.dtype, B.dtype), copy=False)
