"""
Which graph suits points of uneven density?
===========================================

`n_neighbors` decides whether the graph hangs together, `weights` how firmly it links
each point. With one bandwidth for all ("heat"), points in a sparse region have almost
no weight, and labels hardly pass through it. Self-tuning weights compare every distance
with the spacing of the points around it: dense and sparse regions are linked alike.
"""

# %%
# Two rings, the outer one with a seventh of the points
# -----------------------------------------------------
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.plotting import GraphDisplay

rng = np.random.default_rng(0)


def ring(n_points, radius):
    """Points near a circle."""
    angle = rng.uniform(0, 2 * np.pi, n_points)
    circle = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return circle + rng.normal(scale=0.06, size=circle.shape)


X = np.concatenate([ring(400, 1.0), ring(60, 2.0)])

# %%
# Three graphs
# ------------
# Colors show degrees, the sum of the weights at a point. With two neighbors the graph
# falls into pieces; by default a builder warns of that, with `connectivity="mst"` it
# joins them by the shortest missing edges.
builders = {
    '2 neighbors, "self-tuning"': NeighborsGraph(2, connectivity="mst"),
    '10 neighbors, "heat"': NeighborsGraph(10, weights="heat"),
    '10 neighbors, "self-tuning"': NeighborsGraph(10),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.9), layout="constrained")
for ax, (name, builder) in zip(axes, builders.items(), strict=True):
    builder.fit(X)
    display = GraphDisplay.from_estimator(
        builder,
        X,
        values=builder.affinity_.sum(axis=1),
        ax=ax,
        norm=LogNorm(0.01, 10),
        name=name,
        colorbar=False,
    )
    ax.set(xticks=[], yticks=[])
figure.colorbar(display.scatter_, ax=axes, label="degree")
plt.show()
