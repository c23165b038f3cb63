"""Coordinate descent over rows that a graph couples, color by color."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.utils._numba import (
    n_threads,
    row_ranges,
    run_rows,
    use_compiled,
)

# Multiplications of a color below which a second thread costs more than it saves.
_SERIAL_WORK = 200_000


@dataclass(frozen=True)
class ColoredRows:
    """Rows of a graph in an order of colors; rows of one color are no neighbors.

    Attributes
    ----------
    affinity : CSR of shape (n, n)
        Symmetric weights of the coupling, zero on the diagonal.
    degrees : ndarray of shape (n,)
        Row sums of `affinity`.
    order : int32 ndarray of shape (n,)
        Rows, color by color.
    bounds : tuple of int
        Where colors begin in `order`, and n.
    """

    affinity: CSR
    degrees: np.ndarray
    order: np.ndarray
    bounds: tuple[int, ...]

    @classmethod
    def from_affinity(cls, affinity: CSR) -> "ColoredRows":
        """Color a graph.

        Parameters
        ----------
        affinity : CSR of shape (n, n)
            Symmetric weights, zero on the diagonal, on the host.

        Returns
        -------
        rows : ColoredRows
            With few colors: those of an image graph of radius r are (r + 1)².
        """
        colors = greedy_colors(affinity)
        order = np.argsort(colors, kind="stable").astype(np.int32)
        bounds = (0, *(int(b) for b in np.cumsum(np.bincount(colors))))
        return cls(affinity, affinity.row_sums(), order, bounds)

    @classmethod
    def uncoupled(cls, n_rows: int, dtype: np.dtype) -> "ColoredRows":
        """Rows without a graph, all of one color.

        Parameters
        ----------
        n_rows : int
            Number of rows.
        dtype : dtype
            Of the weights that are not there.

        Returns
        -------
        rows : ColoredRows
            In their order.
        """
        empty = CSR.from_scipy(sparse.csr_array((n_rows, n_rows), dtype=dtype))
        order = np.arange(n_rows, dtype=np.int32)
        return cls(empty, np.zeros(n_rows, dtype=dtype), order, (0, n_rows))

    def descend(
        self,
        W: np.ndarray,
        Q: np.ndarray,
        linear: np.ndarray,
        *,
        simplex: bool = False,
        n_passes: int = 2,
        tol: float = 0.0,
        n_jobs: int | None = None,
    ) -> np.ndarray:
        """Lower a quadratic function of all rows, row by row.

        The function of non-negative rows is, with L the Laplacian of the graph,

            1/2 tr(W Q W') + 1/2 tr(W' L W) - tr(W linear').

        Parameters
        ----------
        W : ndarray of shape (n, K)
            Where to start, C-contiguous; it is overwritten. With `simplex` its rows
            sum to one.
        Q : ndarray of shape (K, K)
            Symmetric, positive semidefinite.
        linear : ndarray of shape (n, K)
            Linear term.
        simplex : bool, default=False
            Whether rows keep their sums.
        n_passes : int, default=2
            Passes over the entries of a row while its neighbors stay.
        tol : float, default=0.0
            A row is left before that if a pass changes its entries by less than this
            share of their sum; for `simplex` if slopes differ by less than this share
            of the linear term.
        n_jobs : int or None, default=None
            Threads. The result does not depend on it.

        Returns
        -------
        W : ndarray of shape (n, K)
            The same array.
        """
        if not use_compiled():
            _descend_reference(self, W, Q, linear, simplex, n_passes, tol)
            return W
        from sklearn_manifold_reg.decomposition._ssnmf_numba import descend_rows

        dtype, csr = W.dtype, self.affinity
        parts = (
            (self.order, np.int32),
            (csr.indptr, None),
            (csr.indices, None),
            (csr.data, dtype),
            (self.degrees, dtype),
            (Q, dtype),
            (linear, dtype),
        )
        arrays = [
            np.require(part, dtype=kind, requirements=["C", "A", "W"])
            for part, kind in parts
        ]
        args = (*arrays, simplex, n_passes, dtype.type(tol), W)
        K = W.shape[1]
        for start, stop in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            n_rows = stop - start
            work = n_rows * n_passes * K * K + csr.nnz * K // (len(self.bounds) - 1)
            threads = 1 if work < _SERIAL_WORK else n_threads(n_jobs)
            ranges = [(start + a, start + b) for a, b in row_ranges(n_rows, threads)]
            run_rows(descend_rows, n_rows, *args, n_jobs=threads, ranges=ranges)
        return W


def greedy_colors(affinity: CSR) -> np.ndarray:
    """Color rows so that neighbors differ, each by the first color that is free.

    Parameters
    ----------
    affinity : CSR of shape (n, n)
        Symmetric pattern, on the host.

    Returns
    -------
    colors : int32 ndarray of shape (n,)
        From 0 on; at most one more color than the largest number of neighbors.
    """
    colors = np.full(affinity.shape[0], -1, dtype=np.int32)
    if use_compiled():
        from sklearn_manifold_reg.decomposition._ssnmf_numba import color_rows

        most = int(np.max(np.diff(affinity.indptr), initial=0))
        last_seen = np.full(most + 2, -1, dtype=np.int64)
        indptr, indices = (
            np.require(part, requirements=["C", "A", "W"])
            for part in (affinity.indptr, affinity.indices)
        )
        color_rows(indptr, indices, colors, last_seen)
        return colors
    for i, (start, stop) in enumerate(
        zip(affinity.indptr[:-1], affinity.indptr[1:], strict=True)
    ):
        taken = set(colors[affinity.indices[start:stop]].tolist())
        colors[i] = next(color for color in range(len(taken) + 1) if color not in taken)
    return colors


def _descend_reference(
    rows: ColoredRows,
    W: np.ndarray,
    Q: np.ndarray,
    linear: np.ndarray,
    simplex: bool,
    n_passes: int,
    tol: float,
) -> None:
    """Do what the kernel does, all rows of a color at once."""
    S = rows.affinity.to_scipy()
    for start, stop in zip(rows.bounds[:-1], rows.bounds[1:], strict=True):
        some = rows.order[start:stop]
        c = linear[some] + S[some] @ W
        step = _descend_simplex if simplex else _descend_orthant
        W[some] = step(Q, rows.degrees[some], c, W[some], n_passes, tol)


def _descend_orthant(
    Q: np.ndarray,
    diagonal: np.ndarray,
    c: np.ndarray,
    w: np.ndarray,
    n_passes: int,
    tol: float,
) -> np.ndarray:
    active = np.ones(len(w), dtype=bool)
    for _ in range(n_passes):
        before = w.copy()
        for k in range(len(Q)):
            value = c[:, k] - w @ Q[k] + Q[k, k] * w[:, k]
            curvature = Q[k, k] + diagonal
            use = (value > 0) & (curvature > 0)
            value = np.divide(value, curvature, out=np.zeros_like(value), where=use)
            w[:, k] = np.where(active, value, w[:, k])
        active &= np.abs(w - before).max(axis=1) > tol * w.sum(axis=1)
        if not active.any():
            break
    return w


def _descend_simplex(
    Q: np.ndarray,
    diagonal: np.ndarray,
    c: np.ndarray,
    w: np.ndarray,
    n_passes: int,
    tol: float,
) -> np.ndarray:
    every = np.arange(len(w))
    slope = w @ Q + diagonal[:, None] * w - c
    size = np.abs(c).max(axis=1)
    for _ in range(n_passes * len(Q)):
        to = np.argmin(slope, axis=1)
        source = np.argmax(np.where(w > 0, slope, -np.inf), axis=1)
        gap = slope[every, source] - slope[every, to]
        curvature = Q[to, to] + Q[source, source] - 2 * Q[to, source] + 2 * diagonal
        most = w[every, source]
        inside = curvature * most > gap
        step = np.divide(gap, curvature, out=most.copy(), where=inside)
        step[gap <= tol * size] = 0
        if not step.any():
            break
        w[every, source] = np.where(inside | (step == 0), most - step, 0)
        w[every, to] += step
        slope += step[:, None] * (Q[to] - Q[source])
        slope[every, to] += step * diagonal
        slope[every, source] -= step * diagonal
    return w
