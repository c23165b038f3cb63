"""From distances to edge weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import device, namespace_of, to_numpy
from sklearn_manifold_reg.utils._numba import n_threads, run_rows, use_compiled

WEIGHTS = ("connectivity", "heat", "self-tuning", "cosine", "fuzzy")
BANDWIDTH_RULES = ("median", "max-spread")

# The neighbor whose distance is the local scale [1]_ of `NeighborsGraph`.
_LOCAL_NEIGHBOR = 7
# Weights below which a second thread costs more than it saves.
_SERIAL_SIZE = 50_000
_BISECTIONS = 64
# Smallest fuzzy scale, relative to the mean distance of the row.
_FUZZY_FLOOR = 1e-3


@dataclass(frozen=True, eq=False)
class WeightRule:
    """How distances become weights, with what was learned from the training rows.

    Attributes
    ----------
    kind : {"connectivity", "heat", "self-tuning", "cosine", "fuzzy"}
        Formula, see `NeighborsGraph`.
    bandwidth : float or None
        Width of "heat", in the unit of the distances.
    scales : array of shape (n,) or None
        Local scale of each training row, for "self-tuning".
    fallback : float
        Local scale of rows whose neighbors are all duplicates.
    """

    kind: str
    bandwidth: float | None = None
    scales: Any = None
    fallback: float = 1.0

    def __call__(
        self, distances: Any, indices: Any, *, n_jobs: int | None = None
    ) -> Any:
        """Weigh the edges from rows to their neighbors among the training rows.

        Parameters
        ----------
        distances : array of shape (m, k)
            Ascending distances to each row's neighbors.
        indices : integer array of shape (m, k)
            The neighbors.
        n_jobs : int or None, default=None
            Threads.

        Returns
        -------
        weights : array of shape (m, k)
            In [0, 1] and the dtype of the distances; 1 at distance 0.
        """
        xp = namespace_of(distances)
        if self.kind == "self-tuning":
            own = local_scales(distances, self.fallback)
            return gaussian_weights(distances, indices, own, self.scales, n_jobs=n_jobs)
        if self.kind == "heat":
            width = xp.asarray(
                [self.bandwidth], dtype=distances.dtype, device=device(distances)
            )
            own = xp.broadcast_to(width, (distances.shape[0],))
            return gaussian_weights(distances, xp.zeros_like(indices), own, width)
        if self.kind == "cosine":
            return xp.clip(1 - distances, min=0.0, max=1.0)
        if self.kind == "fuzzy":
            return fuzzy_weights(distances, n_jobs=n_jobs)
        return xp.ones_like(distances)


def fit_weight_rule(
    distances: Any, kind: str, bandwidth: float | str | None = None
) -> WeightRule:
    """Learn what a formula for weights needs from the training rows.

    Parameters
    ----------
    distances : array of shape (n, k)
        Ascending distances to each row's neighbors.
    kind : {"connectivity", "heat", "self-tuning", "cosine", "fuzzy"}
        Formula.
    bandwidth : float, {"median", "max-spread"} or None, default=None
        Width of "heat"; None is "median". Other formulas have none.

    Returns
    -------
    rule : WeightRule
        Gives weights of training and new rows.

    Raises
    ------
    ValueError
        If a bandwidth is given for a formula that has none.
    """
    if kind != "heat" and bandwidth is not None:
        raise ValueError(
            f"bandwidth={bandwidth!r} has no meaning for weights={kind!r}; it is the "
            "width of weights='heat'."
        )
    if kind == "self-tuning":
        fallback = _positive_median(distances[:, _scale_column(distances)])
        return WeightRule(kind, None, local_scales(distances, fallback), fallback)
    if kind == "heat":
        return WeightRule(kind, _bandwidth(distances, bandwidth))
    return WeightRule(kind)


def local_scales(distances: Any, fallback: float) -> Any:
    """Distance to the 7th neighbor, or to the last if there are fewer.

    Parameters
    ----------
    distances : array of shape (m, k)
        Ascending distances.
    fallback : float
        Scale of rows whose distances are all zero.

    Returns
    -------
    scales : array of shape (m,)
        Positive: where the 7th neighbor is a duplicate, the smallest positive
        distance of the row.
    """
    xp = namespace_of(distances)
    scales = distances[:, _scale_column(distances)]
    if bool(xp.all(scales > 0)):
        return scales
    infinite = xp.asarray(xp.inf, dtype=distances.dtype, device=device(distances))
    smallest = xp.min(xp.where(distances > 0, distances, infinite), axis=1)
    filled = xp.where(scales > 0, scales, smallest)
    return xp.where(xp.isfinite(filled), filled, xp.full_like(filled, fallback))


def gaussian_weights(
    distances: Any,
    indices: Any,
    row_scales: Any,
    column_scales: Any,
    *,
    n_jobs: int | None = None,
) -> Any:
    """Compute `exp(-d² / (r_i c_j))`.

    Parameters
    ----------
    distances : array of shape (m, k)
        Distances d.
    indices : integer array of shape (m, k)
        Columns j.
    row_scales : array of shape (m,)
        Scales r, positive.
    column_scales : array of shape (n,)
        Scales c, positive.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    weights : array of shape (m, k)
        In the dtype of the distances.
    """
    if isinstance(distances, np.ndarray) and use_compiled():
        from sklearn_manifold_reg.graph._weights_numba import gaussian_rows

        dtype = distances.dtype
        out = np.empty_like(distances, order="C")
        arrays = (
            np.require(distances, requirements=["C", "A", "W"]),
            np.require(indices, np.int32, requirements=["C", "A", "W"]),
            np.require(row_scales, dtype, requirements=["C", "A", "W"]),
            np.require(column_scales, dtype, requirements=["C", "A", "W"]),
        )
        _run(gaussian_rows, distances.size, n_jobs, *arrays, out)
        return out
    xp = namespace_of(distances)
    columns = xp.take(column_scales, xp.reshape(indices, (-1,)), axis=0)
    columns = xp.reshape(columns, distances.shape)
    # Each ratio by itself: squares of small scales would underflow.
    return xp.exp(-(distances / row_scales[:, None]) * (distances / columns))


def fuzzy_weights(distances: Any, *, n_jobs: int | None = None) -> Any:
    """Compute the memberships of UMAP's fuzzy simplicial set.

    `w = exp(-max(0, d - rho) / sigma)`, with rho the smallest positive distance of
    the row and sigma such that the weights of the row sum to log2(k).

    Parameters
    ----------
    distances : array of shape (m, k)
        Ascending distances.
    n_jobs : int or None, default=None
        Threads.

    Returns
    -------
    weights : array of shape (m, k)
        In the dtype of the distances.
    """
    if isinstance(distances, np.ndarray) and use_compiled():
        from sklearn_manifold_reg.graph._weights_numba import fuzzy_rows

        out = np.empty_like(distances, order="C")
        arrays = (np.require(distances, requirements=["C", "A", "W"]), out)
        _run(
            fuzzy_rows, 10 * distances.size, n_jobs, *arrays, _BISECTIONS, _FUZZY_FLOOR
        )
        return out
    xp = namespace_of(distances)
    infinite = xp.full_like(distances, xp.inf)
    positive = distances > 0
    rho = xp.min(xp.where(positive, distances, infinite), axis=1, keepdims=True)
    rho = xp.where(xp.isfinite(rho), rho, xp.zeros_like(rho))
    gaps = xp.clip(distances - rho, min=0.0)
    mean = xp.mean(distances, axis=1, keepdims=True)
    floor = xp.where(mean > 0, _FUZZY_FLOOR * mean, xp.ones_like(mean))
    target = float(np.log2(distances.shape[1]))
    low, high = xp.log(floor), xp.log(1e4 * xp.where(mean > 0, mean, floor))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        small = xp.sum(xp.exp(-gaps / xp.exp(middle)), axis=1, keepdims=True) < target
        low, high = xp.where(small, middle, low), xp.where(small, high, middle)
    return xp.exp(-gaps / xp.exp(high))


def _scale_column(distances: Any) -> int:
    return min(_LOCAL_NEIGHBOR, distances.shape[1]) - 1


def _positive_median(values: Any) -> float:
    values = to_numpy(values)
    positive = values[values > 0]
    return float(np.median(positive)) if positive.size else 1.0


def _bandwidth(distances: Any, bandwidth: float | str | None) -> float:
    if bandwidth == "max-spread":
        return _max_spread(to_numpy(distances))
    if bandwidth is None or bandwidth == "median":
        middle = (distances.shape[1] + 1) // 2 - 1
        return _positive_median(distances[:, middle])
    return float(bandwidth)


def _max_spread(distances: np.ndarray) -> float:
    """Width at which `log(sum of weights)` grows fastest with `log(width²)`."""
    squares = distances[distances > 0].astype(np.float64) ** 2
    if not squares.size:
        return 1.0
    grid = np.geomspace(squares.min() / 4, squares.max() * 4, 30)
    # Rows weigh 1 with themselves and with their duplicates.
    n_zero = distances.shape[0] + distances.size - squares.size
    sums = [np.exp(-squares / width).sum() + n_zero for width in grid]
    best = int(np.argmax(np.diff(np.log(sums)) / np.diff(np.log(grid))))
    return float(np.sqrt(np.sqrt(grid[best] * grid[best + 1])))


def _run(function: Any, size: int, n_jobs: int | None, *args: Any) -> None:
    threads = 1 if size < _SERIAL_SIZE else n_threads(n_jobs)
    run_rows(function, args[0].shape[0], *args, n_jobs=threads)
