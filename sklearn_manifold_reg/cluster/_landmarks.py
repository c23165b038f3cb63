"""Landmarks that stand for the other rows of a graph."""

import warnings
from typing import Any

import numpy as np
from scipy import linalg, sparse

from sklearn_manifold_reg._arrays import CSR, device, namespace_of
from sklearn_manifold_reg.cluster._assign import take_rows
from sklearn_manifold_reg.cluster._kmeans import lloyd

# Rows per landmark, and moves, of the k-means that places landmarks.
_ROWS_PER_LANDMARK = 20
_MAX_ITER = 10
# Columns multiplied at once on a device.
_COLUMNS = 64


def place_landmarks(
    X: Any, n_landmarks: int, rng: np.random.RandomState, *, n_jobs: int | None
) -> Any:
    """Place landmarks among rows.

    Parameters
    ----------
    X : array or sparse array of shape (n, n_features)
        Rows.
    n_landmarks : int
        Number of landmarks, at most n.
    rng : RandomState
        Source of random rows.
    n_jobs : int or None
        Threads.

    Returns
    -------
    landmarks : array or sparse array of shape (n_landmarks, n_features)
        Centers of a short k-means of a sample of the rows; of a sparse X, rows drawn
        at random.
    """
    n = X.shape[0]
    if sparse.issparse(X):
        return X[np.sort(rng.choice(n, n_landmarks, replace=False))]
    rows = rng.choice(n, min(n, _ROWS_PER_LANDMARK * n_landmarks), replace=False)
    start = take_rows(X, rows[:n_landmarks])
    sample = take_rows(X, np.sort(rows))
    return lloyd(sample, start, max_iter=_MAX_ITER, n_jobs=n_jobs).centers


def fit_on_landmarks(builder: Any, landmarks: Any, n_nearest: int) -> Any:
    """Fit a graph builder so that `transform` links rows to their landmarks.

    Parameters
    ----------
    builder : graph builder
        With a parameter `n_neighbors`; it is changed.
    landmarks : array or sparse array of shape (n_landmarks, n_features)
        Landmarks.
    n_nearest : int
        Landmarks that each row is linked to.

    Returns
    -------
    builder : graph builder
        Fitted.
    """
    builder.set_params(n_neighbors=min(n_nearest, landmarks.shape[0] - 1))
    with warnings.catch_warnings():
        # Whether landmarks hang together among themselves is of no importance.
        warnings.filterwarnings("ignore", message="The graph of", category=UserWarning)
        return builder.fit(landmarks)


def landmark_weights(builder: Any, X: Any) -> CSR:
    """Weights of rows to their nearest landmarks, divided by their sums.

    Parameters
    ----------
    builder : graph builder
        From `fit_on_landmarks`.
    X : array or sparse array of shape (n, n_features)
        Rows.

    Returns
    -------
    weights : CSR of shape (n, n_landmarks)
        Rows sum to one; rows with weights too small to be represented are zero.
    """
    affinity = builder.transform(X)
    csr = affinity if isinstance(affinity, CSR) else CSR.from_scipy(affinity)
    sums = csr.row_sums()
    xp = namespace_of(sums)
    tied = sums > 0
    inverse = xp.where(tied, 1 / xp.where(tied, sums, xp.ones_like(sums)), sums)
    return csr.scale(left=inverse)


def landmark_pairs(weights: CSR, n_pairs: int) -> tuple[Any, Any, Any]:
    """Compute the lowest eigenpairs of the graph `Z diag(s)^-1 Z'` of rows.

    Z are the weights of rows to landmarks and s their column sums. All degrees of
    this graph are one.

    Parameters
    ----------
    weights : CSR of shape (n, n_landmarks)
        From `landmark_weights`.
    n_pairs : int
        Number of eigenpairs, at most n_landmarks.

    Returns
    -------
    values : array of shape (n_pairs,)
        Eigenvalues of the Laplacian, ascending.
    basis : array of shape (n_landmarks, n_pairs)
        Eigenvectors are `weights @ basis`, of mean square one.
    sums : array of shape (n_landmarks,)
        Column sums of the weights.

    Notes
    -----
    Eigenvectors are left singular vectors of `B = Z diag(s)^-1/2`, eigenvalues one
    minus the squares of the singular values, which a dense decomposition of B'B
    gives.
    """
    xp = namespace_of(weights.data)
    sums = weights.transpose().row_sums()
    used = sums > 0
    scale = xp.where(used, 1 / xp.sqrt(xp.where(used, sums, xp.ones_like(sums))), sums)
    B = weights.scale(right=scale)
    if isinstance(B.data, np.ndarray):
        wide = B.to_scipy().astype(np.float64)
        gram = (wide.T @ wide).toarray()
        p = gram.shape[0]
        squares, V = linalg.eigh(gram, subset_by_index=[p - n_pairs, p - 1])
        squares, V = squares[::-1], V[:, ::-1]
    else:
        squares, V = xp.linalg.eigh(_gram(B))
        squares = xp.flip(squares)[:n_pairs]
        V = xp.flip(V, axis=1)[:, :n_pairs]
    places = xp.argmax(xp.abs(V), axis=0)
    peaks = xp.take_along_axis(V, places[None, :], axis=0)
    V = xp.where(peaks < 0, -V, V)
    found = squares > 0
    lengths = xp.sqrt(xp.where(found, squares, xp.ones_like(squares)))
    basis = scale[:, None] * xp.where(found, V / lengths, xp.zeros_like(V))
    basis = xp.astype(basis * float(np.sqrt(weights.shape[0])), weights.dtype)
    values = xp.astype(1 - squares, weights.dtype)
    values = xp.where(values > 0, values, xp.zeros_like(values))
    return values, basis, sums


def _gram(B: CSR) -> Any:
    """B'B of a matrix on a device, some columns at a time."""
    xp = namespace_of(B.data)
    p = B.shape[1]
    eye = xp.eye(p, dtype=B.dtype, device=device(B.data))
    transposed = B.transpose()
    blocks = [
        transposed.matmat(B.matmat(eye[:, start : min(p, start + _COLUMNS)]))
        for start in range(0, p, _COLUMNS)
    ]
    gram = xp.concat(blocks, axis=1)
    return (gram + xp.matrix_transpose(gram)) / 2
