"""Many small quadratic programs with one matrix: nonnegative, with or without a sum."""

import warnings
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklearn_manifold_reg._arrays import (
    asarray_like,
    device,
    namespace_of,
    to_numpy,
)
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

# Violation of the optimality conditions at which a variable enters the support, and
# the one that is reported, relative to the largest entry of the problem.
_TOL = 1e-12
_ACCEPTED = 1e-10
# Part of a squared norm below which a column counts as dependent on others.
_DEPENDENT = 1e-13
# Work in rows * n_variables² below which a second thread costs more than it saves.
_SERIAL_WORK = 100_000
# Variables up to which a support fits a machine word, as compiled code needs.
_WORD = 64
# Numbers in the stacks of matrices of the reference: 32 MB.
_CHUNK = 1 << 22


def solve_nonnegative_rows(
    G: Any,
    B: Any,
    *,
    sum_to_one: bool,
    offset: Any = None,
    start: Any = None,
    n_jobs: int | None = None,
) -> Any:
    """Minimize `w G w' / 2 - (B_i - offset) w'` over w >= 0 for every row of B.

    Parameters
    ----------
    G : array of shape (n_variables, n_variables)
        Symmetric positive semidefinite matrix; it is used on the host.
    B : array of shape (n_rows, n_variables)
        Linear terms, of any library.
    sum_to_one : bool
        Whether `sum(w) = 1` is required.
    offset : array of shape (n_variables,), default=None
        Taken from every row of `B`, without a copy of it.
    start : array of shape (n_rows, n_variables), default=None
        Approximate solutions, whose positive entries are the first supports. None
        starts from all columns, as far as they are independent.
    n_jobs : int or None, default=None
        Threads, for NumPy only. The result does not depend on it.

    Returns
    -------
    W : array of shape (n_rows, n_variables)
        Solutions in the dtype of `B`, found in float64. Rows do not depend on each
        other. Where several are optimal, one with an independent support.

    Warns
    -----
    ConvergenceWarning
        If the optimality conditions are violated by more than 1e-10 of the largest
        entry, or than the rounding of `B`.

    Notes
    -----
    A primal active-set method. Rows with one support share one small inverse.
    """
    A, offset = _shifted(to_numpy(G), offset, sum_to_one)
    independent = _independent_columns(A)
    if B.shape[0] == 0:
        return B
    narrow = A.shape[0] <= _WORD
    if isinstance(B, np.ndarray) and narrow and use_compiled():
        W, violation = _solve_compiled(
            A, B, offset, start, independent, sum_to_one, n_jobs
        )
    else:
        W, violation = _solve_stacked(A, B, offset, start, independent, sum_to_one)
    rounding = 8 * float(namespace_of(B).finfo(B.dtype).eps)
    if violation > max(_ACCEPTED, rounding):
        warnings.warn(
            "A nonnegative least squares problem was left with a violation of its "
            f"optimality conditions of {violation:.1e} of its largest entry: columns "
            "are nearly dependent. Leave out endmembers that resemble others.",
            ConvergenceWarning,
            stacklevel=3,
        )
    return W


