"""Points to clusters, by k-means or by rotations."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_manifold_reg._arrays import asarray_like, device, namespace_of
from sklearn_manifold_reg.cluster._assign import assign_rows
from sklearn_manifold_reg.cluster._embedding import normalize_rows
from sklearn_manifold_reg.cluster._kmeans import kmeans
from sklearn_manifold_reg.cluster._rotations import cluster_qr, discretize


@dataclass(frozen=True, eq=False)
class Division:
    """Points divided into clusters, and the rule that divides them.

    Attributes
    ----------
    labels : integer array of shape (n,)
        Cluster of each point.
    centers : array of shape (n_clusters, n_components) or None
        Of "kmeans"; None if labels do not come from the nearest center.
    rotation : array of shape (n_components, n_clusters) or None
        Of "discretize" and "cluster_qr".
    """

    labels: Any
    centers: Any = None
    rotation: Any = None


def divide(
    Z: Any,
    vectors: Any,
    n_clusters: int,
    assign_labels: str,
    *,
    known: np.ndarray | None,
    n_init: int,
    n_finalists: int,
    rng: np.random.RandomState,
    n_jobs: int | None,
) -> Division:
    """Divide points into clusters.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Points.
    vectors : array of shape (n, n_components)
        The same rows with the lengths by which "cluster_qr" chooses pivots.
    n_clusters : int
        Number of clusters.
    assign_labels : {"kmeans", "discretize", "cluster_qr"}
        How.
    known : ndarray of shape (n,) or None
        Clusters, where components of the graph give them; Z then has one column a
        cluster, which is zero elsewhere.
    n_init : int
        Number of starts.
    n_finalists : int
        Number of starts of "kmeans" that go on with all rows.
    rng : RandomState
        Source of starts.
    n_jobs : int or None
        Threads.

    Returns
    -------
    division : Division
        With centers or a rotation, as `assign_labels` says.
    """
    if known is not None:
        xp = namespace_of(Z)
        labels = asarray_like(known, Z)
        if assign_labels == "kmeans":
            return Division(labels)
        eye = xp.eye(n_clusters, dtype=Z.dtype, device=device(Z))
        return Division(labels, rotation=eye)
    if assign_labels == "kmeans":
        found = kmeans(
            Z,
            n_clusters,
            n_init=n_init,
            n_finalists=n_finalists,
            rng=rng,
            n_jobs=n_jobs,
        )
        return Division(found.labels, centers=found.centers)
    if assign_labels == "discretize":
        turned = discretize(normalize_rows(Z), n_init=n_init, rng=rng, n_jobs=n_jobs)
    else:
        turned = cluster_qr(Z, vectors)
    return Division(turned.labels, rotation=turned.rotation)


def label_points(
    Z: Any, assign_labels: str, *, centers: Any, rotation: Any, n_jobs: int | None
) -> Any:
    """Label points by centers or by a rotation.

    Parameters
    ----------
    Z : array of shape (n, n_components)
        Points.
    assign_labels : {"kmeans", "discretize", "cluster_qr"}
        Rule.
    centers : array of shape (n_clusters, n_components) or None
        For "kmeans".
    rotation : array of shape (n_components, n_clusters) or None
        For the others.
    n_jobs : int or None
        Threads.

    Returns
    -------
    labels : integer array of shape (n,)
        Clusters.
    """
    xp = namespace_of(Z)
    if assign_labels == "kmeans":
        offsets = -xp.sum(centers * centers, axis=1) / 2
        return assign_rows(
            Z, xp.matrix_transpose(centers), offsets, n_jobs=n_jobs
        ).labels
    scores = Z @ rotation
    if assign_labels == "cluster_qr":
        scores = xp.abs(scores)
    return xp.argmax(scores, axis=1)
