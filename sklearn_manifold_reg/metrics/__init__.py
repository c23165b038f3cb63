"""Scores of distances between nodes, measures over many graphs, unmixing, images."""

from sklearn_manifold_reg.metrics._copeland import copeland_score
from sklearn_manifold_reg.metrics._images import (
    peak_signal_to_noise_ratio,
    structural_similarity,
)
from sklearn_manifold_reg.metrics._rejection import rejection_auc, rejection_curve
from sklearn_manifold_reg.metrics._unmixing import (
    abundance_rmse,
    match_components,
    spectral_angle,
    spectral_angle_distance,
)

__all__ = [
    "abundance_rmse",
    "copeland_score",
    "match_components",
    "peak_signal_to_noise_ratio",
    "rejection_auc",
    "rejection_curve",
    "spectral_angle",
    "spectral_angle_distance",
    "structural_similarity",
]
