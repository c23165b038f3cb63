"""One compressed sparse row matrix for every array library."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import array_api_compat
import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays._namespace import (
    asarray_like,
    device,
    is_numpy,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Multiplications below which a second thread costs more than it saves (0.1 ms).
_SERIAL_WORK = 200_000
# Ranges a thread takes on large products, so that a disturbed thread can be relieved.
_RANGES_PER_THREAD = 4


@dataclass(frozen=True, eq=False)
class CSR:
    """Sparse matrix of one array library, on one device.

    Attributes
    ----------
    indptr : array of shape (n_rows + 1,)
        Where rows begin in `indices` and `data`; int32 on the host while the number
        of entries allows.
    indices : array of shape (nnz,)
        Columns of the entries, ascending within a row.
    data : array of shape (nnz,)
        Entries, floating or complex.
    shape : tuple of (int, int)
        Numbers of rows and columns.

    Notes
    -----
    Products with NumPy blocks run in compiled code on all cores; their value does
    not depend on the number of threads. The other libraries use their own sparse
    product, and array_api_strict, which has none, a sum over entry slots.
    """

    indptr: Any
    indices: Any
    data: Any
    shape: tuple[int, int]

    @classmethod
    def from_scipy(cls, A: Any) -> "CSR":
        """Take over a scipy sparse array or matrix.

        Parameters
        ----------
        A : sparse array or matrix of shape (n_rows, n_columns)
            Any format. Real float32 and float64, and complex entries keep their
            dtype, others become float64.

        Returns
        -------
        csr : CSR
            Shares memory with `A` if that is CSR with sorted int32 indices.
        """
        A = sparse.csr_array(A)
        if A.dtype.char not in "fdFD":
            A = A.astype(np.float64)
        if not A.has_canonical_format:
            A = A.copy()
            A.sum_duplicates()
        small = max(A.nnz, *A.shape) < np.iinfo(np.int32).max
        kind = np.int32 if small else np.int64
        indptr = A.indptr.astype(kind, copy=False)
        indices = A.indices.astype(kind, copy=False)
        return cls(indptr, indices, A.data, (int(A.shape[0]), int(A.shape[1])))

    @property
    def dtype(self) -> Any:
        """Dtype of the entries."""
        return self.data.dtype

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return int(self.data.shape[0])

    def to_scipy(self) -> sparse.csr_array:
        """Host copy as a scipy array; no copy where the matrix is on the host.

        Returns
        -------
        A : csr_array of shape (n_rows, n_columns)
            The same matrix.
        """
        parts = (to_numpy(part) for part in (self.data, self.indices, self.indptr))
        return sparse.csr_array(tuple(parts), shape=self.shape)

    def to_native(self) -> Any:
        """Sparse matrix of the array library itself.

        Returns
        -------
        A : csr_array, torch.Tensor in CSR layout or cupyx csr_matrix
            Shares memory with this matrix.

        Raises
        ------
        TypeError
            If the library has no sparse matrices.
        """
        if isinstance(self.data, np.ndarray):
            return self.to_scipy()
        if array_api_compat.is_torch_array(self.data):
            return _torch_csr(self)
        if array_api_compat.is_cupy_array(self.data):
            from cupyx.scipy.sparse import csr_matrix

            return csr_matrix((self.data, self.indices, self.indptr), self.shape)
        name = namespace_of(self.data).__name__
        raise TypeError(f"{name} has no sparse matrices.")

    def matmat(
        self,
        B: Any,
        *,
        diagonal: Any = None,
        scale: float | complex = 1.0,
        out: Any = None,
        subtract: bool = False,
        n_jobs: int | None = None,
    ) -> Any:
        """Compute `diagonal[:, None] * B + scale * (A @ B)` in one pass.

        Parameters
        ----------
        B : array of shape (n_columns,) or (n_columns, n_outputs)
            Block of the same library and device.
        diagonal : array of shape (n_rows,), default=None
            Diagonal added to a square matrix. None adds nothing.
        scale : float or complex, default=1.0
            Factor of the product.
        out : ndarray, default=None
            Where to write, for NumPy only: C-contiguous, of the result's shape and
            dtype, sharing no memory with `B`.
        subtract : bool, default=False
            Whether to take off what `out` holds, as three-term recurrences do.
        n_jobs : int or None, default=None
            Threads, for NumPy only. The value does not depend on it.

        Returns
        -------
        product : array of shape (n_rows,) or (n_rows, n_outputs)
            In the common dtype of matrix and block; `out` if that was given.

        Raises
        ------
        ValueError
            If the block does not have `n_columns` rows, or `diagonal` is given for
            a matrix that is not square.
        """
        if B.ndim not in (1, 2) or B.shape[0] != self.shape[1]:
            raise ValueError(
                f"A block for a matrix of shape {self.shape} has {self.shape[1]} rows "
                f"and one or two dimensions, got shape {tuple(B.shape)}."
            )
        if diagonal is not None and self.shape[0] != self.shape[1]:
            raise ValueError(f"A matrix of shape {self.shape} takes no diagonal.")
        if isinstance(self.data, np.ndarray):
            return _numpy_product(
                self, np.asarray(B), diagonal, scale, out, subtract, n_jobs
            )
        product = scale * _foreign_product(self, B)
        if diagonal is None:
            return product
        return product + (diagonal[:, None] if B.ndim == 2 else diagonal) * B

    def row_sums(self) -> Any:
        """Sum the rows, accumulating in float64.

        Returns
        -------
        sums : array of shape (n_rows,)
            In the dtype of the matrix.
        """
        if _has_kernel(self) and use_compiled():
            from sklearn_manifold_reg._arrays._csr_numba import csr_row_sums

            out = np.empty(self.shape[0], dtype=self.dtype)
            arrays = (_writable(self.indptr), _writable(self.data))
            _run(self, csr_row_sums, self.nnz, None, *arrays, out)
            return out
        xp = namespace_of(self.data)
        wide = _accumulator(xp, self.data)
        ones = xp.ones(self.shape[1], dtype=wide, device=device(self.data))
        sums = self.with_data(xp.astype(self.data, wide)).matmat(ones)
        return xp.astype(sums, self.dtype)

    def scale(self, left: Any = None, right: Any = None) -> "CSR":
        """Scale rows and columns: `diag(left) A diag(right)`.

        Parameters
        ----------
        left : array of shape (n_rows,), default=None
            Factors of the rows. None leaves them.
        right : array of shape (n_columns,), default=None
            Factors of the columns. None leaves them.

        Returns
        -------
        csr : CSR
            Same pattern, dtype of this matrix, new entries.
        """
        if _has_kernel(self) and use_compiled():
            from sklearn_manifold_reg._arrays._csr_numba import csr_scale

            sides = (
                np.empty(0, self.dtype) if side is None else _writable(side, self.dtype)
                for side in (left, right)
            )
            out = np.empty_like(self.data)
            arrays = (_writable(a) for a in (self.indptr, self.indices, self.data))
            _run(self, csr_scale, self.nnz, None, *arrays, *sides, out)
            return self.with_data(out)
        xp = namespace_of(self.data)
        data = self.data
        if left is not None:
            data = data * xp.take(xp.astype(left, self.dtype), self.entry_rows())
        if right is not None:
            data = data * xp.take(xp.astype(right, self.dtype), self.indices)
        return self.with_data(data)

    def entry_rows(self) -> Any:
        """Row of each stored entry.

        Returns
        -------
        rows : array of shape (nnz,)
            Of the dtype of `indices`.
        """
        xp = namespace_of(self.data)
        rows = xp.arange(
            self.shape[0], dtype=self.indices.dtype, device=device(self.data)
        )
        return xp.repeat(rows, self.indptr[1:] - self.indptr[:-1])

    def transpose(self) -> "CSR":
        """Transposed matrix, without conjugation.

        Returns
        -------
        csr : CSR
            Matrix of shape (n_columns, n_rows), sorted.
        """
        if isinstance(self.data, np.ndarray):
            return CSR.from_scipy(self.to_scipy().T.tocsr())
        xp = namespace_of(self.data)
        order = xp.argsort(self.indices, stable=True)
        columns = xp.take(self.indices, order)
        bounds = xp.arange(
            self.shape[1] + 1, dtype=columns.dtype, device=device(self.data)
        )
        indptr = xp.astype(xp.searchsorted(columns, bounds), self.indptr.dtype)
        rows = xp.take(self.entry_rows(), order)
        return CSR(indptr, rows, xp.take(self.data, order), self.shape[::-1])

    def conj(self) -> "CSR":
        """Matrix of complex conjugates; itself if real.

        Returns
        -------
        csr : CSR
            Same pattern.
        """
        xp = namespace_of(self.data)
        if xp.isdtype(self.dtype, "complex floating"):
            return self.with_data(xp.conj(self.data))
        return self

    def dense_block(self, rows: Any) -> Any:
        """Take some rows as a dense array.

        Parameters
        ----------
        rows : integer array of shape (m,)
            Rows wanted.

        Returns
        -------
        block : array of shape (m, n_columns)
            In the dtype of the matrix.
        """
        if isinstance(self.data, np.ndarray):
            return self.to_scipy()[np.asarray(rows)].toarray()
        xp = namespace_of(self.data)
        every = xp.arange(self.shape[0], device=device(self.data))
        rows = xp.asarray(rows, dtype=every.dtype, device=device(self.data))
        chosen = xp.astype(every[:, None] == rows[None, :], self.dtype)
        return self.transpose().matmat(chosen).T

    def diagonal(self) -> Any:
        """Take the main diagonal.

        Returns
        -------
        diagonal : array of shape (min(shape),)
            Zero where no entry is stored.
        """
        if isinstance(self.data, np.ndarray):
            return self.to_scipy().diagonal()
        xp = namespace_of(self.data)
        on_diagonal = self.entry_rows() == self.indices
        kept = xp.where(on_diagonal, self.data, xp.zeros_like(self.data))
        return self.with_data(kept).row_sums()[: min(self.shape)]

    def with_data(self, data: Any) -> "CSR":
        """Matrix of the same pattern with other entries.

        Parameters
        ----------
        data : array of shape (nnz,)
            New entries.

        Returns
        -------
        csr : CSR
            Shares the pattern with this matrix.
        """
        return replace(self, data=data)

    def astype(self, dtype: Any) -> "CSR":
        """Matrix with entries of another dtype; itself if they have it already.

        Parameters
        ----------
        dtype : dtype
            Dtype of the library.

        Returns
        -------
        csr : CSR
            Shares the pattern with this matrix.
        """
        if self.dtype == dtype:
            return self
        return self.with_data(namespace_of(self.data).astype(self.data, dtype))


def _has_kernel(csr: CSR) -> bool:
    return isinstance(csr.data, np.ndarray) and csr.data.dtype.char in "fd"


def _accumulator(xp: Any, data: Any) -> Any:
    """Widest dtype of the kind of `data` that its device can hold."""
    if xp.isdtype(data.dtype, "complex floating"):
        return xp.complex128
    known = xp.__array_namespace_info__().dtypes(
        device=device(data), kind="real floating"
    )
    return known.get("float64", data.dtype)


def _writable(array: Any, dtype: Any = None) -> np.ndarray:
    return np.require(array, dtype=dtype, requirements=["C", "A", "W"])


def _run(csr: CSR, function: Any, work: int, n_jobs: int | None, *args: Any) -> None:
    """Run a kernel over row ranges that hold equal numbers of entries."""
    n_rows = csr.shape[0]
    threads = 1 if work < _SERIAL_WORK else n_threads(n_jobs)
    if threads == 1:
        function(*args, 0, n_rows)
        return
    parts = threads * (1 if work < 8 * _SERIAL_WORK else _RANGES_PER_THREAD)
    ranges = _balanced_ranges(csr.indptr, parts)
    run_rows(function, n_rows, *args, n_jobs=threads, ranges=ranges)


def _balanced_ranges(indptr: np.ndarray, n_parts: int) -> list[tuple[int, int]]:
    n_rows = len(indptr) - 1
    # Rows count as well as entries, or a range of empty rows would have no end.
    row = int(indptr[-1]) // max(n_rows, 1) + 1
    total = int(indptr[-1]) + row * n_rows

    def work_before(i: int) -> int:
        return int(indptr[i]) + row * i

    cuts = [
        bisect_left(range(n_rows), total * part // n_parts, key=work_before)
        for part in range(n_parts + 1)
    ]
    return [(start, stop) for start, stop in pairwise(cuts) if stop > start]


def _result_dtype(csr: CSR, B: np.ndarray, diagonal: Any, scale: Any) -> np.dtype:
    dtype = np.result_type(csr.dtype, B.dtype, np.float32)
    if np.iscomplexobj(scale) or (diagonal is not None and np.iscomplexobj(diagonal)):
        return np.result_type(dtype, np.complex64)
    return dtype


def _numpy_product(
    csr: CSR,
    B: np.ndarray,
    diagonal: Any,
    scale: Any,
    out: Any,
    subtract: bool,
    n_jobs: int | None,
) -> np.ndarray:
    dtype = _result_dtype(csr, B, diagonal, scale)
    columns = 1 if B.ndim == 1 else B.shape[1]
    if out is None:
        out = np.empty((csr.shape[0], *B.shape[1:]), dtype=dtype)
    elif out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(
            f"`out` must be a C-contiguous array of dtype {dtype}, got {out.dtype}."
        )
    if out.size == 0:
        return out
    if dtype.char not in "fd" or not use_compiled():
        return _reference_product(csr.to_scipy(), B, diagonal, scale, out, subtract)

    from sklearn_manifold_reg._arrays import _csr_numba

    function, target = _csr_numba.csr_block_product, out
    if columns == 1:
        function, target = _csr_numba.csr_vector_product, out.reshape(-1)
        B = B.reshape(-1)
    side = np.empty(0, dtype) if diagonal is None else _writable(diagonal, dtype)
    arrays = (_writable(csr.indptr), _writable(csr.indices), _writable(csr.data, dtype))
    block = _writable(B, dtype)
    factor = dtype.type(scale)
    parts = (*arrays, block, side, factor, subtract, target)
    _run(csr, function, csr.nnz * columns, n_jobs, *parts)
    return out


def _reference_product(
    A: sparse.csr_array,
    B: np.ndarray,
    diagonal: Any,
    scale: Any,
    out: np.ndarray,
    subtract: bool,
) -> np.ndarray:
    product = scale * (A @ B)
    if diagonal is not None:
        product += (diagonal[:, None] if B.ndim == 2 else diagonal) * B
    out[...] = product - out if subtract else product
    return out


def _foreign_product(csr: CSR, B: Any) -> Any:
    xp = namespace_of(csr.data, B)
    if array_api_compat.is_torch_array(csr.data) or array_api_compat.is_cupy_array(
        csr.data
    ):
        dtype = xp.result_type(csr.dtype, B.dtype)
        return csr.astype(dtype).to_native() @ xp.astype(B, dtype, copy=False)
    return _slot_product(csr, B, xp)


def _slot_product(csr: CSR, B: Any, xp: Any) -> Any:
    """Sum over the first entries of all rows, then over the second ones, and on."""
    lengths = csr.indptr[1:] - csr.indptr[:-1]
    shape = (csr.shape[0], *B.shape[1:])
    dtype = xp.result_type(csr.dtype, B.dtype)
    out = xp.zeros(shape, dtype=dtype, device=device(csr.data))
    for slot in range(int(xp.max(lengths)) if csr.nnz else 0):
        used = lengths > slot
        entry = xp.where(used, csr.indptr[:-1] + slot, xp.zeros_like(lengths))
        data = xp.take(csr.data, entry)
        data = xp.where(used, data, xp.zeros_like(data))
        rows = xp.take(B, xp.take(csr.indices, entry), axis=0)
        out = out + (data[:, None] if B.ndim == 2 else data) * rows
    return out


def _torch_csr(csr: CSR) -> Any:
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        return torch.sparse_csr_tensor(
            csr.indptr, csr.indices, csr.data, csr.shape, check_invariants=False
        )


def csr_like(A: Any, reference: Any) -> CSR:
    """Move a host sparse matrix to the library and device of an array.

    Parameters
    ----------
    A : sparse array, sparse matrix or CSR
        Matrix on the host.
    reference : array
        Array whose library, device and floating dtype are taken.

    Returns
    -------
    csr : CSR
        The same matrix.
    """
    csr = A if isinstance(A, CSR) else CSR.from_scipy(A)
    if isinstance(reference, np.ndarray) or is_numpy(namespace_of(reference)):
        return csr.astype(np.result_type(reference.dtype, np.float32))
    indptr, indices = (asarray_like(p, reference) for p in (csr.indptr, csr.indices))
    return CSR(indptr, indices, asarray_like(csr.data, reference), csr.shape)
