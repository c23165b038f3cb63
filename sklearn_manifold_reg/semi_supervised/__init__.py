"""Learning from few labels and many rows."""

from sklearn_manifold_reg.semi_supervised._label_diffusion import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
)

__all__ = ["LabelDiffusionClassifier", "LabelDiffusionRegressor"]
