"""Non-negative factors of images and tables: endmembers and their abundances."""

from sklearn_manifold_reg.decomposition._graph_regularized_nmf import (
    GraphRegularizedNMF,
)
from sklearn_manifold_reg.decomposition._ssnmf import SSNMF

__all__ = ["SSNMF", "GraphRegularizedNMF"]
