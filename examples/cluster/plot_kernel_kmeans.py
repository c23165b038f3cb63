"""
What does k-means find in the space of a kernel?
================================================

k-means and Ward's hierarchy cut space by planes. The same objective, of distances that
a kernel between the nodes of a graph defines, follows the graph:
:class:`~sklearn_manifold_reg.cluster.KernelKMeans` and
:class:`~sklearn_manifold_reg.cluster.KernelWard`.
"""

# %%
# Shapes
# ------
# The kernel exp(-t L), with L the Laplacian of the graph of nearest neighbors, is the
# heat that has come from one node to another after the time t.
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from scipy.linalg import eigh, expm
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import make_circles, make_moons
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelKMeans, KernelWard
from sklearn_manifold_reg.graph import NeighborsGraph, laplacian


def heat_kernel(X, time=200.0):
    """Evaluate the heat kernel of the graph of nearest neighbors."""
    graph = NeighborsGraph(n_neighbors=10, connectivity="mst").fit(X)
    L = laplacian(graph.affinity_, normalization="symmetric")
    values, vectors = eigh(L @ np.eye(len(X)))
    return (vectors * np.exp(-time * values)) @ vectors.T


data_sets = {
    "moons": make_moons(400, noise=0.07, random_state=0),
    "circles": make_circles(400, factor=0.5, noise=0.05, random_state=0),
}
colors = ListedColormap(["#3f90da", "#ffa90e"])
figure, axes = plt.subplots(2, 4, figsize=(11, 5.6), layout="constrained")
for row, (name, (X, truth)) in zip(axes, data_sets.items(), strict=True):
    K = heat_kernel(X)
    found = {
        "KMeans": KMeans(2, n_init=10, random_state=0).fit_predict(X),
        "Ward": AgglomerativeClustering(2).fit_predict(X),
        "KernelKMeans, heat": KernelKMeans(2, random_state=0).fit_predict(K),
        "KernelWard, heat": KernelWard(2).fit_predict(K),
    }
    row[0].set_ylabel(name)
    for ax, (method, labels) in zip(row, found.items(), strict=True):
        ax.scatter(*X.T, c=labels, cmap=colors, s=6)
        score = adjusted_rand_score(truth, labels)
        ax.text(0.02, 0.02, f"{score:.2f}", transform=ax.transAxes)
        ax.set(xticks=[], yticks=[], title=method if ax in axes[0] else None)

# %%
# Which kernel, and which algorithm
# ---------------------------------
# Networks of two communities of 50 nodes, where 30 % of the pairs inside are linked and
# 10 % of those between. Kernels that fall off fast leave all nodes nearly orthogonal:
# Lloyd's iteration, which compares distances to centers that contain the node itself,
# then leaves nodes where they happen to be. Single moves do not. The logarithm of a
# kernel [1]_ helps both.


def communities(rng):
    """Draw a network of two communities."""
    truth = np.arange(100) % 2
    share = np.where(truth[:, None] == truth, 0.3, 0.1)
    A = np.triu(rng.random((100, 100)) < share, 1).astype(float)
    return A + A.T, truth


kernels = {
    "regularized Laplacian": lambda A, t: np.linalg.inv(
        np.eye(100) + t * (np.diag(A.sum(axis=0)) - A)
    ),
    "communicability": lambda A, t: expm(t * A),
    "log communicability": lambda A, t: np.log(expm(t * A)),
}
algorithms = {"iterative": "-", "lloyd": "--"}
rng = np.random.default_rng(0)
networks = [communities(rng) for _ in range(5)]
times = np.geomspace(0.02, 1, 8)
figure, ax = plt.subplots(figsize=(8.5, 4), layout="constrained")
for color, (name, kernel) in zip(
    ("#3f90da", "#ffa90e", "#bd1f01"), kernels.items(), strict=True
):
    matrices = [[kernel(A, t) for A, _ in networks] for t in times]
    for algorithm, style in algorithms.items():
        model = KernelKMeans(2, algorithm=algorithm, random_state=0)
        scores = [
            np.mean(
                [
                    adjusted_rand_score(truth, model.fit_predict(K))
                    for K, (_, truth) in zip(row, networks, strict=True)
                ]
            )
            for row in matrices
        ]
        ax.semilogx(times, scores, style, color=color, label=f"{name}, {algorithm}")
ax.set(xlabel="t", ylabel="adjusted Rand index", ylim=(-0.05, 1.05))
figure.legend(fontsize="small", loc="outside right")
plt.show()

# %%
# References
# ----------
# .. [1] V. Ivashkin, P. Chebotarev, "Do logarithmic proximity measures outperform plain
#    ones in graph clustering?", Springer Proceedings in Mathematics and Statistics 197,
#    2017, doi:10.1007/978-3-319-56829-4_8.
