"""
Which kernel of a graph suits a classifier?
===========================================

There are many ways to say how near two nodes of a graph are: by all walks between
them, by heat that flows from one to the other, by trees that hold both. A grid search
takes the kernel for a parameter like any other: `GraphKernel` builds the graph of the
training rows, gives their kernel to a support vector machine, and links the rows to be
predicted.
"""

# %%
# Digits, few enough to be hard
# -----------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from sklearn_manifold_reg.graph import NeighborsGraph
from sklearn_manifold_reg.kernel import GraphKernel

X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]

# %%
# A search over kernels and how far they see
# ------------------------------------------
# `param` is on one scale for all of them: near 0 nodes see their neighbors only, near 1
# the whole graph.
kernels = ["heat", "log_heat", "communicability", "log_communicability", "ppr"]
params = [0.1, 0.3, 0.5, 0.7, 0.9]
model = make_pipeline(
    GraphKernel(graph=NeighborsGraph(connectivity="mst")),
    SVC(kernel="precomputed", C=10.0),
)
grid = {"graphkernel__kernel": kernels, "graphkernel__param": params}
folds = StratifiedKFold(3, shuffle=True, random_state=0)
search = GridSearchCV(model, grid, cv=folds).fit(X, y)
scores = search.cv_results_["mean_test_score"].reshape(len(kernels), len(params))
print("best:", search.best_params_, f"{search.best_score_:.3f}")

# %%
# What a logarithm does
# ---------------------
# Rows are sorted by digit. A plain kernel is large between neighbors and nearly zero
# between all others, far or farther; its logarithm tells those apart.
order = np.argsort(y, kind="stable")
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
for name, line in zip(kernels, scores, strict=True):
    axes[0].plot(params, line, marker="o", label=name)
axes[0].set(xlabel="param", ylabel="cross-validated accuracy")
axes[0].legend()
for ax, name in zip(axes[1:], kernels, strict=False):
    K = GraphKernel(name, NeighborsGraph(connectivity="mst")).fit_transform(X)
    image = ax.imshow(K[np.ix_(order, order)], cmap="viridis")
    ax.set(title=f'"{name}", rows by digit', xticks=[], yticks=[])
    figure.colorbar(image, ax=ax)
plt.show()
