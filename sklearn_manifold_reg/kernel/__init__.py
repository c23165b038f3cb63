"""Kernels on the nodes of graphs, exact and by random features."""

from sklearn_manifold_reg.kernel._graph_random_features import GraphRandomFeatures

__all__ = ["GraphRandomFeatures"]
