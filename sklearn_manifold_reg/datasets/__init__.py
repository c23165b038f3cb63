"""Made data whose truth is known."""

from sklearn_manifold_reg.datasets._planted_partition import make_planted_partition

__all__ = ["make_planted_partition"]
