"""
Two moons, one label each: what do the unlabeled points add?
============================================================

An SVC that sees the two labeled points cuts the plane half-way between them. The points
without labels show where the moons lie, and labels travel along them. The decisions
hold for the whole plane: scikit-learn's `DecisionBoundaryDisplay` draws them.
"""

# %%
# One label a class
# -----------------
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from sklearn.datasets import make_moons
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.svm import SVC

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionClassifier,
    LaplacianRegularizedClassifier,
)

X, truth = make_moons(400, noise=0.07, random_state=0)
labeled = [np.flatnonzero(truth == label)[0] for label in (0, 1)]
y = np.full(len(X), -1)
y[labeled] = truth[labeled]

# %%
# Three classifiers
# -----------------
graph = NeighborsGraph(n_neighbors=10)
models = {
    "SVC, two labeled points": SVC().fit(X[labeled], y[labeled]),
    "LaplacianRegularizedClassifier": LaplacianRegularizedClassifier(graph).fit(X, y),
    "LabelDiffusionClassifier": LabelDiffusionClassifier(graph).fit(X, y),
}

colors = ListedColormap(["#3f90da", "#ffa90e"])
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    DecisionBoundaryDisplay.from_estimator(
        model,
        X,
        ax=ax,
        response_method="predict",
        plot_method="pcolormesh",
        grid_resolution=200,
        cmap=colors,
        alpha=0.35,
    )
    ax.scatter(*X[y == -1].T, c="0.35", s=6)
    ax.scatter(
        *X[labeled].T, c=[0, 1], cmap=colors, s=160, marker="*", edgecolors="black"
    )
    accuracy = np.mean(model.predict(X) == truth)
    ax.set(title=f"{name}\naccuracy {accuracy:.2f}", xticks=[], yticks=[])
plt.show()
