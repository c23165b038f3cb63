"""Lanczos recurrences of a block, each column its own, and functions by them."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import (
    asarray_like,
    column_dots,
    column_norms,
    namespace_of,
    subtract,
    turn,
)
from sklearn_manifold_reg.linalg._operators import Operator
from sklearn_manifold_reg.linalg._probes import as_symmetric, projection
from sklearn_manifold_reg.linalg._recurrence import common_block, renumber

# Norm of a new direction, relative to the operator, from which it is rounding only.
_BREAKDOWN = 10.0
# Steps from one look at the error to the next, at least and as a share of all.
_LOOK = 4
_LOOK_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class FunctionResult:
    """Product of a function of an operator with a block, and the evidence for it.

    Attributes
    ----------
    x : array of shape (n,) or (n, n_outputs)
        The product, in the common dtype of operator and block.
    n_iter : ndarray of shape (n_outputs,)
        Lanczos steps of each column.
    error_estimate : ndarray of shape (n_outputs,)
        Norm of what the last steps changed, relative to the norm of the product. It
        exceeds the error where they at least halved it.
    converged : bool
        Whether every estimate is at most the tolerance.
    """

    x: Any
    n_iter: np.ndarray
    error_estimate: np.ndarray
    converged: bool


def apply_function(
    operator: Any,
    function: Callable,
    B: Any,
    *,
    null_space: Any = None,
    tol: float = 1e-8,
    max_iter: int = 500,
) -> FunctionResult:
    """Apply a function of a symmetric operator to a block, `f(A) B`, by Lanczos.

    Each column b is projected on the Krylov space of A and b; there
    `f(A) b ≈ |b| V f(T) e_1` with T tridiagonal and V its orthonormal basis.

    Parameters
    ----------
    operator : Operator, sparse array or array of shape (n, n)
        Symmetric or complex Hermitian A.
    function : callable
        Function f of an ndarray of real eigenvalues, finite within the spectrum. It
        need not be smooth between eigenvalues.
    B : array of shape (n,) or (n, n_outputs)
        Vector or block of the operator's library.
    null_space : NullSpace, array of orthonormal columns or None, default=None
        Null space of A on which the result is to be 0, as in pseudo-inverse powers.
    tol : float, default=1e-8
        Error wanted, relative to the norm of each column of the result.
    max_iter : int, default=500
        Largest number of steps.

    Returns
    -------
    result : FunctionResult
        Product and error estimates.

    Raises
    ------
    ValueError
        If shapes do not fit, the operator is not symmetric or the function is not
        finite at a Ritz value.

    Warns
    -----
    ConvergenceWarning
        If a column does not meet `tol`.

    See Also
    --------
    apply_chebyshev : Polynomials of fixed coefficients, several at once.

    Notes
    -----
    Steps go twice: once for T, until the coefficients of the result settle, and once
    for V, so that memory is some five blocks whatever the number of steps. Each step
    is two products with the operator in all. It needs no bound of the spectrum and
    takes fewer steps than Chebyshev polynomials where the spectrum has gaps.

    References
    ----------
    .. [1] N. J. Higham, "Functions of matrices: theory and computation", SIAM, 2008,
       doi:10.1137/1.9780898717778.
    .. [2] C. Musco, C. Musco, A. Sidford, "Stability of the Lanczos method for matrix
       function approximation", SODA 2018, arXiv:1708.07788.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_manifold_reg.linalg import apply_function
    >>> A = np.diag([1.0, 4.0, 9.0])
    >>> apply_function(A, np.sqrt, np.ones(3)).x.round(6).tolist()
    [1.0, 2.0, 3.0]
    """
    operator = as_symmetric(operator)
    n = operator.shape[0]
    if B.ndim not in (1, 2) or B.shape[0] != n:
        raise ValueError(
            f"`B` must have shape ({n},) or ({n}, n_outputs), got {tuple(B.shape)}."
        )
    if max_iter < 1:
        raise ValueError(f"max_iter must be at least 1, got {max_iter}.")
    block = common_block(operator, B[:, None] if B.ndim == 1 else B)
    xp = namespace_of(block)
    if not bool(xp.all(xp.isfinite(block))):
        raise ValueError("`B` contains NaN or infinity.")
    eps = float(xp.finfo(block.dtype).eps)
    tol = max(tol, 4 * eps)
    moved = renumber(operator, block.shape[1], block.dtype)
    project = projection(null_space, block, moved.order)
    block = moved.enter(block)
    given = column_norms(block)
    if project is not None:
        block = project(block)
    sizes = column_norms(block)
    # A column in the null space leaves rounding, on which f may be anything.
    sizes[sizes <= 100 * eps * given] = 0
    weights = _Weights(function, sizes > 0, tol)
    for step in lanczos_steps(moved.operator, block, max_iter, project):
        if weights.done(step, last=step.number == max_iter):
            break
    table = weights.table() * sizes
    x = moved.leave(combine_steps(moved.operator, block, table, project))
    converged = bool(np.all(weights.errors <= tol))
    if not converged:
        warnings.warn(
            f"Lanczos stopped after {max_iter} steps at a relative error of some "
            f"{weights.errors.max():.2g}, above tol={tol:.2g}. Raise max_iter.",
            ConvergenceWarning,
            stacklevel=2,
        )
    x = x[:, 0] if B.ndim == 1 else x
    return FunctionResult(x, weights.n_iter, weights.errors, converged)


@dataclass(frozen=True, eq=False)
class LanczosStep:
    """One step of all columns.

    Attributes
    ----------
    number : int
        Steps made, from 1 on.
    vectors : array of shape (n, n_columns)
        Unit basis vectors of this step; overwritten later on. Zero in columns whose
        Krylov space is exhausted.
    alpha, beta : ndarray of shape (n_columns,)
        Diagonal entry of this step and the entry below it. A beta of zero says that
        the Krylov space of a column is complete.
    """

    number: int
    vectors: Any
    alpha: np.ndarray
    beta: np.ndarray


def lanczos_steps(
    operator: Operator, B: Any, n_steps: int, project: Callable | None = None
) -> Iterator[LanczosStep]:
    """Run the Lanczos recurrence of each column, without reorthogonalization.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    B : array of shape (n, n_columns)
        Starts, in the common dtype of operator and products.
    n_steps : int
        Largest number of steps.
    project : callable or None, default=None
        Projection that rounding is to be kept out of.

    Yields
    ------
    step : LanczosStep
        Coefficients and vectors. Two runs from one start give the same.
    """
    sizes = column_norms(B)
    V = _scaled(B, _inverse(sizes))
    previous = namespace_of(V).zeros_like(V)
    beta, size = np.zeros(len(sizes)), np.zeros(len(sizes))
    eps = float(namespace_of(B).finfo(B.dtype).eps)
    room = np.empty_like(V) if isinstance(V, np.ndarray) else None
    for number in range(1, n_steps + 1):
        W = _product(operator, V, room)
        # The buffer of the old vectors takes the new ones.
        W, room = turn(W, -beta, previous), W if room is not None else None
        alpha = column_dots(V, W)
        W, squares = subtract(alpha, V, W)
        if project is not None:
            W = project(W)
            squares = column_dots(W, W)
        beta = np.sqrt(squares)
        size = np.maximum(size, np.abs(alpha) + beta)
        beta = np.where(beta > _BREAKDOWN * eps * size, beta, 0.0)
        yield LanczosStep(number, V, alpha, beta)
        if not np.any(beta):
            return
        previous, V = V, _scaled(W, _inverse(beta), None if room is None else W)


def lanczos_coefficients(
    operator: Operator, B: Any, n_steps: int, project: Callable | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Run Lanczos for the coefficients alone.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    B : array of shape (n, n_columns)
        Starts.
    n_steps : int
        Largest number of steps.
    project : callable or None, default=None
        Projection that rounding is to be kept out of.

    Returns
    -------
    alphas, betas : ndarray of shape (steps made, n_columns)
        Diagonals, and entries below them, of the tridiagonal matrices.
    """
    steps = lanczos_steps(operator, B, n_steps, project)
    pairs = [(step.alpha, step.beta) for step in steps]
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


