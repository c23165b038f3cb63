"""
Can kernel regression live on 100,000 nodes?
============================================

The kernel of a graph with 100,000 nodes has 10 billion entries. Random features by
walks have some hundred entries a node, and make kernel regression, or the mean of a
Gaussian process, a sparse linear model: ridge regression on the features.
"""

# %%
# A network of 1,000 communities
# ------------------------------
# Each node has some ten neighbors in its community and four anywhere. A number belongs
# to each community, and is seen with noise at a few nodes; nothing tells communities
# but the edges.
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from sklearn_manifold_reg.graph import Graph
from sklearn_manifold_reg.kernel import GraphRandomFeatures

n, n_communities = 100_000, 1000
rng = np.random.default_rng(0)
community = np.arange(n) % n_communities
ends = np.repeat(np.arange(n), 5)
others = rng.integers(n // n_communities, size=5 * n) * n_communities + community[ends]
inside = np.stack([ends, others], axis=1)
edges = np.concatenate([inside, rng.integers(n, size=(2 * n, 2))])
edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
W = Graph.from_edges(edges, n_nodes=n).affinity.astype(np.float32)

truth = rng.normal(size=n_communities)[community]
y = truth + 0.3 * rng.normal(size=n)

# %%
# Features
# --------
# Of the diffusion kernel exp(-tau L), whose time says how far labels are to reach.
start = time.perf_counter()
model = GraphRandomFeatures(
    kernel="diffusion",
    graph="precomputed",
    tau=6.0,
    n_walks=32,
    coupling="repelling",
    random_state=0,
)
Phi = model.fit_transform(W)
print(f"{model.n_steps_ / 1e6:.0f} million steps: {time.perf_counter() - start:.1f} s")
print(f"{Phi.nnz / n:.0f} of {n} entries in a row")

# %%
# Regression
# ----------
# Beside it, the mean over those neighbors whose number is known, shrunk like one more
# observation of 0.
order = rng.permutation(n)
shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4]
scores = {"random features": [], "mean of neighbors": []}
start = time.perf_counter()
for share in shares:
    labeled, hidden = order[: int(share * n)], order[int(share * n) :]
    ridge = Ridge(alpha=0.01, solver="sparse_cg").fit(Phi[labeled], y[labeled])
    prediction = ridge.predict(Phi[hidden])
    scores["random features"].append(r2_score(truth[hidden], prediction))
    known = np.zeros(n)
    known[labeled] = 1.0
    means = (W @ (known * y)) / (W @ known + 1)
    scores["mean of neighbors"].append(r2_score(truth[hidden], means[hidden]))
    if share == 0.1:
        shown = truth[hidden], prediction
print(f"{len(shares)} regressions: {time.perf_counter() - start:.1f} s")

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.hexbin(*shown, gridsize=60, bins="log", cmap="Blues")
left.axline((0, 0), slope=1, color="black", linewidth=0.8)
left.set(
    xlabel="number of the community",
    ylabel="prediction",
    title="Nodes without a label, one in ten has one",
)
for name, values in scores.items():
    right.semilogx(shares, values, "o-", label=name)
right.set(xlabel="share of labeled nodes", ylabel="R² at the others", ylim=(0, 1))
right.set_xticks(shares, [f"{share:.0%}" for share in shares])
right.minorticks_off()
right.legend()
plt.show()
