"""From samples to graphs, and from graphs to Laplacian operators."""

from sklearn_manifold_reg.graph._connectivity import connected_components
from sklearn_manifold_reg.graph._filters import (
    BandPassFilter,
    HeatFilter,
    MexicanHatFilter,
    PageRankFilter,
    SpectralFilter,
    TikhonovFilter,
    WaveFilter,
    filter_signal,
)
from sklearn_manifold_reg.graph._graph import Graph
from sklearn_manifold_reg.graph._image_graph import ImageGraph
from sklearn_manifold_reg.graph._kernel_distances import (
    distance_to_kernel,
    kernel_to_distance,
)
from sklearn_manifold_reg.graph._kernel_graph import KernelGraph
from sklearn_manifold_reg.graph._kernel_path import kernel_path, node_kernel
from sklearn_manifold_reg.graph._laplacian import GraphOperator, laplacian
from sklearn_manifold_reg.graph._neighbors_graph import NeighborsGraph
from sklearn_manifold_reg.graph._new_rows import link_rows, replace_matched
from sklearn_manifold_reg.graph._node_kernel_measures import (
    NODE_KERNELS,
    NodeKernel,
    compared_node_kernels,
)
from sklearn_manifold_reg.graph._node_kernels import NodeKernels
from sklearn_manifold_reg.graph._partition import (
    attribute_entropy,
    modularity,
    normalized_cut,
)
from sklearn_manifold_reg.graph._precomputed import PrecomputedGraph
from sklearn_manifold_reg.graph._radius_graph import RadiusGraph
from sklearn_manifold_reg.graph._random_walks import (
    RandomWalks,
    WalkFeatures,
    WalkProduct,
    random_walks,
)
from sklearn_manifold_reg.graph._random_walks_partition import partition_walks
from sklearn_manifold_reg.graph._resolve import is_pairwise, resolve_graph
from sklearn_manifold_reg.graph._spectrum import (
    LaplacianEigenpairs,
    laplacian_eigenpairs,
)
from sklearn_manifold_reg.graph._window_laplacian import (
    WindowLaplacian,
    window_laplacian,
)

__all__ = [
    "NODE_KERNELS",
    "BandPassFilter",
    "Graph",
    "GraphOperator",
    "HeatFilter",
    "ImageGraph",
    "KernelGraph",
    "LaplacianEigenpairs",
    "MexicanHatFilter",
    "NeighborsGraph",
    "NodeKernel",
    "NodeKernels",
    "PageRankFilter",
    "PrecomputedGraph",
    "RadiusGraph",
    "RandomWalks",
    "SpectralFilter",
    "TikhonovFilter",
    "WalkFeatures",
    "WalkProduct",
    "WaveFilter",
    "WindowLaplacian",
    "attribute_entropy",
    "compared_node_kernels",
    "connected_components",
    "distance_to_kernel",
    "filter_signal",
    "is_pairwise",
    "kernel_path",
    "kernel_to_distance",
    "laplacian",
    "laplacian_eigenpairs",
    "link_rows",
    "modularity",
    "node_kernel",
    "normalized_cut",
    "partition_walks",
    "random_walks",
    "replace_matched",
    "resolve_graph",
    "window_laplacian",
]
