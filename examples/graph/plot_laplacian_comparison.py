"""
Which Laplacian for uneven data?
================================

A Laplacian sees the density of the data as well as their shape. Its normalization says
how much of it. Colors are the first eigenvector that is not constant (or the root of
the degrees): a coordinate along the shape, or a cut of it. Seconds in the corner are
those of the eigenvectors, given the graph.
"""

# %%
# Data sets
# ---------
# A curve whose sampling thins out, a strip that is dense on one side, two moons, of
# which one has few points, and groups of different spread.
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs, make_moons
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.graph import NeighborsGraph, laplacian_eigenpairs

rng = np.random.default_rng(0)
time = np.sort(rng.beta(1.0, 2.0, 500))
spiral = np.column_stack([np.cos(6 * time), np.sin(6 * time)]) * (0.3 + time)[:, None]
strip = np.column_stack([rng.beta(1.0, 3.0, 600), 0.4 * rng.random(600)])
moons, side = make_moons(800, noise=0.05, random_state=0)
data_sets = {
    "thinning curve": spiral,
    "strip": strip,
    "uneven moons": moons[(side == 0) | (rng.random(800) < 0.3)],
    "groups": make_blobs(500, cluster_std=[0.5, 1.2, 2.0], random_state=8)[0],
}

# %%
# Comparison
# ----------
# Heat weights with one width for all edges leave the density in the graph.
graph = NeighborsGraph(30, weights="heat", bandwidth=0.4, connectivity="mst")
normalizations = {
    "None\nD - W": {"normalization": None},
    "symmetric\nI - D^-1/2 W D^-1/2": {"normalization": "symmetric"},
    "random-walk\nI - D^-1 W": {"normalization": "random-walk"},
    "density, alpha=0.5": {"normalization": "density", "alpha": 0.5},
    "density, alpha=1": {"normalization": "density", "alpha": 1.0},
}
laplacian_eigenpairs(graph.fit(spiral).affinity_, 2)  # Loads the compiled code.
figure, axes = plt.subplots(
    len(data_sets), len(normalizations), figsize=(13, 9), layout="constrained"
)
for row, (name, X) in zip(axes, data_sets.items(), strict=True):
    X = StandardScaler().fit_transform(X)
    affinity = graph.fit(X).affinity_
    row[0].set_ylabel(name)
    for ax, (title, options) in zip(row, normalizations.items(), strict=True):
        start = perf_counter()
        pairs = laplacian_eigenpairs(affinity, 2, **options)
        seconds = perf_counter() - start
        if options["normalization"] in ("random-walk", "density"):
            vector = pairs.functions[:, 1]
        else:
            vector = pairs.vectors[:, 1]
        limit = np.abs(vector).max()
        ax.scatter(*X.T, c=vector, s=8, cmap="coolwarm", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
        ax.text(
            0.99, 0.01, f"{seconds:.3f}s", ha="right", transform=ax.transAxes, size=10
        )
        if ax in axes[0]:
            ax.set_title(title, size=10)
plt.show()

# %%
# The plain Laplacian singles out far points. The symmetric form mixes the degrees into
# its vectors. Random walks stay where data are dense, so that they cut the strip
# through its dense end; with `alpha=1` the density is divided out, and the coordinate
# goes along the longer side, whatever the sampling.
