"""
Does an embedding show the shape of the data, or where they are dense?
======================================================================

Points along a closed curve, four times as dense on one side as on the other. An
embedding by the graph Laplacian takes the sparse side for a gap and tears the circle's
eigenvalue pairs apart. A diffusion map divides the weights by the density of both ends
first (`alpha=1`): what is left is the curve.
"""

# %%
# A circle with most of its points on the right
# ---------------------------------------------
import matplotlib.pyplot as plt
import numpy as np

from sklearn_manifold_reg.manifold import DiffusionMap
from sklearn_manifold_reg.plotting import EmbeddingDisplay

n_samples = 500
fine = np.linspace(0, 2 * np.pi, 10_001)
mass = (fine + 0.6 * np.sin(fine)) / (2 * np.pi)
angle = np.interp((np.arange(n_samples) + 0.5) / n_samples, mass, fine)
X = np.column_stack([np.cos(angle), np.sin(angle)])
density = 1 + 0.6 * np.cos(angle)

# %%
# With and without the density
# ----------------------------
# The eigenvalues of a circle are 1, 1, 4, 4, 9, 9, ... times the lowest one.
models = {
    f"alpha={alpha:g}": DiffusionMap(6, alpha=alpha, diffusion_time=0).fit(X)
    for alpha in (0.0, 1.0)
}
for name, model in models.items():
    values = model.eigenvalues_ / model.eigenvalues_[:2].mean()
    print(f"{name}: eigenvalues", *np.round(values, 2))

# %%
# New rows beside the curve
# -------------------------
# Geometric harmonics carry the coordinates off the curve, as far as the Gaussians reach
# that the training rows determine, and then to 0; Nyström gives the mean of the
# neighbors at any distance.
radii = np.linspace(1.0, 3.0, 40)
ray = radii[:, None] * np.array([[np.cos(1.0), np.sin(1.0)]])
figure, axes = plt.subplots(1, 4, figsize=(15, 3.7), layout="constrained")
EmbeddingDisplay.from_embedding(
    X, values=density, ax=axes[0], name="rows, colored by density"
)
for ax, (name, model) in zip(axes[1:], models.items(), strict=False):
    EmbeddingDisplay.from_estimator(
        model, values=density, ax=ax, name=name, colorbar=False
    )
for extension in ("nystroem", "geometric_harmonics"):
    model = DiffusionMap(1, diffusion_time=0, extension=extension).fit(X)
    axes[3].plot(radii, model.transform(ray)[:, 0], label=extension)
axes[3].set(title="column 0 away from the curve", xlabel="distance from the center")
axes[3].legend()
for ax in axes[:3]:
    ax.set_aspect("equal")
plt.show()
