"""Running walks from many sources, and summing what they leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.graph._random_walks_reference import (
    Queue,
    Visits,
    advance,
    reinforced_visits,
)
from sklearn_manifold_reg.graph._random_walks_tables import WalkTables
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Codes of couplings in the kernels.
_REPELLING, _REINFORCED = 2, 3
# Entries of the buffers that rows are written to in turn (3 MB each), and steps below
# which a second thread does not pay.
_BUFFER = 1 << 18
_SERIAL_STEPS = 50_000
_RANGES_PER_THREAD = 4


@dataclass(frozen=True, eq=False)
class Sources:
    """Where walks start, and what they leave.

    Attributes
    ----------
    graph : WalkTables
        The graph.
    first : WalkTables
        Rows for the first step; the graph itself where its nodes are the sources.
    keys : uint64 ndarray of shape (n_sources,)
        What random numbers depend on: numbers of nodes, or hashes of new rows.
    coefficients : ndarray of shape (n_terms,)
        Deposit of a load of 1 after each number of steps.
    rules : tuple
        `(n_walks, halt, coupling, seed)`: a walk halts where 64 random bits are below
        `halt`.
    scales : ndarray of shape (n_sources,)
        Factors of the rows.
    inverse_roots : ndarray of shape (n_nodes,)
        Factors of the columns.
    isolated : float
        Deposit of a source without edges at itself; 0 for none.
    """

    graph: WalkTables
    first: WalkTables
    keys: np.ndarray
    coefficients: np.ndarray
    rules: tuple
    scales: np.ndarray
    inverse_roots: np.ndarray
    isolated: float

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def expected_steps(self) -> float:
        """Steps to expect from one source."""
        n_walks, halt = self.rules[:2]
        p_halt = float(halt) * 2.0**-64
        return float(n_walks * min(1 / p_halt - 1, len(self.coefficients) - 1))

    def starts(self) -> np.ndarray:
        """Deposits of all walks of each source together at the source itself."""
        linked = np.diff(self.first.indptr) > 0
        return np.where(linked, self.coefficients[0] * self.rules[0], self.isolated)

    def scratch(self) -> np.ndarray:
        """Zeros that a kernel needs beside its own arrays."""
        size = {
            _REPELLING: max(len(self.inverse_roots), len(self)),
            _REINFORCED: len(self.graph.indices),
        }
        return np.zeros(size.get(self.rules[2], 0), dtype=np.int32)


def write_rows(
    sources: Sources,
    columns: np.ndarray | None,
    n_jobs: int | None,
) -> Iterator[tuple[np.ndarray, list, int]]:
    """Compute feature rows, some thousands at a time.

    Parameters
    ----------
    sources : Sources
        Sources.
    columns : integer ndarray, default=None
        Nodes to keep, ascending; None for all.
    n_jobs : int or None
        Threads.

    Yields
    ------
    lengths : int64 ndarray
        Entries of the next rows.
    pieces : list of (indices, values)
        The entries in order, in arrays that the next step of the iterator uses again.
    n_steps : int
        Steps of the walks.
    """
    column_of = number_columns(columns, len(sources.inverse_roots))
    if not use_compiled():
        yield _reference_rows(sources, column_of)
        return
    from sklearn_manifold_reg.graph._random_walks_numba import walk_rows

    n = len(sources)
    lengths = np.empty(n, dtype=np.int64)
    given = (
        tuple(sources.graph), tuple(sources.first), sources.keys, sources.coefficients,
        sources.rules, sources.scales, sources.isolated,
        (sources.inverse_roots, column_of),
    )  # fmt: skip
    per_row = sources.expected_steps + 1
    threads = 1 if n * per_row < _SERIAL_STEPS else n_threads(n_jobs)
    n_ranges = _RANGES_PER_THREAD * threads if threads > 1 else 1
    # Filled to three quarters on average; who has no room comes again.
    rows = max(1, min(-(-n // n_ranges), int(0.75 * _BUFFER / per_row)))
    buffers = [_buffer(int(rows * per_row / 0.75)) for _ in range(n_ranges)]
    scratches = [sources.scratch() for _ in range(threads)]

    def fill(start: int, stop: int) -> tuple[list, int]:
        slot = (start - wave) // rows
        scratch = scratches.pop()
        pieces, total = [], 0
        while start < stop:
            out = buffers[slot]
            row, filled, n_steps = walk_rows(*given, scratch, lengths, out, start, stop)
            total += n_steps
            if row < stop:
                # The rest goes to a new buffer, larger if not a row had room.
                larger = 2 if filled == 0 else 1
                buffers[slot] = _buffer(larger * len(out[0]))
            if filled:
                pieces.append(tuple(part[:filled] for part in out))
            start = row
        scratches.append(scratch)
        return pieces, total

    for wave in range(0, n, rows * n_ranges):
        end = min(n, wave + rows * n_ranges)
        ranges = [(i, min(end, i + rows)) for i in range(wave, end, rows)]
        results = run_rows(fill, n, n_jobs=threads, ranges=ranges)
        pieces = [piece for result in results for piece in result[0]]
        yield lengths[wave:end], pieces, sum(result[1] for result in results)


def number_columns(columns: np.ndarray | None, n_nodes: int) -> np.ndarray:
    """Tell the column of each node.

    Parameters
    ----------
    columns : integer ndarray, default=None
        Nodes to keep, ascending; None for all.
    n_nodes : int
        Number of nodes.

    Returns
    -------
    column_of : int32 ndarray of shape (n_nodes,) or (0,)
        -1 for nodes left out; empty if none is.
    """
    if columns is None:
        return np.empty(0, dtype=np.int32)
    column_of = np.full(n_nodes, -1, dtype=np.int32)
    column_of[columns] = np.arange(len(columns), dtype=np.int32)
    return column_of


def stack_rows(blocks: Any, shape: tuple[int, int], dtype: Any) -> tuple[Any, int]:
    """Put rows into one sparse array.

    Parameters
    ----------
    blocks : iterable of (lengths, pieces, n_steps)
        See `write_rows`.
    shape : tuple of (int, int)
        Of the array.
    dtype : dtype
        Of the entries.

    Returns
    -------
    matrix : csr_array
        Sorted.
    n_steps : int
        Steps of the walks.
    """
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    indices, data = np.empty(0, dtype=np.int32), np.empty(0, dtype=dtype)
    row, filled, total = 0, 0, 0
    for lengths, pieces, n_steps in blocks:
        total += n_steps
        np.cumsum(lengths, out=indptr[row + 1 : row + 1 + len(lengths)])
        indptr[row + 1 : row + 1 + len(lengths)] += filled
        row += len(lengths)
        needed = filled + sum(len(piece[0]) for piece in pieces)
        if needed > len(indices):
            # By the rows so far; memory that is not written to is not taken.
            size = max(needed, int(1.1 * needed * shape[0] / row))
            indices, data = _moved(indices, filled, size), _moved(data, filled, size)
        for columns, values in pieces:
            indices[filled : filled + len(columns)] = columns
            data[filled : filled + len(values)] = values
            filled += len(columns)
    kind = np.int32 if max(filled, *shape) < np.iinfo(np.int32).max else np.int64
    # The base is given up, so that what was too much goes back.
    indices.resize(filled, refcheck=False)
    data.resize(filled, refcheck=False)
    parts = (data, indices.astype(kind, copy=False), indptr.astype(kind, copy=False))
    matrix = sparse.csr_array(parts, shape=shape)
    matrix.has_canonical_format = True
    return matrix, total


def multiply_rows(
    blocks: Any, right: np.ndarray, n_rows: int, dtype: Any
) -> tuple[np.ndarray, int]:
    """Multiply rows by a dense matrix as they come.

    Parameters
    ----------
    blocks : iterable of (lengths, pieces, n_steps)
        See `write_rows`.
    right : ndarray of shape (n_columns, n_outputs)
        Matrix.
    n_rows : int
        Number of rows.
    dtype : dtype
        Of the product.

    Returns
    -------
    product : ndarray of shape (n_rows, n_outputs)
        Product.
    n_steps : int
        Steps of the walks.
    """
    product = np.empty((n_rows, right.shape[1]), dtype=dtype)
    row, total = 0, 0
    for block in blocks:
        shape = (len(block[0]), right.shape[0])
        rows, n_steps = stack_rows([block], shape, right.dtype)
        product[row : row + shape[0]] = CSR.from_scipy(rows).matmat(right)
        row += shape[0]
        total += n_steps
    return product, total


def average_products(
    sources: Sources, B: np.ndarray, means: np.ndarray, n_jobs: int | None
) -> tuple[np.ndarray, int]:
    """Add to `means` what walks collect of a block.

    Parameters
    ----------
    sources : Sources
        Sources.
    B : ndarray of shape (n_nodes, n_outputs)
        Block, times `inverse_roots`.
    means : ndarray of shape (n_sources, n_outputs)
        Deposits at the sources; changed.
    n_jobs : int or None
        Threads.

    Returns
    -------
    errors : ndarray of the shape of `means`
        Standard errors.
    n_steps : int
        Steps of the walks.
    """
    errors = np.empty_like(means)
    if not use_compiled():
        visits = _visits(sources)
        return errors, _reference_products(sources, visits, B, means, errors)
    from sklearn_manifold_reg.graph._random_walks_numba import walk_products

    n = len(sources)
    threads = n_threads(n_jobs) if n * sources.expected_steps > _SERIAL_STEPS else 1
    scratches = [sources.scratch() for _ in range(threads)]
    given = (
        tuple(sources.graph), tuple(sources.first), sources.keys, sources.coefficients,
        sources.rules, sources.scales, B,
    )  # fmt: skip

    def fill(start: int, stop: int) -> int:
        scratch = scratches.pop()
        n_steps = walk_products(*given, scratch, means, errors, start, stop)
        scratches.append(scratch)
        return int(n_steps)

    return errors, sum(run_rows(fill, n, n_jobs=threads))


def rows_of_visits(
    visits: Visits,
    nodes: np.ndarray,
    start: np.ndarray,
    scales: np.ndarray,
    inverse_roots: np.ndarray,
    column_of: np.ndarray,
) -> tuple[np.ndarray, list, int]:
    """Sum visits in any order to rows, as the kernels do.

    Parameters
    ----------
    visits : Visits
        Of all walks from some sources, which are known by their places in `nodes`.
    nodes : integer ndarray of shape (n_sources,)
        Nodes that the sources are.
    start : ndarray of shape (n_sources,)
        What all walks of a source together leave at itself.
    scales : ndarray of shape (n_sources,)
        Factors of the rows.
    inverse_roots : ndarray of shape (n_nodes,)
        Factors of the columns.
    column_of : integer ndarray of shape (n_nodes,) or (0,)
        Columns of nodes, -1 for those left out; empty for all.

    Returns
    -------
    lengths, pieces, n_steps : ndarray, list, int
        As of `write_rows`.
    """
    own = np.nonzero(start)[0]
    source = np.concatenate([own, visits.source])
    node = np.concatenate([nodes[own], visits.node])
    walk = np.concatenate([np.full(len(own), -1), visits.walk])
    step = np.concatenate([np.zeros(len(own), dtype=np.int64), visits.step])
    deposit = np.concatenate([start[own], visits.deposit])
    if len(column_of):
        kept = column_of[node] >= 0
        arrays = (source, node, walk, step, deposit)
        source, node, walk, step, deposit = (array[kept] for array in arrays)
    order = _order(source, node, walk + 1, step)
    source, node, deposit = source[order], node[order], deposit[order]
    new = np.concatenate([[True], (np.diff(source) != 0) | (np.diff(node) != 0)])
    new = new[: len(source)]
    # Adds one after another, in this order.
    sums = np.bincount(np.cumsum(new) - 1, weights=deposit)
    source, node = source[new], node[new]
    values = sums * scales[source] * inverse_roots[node]
    columns = column_of[node] if len(column_of) else node.astype(np.int32)
    lengths = np.bincount(source, minlength=len(start))
    return lengths, [(columns, values)], len(visits.source)


def _order(*keys: np.ndarray) -> np.ndarray:
    """Order by the first key, then by the next; no two have all keys equal."""
    packed = np.zeros(len(keys[0]), dtype=np.uint64)
    n_bits = 0
    for key in keys:
        width = int(key.max(initial=0)).bit_length()
        packed = (packed << np.uint64(width)) | key.astype(np.uint64)
        n_bits += width
    # One number is sorted some five times as fast as four, where all fit in.
    return np.argsort(packed) if n_bits <= 64 else np.lexsort(keys[::-1])


def start_queue(sources: np.ndarray, n_walks: int) -> Queue:
    """Queue the walks of some sources, which are known by their places.

    Parameters
    ----------
    sources : integer ndarray of shape (n_sources,)
        Nodes with edges.
    n_walks : int
        Walks from each.

    Returns
    -------
    queue : Queue
        Walks sorted by source and number.
    """
    source = np.repeat(sources.astype(np.int64), n_walks)
    walk = np.tile(np.arange(n_walks), len(sources))
    zeros = np.zeros(len(source), dtype=np.int64)
    return Queue(source, source, walk, zeros, np.ones(len(source)))


def _visits(sources: Sources) -> Visits:
    graph, first = tuple(sources.graph), tuple(sources.first)
    keys, coefficients, rules = sources.keys, sources.coefficients, sources.rules
    if rules[2] == _REINFORCED:
        return reinforced_visits(graph, first, keys, coefficients, rules)
    names = np.arange(len(sources.inverse_roots))
    linked = np.nonzero(np.diff(sources.first.indptr))[0]
    queue, found = start_queue(linked, rules[0]), []
    given = (coefficients, rules)
    everywhere = max(len(names), len(sources))
    queue, visits = advance(
        first, names, everywhere, queue, keys[queue.source], *given,
        max_steps=1, origins=keys,
    )  # fmt: skip
    found.append(visits)
    _, visits = advance(graph, names, everywhere, queue, keys[queue.source], *given)
    found.append(visits)
    return Visits(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _reference_rows(sources: Sources, column_of: np.ndarray) -> Any:
    return rows_of_visits(
        _visits(sources),
        np.arange(len(sources)),
        sources.starts(),
        sources.scales,
        sources.inverse_roots,
        column_of,
    )


def _reference_products(
    sources: Sources,
    visits: Visits,
    B: np.ndarray,
    means: np.ndarray,
    errors: np.ndarray,
) -> int:
    n, n_walks = len(sources), sources.rules[0]
    together = 2 if sources.rules[2] == 1 else 1
    n_samples = n_walks // together
    sample = visits.source * n_samples + visits.walk // together
    for c in range(B.shape[1]):
        weights = visits.deposit * B[visits.node, c]
        sums = np.bincount(sample, weights, minlength=n * n_samples)
        # Scales hold a division by the number of walks.
        samples = sums.reshape(n, n_samples) * (sources.scales * n_samples)[:, None]
        means[:, c] += samples.mean(axis=1)
        squares = np.var(samples, axis=1)
        errors[:, c] = np.sqrt(squares / (n_samples - 1)) if n_samples > 1 else np.nan
    return len(visits.source)


def _buffer(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.empty(size, dtype=np.int32), np.empty(size)


def _moved(array: np.ndarray, filled: int, size: int) -> np.ndarray:
    larger = np.empty(size, dtype=array.dtype)
    larger[:filled] = array[:filled]
    return larger
