"""Inverse problems of images: operators, and estimators that invert them."""

from sklearn_manifold_reg.inverse._blur import BlurOperator
from sklearn_manifold_reg.inverse._filtered_back_projection import (
    FilteredBackProjection,
)
from sklearn_manifold_reg.inverse._gradient import GradientOperator
from sklearn_manifold_reg.inverse._radon import RadonTransform
from sklearn_manifold_reg.inverse._subsampling import SubsamplingOperator

__all__ = [
    "BlurOperator",
    "FilteredBackProjection",
    "GradientOperator",
    "RadonTransform",
    "SubsamplingOperator",
]
