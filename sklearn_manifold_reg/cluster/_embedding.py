"""Eigenfunctions to rows that are clustered, and the number of clusters."""

from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, namespace_of, to_numpy

EMBEDDINGS = ("njw", "shi_malik", "diffusion", "commute")
# Eigenvalues below this share of the largest count as zero.
_ZERO = 1e-10


def candidate_widths(
    n_clusters: int, n_components: int | None, assign_labels: str
) -> list[int]:
    """Give the numbers of eigenvectors that are tried.

    Parameters
    ----------
    n_clusters : int
        Number of clusters.
    n_components : int or None
        What was asked for.
    assign_labels : {"kmeans", "discretize", "cluster_qr"}
        How points are divided.

    Returns
    -------
    widths : list of int
        Ascending.
    """
    if n_components is not None:
        return [n_components]
    if assign_labels != "kmeans":
        return [n_clusters]
    return sorted({n_clusters, n_clusters + 2, n_clusters + n_clusters // 2})


def embed(functions: Any, values: Any, embedding: str, diffusion_time: float) -> Any:
    """Scale eigenfunctions as `embedding` says.

    Parameters
    ----------
    functions : array of shape (n, n_components)
        Eigenfunctions of the random walk.
    values : array of shape (n_components,)
        Eigenvalues of the normalized Laplacian, ascending.
    embedding : {"njw", "shi_malik", "diffusion", "commute"}
        See `SpectralClustering`.
    diffusion_time : float
        Exponent of "diffusion".

    Returns
    -------
    Z : array of shape (n, n_components)
        Rows; zero rows stay zero.
    """
    xp = namespace_of(functions)
    if embedding == "njw":
        return normalize_rows(functions)
    if embedding == "shi_malik":
        return functions
    spectrum = np.maximum(to_numpy(values).astype(np.float64), 0)
    if embedding == "diffusion":
        walk = 1 - spectrum
        factors = np.sign(walk) * np.abs(walk) ** diffusion_time
    else:
        # Components are infinitely far apart. The factor of the least positive
        # eigenvalue keeps them farther than all else.
        positive = spectrum > _ZERO
        least = spectrum[positive].min(initial=2.0)
        factors = 1 / np.sqrt(np.where(positive, spectrum, least))
    return xp.astype(functions * asarray_like(factors, functions), functions.dtype)


def normalize_rows(F: Any) -> Any:
    """Scale rows to norm one.

    Parameters
    ----------
    F : array of shape (n, n_columns)
        Rows.

    Returns
    -------
    Z : array of shape (n, n_columns)
        Zero rows stay zero.
    """
    xp = namespace_of(F)
    norms = xp.sqrt(xp.sum(F * F, axis=1))
    return F / xp.where(norms > 0, norms, xp.ones_like(norms))[:, None]


def relative_eigengaps(values: Any) -> np.ndarray:
    """Gaps between eigenvalues, relative to the upper one.

    Parameters
    ----------
    values : array of shape (n_values,)
        Eigenvalues, ascending, not negative up to rounding.

    Returns
    -------
    gaps : ndarray of shape (n_values - 1,)
        `1 - values[i] / values[i + 1]`; 0 where both are zero. On the host.
    """
    spectrum = to_numpy(values).astype(np.float64)
    spectrum = np.where(spectrum > _ZERO, spectrum, 0.0)
    upper = np.where(spectrum[1:] > 0, spectrum[1:], 1.0)
    return np.where(spectrum[1:] > 0, 1 - spectrum[:-1] / upper, 0.0)


def n_clusters_by_gap(values: Any) -> int:
    """Choose a number of clusters by the largest relative eigengap.

    Parameters
    ----------
    values : array of shape (n_values,)
        Lowest eigenvalues, three or more.

    Returns
    -------
    n_clusters : int
        The k of 2..n_values - 1 for which the relative gap between eigenvalues
        number k and k + 1 is largest; the least of equal ones.
    """
    return int(np.argmax(relative_eigengaps(values)[1:])) + 2
