"""Pixels as mixtures: endmembers, abundances and both at once."""

from sklearn_manifold_reg.decomposition._abundances import (
    fully_constrained_least_squares,
)
from sklearn_manifold_reg.decomposition._endmembers import (
    n_findr,
    successive_projection,
    vertex_component_analysis,
)
from sklearn_manifold_reg.decomposition._linear_unmixer import LinearUnmixer

__all__ = [
    "LinearUnmixer",
    "fully_constrained_least_squares",
    "n_findr",
    "successive_projection",
    "vertex_component_analysis",
]
