"""The problem that structured sparse factorizations solve, and its certificates."""

from dataclasses import dataclass
from typing import Any

from sklearn_manifold_reg._arrays import CSR, namespace_of
from sklearn_manifold_reg.decomposition._products import row_blocks, weighted_sums


@dataclass(frozen=True, eq=False)
class StructuredProblem:
    """Objective of W and H, both non-negative.

    The objective is, with L the Laplacian of the graph,

        F = 1/2 ||X - W H||² + graph_alpha/2 tr(W' L W) + alpha sum(W)
            + row_weight/2 ||W 1 - 1||².

    Attributes
    ----------
    X : array of shape (n, p)
        Data, non-negative.
    affinity : CSR of shape (n, n) or None
        Weights of the graph; None without a graph term.
    degrees : array of shape (n,) or None
        Row sums of `affinity`.
    alpha, graph_alpha, row_weight : float
        Weights of the terms.
    simplex : bool
        Whether rows of W sum to one exactly; `alpha` and `row_weight` are 0 then.
    unit_norm : bool
        Whether rows of H have norm one.
    n_jobs : int or None
        Threads, for NumPy only. No value depends on them.
    squared_norm : float
        ||X||².
    """

    X: Any
    affinity: CSR | None
    degrees: Any
    alpha: float
    graph_alpha: float
    row_weight: float
    simplex: bool
    unit_norm: bool
    n_jobs: int | None
    squared_norm: float

    @classmethod
    def from_data(cls, X: Any, affinity: CSR | None, **terms: Any) -> Any:
        """Prepare what all sweeps need.

        Parameters
        ----------
        X : array of shape (n, p)
            Data.
        affinity : CSR of shape (n, n) or None
            Weights of the graph.
        **terms : float, int, bool and None
            The remaining attributes, but `squared_norm`.

        Returns
        -------
        problem : StructuredProblem
            With the degrees of the graph and the norm of the data.
        """
        degrees = None if affinity is None else affinity.row_sums()
        return cls(X, affinity, degrees, squared_norm=inner(X, X), **terms)

    def objective(self, W: Any, G: Any, B: Any) -> float:
        """Compute F from Gram matrices, without W H.

        Parameters
        ----------
        W : array of shape (n, K)
            Abundances.
        G, B : arrays of shape (K, K) and (n, K)
            H H' and X H'.

        Returns
        -------
        value : float
            F. Products are summed in float64.
        """
        xp = namespace_of(W)
        square = inner(weighted_sums(W, W, n_jobs=self.n_jobs), G)
        value = 0.5 * (self.squared_norm - 2 * inner(W, B) + square)
        if self.affinity is not None:
            value += 0.5 * self.graph_alpha * inner(self.laplacian_product(W), W)
        if self.alpha:
            value += self.alpha * float(xp.sum(W, dtype=xp.float64))
        if self.row_weight:
            excess = xp.sum(W, axis=1) - 1
            value += 0.5 * self.row_weight * inner(excess, excess)
        return value

    def laplacian_product(self, W: Any) -> Any:
        """Compute L W.

        Parameters
        ----------
        W : array of shape (n, K)
            Abundances.

        Returns
        -------
        product : array of shape (n, K)
            Of a graph that there must be.
        """
        assert self.affinity is not None
        return self.affinity.matmat(
            W, diagonal=self.degrees, scale=-1.0, n_jobs=self.n_jobs
        )

    def projected_gradient_norm(self, W: Any, H: Any) -> float:
        """Measure how far W and H are from a stationary point.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            Abundances and endmembers.

        Returns
        -------
        norm : float
            The larger one of two relative norms: the part of the gradient in W along
            which F falls within the constraints, over ||W H H'||; and that in H, over
            ||W' W H||. Zero exactly at stationary points.
        """
        xp = namespace_of(W)
        fit = W @ (H @ H.T)
        slope = fit - self.X @ H.T + self.alpha
        if self.affinity is not None:
            slope = slope + self.graph_alpha * self.laplacian_product(W)
        if self.row_weight:
            slope = slope + self.row_weight * (xp.sum(W, axis=1, keepdims=True) - 1)
        if self.simplex:
            slope = slope - xp.sum(W * slope, axis=1, keepdims=True)
        in_W = _relative(_feasible(slope, W), fit)
        fit = (W.T @ W) @ H
        slope = fit - W.T @ self.X
        if self.unit_norm:
            slope = slope - xp.sum(H * slope, axis=1, keepdims=True) * H
        return max(in_W, _relative(_feasible(slope, H), fit))

    def residual_norm(self, W: Any, H: Any) -> float:
        """Compute ||X - W H|| itself, block by block.

        Parameters
        ----------
        W, H : arrays of shape (n, K) and (K, p)
            Abundances and endmembers.

        Returns
        -------
        norm : float
            Frobenius norm, without the cancellation of Gram matrices.
        """
        total = 0.0
        for rows in row_blocks(self.X):
            rest = self.X[rows, :] - W[rows, :] @ H
            total += inner(rest, rest)
        return total**0.5


def inner(A: Any, B: Any) -> float:
    """Sum products of entries in float64, without arrays of the size of `A`.

    Parameters
    ----------
    A, B : arrays of one shape
        Real.

    Returns
    -------
    value : float
        <A, B>.
    """
    xp = namespace_of(A)
    if A.ndim == 1:
        A, B = A[:, None], B[:, None]
    parts = (A[rows, :] * B[rows, :] for rows in row_blocks(A))
    return sum(float(xp.sum(part, dtype=xp.float64)) for part in parts)


def _feasible(slope: Any, values: Any) -> Any:
    """Part of a gradient that can be descended along within values >= 0."""
    xp = namespace_of(slope)
    descending = xp.where(slope < 0, slope, xp.zeros_like(slope))
    return xp.where(values > 0, slope, descending)


def _relative(part: Any, whole: Any) -> float:
    size = inner(whole, whole)
    return (inner(part, part) / size) ** 0.5 if size > 0 else 0.0
