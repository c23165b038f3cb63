"""
Which weights for which data?
=============================

The weights of edges decide how near neighbors are to each other: all the same, by one
width for all, or by widths that follow the density. Edges are drawn as dark as they
are heavy; numbers are the seconds of the graph and the accuracy of label diffusion from
two labels a class (stars), a mean over ten draws.
"""

# %%
# Data sets
# ---------
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier

rng = np.random.default_rng(0)
n_samples = 200
moons, side = make_moons(2 * n_samples, noise=0.1, random_state=0)
kept = (side == 0) | (rng.random(2 * n_samples) < 0.3)
data_sets = {
    "moons": make_moons(n_samples, noise=0.1, random_state=0),
    "uneven moons": (moons[kept], side[kept]),
    "circles": make_circles(n_samples, noise=0.08, factor=0.5, random_state=0),
    "blobs": make_blobs(n_samples, centers=2, cluster_std=[2.5, 0.5], random_state=3),
}

# %%
# Graphs
# ------
graphs = {
    "connectivity": NeighborsGraph(weights="connectivity", connectivity="mst"),
    "heat": NeighborsGraph(weights="heat", connectivity="mst"),
    "self-tuning": NeighborsGraph(connectivity="mst"),
    "fuzzy": NeighborsGraph(weights="fuzzy", connectivity="mst"),
    "self-tuning,\nmutual neighbors": NeighborsGraph(
        symmetrize="mutual", connectivity="mst"
    ),
    "self-tuning,\n5 neighbors": NeighborsGraph(5, connectivity="mst"),
}

# %%
# Comparison
# ----------
for graph in graphs.values():  # Loads the compiled code.
    graph.fit(moons)
colors = ListedColormap(["#3f90da", "#ffa90e"])
figure, axes = plt.subplots(
    len(data_sets), len(graphs), figsize=(13.5, 9), layout="constrained"
)
for row, (name, (X, truth)) in zip(axes, data_sets.items(), strict=True):
    X = StandardScaler().fit_transform(X)
    draws = []
    for _ in range(10):
        y = np.full(len(X), -1)
        for label in range(2):
            y[rng.choice(np.flatnonzero(truth == label), 2, replace=False)] = label
        draws.append(y)
    row[0].set_ylabel(name)
    for ax, (title, graph) in zip(row, graphs.items(), strict=True):
        start = perf_counter()
        graph.fit(X)
        seconds = perf_counter() - start
        model = LabelDiffusionClassifier(FrozenEstimator(graph))
        accuracies = []
        for y in draws:
            found = model.fit(X, y).transduction_
            accuracies.append(np.mean(found[y == -1] == truth[y == -1]))
        edges = graph.affinity_.tocoo()
        above = edges.row < edges.col
        ends = np.stack([X[edges.row[above]], X[edges.col[above]]], axis=1)
        shade = np.clip(edges.data[above] / np.quantile(edges.data, 0.9), 0, 1)
        ax.add_collection(LineCollection(ends, colors="k", alpha=shade, linewidths=0.8))
        ax.scatter(*X.T, c=truth, cmap=colors, s=8, zorder=2)
        stars = draws[0] != -1
        ax.scatter(
            *X[stars].T,
            c=truth[stars],
            cmap=colors,
            s=110,
            marker="*",
            edgecolors="black",
            zorder=3,
        )
        ax.set(xticks=[], yticks=[])
        corner = {"transform": ax.transAxes, "size": 10}
        ax.text(0.99, 0.01, f"{seconds:.3f}s", ha="right", **corner)
        ax.text(0.01, 0.01, f"{np.mean(accuracies):.2f}", ha="left", **corner)
        if ax in axes[0]:
            ax.set_title(title, size=10)
plt.show()
