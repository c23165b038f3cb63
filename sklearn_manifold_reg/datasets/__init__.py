"""Made and measured data whose truth is known."""

from sklearn_manifold_reg.datasets._measured_scenes import (
    fetch_jasper_ridge,
    fetch_samson,
)
from sklearn_manifold_reg.datasets._mixed_scene import make_mixed_scene
from sklearn_manifold_reg.datasets._planted_partition import make_planted_partition

__all__ = [
    "fetch_jasper_ridge",
    "fetch_samson",
    "make_mixed_scene",
    "make_planted_partition",
]
