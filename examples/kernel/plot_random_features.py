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
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelKMeans
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.kernel import GraphRandomFeatures

A, groups = make_planted_partition(300, 4, p_in=0.2, p_out=0.02, random_state=0)
W = A.toarray()

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
errors = {}
for name, graph in (("groups", W), ("grid", grid.astype(float))):
    K = exact_kernel(graph)
    for coupling in ("iid", "antithetic", "repelling"):
        errors[name, coupling] = []
        for m in counts:
            models = [fit(graph, m, coupling, seed) for seed in range(3)]
            norms = [np.linalg.norm(f.kernel_approximation() - K) for f in models]
            errors[name, coupling].append(np.mean(norms) / np.linalg.norm(K))

# %%
# Clustering
# ----------
# k-means in the space of the kernel, exact and estimated.


def score(K):
    """Agreement of clusters with the groups."""
    model = KernelKMeans(4, random_state=0).fit(K)
    return adjusted_rand_score(groups, model.labels_)


exact = score(exact_kernel(W))
scores = {
    coupling: [score(fit(W, m, coupling).kernel_approximation()) for m in counts]
    for coupling in ("iid", "repelling")
}

# %%
# Both against the number of walks
# --------------------------------
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
lines = {"groups": "o-", "grid": "s--"}
colors = {"iid": "C0", "antithetic": "C1", "repelling": "C2"}
for (name, coupling), values in errors.items():
    slope = np.polyfit(np.log(counts), np.log(values), 1)[0]
    left.loglog(
        counts,
        values,
        lines[name],
        color=colors[coupling],
        label=f"{name}, {coupling}: slope {slope:.2f}",
    )
left.set(xlabel="walks from each node", ylabel="relative error of the kernel")
left.legend(fontsize="small")
right.axhline(exact, color="black", label="exact kernel")
for coupling, values in scores.items():
    right.semilogx(counts, values, "o-", color=colors[coupling], label=coupling)
right.set(xlabel="walks from each node", ylabel="adjusted Rand index")
right.legend()
for ax in (left, right):
    ax.set_xticks(counts, counts)
    ax.minorticks_off()
plt.show()
