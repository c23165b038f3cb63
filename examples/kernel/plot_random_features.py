"""
How many walks does a kernel need?
==================================

A kernel on a graph with n nodes is a matrix of n² numbers and takes n³ steps to
compute. Random walks make sparse features whose products estimate it without bias. How
fast do their errors fall with the number of walks, and how good is good enough for
clustering?
"""

# %%
# Two graphs
# ----------
# A graph with four groups, whose nodes have 22 neighbors on average, and a grid, whose
# nodes have up to four.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.kernel import GraphRandomFeatures

rng = np.random.default_rng(0)
groups = np.repeat(np.arange(4), 75)
chances = np.where(groups[:, None] == groups, 0.2, 0.02)
W = np.triu(rng.random(chances.shape) < chances, 1).astype(float)
W = W + W.T

places = np.stack(np.divmod(np.arange(300), 20), axis=1)
grid = np.abs(places[:, None] - places).sum(axis=2) == 1
sigma2 = 4.0


def exact_kernel(W):
    """Square of the inverse of I + sigma2 L."""
    degrees = W.sum(axis=1)
    L = np.eye(len(W)) - W / np.sqrt(degrees[:, None] * degrees)
    return np.linalg.matrix_power(np.eye(len(W)) + sigma2 * L, -2)


def fit(W, n_walks, coupling, seed=0):
    """Features of a graph, two independent copies."""
    return GraphRandomFeatures(
        graph="precomputed",
        sigma2=sigma2,
        n_walks=int(n_walks),
        coupling=coupling,
        n_copies=2,
        random_state=seed,
    ).fit(W)


# %%
# Errors
# ------
# Independent walks have errors like 1 / sqrt(m), as any average of m. Repelling walks
# leave each node in different directions, and share out who halts. The more often walks
# meet, the more that helps: much on the grid, little among many neighbors.
counts = np.array([2, 4, 8, 16, 32, 64])
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for name, graph, line in (("groups", W, "o-"), ("grid", grid.astype(float), "s--")):
    K = exact_kernel(graph)
    for color, coupling in enumerate(("iid", "antithetic", "repelling")):
        errors = []
        for m in counts:
            models = [fit(graph, m, coupling, seed) for seed in range(3)]
            norms = [np.linalg.norm(f.kernel_approximation() - K) for f in models]
            errors.append(np.mean(norms) / np.linalg.norm(K))
        slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
        label = f"{name}, {coupling}: slope {slope:.2f}"
        left.loglog(counts, errors, line, color=f"C{color}", label=label)
left.set(xlabel="walks from each node", ylabel="relative error of the kernel")
left.legend(fontsize="small")
left.set_xticks(counts, counts)
left.minorticks_off()

# %%
# Clustering
# ----------
# k-means on the features, beside k-means on an exact root of the kernel.


def score(features):
    """Agreement of k-means with the groups."""
    means = KMeans(4, n_init=3, random_state=0).fit(features)
    return adjusted_rand_score(groups, means.labels_)


values, vectors = np.linalg.eigh(exact_kernel(W))
exact = score(vectors * np.sqrt(np.maximum(values, 0)))
right.axhline(exact, color="black", label="exact kernel")
for coupling in ("iid", "repelling"):
    scores = [score(fit(W, m, coupling).features_.toarray()) for m in counts]
    right.semilogx(counts, scores, "o-", label=coupling)
right.set(xlabel="walks from each node", ylabel="adjusted Rand index")
right.set_xticks(counts, counts)
right.minorticks_off()
right.legend()
plt.show()
