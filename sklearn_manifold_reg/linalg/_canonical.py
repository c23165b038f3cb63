"""Bases of eigenspaces that depend on the space only."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy
from sklearn_manifold_reg.linalg._tall import adjoint

# Entries within this share of the largest count as equal to it: the first one decides.
_TIE = 1e-3


def canonical_basis(V: Any, values: np.ndarray, gap: float) -> Any:
    """Fix signs, and the bases of groups of equal eigenvalues.

    Parameters
    ----------
    V : array of shape (n, m)
        Orthonormal eigenvectors.
    values : ndarray of shape (m,)
        Their eigenvalues, ascending.
    gap : float
        Neighboring eigenvalues closer than this count as equal.

    Returns
    -------
    V : array of shape (n, m)
        The largest entry of each column is positive, the first one of those nearly as
        large deciding. A group of columns of one eigenvalue is rotated so that the
        first is the projection of a unit vector on their span, of that unit vector
        which is nearest to it; the second likewise in what remains, and so on.
    """
    if V.shape[1] == 0:
        return V
    xp = namespace_of(V)
    bounds = np.flatnonzero(np.diff(values) > gap) + 1
    starts = [0, *bounds.tolist()]
    stops = [*bounds.tolist(), len(values)]
    groups = []
    for start, stop in zip(starts, stops, strict=True):
        U = V[:, start:stop]
        groups.append(U @ asarray_like(_rotation(U), U))
    return xp.concat(groups, axis=1)


def _rotation(U: Any) -> np.ndarray:
    """Orthogonal matrix of the directions of the leading rows of a block."""
    xp, size = namespace_of(U), U.shape[1]
    rest = U
    columns: list[np.ndarray] = []
    for _ in range(size):
        squares = xp.sum(xp.abs(rest) ** 2, axis=1)
        first = int(
            xp.argmax(xp.astype(squares >= (1 - _TIE) * xp.max(squares), xp.int8))
        )
        # Of the row itself: what is subtracted from it carries rounding errors.
        row = to_numpy(U[first, :]).conj()
        for _ in range(2):
            for column in columns:
                row = row - column * (column.conj() @ row)
        column = row / np.linalg.norm(row)
        columns.append(column)
        if size > 1:
            q = asarray_like(column, U)[:, None]
            rest = rest - (rest @ q) @ adjoint(q)
    return np.stack(columns, axis=1)
