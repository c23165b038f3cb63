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
from sklearn_manifold_reg.graph._kernel_graph import KernelGraph
from sklearn_manifold_reg.graph._laplacian import GraphOperator, laplacian
from sklearn_manifold_reg.graph._neighbors_graph import NeighborsGraph
from sklearn_manifold_reg.graph._new_rows import link_rows, replace_matched
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
from sklearn_manifold_reg.graph._resolve import resolve_graph
from sklearn_manifold_reg.graph._spectrum import (
    LaplacianEigenpairs,
    laplacian_eigenpairs,
)

__all__ = [
    "BandPassFilter",
    "Graph",
    "GraphOperator",
    "HeatFilter",
    "ImageGraph",
    "KernelGraph",
    "LaplacianEigenpairs",
    "MexicanHatFilter",
    "NeighborsGraph",
    "PageRankFilter",
    "PrecomputedGraph",
    "RadiusGraph",
    "RandomWalks",
    "SpectralFilter",
    "TikhonovFilter",
    "WalkFeatures",
    "WalkProduct",
    "WaveFilter",
    "attribute_entropy",
    "connected_components",
    "filter_signal",
    "laplacian",
    "laplacian_eigenpairs",
    "link_rows",
    "modularity",
    "normalized_cut",
    "partition_walks",
    "random_walks",
    "replace_matched",
    "resolve_graph",
]
