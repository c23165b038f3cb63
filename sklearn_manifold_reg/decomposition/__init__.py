"""Pixels as mixtures: endmembers, abundances and both at once."""

from sklearn_manifold_reg.decomposition._abundances import (
    fully_constrained_least_squares,
)
from sklearn_manifold_reg.decomposition._endmembers import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._graph_regularized_nmf import (
    GraphRegularizedNMF,
)
from sklearn_manifold_reg.decomposition._linear_unmixer import LinearUnmixer
from sklearn_manifold_reg.decomposition._ssnmf import SSNMF

__all__ = [
    "SSNMF",
    "GraphRegularizedNMF",
    "LinearUnmixer",
    "fully_constrained_least_squares",
    "n_findr",
    "successive_projection",
    "vertex_component_analysis",
]