def _shifted(
    G: np.ndarray, offset: Any, sum_to_one: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and offset of an equal problem whose matrix is better conditioned.

    On the simplex only differences of columns count: moving the origin to their mean
    takes out the part they share, and adding a constant to `G` changes nothing but
    makes affinely independent columns independent.
    """
    A = np.array(G, dtype=np.float64)
    n_variables = A.shape[0]
    offset = np.zeros(n_variables) if offset is None else to_numpy(offset)
    offset = offset.astype(np.float64)
    if sum_to_one:
        mean = A.mean(axis=0)
        offset += mean
        A += mean.mean() - mean - mean[:, None]
        A += np.trace(A) / n_variables or 1.0
    return A, offset


def _independent_columns(A: np.ndarray) -> np.ndarray:
    """Mask of columns that pivoted elimination takes before the rest is rounding."""
    rest = A.copy()
    diagonal = A.diagonal().copy()
    independent = np.zeros(A.shape[0], dtype=bool)
    for _ in range(A.shape[0]):
        left = np.where(independent, -1.0, rest.diagonal())
        k = int(np.argmax(left))
        if left[k] <= _DEPENDENT * max(diagonal[k], 0.0) or left[k] <= 0:
            break
        independent[k] = True
        rest -= np.outer(rest[:, k], rest[k]) / rest[k, k]
    return independent


def _solve_compiled(
    A: np.ndarray,
    B: np.ndarray,
    offset: np.ndarray,
    start: Any,
    independent: np.ndarray,
    sum_to_one: bool,
    n_jobs: int | None,
) -> tuple[np.ndarray, float]:
    from sklearn_manifold_reg.decomposition._quadratic_numba import solve_rows

    B = np.require(B, requirements=["C", "W"])
    supports = independent[None] if start is None else np.asarray(start) > 0
    starts = supports @ (np.uint64(1) << np.arange(A.shape[0], dtype=np.uint64))
    W = np.empty_like(B)
    threads = n_threads(n_jobs) if B.size * A.shape[0] > _SERIAL_WORK else 1
    args = (A, B, offset, starts, sum_to_one, _TOL, _DEPENDENT, W)
    return W, max(run_rows(solve_rows, B.shape[0], *args, n_jobs=threads))


def _solve_stacked(
    A: np.ndarray,
    B: Any,
    offset: np.ndarray,
    start: Any,
    independent: np.ndarray,
    sum_to_one: bool,
) -> tuple[Any, float]:
    """Solve all rows in step, as stacks of matrices: the reference, and on devices."""
    xp = namespace_of(B)
    known = xp.__array_namespace_info__().dtypes(device=device(B), kind="real floating")
    wide = known.get("float64", B.dtype)
    A = xp.asarray(A, dtype=wide, device=device(B))
    offset = xp.asarray(offset, dtype=wide, device=device(B))
    independent = asarray_like(independent, B)
    n_rows, n_variables = B.shape
    length = max(1, _CHUNK // n_variables**2)
    parts, worst = [], 0.0
    for first in range(0, n_rows, length):
        rows = slice(first, min(first + length, n_rows))
        b = xp.astype(B[rows, :], wide) - offset
        if start is None:
            passive = xp.broadcast_to(independent, b.shape)
        else:
            passive = (start[rows, :] > 0) & independent
        W, violation = _stack(xp, A, b, passive, sum_to_one)
        parts.append(xp.astype(W, B.dtype))
        worst = max(worst, violation)
    return xp.concat(parts), worst


def _stack(
    xp: ModuleType, A: Any, b: Any, passive: Any, simplex: bool
) -> tuple[Any, float]:
    n_variables = A.shape[0]
    eps = float(xp.finfo(A.dtype).eps)
    tol, dependent = max(_TOL, 50 * eps), max(_DEPENDENT, 50 * eps)
    largest = xp.max(xp.linalg.diagonal(A))
    scale = xp.max(xp.abs(b), axis=1, keepdims=True)
    scale = xp.where(scale < largest, largest, scale)
    scale = xp.where(scale == 0, xp.ones_like(scale), scale)
    columns = xp.arange(n_variables, device=device(b))[None, :]
    zero = xp.zeros_like(b)
    w, passive = _feasible(xp, A, b, passive, simplex)
    done = xp.zeros_like(passive[:, :1])
    for _ in range(20 * n_variables):
        s = _minimizer(xp, A, b, passive, simplex)
        blocked = passive & (s <= 0)
        w, leaving, stopped = _move(xp, w, s - w, blocked, 1.0)
        passive = passive & ~leaving

        g = b - w @ A
        if simplex:
            g = g - xp.sum(w * g, axis=1, keepdims=True)
        g = g / scale
        inside = xp.max(xp.abs(xp.where(passive, g, zero)), axis=1, keepdims=True)
        outside = xp.where(passive, zero - xp.inf, g)
        best = xp.max(outside, axis=1, keepdims=True)
        done = done | (~stopped & (best <= tol))
        if bool(xp.all(done)):
            break
        enters = ~stopped & ~done
        entering = enters & (columns == xp.argmax(outside, axis=1, keepdims=True))
        indicator = xp.astype(entering, A.dtype)
        column = indicator @ A
        c = _minimizer(xp, A, column, passive, simplex)
        # A dependent column differs from the span of the support by rounding.
        gap = indicator - c
        rest = xp.sum(gap * (gap @ A), axis=1, keepdims=True)
        size = xp.sum(gap * gap * xp.linalg.diagonal(A), axis=1, keepdims=True)
        depends = enters & (rest <= dependent * size)
        direction = xp.where(depends, gap, zero)
        w, leaving, moved = _move(xp, w, direction, passive & (direction < 0), 0.0)
        passive = (passive & ~leaving) | (entering & (moved | ~depends))
        done = done | (depends & ~moved)
    return w, float(xp.max(xp.where(best > inside, best, inside)))


def _minimizer(xp: ModuleType, A: Any, b: Any, passive: Any, simplex: bool) -> Any:
    """Minimize over the supports of all rows, without the bounds."""
    zero = xp.zeros_like(b)
    identity = xp.eye(A.shape[0], dtype=A.dtype, device=device(A))
    inside = passive[:, :, None] & passive[:, None, :]
    matrices = xp.where(inside, A[None, :, :], identity[None, :, :])
    sides = [xp.where(passive, b, zero), xp.astype(passive, A.dtype)]
    solved = xp.linalg.solve(matrices, xp.stack(sides[: 1 + simplex], axis=-1))
    s = solved[:, :, 0]
    if not simplex:
        return s
    direction = solved[:, :, 1]
    direction = direction / xp.sum(direction, axis=1, keepdims=True)
    # Twice, since the first sum is as uncertain as a nearly singular matrix makes it.
    for _ in range(2):
        s = s + direction * (1 - xp.sum(s, axis=1, keepdims=True))
    return s


def _feasible(
    xp: ModuleType, A: Any, b: Any, passive: Any, simplex: bool
) -> tuple[Any, Any]:
    """Drop what is negative from the first supports until nothing is."""
    zero = xp.zeros_like(b)
    columns = xp.arange(A.shape[0], device=device(b))[None, :]
    best = xp.argmin(xp.linalg.diagonal(A) / 2 - b, axis=1, keepdims=True)
    for _ in range(A.shape[0] + 1):
        if simplex:
            empty = ~xp.any(passive, axis=1, keepdims=True)
            passive = passive | (empty & (columns == best))
        s = _minimizer(xp, A, b, passive, simplex)
        negative = passive & (s <= 0)
        passive = passive & ~negative
        if not bool(xp.any(negative)):
            break
    return xp.where(passive, s, zero), passive


def _move(
    xp: ModuleType, w: Any, direction: Any, blocked: Any, longest: float
) -> tuple[Any, Any, Any]:
    """Step until the first blocked entry is 0, or the longest step where none is."""
    falls = blocked & (direction < 0)
    ones = xp.ones_like(w)
    ratio = w / xp.where(falls, -direction, ones)
    ratio = xp.where(blocked, ratio, ones * xp.inf)
    stopped = xp.any(blocked, axis=1, keepdims=True)
    shortest = xp.min(ratio, axis=1, keepdims=True)
    step = xp.where(stopped, shortest, longest * xp.ones_like(shortest))
    columns = xp.arange(w.shape[1], device=device(w))[None, :]
    leaving = stopped & (columns == xp.argmin(ratio, axis=1, keepdims=True))
    moved = w + step * direction
    keep = ~leaving & (moved > 0)
    return xp.where(keep, moved, xp.zeros_like(w)), leaving, stopped
