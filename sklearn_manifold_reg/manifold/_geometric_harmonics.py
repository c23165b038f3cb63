"""Functions on rows carried to new rows by eigenfunctions of a Gaussian kernel."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import check_random_state

from sklearn_manifold_reg._arrays import (
    asarray_like,
    device,
    float_dtypes,
    namespace_of,
    to_numpy,
)

# Rows whose kernel is decomposed, in a tenth of a second for each bandwidth.
_MAX_CENTERS = 1000
# Root mean square by which a function may be missed, relative to its own.
_MISFIT = 0.01
# Squared distance, relative to the largest, that rounding leaves between equal rows.
_SAME = 1e-12
# Entries of a kernel block between new rows and centers.
_BLOCK = 1 << 22


@dataclass(frozen=True, eq=False)
class GeometricHarmonics:
    """Functions as combinations of Gaussians around training rows.

    Attributes
    ----------
    centers : array or sparse array of shape (n_centers, n_features)
        Training rows.
    weights : array of shape (n_centers, n_functions)
        Heights of the Gaussians of each function.
    bandwidths : ndarray of shape (n_functions,)
        Width of each function's Gaussians, on the host.
    misfits : ndarray of shape (n_functions,)
        Root mean square by which each function is missed on training rows, relative
        to its own, on the host.
    """

    centers: Any
    weights: Any
    bandwidths: np.ndarray
    misfits: np.ndarray

    def __call__(self, X: Any) -> Any:
        """Evaluate the functions.

        Parameters
        ----------
        X : array or sparse array of shape (m, n_features)
            Rows.

        Returns
        -------
        values : array of shape (m, n_functions)
            In the dtype of `weights`.
        """
        xp = namespace_of(self.weights)
        n, step = X.shape[0], max(1, _BLOCK // self.centers.shape[0])
        blocks = [
            self._evaluate(X[start : min(start + step, n), :])
            for start in range(0, n, step)
        ]
        return xp.concat(blocks, axis=0)

    def _evaluate(self, X: Any) -> Any:
        xp = namespace_of(self.weights)
        squares = _squared_distances(X, self.centers, self.weights)
        columns: list[Any] = [None] * len(self.bandwidths)
        for width in np.unique(self.bandwidths):
            of_width = np.flatnonzero(self.bandwidths == width)
            weights = xp.take(self.weights, _places(of_width, self.weights), axis=1)
            values = xp.exp(-squares / float(width) ** 2) @ weights
            for position, column in enumerate(of_width):
                columns[column] = values[:, position]
        return xp.stack(columns, axis=1)


def fit_geometric_harmonics(
    X: Any, functions: Any, *, condition: float, random_state: Any
) -> GeometricHarmonics:
    """Find the widest Gaussians that reproduce each function on its rows.

    With K = exp(-d² / bandwidth²) = U diag(mu) U', a function f is replaced by its
    components along the columns of U with mu >= max(mu) / condition, whose values at a
    new row x are k(x)' U / mu. The bandwidth is halved from the largest distance on,
    until that misses at most 1 % of f, but not below the median distance to the
    nearest row, where Gaussians no longer overlap.

    Parameters
    ----------
    X : array or sparse array of shape (n, n_features)
        Rows; of more than 1000, so many are drawn as centers, and as many of the others
        to measure misfits on.
    functions : array of shape (n, n_functions)
        Values at the rows.
    condition : float
        Largest ratio of eigenvalues that are used.
    random_state : int, RandomState instance or None
        Seed of the draw.

    Returns
    -------
    harmonics : GeometricHarmonics
        In float64 where the device has it.

    Warns
    -----
    UserWarning
        If a function is missed by more than 1 % at every bandwidth; then the best one
        is taken.
    """
    xp = namespace_of(functions)
    n_functions = functions.shape[1]
    drawn = check_random_state(random_state).permutation(X.shape[0])
    n_centers = min(len(drawn), _MAX_CENTERS)
    centers = _take(X, drawn[:n_centers])
    rows = _take(X, drawn[: 2 * _MAX_CENTERS])
    F = _take(functions, drawn[: 2 * _MAX_CENTERS])
    F = xp.astype(F, float_dtypes(F)[0])
    sizes = _column_sizes(F)
    squares = _squared_distances(rows, centers, F)
    weights = xp.zeros_like(F[:n_centers, :])
    bandwidths, misfits = np.zeros(n_functions), np.full(n_functions, np.inf)
    width, least = _range_of_widths(squares[:n_centers, :])
    while True:
        K = xp.exp(-squares / width**2)
        W = _harmonic_weights(K[:n_centers, :], F[:n_centers, :], condition)
        missed = _column_sizes(F - K @ W) / np.where(sizes > 0, sizes, 1)
        better = (misfits > _MISFIT) & (missed < misfits)
        weights = xp.where(asarray_like(better, weights)[None, :], W, weights)
        bandwidths = np.where(better, width, bandwidths)
        misfits = np.where(better, missed, misfits)
        if np.all(misfits <= _MISFIT) or width / 2 < least:
            break
        width /= 2
    if np.any(misfits > _MISFIT):
        warnings.warn(
            f"Geometric harmonics miss column {int(np.argmax(misfits))} by "
            f"{misfits.max():.1%} on the training rows (root mean square): it changes "
            "faster than Gaussians can follow. A larger `condition`, or "
            'extension="nystroem", is closer.',
            UserWarning,
            stacklevel=4,
        )
    return GeometricHarmonics(centers, weights, bandwidths, misfits)


def _harmonic_weights(K: Any, F: Any, condition: float) -> Any:
    """Heights of Gaussians for the components of F within the condition number."""
    xp = namespace_of(K)
    values, U = xp.linalg.eigh((K + K.T) / 2)
    kept = values >= values[-1] / condition
    inverse = xp.where(
        kept, 1 / xp.where(kept, values, xp.ones_like(values)), xp.zeros_like(values)
    )
    return U @ (inverse[:, None] * (U.T @ F))


def _range_of_widths(squares: Any) -> tuple[float, float]:
    """Largest distance, and the median distance to the nearest other row."""
    xp = namespace_of(squares)
    largest = float(xp.max(squares))
    infinite = xp.full_like(squares, xp.inf)
    apart = xp.where(squares > _SAME * largest, squares, infinite)
    nearest = np.sqrt(to_numpy(xp.min(apart, axis=1)))
    widest = largest**0.5 or 1.0
    finite = nearest[np.isfinite(nearest)]
    return widest, float(np.median(finite)) if finite.size else widest


def _squared_distances(X: Any, Y: Any, reference: Any) -> Any:
    squares = euclidean_distances(X, Y, squared=True)
    return namespace_of(reference).astype(squares, reference.dtype)


def _column_sizes(F: Any) -> np.ndarray:
    """Root mean square of each column, on the host."""
    xp = namespace_of(F)
    return to_numpy(xp.sqrt(xp.mean(F * F, axis=0)))


def _take(X: Any, rows: np.ndarray) -> Any:
    if hasattr(X, "tocsr") or isinstance(X, np.ndarray):
        return X[rows]
    return namespace_of(X).take(X, _places(rows, X), axis=0)


def _places(rows: np.ndarray, reference: Any) -> Any:
    xp = namespace_of(reference)
    return xp.asarray(rows.astype(np.int64), device=device(reference))
