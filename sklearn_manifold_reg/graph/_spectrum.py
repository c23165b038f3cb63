"""Lowest eigenpairs of graph Laplacians, and their values at new nodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of
from sklearn_manifold_reg.graph._laplacian import GraphOperator, laplacian
from sklearn_manifold_reg.linalg import EigenResult, lowest_eigenpairs

# Eigenvalues of the random walk below which nothing is extended: new rows would be
# averages divided by nearly zero.
_LEAST_WALK_VALUE = 1e-6


@dataclass(frozen=True, eq=False)
class LaplacianEigenpairs:
    """Lowest eigenpairs of a graph Laplacian, with the evidence for them.

    Attributes
    ----------
    values : array of shape (n_pairs,)
        Eigenvalues, ascending; as many zeros first as the graph has components.
    vectors : array of shape (n, n_pairs)
        Orthonormal eigenvectors of the symmetric form; the entry of largest size is
        positive.
    functions : array of shape (n, n_pairs)
        The eigenvectors as functions on the nodes, of size about one whatever n:
        right eigenvectors of the random walk, `vectors / sqrt(degrees)`, with
        mean square 1 weighted by degrees; `sqrt(n) * vectors` for
        `normalization=None`. A connected graph has the constant 1 first.
    operator : GraphOperator
        The Laplacian.
    residual_norms : ndarray of shape (n_pairs,)
        Norms of `L v - value v` of the symmetric form, in float64.
    n_iter : int
        Steps of the solver; 0 for a dense decomposition.
    converged : bool
        Whether every residual met the tolerance.
    solver : str
        Solver that was used.
    """

    values: Any
    vectors: Any
    functions: Any
    operator: GraphOperator
    residual_norms: np.ndarray
    n_iter: int
    converged: bool
    solver: str

    def extend(self, affinity: Any) -> Any:
        """Evaluate the functions at new nodes (Nyström).

        An eigenfunction is the average of its values over the neighbors of a node,
        divided by 1 - value. At new nodes this is taken for its definition:
        `sum_j p_j functions[j] / (1 - value)` with the weights p of a node summing
        to one.

        Parameters
        ----------
        affinity : sparse array or CSR of shape (m, n)
            Weights of new nodes to the n nodes, such as `transform` of a graph
            builder gives.

        Returns
        -------
        functions : array of shape (m, n_pairs)
            Zero for nodes without edges, and in columns whose value is 1 or more.

        References
        ----------
        Y. Bengio, J.-F. Paiement, P. Vincent, O. Delalleau, N. Le Roux, M. Ouimet,
        "Out-of-sample extensions for LLE, Isomap, MDS, eigenmaps, and spectral
        clustering", NIPS 2003.
        """
        xp = namespace_of(self.functions)
        weights = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
        if self.operator.density_factor is not None:
            weights = weights.scale(right=self.operator.density_factor)
        degrees = xp.astype(weights.row_sums(), self.functions.dtype)
        tied = degrees > 0
        safe = xp.where(tied, degrees, xp.ones_like(degrees))
        sums = weights.matmat(self.functions)
        if self.operator.normalization is None:
            # (d - value) u = sum_j w_j u_j
            rest = safe[:, None] - self.values[None, :]
            share = rest / safe[:, None]
        else:
            rest = safe[:, None] * (1 - self.values)[None, :]
            share = xp.broadcast_to((1 - self.values)[None, :], rest.shape)
        kept = tied[:, None] & (share > _LEAST_WALK_VALUE)
        extended = sums / xp.where(kept, rest, xp.ones_like(rest))
        return xp.where(kept, extended, xp.zeros_like(extended))


def laplacian_eigenpairs(
    affinity: Any,
    n_pairs: int,
    *,
    normalization: str | None = "symmetric",
    alpha: float = 0.5,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int | None = None,
    random_state: Any = 0,
    n_jobs: int | None = None,
) -> LaplacianEigenpairs:
    """Compute the lowest eigenpairs of the Laplacian of a graph.

    The eigenvectors of eigenvalue 0, one for each connected component, are written
    down, not computed; all others are searched orthogonally to them.

    Parameters
    ----------
    affinity : sparse array or matrix, CSR, Graph or GraphOperator of shape (n, n)
        Symmetric, non-negative weights, or their Laplacian; then `normalization` and
        `alpha` are not used.
    n_pairs : int
        Number of eigenpairs, those of eigenvalue 0 among them; at most n.
    normalization : {"symmetric", "random-walk", "density"} or None, \
default="symmetric"
        Form of the Laplacian, see `laplacian`. "random-walk" has the eigenvalues of
        "symmetric"; its right eigenvectors are `functions`.
    alpha : float, default=0.5
        Exponent of the density, for "density" only.
    solver : {"auto", "dense", "chebyshev", "lobpcg", "arpack", "shift-invert"}, \
default="auto"
        See `sklearn_manifold_reg.linalg.lowest_eigenpairs`.
    tol : float, default=1e-6
        Residual norm wanted, relative to the largest eigenvalue.
    max_iter : int or None, default=None
        Largest number of steps; None leaves it to the solver.
    random_state : int, RandomState instance or None, default=0
        Seed of the start.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    eigenpairs : LaplacianEigenpairs
        In the library, device and dtype of the affinity.

    Raises
    ------
    ValueError
        If `n_pairs` is not in 1..n or a name is unknown.

    Warns
    -----
    ConvergenceWarning
        If a residual does not meet `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from sklearn_manifold_reg.graph import laplacian_eigenpairs
    >>> path = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(4, 4))
    >>> pairs = laplacian_eigenpairs(path, 3, normalization=None)
    >>> np.round(pairs.values, 6)
    array([0.      , 0.585786, 2.      ])
    """
    operator = affinity
    if not isinstance(affinity, GraphOperator):
        if normalization == "random-walk":
            normalization = "symmetric"
        operator = laplacian(affinity, normalization=normalization, alpha=alpha)
    elif affinity.normalization == "random-walk":
        raise ValueError(
            "The random-walk Laplacian is not symmetric; pass the affinity with "
            "normalization='random-walk', or the symmetric Laplacian."
        )
    result = lowest_eigenpairs(
        operator,
        n_pairs,
        null_space=operator.null_space(),
        solver=solver,
        tol=tol,
        max_iter=max_iter,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return _as_functions(operator, result)


def _as_functions(operator: GraphOperator, result: EigenResult) -> LaplacianEigenpairs:
    V = result.vectors
    xp = namespace_of(V)
    if operator.normalization is None:
        functions = V * float(np.sqrt(operator.shape[0]))
    else:
        degrees = operator.degrees
        total = float(xp.sum(degrees))
        isolated = degrees <= 0
        safe = xp.where(isolated, xp.ones_like(degrees), degrees)
        factor = xp.sqrt((total or 1.0) / safe)
        functions = V * xp.astype(asarray_like(factor, V), V.dtype)[:, None]
    return LaplacianEigenpairs(
        result.values,
        V,
        functions,
        operator,
        result.residual_norms,
        result.n_iter,
        result.converged,
        result.solver,
    )
