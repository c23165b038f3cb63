"""Bootstrap multigrid: vectors that sweeps and coarse levels hardly change."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import CSR
from sklearn_manifold_reg.linalg._operators import as_operator
from sklearn_manifold_reg.linalg._pairwise_hierarchy import (
    SweepMatrix,
    pairwise_hierarchy,
)
from sklearn_manifold_reg.linalg._workspace import Workspace

_AGGREGATIONS = ("matching", "pyamg")
_COMPOSITIONS = ("multiplicative", "symmetric", "additive")
# Ratio of norms that rounding alone leaves of a solver that is exact.
_EXACT = 1e-13


class Cycle(Protocol):
    """A symmetric linear iteration."""

    @property
    def operator_complexity(self) -> float:
        """Entries of all its matrices over those of the finest."""

    def improve(self, b: np.ndarray, x: np.ndarray, workspace: Workspace) -> None:
        """Make `x` a better solution of `A x = b`."""


@dataclass(frozen=True, eq=False)
class SmoothVectors:
    """Smooth vectors, and the composite multigrid solver that found them.

    Attributes
    ----------
    vectors : ndarray of shape (n, n_vectors)
        Ones first, then the vectors found, each with `w' A w = 1`.
    convergence_ratios : ndarray of shape (n_cycles,)
        Factor by which an iteration of the first 1, 2, ... cycles together reduces
        the A-norm of the error where it is slowest, as estimated.
    operator_complexity : float
        Entries of all matrices of all cycles over those of A: what an iteration
        costs, in units of a few products with A.
    converged : bool
        Whether the last ratio is at most `tol`.
    cycles : sequence of Cycle
        The cycles, in the order of their making.
    composition : {"multiplicative", "symmetric", "additive"}
        How they form one iteration.
    """

    vectors: np.ndarray
    convergence_ratios: np.ndarray
    operator_complexity: float
    converged: bool
    cycles: Sequence[Cycle]
    composition: str

    def __call__(self, R: np.ndarray) -> np.ndarray:
        """Precondition: solve `A Z = R` approximately, by a symmetric map.

        Parameters
        ----------
        R : ndarray of shape (n,) or (n, n_outputs)
            Residuals.

        Returns
        -------
        Z : ndarray of the shape of R
            One iteration from zero; for "multiplicative" one there and one back in
            the opposite order.
        """
        block = np.reshape(R, (len(R), -1))
        columns = np.array(block.T, dtype=np.float64, order="C")
        Z = np.zeros(columns.shape)
        workspace = Workspace()
        composition = self.composition
        if composition == "multiplicative":
            composition = "symmetric"
        for b, x in zip(columns, Z, strict=True):
            _iterate(self.cycles, composition, b, x, workspace)
        return np.ascontiguousarray(Z.T).reshape(np.shape(R))


def bootstrap_smooth_vectors(
    operator: Any,
    *,
    tol: float = 1e-6,
    max_vectors: int = 40,
    n_iter: int = 15,
    aggregation: str = "matching",
    n_pairings: int = 2,
    composition: str = "multiplicative",
    coarse_size: int = 10,
    random_state: Any = 0,
) -> SmoothVectors:
    """Find smooth vectors of a positive definite matrix by bootstrap multigrid.

    A multigrid cycle is made that treats the vector of ones well. What an iteration
    of all cycles made so far hardly changes in a random vector, after `n_iter` steps,
    is the next smooth vector, and the next cycle is made for it; until an iteration
    reduces all errors to a fraction of `tol`. The vectors span much of what the lowest
    eigenvectors span, each at a price in proportion to the entries of the matrix.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric positive definite matrix A, with known entries, on the host.
    tol : float, default=1e-6
        Convergence ratio at which to stop. Smaller values give more vectors.
    max_vectors : int, default=40
        Largest number of vectors to find beside the ones; also the largest number of
        cycles.
    n_iter : int, default=15
        Iterations for each vector.
    aggregation : {"matching", "pyamg"}, default="matching"
        How a cycle is made: by joining pairs of nodes along a maximum product
        matching, or smoothed aggregation of pyamg with the vector as near-null space.
    n_pairings : int, default=2
        Matchings from one level to the next, for "matching" only: 1 joins two
        nodes, 2 up to four.
    composition : {"multiplicative", "symmetric", "additive"}, \
