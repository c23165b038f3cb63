"""Clusters of samples and of the nodes of a graph."""

from sklearn_manifold_reg.cluster._attributed_spectral_clustering import (
    AttributedSpectralClustering,
)
from sklearn_manifold_reg.cluster._kernel_kmeans import KernelKMeans
from sklearn_manifold_reg.cluster._kernel_ward import KernelWard
from sklearn_manifold_reg.cluster._spectral_clustering import SpectralClustering

__all__ = [
    "AttributedSpectralClustering",
    "KernelKMeans",
    "KernelWard",
    "SpectralClustering",
]
