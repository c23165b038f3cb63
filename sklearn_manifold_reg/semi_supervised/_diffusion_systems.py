"""Linear systems whose solutions carry labels along the edges of a graph."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import CSR, asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.graph import laplacian
from sklearn_manifold_reg.linalg import NullSpace, SparseOperator
from sklearn_manifold_reg.semi_supervised._labeled_components import (
    LabeledComponents,
    component_means,
    component_range,
    find_labeled_components,
)

# solve(operator, B, null_space=None) -> SolveResult
Solve = Callable[..., Any]


@dataclass(frozen=True)
class LabelProblem:
    """Known values on some nodes of a graph.

    Parameters
    ----------
    weights : CSR of shape (n_samples, n_samples)
        Symmetric weights W >= 0 with zero diagonal.
    degrees : array of shape (n_samples,)
        Row sums d of the weights, in their dtype.
    targets : array of shape (n_samples, n_columns)
        Known values Y, one-hot rows for classes; 0 where unlabeled.
    labeled : array of bool, shape (n_samples,)
        Which rows are known.
    components : LabeledComponents
        Components of the graph, and which of them hold labels of which column.
    """

    weights: CSR
    degrees: Any
    targets: Any
    labeled: Any
    components: LabeledComponents

    def reached(self) -> Any:
        """Whether a row's component holds a label, on the device of the weights."""
        return asarray_like(self.components.reached, self.labeled)


def label_problem(
    affinity: Any, targets: Any, labeled: Any, codes: Any = None
) -> LabelProblem:
    """Put labels on the nodes of a graph.

    Parameters
    ----------
    affinity : csr_array or CSR of shape (n_samples, n_samples)
        Affinity of a fitted graph builder.
    targets : array of shape (n_samples, n_columns)
        Known values, 0 where unlabeled.
    labeled : array of bool, shape (n_samples,)
        Which rows are known.
    codes : array of int, shape (n_samples,), default=None
        Class of each row, negative where unlabeled, if columns stand for classes.

    Returns
    -------
    problem : LabelProblem
        In the dtype of the affinity.
    """
    L = laplacian(affinity, normalization=None)
    if codes is None:
        codes, n_columns = np.where(to_numpy(labeled), 0, -1), 1
    else:
        codes, n_columns = to_numpy(codes), targets.shape[1]
    return LabelProblem(
        weights=L.csr,
        degrees=L.degrees,
        targets=namespace_of(targets).astype(targets, L.csr.dtype, copy=False),
        labeled=labeled,
        components=find_labeled_components(
            to_numpy(L.component_labels), codes, n_columns
        ),
    )


def solve_harmonic(problem: LabelProblem, solve: Solve) -> tuple[Any, int]:
    """Extend labels harmonically: L u = 0 off the labels, u = y on them.

    Known rows become rows of the identity, which leaves one positive definite system
    of full size over all columns, whatever the array library. So do rows that no
    label reaches; they get 0.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    solve : callable
        `solve(operator, B)`.

    Returns
    -------
    U : array of shape (n_samples, n_columns)
        Values within the range of the labels.
    n_iter : int
        Iterations of the solver.
    """
    Y = problem.targets
    xp = namespace_of(Y)
    free = problem.reached() & ~problem.labeled
    inside = xp.astype(free, Y.dtype)
    operator = SparseOperator(
        problem.weights.scale(left=inside, right=inside),
        diagonal=xp.where(free, problem.degrees, xp.ones_like(problem.degrees)),
        scale=-1.0,
    )
    B = xp.where(free[:, None], problem.weights.matmat(Y), Y)
    result = solve(operator, B)
    # Known rows to the last bit, though the solver met them to its tolerance only.
    return xp.where(problem.labeled[:, None], Y, result.x), count_iterations(result)


def solve_local_global(
    problem: LabelProblem, solve: Solve, *, graph_alpha: float
) -> tuple[Any, int]:
    """Balance labels against smoothness: (I + graph_alpha L_sym) F = Y.

    With a = graph_alpha / (1 + graph_alpha) and S = D^-1/2 W D^-1/2 this is
    (I - a S) F = (1 - a) Y, the fixed point of label spreading.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    solve : callable
        `solve(operator, B)`.
    graph_alpha : float
        Weight of the Laplacian term.

    Returns
    -------
    F : array of shape (n_samples, n_columns)
    n_iter : int
        Iterations of the solver.
    """
    xp = namespace_of(problem.targets)
    d = problem.degrees
    s = xp.where(d > 0, 1 / xp.sqrt(xp.where(d > 0, d, xp.ones_like(d))), d)
    a = graph_alpha / (1.0 + graph_alpha)
    operator = SparseOperator(
        problem.weights.scale(left=s, right=s), diagonal=xp.ones_like(d), scale=-a
    )
    result = solve(operator, (1.0 - a) * problem.targets)
    return result.x, count_iterations(result)


