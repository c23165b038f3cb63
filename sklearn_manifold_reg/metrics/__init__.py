"""Scores of distances between nodes and of measures over many graphs."""

from sklearn_manifold_reg.metrics._copeland import copeland_score
from sklearn_manifold_reg.metrics._rejection import rejection_auc, rejection_curve

__all__ = ["copeland_score", "rejection_auc", "rejection_curve"]
