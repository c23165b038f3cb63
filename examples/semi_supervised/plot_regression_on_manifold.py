"""
What does regression gain from unlabeled rows?
==============================================

Points along a spiral, forty of them with a known value that varies smoothly along the
curve and has opposite signs on neighboring turns. Kernel ridge regression measures
distance through the plane, where the next turn is closer than the next label. The graph
of all points, labeled or not, measures it along the curve.
"""

# %%
# A wave along a spiral
# ---------------------
# `NaN` marks rows whose value is not known.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from sklearn_manifold_reg.model_selection import TransductiveSearchCV
from sklearn_manifold_reg.semi_supervised import (
    LabelDiffusionRegressor,
    LaplacianRegularizedRegressor,
)

rng = np.random.default_rng(0)
n_samples = 1500
angle = 8 * np.pi * np.sqrt(rng.uniform(0.03, 1, n_samples))
X = (angle * np.stack([np.cos(angle), np.sin(angle)])).T / (2 * np.pi)
X += rng.normal(scale=0.05, size=X.shape)
truth = np.sin(angle / 2)
labeled = rng.choice(n_samples, 40, replace=False)
y = np.full(n_samples, np.nan)
y[labeled] = truth[labeled]
hidden = np.isnan(y)

# %%
# Three regressors
# ----------------
# Two have settings, chosen by cross-validation on the forty labels; the last, which
# takes labels as exact, has none.
kernel_ridge = GridSearchCV(
    KernelRidge(kernel="rbf"),
    {"alpha": np.logspace(-4, -1, 4), "gamma": np.logspace(-2, 2, 9)},
    cv=5,
).fit(X[labeled], y[labeled])
regularized = TransductiveSearchCV(
    LaplacianRegularizedRegressor(),
    {"alpha": np.logspace(-8, -2, 4), "graph_alpha": np.logspace(-6, 0, 4)},
    cv=5,
).fit(X, y)
predictions = {
    "KernelRidge": kernel_ridge.predict(X),
    "LaplacianRegularizedRegressor": regularized.best_estimator_.transduction_,
    "LabelDiffusionRegressor": LabelDiffusionRegressor().fit(X, y).transduction_,
}

figure, axes = plt.subplots(1, 4, figsize=(13, 3.7), layout="constrained")
axes[0].scatter(*X[hidden].T, c="0.85", s=4)
axes[0].scatter(
    *X[labeled].T, c=y[labeled], s=45, cmap="coolwarm", vmin=-1, vmax=1, edgecolors="k"
)
axes[0].set_title("what is known")
for ax, (name, predicted) in zip(axes[1:], predictions.items(), strict=True):
    scatter = ax.scatter(*X.T, c=predicted, s=5, cmap="coolwarm", vmin=-1, vmax=1)
    score = r2_score(truth[hidden], predicted[hidden])
    ax.set_title(f"{name}\nR² {score:.2f} on hidden values")
for ax in axes:
    ax.set(xticks=[], yticks=[], aspect="equal")
figure.colorbar(scatter, ax=axes, label="value", shrink=0.8)
plt.show()