default="multiplicative"
        How an iteration is made of the cycles: one after the other, there and back
        again, or all from the same guess and averaged.
    coarse_size : int, default=10
        Number of nodes from which a level is solved directly. At most a quarter of
        all nodes, since a direct solution of everything has no slow vectors.
    random_state : int, RandomState instance or None, default=0
        Seed of the start vectors.

    Returns
    -------
    smooth_vectors : SmoothVectors
        In float64; can be passed to `solve` as `preconditioner`.

    Raises
    ------
    ValueError
        If a diagonal entry is not positive, or a name is unknown.

    Warns
    -----
    ConvergenceWarning
        If `max_vectors` cycles do not reach `tol`.

    Notes
    -----
    The q-th vector takes `n_iter` * q cycles, all of them `n_iter` * q² / 2, each
    with the cost of a few products with A; time is linear in the number of
    entries for a given number of vectors. Memory is
    `operator_complexity` times that of A.

    References
    ----------
    .. [1] P. D'Ambra, P. S. Vassilevski, "Adaptive AMG with coarsening based on
       compatible weighted matching", Computing and Visualization in Science 16, 2013,
       doi:10.1007/s00791-014-0224-9.
    .. [2] P. D'Ambra, L. Cutillo, P. S. Vassilevski, "Bootstrap AMG for spectral
       clustering", Computational and Mathematical Methods 1, 2019,
       doi:10.1002/cmm4.1020.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.linalg import (
    ...     bootstrap_smooth_vectors,
    ...     orthonormal_span,
    ... )
    >>> n = 200
    >>> A = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    >>> found = bootstrap_smooth_vectors(A)
    >>> Q = orthonormal_span(found.vectors)
    >>> lowest = np.sin(np.pi * np.arange(1, n + 1) / (n + 1))
    >>> lowest /= np.linalg.norm(lowest)
    >>> round(float(np.linalg.norm(Q.T @ lowest)), 2)
    1.0
    """
    for name, value, known in (
        ("aggregation", aggregation, _AGGREGATIONS),
        ("composition", composition, _COMPOSITIONS),
    ):
        if value not in known:
            raise ValueError(f"{name} must be one of {known}, got {value!r}.")
    A = as_operator(operator).to_csr().astype(np.float64)
    fine = SweepMatrix.from_scipy(A.to_scipy())
    n = A.shape[0]
    coarse_size = min(coarse_size, max(1, n // 4))
    rng = check_random_state(random_state)
    workspace, zero = Workspace(), np.zeros(n)
    cycles: list[Cycle] = []
    vectors, ratios = [np.ones(n)], list[float]()
    while not ratios or (ratios[-1] > tol and len(cycles) < max_vectors):
        if aggregation == "matching":
            cycle: Cycle = pairwise_hierarchy(
                fine, vectors[-1], n_pairings=n_pairings, coarse_size=coarse_size
            )
        else:
            cycle = _PyamgCycle.build(A, vectors[-1], coarse_size)
        cycles.append(cycle)
        x = rng.uniform(-1, 1, size=n)
        for step in range(n_iter):
            if step == n_iter - 1:
                before = _energy_norm(A, x)
            _iterate(cycles, composition, zero, x, workspace)
        size = _energy_norm(A, x)
        ratios.append(size / before if before > 0 else 0.0)
        if ratios[-1] > _EXACT:
            vectors.append(x / size)
    converged = ratios[-1] <= tol
    if not converged:
        warnings.warn(
            f"{len(cycles)} cycles have a convergence ratio of {ratios[-1]:.2g}, above "
            f"tol={tol:.2g}. Increase max_vectors or tol.",
            ConvergenceWarning,
            stacklevel=2,
        )
    return SmoothVectors(
        np.stack(vectors, axis=1),
        np.array(ratios),
        float(sum(cycle.operator_complexity for cycle in cycles)),
        converged,
        cycles,
        composition,
    )


def orthonormal_span(vectors: np.ndarray) -> np.ndarray:
    """Give an orthonormal basis of the span of some vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n, n_vectors)
        None of them zero.

    Returns
    -------
    basis : ndarray of shape (n, rank)
        Left singular vectors of the vectors at unit length, of falling singular
        value; directions that are rounding errors are left out. The entry of largest
        size is positive.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import orthonormal_span
    >>> orthonormal_span(np.array([[1.0, 2.0], [1.0, 2.0]])).round(4)
    array([[0.7071],
           [0.7071]])
    """
    V = vectors / np.linalg.norm(vectors, axis=0)
    U, sizes, _ = np.linalg.svd(V, full_matrices=False)
    U = U[:, sizes > max(V.shape) * np.finfo(V.dtype).eps * sizes[0]]
    peaks = U[np.argmax(np.abs(U), axis=0), np.arange(U.shape[1])]
    return U * np.where(peaks < 0, -1.0, 1.0)


@dataclass(frozen=True, eq=False)
class _PyamgCycle:
    """A V-cycle of pyamg with the same sweeps."""

    matrix: CSR
    hierarchy: Any

    @classmethod
    def build(cls, A: CSR, vector: np.ndarray, coarse_size: int) -> "_PyamgCycle":
        from pyamg.aggregation import smoothed_aggregation_solver

        hierarchy = smoothed_aggregation_solver(
            sparse.csr_matrix(A.to_scipy()),
            B=vector[:, None],
            symmetry="symmetric",
            presmoother=("gauss_seidel", {"sweep": "forward"}),
            postsmoother=("gauss_seidel", {"sweep": "backward"}),
            # Other weightings draw from NumPy's global random numbers.
            smooth=("jacobi", {"omega": 4 / 3, "weighting": "local"}),
            improve_candidates=None,
            max_coarse=coarse_size,
        )
        return cls(A, hierarchy)

    @property
    def operator_complexity(self) -> float:
        return float(self.hierarchy.operator_complexity())

    def improve(self, b: np.ndarray, x: np.ndarray, workspace: Workspace) -> None:
        product = workspace.empty("product", x.shape, np.float64)
        residual = b - self.matrix.matmat(x, out=product)
        x += self.hierarchy.aspreconditioner(cycle="V") @ residual


def _iterate(
    cycles: Sequence[Cycle],
    composition: str,
    b: np.ndarray,
    x: np.ndarray,
    workspace: Workspace,
) -> None:
    """Run one iteration of all cycles on `A x = b`, in place."""
    if composition == "additive":
        start = workspace.copy("start", x, np.float64)
        total = workspace.zeros("total", x)
        for cycle in cycles:
            x[:] = start
            cycle.improve(b, x, workspace)
            total += x
        np.divide(total, len(cycles), out=x)
        return
    for cycle in cycles:
        cycle.improve(b, x, workspace)
    if composition == "symmetric":
        for cycle in reversed(cycles):
            cycle.improve(b, x, workspace)


def _energy_norm(A: CSR, x: np.ndarray) -> float:
    return float(np.sqrt(x @ A.matmat(x)))
