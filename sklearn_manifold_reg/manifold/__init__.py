"""Coordinates of rows on a manifold: embeddings by the spectrum of their graph."""

from sklearn_manifold_reg.manifold._diffusion_map import DiffusionMap
from sklearn_manifold_reg.manifold._spectral_embedding import SpectralEmbedding

__all__ = ["DiffusionMap", "SpectralEmbedding"]
