"""
What if some pixels lie in the shade?
=====================================

Fully constrained least squares takes shares of a pixel that sum to one. A pixel in the
shade is darker than that allows, and gets the wrong materials. A structured sparse
factorization, `SSNMF`, leaves the sum free: few materials a pixel, alike in neighbors,
take the place of the sum.
"""

# %%
# A scene in changing light
# -------------------------
# Four materials, few in each pixel. Hills make light and shade: each pixel is
# multiplied by its light, smooth over the image. White noise at 20 dB comes on top.
import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter

from sklearn_manifold_reg.datasets import make_mixed_scene
from sklearn_manifold_reg.decomposition import SSNMF, LinearUnmixer
from sklearn_manifold_reg.graph import ImageGraph
from sklearn_manifold_reg.metrics import (
    abundance_rmse,
    match_components,
    spectral_angle_distance,
)
from sklearn_manifold_reg.plotting import EndmembersDisplay


def draw(contrast, seed, snr=20):
    """Draw a scene, its pixels as they are measured, and the light on each."""
    scene = make_mixed_scene(concentration=0.3, random_state=seed)
    rng = np.random.default_rng(seed)
    hills = gaussian_filter(rng.standard_normal(scene.shape), 1.5).reshape(-1, 1)
    light = np.clip(1 + contrast * hills / hills.std(), 0.1, 2)
    signal = light * scene.data
    level = np.sqrt(np.mean(signal**2) / 10 ** (snr / 10))
    noisy = signal + level * rng.standard_normal(signal.shape)
    return scene, np.maximum(noisy, 0), light


METHODS = {
    "pure pixels, sum one": LinearUnmixer(4, random_state=0),
    "pure pixels, no sum": LinearUnmixer(4, abundances="nnls", random_state=0),
    "factorization": SSNMF(
        4, alpha=0.0, graph_alpha=0.0, max_iter=1000, random_state=0
    ),
    "sparse": SSNMF(4, alpha="auto", graph_alpha=0.0, random_state=0),
    "sparse, with a graph": SSNMF(
        4,
        ImageGraph(shape=(60, 60)),
        alpha="auto",
        graph_alpha="auto",
        random_state=0,
    ),
}


def unmix(method, scene, X):
    """Give the angle to true spectra, the error of shares, and the shares in order."""
    W = method.fit_transform(X)
    order = match_components(scene.endmembers, method.components_)
    angle = spectral_angle_distance(scene.endmembers, method.components_)
    sums = W.sum(axis=1, keepdims=True)
    shares = W[:, order] / np.where(sums > 0, sums, 1)
    return angle, abundance_rmse(scene.abundances, shares), shares


# %%
# What does shade cost?
# ---------------------
# Errors of the shares, after division by their sum, over two scenes for each
# contrast of the light.
contrasts = (0.0, 0.2, 0.4, 0.6)
errors = {name: np.zeros(len(contrasts)) for name in METHODS}
for k, contrast in enumerate(contrasts):
    for seed in range(2):
        scene, X, _ = draw(contrast, seed)
        for name, method in METHODS.items():
            errors[name][k] += unmix(method, scene, X)[1] / 2

figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for name, values in errors.items():
    ax.plot(contrasts, values, "o-", label=name)
    print(f"{name:22}", *(f"{value:.3f}" for value in values))
ax.set(xlabel="contrast of the light", ylabel="error of the shares", ylim=(0, None))
ax.legend()

# %%
# In even light the sum is true, and pure pixels do about as well as anything. Where the
# light changes it is false, and bright pixels pass for pure ones. The graph helps
# against the noise, most of all in dark pixels.
#
# Maps
# ----
# One scene with contrast 0.4.
scene, X, light = draw(0.4, seed=0)
names = ("pure pixels, sum one", "sparse, with a graph")
maps = {"truth": scene.abundances}
maps |= {name: unmix(METHODS[name], scene, X)[2] for name in names}
figure, axes = plt.subplots(3, 5, figsize=(10, 6), layout="constrained")
for row, (name, shares) in zip(axes, maps.items(), strict=True):
    for k in range(4):
        row[k].imshow(shares[:, k].reshape(scene.shape), vmin=0, vmax=1)
    row[0].set_ylabel(name)
axes[0, 4].imshow(light.reshape(scene.shape), cmap="gray")
axes[0, 4].set_title("light")
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
for ax in axes[1:, 4]:
    ax.axis("off")
for k in range(4):
    axes[0, k].set_title(f"material {k}")

# %%
# Spectra
# -------
# Those of the factorization, the truth dashed; norms are one, so only shapes count.
truth = scene.endmembers / np.linalg.norm(scene.endmembers, axis=1, keepdims=True)
EndmembersDisplay.from_estimator(
    METHODS["sparse, with a graph"], wavelengths=scene.wavelengths, truth=truth
)
