"""
Can settings be chosen with a hundred labels?
=============================================

Cross-validation has to treat unlabeled rows with care: plain cross-validation counts
every unlabeled test row as wrong. `TransductiveSearchCV` hides some of the labels,
keeps all rows in the graph, and scores the hidden labels only. The graph does not
depend on labels, so each is built once for all folds. With a hundred labels scores are
uncertain by some two points, which is enough to tell good graphs from bad ones.
"""

# %%
# Digits, ten labels a class
# --------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.model_selection import TransductiveSearchCV
from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier

X, truth = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
y = np.full(len(truth), -1)
for label in range(10):
    rows = np.flatnonzero(truth == label)
    y[rng.choice(rows, 10, replace=False)] = label
hidden = y == -1

# %%
# The search, and what plain cross-validation says of the defaults
# ----------------------------------------------------------------
model = LabelDiffusionClassifier(NeighborsGraph(connectivity="mst"))
grid = {
    "graph__n_neighbors": [5, 15, 50, 150],
    "graph__weights": ["connectivity", "self-tuning"],
}
search = TransductiveSearchCV(model, grid, cv=5).fit(X, y)
print("best setting:", search.best_params_)
print("plain cross-validation:", cross_val_score(model, X, y).mean().round(2))

# %%
# Against the truth
# -----------------
# Each point is a setting: what the search says of it, and its accuracy on the rows
# whose labels were never shown.
results = search.cv_results_
accuracy = []
for setting in results["params"]:
    fitted = clone(model).set_params(**setting).fit(X, y)
    accuracy.append(np.mean(fitted.transduction_[hidden] == truth[hidden]))
accuracy = np.array(accuracy)

figure, ax = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
ax.plot([0.8, 1], [0.8, 1], color="0.8", zorder=0)
for weights, marker in [("connectivity", "s"), ("self-tuning", "o")]:
    chosen = results["param_graph__weights"] == weights
    points = ax.scatter(
        accuracy[chosen],
        results["mean_test_score"][chosen],
        c=np.log10(results["param_graph__n_neighbors"][chosen].astype(float)),
        vmin=np.log10(5),
        vmax=np.log10(150),
        s=70,
        marker=marker,
        edgecolors="black",
        label=f'weights="{weights}"',
    )
best = search.best_index_
ax.annotate(
    "chosen",
    (accuracy[best], results["mean_test_score"][best]),
    xytext=(-12, 18),
    textcoords="offset points",
    ha="right",
    arrowprops={"arrowstyle": "->"},
)
ax.set(xlabel="accuracy on hidden rows", ylabel="score by TransductiveSearchCV")
ax.legend(loc="upper left")
colorbar = figure.colorbar(points, label="neighbors")
colorbar.set_ticks(np.log10([5, 15, 50, 150]), labels=[5, 15, 50, 150])
plt.show()
