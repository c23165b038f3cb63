"""
Do logarithms of kernels find the classes of a graph better?
============================================================

A kernel between the nodes of a graph counts walks, or follows heat, from one node to
another. Its entries differ by orders of magnitude, and the entrywise logarithm brings
them together. Is that better for clustering, and does the parameter matter? We ask as
[Ivashkin and Chebotarev, 2016, https://arxiv.org/abs/1605.01046] did: by Ward's method
on random graphs with planted classes.
"""

# %%
# Four families of kernels
# ------------------------
# Each has a plain member and its logarithm. Flat parameters between 0 and 1 make them
# comparable: the larger, the farther nodes see each other.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from sklearn_manifold_reg.cluster import KernelWard
from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.graph import NODE_KERNELS, NodeKernels, kernel_path
from sklearn_manifold_reg.metrics import copeland_score

FAMILIES = ["katz", "forest", "communicability", "heat"]
measures = [name for f in FAMILIES for name in (f, f"log_{f}")]
grid = np.linspace(0, 1, 17)[1:-1]
for family in FAMILIES:
    print(f"{family:16s} {NODE_KERNELS[family].formula}")

# %%
# Agreement with the classes, over the parameter
# ----------------------------------------------
# Two classes of 50 nodes; pairs are joined with probability 0.3 within and 0.15 between
# classes. One object per graph shares what its kernels have in common. Nodes are
# shuffled: a hierarchy breaks ties by the order of nodes, which is that of the classes
# otherwise.


def agreement(seed):
    """Compute the adjusted Rand index of each measure and parameter on a graph."""
    rng = np.random.RandomState(seed)
    A, y = make_planted_partition(100, 2, p_out=0.15, random_state=rng)
    order = rng.permutation(len(y))
    kernels, ward = NodeKernels(A[order][:, order]), KernelWard(2)
    return [
        [adjusted_rand_score(y[order], ward.fit(K).labels_) for K in path]
        for path in (kernel_path(kernels, name, grid) for name in measures)
    ]


scores = np.array([agreement(seed) for seed in range(18)])
training, new = scores[:8], scores[8:]
means = training.mean(axis=0)

# %%
# Duels at the best parameter
# ---------------------------
# Eight graphs choose a parameter for each measure. On each of ten new graphs every
# measure then meets every other; Copeland's score is duels won less duels lost.
best = means.argmax(axis=1)
chosen = new[:, np.arange(len(measures)), best]
duels = copeland_score(chosen)
for name, place, mean, score in zip(
    measures, best, chosen.mean(axis=0), duels, strict=True
):
    print(f"{name:20s} x = {grid[place]:.2f}, mean ARI {mean:.2f}, duels {score:4d}")

# %%
# The forest kernel and heat see next to nothing here; the logarithm of one finds the
# classes at nearly every parameter, that of the other at short times. For katz there is
# little between the two. The logarithm of communicability leads, until exp(t A) is of
# rank one up to rounding: it is then a sum of one term for each node, and says nothing
# of pairs.
figure, axes = plt.subplot_mosaic(
    [[*FAMILIES[:2], "duels"], [*FAMILIES[2:], "duels"]],
    figsize=(11, 6),
    layout="constrained",
)
for family in FAMILIES:
    ax = axes[family]
    for name, style in ((family, "C0"), (f"log_{family}", "C1")):
        ax.plot(grid, means[measures.index(name)], style, label=name)
    ax.set(xlabel="flat parameter", ylabel="mean ARI", ylim=(-0.03, 1.03))
    ax.legend(loc="upper left")
order = np.argsort(duels)
colors = ["C1" if measures[i].startswith("log_") else "C0" for i in order]
axes["duels"].barh([measures[i] for i in order], duels[order], color=colors)
axes["duels"].set(xlabel="duels won less lost", title="10 new graphs")
plt.show()
