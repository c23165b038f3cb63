"""Displays: they read fitted estimators and compute nothing new."""

from sklearn_manifold_reg.plotting._graph_display import GraphDisplay

__all__ = ["GraphDisplay"]
