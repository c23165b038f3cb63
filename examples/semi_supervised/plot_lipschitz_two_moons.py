"""
Where does a smooth function have to be steep?
==============================================

Two moons with one label each. The ordinary Laplacian asks for a function that is smooth
in the mean, and is content with one that jumps at the labels. A function of least
Lipschitz constant is nowhere steep: the weights lambda of its squared gradients move to
where it would be, and the difference between the labels is spread over the whole way
between them.
"""

# %%
# Three weightings of the same graph
# ----------------------------------
# With `max_iter=0` all weights are equal, and the Laplacian is the ordinary one.
# "normalize" keeps weights in proportion to squared gradients, "projection" finds the
# least Lipschitz constant. All three fit the labels equally well.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from sklearn_manifold_reg.graph import RadiusGraph
from sklearn_manifold_reg.plotting import LipschitzDisplay
from sklearn_manifold_reg.semi_supervised import ManifoldLipschitzRegressor

X, classes = make_moons(200, noise=0.05, random_state=1)
rng = np.random.default_rng(1)
y = np.full(len(X), np.nan)
for c in (0, 1):
    y[rng.choice(np.flatnonzero(classes == c))] = 2 * c - 1

graph = RadiusGraph(0.53, weights="heat", bandwidth=0.2)
models = {
    name: ManifoldLipschitzRegressor(
        graph, epsilon=1e-3, gradient="dirichlet", **parameters
    ).fit(X, y)
    for name, parameters in {
        "equal weights": {"max_iter": 0},
        "normalize": {},
        "projection": {"dual_update": "projection", "tol": 1e-3},
    }.items()
}

# %%
# Gradients and weights
# ---------------------
# Colors are gradients on one scale, sizes are weights, stars are labels. Each model's
# accuracy is that of the sign of its function. The least Lipschitz constant has a
# price: where the function may be as steep between the moons as along them, the place
# where it changes sign need not be the gap between them.
steepest = models["equal weights"].lipschitz_
figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    accuracy = np.mean((model.transduction_ > 0) == classes)
    title = f"{name}: Lipschitz {model.lipschitz_:.3f}, accuracy {accuracy:.2f}"
    LipschitzDisplay.from_estimator(
        model, X, ax=ax, name=title, colorbar=ax is axes[-1], vmin=0, vmax=steepest
    )
    known = ~np.isnan(y)
    ax.scatter(*X[known].T, marker="*", s=160, c="white", edgecolors="black", zorder=4)
    ax.set(xticks=[], yticks=[])
plt.show()

# %%
# A certificate
# -------------
# Any weights give a lower bound of the least squared gradient. "projection" raises it
# until it meets what the function attains.
history = models["projection"].history_
lower = np.maximum.accumulate(history["dual"])
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.semilogy(history["max_gradient"], label="largest squared gradient")
ax.semilogy(lower, label="lower bound")
ax.axhline(models["projection"].rho_, color="0.6", lw=0.8, label="answer")
ax.set(xlabel="change of the weights", ylim=(lower[1] / 2, None))
ax.legend()
plt.show()
