"""Kernels between samples, by the graph that they form."""

from sklearn_manifold_reg.graph import kernel_path
from sklearn_manifold_reg.kernel._graph_kernel import GraphKernel

__all__ = ["GraphKernel", "kernel_path"]
