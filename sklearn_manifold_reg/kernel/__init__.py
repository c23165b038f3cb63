"""Kernels between samples by the graph that they form, exact and by random features."""

from sklearn_manifold_reg.graph import kernel_path
from sklearn_manifold_reg.kernel._graph_kernel import GraphKernel
from sklearn_manifold_reg.kernel._graph_random_features import GraphRandomFeatures

__all__ = ["GraphKernel", "GraphRandomFeatures", "kernel_path"]
