"""First endmembers of a factorization, and abundances of rows by themselves."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import (
    asarray_like,
    namespace_of,
    one_hot,
    to_numpy,
)
from sklearn_manifold_reg.decomposition._endmembers import (
    leading_vectors,
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._products import row_products
from sklearn_manifold_reg.decomposition._quadratic import solve_nonnegative_rows

# Rounds of k-means; a start need not be its optimum.
_MOST_ROUNDS = 100
# Multiples of the rounding error, relative to the largest, that count as zero.
_ROUNDING = 50


def initial_endmembers(
    X: Any, init: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    """Choose endmembers to start from.

    Parameters
    ----------
    X : array of shape (n, p)
        Data.
    init : str or array-like of shape (n_components, p)
        Name in `STARTS`, or the endmembers themselves.
    n_components : int
        Number of endmembers.
    rng : RandomState
        For random choices.

    Returns
    -------
    H : array of shape (n_components, p)
        Non-negative, of the library and dtype of X.
    indices : array of shape (n_components,) or None
        Rows of X that were taken, if rows were.

    Raises
    ------
    ValueError
        If given endmembers have another shape or are not finite.
    """
    if isinstance(init, str):
        H, indices = STARTS[init](X, n_components, rng)
    else:
        H, indices = asarray_like(init, X), None
        expected = (n_components, X.shape[1])
        if tuple(H.shape) != expected:
            raise ValueError(
                f"init has shape {tuple(H.shape)}, expected one row for each of "
                f"{n_components} components and one column for each of {X.shape[1]} "
                "features."
            )
        if not bool(namespace_of(H).all(namespace_of(H).isfinite(H))):
            raise ValueError("init contains NaN or infinity.")
    xp = namespace_of(H)
    return xp.clip(xp.astype(H, X.dtype), min=0), indices


def row_abundances(
    X: Any,
    H: Any,
    *,
    alpha: float,
    row_weight: float,
    simplex: bool,
    n_jobs: int | None = None,
) -> Any:
    """Give each row by itself the best abundances of fixed endmembers.

    Parameters
    ----------
    X, H : arrays of shape (n, p) and (K, p)
        Rows and endmembers.
    alpha, row_weight : float
        Weights of the sum of a row, and of its squared distance from one.
    simplex : bool
        Whether rows sum to one.
    n_jobs : int or None, default=None
        Threads. The result does not depend on it.

    Returns
    -------
    W : array of shape (n, K)
        Minimizers, of the library and dtype of X.
    """
    offset = np.full(H.shape[0], alpha - row_weight)
    return solve_nonnegative_rows(
        H @ H.T + row_weight,
        X @ H.T,
        sum_to_one=simplex,
        offset=offset,
        n_jobs=n_jobs,
    )


def _extreme_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    return vertex_component_analysis(X, n_components, random_state=rng)


def _long_rows(X: Any, n_components: int, _: np.random.RandomState) -> tuple[Any, Any]:
    return successive_projection(X, n_components)


def _widest_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    return n_findr(X, n_components, random_state=rng)


def _random_rows(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, Any]:
    """Take different rows, those that are not zero first."""
    xp = namespace_of(X)
    order = rng.permutation(X.shape[0])
    zero = to_numpy(xp.max(X, axis=1) == 0)[order]
    chosen = order[np.argsort(zero, kind="stable")][:n_components]
    indices = asarray_like(chosen, X)
    return xp.take(X, indices, axis=0), indices


def _cluster_centers(
    X: Any, n_components: int, rng: np.random.RandomState
) -> tuple[Any, None]:
    """Take centers of k-means, after seeds that are drawn far from one another."""
    xp = namespace_of(X)
    squares = row_products(X, X)
    seed = rng.randint(X.shape[0])
    centers = X[seed : seed + 1, :]
    nearest = xp.full_like(squares, xp.inf)
    for _ in range(n_components - 1):
        last = centers[-1:, :]
        distances = squares - 2 * (X @ last.T)[:, 0] + xp.sum(last * last)
        nearest = xp.clip(xp.where(distances < nearest, distances, nearest), min=0)
        total = xp.cumulative_sum(nearest)
        drawn = asarray_like(np.array([rng.uniform()]), X) * total[-1]
        seed = min(int(xp.searchsorted(total, drawn)[0]), X.shape[0] - 1)
        centers = xp.concat([centers, X[seed : seed + 1, :]])
    labels = None
    for _ in range(_MOST_ROUNDS):
        last = labels
        costs = xp.sum(centers * centers, axis=1) - 2 * (X @ centers.T)
        labels = xp.argmin(costs, axis=1)
        if last is not None and bool(xp.all(labels == last)):
            break
        members = one_hot(labels, n_components, X)
        counts = xp.sum(members, axis=0)[:, None]
        means = (members.T @ X) / xp.clip(counts, min=1)
        centers = xp.where(counts > 0, means, centers)
    return centers, None


def _singular_parts(
    X: Any, n_components: int, _: np.random.RandomState
) -> tuple[Any, None]:
    """Take the non-negative part of each singular pair that holds more of it.

    Endmembers get the length that they have in the row that holds most of them, so
    that they fit abundances that sum to one, too.
    """
    xp = namespace_of(X)
    if X.shape[1] <= X.shape[0]:
        right = leading_vectors(xp, X.T @ X, n_components)
        left = X @ right
    else:
        left = leading_vectors(xp, X @ X.T, n_components)
        right = X.T @ left
        lengths = xp.linalg.vector_norm(right, axis=0)
        right = right / xp.where(lengths > 0, lengths, xp.ones_like(lengths))
        left = left * lengths
    norm = partial(xp.linalg.vector_norm, axis=0)
    sides = [
        [xp.clip(sign * side, min=0) for sign in (1, -1)] for side in (left, right)
    ]
    (ahead, behind), (bright, dark) = sides
    turned = norm(ahead) * norm(bright) < norm(behind) * norm(dark)
    parts = xp.where(turned, dark, bright)
    peaks = xp.max(xp.where(turned, behind, ahead), axis=0)
    # What is left of a rank below the number of components is rounding.
    real = peaks > _ROUNDING * xp.finfo(X.dtype).eps * xp.max(peaks)
    scales = peaks / xp.where(real, norm(parts), xp.ones_like(peaks))
    return xp.where(real, parts * scales, xp.zeros_like(parts)).T, None


STARTS: dict[str, Callable] = {
    "vca": _extreme_rows,
    "spa": _long_rows,
    "nfindr": _widest_rows,
    "kmeans": _cluster_centers,
    "nndsvd": _singular_parts,
    "random": _random_rows,
}
