"""
Which classifier suits which data?
==================================

Four data sets, two labels a class. Where classes follow the shape of the data,
unlabeled rows show the shape, and labels reach all of it. Where there is no shape, as
in the last row, unlabeled rows have nothing to tell and differences between classifiers
are accidents. Numbers are accuracies on the unlabeled rows and seconds of fitting; with
so few rows those of the first call include the loading of compiled code.
"""

# %%
# Data sets
# ---------
import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.base import clone
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LaplacianRegularizedClassifier,
)

n_samples = 300
rng = np.random.default_rng(0)
square = rng.uniform(-1, 1, (n_samples, 2))
data_sets = {
    "moons": make_moons(n_samples, noise=0.08, random_state=0),
    "circles": make_circles(n_samples, noise=0.06, factor=0.5, random_state=0),
    "blobs": make_blobs(n_samples, centers=2, cluster_std=[2.5, 0.8], random_state=3),
    "no structure": (square, (square @ [1.0, 0.4] > 0).astype(int)),
}

# %%
# Classifiers
# -----------
# scikit-learn's label spreading divides by zero in rows that no label reaches.
warnings.filterwarnings("ignore", message="invalid value encountered in divide")
graph = NeighborsGraph(n_neighbors=10, connectivity="mst")
models = {
    "SVC": SVC(C=10),
    "LabelSpreading\n(scikit-learn)": LabelSpreading(kernel="knn", n_neighbors=10),
    "LabelDiffusion\nharmonic": LabelDiffusionClassifier(graph, method="harmonic"),
    "LabelDiffusion\npoisson": LabelDiffusionClassifier(graph),
    "LaplacianRegularized\non the graph": LaplacianRegularizedClassifier(graph),
    "LaplacianRegularized\nkernel": LaplacianRegularizedClassifier(
        graph, kernel="rbf", gamma=2.0, graph_alpha=10.0
    ),
}

# %%
# Comparison
# ----------
colors = ListedColormap(["#3f90da", "#ffa90e"])
figure, axes = plt.subplots(
    len(data_sets), len(models), figsize=(12, 8.2), layout="constrained"
)
for row, (X, truth) in zip(axes, data_sets.values(), strict=True):
    X = StandardScaler().fit_transform(X)
    y = np.full(n_samples, -1)
    for label in np.unique(truth):
        y[rng.choice(np.flatnonzero(truth == label), 2, replace=False)] = label
    labeled = y != -1
    for ax, (name, model) in zip(row, models.items(), strict=True):
        rows = labeled if name == "SVC" else slice(None)
        start = perf_counter()
        fitted = clone(model).fit(X[rows], y[rows])
        seconds = perf_counter() - start
        DecisionBoundaryDisplay.from_estimator(
            fitted,
            X,
            ax=ax,
            response_method="predict",
            plot_method="pcolormesh",
            cmap=colors,
            alpha=0.3,
            grid_resolution=80,
        )
        ax.scatter(*X[~labeled].T, c=truth[~labeled], cmap=colors, s=4)
        ax.scatter(
            *X[labeled].T,
            c=truth[labeled],
            cmap=colors,
            s=110,
            marker="*",
            edgecolors="black",
        )
        accuracy = np.mean(fitted.predict(X[~labeled]) == truth[~labeled])
        corner = {"transform": ax.transAxes, "size": 10}
        ax.text(0.99, 0.01, f"{seconds:.3f}s", ha="right", **corner)
        ax.text(0.01, 0.01, f"{accuracy:.2f}", ha="left", **corner)
        ax.set(xticks=[], yticks=[])
for ax, name in zip(axes[0], models, strict=True):
    ax.set_title(name)
for ax, name in zip(axes[:, 0], data_sets, strict=True):
    ax.set_ylabel(name)
plt.show()
