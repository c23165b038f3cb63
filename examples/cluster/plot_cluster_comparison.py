"""
Which way of clustering finds which shapes?
===========================================

Six data sets in two dimensions, clustered by k-means, by scikit-learn's spectral
clustering and by options of :class:`~sklearn_manifold_reg.cluster.SpectralClustering`.
Numbers in the corners are seconds, that of the graph included, and the agreement with
the truth (adjusted Rand index). In the last row there is no truth to find.
"""

# %%
# Data sets
# ---------
# The settings of scikit-learn's comparison of clustering algorithms.
import warnings
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.cluster import KMeans
from sklearn.cluster import SpectralClustering as ScikitLearnSpectral
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from sklearn_manifold_reg.cluster import SpectralClustering
from sklearn_manifold_reg.graph import NeighborsGraph

n_samples = 500
X, truth = make_blobs(n_samples, random_state=170)
data_sets = {
    "circles": (make_circles(n_samples, factor=0.5, noise=0.05, random_state=170), 2),
    "moons": (make_moons(n_samples, noise=0.05, random_state=170), 2),
    "varied": (
        make_blobs(n_samples, cluster_std=[1.0, 2.5, 0.5], random_state=170),
        3,
    ),
    "stretched": ((X @ [[0.6, -0.6], [-0.4, 0.8]], truth), 3),
    "blobs": (make_blobs(n_samples, random_state=8), 3),
    "no structure": ((np.random.RandomState(170).rand(n_samples, 2), None), 3),
}

# %%
# Methods
# -------
# scikit-learn warns of its graph in pieces; ours joins the pieces by shortest edges.
warnings.filterwarnings("ignore", message="Graph is not fully connected")
graph = NeighborsGraph(n_neighbors=10, connectivity="mst")


def make_methods(k):
    """Make one estimator a column."""
    return {
        "KMeans": KMeans(k, n_init=10, random_state=0),
        "scikit-learn\nSpectralClustering": ScikitLearnSpectral(
            k, affinity="nearest_neighbors", random_state=0
        ),
        "SpectralClustering\n(kmeans)": SpectralClustering(k, graph, random_state=0),
        "discretize": SpectralClustering(
            k, graph, assign_labels="discretize", random_state=0
        ),
        "cluster_qr": SpectralClustering(k, graph, assign_labels="cluster_qr"),
        "refine=True": SpectralClustering(k, graph, refine=True, random_state=0),
        "100 landmarks": SpectralClustering(
            k, method="landmark", n_landmarks=100, random_state=0
        ),
        "eigengap": SpectralClustering("eigengap", graph, random_state=0),
    }


# %%
# Comparison
# ----------
# A first fit loads the compiled code, which is no part of what is compared.
SpectralClustering(2, graph, refine=True).fit(X)
colors = ListedColormap(
    ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300"]
)
figure, axes = plt.subplots(
    len(data_sets), len(make_methods(2)), figsize=(15, 11), layout="constrained"
)
for row, (name, ((X, truth), k)) in zip(axes, data_sets.items(), strict=True):
    X = StandardScaler().fit_transform(X)
    row[0].set_ylabel(name)
    for ax, (method, model) in zip(row, make_methods(k).items(), strict=True):
        start = perf_counter()
        labels = model.fit_predict(X)
        seconds = perf_counter() - start
        ax.scatter(*X.T, c=labels % colors.N, cmap=colors, s=6, vmin=0, vmax=6)
        ax.set(xticks=[], yticks=[])
        corner = {"transform": ax.transAxes, "size": 11}
        ax.text(0.99, 0.01, f"{seconds:.2f}s", ha="right", **corner)
        if truth is not None:
            score = adjusted_rand_score(truth, labels)
            ax.text(0.01, 0.01, f"{score:.2f}", ha="left", **corner)
        if ax in axes[0]:
            ax.set_title(method, size=11)
plt.show()
