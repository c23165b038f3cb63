"""Splitting and searching with partly labeled data."""

from sklearn_manifold_reg.model_selection._labeled_split import LabeledSplit
from sklearn_manifold_reg.model_selection._transductive_search import (
    TransductiveSearchCV,
)

__all__ = ["LabeledSplit", "TransductiveSearchCV"]
