"""
Which embedding keeps which shape?
==================================

Five data sets, embedded in the plane. Seconds in the corner include the graph, and the
other number is the trustworthiness: 1 if near points in the plane are near in the data.
"""

# %%
# Data sets
# ---------
# Two bent sheets, one of them with uneven sampling; a ball without its cap; a
# closed curve in three dimensions, sampled unevenly; and handwritten digits, of which
# nobody knows the shape. Colors are a coordinate along the sheet, and the digits.
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_s_curve, make_swiss_roll
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap, trustworthiness
from sklearn.manifold import SpectralEmbedding as ScikitLearnEmbedding

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.manifold import DiffusionMap, SpectralEmbedding

n_samples = 700
rng = np.random.default_rng(0)
swiss, roll = make_swiss_roll(n_samples, random_state=0)
curve, along = make_s_curve(3 * n_samples, random_state=0)
kept = rng.random(3 * n_samples) < 0.05 + 0.6 * (along > 0)
height, turn = rng.uniform(-1, 0.6, n_samples), rng.uniform(0, 2 * np.pi, n_samples)
radius = np.sqrt(1 - height**2)
ball = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])
turn = 2 * np.pi * rng.random(n_samples)
angle = turn + 0.85 * np.sin(turn)
knot = np.column_stack(
    [
        np.sin(angle) + 2 * np.sin(2 * angle),
        np.cos(angle) - 2 * np.cos(2 * angle),
        -np.sin(3 * angle),
    ]
)
digits, classes = load_digits(n_class=6, return_X_y=True)
data_sets = {
    "swiss roll": (swiss, roll),
    "uneven sheet": (curve[kept], along[kept]),
    "open ball": (ball, height),
    "knot": (knot, np.cos(angle)),
    "digits": (digits[:n_samples], classes[:n_samples]),
}

# %%
# Methods
# -------
graph = NeighborsGraph(n_neighbors=10, connectivity="mst")
methods = {
    "PCA": PCA(2),
    "Isomap\n(scikit-learn)": Isomap(n_neighbors=10),
    "SpectralEmbedding\n(scikit-learn)": ScikitLearnEmbedding(
        affinity="nearest_neighbors", n_neighbors=10, random_state=0
    ),
    "SpectralEmbedding": SpectralEmbedding(2, graph),
    "symmetric": SpectralEmbedding(2, graph, normalization="symmetric"),
    "DiffusionMap": DiffusionMap(2, graph),
    "alpha=0": DiffusionMap(2, graph, alpha=0.0),
}

# %%
# Comparison
# ----------
# A first fit loads the compiled code, which is no part of what is compared.
DiffusionMap(2, graph).fit(swiss)
figure, axes = plt.subplots(
    len(data_sets), len(methods), figsize=(14, 10), layout="constrained"
)
for row, (name, (X, color)) in zip(axes, data_sets.items(), strict=True):
    row[0].set_ylabel(name)
    for ax, (method, model) in zip(row, methods.items(), strict=True):
        start = perf_counter()
        Z = model.fit_transform(X)
        seconds = perf_counter() - start
        ax.scatter(*Z.T, c=color, s=5, cmap="viridis" if name != "digits" else "tab10")
        ax.set(xticks=[], yticks=[])
        ax.margins(0.12)
        corner = {"transform": ax.transAxes, "size": 10}
        ax.text(0.99, 0.01, f"{seconds:.2f}s", ha="right", **corner)
        ax.text(0.01, 0.01, f"{trustworthiness(X, Z):.2f}", ha="left", **corner)
        if ax in axes[0]:
            ax.set_title(method, size=10)
plt.show()

# %%
# Spectral coordinates of a long sheet are its length and the square of that, a
# parabola, with the width in later coordinates. The symmetric form mixes the degrees
# into them. Self-tuning weights leave little of the density, so that `alpha` changes
# little; for weights that do not, see
# :ref:`sphx_glr_auto_examples_graph_plot_laplacian_comparison.py`.