def combine_steps(
    operator: Operator, B: Any, table: np.ndarray, project: Callable | None
) -> Any:
    """Run the recurrence once more and add up its vectors.

    Parameters
    ----------
    operator : Operator
        Symmetric operator.
    B : array of shape (n, n_columns)
        Starts.
    table : ndarray of shape (n_steps, n_columns)
        Weight of each vector.
    project : callable or None
        Projection that rounding is to be kept out of.

    Returns
    -------
    x : array of shape (n, n_columns)
        The sums.
    """
    x = namespace_of(B).zeros_like(B)
    if len(table):
        for step in lanczos_steps(operator, B, len(table), project):
            x, _ = subtract(-table[step.number - 1], step.vectors, x)
    return x


def ritz(alphas: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decompose the tridiagonal matrix of one column.

    Parameters
    ----------
    alphas, betas : ndarray of shape (n_steps,)
        Diagonal and entries below it. What follows a beta of zero is not used.

    Returns
    -------
    values : ndarray of shape (k,)
        Ritz values.
    vectors : ndarray of shape (k, k)
        Eigenvectors of the tridiagonal matrix, one a column.
    """
    ends = np.flatnonzero(betas == 0)
    k = int(ends[0]) + 1 if len(ends) else len(alphas)
    return eigh_tridiagonal(alphas[:k], betas[: k - 1])


def finite_values(function: Callable, values: np.ndarray) -> np.ndarray:
    """Evaluate a function at Ritz values and refuse what is not finite.

    Parameters
    ----------
    function : callable
        Function of an ndarray.
    values : ndarray of shape (k,)
        Points.

    Returns
    -------
    function_values : ndarray of shape (k,)
        In float64.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.asarray(function(values), dtype=np.float64)
    result = np.broadcast_to(result, values.shape)
    if not np.all(np.isfinite(result)):
        bad = values[~np.isfinite(result)][0]
        raise ValueError(
            f"The function is not finite at {bad:.3g}, a Ritz value of the operator. "
            "If the operator is singular, pass its `null_space`."
        )
    return result


class _Weights:
    """Coefficients of the result in the Lanczos basis, until they settle."""

    def __init__(self, function: Callable, live: np.ndarray, tol: float) -> None:
        self.function = function
        self.tol = tol
        self.values: list[np.ndarray] = [np.zeros(0)] * len(live)
        self.errors = np.where(live, np.inf, 0.0)
        self.n_iter = np.zeros(len(live), dtype=np.int64)
        self.alphas: list[np.ndarray] = []
        self.betas: list[np.ndarray] = []
        self.next_look = _LOOK

    def done(self, step: LanczosStep, last: bool) -> bool:
        """Take in a step and tell whether every column is good enough."""
        self.alphas.append(step.alpha)
        self.betas.append(step.beta)
        complete = (step.beta == 0) & (self.errors > self.tol)
        if step.number < self.next_look and not last and not np.any(complete):
            return bool(np.all(self.errors <= self.tol))
        self.next_look = step.number + max(_LOOK, int(_LOOK_SHARE * step.number))
        alphas, betas = np.array(self.alphas), np.array(self.betas)
        for c in np.flatnonzero(self.errors > self.tol):
            values, vectors = ritz(alphas[:, c], betas[:, c])
            new = vectors @ (finite_values(self.function, values) * vectors[0])
            old = self.values[c]
            change = new.copy()
            change[: len(old)] -= old
            size = float(np.linalg.norm(new))
            self.values[c], self.n_iter[c] = new, len(new)
            if complete[c]:
                self.errors[c] = 0.0
            elif len(old):
                self.errors[c] = np.linalg.norm(change) / size if size else 0.0
        return bool(np.all(self.errors <= self.tol))

    def table(self) -> np.ndarray:
        """Coefficients of shape (steps, columns)."""
        table = np.zeros((max(map(len, self.values), default=0), len(self.values)))
        for c, values in enumerate(self.values):
            table[: len(values), c] = values
        return table


def _product(operator: Operator, V: Any, out: Any) -> Any:
    if out is not None and getattr(operator, "csr", None) is not None:
        return operator.to_sparse().matmat(V, out=out)
    W = operator.matmat(V)
    if out is None:
        return W
    out[...] = W
    return out


def _scaled(B: Any, factor: np.ndarray, out: Any = None) -> Any:
    factors = namespace_of(B).astype(asarray_like(factor, B), B.dtype)
    return B * factors if out is None else np.multiply(B, factors, out=out)


def _inverse(sizes: np.ndarray) -> np.ndarray:
    return np.divide(1.0, sizes, out=np.zeros_like(sizes), where=sizes > 0)
