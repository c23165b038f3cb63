"""Inverse problems of images: operators, and estimators that invert them."""

from sklearn_manifold_reg.inverse._blur import BlurOperator
from sklearn_manifold_reg.inverse._filtered_back_projection import (
    FilteredBackProjection,
)
from sklearn_manifold_reg.inverse._gradient import GradientOperator
from sklearn_manifold_reg.inverse._graph_laplacian import GraphLaplacianReconstructor
from sklearn_manifold_reg.inverse._radon import RadonTransform
from sklearn_manifold_reg.inverse._regularized import Reconstruction
from sklearn_manifold_reg.inverse._sobolev_norm import sobolev_norm, sobolev_weights
from sklearn_manifold_reg.inverse._sobolev_restorer import SobolevImageRestorer
from sklearn_manifold_reg.inverse._subsampling import SubsamplingOperator
from sklearn_manifold_reg.inverse._tikhonov import TikhonovReconstructor
from sklearn_manifold_reg.inverse._total_variation import TotalVariationReconstructor

__all__ = [
    "BlurOperator",
    "FilteredBackProjection",
    "GradientOperator",
    "GraphLaplacianReconstructor",
    "RadonTransform",
    "Reconstruction",
    "SobolevImageRestorer",
    "SubsamplingOperator",
    "TikhonovReconstructor",
    "TotalVariationReconstructor",
    "sobolev_norm",
    "sobolev_weights",
]