def solve_poisson(problem: LabelProblem, sources: Any, solve: Solve) -> tuple[Any, int]:
    """Let labels be point sources: L u = B, with sum_i d_i u_i = 0.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    sources : array of shape (n_samples, n_columns)
        Sources B from `poisson_sources`: they sum to zero over every component, on
        each of which u is determined by its own labels alone.
    solve : callable
        `solve(operator, B, null_space=...)`.

    Returns
    -------
    U : array of shape (n_samples, n_columns)
        Degree-weighted mean zero on every component.
    n_iter : int
        Iterations of the solver.
    """
    d = problem.degrees
    xp = namespace_of(d)
    labels = problem.components.labels
    # An isolated node has no equation; its source is 0 and so is its value.
    diagonal = xp.where(d > 0, d, xp.ones_like(d))
    operator = SparseOperator(problem.weights, diagonal=diagonal, scale=-1.0)
    null_space = NullSpace(np.where(to_numpy(d) > 0, labels, -1))
    result = solve(operator, sources, null_space=null_space)
    means = component_means(result.x, d, labels)
    return result.x - means, count_iterations(result)


def poisson_sources(problem: LabelProblem, *, balance: bool) -> Any:
    """Centered point sources at the labels: B_j = y_j - mean of y.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    balance : bool
        Divide every column by its sum first, times the sum's mean, so that classes
        inject the same mass however many labels they have.

    Returns
    -------
    B : array of shape (n_samples, n_columns)
        Sums to zero over every component: the mean is the one of the component.
    """
    Y = problem.targets
    xp = namespace_of(Y)
    if balance:
        totals = xp.sum(Y, axis=0)
        Y = Y * (xp.mean(totals) / totals)[None, :]
    known = xp.astype(problem.labeled, Y.dtype)
    means = component_means(Y, known, problem.components.labels)
    return (Y - means) * known[:, None]


def reweight_near_labels(problem: LabelProblem, solve: Solve) -> LabelProblem:
    """Strengthen edges near labels: W_ij becomes gamma_i W_ij gamma_j.

    gamma solves L gamma = sum_j (e_j - 1 / n) over labeled rows j and is brought to
    the range from `_FLOOR` to 1 + `_FLOOR` on every component. It grows towards the
    labels as a fundamental solution does, which keeps harmonic functions continuous
    there.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.
    solve : callable
        `solve(operator, B, null_space=...)`.

    Returns
    -------
    problem : LabelProblem
        The same labels on the reweighted graph.
    """
    xp = namespace_of(problem.degrees)
    labels = problem.components.labels
    ones = xp.ones_like(problem.degrees)
    known = xp.astype(problem.labeled, ones.dtype)[:, None]
    sources = known - component_means(known, ones, labels)
    gamma, _ = solve_poisson(problem, sources, solve)
    low, high = component_range(gamma[:, 0], labels)
    spread = xp.where(high > low, high - low, ones)
    gamma = (gamma[:, 0] - low) / spread + _FLOOR
    weights = problem.weights.scale(left=gamma, right=gamma)
    return replace(problem, weights=weights, degrees=weights.row_sums())


def strengthen_labeled_edges(problem: LabelProblem) -> LabelProblem:
    """Strengthen the edges of labeled rows by the share of labels.

    With n rows and l labels, edges between a labeled and an unlabeled row weigh
    (1 + n / l) / 2 times as much as before: in the sum of squared nonlocal gradients
    labeled rows then count as much as all others.

    Parameters
    ----------
    problem : LabelProblem
        Graph and labels.

    Returns
    -------
    problem : LabelProblem
        The same labels on the reweighted graph.
    """
    xp = namespace_of(problem.degrees)
    known = xp.astype(problem.labeled, problem.degrees.dtype)
    ratio = known.shape[0] / float(xp.sum(known))
    # Edges between labeled rows get the square of it, and are of no account.
    factor = 1 + known * ((1 + ratio) / 2 - 1)
    weights = problem.weights.scale(left=factor, right=factor)
    return replace(problem, weights=weights, degrees=weights.row_sums())


# Smallest factor of a node where the largest is one. Conditioning gets
# worse as its square falls; below this value accuracy no longer changes.
_FLOOR = 1e-3


def count_iterations(result: Any) -> int:
    """Return the iterations of a solve, at least 1: a direct solve is one."""
    return max(1, int(to_numpy(result.n_iter).max()))
