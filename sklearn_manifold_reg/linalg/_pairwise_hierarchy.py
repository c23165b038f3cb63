"""Multigrid hierarchies of pairs of nodes, adapted to one vector."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import spsolve_triangular

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.linalg._workspace import Workspace
from sklearn_manifold_reg.utils._numba import use_compiled

# Share of unmatched nodes above which they join the pair of their strongest neighbor:
# the next level would be too large.
_LARGEST_SINGLE_SHARE = 0.4


@dataclass(frozen=True, eq=False)
class SweepMatrix:
    """A matrix as Gauss-Seidel sweeps read it.

    Attributes
    ----------
    matrix : csr_array of shape (n, n)
        Symmetric positive definite, with sorted indices and a full diagonal.
    arrays : tuple of ndarray
        Of the matrix without its diagonal, row bounds, columns and entries; where
        entries behind the diagonal begin in each row; one over the diagonal.
    """

    matrix: sparse.csr_array
    arrays: tuple[np.ndarray, ...]

    @classmethod
    def from_scipy(cls, A: sparse.csr_array) -> "SweepMatrix":
        """Take a matrix apart.

        Parameters
        ----------
        A : csr_array of shape (n, n)
            Symmetric positive definite, in canonical format.

        Returns
        -------
        matrix : SweepMatrix
            Holds a copy of the entries.

        Raises
        ------
        ValueError
            If a diagonal entry is not positive.
        """
        n, diagonal = A.shape[0], A.diagonal()
        if not np.all(diagonal > 0):
            raise ValueError(
                "Gauss-Seidel sweeps need a positive diagonal; its least entry is "
                f"{diagonal.min():.3g}."
            )
        rows = entry_rows(A)
        aside = rows != A.indices
        lengths = np.bincount(rows[aside], minlength=n)
        before = np.bincount(rows[rows > A.indices], minlength=n)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        return cls(
            A,
            (
                indptr,
                A.indices[aside].astype(np.int32, copy=False),
                A.data[aside],
                indptr[:-1] + before,
                1 / diagonal,
            ),
        )


@dataclass(frozen=True, eq=False)
class PairwiseLevel:
    """One level: its matrix, and how its nodes are joined.

    Attributes
    ----------
    matrix : csr_array of shape (n, n)
        Symmetric positive definite.
    aggregates : int32 ndarray of shape (n,)
        Node of the next level that each node belongs to.
    weights : float64 ndarray of shape (n,)
        Entry of the interpolation in that column, which has norm one; 0 for nodes
        that the next level does without.
    """

    matrix: sparse.csr_array
    aggregates: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True, eq=False)
class PairwiseHierarchy:
    """A V-cycle with one Gauss-Seidel sweep forward before and one backward after.

    Attributes
    ----------
    fine : SweepMatrix
        The matrix itself, which several hierarchies can share.
    levels : list of PairwiseLevel
        From fine to coarse.
    inverse : ndarray of shape (n_coarsest, n_coarsest)
        Inverse of the coarsest matrix.
    """

    fine: SweepMatrix
    levels: list[PairwiseLevel]
    inverse: np.ndarray

    @property
    def operator_complexity(self) -> float:
        """Number of entries of all matrices over that of the finest."""
        sizes = [level.matrix.nnz for level in self.levels]
        return (sum(sizes) + self.inverse.size) / sizes[0]

    def improve(self, b: np.ndarray, x: np.ndarray, workspace: Workspace) -> None:
        """Run one cycle on `A x = b`, which reduces the A-norm of the error.

        Parameters
        ----------
        b : float64 ndarray of shape (n,)
            Right-hand side.
        x : float64 ndarray of shape (n,)
            Guess; overwritten by a better one.
        workspace : Workspace
            Owner of what is needed on the way.
        """
        if not use_compiled():
            x[:] = self._reference_cycle(0, b, x)
            return
        from sklearn_manifold_reg.linalg._pairwise_hierarchy_numba import v_cycle

        below = (self._size_below,)
        buffers = [
            workspace.empty("behind", x.shape, np.float64),
            workspace.empty("coarse b", below, np.float64),
            workspace.empty("coarse x", below, np.float64),
            workspace.empty("coarse behind", below, np.float64),
        ]
        v_cycle(*self.fine.arrays, *self._packed, b, x, *buffers)

    def _reference_cycle(self, depth: int, b: np.ndarray, x: np.ndarray) -> np.ndarray:
        if depth == len(self.levels):
            return self.inverse @ b
        level = self.levels[depth]
        A, owners, weights = level.matrix, level.aggregates, level.weights
        x = x + spsolve_triangular(sparse.csr_array(sparse.tril(A)), b - A @ x)
        n_coarse = self._sizes[depth]
        if n_coarse:
            residual = weights * (b - A @ x)
            below = np.bincount(owners, weights=residual, minlength=n_coarse)
            correction = self._reference_cycle(depth + 1, below, np.zeros(n_coarse))
            x = x + weights * correction[owners]
        upper = sparse.csr_array(sparse.triu(A))
        return x + spsolve_triangular(upper, b - A @ x, lower=False)

    @property
    def _sizes(self) -> list[int]:
        """Sizes of the levels below the finest."""
        sizes = [int(level.matrix.shape[0]) for level in self.levels[1:]]
        return [*sizes, len(self.inverse)]

    @cached_property
    def _size_below(self) -> int:
        return sum(self._sizes)

    @cached_property
    def _packed(self) -> tuple[np.ndarray, ...]:
        """All levels below the finest, for the kernel."""
        starts = np.concatenate([[0], np.cumsum(self._sizes)])
        matrices = [level.matrix for level in self.levels[1:]]
        below = sparse.block_diag([sparse.csr_array((0, 0)), *matrices], format="csr")
        # Nodes without weight point to the first row, which they do not touch.
        owners = [
            np.where(level.weights != 0, level.aggregates + start, 0)
            for level, start in zip(self.levels, starts, strict=False)
        ]
        return (
            *SweepMatrix.from_scipy(CSR.from_scipy(below).to_scipy()).arrays,
            starts,
            np.concatenate(owners).astype(np.int32),
            np.concatenate([level.weights for level in self.levels]),
            self.inverse,
        )


def pairwise_hierarchy(
    fine: SweepMatrix,
    vector: np.ndarray,
    *,
    n_pairings: int = 2,
    coarse_size: int = 10,
    max_levels: int = 39,
) -> PairwiseHierarchy:
    """Build a hierarchy whose coarse levels reproduce a vector.

    Nodes i and j are joined along heavy entries of

        1 - 2 a_ij v_i v_j / (a_ii v_i² + a_jj v_j²),

    which are above 1 where the energy of v is lowered by the entry. The interpolation
    has the column (v_i, v_j) / sqrt(v_i² + v_j²) for a pair, and the next matrix is
    the Galerkin product.

    Parameters
    ----------
    fine : SweepMatrix of shape (n, n)
        The matrix A.
    vector : ndarray of shape (n,)
        Vector v that sweeps hardly change.
    n_pairings : int, default=2
        Matchings from one level to the next: 1 gives pairs, 2 up to four nodes.
    coarse_size : int, default=10
        Size from which a matrix is inverted.
    max_levels : int, default=39
        Largest number of levels.

    Returns
    -------
    hierarchy : PairwiseHierarchy
        Its set-up takes O(nnz log nnz) time.

    Notes
    -----
    A matching is made greedily, from the heaviest entry on, of equal ones that of the
    lowest nodes first: at least half the weight of the best one. Nodes left over stay
    alone, but follow their heaviest entry where they are many, as around hubs. Nodes
    without entries beside the diagonal are left out: sweeps solve for them exactly.

    References
    ----------
    P. D'Ambra, S. Filippone, P. S. Vassilevski, "BootCMatch: a software package for
    bootstrap AMG based on graph weighted matching", ACM Transactions on Mathematical
    Software 44, 2018, doi:10.1145/3190647.
    """
    A, v = fine.matrix, np.asarray(vector, dtype=np.float64)
    levels: list[PairwiseLevel] = []
    while not levels or (A.shape[0] > coarse_size and len(levels) < max_levels):
        aggregates, weights, coarse, v = _join(A, v)
        for _ in range(n_pairings - 1):
            if coarse.shape[0] <= coarse_size:
                break
            above, scale, coarse, v = _join(coarse, v)
            weights = weights * scale[aggregates]
            aggregates = above[aggregates]
        levels.append(PairwiseLevel(A, aggregates, weights))
        A = coarse
    dense = A.toarray()
    inverse = linalg.inv(dense, check_finite=False) if len(dense) else dense
    return PairwiseHierarchy(fine, levels, np.ascontiguousarray(inverse))


def entry_rows(A: sparse.csr_array) -> np.ndarray:
    """Give the row of each entry.

    Parameters
    ----------
    A : csr_array of shape (n, m)
        Matrix.

    Returns
    -------
    rows : int32 ndarray of shape (nnz,)
        Ascending.
    """
    return np.repeat(np.arange(A.shape[0], dtype=np.int32), np.diff(A.indptr))


def _join(
    A: sparse.csr_array, v: np.ndarray
) -> tuple[np.ndarray, np.ndarray, sparse.csr_array, np.ndarray]:
    """Join nodes to pairs: aggregates, interpolation, coarse matrix and vector."""
    n, rows, columns = A.shape[0], entry_rows(A), A.indices
    sizes = A.diagonal() * v * v
    edges = np.flatnonzero((rows < columns) & (A.data != 0))
    i, j = rows[edges], columns[edges]
    total = sizes[i] + sizes[j]
    if not np.all(total > 0):
        edges = edges[total > 0]
        i, j = rows[edges], columns[edges]
        total = sizes[i] + sizes[j]
    affinity = 1 - 2 * A.data[edges] * v[i] * v[j] / total
    aggregates, n_coarse = _aggregates(affinity, i, j, n)
    kept = aggregates >= 0
    owners = np.where(kept, aggregates, 0)
    squares = np.where(kept, v * v, 0.0)
    norms = np.sqrt(np.bincount(owners, weights=squares, minlength=n_coarse))
    weights = np.zeros(n)
    weights[kept] = v[kept] / norms[owners[kept]]
    # Entries of the Galerkin product, P' A P with one entry a row of P.
    values = weights[rows] * A.data * weights[columns]
    ends = (owners[rows], owners[columns])
    if not kept.all():
        used = kept[rows] & kept[columns]
        values, ends = values[used], (ends[0][used], ends[1][used])
    coarse = sparse.coo_array((values, ends), shape=(n_coarse, n_coarse)).tocsr()
    return owners, weights, coarse, norms


def _aggregates(
    affinity: np.ndarray, rows: np.ndarray, columns: np.ndarray, n: int
) -> tuple[np.ndarray, int]:
    """Give pairs and single nodes numbers, in the order of their first nodes."""
    order = np.argsort(-affinity, kind="stable")
    mates, hosts = _matching(order, rows, columns, n)
    touched = (mates >= 0) | (hosts >= 0)
    own = np.arange(n, dtype=np.int32)
    leaders = np.where(mates < 0, own, np.minimum(own, mates))
    n_single = int(np.count_nonzero(hosts >= 0))
    if n_single > _LARGEST_SINGLE_SHARE * np.count_nonzero(touched):
        leaders = np.where(hosts >= 0, leaders[hosts], leaders)
    heads = np.flatnonzero(touched & (leaders == own))
    numbers = np.full(n, -1, dtype=np.int32)
    numbers[heads] = np.arange(len(heads), dtype=np.int32)
    return np.where(touched, numbers[leaders], np.int32(-1)), len(heads)


def _matching(
    order: np.ndarray, rows: np.ndarray, columns: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    from sklearn_manifold_reg.linalg import _pairwise_hierarchy_numba

    function = _pairwise_hierarchy_numba.pair_nodes
    if not use_compiled():
        function = getattr(function, "py_func", function)
    mates, hosts = np.empty((2, n), dtype=np.int32)
    function(order, rows, columns, mates, hosts)
    return mates, hosts
