"""Displays: they read fitted estimators and compute nothing new."""

from sklearn_manifold_reg.plotting._abundance_maps_display import AbundanceMapsDisplay
from sklearn_manifold_reg.plotting._embedding_display import EmbeddingDisplay
from sklearn_manifold_reg.plotting._endmembers_display import EndmembersDisplay
from sklearn_manifold_reg.plotting._graph_display import GraphDisplay
from sklearn_manifold_reg.plotting._lipschitz_display import LipschitzDisplay
from sklearn_manifold_reg.plotting._reconstruction_display import (
    ReconstructionDisplay,
)
from sklearn_manifold_reg.plotting._rejection_curve_display import (
    RejectionCurveDisplay,
)
from sklearn_manifold_reg.plotting._spectrum_display import SpectrumDisplay

__all__ = [
    "AbundanceMapsDisplay",
    "EmbeddingDisplay",
    "EndmembersDisplay",
    "GraphDisplay",
    "LipschitzDisplay",
    "ReconstructionDisplay",
    "RejectionCurveDisplay",
    "SpectrumDisplay",
]
