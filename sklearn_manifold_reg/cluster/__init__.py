"""Clusters of samples and of graphs."""

from sklearn_manifold_reg.cluster._attributed_spectral_clustering import (
    AttributedSpectralClustering,
)

__all__ = ["AttributedSpectralClustering"]
