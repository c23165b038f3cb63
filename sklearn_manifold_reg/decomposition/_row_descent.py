"""Coordinate descent over rows that a graph couples, color by color."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import (
    CSR,
    asarray_like,
    csr_like,
    device,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.utils._numba import (
    n_threads,
    row_ranges,
    run_rows,
    use_compiled,
)

# Multiplications of a color below which a second thread costs more than it saves.
_SERIAL_WORK = 200_000
# Multiples of the rounding error up to which two slopes count as equal.
_EQUAL = 64


@dataclass(frozen=True, eq=False)
class ColoredRows:
    """Rows of a graph in an order of colors; rows of one color are no neighbors.

    Attributes
    ----------
    affinity : CSR of shape (n, n)
        Symmetric weights of the coupling, zero on the diagonal; of any library.
    degrees : array of shape (n,)
        Row sums of `affinity`.
    order : int32 ndarray of shape (n,)
        Rows, color by color.
    bounds : tuple of int
        Where colors begin in `order`, and n.
    """

    affinity: CSR
    degrees: Any
    order: np.ndarray
    bounds: tuple[int, ...]

    @classmethod
    def from_affinity(cls, affinity: CSR) -> "ColoredRows":
        """Color a graph.

        Parameters
        ----------
        affinity : CSR of shape (n, n)
            Symmetric weights, zero on the diagonal. Colors follow one another, so
            that a pattern on a device is copied to the host for them.

        Returns
        -------
        rows : ColoredRows
            With few colors: those of an image graph of radius r are (r + 1)².
        """
        colors = greedy_colors(to_numpy(affinity.indptr), to_numpy(affinity.indices))
        order = np.argsort(colors, kind="stable").astype(np.int32)
        bounds = (0, *(int(b) for b in np.cumsum(np.bincount(colors))))
        return cls(affinity, affinity.row_sums(), order, bounds)

    @classmethod
    def uncoupled(cls, reference: Any) -> "ColoredRows":
        """Rows without a graph, all of one color.

        Parameters
        ----------
        reference : array of shape (n, any)
            Array of as many rows, whose library, device and dtype are taken.

        Returns
        -------
        rows : ColoredRows
            In their order.
        """
        n_rows = reference.shape[0]
        empty = csr_like(sparse.csr_array((n_rows, n_rows)), reference)
        order = np.arange(n_rows, dtype=np.int32)
        return cls(empty, empty.row_sums(), order, (0, n_rows))

    def descend(
        self,
        W: Any,
        Q: Any,
        linear: Any,
        *,
        simplex: bool = False,
        n_passes: int = 2,
        n_jobs: int | None = None,
    ) -> Any:
        """Lower a quadratic function of all rows, row by row.

        The function of non-negative rows is, with L the Laplacian of the graph,

            1/2 tr(W Q W') + 1/2 tr(W' L W) - tr(W linear').

        Parameters
        ----------
        W : array of shape (n, K)
            Where to start. With `simplex` its rows sum to one.
        Q : array of shape (K, K)
            Symmetric, positive semidefinite.
        linear : array of shape (n, K)
            Linear term.
        simplex : bool, default=False
            Whether rows keep their sums.
        n_passes : int, default=2
            Passes over the entries of a row while its neighbors stay.
        n_jobs : int or None, default=None
            Threads, for NumPy only. The result does not depend on it.

        Returns
        -------
        W : array of shape (n, K)
            Where the descent ends.
        """
        if isinstance(W, np.ndarray) and use_compiled():
            return self._descend_compiled(W, Q, linear, simplex, n_passes, n_jobs)
        return self._descend_colors(W, Q, linear, simplex, n_passes)

    def _descend_compiled(
        self,
        W: np.ndarray,
        Q: np.ndarray,
        linear: np.ndarray,
        simplex: bool,
        n_passes: int,
        n_jobs: int | None,
    ) -> np.ndarray:
        from sklearn_manifold_reg.decomposition._ssnmf_numba import descend_rows

        W = np.array(W, order="C")
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
        equal = dtype.type(_EQUAL * np.finfo(dtype).eps)
        args = (*arrays, simplex, n_passes, equal, W)
        K = W.shape[1]
        for start, stop in pairwise(self.bounds):
            n_rows = stop - start
            work = n_rows * n_passes * K * K + csr.nnz * K // (len(self.bounds) - 1)
            threads = 1 if work < _SERIAL_WORK else n_threads(n_jobs)
            ranges = [(start + a, start + b) for a, b in row_ranges(n_rows, threads)]
            run_rows(descend_rows, n_rows, *args, n_jobs=threads, ranges=ranges)
        return W

    def _descend_colors(
        self, W: Any, Q: Any, linear: Any, simplex: bool, n_passes: int
    ) -> Any:
        """Do what the kernel does, all rows of a color at once, on any library."""
        xp = namespace_of(W)
        order, place, degrees, blocks = self._layout
        # Rows of a color lie side by side then: the standard writes to slices only.
        V, linear = xp.take(W, order, axis=0), xp.take(linear, order, axis=0)
        step = _descend_simplex if simplex else _descend_orthant
        for (start, stop), block in zip(pairwise(self.bounds), blocks, strict=True):
            rows = slice(start, stop)
            c = linear[rows, :]
            if block.nnz:
                c = c + block.matmat(V)
            V[rows, :] = step(Q, degrees[rows, None], c, V[rows, :], n_passes)
        return xp.take(V, place, axis=0)

    @cached_property
    def _layout(self) -> tuple[Any, Any, Any, list[CSR]]:
        """Order, its inverse, and degrees and rows of the affinity in that order."""
        csr, order = self.affinity, self.order
        xp = namespace_of(csr.data)
        indptr, indices = to_numpy(csr.indptr), to_numpy(csr.indices)
        # What is moved are the places of entries, while these stay where they are.
        entries = np.arange(csr.nnz)
        places = sparse.csr_array((entries, indices, indptr), shape=csr.shape)
        places = places[order][:, order]
        places.sort_indices()
        data = xp.take(csr.data, asarray_like(places.data, csr.data))
        columns = asarray_like(places.indices.astype(indices.dtype), csr.data)
        blocks = []
        for start, stop in pairwise(self.bounds):
            first, last = int(places.indptr[start]), int(places.indptr[stop])
            lengths = (places.indptr[start : stop + 1] - first).astype(indptr.dtype)
            begins = asarray_like(lengths, csr.data)
            shape = (stop - start, csr.shape[1])
            blocks.append(CSR(begins, columns[first:last], data[first:last], shape))
        there = asarray_like(order.astype(np.int64), csr.data)
        place = asarray_like(np.argsort(order), csr.data)
        return there, place, xp.take(self.degrees, there), blocks


def greedy_colors(indptr: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Color rows so that neighbors differ, each by the first color that is free.

    Parameters
    ----------
    indptr : integer ndarray of shape (n + 1,)
        Where rows begin in `indices`.
    indices : integer ndarray
        Neighbors of each row, in both directions.

    Returns
    -------
    colors : int32 ndarray of shape (n,)
        From 0 on; at most one more color than the largest number of neighbors.
    """
    colors = np.full(len(indptr) - 1, -1, dtype=np.int32)
    if use_compiled():
        from sklearn_manifold_reg.decomposition._ssnmf_numba import color_rows

        most = int(np.max(np.diff(indptr), initial=0))
        last_seen = np.full(most + 2, -1, dtype=np.int64)
        indptr, indices = (
            np.require(part, requirements=["C", "A", "W"]) for part in (indptr, indices)
        )
        color_rows(indptr, indices, colors, last_seen)
        return colors
    for i, (start, stop) in enumerate(pairwise(indptr)):
        taken = set(colors[indices[start:stop]].tolist())
        colors[i] = next(color for color in range(len(taken) + 1) if color not in taken)
    return colors


def _descend_orthant(Q: Any, diagonal: Any, c: Any, w: Any, n_passes: int) -> Any:
    """Minimize each entry in turn: w_k = max(0, ...)."""
    xp = namespace_of(w)
    w = xp.asarray(w, copy=True)
    curvature = xp.linalg.diagonal(Q)[None, :] + diagonal
    curved = curvature > 0
    inverse = 1 / xp.where(curved, curvature, xp.ones_like(curvature))
    inverse = xp.where(curved, inverse, xp.zeros_like(inverse))
    for _ in range(n_passes):
        for k in range(w.shape[1]):
            # Taken out of the sum, as its share of it cancels.
            w[:, k] = 0
            value = c[:, k] - w @ Q[:, k]
            w[:, k] = xp.clip(value, min=0) * inverse[:, k]
    return w


def _descend_simplex(Q: Any, diagonal: Any, c: Any, w: Any, n_passes: int) -> Any:
    """Move weight from the entry of steepest ascent to that of steepest descent."""
    xp = namespace_of(w)
    K, zero = w.shape[1], xp.zeros_like(w)
    columns = xp.arange(K, device=device(w))[None, :]
    slope = w @ Q + diagonal * w - c
    equal = _EQUAL * float(xp.finfo(w.dtype).eps)
    equal = equal * xp.max(xp.abs(c), axis=1, keepdims=True)
    for _ in range(n_passes * K):
        lowest = xp.min(slope, axis=1, keepdims=True)
        climbing = xp.where(w > 0, slope, zero - xp.inf)
        highest = xp.max(climbing, axis=1, keepdims=True)
        # An exchange levels two slopes; the first of equal ones is taken, or rounding
        # would choose.
        to = xp.argmax(xp.astype(slope <= lowest + equal, xp.int8), axis=1)
        source = xp.argmax(xp.astype(climbing >= highest - equal, xp.int8), axis=1)
        to, source = columns == to[:, None], columns == source[:, None]
        towards, away = xp.astype(to, w.dtype) @ Q, xp.astype(source, w.dtype) @ Q
        gap = _entry(xp, slope, source) - _entry(xp, slope, to)
        curvature = _entry(xp, towards, to) + _entry(xp, away, source)
        curvature = curvature - 2 * _entry(xp, towards, source) + 2 * diagonal
        most = _entry(xp, w, source)
        moves = gap > equal
        if not bool(xp.any(moves)):
            break
        inside = curvature * most > gap
        step = gap / xp.where(inside, curvature, xp.ones_like(gap))
        step = xp.where(inside, step, most)
        step = xp.where(moves, step, xp.zeros_like(step))
        emptied = source & moves & ~inside
        change = xp.where(to, step, zero) - xp.where(source, step, zero)
        w = xp.where(emptied, zero, w + change)
        slope = slope + step * (towards - away) + diagonal * change
    return w


def _entry(xp: Any, values: Any, mask: Any) -> Any:
    """Take the entry of each row at which the mask holds."""
    picked = xp.where(mask, values, xp.zeros_like(values))
    return xp.sum(picked, axis=1, keepdims=True)
