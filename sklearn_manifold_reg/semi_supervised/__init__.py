"""Learning from few labels and many rows."""

from sklearn_manifold_reg.semi_supervised._label_diffusion import (
    LabelDiffusionClassifier,
    LabelDiffusionRegressor,
)
from sklearn_manifold_reg.semi_supervised._laplacian_regularized import (
    LaplacianRegularizedClassifier,
    LaplacianRegularizedRegressor,
)
from sklearn_manifold_reg.semi_supervised._manifold_lipschitz import (
    ManifoldLipschitzClassifier,
    ManifoldLipschitzRegressor,
)

__all__ = [
    "LabelDiffusionClassifier",
    "LabelDiffusionRegressor",
    "LaplacianRegularizedClassifier",
    "LaplacianRegularizedRegressor",
    "ManifoldLipschitzClassifier",
    "ManifoldLipschitzRegressor",
]
