"""
How does a scanner's data become an image?
==========================================

A scanner measures integrals of an image along rays from many angles. Filtered
back-projection turns them into an image in one pass. How many angles does it need, and
what does it make of noise?
"""

# %%
# The phantom, and what a scanner sees of it
# ------------------------------------------
# Ten ellipses: intensity, half axes, center, and angle in degrees. An image is a vector
# of pixels for the operators, one row of measurements for the estimators.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

from sklearn_manifold_reg.inverse import FilteredBackProjection, RadonTransform

ELLIPSES = [
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
]


def draw_phantom(side):
    """Draw a head, as Shepp and Logan did, with more contrast."""
    y, x = np.mgrid[1 : -1 : side * 1j, -1 : 1 : side * 1j]
    image = np.zeros((side, side))
    for value, a, b, x0, y0, degrees in ELLIPSES:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        along = (c * (x - x0) + s * (y - y0)) / a
        across = (c * (y - y0) - s * (x - x0)) / b
        image += value * (along**2 + across**2 <= 1)
    return image


side = 200
phantom = draw_phantom(side)
radon = RadonTransform(phantom.shape, np.linspace(0, 180, 240, endpoint=False))
measured = radon @ phantom.reshape(-1)

fig, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
axes[0].imshow(phantom, cmap="gray", vmax=0.5)
axes[0].set(title="image", xticks=[], yticks=[])
axes[1].imshow(
    measured.reshape(radon.measurement_shape), cmap="gray", aspect="auto",
    extent=(0, 180, radon.measurement_shape[0], 0),
)  # fmt: skip
axes[1].set(title="sinogram", xlabel="angle in degrees", ylabel="detector")

# %%
# The operator is a linear map with an exact adjoint: both sides of
# :math:`\langle A u, y \rangle = \langle u, A' y \rangle` agree to rounding, which
# iterative methods rely on.
u, y = np.random.default_rng(0).normal(size=(2, max(radon.shape)))
u, y = u[: radon.shape[1]], y[: radon.shape[0]]
left, right = (radon @ u) @ y, u @ (radon.adjoint() @ y)
print(f"{left:.9f}\n{right:.9f}")

# %%
# How many angles?
# ----------------
# Quality is the peak signal-to-noise ratio, in decibels. With few angles, each ray
# leaves a streak.


def psnr(image):
    """Peak signal-to-noise ratio in decibels."""
    return 10 * np.log10(1 / np.mean((image.reshape(side, side) - phantom) ** 2))


images = {}
for n_angles in (15, 60, 240):
    radon = RadonTransform(phantom.shape, np.linspace(0, 180, n_angles, endpoint=False))
    X = (radon @ phantom.reshape(-1)).reshape(1, -1)
    image = FilteredBackProjection(radon).fit(X).predict(X)
    images[f"{n_angles} angles: {psnr(image):.1f} dB"] = image

fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
for ax, (title, image) in zip(axes, images.items(), strict=True):
    ax.imshow(image.reshape(side, side), cmap="gray", vmin=0, vmax=0.5)
    ax.set(title=title, xticks=[], yticks=[])

# %%
# What about noise?
# -----------------
# The ramp filter lifts high frequencies, and the noise with them. Windows trade
# sharpness for calm. Where some true images are known, a search picks the window: they
# are the targets, as this is a regressor.
rng = np.random.default_rng(0)
clean = radon @ phantom.reshape(-1)
level = 0.1 * np.linalg.norm(clean) / np.sqrt(len(clean))
X = clean + level * rng.standard_normal((4, len(clean)))
y = np.tile(phantom.reshape(1, -1), (4, 1))

windows = ["ramp", "shepp-logan", "cosine", "hamming", "hann"]
search = GridSearchCV(FilteredBackProjection(radon), {"filter": windows}, cv=KFold(2))
search.fit(X, y)
print(f"chosen: {search.best_params_['filter']}")
for window, score in zip(windows, search.cv_results_["mean_test_score"], strict=True):
    print(f"{window:12} explains {score:6.3f} of the variance")

fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
for ax, window in zip(axes, ("ramp", "shepp-logan", "hann"), strict=True):
    image = FilteredBackProjection(radon, filter=window).fit(X).predict(X[:1])
    ax.imshow(image.reshape(side, side), cmap="gray", vmin=0, vmax=0.5)
    ax.set(title=f"{window}: {psnr(image):.1f} dB", xticks=[], yticks=[])
